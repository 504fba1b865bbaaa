"""`python -m bootstrap GOAL`: makes everything that `make GOAL` needs, or does nothing if it is there."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bootstrap import platform_check, ros_source, steps
from bootstrap.compilers import check_compilers
from bootstrap.environment import Environment, outside
from bootstrap.errors import SetupError
from bootstrap.interpreter import probe
from bootstrap.ros_source import RosSource
from bootstrap.table import GOALS, steps_for

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Runs the set-up; exit status 0, 1 on an error that it explains, 130 when it is interrupted."""
    goal = arguments[0] if len(arguments) == 1 else ""
    if goal not in GOALS:
        print(f"usage: python -m bootstrap {'|'.join(GOALS)}", file=sys.stderr)
        return 2
    # A terminated set-up ends like an interrupted one: its child processes are ended, and what is done
    # stays done.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        set_up(goal, ROOT, os.environ)
    except SetupError as error:
        print(f"\nSet-up stopped. {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nSet-up stopped. {error.strerror}: {error.filename or ROOT}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nSet-up interrupted. Run the same command again: it goes on where it stopped.", file=sys.stderr
        )
        return 130
    return 0


def set_up(goal: str, root: Path, shell: Mapping[str, str]) -> None:
    """Makes what is missing for a goal.

    Raises:
        SetupError: it cannot; the message names what is missing and how to get it.
    """
    shell = outside(shell)
    environment = Environment(root / ".venv")
    if environment.is_foreign():
        raise SetupError(
            f"{environment.root} exists and was not made by KineCue, so it is left alone. Move it away (`mv "
            ".venv .venv.mine`) and run again."
        )
    stamps = steps.Stamps(environment.stamps)
    begin = time.monotonic()
    with _only_one(root):
        kept = environment.source()
        source = kept if kept and still_right(kept, shell) else ros_source.decide(shell, shell.get("PYTHON"))
        everything = steps_for(goal, environment, source, shell, root)
        due = steps.pending(everything, stamps)
        if not due:
            return
        check_machine(due, source, shell, root)
        for notice in source.notices:
            print(notice)
        print(f"Setting KineCue up in .venv: {source.python.name}, {source.text}", flush=True)
        steps.run(everything, stamps)
        print(f"KineCue is set up ({time.monotonic() - begin:.0f} s).", flush=True)


def still_right(kept: RosSource, shell: Mapping[str, str]) -> bool:
    """Whether the decision that an environment was made with still holds in this shell.

    One that uses the system's ROS works from a bare shell too and is kept there; one with ROS from PyPI is
    made anew where a ROS that KineCue can use is sourced.
    """
    requested = shell.get("PYTHON")
    if requested:
        python = probe(requested)
        if python is None or python.executable != kept.python.executable:
            return False
    wish = shell.get("KINECUE_ROS", "")
    if wish:
        return wish == kept.kind
    usable = ros_source.is_sourced(shell) and shell["ROS_DISTRO"] in (ros_source.TARGET, *ros_source.NEWER)
    return kept.system or not usable


def check_machine(due: Collection[str], source: RosSource, shell: Mapping[str, str], root: Path) -> None:
    """Looks for what the steps that are due need, before anything is written.

    Raises:
        SetupError: something is missing.
    """
    platform_check.check_location(root)
    if not source.system:
        platform_check.check_cpu_and_libc(source.python)
    if "environment" in due or "interfaces" in due:
        platform_check.check_python_parts(source.python)
        check_compilers(shell)
    if "packages" in due:
        platform_check.check_disk(root)


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """Keeps a second set-up of the same clone waiting until the first is done."""
    folder = os.open(root / "bootstrap", os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this clone is under way; waiting for it.", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
