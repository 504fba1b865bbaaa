"""``kinecue learn``: an exercise file from a few good repetitions, recorded or in front of the camera."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from kinecue.body.body import Body
from kinecue.body.errors import KineCueError
from kinecue.body.paths import data_dir
from kinecue.cli.people import open_source as open_frames
from kinecue.cli.recorded_bodies import CameraSettings, SourceSettings, open_source
from kinecue.exercise.exercise_file import available_exercises
from kinecue.exercise.learning import Learned, Recording, learn_exercise
from kinecue.exercise.learning.building import Names
from kinecue.exercise.learning.recording import RATE
from kinecue.perception.adapters import open_pose_network
from kinecue.perception.blazepose import PoseNetwork
from kinecue.perception.body_fitter import FitterSettings
from kinecue.perception.estimator import BodyEstimator
from kinecue.perception.models import ModelStore
from kinecue.recordings import ReadOptions

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_DIRECTIONS = ("", "eccentric_first", "concentric_first")
_PEOPLE = 2
"""Followed at once: the one who shows it, and one who walks by."""
_FREE = "free"
"""The fit assumes nothing of a movement that is not known yet."""


@dataclass(frozen=True)
class LearnSettings:
    """What to learn from, and what to write.

    Attributes:
        name: of the exercise.
        files: recordings.
        camera: V4L2 number or path; empty = none.
        seconds: how long to watch the camera.
        out: exercise file to write.
        title: for people.
        progress: feature that drives progress; None = found.
        load_direction: None = found.
        person: who shows it; empty = each file another person.
        force: overwrite.
        source: how recordings become bodies.
    """

    name: str
    files: tuple[Path, ...]
    camera: str = ""
    seconds: float = 40.0
    out: Path | None = None
    title: str = ""
    progress: str | None = None
    load_direction: str | None = None
    person: str = ""
    force: bool = False
    source: SourceSettings = field(default_factory=SourceSettings)


def learn(
    name: Annotated[str, typer.Argument(help="Of the exercise: a-z, 0-9 and _; also the name of the file.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Recordings of good repetitions: video, landmark track, TRC, MCAP or rosbag2."),
    ] = None,
    camera: Annotated[str, typer.Option(help="V4L2 camera, number or path, instead of files.")] = "",
    seconds: Annotated[float, typer.Option(min=5.0, max=600.0, help="How long to watch the camera.")] = 40.0,
    out: Annotated[Path | None, typer.Option(help="File to write; default NAME.yaml.")] = None,
    title: Annotated[str, typer.Option(help="What people call the exercise.")] = "",
    progress: Annotated[
        str, typer.Option(help="Feature that drives progress; default: the one that shows the movement best.")
    ] = "",
    load_direction: Annotated[
        str,
        typer.Option(
            help="eccentric_first or concentric_first; default: what is heavy goes down, or up, first."
        ),
    ] = "",
    person: Annotated[str, typer.Option(help="All files are of this person; default: each of another.")] = "",
    force: Annotated[bool, typer.Option(help="Overwrite the file.")] = False,
    model: Annotated[str, typer.Option(help="Pose network for pictures: lite, full or heavy.")] = "full",
    fov: Annotated[
        float, typer.Option(min=20.0, max=150.0, help="Field of view along the longer side, degrees.")
    ] = 62.0,
    camera_height: Annotated[
        float, typer.Option(min=0.0, max=10.0, help="Camera over the floor, m; 0 = not known.")
    ] = 0.0,
    camera_tilt: Annotated[
        float, typer.Option(min=-60.0, max=60.0, help="Camera tilt in degrees, positive looks down.")
    ] = 0.0,
    fps: Annotated[
        float, typer.Option(min=0.0, max=1000.0, help="Frames per second of a track; 0 = as the file says.")
    ] = 0.0,
) -> None:
    """Make an exercise file from at least three good repetitions, better of several people.

    Exit status 0 if the file was written; 2 if there is not enough to learn from, with the reasons.
    """
    settings = LearnSettings(
        name=name,
        files=tuple(files or ()),
        camera=camera,
        seconds=seconds,
        out=out,
        title=title,
        progress=progress or None,
        load_direction=load_direction or None,
        person=person,
        force=force,
        source=SourceSettings(
            read=ReadOptions(rate=fps if fps > 0.0 else math.nan),
            camera=CameraSettings(fov, camera_height, camera_tilt),
            model=model,
        ),
    )
    raise typer.Exit(run_learn(settings, Console(highlight=False, soft_wrap=True)))


def run_learn(settings: LearnSettings, console: Console, network: PoseNetwork | None = None) -> int:
    """Learns, tells which repetitions were taken and which not, and writes the file.

    Raises:
        KineCueError: something that is given is missing or wrong, or there is not enough to learn from.
        OSError: the file cannot be written.
    """
    out = settings.out or Path(f"{settings.name}.yaml")
    _check(settings, out)
    recordings = [_recorded(path, settings, console, network) for path in settings.files]
    if settings.camera:
        recordings.append(_watched(settings, console, network))
    title = settings.title or settings.name.replace("_", " ").capitalize()
    learned = learn_exercise(
        recordings, Names(settings.name, title), settings.progress, settings.load_direction
    )
    out.write_text(learned.text, encoding="utf-8")
    _tell(learned, console)
    console.print(f"wrote {out}")
    return 0


def _check(settings: LearnSettings, out: Path) -> None:
    if not _NAME.fullmatch(settings.name):
        raise KineCueError(
            f"NAME is {settings.name!r}, allowed: a to z, 0 to 9 and _, starting with a letter, up to 48"
        )
    if not settings.files and not settings.camera:
        raise KineCueError("nothing to learn from: give recordings, or --camera")
    if settings.load_direction not in (None, *_DIRECTIONS):
        raise KineCueError(
            f"--load-direction is {settings.load_direction!r}, allowed: eccentric_first, concentric_first"
        )
    if out.suffix != ".yaml" or out.stem != settings.name:
        raise KineCueError(f"--out is {out}, allowed: a file called {settings.name}.yaml, as the exercise is")
    if not out.parent.is_dir():
        raise KineCueError(f"{out}: the folder {out.parent} does not exist")
    if out.exists() and not settings.force:
        raise KineCueError(f"{out} exists; --force overwrites it")
    shipped = available_exercises().get(settings.name)
    if shipped is not None and shipped.resolve() == out.resolve():
        raise KineCueError(f"{out} is an exercise that KineCue ships; choose another name or folder")


def _recorded(
    path: Path, settings: LearnSettings, console: Console, network: PoseNetwork | None
) -> Recording:
    source = open_source(path, settings.source, network)
    stamps: list[int] = []
    bodies: list[Body | None] = []
    with _shown(console, path.name, source.frames) as advance:
        for stamp, body in source.bodies(_FREE, advance):
            stamps.append(stamp)
            bodies.append(body)
    for note in source.notes:
        console.print(f"{path.name}: {note}")
    return Recording(path.name, settings.person or str(path), stamps, bodies)


def _watched(settings: LearnSettings, console: Console, network: PoseNetwork | None) -> Recording:
    """Somebody in front of the camera, for so many seconds."""
    frames = open_frames(settings.camera)
    stamps: list[int] = []
    bodies: list[Body | None] = []
    with closing(frames):
        frames.open()
        if network is None:
            network = open_pose_network(
                ModelStore(data_dir() / "models"), settings.source.model, max_people=_PEOPLE
            )
        estimator = BodyEstimator(network, settings.source.camera.camera, FitterSettings(posture=_FREE))
        console.print(
            f"show at least three good repetitions, the whole body in view ({settings.seconds:.0f} s)"
        )
        while (frame := frames.read()) is not None:
            found = estimator.process(frame.image, frame.stamp_ns)
            stamps.append(frame.stamp_ns)
            bodies.append(next((body for body in found if body.id == estimator.active), None))
            if frame.stamp_ns - stamps[0] >= settings.seconds * 1e9:
                break
    return Recording("camera", settings.person or "camera", stamps, bodies)


@contextmanager
def _shown(console: Console, name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("frames"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=total)
        yield lambda done: progress.update(task, completed=done)


def _tell(learned: Learned, console: Console) -> None:
    model, movement = learned.model, learned.model.movement
    table = Table(title=f"{model.title}: learned from {len(learned.taken)} repetitions", title_justify="left")
    for column in ("recording", "from", "to", "peak", ""):
        table.add_column(column)
    rows: list[tuple[str, float, float, str, str]] = []
    for item in learned.taken:
        begin = item.tracks.start_s
        peak = item.signal[item.peak]
        said = f"{math.degrees(peak):.0f} deg" if movement.unit == "deg" else f"{peak:.2f}"
        rows.append(
            (item.tracks.name, begin + item.span.first / RATE, begin + item.span.last / RATE, said, "taken")
        )
    rows += [(x.recording, x.start_s, x.end_s, "", f"left: {x.reason}") for x in learned.left]
    for name, start, end, said, what in sorted(rows, key=lambda row: (row[0], row[1])):
        table.add_row(name, f"{start:.1f} s", f"{end:.1f} s", said, what)
    console.print(table)
    leads = f", one side leads ({model.leading.feature})" if model.leading is not None else ""
    console.print(
        f"progress: {movement.feature} from {movement.start:g} to {movement.full:g} {movement.unit}, "
        f"{model.load_direction}{leads}"
    )
    people = len({item.person for item in learned.taken})
    if people == 1:
        console.print("note: one person's repetitions; others will fit better with recordings of more people")
