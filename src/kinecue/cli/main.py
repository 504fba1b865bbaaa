"""The command ``kinecue``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kinecue import __version__
from kinecue.body.errors import KineCueError
from kinecue.cli import analyze as analyze_commands
from kinecue.cli import coach as coach_commands
from kinecue.cli import exercises as exercise_commands
from kinecue.cli import history as history_commands
from kinecue.cli import language_model as language_model_commands
from kinecue.cli import learn as learn_commands
from kinecue.cli import machine as machine_commands
from kinecue.cli import models as model_commands
from kinecue.cli import sample as sample_commands
from kinecue.cli import simulate as simulate_commands
from kinecue.cli import voice as voice_commands
from kinecue.perception.adapters.describing import describe

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
models_app = typer.Typer(no_args_is_help=True, help="Networks: install, list, check.")
voice_app = typer.Typer(no_args_is_help=True, help="The voice: install, look, hear.")
exercises_app = typer.Typer(no_args_is_help=True, help="Exercise files: list, check, schema.")
app.add_typer(models_app, name="models")
app.add_typer(exercises_app, name="exercises")
app.add_typer(voice_app, name="voice")
app.add_typer(machine_commands.app, name="machine")
app.add_typer(history_commands.app, name="history")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def demo(
    video: Annotated[
        str | None, typer.Option(help="Video file; without it and --camera, the sample clip.")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="V4L2 device: number or path.")] = None,
    exercise: Annotated[
        str | None, typer.Option(help="Name of an exercise file; default squat, or the sample's own.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for what the demo writes.")] = Path("demo_output"),
    model: Annotated[
        str, typer.Option(help="Pose network: lite, full, heavy, or the manifest of one of your own.")
    ] = "full",
    engine: Annotated[
        str, typer.Option(help="Speech engine: auto, piper, flite, pico, espeak or null.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="Sound device, part of its name; none = only recorded.")] = "",
    camera_height: Annotated[float, typer.Option(help="Camera over the floor, m; 0 = not known.")] = 0.0,
    camera_tilt: Annotated[float, typer.Option(help="Camera tilt in degrees, positive looks down.")] = 0.0,
    fov: Annotated[float, typer.Option(help="Field of view along the longer side, degrees.")] = 62.0,
    seconds: Annotated[
        float, typer.Option(help="Stop after so long; 0 = at the end of the video, or with Ctrl+C.")
    ] = 0.0,
    language: Annotated[str, typer.Option(help="What the coach speaks: en, es, de.")] = "en",
    language_model: Annotated[
        str, typer.Option(help="Who words: builtin, server, none; as_set = as config/language.yaml says.")
    ] = "as_set",
) -> None:
    """Run the whole graph on a clip or a camera, in real time, and write what was seen and said.

    Exit status 0 if repetitions were counted and a cue was spoken.
    """
    from kinecue.cli.demo import DemoSettings, run_demo

    settings = DemoSettings(
        video=video or None,
        camera=camera or None,
        exercise=exercise or None,
        output=output,
        model=model,
        engine=engine,
        device=device,
        camera_height=camera_height,
        camera_tilt_deg=camera_tilt,
        fov_deg=fov,
        seconds=seconds,
        language=language,
        language_model=language_model,
    )
    raise typer.Exit(run_demo(settings))


@app.command()
def sample(
    names: Annotated[list[str] | None, typer.Argument(help="Sample clips; default sample_squat.")] = None,
) -> None:
    """Render sample clips of a synthetic athlete, with their truth; those that are there are left alone."""
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        tasks: dict[str, TaskID] = {}

        def report(state: sample_commands.SampleProgress) -> None:
            if state.name not in tasks:
                tasks[state.name] = progress.add_task(state.name, total=state.frames_total)
            progress.update(tasks[state.name], completed=state.frames_done)

        sample_commands.make_samples(names or ["sample_squat"], report)


app.command()(simulate_commands.simulate)
app.command()(analyze_commands.analyze)
app.command()(coach_commands.coach)
app.command("say")(voice_commands.say_command)
app.command()(learn_commands.learn)


@app.command()
def people(
    person: Annotated[
        str | None, typer.Argument(metavar="ID", help="Show all that is stored of one person.")
    ] = None,
    exercise: Annotated[str, typer.Option(help="What it changes in this exercise; default: in each.")] = "",
    undo: Annotated[
        str, typer.Option(metavar="EXERCISE", help="Take back the newest session that taught an ideal.")
    ] = "",
) -> None:
    """List who was measured and stored: id, stature, when. With an id: lengths, ranges, and what they change."""
    from kinecue.cli.people import show_people
    from kinecue.cli.person_page import show_person, take_back

    if person is None:
        raise typer.Exit(show_people(_console()))
    if undo:
        raise typer.Exit(take_back(_console(), person, undo))
    raise typer.Exit(show_person(_console(), person, exercise))


@app.command()
def calibrate(
    source: Annotated[str, typer.Argument(metavar="CLIP|CAMERA", help="Video file, or V4L2 number or path.")],
    person: Annotated[str, typer.Option(help="Id under which to store: a-z, 0-9, _ and -.")],
    duration: Annotated[float, typer.Option(min=0.5, max=30.0, help="Of standing still, s.")] = 2.0,
    stature: Annotated[
        float | None, typer.Option(min=1.2, max=2.3, help="In metres, if the person knows it.")
    ] = None,
    model: Annotated[str, typer.Option(help="Pose network: lite, full or heavy.")] = "full",
    camera_height: Annotated[
        float, typer.Option(min=0.0, max=10.0, help="Camera over the floor, m; 0 = not known.")
    ] = 0.0,
    camera_tilt: Annotated[
        float, typer.Option(min=-60.0, max=60.0, help="Camera tilt in degrees, positive looks down.")
    ] = 0.0,
    fov: Annotated[
        float, typer.Option(min=20.0, max=150.0, help="Field of view along the longer side, degrees.")
    ] = 62.0,
    calibration: Annotated[
        Path | None, typer.Option(help="Lens: YAML of camera_calibration; --fov is not used then.")
    ] = None,
    ranges: Annotated[
        str,
        typer.Option(
            metavar="JOINTS",
            help="Measure joint ranges of somebody stored: all, or of ankle, hip, shoulder with commas.",
        ),
    ] = "",
) -> None:
    """Measure somebody who stands still, and store them; with --ranges, how far their joints go.

    Exit status 0 if they were measured, 1 if nobody stood still and whole in the picture for long enough, or no range
    could be measured.
    """
    from kinecue.cli.people import CalibrateSettings, run_calibrate
    from kinecue.cli.ranges import joints_of, run_ranges

    settings = CalibrateSettings(
        source=source,
        person=person,
        duration_s=duration,
        stature=stature,
        model=model,
        camera_height=camera_height,
        camera_tilt_deg=camera_tilt,
        fov_deg=fov,
        calibration_file=calibration,
    )
    if ranges:
        raise typer.Exit(run_ranges(settings, joints_of(ranges), _console()))
    raise typer.Exit(run_calibrate(settings, _console()))


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


@exercises_app.command("list")
def exercises_list(
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Folder of exercise files; those of the package by default.")
    ] = None,
) -> None:
    """List the exercises with their faults."""
    raise typer.Exit(exercise_commands.show(directory, Console()))


@exercises_app.command("check")
def exercises_check(files: Annotated[list[Path], typer.Argument(help="Exercise files.")]) -> None:
    """Check exercise files; what is wrong is named with file, line, field and what is allowed."""
    raise typer.Exit(exercise_commands.check(files, Console()))


@exercises_app.command("schema")
def exercises_schema() -> None:
    """Print the JSON schema of exercise files, for editors."""
    typer.echo(exercise_commands.schema_text(), nl=False)


@models_app.command("fetch")
def models_fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Networks; default: those that set-up installs.")
    ] = None,
) -> None:
    """Download, check and convert pose networks."""
    model_commands.fetch(names or [], typer.echo)


@models_app.command("language")
def models_language() -> None:
    """Download, check and convert the built-in language model."""
    language_model_commands.fetch(typer.echo)


@models_app.command("list")
def models_list() -> None:
    """What is installed."""
    for entry in model_commands.status():
        state = "not installed" if not entry.installed else entry.problem or "verified"
        typer.echo(f"{entry.name:22} {state:14} {entry.licence:12} {entry.source}")


@models_app.command("verify")
def models_verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Networks, or manifests (.yaml) of networks of your own.")
    ] = None,
) -> None:
    """Check hashes and graphs of installed networks, or of your own."""
    if not model_commands.verify(names or [], typer.echo):
        raise typer.Exit(1)


@models_app.command("describe")
def models_describe(
    file: Annotated[Path, typer.Argument(help="ONNX file of a network of your own.")],
    licence: Annotated[str, typer.Option(help="Of its weights.")],
    source: Annotated[str, typer.Option(help="Where it comes from.")],
) -> None:
    """Print the manifest of a network of your own."""
    typer.echo(describe(file, licence, source), nl=False)


@models_app.command("measure")
def models_measure(
    names: Annotated[list[str] | None, typer.Argument(help="Networks; default: all installed.")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 1,
    slow: Annotated[bool, typer.Option(help="Try TensorRT, QNN and NPUs too, which takes minutes.")] = False,
) -> None:
    """Measure the execution providers, and keep the choice for provider 'auto'."""
    model_commands.measure(names or [], typer.echo, threads, slow)


@voice_app.command("fetch")
def voice_fetch() -> None:
    """Install the voice."""
    raise typer.Exit(voice_commands.fetch(echo=typer.echo))


@voice_app.command("show")
def voice_show() -> None:
    """Which engine would speak, and the sound devices."""
    raise typer.Exit(voice_commands.show(echo=typer.echo))


voice_app.command("say")(voice_commands.say_command)


def main(arguments: list[str] | None = None) -> int:
    """Console script. Errors that a person can act on are one line, with exit status 2."""
    try:
        result = app(args=arguments, standalone_mode=False)
    except KineCueError as error:
        print(f"kinecue: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"kinecue: {error.filename or 'error'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except typer.Exit as error:
        return int(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        print("kinecue: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        # usage errors; newer typer has a click of its own, so there is no class to name
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", 2))
    return int(result or 0)


if __name__ == "__main__":
    raise SystemExit(main())
