"""How wide a person is in a picture, and how wide a mesh would be there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.body.volume.segments import SEGMENTS

FloatArray = NDArray[np.float64]

_STEP = 0.25
"""Of the scan across a body, pixels of the mask."""
_GAP = 0.004
"""Gaps in a silhouette that a mask does not show, m."""
_CLEARANCE = 0.03
"""What stands off less than this from an edge may be one with it in a mask: clothes are in between, m."""
_OVERLAP = 0.01
"""What reaches not so near to an edge from inside does not move it, m."""
_REACH = 0.45
"""How far from the axis of a segment the body is looked for, m."""


@dataclass(frozen=True)
class Station:
    """A place along the body where its width is measured, across a line between two points of it.

    Attributes:
        name: for reports.
        start, end: landmarks whose middles the line joins.
        share: where on the line, 0 at the start.
        shirt, trousers, legs: how much of the distance from the skin of what is worn on trunk, thighs and shanks comes on
            top there, by custom.
        own: of `SEGMENTS`, whose silhouette is measured.
        twin: the same of the other side, which is taken with it where the two lie behind each other.
    """

    name: str
    start: tuple[L, ...]
    end: tuple[L, ...]
    share: float
    shirt: float
    trousers: float
    legs: float
    own: tuple[str, ...]
    twin: tuple[str, ...] = ()


def _stations() -> tuple[Station, ...]:
    hips, shoulders = (L.LEFT_HIP, L.RIGHT_HIP), (L.LEFT_SHOULDER, L.RIGHT_SHOULDER)
    trunk = ("thorax", "abdomen", "pelvis", "left_thigh", "right_thigh")
    result = [
        Station(f"trunk {share:g}", hips, shoulders, share, 1.0 if share > 0.15 else 0.5, low, 0.0, trunk)
        for share, low in ((-0.05, 1.0), (0.08, 0.7), (0.22, 0.0), (0.36, 0.0), (0.50, 0.0), (0.64, 0.0))
    ]
    for side, other in (("left", "right"), ("right", "left")):
        limb = {
            name: (L(f"{side}_{name}"),) for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
        }
        for name, start, end, shares, (shirt, trousers, legs), own in (
            ("thigh", "hip", "knee", (0.35, 0.60, 0.85), (0.0, 1.0, 0.0), ("thigh", "shank")),
            ("shank", "knee", "ankle", (0.25, 0.50, 0.75), (0.0, 0.0, 1.0), ("thigh", "shank", "foot")),
            ("upper_arm", "shoulder", "elbow", (0.55, 0.75), (0.6, 0.0, 0.0), ("upper_arm", "forearm")),
            ("forearm", "elbow", "wrist", (0.25, 0.60), (0.1, 0.0, 0.0), ("upper_arm", "forearm", "hand")),
        ):
            leg = name in ("thigh", "shank")
            result += [
                Station(
                    f"{side} {name} {share:g}",
                    limb[start],
                    limb[end],
                    share,
                    shirt,
                    trousers,
                    legs,
                    (*(f"{side}_{part}" for part in own), *(("pelvis",) if name == "thigh" else ())),
                    tuple(f"{other}_{part}" for part in own) if leg else (),
                )
                for share in shares
            ]
    return tuple(result)


STATIONS = _stations()
_OWN, _TWIN = (
    np.array([[name in parts for name in SEGMENTS] for parts in of_stations])
    for of_stations in ([s.own for s in STATIONS], [s.twin for s in STATIONS])
)


def _station_rows() -> tuple[FloatArray, FloatArray]:
    """(K, 33) twice: what takes landmarks to the places of the stations and to the directions of their lines."""
    places, lines = np.zeros((len(STATIONS), len(BLAZEPOSE_33))), np.zeros((len(STATIONS), len(BLAZEPOSE_33)))
    for k, station in enumerate(STATIONS):
        for landmarks, at, along in (
            (station.start, 1.0 - station.share, -1.0),
            (station.end, station.share, 1.0),
        ):
            for row in BLAZEPOSE_33.indices(*landmarks):
                places[k, row] += at / len(landmarks)
                lines[k, row] += along / len(landmarks)
    return places, lines


_PLACES, _LINES = _station_rows()


@dataclass(frozen=True)
class Mesh:
    """A posed body.

    Attributes:
        vertices: (W, 3) m.
        triangles: (T, 3).
        segments: (T,) index into `SEGMENTS` of each triangle.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int64]
    segments: NDArray[np.int64]


@dataclass(frozen=True)
class Silhouette:
    """A person who stands before a camera, and which pixels are theirs.

    Attributes:
        probability: (H, W) that a pixel of the mask belongs to the person, 0 to 1.
        to_picture: (2, 3) from column and row of the mask (0 is the middle of the first) to pixels of the picture.
        camera: who looks.
        points: (33, 3) landmarks of `BLAZEPOSE_33` in the camera's base frame, m; the twelve main joints finite.
    """

    probability: NDArray[np.float32]
    to_picture: FloatArray
    camera: CameraModel
    points: FloatArray

    def __post_init__(self) -> None:
        if self.probability.ndim != 2 or min(self.probability.shape) < 2:
            raise ValueError(f"Silhouette.probability: expected (H, W), got {self.probability.shape}")
        if self.to_picture.shape != (2, 3) or self.points.shape != (len(BLAZEPOSE_33), 3):
            raise ValueError(
                f"Silhouette: expected to_picture (2, 3) and points ({len(BLAZEPOSE_33)}, 3), "
                f"got {self.to_picture.shape} and {self.points.shape}"
            )

    @cached_property
    def lines(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Stations without distortion: (K, 2) their pixels, (K, 2) unit vectors across, (K,) metres per pixel."""
        places = _PLACES @ self.points
        along = _LINES @ self.points
        here = self._pinhole(places)
        ahead = self._pinhole(places + 0.01 * along) - here
        ahead /= np.maximum(np.linalg.norm(ahead, axis=1), 1e-12)[:, None]
        depth = self.camera.to_optical(places)[:, 2]
        return here, np.stack([-ahead[:, 1], ahead[:, 0]], 1), depth / self.camera.fx

    def _pinhole(self, points: FloatArray) -> FloatArray:
        optical = self.camera.to_optical(points)
        with np.errstate(divide="ignore", invalid="ignore"):
            result: FloatArray = optical[:, :2] / optical[:, 2:] * [self.camera.fx, self.camera.fy] + [
                self.camera.cx,
                self.camera.cy,
            ]
        return result

    @cached_property
    def edges(self) -> FloatArray:
        """(K, 2) how far the person reaches across each station, to both sides of its place, m; NaN not measured.

        An edge is where the probability falls through one half on the way out from inside the person.
        """
        here, across, scale = self.lines
        linear = self.to_picture[:, :2]
        inverse = np.linalg.inv(linear)
        pixel = float(np.sqrt(abs(np.linalg.det(linear))))
        result = np.full((len(STATIONS), 2), np.nan)
        for k in range(len(STATIONS)):
            if not (np.isfinite(here[k]).all() and np.isfinite(scale[k]) and scale[k] > 0.0):
                continue
            steps = np.arange(0.0, _REACH / scale[k], _STEP * pixel)
            for side, sign in enumerate((-1.0, 1.0)):
                straight = here[k] + sign * steps[:, None] * across[k]
                spots = (self._distorted(straight) - self.to_picture[:, 2]) @ inverse.T
                edge = self._first_edge(np.asarray(spots, dtype=np.float64))
                if edge is not None:
                    result[k, side] = edge * _STEP * pixel * scale[k]
        return result

    def _distorted(self, pixels: FloatArray) -> FloatArray:
        if not self.camera.distorted:
            return pixels
        camera = self.camera
        rays = np.concatenate(
            [(pixels - [camera.cx, camera.cy]) / [camera.fx, camera.fy], np.ones((len(pixels), 1))], 1
        )
        return camera.project(rays @ camera.rotation + camera.centre)

    def _first_edge(self, spots: FloatArray) -> float | None:
        """Steps from the first of the spots to where the person ends; None where they do not, or do not begin."""
        height, width = self.probability.shape
        inside = (spots >= 0.0).all(1) & (spots <= [width - 1, height - 1]).all(1)
        count = len(spots) if inside.all() else int(np.argmin(inside))
        if count < 2:
            return None
        columns, rows = (np.ascontiguousarray(spots[:count, a], dtype=np.float32)[None] for a in (0, 1))
        values = cv2.remap(self.probability, columns, rows, cv2.INTER_LINEAR)[0]
        if values[0] < 0.5:
            return None
        outside = np.flatnonzero(values < 0.5)
        if not len(outside):
            return None
        last = int(outside[0])
        before, after = float(values[last - 1]), float(values[last])
        return last - 1 + (before - 0.5) / (before - after)

    def edges_of(self, mesh: Mesh) -> FloatArray:
        """(K, 2) how far what is measured at each station reaches on a mesh, m; NaN where it does not begin."""
        return self._edges(mesh, check=False)

    def clear(self, mesh: Mesh) -> NDArray[np.bool_]:
        """(K, 2) whether the person's edge there is that of the part that is measured, not of an arm or a leg beside it."""
        clear = np.isfinite(self._edges(mesh, check=True))
        measured = np.isfinite(self.edges)
        return np.asarray(clear & measured)

    def _edges(self, mesh: Mesh, check: bool) -> FloatArray:
        here, across, scale = self.lines
        pixels = self._pinhole(mesh.vertices.astype(np.float64))
        result = np.full((len(STATIONS), 2), np.nan)
        for k in range(len(STATIONS)):
            rows = slice(None) if check else (_OWN[k] | _TWIN[k])[mesh.segments]
            low, high, segment = _cut(
                mesh.triangles[rows], mesh.segments[rows], (pixels - here[k]) * scale[k], across[k]
            )
            own, twin = _OWN[k][segment], _TWIN[k][segment]
            if (low[twin] < 0.0).any() and (high[twin] > 0.0).any():
                own = own | twin
            edges = [_reach(-high[own], -low[own]), _reach(low[own], high[own])]
            if check:
                for side, (near, far) in enumerate(((-high, -low), (low, high))):
                    beside = ~own & (far > edges[side] - _OVERLAP)
                    closest = float(near[beside].min(initial=np.inf))
                    if closest < max(edges[side], float(self.edges[k, side])) + _CLEARANCE:
                        edges[side] = math.nan
            result[k] = edges
        return result


def _cut(
    triangles: NDArray[np.int64], segments: NDArray[np.int64], offset: FloatArray, across: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Where triangles meet a line: from and to along it, and their segments."""
    along = offset @ across
    height = offset @ np.array([-across[1], across[0]])
    above = height > 0.0
    corners = above[triangles]
    rows = np.flatnonzero(corners.any(1) & ~corners.all(1))
    cut = triangles[rows]
    low, high = np.full(len(cut), np.inf), np.full(len(cut), -np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        p, q = cut[:, a], cut[:, b]
        crossing = above[p] != above[q]
        step = np.where(crossing, height[p] - height[q], 1.0)
        at = along[p] + (along[q] - along[p]) * height[p] / step
        low = np.where(crossing, np.minimum(low, at), low)
        high = np.where(crossing, np.maximum(high, at), high)
    return low, high, segments[rows]


def _reach(low: FloatArray, high: FloatArray) -> float:
    """How far the union of intervals goes on from zero without a gap; NaN if zero is not in it."""
    end = 0.0
    for i in np.argsort(low).tolist():
        if low[i] > end + _GAP:
            break
        end = max(end, float(high[i]))
    return end if end > 0.0 else math.nan
