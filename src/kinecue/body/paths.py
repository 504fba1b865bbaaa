"""Where KineCue finds what it ships and keeps what it makes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kinecue.body.errors import KineCueError

_REPOSITORY = Path(__file__).resolve().parents[3]


def data_dir() -> Path:
    """Folder for what set-up makes or a person's calibration leaves: models, voice, sample clips, profiles.

    ``$KINECUE_DATA`` if set; inside a virtual environment ``<environment>/share/kinecue_data``;
    else ``$XDG_DATA_HOME/kinecue`` (``~/.local/share/kinecue``). The folder need not exist.
    """
    explicit = os.environ.get("KINECUE_DATA")
    if explicit:
        return Path(explicit).expanduser()
    if sys.prefix != sys.base_prefix:
        return Path(sys.prefix) / "share" / "kinecue_data"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "kinecue"


def share_dir() -> Path:
    """Folder that holds ``config/``, ``models/`` and ``launch/``: the repository, or the installed share.

    Raises:
        KineCueError: neither is there.
    """
    candidates = [_REPOSITORY]
    candidates += [
        Path(p) / "share" / "kinecue" for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p
    ]
    candidates.append(Path(sys.prefix) / "share" / "kinecue")
    for candidate in candidates:
        if (candidate / "config" / "exercises").is_dir():
            return candidate
    listed = ", ".join(str(c) for c in candidates)
    raise KineCueError(
        f"KineCue's config/exercises folder was not found in any of: {listed}. Reinstall the package."
    )
