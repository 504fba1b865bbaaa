"""``kinecue people`` and ``kinecue calibrate``: who is stored, and measuring somebody on a clip or with a camera."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.camera import CameraModel
from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.paths import data_dir
from kinecue.body.person import Person, check_id, list_people, load_person, people_dir, save_person
from kinecue.perception.adapters import open_pose_network
from kinecue.perception.blazepose import VARIANTS, PoseNetwork
from kinecue.perception.calibration import load_intrinsics
from kinecue.perception.camera import V4l2Camera
from kinecue.perception.frames import FrameSource
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.lifter import ChoiceSettings, LifterChoice, Seen
from kinecue.perception.models import ModelStore
from kinecue.perception.quick_calibration import Calibration, QuickCalibration, Refusal, State
from kinecue.perception.quick_calibration import Progress as Answer
from kinecue.perception.recordings import VideoFile
from kinecue.perception.standing import measure
from kinecue.simulation.clip import ClipTruth, truth_path

_PEOPLE = 2
"""The one who is measured and one who walks by."""
_CAMERA_PATIENCE_S, _CLIP_PATIENCE_S = 60.0, 600.0


@dataclass(frozen=True)
class CalibrateSettings:
    """What to measure on; degrees because a person types them.

    Attributes:
        source: path of a video, or a camera by number or device.
        person: id under which to store.
        duration_s: of standing still.
        stature: m; None if the person does not know it.
        model: variant of BlazePose.
        camera_height: of the camera over the floor, m; 0 = not known.
        camera_tilt_deg: positive looks down.
        fov_deg: along the longer side, without a calibration file.
        calibration_file: of ROS's camera_calibration.
    """

    source: str
    person: str
    duration_s: float = 2.0
    stature: float | None = None
    model: str = "full"
    camera_height: float = 0.0
    camera_tilt_deg: float = 0.0
    fov_deg: float = 62.0
    calibration_file: Path | None = None


def show_people(console: Console, folder: Path | None = None) -> int:
    """A line for everybody who is stored: id, stature, when measured; 1 if a file cannot be read."""
    names = list_people(folder)
    if not names:
        console.print(
            f"nobody is stored in {folder or people_dir()}; measure somebody with: kinecue calibrate --person ID CAMERA"
        )
        return 0
    good = True
    widest = max(map(len, names))
    for name in names:
        try:
            person = load_person(name, folder)
        except ConfigError as error:
            good = False
            console.print(f"{name:{widest}}  cannot be read: {error}")
        else:
            console.print(f"{name:{widest}}  {_stature(person):15}  {person.calibrated_at}")
    return 0 if good else 1


def run_calibrate(
    settings: CalibrateSettings,
    console: Console,
    source: FrameSource | None = None,
    network: PoseNetwork | None = None,
) -> int:
    """Watches until somebody has stood still for long enough, measures and stores them; 1 if that failed.

    Args:
        settings: see `CalibrateSettings`.
        console: gets instructions, progress, and what came out.
        source: of the frames, instead of the one that the settings name.
        network: instead of the one that the settings name.

    Raises:
        KineCueError: something that is given is missing or wrong.
    """
    check_id(settings.person)
    if network is None and settings.model not in VARIANTS:
        # the measure needs landmarks of the feet and the network's own 3D
        raise KineCueError(f"--model is {settings.model!r}, allowed: {', '.join(VARIANTS)}")
    source = source or open_source(settings.source)
    with closing(source):
        source.open()
        for note in source.notes:
            console.print(note)
        if network is None:
            network = open_pose_network(ModelStore(data_dir() / "models"), settings.model, max_people=_PEOPLE)
        result = _watch(settings, source, network, console)
    if isinstance(result, Refusal):
        console.print(f"{settings.person} was not measured:")
        for reason in result.reasons:
            console.print(f"  {reason}")
        return 1
    path = save_person(result.person)
    _tell(result, path, console)
    return 0


def open_source(source: str) -> FrameSource:
    """A video by its path, or a camera by number or device."""
    return V4l2Camera(source) if source.isdigit() or source.startswith("/dev/") else VideoFile(source)


def _watch(
    settings: CalibrateSettings, source: FrameSource, network: PoseNetwork, console: Console
) -> Calibration | Refusal:
    choice = LifterChoice(ChoiceSettings())
    quick: QuickCalibration | None = None
    with _shown(console) as show:
        while (frame := source.read()) is not None:
            if quick is None:
                quick = QuickCalibration(
                    camera_of(settings, *frame.size),
                    measure,
                    settings.person,
                    settings.duration_s,
                    settings.stature,
                    patience_s=_CAMERA_PATIENCE_S if source.live else _CLIP_PATIENCE_S,
                )
            people = network.estimate(frame.image, frame.stamp_ns)
            answer = quick.update(
                _lifter(choice, network, people, frame.size, frame.stamp_ns), frame.stamp_ns
            )
            show(answer)
            if answer.state in (State.READY, State.FAILED):
                break
        if quick is None:
            raise KineCueError(f"{source.name}: has no pictures")
        return quick.finish()


def _lifter(
    choice: LifterChoice,
    network: PoseNetwork,
    people: list[Landmarks2D],
    size: tuple[int, int],
    stamp_ns: int,
) -> Landmarks2D | None:
    """Who of those in sight is measured: whom the pose node would take for the lifter."""
    active = choice.update([Seen.of_landmarks(p, str(p.identity), size) for p in people], stamp_ns)
    network.favour(int(choice.lifter) if choice.lifter else None)
    return next((p for p in people if str(p.identity) == active), None)


def camera_of(settings: CalibrateSettings, width: int, height: int) -> CameraModel:
    """What is known of the camera: what is given, else the truth beside a simulated clip, else a guess."""
    known = settings.camera_height > 0.0
    truth = truth_path(Path(settings.source))
    if not known and settings.calibration_file is None and truth.is_file():
        return ClipTruth.load(truth).camera
    camera = CameraModel.estimate(
        width,
        height,
        math.radians(settings.fov_deg),
        settings.camera_height if known else 1.0,
        math.radians(settings.camera_tilt_deg),
        mount_estimated=not known,
    )
    if settings.calibration_file is None:
        return camera
    lens = load_intrinsics(settings.calibration_file)
    if (lens.width, lens.height) != (width, height):
        raise ConfigError(
            settings.calibration_file,
            "image_width",
            f"and image_height are {lens.width} and {lens.height}, allowed: {width} and {height}, as the pictures",
        )
    return replace(
        camera,
        fx=lens.matrix[0],
        fy=lens.matrix[4],
        cx=lens.matrix[2],
        cy=lens.matrix[5],
        distortion=lens.distortion,
        distortion_model=lens.distortion_model,
        intrinsics_estimated=False,
    )


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[Answer], None]]:
    """Shows instructions and progress: as a bar in a terminal, else a line for each new instruction."""
    columns = (TextColumn("{task.description}"), BarColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar as progress:
        task = progress.add_task("", total=1.0)
        told = ""

        def show(answer: Answer) -> None:
            nonlocal told
            progress.update(task, completed=answer.share, description=answer.instruction)
            if answer.instruction != told and not console.is_terminal:
                told = answer.instruction
                console.print(told)

        yield show


def _stature(person: Person) -> str:
    std = "" if math.isnan(person.stature_std) else f" +- {person.stature_std:.2f}"
    return f"{person.stature:.2f}{std} m"


def _tell(result: Calibration, path: Path, console: Console) -> None:
    person, mount = result.person, result.mount
    lengths = ", ".join(
        f"{f.name.replace('_', ' ')} {100 * getattr(person.lengths, f.name):.0f}"
        for f in fields(SegmentLengths)
    )
    console.print(f"{person.id}: {_stature(person)}, from {result.frames} pictures")
    console.print(f"between joint centres, cm: {lengths}")
    if result.camera.mount_estimated:
        console.print(
            f"camera, as found: {mount.height:.2f} m over the floor, looks down by {math.degrees(mount.tilt):.1f} degrees"
        )
    for remark in result.remarks:
        console.print(remark)
    console.print(f"stored in {path}; use it with the parameter person of the pose node")
