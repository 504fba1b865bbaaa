"""``kinecue simulate``: clips of synthetic athletes with their exact truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from kinecue.body.errors import KineCueError
from kinecue.cli.machine_truth import check_machine
from kinecue.cli.rendering import Job, JobProgress, render_all
from kinecue.machine.simulated.flaws import FLAWS
from kinecue.machine.simulated.model import MACHINES
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.clip import TRUTH_KINDS
from kinecue.simulation.exercises import EXERCISES, exercise_named
from kinecue.simulation.picture.lights import LIGHTS
from kinecue.simulation.picture.occluders import OCCLUDERS
from kinecue.simulation.picture.outfits import OUTFITS
from kinecue.simulation.request import CAMERA_NAMES, Request, magnitude_text
from kinecue.simulation.surroundings import WALLS, one_of

ALL = "all"
_PLAUSIBLE_M = 3.0
"""Distance with which a request is checked before any body is solved for."""


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)


def simulate(
    exercise: Annotated[
        list[str] | None,
        typer.Option(help=f"Repeatable, or 'all': {_names(tuple(EXERCISES))}.", show_default="squat"),
    ] = None,
    athlete: Annotated[
        list[str] | None,
        typer.Option(help=f"Repeatable, or 'all': {_names(tuple(ATHLETES))}.", show_default="average_man"),
    ] = None,
    view: Annotated[
        list[float] | None,
        typer.Option(
            help="Degrees; 0 sees the face, 90 the left side, -90 the right side, 180 the back. "
            "Repeatable: one camera each, all calibrated.",
            show_default="0",
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=MAGNITUDE[:reps=1,3-5][:side=left], repeatable, in all repetitions if none are named. "
            "Magnitudes of angles in degrees, of lengths in cm, of shares in percent; --list has names and limits."
        ),
    ] = None,
    reps: Annotated[int, typer.Option(help="Repetitions, 0 to 100.")] = 5,
    tempo: Annotated[
        str,
        typer.Option(help="OUT-HOLD-BACK-REST in seconds, such as 2-0.5-1-0.5.", show_default="usual one"),
    ] = "",
    fatigue: Annotated[
        float, typer.Option(help="0 none to 1: slower and less steady towards the end.")
    ] = 0.0,
    variation: Annotated[
        float, typer.Option(help="Natural differences: 0 none, 1 a trained athlete, 3 most.")
    ] = 1.0,
    partial: Annotated[
        list[str] | None, typer.Option(help="NUMBER=SHARE of the range (0.1 to 0.9) of a partial repetition.")
    ] = None,
    failed: Annotated[
        list[int] | None, typer.Option(help="Number of a repetition that fails; repeatable.")
    ] = None,
    side: Annotated[str, typer.Option(help="Who leads: left, right or alternate.")] = "alternate",
    approach: Annotated[
        str,
        typer.Option(help="none: begins in the start position; ready: gets into it; walk: walks in and out."),
    ] = "none",
    camera: Annotated[str, typer.Option(help=f"One of {_names(CAMERA_NAMES)}.")] = "plain",
    distance: Annotated[
        float, typer.Option(help="Camera to athlete, 1 to 8 m; 0 = the whole movement just fits.")
    ] = 0.0,
    height: Annotated[
        float | None, typer.Option(help="Cameras over the floor, m.", show_default="camera's")
    ] = None,
    tilt: Annotated[
        float | None, typer.Option(help="Degrees, positive looks down.", show_default="camera's")
    ] = None,
    fov: Annotated[float, typer.Option(help="Horizontal field of view, degrees; 0 = the camera's.")] = 0.0,
    fps: Annotated[float, typer.Option(help="30 to 200; 0 = the camera's.")] = 0.0,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT, px.", show_default="camera's")] = "",
    exposure: Annotated[float, typer.Option(help="Exposure in ms; 0 = the camera's.")] = 0.0,
    drop: Annotated[float, typer.Option(help="Percent of frames that get lost.")] = 0.0,
    jitter: Annotated[float, typer.Option(help="Standard deviation of the stamps, ms.")] = 0.0,
    light: Annotated[str, typer.Option(help=f"One of {_names(tuple(LIGHTS))}.")] = "bright",
    outfit: Annotated[str, typer.Option(help=f"One of {_names(tuple(OUTFITS))}.")] = "training",
    occluder: Annotated[
        list[str] | None,
        typer.Option(help=f"NAME or NAME=X,Y[,TURN] (m, degrees), repeatable: {_names(tuple(OCCLUDERS))}."),
    ] = None,
    mirror: Annotated[
        list[str] | None, typer.Option(help=f"Wall with a mirror, repeatable: {_names(WALLS)}.")
    ] = None,
    bystanders: Annotated[int, typer.Option(help="People who walk past, 0 to 6.")] = 0,
    machine: Annotated[
        str, typer.Option(help=f"Of exercises with a cable: {_names(tuple(MACHINES))}.")
    ] = "stack",
    flaws: Annotated[
        str, typer.Option("--machine-flaws", help=f"Of the machine's sensors: {_names(tuple(FLAWS))}.")
    ] = "typical",
    load: Annotated[float, typer.Option(help="Set on each cable, kg.")] = 20.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same clip.")] = 0,
    name: Annotated[str, typer.Option(help="Of the files.", show_default="EXERCISE_ATHLETE_view_VIEW")] = "",
    truth: Annotated[
        str, typer.Option(help=f"Kind of the truth file: {_names(tuple(TRUTH_KINDS))}.")
    ] = "json",
    out: Annotated[Path, typer.Option(help="Folder.")] = Path("simulated"),
    jobs: Annotated[int, typer.Option(help="Clips that are rendered at once, each in a process.")] = 1,
    again: Annotated[
        bool, typer.Option("--again", help="Render clips that are there already again.")
    ] = False,
    show: Annotated[
        bool,
        typer.Option("--list", help="Show what exists: exercises with their faults, athletes, cameras ..."),
    ] = False,
) -> None:
    """Render clips of synthetic athletes, each with the exact truth about every frame and its camera's calibration.

    Several exercises or athletes make several clips; several views see one set with several cameras. For each camera
    there are NAME.mp4, NAME.truth.json and NAME.camera.yaml; for an exercise with a cable NAME.machine.json too.
    Exit status 0 if all were rendered, 1 if some could not be, 2 if an option is wrong.

    kinecue simulate --exercise deadlift --athlete tall --view 45 --fault rounded_back=15:reps=3,4 --out clips
    """
    console = Console(highlight=False)
    if show:
        show_lists(console, tuple(exercise or ()))
        raise typer.Exit(0)
    one_of("simulate", "truth", truth, TRUTH_KINDS)
    if not 1 <= jobs <= 64:
        raise KineCueError(f"simulate: jobs must be 1 to 64, got {jobs}")
    request = Request(
        exercise="squat",
        outfit=outfit,
        views=tuple(view or (0.0,)),
        faults=tuple(fault or ()),
        repetitions=reps,
        tempo=tempo,
        fatigue=fatigue,
        variation=variation,
        partial=tuple(partial or ()),
        failed=tuple(failed or ()),
        side=side,
        approach=approach,
        camera=camera,
        distance=distance,
        height=height,
        tilt=tilt,
        fps=fps,
        size=size,
        fov=fov,
        exposure_ms=exposure,
        drop=drop,
        jitter_ms=jitter,
        light=light,
        occluders=tuple(occluder or ()),
        mirrors=tuple(mirror or ()),
        bystanders=bystanders,
        machine=machine,
        flaws=flaws,
        load=load,
        seed=seed,
        name=name,
    )
    chosen = chosen_requests(request, exercise or ["squat"], athlete or ["average_man"])
    raise typer.Exit(run([Job(n, r, out, truth, again) for n, r in chosen.items()], jobs, console))


def chosen_requests(
    request: Request, exercises: Sequence[str], athletes: Sequence[str]
) -> dict[str, Request]:
    """A request for each exercise and athlete, by name; all of them checked.

    Raises:
        KineCueError: an option is wrong; names it and what is allowed.
    """
    result = {}
    exercises = tuple(EXERCISES) if ALL in exercises else tuple(dict.fromkeys(exercises))
    athletes = tuple(ATHLETES) if ALL in athletes else tuple(dict.fromkeys(athletes))
    several = len(exercises) * len(athletes) > 1
    for exercise in exercises:
        for athlete in athletes:
            name = f"{exercise}_{athlete}"
            if request.name:
                name = f"{request.name}_{name}" if several else request.name
            one = replace(request, exercise=exercise, athlete=athlete, name=name)
            check_machine(replace(one, distance=one.distance or _PLAUSIBLE_M).programme().machine)
            result[name] = one
    return result


def run(jobs: list[Job], processes: int, console: Console) -> int:
    """Render with a progress bar; the exit status."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeRemainingColumn(),
    )
    there: list[str] = []
    with Progress(*columns, console=console, transient=len(jobs) > 1) as progress:
        whole = progress.add_task(f"0 of {len(jobs)} clips", total=None, visible=len(jobs) > 1)
        tasks: dict[str, TaskID] = {}
        ended = 0

        def report(state: JobProgress) -> None:
            nonlocal ended
            if state.skipped:
                there.append(state.name)
            if state.name not in tasks:
                tasks[state.name] = progress.add_task(state.name, total=state.frames_total)
            progress.update(tasks[state.name], completed=state.frames_done)
            if state.frames_done == state.frames_total:
                ended += 1
                progress.update(tasks[state.name], visible=len(jobs) == 1)
                progress.update(whole, description=f"{ended} of {len(jobs)} clips")

        problems = render_all(jobs, processes, report)
    folder = jobs[0].folder
    made = len(jobs) - len(problems)
    already = f" ({len(there)} were there already)" if there else ""
    if made:
        console.print(f"{made} of {len(jobs)} in {folder}{already}", soft_wrap=True)
    for problem in problems.values():
        console.print(f"not rendered: {problem}", style="red", soft_wrap=True)
    return 1 if problems else 0


def show_lists(console: Console, exercises: Sequence[str] = ()) -> None:
    """Tables of everything that can be asked for; of some exercises only if they are named.

    Raises:
        KineCueError: there is no such exercise.
    """
    names = tuple(EXERCISES) if not exercises or ALL in exercises else exercises
    faults = Table(title="Exercises and their faults")
    for title in ("exercise", "fault", "up to", "one side"):
        faults.add_column(title, no_wrap=True)
    faults.add_column("magnitude")
    for name in names:
        exercise = exercise_named(name)
        first = name
        for fault, kind in exercise.faults.items():
            faults.add_row(first, fault, magnitude_text(kind), "yes" if kind.sided else "", kind.meaning)
            first = ""
        faults.add_section()
    console.print(faults)
    if exercises:
        return
    athletes = Table("athlete", "sex", "stature", "mass", title="Athletes")
    for shape in ATHLETES.values():
        mass = "usual" if shape.mass is None else f"{shape.mass:.0f} kg"
        athletes.add_row(shape.name, shape.sex, f"{shape.stature:.2f} m", mass)
    console.print(athletes)
    rest = Table("option", "values", title="Everything else")
    for option, values in (
        ("--camera", CAMERA_NAMES),
        ("--outfit", tuple(OUTFITS)),
        ("--light", tuple(LIGHTS)),
        ("--occluder", tuple(OCCLUDERS)),
        ("--mirror", WALLS),
        ("--approach", ("none", "ready", "walk")),
        ("--side", ("left", "right", "alternate")),
        ("--machine", tuple(MACHINES)),
        ("--machine-flaws", tuple(FLAWS)),
        ("--truth", tuple(TRUTH_KINDS)),
    ):
        rest.add_row(option, ", ".join(values))
    console.print(rest)
