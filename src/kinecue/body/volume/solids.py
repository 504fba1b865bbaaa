"""A body as 17 convex solids that hang on its landmarks: what hides what, at the price of a few array operations.

Each solid is a barrel about an axis between two points of the body: where a share z of the axis lies behind, its radius
squared is a concave quadratic of z (so cones, ellipsoids and barrels are all of one kind), and it may be wider one way
than the other. The quadratics are fitted to the segments of a parametric body, so they have the person's own size.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.body.volume.asset import SEXES, BodyAsset
from kinecue.body.volume.marks import carrier, is_joint, rest_landmarks
from kinecue.body.volume.proportions import lengths_of
from kinecue.body.volume.segments import SEGMENTS, body_cut, segment_of
from kinecue.body.volume.shape import BodyShape
from kinecue.body.volume.solver import solve_body

FloatArray = NDArray[np.float64]
Mean = dict[L, float]
"""A point of the body as a weighted mean of landmarks."""


@dataclass(frozen=True)
class _Plan:
    """Where a solid is.

    Attributes:
        segments: of `SEGMENTS`, whose surface it replaces.
        start, end: ends of the axis.
        hint: two points; the solid's first cross axis points from one to the other, as far as perpendicular.
        flat: whether it is wider along the first cross axis than along the second; then it may also lie beside the axis.
    """

    segments: tuple[str, ...]
    start: Mean
    end: Mean
    hint: tuple[Mean, Mean]
    flat: bool = False


def _mean(*landmarks: L) -> Mean:
    return {landmark: 1.0 / len(landmarks) for landmark in landmarks}


_HIPS, _SHOULDERS = _mean(L.LEFT_HIP, L.RIGHT_HIP), _mean(L.LEFT_SHOULDER, L.RIGHT_SHOULDER)
_EARS = _mean(L.LEFT_EAR, L.RIGHT_EAR)
_HIP_LINE = (_mean(L.RIGHT_HIP), _mean(L.LEFT_HIP))
_SHOULDER_LINE = (_mean(L.RIGHT_SHOULDER), _mean(L.LEFT_SHOULDER))
_MIDDLE_LINE = (_mean(L.RIGHT_HIP, L.RIGHT_SHOULDER), _mean(L.LEFT_HIP, L.LEFT_SHOULDER))


def _limbs(side: str) -> dict[str, _Plan]:
    def at(name: str) -> Mean:
        return _mean(L(f"{side}_{name}"))

    knuckles = _mean(L(f"{side}_index"), L(f"{side}_pinky"))
    ends = {
        "upper_arm": (at("shoulder"), at("elbow")),
        "forearm": (at("elbow"), at("wrist")),
        "hand": (at("wrist"), knuckles),
        "thigh": (at("hip"), at("knee")),
        "shank": (at("knee"), at("ankle")),
        "foot": (at("heel"), at("foot_index")),
    }
    return {f"{side}_{k}": _Plan((f"{side}_{k}",), a, b, _HIP_LINE) for k, (a, b) in ends.items()}


_PLANS: dict[str, _Plan] = {
    "skull": _Plan(("head",), _mean(L.RIGHT_EAR), _mean(L.LEFT_EAR), (_EARS, _mean(L.NOSE)), True),
    "neck": _Plan(("head",), _SHOULDERS, _EARS, _SHOULDER_LINE),
    "thorax": _Plan(("thorax",), _HIPS, _SHOULDERS, _SHOULDER_LINE, True),
    "abdomen": _Plan(("abdomen",), _HIPS, _SHOULDERS, _MIDDLE_LINE, True),
    "pelvis": _Plan(("pelvis",), _HIPS, _SHOULDERS, _HIP_LINE, True),
    **_limbs("left"),
    **_limbs("right"),
}
SOLIDS: tuple[str, ...] = tuple(_PLANS)
"""Names of the solids, in the order of the arrays."""


def _rows() -> FloatArray:
    """(3, S, 33) what takes landmarks to starts, ends and hints."""
    table = np.zeros((3, len(SOLIDS), len(BLAZEPOSE_33)))
    for s, plan in enumerate(_PLANS.values()):
        for k, (point, factor) in enumerate(
            ((plan.start, 1.0), (plan.end, 1.0), (plan.hint[1], 1.0), (plan.hint[0], -1.0))
        ):
            for landmark, weight in point.items():
                table[min(k, 2), s, BLAZEPOSE_33.index(landmark)] += factor * weight
    return table


_ENDS = _rows().reshape(3 * len(SOLIDS), len(BLAZEPOSE_33))
_BINS = 12
_SHORTEST = 1e-6
_THROUGH = 1.8
"""A landmark is seen through so many times its own depth of the flesh that it is in: a network marks the middle of a
knee whose skin it sees. As the radius, but a hip's, for it lies off the middle of the pelvis."""
_THROUGH_HIP = 1.5
_THROUGH_FACE = 0.65
"""Of half the skull, for points of its surface."""
_GRAZE = 0.03
"""What hides a landmark of another part of the body must be at least so thick on the line of sight, m."""
_GRAZE_FOOT = 0.05
_NECK_TOP = 0.7
"""Share of the way from the shoulders to the ears where the neck ends and the skull begins."""


@dataclass(frozen=True)
class PlacedSolids:
    """Solids where a body is, S solids.

    Attributes:
        origin: (S, 3) where the axis begins, m.
        axis: (S, 3) unit vectors.
        across: (S, 3) unit vectors of the first cross axis.
        length: (S,) of the axes, m.
    """

    origin: FloatArray
    axis: FloatArray
    across: FloatArray
    length: FloatArray


@dataclass(frozen=True)
class BodySolids:
    """The solids of one person's body, S of `SOLIDS`.

    At the share z of the axis, a point that is d from the axis and u along the first cross axis is inside if
    ``d^2 + flatness u^2 <= radius2[0] + radius2[1] z + radius2[2] z^2`` and z lies within `reach`.

    Attributes:
        radius2: (S, 3) m2; the last column is not above zero.
        reach: (S, 2) from and to which share of the axis the solid goes.
        flatness: (S,) from -1 (flat) to 0 (round).
        aside: (S, 2) how far the axis lies beside the line between its points, along the first cross axis and the
            second, m.
        allowed: (33, S) through how much of the solid the landmark of the row is still seen, m: much of the flesh that it
            is in itself, next to nothing of the rest.
    """

    radius2: FloatArray
    reach: FloatArray
    flatness: FloatArray
    aside: FloatArray
    allowed: FloatArray

    @staticmethod
    def of(body: BodyAsset) -> BodySolids:
        """Fitted to a parametric body in its rest pose."""
        marks = rest_landmarks(body)
        points = np.stack([marks[landmark] for landmark in BLAZEPOSE_33.landmarks])
        rough = _placed(points, np.zeros((len(SOLIDS), 2)))
        skin = _patches(body.vertices)
        fits = [_fitted(s, plan, rough, skin) for s, plan in enumerate(_PLANS.values())]
        radius2, reach, flatness, aside = (np.array(part) for part in zip(*fits, strict=True))
        solids = BodySolids(radius2, reach, flatness, aside, np.zeros((len(points), len(SOLIDS))))
        return dataclasses.replace(solids, allowed=_alloweds(solids, points))

    @staticmethod
    def from_lengths(lengths: SegmentLengths) -> BodySolids:
        """Of a person of whom only segment lengths are known: those of the average body, as large as theirs."""
        usual, average = _average()
        names = ("trunk", "thigh", "shank", "upper_arm", "forearm")
        return average.scaled(
            sum(getattr(lengths, name) for name in names) / sum(usual[name] for name in names)
        )

    def scaled(self, factor: float) -> BodySolids:
        """The solids of a body that is larger by a factor."""
        return BodySolids(
            self.radius2 * factor**2,
            self.reach,
            self.flatness,
            self.aside * factor,
            self.allowed * factor,
        )

    def dressed(self, thickness: float) -> BodySolids:
        """The solids with clothes all over, m."""
        middle = self.reach.mean(1)
        typical = np.sqrt(np.maximum((self.radius2 * middle[:, None] ** np.arange(3)).sum(1), 1e-6))
        factor = (1.0 + thickness / typical)[:, None]
        return dataclasses.replace(self, radius2=self.radius2 * factor**2)

    def placed(self, points: FloatArray) -> PlacedSolids:
        """The solids on a body.

        Args:
            points: (33, 3) all landmarks of `BLAZEPOSE_33`, m, all finite; see `completed`.
        """
        return _placed(points, self.aside)


def _placed(points: FloatArray, aside: FloatArray) -> PlacedSolids:
    start, end, hint = (_ENDS @ points).reshape(3, -1, 3)
    axis = end - start
    length = np.maximum(np.sqrt((axis * axis).sum(1)), _SHORTEST)
    axis = axis / length[:, None]
    across = hint - (hint * axis).sum(1)[:, None] * axis
    across /= np.maximum(np.sqrt((across * across).sum(1)), _SHORTEST)[:, None]
    third = across[:, [1, 2, 0]] * axis[:, [2, 0, 1]] - across[:, [2, 0, 1]] * axis[:, [1, 2, 0]]
    origin = start + aside[:, :1] * across + aside[:, 1:] * third
    return PlacedSolids(origin, axis, across, length)


def _patches(vertices: FloatArray) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Middles (T, 3) and areas (T,) of the triangles of skin by segment."""
    cut = body_cut()
    corners = cut.corners(vertices)
    # what closes a segment where it was cut off is no skin
    skin = (cut.triangles < len(vertices)).all(1)
    middle = corners.mean(1)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return {
        name: (middle[rows], area[rows])
        for i, name in enumerate(SEGMENTS)
        for rows in (skin & (cut.segment == i),)
    }


def _fitted(
    s: int, plan: _Plan, rough: PlacedSolids, skin: dict[str, tuple[FloatArray, FloatArray]]
) -> tuple[FloatArray, tuple[float, float], float, tuple[float, float]]:
    """Radius squared, reach, flatness and place beside the axis of one solid."""
    points = np.concatenate([skin[name][0] for name in plan.segments])
    area = np.concatenate([skin[name][1] for name in plan.segments])
    if plan.segments == ("head",):
        # skull and neck share a segment
        rows = _on_neck(points, rough) == (SOLIDS[s] == "neck")
        points, area = points[rows], area[rows]
    points = points - rough.origin[s]
    axis, across = rough.axis[s], rough.across[s]
    z, u, v = points @ axis / rough.length[s], points @ across, points @ np.cross(across, axis)
    low, high = (float(x) for x in np.percentile(z, [0.5, 99.5]))
    middle = (0.0, 0.0)
    if plan.flat:
        middle = (float(u.min() + u.max()) / 2.0, float(v.min() + v.max()) / 2.0)
        u, v = u - middle[0], v - middle[1]
    if SOLIDS[s] == "skull":
        return _ellipsoid(low, high, float(np.ptp(u)) / 2.0, float(np.ptp(v)) / 2.0, middle)
    shares = (np.arange(_BINS) + 0.5) / _BINS * (high - low) + low
    bins = np.clip(((z - low) / (high - low) * _BINS).astype(int), 0, _BINS - 1)
    wide, deep = np.full(_BINS, np.nan), np.full(_BINS, np.nan)
    for b in range(_BINS):
        rows = bins == b
        if rows.sum() < 6:
            continue
        if plan.flat:
            wide[b], deep[b] = (float(np.percentile(np.abs(x[rows]), 97.0)) for x in (u, v))
        else:
            wide[b] = deep[b] = float(np.sqrt(np.average(u[rows] ** 2 + v[rows] ** 2, weights=area[rows])))
    known = np.isfinite(wide)
    ratio = float((deep[known] ** 2).sum() / (wide[known] ** 2).sum())
    return _concave(shares[known], deep[known] ** 2), (low, high), min(ratio - 1.0, 0.0), middle


def _ellipsoid(
    low: float, high: float, wide: float, deep: float, middle: tuple[float, float]
) -> tuple[FloatArray, tuple[float, float], float, tuple[float, float]]:
    """As `_fitted`, of a solid whose radius runs out at both ends."""
    z0, half = (low + high) / 2.0, (high - low) / 2.0
    falling = (deep / half) ** 2
    radius2 = np.array([deep**2 - falling * z0**2, 2.0 * falling * z0, -falling])
    return radius2, (low, high), min((deep / wide) ** 2 - 1.0, 0.0), middle


def _on_neck(points: FloatArray, rough: PlacedSolids) -> NDArray[np.bool_]:
    neck = SOLIDS.index("neck")
    along = (points - rough.origin[neck]) @ rough.axis[neck] / rough.length[neck]
    return np.asarray(along < _NECK_TOP)


def _concave(z: FloatArray, squared: FloatArray) -> FloatArray:
    """(3,) least squares of a quadratic that bends down, or else of a line."""
    powers = z[:, None] ** np.arange(3)
    result = np.linalg.lstsq(powers, squared, rcond=None)[0]
    if result[2] > 0.0:
        result = np.append(np.linalg.lstsq(powers[:, :2], squared, rcond=None)[0], 0.0)
    return np.asarray(result)


def _alloweds(solids: BodySolids, points: FloatArray) -> FloatArray:
    """(33, S) see `BodySolids.allowed`."""
    place = solids.placed(points)
    offset = points[:, None] - place.origin
    along = (offset * place.axis).sum(2)
    z = np.clip(along / place.length, solids.reach[:, 0], solids.reach[:, 1])
    radius = np.sqrt(np.maximum((solids.radius2 * z[..., None] ** np.arange(3)).sum(2), 1e-6))
    beyond = np.abs(along - z * place.length)
    u = (offset * place.across).sum(2)
    away = np.sqrt(np.maximum((offset**2).sum(2) - along**2 + solids.flatness * u**2, 0.0))
    belongs = (away < 1.15 * radius + 0.02) & (beyond < 0.5 * radius + 0.02)
    middle = solids.reach.mean(1)[:, None] ** np.arange(3)
    thickness = np.sqrt((solids.radius2 * middle).sum(1))
    carriers = [segment_of(carrier(landmark)) for landmark in BLAZEPOSE_33.landmarks]
    belongs |= np.array([[c in plan.segments for plan in _PLANS.values()] for c in carriers])
    result = np.full(belongs.shape, _GRAZE)
    for row, landmark in enumerate(BLAZEPOSE_33.landmarks):
        kind = landmark.value.partition("_")[2]
        own = belongs[row]
        if kind in ("heel", "foot_index"):
            result[row] = _GRAZE_FOOT
        elif is_joint(landmark):
            depth = radius[row] * (_THROUGH_HIP if kind == "hip" else _THROUGH)
            result[row] = np.where(own, np.maximum(depth, _GRAZE), _GRAZE)
        else:
            result[row] = np.where(own, np.maximum(_THROUGH_FACE * thickness, _GRAZE), _GRAZE)
    return result


@lru_cache(maxsize=1)
def _average() -> tuple[dict[str, float], BodySolids]:
    """Lengths, m, and solids of the mean of an average man and an average woman."""
    bodies = [solve_body(BodyShape(f"average_{sex}", sex, 1.72, build=0.5)) for sex in SEXES]
    lengths = [lengths_of(body.bones, body.heads) for body in bodies]
    parts = [BodySolids.of(body) for body in bodies]
    mean = BodySolids(
        **{
            field.name: np.mean([getattr(part, field.name) for part in parts], axis=0)
            for field in dataclasses.fields(BodySolids)
        }
    )
    return {name: float(np.mean([each[name] for each in lengths])) for name in lengths[0]}, mean
