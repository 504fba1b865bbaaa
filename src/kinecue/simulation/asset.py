"""The baked body data: what `tools/bake_athlete.py` wrote, as arrays in metres."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ASSET = Path(__file__).resolve().parent / "data" / "athlete.npz"
SEXES = ("male", "female")


@dataclass(frozen=True)
class BodyAsset:
    """One body in its rest pose (arms half raised, legs apart), barefoot.

    Frame: x forward, y to the body's left, z up, origin on the floor between the feet; metres.

    Attributes:
        vertices: (V, 3) surface points of skin, eyes, a garment shell and a hair shell.
        faces: quads (F, 4) by part: ``body``, ``eyes``, ``clothes``, ``hair``; outward by the right-hand
            rule.
        lips: (F,) whether a face of ``body`` belongs to the lips.
        bones: J names, parents before children.
        parents: (J,) index of the parent, -1 for the root.
        heads: (J, 3) where each bone turns.
        weights: (V, J) share of each bone in moving a vertex, rows sum to 1, float32.
        landmarks: points of head and feet by name; (3,) each.
        stature: highest minus lowest skin point, m.
    """

    vertices: FloatArray
    faces: dict[str, IntArray]
    lips: NDArray[np.bool_]
    bones: tuple[str, ...]
    parents: IntArray
    heads: FloatArray
    weights: NDArray[np.float32]
    landmarks: dict[Landmark, FloatArray]
    stature: float


def asset_digest(path: Path = ASSET) -> str:
    """sha256 of the asset file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=len(SEXES))
def load_body(sex: str, path: Path = ASSET) -> BodyAsset:
    """The body of one sex.

    Raises:
        KineCueError: unknown sex, or the asset is missing or damaged.
    """
    if sex not in SEXES:
        raise KineCueError(f"athlete: sex must be one of {', '.join(SEXES)}, got {sex!r}")
    try:
        # numpy leaves a damaged file open that it opened itself
        with path.open("rb") as file, np.load(file) as data:
            arrays = {name: data[name] for name in data.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise KineCueError(
            f"{path}: the athlete's body cannot be read ({error}); reinstall KineCue"
        ) from error
    vertices = arrays[f"{sex}_vertices"].astype(np.float64) * float(arrays["step"])
    faces = {n.split("_", 1)[1]: arrays[n].astype(np.int64) for n in arrays if n.startswith("faces_")}
    weights = np.zeros((len(vertices), len(arrays["bones"])), dtype=np.float32)
    rows = np.arange(len(vertices))[:, None]
    np.add.at(
        weights, (rows, arrays["weight_bones"].astype(np.int64)), arrays["weights"].astype(np.float32) / 255
    )
    points = arrays[f"{sex}_landmarks"].astype(np.float64)
    return BodyAsset(
        vertices=vertices,
        faces=faces,
        lips=arrays["lips"].astype(bool),
        bones=tuple(str(b) for b in arrays["bones"]),
        parents=arrays["parents"].astype(np.int64),
        heads=arrays[f"{sex}_heads"].astype(np.float64),
        weights=weights,
        landmarks={Landmark(str(n)): p for n, p in zip(arrays["landmarks"], points, strict=True)},
        stature=float(np.ptp(vertices[np.unique(faces["body"]), 2])),
    )
