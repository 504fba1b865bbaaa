"""Engines that the set-up put into a folder, each with a manifest of its files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinecue.speech.errors import EngineUnavailableError

MANIFEST = "manifest.json"
SETUP_HINT = "install it with 'kinecue voice fetch'"


def read_manifest(folder: Path, what: str) -> Mapping[str, Any]:
    """The manifest of an installed engine, after its files were found to be there with the sizes that it gives.

    Raises:
        EngineUnavailableError: it is not there, or not complete; `what` names it.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise EngineUnavailableError(f"no {what} in {folder.parent} ({SETUP_HINT})")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        wrong = [name for name, size in manifest["files"].items() if _size(folder / name) != size]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineUnavailableError(f"{path} is damaged: {error!r} ({SETUP_HINT})") from error
    if wrong:
        raise EngineUnavailableError(f"{folder / wrong[0]} is missing or damaged ({SETUP_HINT})")
    return manifest


def write_manifest(folder: Path, values: Mapping[str, object]) -> None:
    """Write the manifest of all that is in `folder`, to the disk."""
    files = {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump({**values, "files": files}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
