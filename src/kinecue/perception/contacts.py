"""Points that rest: feet on the floor, hands on a bar, a seat. What rests is held where it is until it moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import ANKLE_HEIGHT
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.kinematic_fit import LinearRows
from kinecue.perception.postures import ContactLine, point_rows
from kinecue.perception.skeleton import JOINT_INDEX, Skeleton

FloatArray = NDArray[np.float64]

REST_NS = 250_000_000
"""How long a point has to be still before it counts as resting."""
_STILL_M, _AWAY_M = 0.025, 0.055
"""Movement within `REST_NS` of a point that rests, and distance of one that has left, m in the image plane."""
_SETTLE_S = 1.0
"""Time constant with which the place of something that rests anywhere follows the fit: what was not quite right when it
came to rest does not stay."""
_NEAR_HEIGHT = 0.10
"""How far from its height over the floor the fit may have a point for it to be taken for resting there, m."""


@dataclass
class _Point:
    name: str
    line: ContactLine
    anchor: FloatArray | None = None
    since_ns: int = 0
    away_ns: int | None = None
    reference: FloatArray | None = None

    @property
    def rows(self) -> list[int]:
        """Of `JOINTS`: the point, or both of which it is the middle."""
        if self.name == "hips":
            return [JOINT_INDEX[L.LEFT_HIP], JOINT_INDEX[L.RIGHT_HIP]]
        return [JOINT_INDEX[L(self.name)]]


class Contacts:
    """The contacts of one person.

    Args:
        lines: by point, of the posture.
        skeleton: with the person's lengths.
    """

    def __init__(self, lines: dict[str, ContactLine], skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._stamp_ns: int | None = None
        self._points = [_Point(name, line) for name, line in lines.items()]

    def hold(self, name: str, place: FloatArray) -> None:
        """Says that a point rests at (3,) `place`, m; without effect if the posture has no such contact."""
        for point in self._points:
            if point.name == name:
                point.anchor = np.array(place, dtype=np.float64)
                point.away_ns = None

    def take_over(self, other: Contacts) -> None:
        """What rested for another exercise rests for this one, where both know it as the same contact."""
        before = {(p.name, p.line.rests_on): p for p in other._points}
        for point in self._points:
            same = before.get((point.name, point.line.rests_on))
            if same is not None:
                point.anchor, point.reference, point.since_ns = same.anchor, same.reference, same.since_ns

    @property
    def held(self) -> dict[str, FloatArray]:
        """(3,) place of what rests, m, by point."""
        return {p.name: p.anchor for p in self._points if p.anchor is not None}

    def height(self, line: ContactLine, name: str) -> float:
        """Of a point that rests on the floor, m."""
        if line.height is not None:
            return line.height
        return ANKLE_HEIGHT - (self._skeleton.toe_drop if name.endswith("foot_index") else 0.0)

    def follow(
        self,
        camera: CameraModel,
        pixels: FloatArray,
        seen: NDArray[np.bool_],
        offsets: FloatArray,
        fitted: FloatArray,
        stamp_ns: int,
    ) -> None:
        """Looks which points rest, one frame on.

        Args:
            camera: whose landmarks these are.
            pixels: (16, 2) undistorted.
            seen: (16,) which are to be trusted.
            offsets: (16, 3) of the landmarks against the joints, m.
            fitted: (16, 3) joints of the last fit, m.
            stamp_ns: of the frame.
        """
        dt = 0.0 if self._stamp_ns is None else min(max((stamp_ns - self._stamp_ns) * 1e-9, 0.0), 1.0)
        self._stamp_ns = stamp_ns
        for point in self._points:
            rows = point.rows
            if not seen[rows].all() or not np.isfinite(pixels[rows]).all():
                point.reference, point.away_ns = None, None
                continue
            n = len(rows)
            pixel, offset, place = pixels[rows].sum(0) / n, offsets[rows].sum(0) / n, fitted[rows].sum(0) / n
            distance = max(float(camera.to_optical(place)[2]), 0.3)
            if point.anchor is not None:
                expected = project_plain(camera, point.anchor + offset)
                off = float(np.hypot(*(pixel - expected))) * distance / camera.fx
                if point.line.rests_on == "fixed":
                    point.anchor = point.anchor + min(dt / _SETTLE_S, 1.0) * (place - point.anchor)
                if off < _AWAY_M:
                    point.away_ns = None
                elif point.away_ns is None:
                    point.away_ns = stamp_ns
                elif (stamp_ns - point.away_ns) * 1e-9 >= point.line.leave_s:
                    point.anchor, point.reference, point.away_ns = None, None, None
                continue
            moved = (
                np.inf
                if point.reference is None
                else float(np.hypot(*(pixel - point.reference))) * distance / camera.fx
            )
            if moved > _STILL_M:
                point.reference, point.since_ns = pixel, stamp_ns
                continue
            if stamp_ns - point.since_ns >= REST_NS:
                point.anchor = self._place(point, camera, pixel, offset, place)
                point.reference = None

    def _place(
        self, point: _Point, camera: CameraModel, pixel: FloatArray, offset: FloatArray, fitted: FloatArray
    ) -> FloatArray | None:
        if point.line.rests_on == "fixed":
            return fitted.copy()
        height = self.height(point.line, point.name)
        if abs(float(fitted[2]) - height) > _NEAR_HEIGHT:
            return None
        ray = (
            np.array([(pixel[0] - camera.cx) / camera.fx, (pixel[1] - camera.cy) / camera.fy, 1.0])
            @ camera.rotation
        )
        if ray[2] > -0.05 * float(np.linalg.norm(ray)):
            # the ray runs along the floor: the fit knows better how far away it is
            return np.array([fitted[0], fitted[1], height])
        way = (height + offset[2] - camera.centre[2]) / ray[2]
        place = camera.centre + way * ray - offset
        if float(np.hypot(*(place - fitted)[:2])) > 0.5:
            return np.array([fitted[0], fitted[1], height])
        place[2] = height
        return np.asarray(place)

    def rows(self, joint_map: FloatArray) -> LinearRows:
        """What rests, as rows for (16, 3, 48) `joint_map`."""
        a, b = [], []
        for point in self._points:
            if point.anchor is None:
                continue
            place = point_rows(joint_map, point.name)
            a.append(place / point.line.std)
            b.append(point.anchor / point.line.std)
        if not a:
            return LinearRows.none()
        stacked = np.concatenate(a)
        return LinearRows(stacked, np.concatenate(b), np.ones(len(stacked), bool))


def project_plain(camera: CameraModel, points: FloatArray) -> FloatArray:
    """(..., 2) pixels of (..., 3) points without the lens' distortion."""
    q = camera.to_optical(points)
    scale = 1.0 / np.maximum(q[..., 2:], 0.1)
    result: FloatArray = q[..., :2] * scale * [camera.fx, camera.fy] + [camera.cx, camera.cy]
    return result
