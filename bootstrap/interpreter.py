"""Which Python the virtual environment is made from."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bootstrap.errors import SetupError

SUPPORTED = ((3, 10), (3, 11), (3, 12), (3, 13))
"""Python versions for which ROS 2 Jazzy is on PyPI."""

CANDIDATES = ("python3", "python3.13", "python3.12", "python3.11", "python3.10", "/usr/bin/python3")

_PROBE = """
import importlib.util as u, json, os, platform, struct, sys, sysconfig
base = getattr(sys, "_base_executable", None) or sys.executable
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
except (AttributeError, OSError, ValueError):
    libc = ""
print(json.dumps({
    "executable": base if sys.prefix != sys.base_prefix else sys.executable,
    "version": list(sys.version_info[:3]),
    "implementation": platform.python_implementation(),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "system": platform.system(), "machine": platform.machine(), "bits": struct.calcsize("P") * 8,
    "libc": libc,
    "has_venv": u.find_spec("venv") is not None and u.find_spec("ensurepip") is not None,
    "headers": os.path.join(sysconfig.get_paths()["include"], "Python.h"),
    "has_headers": os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that was found, and what it brings along."""

    executable: str
    version: tuple[int, int, int]
    implementation: str = "CPython"
    free_threaded: bool = False
    system: str = "Linux"
    machine: str = "x86_64"
    bits: int = 64
    libc: str = "glibc 2.36"
    has_venv: bool = True
    headers: str = "/usr/include/python3/Python.h"
    has_headers: bool = True

    @property
    def minor(self) -> tuple[int, int]:
        """Version without the patch level."""
        return self.version[:2]

    @property
    def name(self) -> str:
        """For example `Python 3.11.7`."""
        return "Python " + ".".join(map(str, self.version))

    @property
    def supported(self) -> bool:
        """Whether ROS 2 wheels exist for it."""
        return self.implementation == "CPython" and not self.free_threaded and self.minor in SUPPORTED

    @property
    def complete(self) -> bool:
        """Whether it can make virtual environments and build extensions."""
        return self.has_venv and self.has_headers


def probe(command: str) -> Interpreter | None:
    """Asks a Python what it is; None if there is no such Python or it does not run."""
    try:
        answer = subprocess.run(
            [command, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=60, check=True
        )
        fields = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, json.JSONDecodeError):
        return None
    fields["version"] = tuple(fields["version"])
    return Interpreter(**fields)


def can_import(executable: str, module: str, environment: Mapping[str, str]) -> bool:
    """Whether a module can be imported with this Python in this environment."""
    try:
        answer = subprocess.run(
            [executable, "-c", f"import {module}"],
            env=dict(environment),
            capture_output=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0


def choose(
    requested: str | None,
    candidates: Sequence[str] = CANDIDATES,
    probe_one: Callable[[str], Interpreter | None] = probe,
) -> Interpreter:
    """The requested Python, or the first supported one, preferring one that has venv and its headers.

    Raises:
        SetupError: none is supported; the message lists what was found.
    """
    if requested:
        found = probe_one(requested)
        if found is None:
            raise SetupError(f"PYTHON={requested} does not run. Give the path of {_supported_text()}.")
        if not found.supported:
            raise SetupError(
                f"PYTHON={requested} is {_describe(found)}, but ROS 2 Jazzy is on PyPI for "
                f"{_supported_text()} only."
            )
        return found
    seen = [found for found in map(probe_one, candidates) if found is not None]
    usable = [found for found in seen if found.supported]
    for found in usable:
        if found.complete:
            return found
    if usable:
        return usable[0]
    what = ", ".join(dict.fromkeys(_describe(found) for found in seen)) or "none"
    raise SetupError(
        f"KineCue needs {_supported_text()}; found: {what}. Install one, for example with `sudo apt-get "
        "install python3.12 python3.12-venv python3.12-dev` (Ubuntu 24.04), `sudo apt-get install python3 "
        "python3-venv python3-dev` (Debian 12 and 13) or `pyenv install 3.12`, or name it: `make "
        "PYTHON=/path/to/python3.12 ...`."
    )


def _describe(found: Interpreter) -> str:
    kind = "" if found.implementation == "CPython" else f" ({found.implementation})"
    return found.name + kind + (" (free-threaded)" if found.free_threaded else "")


def _supported_text() -> str:
    first, last = SUPPORTED[0], SUPPORTED[-1]
    return f"CPython {first[0]}.{first[1]} to {last[0]}.{last[1]}"
