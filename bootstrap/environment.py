"""The virtual environment: where things lie in it, and the variables its commands run with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bootstrap.errors import SetupError
from bootstrap.interpreter import Interpreter
from bootstrap.progress import StepLine, run_logged
from bootstrap.ros_source import PATH_VARIABLES, RosSource
from bootstrap.steps import write_atomically

_MARKER = "made-by-kinecue.json"
_HOOK = Path(__file__).resolve().parent / "hook"


@dataclass(frozen=True)
class Environment:
    """Paths of the virtual environment."""

    root: Path

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.root / "bin/python"

    @property
    def logs(self) -> Path:
        """Folder of the logs."""
        return self.root / "log"

    @property
    def stamps(self) -> Path:
        """Folder of the stamps."""
        return self.root / "setup"

    @property
    def builds(self) -> Path:
        """Folder of the interface builds."""
        return self.root / "build"

    @property
    def temporary(self) -> Path:
        """Folder for downloads in passing, so that only one disk has to have room."""
        return self.root / "tmp"

    def site_packages(self) -> Path:
        """Where its Python packages lie."""
        found = sorted(self.root.glob("lib/python3.*/site-packages"))
        if not found:
            raise SetupError(f"{self.root} is damaged: it has no site-packages. Remove it and run again.")
        return found[0]

    def is_foreign(self) -> bool:
        """Whether something that the set-up did not make lies in its place."""
        if not self.root.exists() and not self.root.is_symlink():
            return False
        return not (self.root / _MARKER).exists() and not _is_empty_folder(self.root)

    def source(self) -> RosSource | None:
        """The decision it was made with; None if it is not there or the Python or the ROS of then is gone."""
        try:
            fields = json.loads((self.root / _MARKER).read_text())
            fields["python"]["version"] = tuple(fields["python"]["version"])
            python = Interpreter(**fields.pop("python"))
            paths = {name: tuple(entries) for name, entries in fields.pop("paths").items()}
            source = RosSource(python=python, paths=paths, **fields)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        prefixes = source.paths.get("AMENT_PREFIX_PATH", ())
        return source if self.python.exists() and all(Path(path).exists() for path in prefixes) else None

    def create(self, source: RosSource, shell: Mapping[str, str], line: StepLine) -> None:
        """Makes it anew, in place of an older one. The marker goes in first, so an unfinished one is known.

        Raises:
            SetupError: the venv module failed.
        """
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        write_atomically(self.root / _MARKER, marker_text(source))
        command = [source.python.executable, "-I", "-m", "venv", str(self.root)]
        if source.system:
            command.append("--system-site-packages")
        what = f"making a virtual environment with {source.python.executable}"
        run_logged(command, self.logs / "environment.log", line, what, clean(shell), self.root)

    def install_hook(self, source: RosSource) -> None:
        """Makes its Pythons find their ROS with nothing sourced; see hook/kinecue_ros_environment.py."""
        paths = {name: list(source.paths.get(name, ())) for name in PATH_VARIABLES}
        variables = {"ROS_DISTRO": source.distribution, "ROS_VERSION": "2", "ROS_PYTHON_VERSION": "3"}
        if not source.system:
            # The only middleware on PyPI; one that the shell asks for would not be found.
            variables["RMW_IMPLEMENTATION"] = "rmw_fastrtps_cpp"
        settings = {"kind": source.kind, "paths": paths, "variables": {**variables, **source.variables}}
        write_atomically(self.root / "kinecue-ros.json", json.dumps(settings, indent=1))
        for file in _HOOK.iterdir():
            if file.suffix in (".py", ".pth"):
                write_atomically(self.site_packages() / file.name, file.read_text())

    def variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What its programs run with, those that are not Python too: what the hook gives to a Python."""
        found = subprocess.run(
            [str(self.python), "-c", "import json, os; print(json.dumps(dict(os.environ)))"],
            env=clean(environment),
            capture_output=True,
            text=True,
            check=True,
        )
        result: dict[str, str] = json.loads(found.stdout.splitlines()[-1])
        prefixes = result["AMENT_PREFIX_PATH"]
        path = [str(self.root / "bin"), *result.get("PATH", "").split(os.pathsep)]
        result.update(CMAKE_PREFIX_PATH=prefixes, PATH=os.pathsep.join(dict.fromkeys(path)))
        return result


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and next(path.iterdir(), None) is None


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what would redirect pip, CMake or Python, such as a parent make's settings."""
    drop = {
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PIP_USER",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_ROOT",
        "PIP_REQUIRE_VIRTUALENV",
    }
    drop |= {
        "MAKEFLAGS",
        "MFLAGS",
        "MAKELEVEL",
        "MAKEOVERRIDES",
        "VIRTUAL_ENV",
        "COLCON_DEFAULTS_FILE",
        "DESTDIR",
    }
    drop |= {"KINECUE_ROS_ENVIRONMENT", "CMAKE_PREFIX_PATH", "COLCON_PREFIX_PATH"}
    result = {name: value for name, value in environment.items() if name not in drop}
    result["PYTHONNOUSERSITE"] = "1"
    return result


def outside(shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's environment without what a KineCue environment put in, if the set-up is started from one.

    Without this, the ROS of a virtual environment would look like a sourced one.
    """
    result = dict(shell)
    prefix = result.pop("KINECUE_ROS_ENVIRONMENT", "")
    if not prefix:
        return result
    result.pop("_ROS_WHEELS_BOOTSTRAP_COMPLETE", None)
    for name in PATH_VARIABLES:
        entries = [entry for entry in result.get(name, "").split(os.pathsep) if entry]
        kept = [entry for entry in entries if entry != prefix and not entry.startswith(prefix + os.sep)]
        result[name] = os.pathsep.join(kept)
        if not kept:
            del result[name]
    if "AMENT_PREFIX_PATH" not in result:
        for name in ("ROS_DISTRO", "ROS_VERSION", "ROS_PYTHON_VERSION"):
            result.pop(name, None)
    return result


def marker_text(source: RosSource) -> str:
    """How the environment was made, for the next run."""
    fields = asdict(source)
    del fields["notices"]
    return json.dumps(fields, indent=1)
