"""From a network's landmarks to a body: calibration, contacts, kinematic fit, states, everything that is not a joint."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33, LandmarkState
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.kinematic_fit import FitResult, KinematicFit, Row, standing_rows
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.skeleton import JOINT_INDEX, JOINTS, Skeleton, segment_vectors
from kinecue.perception.standing import Standing, is_standing, measure

FloatArray = NDArray[np.float64]

_ROWS = BLAZEPOSE_33.indices(*JOINTS)
_ANKLES = [JOINT_INDEX[L.LEFT_ANKLE], JOINT_INDEX[L.RIGHT_ANKLE]]
_EXTRAS = [i for i in range(len(BLAZEPOSE_33)) if i not in _ROWS]


def _parent(landmark: L) -> tuple[L, ...]:
    name = landmark.value
    side = "left" if "left" in name else "right"
    if any(part in name for part in ("heel", "foot")):
        return (L(f"{side}_ankle"),)
    if any(part in name for part in ("pinky", "index", "thumb")):
        return (L(f"{side}_wrist"),)
    return (L.LEFT_SHOULDER, L.RIGHT_SHOULDER)


def _parent_weights() -> FloatArray:
    weights = np.zeros((len(_EXTRAS), len(JOINTS)))
    for k, row in enumerate(_EXTRAS):
        parents = _parent(BLAZEPOSE_33.landmarks[row])
        for parent in parents:
            weights[k, JOINT_INDEX[parent]] = 1.0 / len(parents)
    return weights


_PARENTS = _parent_weights()
"""(21, 12): the point of the fitted skeleton that each landmark off it hangs on."""

_FARTHEST_PX, _FARTHEST_M = 1e5, 10.0
VISIBLE = 0.5
"""Network visibility from which a landmark counts as seen."""


@dataclass(frozen=True)
class FitterSettings:
    """How a person is measured.

    Attributes:
        standing_s: how long somebody must stand still to be calibrated, s.
        provisional_s: after that long without, go on with what the best frame gives, s.
        stature: m, if the person's is known.
        lost_s: forget a person after that long, s.
    """

    standing_s: float = 0.35
    provisional_s: float = 1.0
    stature: float | None = None
    lost_s: float = 1.0


class BodyFitter:
    """One person's body over time. Deterministic: the same landmarks give the same bodies.

    Args:
        camera: intrinsics and mount.
        body_id: identity written into the bodies.
        settings: see `FitterSettings`.
    """

    def __init__(
        self, camera: CameraModel, body_id: str = "lifta", settings: FitterSettings | None = None
    ) -> None:
        self._camera = camera
        self._id = body_id
        self._settings = settings or FitterSettings()
        self._history: deque[Landmarks2D] = deque()
        self.reset()

    def reset(self) -> None:
        """Forgets the person: the next one is measured anew."""
        self._history.clear()
        self._fit: KinematicFit | None = None
        self._standing: Standing | None = None
        self._provisional = False
        self._first_ns: int | None = None
        self._stamp_ns: int | None = None
        self._anchors: FloatArray | None = None
        self._rows: list[Row] = []
        self._moving_ns = [0, 0]
        self._offsets: FloatArray | None = None

    @property
    def standing(self) -> Standing | None:
        """What was measured on the person; None before."""
        return self._standing

    def update(self, landmarks: Landmarks2D) -> Body:
        """The body in one more frame; without 3D positions until the person has been measured.

        Frames that are not newer than the last one are answered without 3D positions and change nothing.
        """
        landmarks = _sane(landmarks)
        stamp = landmarks.stamp_ns
        if self._stamp_ns is not None and stamp <= self._stamp_ns:
            return self._flat(landmarks)
        gap = math.inf if self._stamp_ns is None else (stamp - self._stamp_ns) * 1e-9
        if self._stamp_ns is not None and gap > self._settings.lost_s:
            self.reset()
        self._stamp_ns = stamp
        if self._first_ns is None:
            self._first_ns = stamp
        if self._fit is None or self._provisional:
            self._calibrate(landmarks)
        if self._fit is None or self._standing is None:
            return self._flat(landmarks)
        camera = self._standing.camera
        pixels = camera.undistort(landmarks.pixels[_ROWS])
        visibility = np.where(self._inside(landmarks)[_ROWS], landmarks.visibility[_ROWS], 0.06)
        network = landmarks.world @ camera.rotation
        depth = segment_vectors(landmarks.world[_ROWS])[:, 2]
        self._follow_feet(pixels, visibility, stamp)
        result = self._fit.step(pixels, visibility, depth, self._rows, min(gap, 1.0))
        return self._body(landmarks, result, network)

    # -- calibration

    def _calibrate(self, landmarks: Landmarks2D) -> None:
        window_ns = int(self._settings.standing_s * 1e9)
        upright = is_standing(landmarks.pixels, landmarks.visibility, self._camera.height)
        if upright:
            self._history.append(landmarks)
            while self._history and landmarks.stamp_ns - self._history[0].stamp_ns > 2 * window_ns:
                self._history.popleft()
            if self._history[-1].stamp_ns - self._history[0].stamp_ns >= window_ns and self._still():
                self._begin(list(self._history), provisional=False)
                return
        else:
            self._history.clear()
        waited = (landmarks.stamp_ns - (self._first_ns or 0)) * 1e-9
        if (self._fit is None and upright and waited >= 0.1) or (
            self._fit is None
            and waited >= self._settings.provisional_s
            and np.isfinite(landmarks.pixels[_ROWS]).all()
        ):
            self._begin([landmarks], provisional=True)

    def _still(self) -> bool:
        pixels = np.stack([item.pixels[_ROWS] for item in self._history])
        height = np.ptp(pixels[-1, :, 1])
        return bool(pixels.std(0).max() < 0.02 * height)

    def _begin(self, frames: list[Landmarks2D], provisional: bool) -> None:
        camera = self._camera
        pixels = camera.undistort(np.median([f.pixels for f in frames], axis=0))
        world = np.median([f.world for f in frames], axis=0)
        visibility = np.median([f.visibility for f in frames], axis=0)
        standing = measure(camera, pixels, world, visibility, self._settings.stature)
        if not np.isfinite(standing.joints).all():
            return
        self._standing, self._provisional = standing, provisional
        self._anchors = standing.joints[_ANKLES].copy()
        skeleton = Skeleton(standing.lengths)
        self._fit = KinematicFit(
            skeleton, standing.camera, standing.joints, standing.left, standing.pixel_height
        )
        self._rows = standing_rows(skeleton, standing.left, self._anchors)
        self._offsets = None

    # -- contacts

    def _follow_feet(self, pixels: FloatArray, visibility: FloatArray, stamp: int) -> None:
        """Puts a foot's contact where the foot now is, once it has been elsewhere for a while."""
        if self._anchors is None or self._standing is None or self._fit is None:
            return
        camera, moved = self._standing.camera, False
        expected = replace(camera, distortion=(0.0,) * 5).project(self._anchors)
        for k, joint in enumerate(_ANKLES):
            off = float(np.linalg.norm(pixels[joint] - expected[k]))
            if visibility[joint] < VISIBLE or not off > 3.5 * self._fit.pixel_std:
                self._moving_ns[k] = stamp
            elif stamp - self._moving_ns[k] > 250_000_000:
                ray = camera.rays(pixels[joint])
                if ray[2] < -1e-3:
                    self._anchors[k] = camera.centre + ray * (
                        (self._anchors[k, 2] - camera.mount_height) / ray[2]
                    )
                    moved = True
                self._moving_ns[k] = stamp
        if moved:
            line = (self._anchors[0] - self._anchors[1]) * [1.0, 1.0, 0.0]
            left = self._standing.left
            # feet close together or one before the other do not tell the facing
            if float(np.linalg.norm(line)) > 0.15 and float(line @ left) > 0.8 * float(np.linalg.norm(line)):
                left = line / np.linalg.norm(line)
            self._rows = standing_rows(self._fit.skeleton, left, self._anchors)

    # -- output

    def _inside(self, landmarks: Landmarks2D) -> NDArray[np.bool_]:
        u, v = landmarks.pixels[:, 0], landmarks.pixels[:, 1]
        with np.errstate(invalid="ignore"):
            inside = (u >= 0) & (v >= 0) & (u < self._camera.width) & (v < self._camera.height)
        return np.asarray(inside)

    def _states(self, landmarks: Landmarks2D) -> NDArray[np.uint8]:
        seen = (landmarks.visibility >= VISIBLE) & self._inside(landmarks)
        return np.where(seen, int(LandmarkState.OBSERVED), int(LandmarkState.INFERRED)).astype(np.uint8)

    def _truncated(self, landmarks: Landmarks2D) -> bool:
        return bool((~self._inside(landmarks)[_ROWS]).any())

    def _flat(self, landmarks: Landmarks2D) -> Body:
        n = len(BLAZEPOSE_33)
        states = np.full(n, int(LandmarkState.LOST), np.uint8)
        return Body(
            self._id,
            landmarks.stamp_ns,
            BLAZEPOSE_33,
            landmarks.pixels.astype(np.float64),
            self._pixel_std(landmarks),
            np.full((n, 3), np.nan),
            np.full((n, 3, 3), np.nan),
            states,
            landmarks.score,
            (self._camera.width, self._camera.height),
            camera_calibrated=not self._camera.intrinsics_estimated,
            truncated=self._truncated(landmarks),
        )

    def _pixel_std(self, landmarks: Landmarks2D) -> FloatArray:
        base = self._fit.pixel_std if self._fit is not None else 5.0
        result: FloatArray = base / np.clip(landmarks.visibility, 0.06, 1.0)
        return result

    def _body(self, landmarks: Landmarks2D, result: FitResult, network: FloatArray) -> Body:
        if self._standing is None or self._fit is None:
            return self._flat(landmarks)
        camera = self._standing.camera
        n = len(BLAZEPOSE_33)
        positions, covariances = np.empty((n, 3)), np.empty((n, 3, 3))
        positions[_ROWS] = result.joints
        blocks = result.covariance.reshape(len(JOINTS), 3, len(JOINTS), 3)
        for j, row in enumerate(_ROWS):
            covariances[row] = blocks[j, :, j, :]
        # extremities and face: on their own pixel's ray, as far from their joint in depth as the network says, slowly
        rays = camera.rays(landmarks.pixels[_EXTRAS])
        roots = _PARENTS @ result.joints
        offsets = network[_EXTRAS, 0] - _PARENTS @ network[_ROWS, 0]
        known = offsets if self._offsets is None else self._offsets
        slowly = known + 0.2 * (offsets - known)
        self._offsets = np.where(np.isfinite(slowly), slowly, np.where(np.isfinite(known), known, offsets))
        distance = (roots[:, 0] + self._offsets - camera.centre[0]) / np.maximum(rays[:, 0], 0.05)
        positions[_EXTRAS] = camera.centre + rays * distance[:, None]
        pixel_std = self._pixel_std(landmarks)
        across = pixel_std[_EXTRAS] * distance / camera.fx
        outer = rays[:, :, None] * rays[:, None, :]
        covariances[_EXTRAS] = across[:, None, None] ** 2 * (np.eye(3) - outer) + 0.10**2 * outer
        left = positions[BLAZEPOSE_33.index(L.LEFT_HIP)] - positions[BLAZEPOSE_33.index(L.RIGHT_HIP)]
        forward = np.cross(left, [0.0, 0.0, 1.0])
        return Body(
            self._id,
            landmarks.stamp_ns,
            BLAZEPOSE_33,
            landmarks.pixels.astype(np.float64),
            pixel_std,
            positions,
            covariances,
            np.where(np.isfinite(positions).all(1), self._states(landmarks), int(LandmarkState.LOST)).astype(
                np.uint8
            ),
            landmarks.score,
            (self._camera.width, self._camera.height),
            view=math.atan2(-left[0], -forward[0]),
            calibrated=not self._provisional,
            camera_calibrated=not camera.intrinsics_estimated,
            truncated=self._truncated(landmarks),
            joint_landmarks=JOINTS,
            joint_covariance=result.covariance,
        )


def _sane(landmarks: Landmarks2D) -> Landmarks2D:
    """Infinite and absurd numbers become NaN, which everything after this knows to leave out."""
    with np.errstate(invalid="ignore"):
        pixels = np.where(np.abs(landmarks.pixels) < _FARTHEST_PX, landmarks.pixels, np.nan)
        world = np.where(np.abs(landmarks.world) < _FARTHEST_M, landmarks.world, np.nan)
        visibility = np.where(np.isfinite(landmarks.visibility), np.clip(landmarks.visibility, 0.0, 1.0), 0.0)
    return replace(landmarks, pixels=pixels, world=world, visibility=visibility)
