"""The baked body data: what `tools/bake_body.py` wrote, as arrays in metres.

The mesh, the skeleton's tree and the skin weights are the same for every body; only positions differ. Every
body is the mirror image of itself.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ASSET = Path(__file__).resolve().parent / "data" / "body.npz"
REDUCED = ASSET.parent / "reduced_body.npz"
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
        mirror: (V,) index of the vertex at the mirror image of each vertex.
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
    mirror: IntArray


@dataclass(frozen=True)
class ShapeSpace:
    """The bodies of one sex: a mean body, and directions in which it can change.

    Only the midline and the left half of the surface are kept. Vertices are in the order midline, left
    half, right half. Directions: see `DIRECTIONS` of `tools/bake_body.py`.

    Attributes:
        directions: S names; the first is the mean body itself.
        shapes: (S, H, 3) half surface, m.
        heads: (S, J, 3) where each bone turns, m.
        landmarks: (S, L, 3) points of head and feet, m.
        landmark_names: L landmarks.
        middle: number of vertices on the midline.
        half_weights: (H, J) skin weights of the half surface.
        faces, lips, bones, parents, weights, mirror: as in `BodyAsset`.
    """

    directions: tuple[str, ...]
    shapes: FloatArray
    heads: FloatArray
    landmarks: FloatArray
    landmark_names: tuple[Landmark, ...]
    middle: int
    half_weights: FloatArray
    faces: dict[str, IntArray]
    lips: NDArray[np.bool_]
    bones: tuple[str, ...]
    parents: IntArray
    weights: NDArray[np.float32]
    mirror: IntArray

    def mixed(self, shares: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """A body as a sum of directions.

        Args:
            shares: (S,).

        Returns:
            (H, 3) half surface, (J, 3) heads and (L, 3) landmarks, m.
        """
        surface, heads, points = (
            (shares @ table.reshape(len(shares), -1)).reshape(table.shape[1:])
            for table in (self.shapes, self.heads, self.landmarks)
        )
        return surface, heads, points

    def whole(self, half: FloatArray) -> FloatArray:
        """(V, 3) surface whose left half is given."""
        result: FloatArray = np.concatenate([half, half[self.middle :] * [1.0, -1.0, 1.0]])
        return result


@lru_cache(maxsize=1)
def reduced_surface() -> tuple[IntArray, IntArray]:
    """A light mesh of the skin, what `tools/reduce_body.py` wrote.

    Returns:
        (W,) which vertices of a body it keeps, and (T, 3) triangles between them, outward by the right-hand rule.

    Raises:
        KineCueError: the file is missing or damaged.
    """
    arrays = _arrays(REDUCED)
    return arrays["vertices"].astype(np.int64), arrays["faces"].astype(np.int64)


def asset_digest(path: Path = ASSET) -> str:
    """sha256 of the asset file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mirrored_bone(bone: str) -> str:
    """The bone on the other side of the body; the same for one of the midline."""
    other = {"_l": "_r", "_r": "_l"}
    return bone[:-2] + other[bone[-2:]] if bone[-2:] in other else bone


@lru_cache(maxsize=2)
def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        # numpy leaves a damaged file open that it opened itself
        with path.open("rb") as file, np.load(file) as data:
            return {name: data[name] for name in data.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise KineCueError(
            f"{path}: the parametric body cannot be read ({error}); reinstall KineCue"
        ) from error


@lru_cache(maxsize=2)
def _weights(path: Path) -> tuple[FloatArray, FloatArray]:
    """(H, J) weights of the half surface and (V, J) of the whole."""
    arrays = _arrays(path)
    bones = [str(b) for b in arrays["bones"]]
    half = np.zeros((len(arrays["weights"]), len(bones)))
    rows = np.arange(len(half))[:, None]
    np.add.at(half, (rows, arrays["weight_bones"].astype(np.int64)), arrays["weights"].astype(float) / 255.0)
    other = [bones.index(mirrored_bone(b)) for b in bones]
    middle = int(arrays["middle"])
    # what lies on the midline hangs on both sides alike
    half[:middle] = (half[:middle] + half[:middle, other]) / 2.0
    return half, np.concatenate([half, half[middle:, other]])


@lru_cache(maxsize=4)
def blended_shape_space(femininity: float) -> ShapeSpace:
    """The bodies between the sexes.

    Args:
        femininity: 0 for men's, 1 for women's, linear in between.
    """
    male, female = (load_shape_space(sex) for sex in SEXES)
    if femininity in (0.0, 1.0):
        return female if femininity else male

    def between(a: FloatArray, b: FloatArray) -> FloatArray:
        result: FloatArray = a + femininity * (b - a)
        return result

    return replace(
        male,
        shapes=between(male.shapes, female.shapes),
        heads=between(male.heads, female.heads),
        landmarks=between(male.landmarks, female.landmarks),
    )


@lru_cache(maxsize=len(SEXES))
def load_shape_space(sex: str, path: Path = ASSET) -> ShapeSpace:
    """The bodies of one sex.

    Raises:
        KineCueError: unknown sex, or the asset is missing or damaged.
    """
    if sex not in SEXES:
        raise KineCueError(f"body: sex must be one of {', '.join(SEXES)}, got {sex!r}")
    arrays = _arrays(path)
    half_weights, weights = _weights(path)
    middle, count = int(arrays["middle"]), len(half_weights)
    right = np.arange(count, 2 * count - middle)
    bones = tuple(str(b) for b in arrays["bones"])
    heads = arrays[f"{sex}_heads"].astype(np.float64)
    # the file holds them in single precision
    other = [bones.index(mirrored_bone(b)) for b in bones]
    heads = (heads + heads[:, other] * [1.0, -1.0, 1.0]) / 2.0
    return ShapeSpace(
        directions=tuple(str(d) for d in arrays["directions"]),
        shapes=arrays[f"{sex}_shapes"].astype(np.float64) * float(arrays["step"]),
        heads=heads,
        landmarks=arrays[f"{sex}_landmarks"].astype(np.float64),
        landmark_names=tuple(Landmark(str(n)) for n in arrays["landmarks"]),
        middle=middle,
        half_weights=half_weights,
        faces={n.split("_", 1)[1]: arrays[n].astype(np.int64) for n in arrays if n.startswith("faces_")},
        lips=arrays["lips"].astype(bool),
        bones=bones,
        parents=arrays["parents"].astype(np.int64),
        weights=weights.astype(np.float32),
        mirror=np.concatenate([np.arange(middle), right, np.arange(middle, count)]),
    )
