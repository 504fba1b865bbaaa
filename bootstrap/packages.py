"""Python packages: installed from the lock file, or beside those that the system's ROS brings."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bootstrap.environment import Environment, clean
from bootstrap.interpreter import Interpreter
from bootstrap.progress import StepLine, run_logged
from bootstrap.ros_source import RosSource
from bootstrap.steps import write_atomically

_HERE = Path(__file__).resolve().parent
_REQUIREMENTS = _HERE / "requirements"
_WHAT = "installing the Python packages"


def lock_file(python: Interpreter) -> Path:
    """The lock file of a Python version."""
    return _HERE / "lock" / f"cp{python.minor[0]}{python.minor[1]}.txt"


def inputs(source: RosSource) -> list[Path | str]:
    """What decides whether the packages have to be installed again."""
    return [_HERE / "hook", lock_file(source.python), *([_REQUIREMENTS] if source.system else [])]


def install(
    environment: Environment, source: RosSource, shell: Mapping[str, str], line: StepLine, root: Path
) -> None:
    """Installs them.

    Raises:
        SetupError: pip failed.
    """
    environment.install_hook(source)
    remove_unfinished(environment.site_packages())
    variables = clean(shell)
    environment.temporary.mkdir(exist_ok=True)
    variables["TMPDIR"] = str(environment.temporary)
    pip = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check", "--retries", "3"]
    # empy exists as a source archive only.
    pip += ["--only-binary", ":all:", "--no-binary", "empy", "--no-compile"]
    if source.system:
        constraints = environment.temporary / "constraints.txt"
        write_atomically(
            constraints,
            constraints_text(lock_file(source.python).read_text(), _system_versions(environment, variables)),
        )
        pip += [
            "-c",
            str(constraints),
            "-r",
            str(_REQUIREMENTS / "run.in"),
            "-r",
            str(_REQUIREMENTS / "test.in"),
        ]
        pip += (
            ["setuptools>=75,<80"]
            if shutil.which("colcon", path=shell.get("PATH"))
            else ["-r", str(_REQUIREMENTS / "build.in")]
        )
    else:
        pip += ["--no-deps", "--require-hashes", "-r", str(lock_file(source.python))]
    try:
        run_logged(pip, environment.logs / "packages.log", line, _WHAT, variables, root)
    finally:
        shutil.rmtree(environment.temporary, ignore_errors=True)


def remove_unfinished(site_packages: Path) -> list[str]:
    """Makes pip install again what was cut short, by removing what says that it is there.

    pip adds the file INSTALLER to a package's RECORD as its last act.
    """
    removed = []
    for folder in site_packages.glob("*.dist-info"):
        record = folder / "RECORD"
        if not record.exists() or f"{folder.name}/INSTALLER," not in record.read_text(errors="replace"):
            shutil.rmtree(folder)
            removed.append(folder.name)
    return removed


def constraints_text(lock: str, system: Mapping[str, str]) -> str:
    """Constraints for pip: the versions of a lock file, but those of the system for what it brings.

    lock: text of a lock file.
    system: version by name, of packages that the system's ROS is built against.
    """
    lines = []
    for text in lock.splitlines():
        requirement = text.split(" --hash", 1)[0].strip()
        name = requirement.split("==", 1)[0]
        if not requirement or requirement.startswith(("#", "ros-")) or name.lower() in system:
            continue
        lines.append(requirement)
    lines += [f"{name}=={version}" for name, version in system.items()]
    return "\n".join(lines) + "\n"


def _system_versions(environment: Environment, variables: Mapping[str, str]) -> dict[str, str]:
    """Version of numpy if the system has one: its ROS messages are compiled against it."""
    answer = subprocess.run(
        [str(environment.python), "-c", "import numpy; print(numpy.__version__)"],
        env=dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    return {"numpy": answer.stdout.strip()} if answer.returncode == 0 else {}


def parallel_jobs() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))
