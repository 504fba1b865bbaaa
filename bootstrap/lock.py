"""Writes lock/cpXY.txt: every package with its version and the sha256 of the one wheel that fits.

A developer's tool, run after a change in requirements/*.in with each supported Python:

    python3.10 -m bootstrap.lock && python3.11 -m bootstrap.lock && ...

The set-up then installs exactly these files (pip's hash-checking mode) and resolves nothing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bootstrap.platform_check import MINIMUM_GLIBC

HERE = Path(__file__).resolve().parent
SECTIONS = ("run", "ros", "build", "test")


def main() -> int:
    """Resolves the requirements for the running Python and writes its lock file."""
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder) / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        report = Path(folder) / "report.json"
        command = [
            str(venv / "bin/python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--dry-run",
            "--ignore-installed",
        ]
        command += ["--only-binary", ":all:", "--no-binary", "empy", "--report", str(report)]
        for section in SECTIONS:
            command += ["-r", str(HERE / "requirements" / f"{section}.in")]
        # An extra index or a folder of this machine could have other builds than the rest of the world gets.
        environment = {
            **os.environ,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_EXTRA_INDEX_URL": "",
            "PIP_FIND_LINKS": "",
        }
        subprocess.run(command, check=True, env=environment)
        items = json.loads(report.read_text())["install"]
    lines = sorted((_line(item) for item in items if not _is_meta(item)), key=str.lower)
    target = HERE / "lock" / f"{tag}.txt"
    target.write_text(
        "# Made by bootstrap/lock.py from requirements/*.in; do not edit.\n"
        + "".join(f"{line}\n" for line in lines)
    )
    print(f"{target}: {len(lines)} packages")
    return 0


def _is_meta(item: dict[str, Any]) -> bool:
    """`ros-jazzy-X` contains nothing, it only pins the wheel `ros-X`."""
    return str(item["metadata"]["name"]).startswith("ros-jazzy-")


def _line(item: dict[str, Any]) -> str:
    name, version = item["metadata"]["name"], item["metadata"]["version"]
    download = item["download_info"]
    filename = download["url"].rsplit("/", 1)[-1]
    floors = [(int(major), int(minor)) for major, minor in re.findall(r"manylinux_(\d+)_(\d+)", filename)]
    if floors and min(floors) > MINIMUM_GLIBC:
        raise SystemExit(f"{filename} needs glibc {min(floors)}, but the set-up promises {MINIMUM_GLIBC}")
    return f"{name}=={version} --hash=sha256:{download['archive_info']['hashes']['sha256']}"


if __name__ == "__main__":
    raise SystemExit(main())
