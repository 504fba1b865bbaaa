"""Whether this machine has what the set-up needs, asked before anything is written."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from bootstrap.errors import SetupError
from bootstrap.interpreter import Interpreter

MINIMUM_GLIBC = (2, 28)
"""Floor of the ROS 2 wheels (manylinux_2_28)."""

NEEDED_BYTES = 2_500_000_000
"""Measured: 1.4 GB environment, 0.2 GB builds, 0.5 GB of downloads in passing; the rest is reserve."""

_UBUNTU = (
    "Install ROS 2 Jazzy from its apt repository (Ubuntu 24.04), `source /opt/ros/jazzy/setup.bash`, and "
    "run this again: KineCue then uses that."
)


def check_cpu_and_libc(python: Interpreter) -> None:
    """Raises SetupError unless the ROS 2 wheels of PyPI run here: Linux, x86-64, glibc."""
    if python.system != "Linux":
        raise SetupError(
            f"KineCue runs on Linux; this is {python.system}. A Linux container or virtual machine will do."
        )
    if python.machine not in ("x86_64", "amd64") or python.bits != 64:
        raise SetupError(
            f"ROS 2 on PyPI is built for 64-bit x86-64 only; this Python is {python.bits}-bit on "
            f"{python.machine}. {_UBUNTU}"
        )
    version = glibc_version(python.libc)
    if version is None:
        raise SetupError(
            "ROS 2 on PyPI needs the GNU C library; this system has another one (musl?). Use Debian 10, "
            "Ubuntu 20.04 or newer, or a container of one of them."
        )
    if version < MINIMUM_GLIBC:
        raise SetupError(
            f"ROS 2 on PyPI needs glibc {_dotted(MINIMUM_GLIBC)} or newer; this system has "
            f"{_dotted(version)}. Use Debian 10, Ubuntu 20.04 or newer, or a container of one of them."
        )


def glibc_version(text: str) -> tuple[int, int] | None:
    """`glibc 2.36` gives (2, 36); None if it is not glibc."""
    match = re.fullmatch(r"glibc (\d+)\.(\d+).*", text)
    return (int(match[1]), int(match[2])) if match else None


def check_python_parts(python: Interpreter) -> None:
    """Raises SetupError if the Python lacks venv, ensurepip or its C headers (Debian packages them apart)."""
    package = f"python{python.minor[0]}.{python.minor[1]}"
    who = f"{python.name} ({python.executable})"
    if not python.has_venv:
        raise SetupError(
            f"{who} cannot make virtual environments: the modules venv and ensurepip are missing. `sudo "
            f"apt-get install {package}-venv` brings them."
        )
    if not python.has_headers:
        raise SetupError(
            f"{who} lacks its C headers ({python.headers}), which building ROS messages needs. `sudo apt-get "
            f"install {package}-dev` (Fedora: python3-devel) brings them; or name a Python that has them: "
            "`make PYTHON=/path/to/python ...`."
        )


def check_disk(folder: Path, needed: int = NEEDED_BYTES, free: int | None = None) -> None:
    """Raises SetupError if the disk that holds a folder has less than `needed` bytes left."""
    if free is None:
        free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f"Too little room: the set-up needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free on "
            f"the disk that holds {folder}. Free some, or clone KineCue onto another disk."
        )


def check_location(root: Path) -> None:
    """Raises SetupError if the path breaks the tools or cannot be written."""
    if re.search(r"[\s:;\"'$%]", str(root)):
        raise SetupError(
            f"KineCue lies in `{root}`. CMake and virtual environments cannot cope with blanks, quotes, $, "
            "%, : and ; in a path: move it to a folder without them."
        )
    if not os.access(root, os.W_OK):
        raise SetupError(
            f"{root} cannot be written by this user. Clone KineCue into a folder of your own; no root is "
            "needed."
        )


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
