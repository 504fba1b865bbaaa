"""The steps of a set-up, in order. Steps that are commands of KineCue itself are added here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap import interfaces, own_package, packages
from bootstrap.environment import Environment, marker_text
from bootstrap.progress import StepLine, run_logged
from bootstrap.ros_source import RosSource
from bootstrap.steps import Step

GOALS = ("setup", "demo", "test", "bench")


@dataclass(frozen=True)
class OwnCommand:
    """A step that is a command of KineCue: `python -m kinecue.cli.main ARGUMENTS`."""

    name: str
    title: str
    arguments: tuple[str, ...]
    inputs: tuple[str, ...]
    """Files and folders, relative to the repository; it is done again when one changes."""
    outputs: tuple[str, ...] = ()
    """Files it makes, relative to KineCue's data folder; it is done again when one is missing."""
    goals: tuple[str, ...] = GOALS
    without: str = ""
    """What holds where it fails, for one that can be gone without."""


def _clips(name: str, goal: str, *clips: str) -> OwnCommand:
    """Clips of the simulated gym for a goal; those that are there already are not made again."""
    return OwnCommand(
        name,
        "Sample clips" if clips[1:] else "Sample clip",
        ("sample", *clips),
        inputs=("src/kinecue/simulation",),
        outputs=tuple(f"samples/{clip}.mp4" for clip in clips),
        goals=(goal,),
    )


OWN_COMMANDS = (
    OwnCommand(
        "models",
        "Pose models: fetch, verify, convert to ONNX",
        ("models", "fetch"),
        inputs=(
            "models/manifest.yaml",
            "src/kinecue/perception/convert.py",
            "src/kinecue/onnx_file.py",
            "src/kinecue/perception/tflite_file.py",
        ),
        outputs=(
            "models/pose_detection.onnx",
            "models/pose_landmark_lite.onnx",
            "models/pose_landmark_full.onnx",
        ),
    ),
    OwnCommand(
        "test_files",
        "Test picture and clip",
        ("models", "fetch", "test_picture", "test_clip"),
        inputs=("models/manifest.yaml",),
        outputs=("models/test",),
        goals=("test",),
    ),
    OwnCommand(
        "voice",
        "Voice",
        ("voice", "fetch"),
        inputs=("src/kinecue/speech/voice_setup.py",),
        outputs=("voice",),
    ),
    OwnCommand(
        "language",
        "Language model: fetch, verify, convert to ONNX",
        ("models", "language"),
        inputs=(
            "src/kinecue/cli/language_model.py",
            "src/kinecue/coaching/language/installation.py",
            "src/kinecue/coaching/language/conversion.py",
            "src/kinecue/coaching/language/gguf_to_onnx.py",
            "src/kinecue/coaching/language/gguf_tokenizer.py",
            "src/kinecue/onnx_file.py",
        ),
        outputs=("language/smollm2-135m/model.onnx", "language/smollm2-135m/tokenizer.json"),
        without="Going on without it: the coach then speaks with the words of its phrase book alone.",
    ),
    _clips("sample", "demo", "sample_squat"),
    _clips("test_samples", "test", "sample_squat", "clean_squat"),
    _clips("samples", "bench", "sample_squat", "clean_squat", "sample_curl", "clean_curl"),
)


def steps_for(
    goal: str, environment: Environment, source: RosSource, shell: Mapping[str, str], root: Path
) -> list[Step]:
    """The steps for a goal."""
    steps = [
        Step(
            "environment",
            "Python environment",
            lambda line: environment.create(source, shell, line),
            inputs=lambda: [marker_text(source)],
            outputs=lambda: [environment.python],
        ),
        Step(
            "packages",
            "Python packages" if source.system else "Python packages and ROS 2 Jazzy",
            lambda line: packages.install(environment, source, shell, line, root),
            inputs=lambda: packages.inputs(source),
            needs=("environment",),
        ),
        Step(
            "interfaces",
            "ROS interfaces: " + ", ".join(path.name for path in interfaces.folders(root, source)),
            lambda line: interfaces.build(environment, source, shell, line, root),
            inputs=lambda: interfaces.folders(root, source),
            needs=("packages",),
        ),
        Step(
            "kinecue",
            "KineCue",
            lambda line: own_package.install(environment, shell, line, root),
            inputs=lambda: [root / name for name in ("setup.py", "setup.cfg", "package.xml", "resource")],
            needs=("packages",),
        ),
    ]
    steps += [
        _own_step(command, environment, shell, root) for command in OWN_COMMANDS if goal in command.goals
    ]
    return steps


def _own_step(command: OwnCommand, environment: Environment, shell: Mapping[str, str], root: Path) -> Step:
    # As kinecue.body.paths.data_dir has it.
    data = Path(shell.get("KINECUE_DATA") or environment.root / "share/kinecue_data").expanduser()

    def action(line: StepLine) -> None:
        arguments = [str(environment.python), "-m", "kinecue.cli.main", *command.arguments]
        log = environment.logs / f"{command.name}.log"
        run_logged(arguments, log, line, command.title, shell, root)

    return Step(
        command.name,
        command.title,
        action,
        inputs=lambda: [" ".join(command.arguments), str(data), *(root / name for name in command.inputs)],
        outputs=lambda: [data / name for name in command.outputs],
        needs=("kinecue",),
        without=command.without,
    )
