"""From a network's landmarks to a body: calibration, kinematic fit, states, everything that is not a joint."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import STATURE_MEAN, SegmentLengths
from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33, LandmarkState
from kinecue.body.landmarks import Landmark as L
from kinecue.body.person import Person
from kinecue.body.volume.occlusion import self_occlusion
from kinecue.body.volume.solids import BodySolids
from kinecue.perception.follower import VISIBLE, Followed, Seen, SkeletonFollower
from kinecue.perception.landmark_model import LandmarkModel, blazepose_landmarks
from kinecue.perception.landmarks2d import Landmarks2D, View
from kinecue.perception.postures import FREE, Posture, posture_for
from kinecue.perception.skeleton import JOINT_INDEX, JOINTS, NJ, Skeleton
from kinecue.perception.standing import (
    POPULATION_STD,
    Standing,
    first_state,
    is_standing,
    measure,
    segment_std,
)

FloatArray = NDArray[np.float64]

_ROWS = BLAZEPOSE_33.indices(*JOINTS)
_ANKLES = [JOINT_INDEX[L.LEFT_ANKLE], JOINT_INDEX[L.RIGHT_ANKLE]]
_EXTRAS = [i for i in range(len(BLAZEPOSE_33)) if i not in _ROWS]
_STILL_ROWS = _ROWS[:8]


def _parent(landmark: L) -> tuple[L, ...]:
    name = landmark.value
    side = "left" if "left" in name else "right"
    if any(part in name for part in ("pinky", "index", "thumb")):
        return (L(f"{side}_wrist"),)
    return (L.LEFT_SHOULDER, L.RIGHT_SHOULDER)


def _parent_weights() -> FloatArray:
    weights = np.zeros((len(_EXTRAS), NJ))
    for k, row in enumerate(_EXTRAS):
        parents = _parent(BLAZEPOSE_33.landmarks[row])
        for parent in parents:
            weights[k, JOINT_INDEX[parent]] = 1.0 / len(parents)
    return weights


_PARENTS = _parent_weights()
"""(17, 16): the point of the fitted skeleton that each landmark off it hangs on."""

_FARTHEST_PX, _FARTHEST_M = 1e5, 10.0
_LOOK_EVERY = 3
"""Frames between two looks at what the body hides of itself."""
_COVER_STD, _SURELY_M = 0.025, 0.03
"""Flesh on the line of sight that surely hides (precision .998 on the tuning takes), m."""
_MEASURED_SHARE = 0.3
_EXTRA_STD = 0.02
"""Of a landmark of face or hand across the line of sight, m."""


@dataclass(frozen=True)
class FitterSettings:
    """How a person is measured.

    Attributes:
        standing_s: how long somebody must stand still to be calibrated, s.
        provisional_s: after that long without, go on with population proportions, s.
        stature: m, if the person's is known.
        lost_s: forget a person after that long, s.
        person: measured before; nobody is measured then.
        posture: of the exercise, see `kinecue.perception.postures`.
    """

    standing_s: float = 0.35
    provisional_s: float = 0.5
    stature: float | None = None
    lost_s: float = 2.5
    person: Person | None = None
    posture: str = "standing"


class BodyFitter:
    """One person's body over time. Deterministic: the same landmarks give the same bodies.

    Args:
        camera: intrinsics and mount.
        body_id: identity written into the bodies.
        settings: see `FitterSettings`.
        model: of the network's landmarks; BlazePose's if None.
    """

    def __init__(
        self,
        camera: CameraModel,
        body_id: str = "lifta",
        settings: FitterSettings | None = None,
        model: LandmarkModel | None = None,
    ) -> None:
        self._camera = camera
        self._id = body_id
        self._settings = settings or FitterSettings()
        self._model = model or blazepose_landmarks()
        self._posture: Posture = posture_for(self._settings.posture)
        self._history: deque[Landmarks2D] = deque()
        self.reset()

    def reset(self) -> None:
        """Forgets the person: the next one is measured anew."""
        self._history.clear()
        self._follower: SkeletonFollower | None = None
        self._standing: Standing | None = None
        self._known: tuple[SegmentLengths, FloatArray] | None = None
        self._used_camera = self._camera
        self._first_ns: int | None = None
        self._stamp_ns: int | None = None
        self._fitted_ns: int | None = None
        self._offsets: FloatArray | None = None
        self._points: FloatArray | None = None
        self._solids: BodySolids | None = None
        self._hidden: list[NDArray[np.bool_]] = []
        self._frames = 0

    def set_posture(self, name: str) -> None:
        """What is known of the exercise from now on: name of a posture or of an exercise."""
        posture = posture_for(name)
        if posture is self._posture:
            return
        self._posture = posture
        if self._follower is not None:
            self._follower.set_posture(posture)

    @property
    def standing(self) -> Standing | None:
        """What was measured on the person; None before."""
        return self._standing

    @property
    def lengths(self) -> SegmentLengths | None:
        """Segment lengths in use; None before anything is."""
        return self._follower.skeleton.lengths if self._follower else None

    def update(self, landmarks: Landmarks2D, further: Sequence[View] = ()) -> Body:
        """The body in one more frame; without 3D positions until the person has been measured.

        Frames that are not newer than the last one are answered without 3D positions and change nothing.

        Args:
            landmarks: in this fitter's camera.
            further: the same moment in other cameras, in this one's base frame.
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
        if self._standing is None:
            self._calibrate(landmarks)
        if self._follower is None:
            return self._flat(landmarks)
        views = [View(self._used_camera, landmarks), *(View(v.camera, _sane(v.landmarks)) for v in further)]
        covered = self._covered([view.camera for view in views])
        seen = [_seen(v.camera, v.landmarks, c) for v, c in zip(views, covered, strict=True)]
        return self._body(landmarks, self._follower.step(seen, stamp))

    def _covered(self, cameras: list[CameraModel]) -> list[NDArray[np.bool_] | None]:
        """(16,) for each camera: what of the body is behind its own flesh; looked at now and then."""
        if self._points is None or self._follower is None:
            return [None] * len(cameras)
        if len(self._hidden) != len(cameras) or self._frames % _LOOK_EVERY == 0:
            if self._solids is None:
                self._solids = BodySolids.from_lengths(self._follower.skeleton.lengths)
            self._hidden = []
            for camera in cameras:
                occlusion = self_occlusion(self._solids, self._points, camera.centre, _COVER_STD)
                with np.errstate(invalid="ignore"):
                    self._hidden.append((occlusion.excess > _SURELY_M)[_ROWS])
        self._frames += 1
        return list(self._hidden)

    # -- calibration

    def _calibrate(self, landmarks: Landmarks2D) -> None:
        """Standing still is measured; until then, population proportions."""
        person = self._settings.person
        usable = bool(np.isfinite(landmarks.pixels[_STILL_ROWS]).all())
        if person is not None and self._known is None and usable:
            std = person.lengths_std.as_array() / person.lengths.as_array()
            self._begin(landmarks, person.lengths, std, person.stature)
            self._known = (person.lengths, std)
        if self._standing is not None:
            return
        window_ns = int(self._settings.standing_s * 1e9)
        upright = self._posture.upright or self._posture.name == FREE
        if upright and is_standing(
            landmarks.pixels, landmarks.visibility, self._camera.height, landmarks.world
        ):
            self._history.append(landmarks)
            while self._history and landmarks.stamp_ns - self._history[0].stamp_ns > 2 * window_ns:
                self._history.popleft()
            if self._history[-1].stamp_ns - self._history[0].stamp_ns >= window_ns and self._still():
                self._measure(list(self._history))
                return
        else:
            self._history.clear()
        waited = (landmarks.stamp_ns - (self._first_ns or 0)) * 1e-9
        if (
            self._follower is None
            and waited >= (0.1 if upright and self._history else self._settings.provisional_s)
            and usable
        ):
            stature = self._settings.stature or STATURE_MEAN
            self._begin(landmarks, SegmentLengths.from_stature(stature), POPULATION_STD, stature)

    def _still(self) -> bool:
        pixels = np.stack([item.pixels[_STILL_ROWS] for item in self._history])
        height = np.ptp(pixels[-1, :, 1])
        return bool(pixels.std(0).max() < 0.02 * height)

    def _measure(self, frames: list[Landmarks2D]) -> None:
        camera = self._camera
        standing = measure(
            camera,
            camera.undistort(np.median([f.pixels for f in frames], axis=0)),
            np.median([f.world for f in frames], axis=0),
            np.median([f.visibility for f in frames], axis=0),
            self._settings.person.stature
            if self._known and self._settings.person
            else self._settings.stature,
            self._model,
            self._known,
        )
        if not np.isfinite(standing.joints).all():
            return
        self._standing, self._used_camera = standing, standing.camera
        self._follower = SkeletonFollower(
            Skeleton(standing.lengths),
            self._posture,
            self._model,
            standing.y,
            standing.left,
            # lengths that were measured here and now err together with the landmarks, and that much less matters
            _MEASURED_SHARE * segment_std(standing.lengths_std),
            standing.stature / self._model.stature,
        )
        for side, joint in zip(("left", "right"), _ANKLES, strict=True):
            self._follower.contacts.hold(f"{side}_ankle", standing.joints[joint])
        self._offsets = None

    def _begin(
        self, landmarks: Landmarks2D, lengths: SegmentLengths, std: FloatArray, stature: float
    ) -> None:
        """Start with known lengths in whatever position the person is."""
        skeleton, camera = Skeleton(lengths), self._used_camera
        seen = _seen(camera, landmarks)
        y, left = first_state(camera, seen.pixels, seen.world, seen.visibility, skeleton)
        self._follower = SkeletonFollower(
            skeleton,
            self._posture,
            self._model,
            y,
            left,
            segment_std(std),
            stature / self._model.stature,
            floor=not camera.mount_estimated,
        )
        self._offsets = None

    # -- output

    def _truncated(self, landmarks: Landmarks2D) -> bool:
        return bool((~_inside(self._camera, landmarks.pixels))[_ROWS].any())

    def _flat(self, landmarks: Landmarks2D) -> Body:
        n = len(BLAZEPOSE_33)
        return Body(
            self._id,
            landmarks.stamp_ns,
            BLAZEPOSE_33,
            landmarks.pixels.astype(np.float64),
            np.full(n, 5.0) / np.clip(landmarks.visibility, 0.06, 1.0),
            np.full((n, 3), np.nan),
            np.full((n, 3, 3), np.nan),
            np.full(n, int(LandmarkState.LOST), np.uint8),
            landmarks.score,
            (self._camera.width, self._camera.height),
            camera_calibrated=not self._camera.intrinsics_estimated,
            truncated=self._truncated(landmarks),
        )

    def _body(self, landmarks: Landmarks2D, followed: Followed) -> Body:
        camera, result = self._used_camera, followed.fit
        n = len(BLAZEPOSE_33)
        positions, covariances = np.empty((n, 3)), np.empty((n, 3, 3))
        positions[_ROWS] = result.joints
        joint_covariance = result.covariance * self._posture.doubt**2
        blocks = joint_covariance.reshape(NJ, 3, NJ, 3)
        covariances[_ROWS] = blocks[np.arange(NJ), :, np.arange(NJ), :]
        network = landmarks.world @ camera.rotation
        # face and hands: on their own pixel's ray, as far from their joint in depth as the network says, slowly
        rays = camera.rays(landmarks.pixels[_EXTRAS])
        forward = camera.rotation[2]
        along = rays @ forward
        offsets = (network[_EXTRAS] - _PARENTS @ network[_ROWS]) @ forward
        known = offsets if self._offsets is None else self._offsets
        slowly = known + 0.2 * (offsets - known)
        self._offsets = np.where(np.isfinite(slowly), slowly, np.where(np.isfinite(known), known, offsets))
        roots = (_PARENTS @ result.joints - camera.centre) @ forward
        distance = (roots + self._offsets) / np.maximum(along, 0.05)
        positions[_EXTRAS] = camera.centre + rays * distance[:, None]
        seen = np.zeros(n, bool)
        seen[_ROWS] = followed.seen
        seen[_EXTRAS] = (landmarks.visibility >= VISIBLE)[_EXTRAS] & _inside(camera, landmarks.pixels)[
            _EXTRAS
        ]
        finite = np.isfinite(positions).all(1)
        states = np.where(finite, np.where(seen, int(LandmarkState.OBSERVED), int(LandmarkState.INFERRED)), 0)
        pixel_std = np.empty(n)
        depths = np.maximum(camera.to_optical(positions)[:, 2], 0.3)
        std_m = self._model.std_of(landmarks.visibility[_ROWS], np.full(NJ, np.nan), 1.0)
        pixel_std[_ROWS] = std_m * camera.fx / depths[_ROWS]
        across = _EXTRA_STD / np.clip(landmarks.visibility[_EXTRAS], 0.2, 1.0)
        pixel_std[_EXTRAS] = np.where(np.isfinite(depths[_EXTRAS]), across * camera.fx / depths[_EXTRAS], 5.0)
        outer = rays[:, :, None] * rays[:, None, :]
        covariances[_EXTRAS] = across[:, None, None] ** 2 * (np.eye(3) - outer) + 0.10**2 * outer
        self._points = positions
        left = positions[BLAZEPOSE_33.index(L.LEFT_HIP)] - positions[BLAZEPOSE_33.index(L.RIGHT_HIP)]
        # seen from the camera, which may look along another direction than x
        c, s = math.cos(camera.yaw), math.sin(camera.yaw)
        ahead, aside = c * left[1] - s * left[0], c * left[0] + s * left[1]
        return Body(
            self._id,
            landmarks.stamp_ns,
            BLAZEPOSE_33,
            landmarks.pixels.astype(np.float64),
            pixel_std,
            positions,
            covariances,
            states.astype(np.uint8),
            landmarks.score,
            (self._camera.width, self._camera.height),
            view=math.atan2(-aside, -ahead),
            calibrated=self._standing is not None or self._known is not None,
            camera_calibrated=not camera.intrinsics_estimated,
            truncated=self._truncated(landmarks),
            joint_landmarks=JOINTS,
            joint_covariance=joint_covariance,
        )


def _inside(camera: CameraModel, pixels: FloatArray) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        inside = ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(1)
    return np.asarray(inside)


def _seen(camera: CameraModel, landmarks: Landmarks2D, covered: NDArray[np.bool_] | None = None) -> Seen:
    inside = _inside(camera, landmarks.pixels)[_ROWS]

    def rows(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else values[_ROWS]

    return Seen(
        camera,
        camera.undistort(landmarks.pixels[_ROWS]),
        np.where(inside, landmarks.visibility[_ROWS], 0.0),
        landmarks.spread[_ROWS],
        (landmarks.world @ camera.rotation)[_ROWS],
        rows(landmarks.measured_depth),
        rows(landmarks.measured_depth_std),
        covered,
    )


def _on_blazepose(landmarks: Landmarks2D) -> Landmarks2D:
    """Any topology's landmarks in the rows of BlazePose: what it lacks is NaN and not seen."""
    own = landmarks.topology
    if own is BLAZEPOSE_33 or own.name == BLAZEPOSE_33.name:
        return landmarks
    pairs = [(i, own.index(mark)) for i, mark in enumerate(BLAZEPOSE_33.landmarks) if mark in own]
    here, there = (list(rows) for rows in zip(*pairs, strict=True))

    def spread(values: FloatArray, empty: float) -> FloatArray:
        result = np.full((len(BLAZEPOSE_33), *values.shape[1:]), empty)
        result[here] = values[there]
        return result

    depth, depth_std = landmarks.measured_depth, landmarks.measured_depth_std
    return replace(
        landmarks,
        topology=BLAZEPOSE_33,
        pixels=spread(landmarks.pixels, math.nan),
        depth=spread(landmarks.depth, math.nan),
        visibility=spread(landmarks.visibility, 0.0),
        presence=spread(landmarks.presence, 0.0),
        world=spread(landmarks.world, math.nan),
        spread=spread(landmarks.spread, math.nan),
        measured_depth=None if depth is None else spread(depth, math.nan),
        measured_depth_std=None if depth_std is None else spread(depth_std, math.nan),
    )


def _sane(landmarks: Landmarks2D) -> Landmarks2D:
    """Infinite and absurd numbers become NaN, which everything after this knows to leave out."""
    landmarks = _on_blazepose(landmarks)
    with np.errstate(invalid="ignore"):
        pixels = np.where(np.abs(landmarks.pixels) < _FARTHEST_PX, landmarks.pixels, np.nan)
        world = np.where(np.abs(landmarks.world) < _FARTHEST_M, landmarks.world, np.nan)
        visibility = np.where(np.isfinite(landmarks.visibility), np.clip(landmarks.visibility, 0.0, 1.0), 0.0)
    return replace(landmarks, pixels=pixels, world=world, visibility=visibility)
