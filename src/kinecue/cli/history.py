"""``kinecue history``: who has lifted what, as text for other programs, and how to forget somebody."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kinecue.body.person import PersonError, check_id, people_dir
from kinecue.exercise.results import RepetitionStatus
from kinecue.training.history import HistoryError, SetRecord, Store, export, history_path

app = typer.Typer(no_args_is_help=True, help="What people have lifted: list, show, export, forget.")

_FILE = typer.Option("--file", help="Another history; default: history.sqlite3 in the data folder.")
File = Annotated[Path | None, _FILE]
NOBODY = "-"
"""How nobody in particular is called."""


@app.command("list")
def list_people(file: File = None) -> None:
    """List everybody of whom there are sets."""
    raise typer.Exit(run_list(_console(), file))


@app.command()
def show(
    person: Annotated[str, typer.Argument(metavar="ID", help="Whose; - = of nobody in particular.")],
    exercise: Annotated[str, typer.Option(help="Only sets of this exercise.")] = "",
    newest: Annotated[int, typer.Option(min=1, help="So many of the newest sets.")] = 20,
    file: File = None,
) -> None:
    """Show a person's sets: exercise, load, repetitions, velocities, D, faults."""
    raise typer.Exit(run_show(_console(), person, exercise, newest, file))


@app.command("export")
def export_sets(
    person: Annotated[str, typer.Argument(metavar="ID", help="Whose; default: everybody's.")] = "",
    exercise: Annotated[str, typer.Option(help="Only sets of this exercise.")] = "",
    form: Annotated[str, typer.Option("--format", help="csv (a line per repetition) or json.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    file: File = None,
) -> None:
    """Write sets as text for other programs."""
    raise typer.Exit(run_export(typer.echo, person, exercise, form, output, file))


@app.command()
def forget(
    person: Annotated[str, typer.Argument(metavar="ID", help="Whom; - = sets of nobody in particular.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    only_history: Annotated[
        bool, typer.Option("--only-history", help="Keep lengths, ranges and ideals of the person.")
    ] = False,
    file: File = None,
) -> None:
    """Remove everything of a person: all sets, and what was measured of them. It cannot be taken back."""
    if not yes:
        typer.confirm(f"Remove everything that is stored of {person}?", abort=True)
    raise typer.Exit(run_forget(_console(), person, only_history, file))


def run_list(console: Console, file: Path | None = None) -> int:
    """A line for everybody."""
    if file is None and not history_path().is_file():
        console.print(f"there are no sets yet in {escape(str(history_path()))}")
        return 0
    with _opened(file) as store:
        people = store.people()
        console.print(f"{escape(str(store.path))}: sets of {len(people)} people")
    table = Table("person", "sets", "repetitions", "first", "last", box=None)
    for each in people:
        first, last = (moment.astimezone().strftime("%Y-%m-%d %H:%M") for moment in (each.first, each.last))
        table.add_row(each.person_id or NOBODY, str(each.sets), str(each.repetitions), first, last)
    if people:
        console.print(table)
    return 0


def run_show(
    console: Console, person: str, exercise: str = "", newest: int = 20, file: Path | None = None
) -> int:
    """A line for each set; 1 if there is none."""
    with _opened(file) as store:
        sets = store.sets(_id(person), exercise or None, newest)
    if not sets:
        console.print(f"no set of {escape(person)}" + (f" in {escape(exercise)}" if exercise else ""))
        return 1
    for each in sets:
        console.print(escape(_line(each)))
    return 0


def run_export(
    echo: Callable[..., None],
    person: str = "",
    exercise: str = "",
    form: str = "csv",
    output: Path | None = None,
    file: Path | None = None,
) -> int:
    """Writes the sets."""
    with _opened(file) as store:
        text = export(store.sets(_id(person) if person else None, exercise or None), form)
    if output is None:
        echo(text, nl=False)
        return 0
    output.write_text(text, encoding="utf-8")
    return 0


def run_forget(console: Console, person: str, only_history: bool = False, file: Path | None = None) -> int:
    """Removes a person; 1 if nothing was stored of them.

    Raises:
        PersonError: the id is not allowed.
        HistoryError: not all of it could be removed; says what remains.
    """
    name = _id(person)
    path = file or history_path()
    sets = 0
    if path.is_file():
        with Store(path, create=False) as store:
            sets = store.forget(name)
    measured = False
    if name and not only_history:
        stored = people_dir() / f"{name}.yaml"
        try:
            measured = stored.is_file()
            if measured:
                stored.unlink()
        except OSError as error:
            raise PersonError(f"{stored}: cannot be removed: {error.strerror or error}") from error
    console.print(f"{escape(person)}: {sets} sets removed" + (", and what was measured" if measured else ""))
    return 0 if sets or measured else 1


def _opened(file: Path | None) -> Store:
    path = file or history_path()
    if file is not None and not file.is_file():
        raise HistoryError(f"{file}: no such file")
    return Store(path, create=False)


def _id(person: str) -> str:
    return "" if person == NOBODY else check_id(person)


def _line(record: SetRecord) -> str:
    """A set in one line."""
    valid = [each for each in record.repetitions if each.status is RepetitionStatus.VALID]
    speeds = [each.velocity.mean for each in valid if each.velocity and math.isfinite(each.velocity.mean)]
    losses = [each.velocity.loss for each in valid if each.velocity and math.isfinite(each.velocity.loss)]
    begin = record.began_at.astimezone().strftime("%Y-%m-%d %H:%M")
    load = f" {record.load_kg:g} kg" if math.isfinite(record.load_kg) else ""
    others = ", ".join(f"{n} {status.name.lower()}" for status, n in record.not_counted.items() if n)
    parts = [
        f"{begin}  {record.exercise}{load}",
        f"{record.counted} reps" + (f" ({others})" if others else ""),
    ]
    if speeds:
        loss = f", loss {100 * losses[-1]:.0f} %" if losses else ""
        parts.append(f"{speeds[0]:.2f} to {speeds[-1]:.2f} m/s{loss}")
    if math.isfinite(record.d):
        parts.append(f"D {record.d:.2f}")
    faults = ", ".join(f"{name} {count}" for name, count in record.faults.items() if count)
    return "  ".join([*parts, faults] if faults else parts)


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
