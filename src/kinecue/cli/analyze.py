"""``kinecue analyze``: a recording scored without ROS, as JSON, CSV and a page for a coach."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from kinecue.body.errors import KineCueError
from kinecue.body.person import load_person
from kinecue.cli.analysis import UnrecognisedError, analyse
from kinecue.cli.recorded_bodies import Advance, BodySource, CameraSettings, SourceSettings, open_source
from kinecue.exercise import RepetitionStatus
from kinecue.perception.blazepose import PoseNetwork
from kinecue.recordings import ReadOptions
from kinecue.recordings.track import UNITS, UPS, Units, Up
from kinecue.report import Analysis, to_document, to_page, unknown_document, write_frames, write_repetitions
from kinecue.report.words import number, seconds, status, why


@dataclass(frozen=True)
class AnalyzeSettings:
    """What to analyse and what to write.

    Attributes:
        file: the recording.
        exercise: name of an exercise file, or ``auto``.
        exercise_dir: folder of exercise files; None = the package's.
        json_file, csv_file, frames_file, html_file: what to write; None = not.
        person: id of a stored person; empty = measured on the recording.
        source: how the recording becomes bodies.
    """

    file: Path
    exercise: str
    exercise_dir: Path | None = None
    json_file: Path | None = None
    csv_file: Path | None = None
    frames_file: Path | None = None
    html_file: Path | None = None
    person: str = ""
    source: SourceSettings = field(default_factory=SourceSettings)


def analyze(
    file: Annotated[
        Path,
        typer.Argument(
            help="Video, folder of pictures, landmark track (CSV, JSON, NPZ), TRC, AMC, MCAP or rosbag2."
        ),
    ],
    exercise: Annotated[str, typer.Option(help="Name of an exercise file, or auto.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything as JSON.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write a row per repetition.")] = None,
    frames_file: Annotated[Path | None, typer.Option("--frames-csv", help="Write a row per frame.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a page with plots.")] = None,
    person: Annotated[str, typer.Option(help="Id of a stored person; see kinecue calibrate.")] = "",
    exercise_dir: Annotated[Path | None, typer.Option(help="Folder of exercise files of your own.")] = None,
    model: Annotated[
        str, typer.Option(help="Pose network for pictures: lite, full, heavy, or a manifest of your own.")
    ] = "full",
    fov: Annotated[
        float, typer.Option(min=20.0, max=150.0, help="Field of view along the longer side, degrees.")
    ] = 62.0,
    camera_info: Annotated[
        Path | None, typer.Option(help="Lens: YAML of camera_calibration; --fov is not used then.")
    ] = None,
    camera_height: Annotated[
        float, typer.Option(min=0.0, max=10.0, help="Camera over the floor, m; 0 = not known.")
    ] = 0.0,
    camera_tilt: Annotated[
        float, typer.Option(min=-60.0, max=60.0, help="Camera tilt in degrees, positive looks down.")
    ] = 0.0,
    fps: Annotated[
        float, typer.Option(min=0.0, max=1000.0, help="Frames per second of a track; 0 = as the file says.")
    ] = 0.0,
    image_size: Annotated[
        str,
        typer.Option(help="Of the pictures that landmarks lie in, as 1280x720; empty = as the file says."),
    ] = "",
    units: Annotated[str, typer.Option(help=f"Of coordinates in a track: {', '.join(UNITS)}.")] = "auto",
    up: Annotated[str, typer.Option(help=f"Axis of a track that points up: {', '.join(UPS)}.")] = "auto",
    topic: Annotated[str, typer.Option(help="Topic of a bag; empty = bodies, else pictures.")] = "",
) -> None:
    """Score a recording as the live graph would, and write what was found. Works without ROS.

    Exit status 0 if the recording was analysed, whatever was found; 1 if the exercise was not recognised;
    2 if the recording cannot be read.
    """
    settings = AnalyzeSettings(
        file=file,
        exercise=exercise,
        exercise_dir=exercise_dir,
        json_file=json_file,
        csv_file=csv_file,
        frames_file=frames_file,
        html_file=html_file,
        person=person,
        source=SourceSettings(
            read=ReadOptions(
                rate=fps if fps > 0.0 else math.nan,
                image_size=_size(image_size),
                units=cast(Units, _one_of("--units", units, UNITS)),
                up=cast(Up, _one_of("--up", up, UPS)),
                topic=topic,
            ),
            camera=CameraSettings(fov, camera_height, camera_tilt, camera_info),
            model=model,
            person=load_person(person) if person else None,
        ),
    )
    raise typer.Exit(run_analyze(settings, Console(highlight=False, soft_wrap=True)))


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text.strip())
    if match is None or min(int(match.group(1)), int(match.group(2))) < 1:
        raise KineCueError(f"--image-size is {text!r}, allowed: WIDTHxHEIGHT in pixels, as 1280x720")
    return int(match.group(1)), int(match.group(2))


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise KineCueError(f"{option} is {value!r}, allowed: {', '.join(allowed)}")
    return value


def run_analyze(settings: AnalyzeSettings, console: Console, network: PoseNetwork | None = None) -> int:
    """Analyses a recording, tells what was found, and writes the files that are asked for.

    Args:
        settings: see `AnalyzeSettings`.
        console: gets progress and the table of repetitions.
        network: for pictures, instead of the one that the settings name.

    Returns:
        Exit status: 0, or 1 if the exercise was to be recognised and is not; then only the JSON is written.

    Raises:
        KineCueError: the recording, the exercise or the person cannot be read.
        OSError: a result cannot be written.
    """
    for path in (settings.json_file, settings.csv_file, settings.frames_file, settings.html_file):
        if path is not None and not path.parent.is_dir():
            raise KineCueError(f"{path}: the folder {path.parent} does not exist")
    source = open_source(settings.file, settings.source, network)
    name = settings.file.name
    try:
        with _shown(console, source) as (advance, describe):
            analysis = analyse(
                source,
                settings.exercise,
                settings.exercise_dir,
                name,
                settings.source.person,
                advance,
                describe,
            )
    except UnrecognisedError as error:
        _write_json(settings.json_file, unknown_document(name, source.kind, error.guess, source.notes))
        console.print(str(error))
        return 1
    _write_json(settings.json_file, to_document(analysis))
    if settings.csv_file is not None:
        write_repetitions(analysis, settings.csv_file)
    if settings.frames_file is not None:
        write_frames(analysis, settings.frames_file)
    if settings.html_file is not None:
        settings.html_file.write_text(to_page(analysis), encoding="utf-8")
    _tell(analysis, console)
    for path in (settings.json_file, settings.csv_file, settings.frames_file, settings.html_file):
        if path is not None:
            console.print(f"wrote {path}")
    return 0


def _write_json(path: Path | None, document: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


class _Describe:
    """Says what is being done."""

    def __init__(self, progress: Progress, task: int) -> None:
        self._progress, self._task = progress, task

    def __call__(self, words: str) -> None:
        self._progress.update(self._task, description=words, completed=0)  # type: ignore[arg-type]


@contextmanager
def _shown(console: Console, source: BodySource) -> Iterator[tuple[Advance, _Describe]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=source.frames)
        yield (lambda done: progress.update(task, completed=done)), _Describe(progress, task)


def _tell(analysis: Analysis, console: Console) -> None:
    model = analysis.model
    if analysis.guess is not None:
        console.print(f"recognised: {model.title} ({100 * analysis.guess.probability:.0f} %)")
    table = Table(title=f"{model.title}: {analysis.file}", title_justify="left")
    for column in ("no.", "from", "to", "peak", "D", "", "faults"):
        table.add_column(column)
    for rep in analysis.repetitions:
        if not rep.number and rep.status is RepetitionStatus.SETUP:
            continue
        reason = why(rep.reason)
        table.add_row(
            str(rep.number or ""),
            seconds(analysis.seconds(rep.start_ns)),
            seconds(analysis.seconds(rep.end_ns)),
            number(rep.feature_peak.value, rep.unit),
            number(rep.d, "1"),
            status(rep) + (f" ({reason})" if reason else ""),
            ", ".join(model.faults[n].title if n in model.faults else n for n in rep.faults),
        )
    console.print(table)
    console.print(f"{analysis.summary.counted} counted, mean D {number(analysis.summary.d, '1')}")
    for note in analysis.notes:
        console.print(f"note: {note}")
