"""The cables in the truth file of a simulated clip."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinecue.body.errors import ConfigError
from kinecue.machine.samples import CableSide
from kinecue.machine.simulated.motion import TrackMotion

TRUTH_FORMAT = "kinecue_truth"
SIDES = {"none": CableSide.NONE, "left": CableSide.LEFT, "right": CableSide.RIGHT}
"""How a truth file calls the cables."""


@dataclass(frozen=True)
class CableTrack:
    """One cable of a clip: whose hand it is in, and how its handle moves."""

    side: CableSide
    motion: TrackMotion


def load_cables(path: Path, start_ns: int = 0) -> tuple[CableTrack, ...]:
    """The cables of a clip (``*.truth.json``); none if its exercise uses no cable.

    Read are, in this order: ``machine.cables`` [{side, pulley_m}] with ``frames[].handles_m`` [[x, y, z], ...] in the
    same order; ``machine.pulleys_m`` {side: [x, y, z]} with ``frames[].handles_m`` {side: [x, y, z]}; and
    ``machine.pulley_m`` with ``frames[].handle_m``. Sides are "left", "right" and "none" (or "both", for a single
    cable that both hands hold). All of it in metres in the base frame, with ``frames[].time_s``.

    Args:
        path: of the truth file.
        start_ns: stamp of its time 0.

    Raises:
        ConfigError: the file is missing or damaged; names the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(path, "", "no such truth file") from error
    except (OSError, ValueError) as error:
        raise ConfigError(path, "", f"not the truth file of a simulated clip ({error})") from error
    return read_cables(text, path, start_ns)


def read_cables(text: str, source: str | Path, start_ns: int = 0) -> tuple[CableTrack, ...]:
    """The same from the text of a truth file, which `source` names in errors.

    Raises:
        ConfigError: it is damaged; names the field.
    """
    path = Path(source)
    try:
        data = json.loads(text)
        if not isinstance(data, Mapping):
            raise ConfigError(path, "", "not the truth file of a simulated clip")
        return _cables(path, data, start_ns)
    except KeyError as error:
        raise ConfigError(
            path, str(error.args[0]), "missing; expected a truth file of a simulated clip"
        ) from error
    except (OSError, ValueError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ConfigError(path, "", f"not the truth file of a simulated clip ({error})") from error


def load_track(path: Path, start_ns: int = 0) -> TrackMotion:
    """The first cable of a clip.

    Raises:
        ConfigError: as `load_cables`, and if the clip has no cable.
    """
    cables = load_cables(path, start_ns)
    if not cables:
        raise ConfigError(path, "machine.cables", "the exercise of this clip uses no cable")
    return cables[0].motion


def _cables(path: Path, data: Mapping[str, Any], start_ns: int) -> tuple[CableTrack, ...]:
    frames = data["frames"]
    machine = data.get("machine") or {}
    names: Sequence[str]
    keys: Sequence[str | int]
    if "cables" in machine:
        cables = machine["cables"] or []
        names = [cable["side"] for cable in cables]
        pulleys = [cable["pulley_m"] for cable in cables]
        keys = range(len(cables))
    elif "pulleys_m" in machine:
        names = list(machine["pulleys_m"] or {})
        keys = list(names)
        pulleys = [machine["pulleys_m"][name] for name in names]
    elif "pulley_m" in machine:
        handles = [frame["handle_m"] for frame in frames]
        return (_track(path, CableSide.NONE, frames, handles, machine["pulley_m"], start_ns),)
    elif data.get("format") == TRUTH_FORMAT:
        return ()
    else:
        raise KeyError("machine")
    tracks: list[CableTrack] = []
    for name, key, pulley in zip(names, keys, pulleys, strict=True):
        side = SIDES.get("none" if name == "both" else name)
        if side is None or side in [track.side for track in tracks]:
            raise ConfigError(
                path, "machine.cables", f"side must be one of {', '.join(SIDES)}, each once, got {name!r}"
            )
        handles = [frame["handles_m"][key] for frame in frames]
        tracks.append(_track(path, side, frames, handles, pulley, start_ns))
    return tuple(tracks)


def _track(
    path: Path, side: CableSide, frames: Sequence[Any], handles: Sequence[Any], pulley: Any, start_ns: int
) -> CableTrack:
    try:
        motion = TrackMotion(
            np.array([frame["time_s"] for frame in frames], dtype=np.float64),
            np.array(handles, dtype=np.float64),
            np.array(pulley, dtype=np.float64),
            start_ns,
        )
    except (ValueError, TypeError) as error:
        raise ConfigError(path, f"handle of cable {side.name.lower()}", str(error)) from error
    return CableTrack(side, motion)
