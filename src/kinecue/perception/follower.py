"""One person's skeleton from frame to frame: prediction, occlusion, contacts, swapped sides, and the fit of each frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.perception.contacts import Contacts, project_plain
from kinecue.perception.kinematic_fit import (
    FIRST_ITERATIONS,
    ITERATIONS,
    FitResult,
    LinearRows,
    Problem,
    Sight,
    normalized,
)
from kinecue.perception.landmark_model import LandmarkModel
from kinecue.perception.postures import Axes, CompiledPriors, Posture
from kinecue.perception.skeleton import (
    JOINT_INDEX,
    JOINTS,
    NJ,
    NS,
    NY,
    SEGMENT_ENDS,
    SEGMENT_INDEX,
    SEGMENTS,
    Skeleton,
    segment_vectors,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

VISIBLE = 0.5
"""Network visibility from which a landmark counts as seen."""
_UP = np.array([0.0, 0.0, 1.0])
_NEVER_NS = -(10**18)


def _by_segment(**values: float) -> FloatArray:
    return np.array([values[name.removeprefix("left_").removeprefix("right_")] for name in SEGMENTS])


_DEPTH_GAIN = _by_segment(
    pelvis=1.0, trunk=1.0, shoulders=1.3, thigh=1.05, shank=1.0, upper_arm=0.8, forearm=0.9, foot=1.2
)
"""Factor on the network's depth extents: it draws shoulders and feet too flat (fitted on the tuning takes)."""
_DEPTH_STD = _by_segment(
    pelvis=0.035, trunk=0.13, shoulders=0.07, thigh=0.12, shank=0.12, upper_arm=0.10, forearm=0.11, foot=0.10
)
"""Standard deviation of the network's depth over each segment, m: 1.4 times what it was on the tuning takes, because films
differ more than simulations."""
_MOTION_STD = _by_segment(
    pelvis=0.12, trunk=0.18, shoulders=0.12, thigh=0.12, shank=0.12, upper_arm=0.24, forearm=0.32, foot=0.14
)
"""Change of a direction against its prediction in 1/15 s."""
_ROOT_STD, _GIRDLE_STD = 0.05, 0.015
_Y_MOTION_STD = np.concatenate([np.full(3, _ROOT_STD), np.repeat(_MOTION_STD, 3), np.full(6, _GIRDLE_STD)])
_HIDDEN_AT_ONCE = 0.06
_HIDDEN_RATE = _by_segment(
    pelvis=0.4, trunk=0.4, shoulders=0.4, thigh=0.8, shank=0.8, upper_arm=1.2, forearm=1.5, foot=0.8
)
"""Standard deviation of the direction of a hidden segment when it disappears, and its growth per second: a limb that moves
unseen may do anything within a second or two."""
_AWAY_S, _BACK_S = 0.25, 0.25
"""A point that was hidden for longer than the first is trusted gradually over the second, so that it comes back without a
jump."""
_BACK_GAIN = 4.0
_ROOT_RATE = 0.3
_SWAP_GAIN = 0.6
"""Exchanging left and right has to lower the distance to the prediction to that share."""
_CLEARLY = 4.0
"""By how much another way to see the picture must cost less to be taken."""
_COVERED = 0.75
"""Visibility that a landmark behind the person's own flesh has at most."""
_THICK = {
    "shoulder": 0.05, "hip": 0.09, "knee": 0.045, "ankle": 0.03, "elbow": 0.025, "wrist": 0.015, "foot_index": 0.02,
    "heel": 0.03,
}  # fmt: skip
_THICKNESS = np.array([_THICK[joint.value.split("_", 1)[1]] for joint in JOINTS])
"""Of the flesh before each joint centre, m: measured on a simulated man in clothes from the front."""
_THICKNESS_SHARE = 0.35
"""Its standard deviation over people and directions, as a share."""
_TRY_OTHERS = 4
"""Every so many frames other starts are tried."""
_FACING_S = 1.5
"""Time constant of where the person looks."""

_GROUPS = (("hip", "knee", "ankle", "heel", "foot"), ("shoulder", "elbow", "wrist"))
_PAIRS = tuple(
    tuple(
        (JOINT_INDEX[a], JOINT_INDEX[a.mirrored])
        for a in JOINTS
        if a.value.startswith("left") and a.value.split("_", 1)[1].startswith(part)
    )
    for part in _GROUPS
)
"""Pairs of points that change places when legs, or arms, are taken for each other."""
_ENDS = np.array(
    [
        [JOINT_INDEX[a], JOINT_INDEX[b]]
        for a, b in (SEGMENT_ENDS.get(name, SEGMENT_ENDS["shoulders"]) for name in SEGMENTS)
    ]
)


@dataclass(frozen=True)
class Seen:
    """What one camera's network says of `JOINTS` in one frame.

    Attributes:
        camera: in the base frame.
        pixels: (16, 2) undistorted, px.
        visibility: (16,) 0 to 1; 0 outside the picture.
        spread: (16,) px, NaN unknown.
        world: (16, 3) the network's positions, base axes, m; NaN if it has none.
        depth, depth_std: (16,) measured by a depth camera along the optical axis, m; None without.
        covered: (16,) behind the person's own flesh, however sure the network is.
    """

    camera: CameraModel
    pixels: FloatArray
    visibility: FloatArray
    spread: FloatArray
    world: FloatArray
    depth: FloatArray | None = None
    depth_std: FloatArray | None = None
    covered: BoolArray | None = None

    @property
    def trusted(self) -> BoolArray:
        """(16,) seen in this frame."""
        result: BoolArray = (self.visibility >= VISIBLE) & np.isfinite(self.pixels).all(1)
        return result if self.covered is None else result & ~self.covered


@dataclass(frozen=True)
class Followed:
    """A frame's skeleton.

    Attributes:
        fit: of the frame.
        seen: (16,) points that some camera saw.
        hidden_s: (16,) for how long each point has not been seen, s.
        swapped: the network had taken left for right.
    """

    fit: FitResult
    seen: BoolArray
    hidden_s: FloatArray
    swapped: bool


class SkeletonFollower:
    """Follows one person's skeleton.

    Args:
        skeleton: with the person's segment lengths.
        posture: what is known of the exercise.
        model: of the network's landmarks.
        y: (48,) a first state.
        left: (3,) horizontal unit vector to the person's left.
        length_std: (13,) relative standard deviation of the segment lengths.
        scale: the person's stature over that of the landmark model.
        floor: whether it is known where the floor is.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        posture: Posture,
        model: LandmarkModel,
        y: FloatArray,
        left: FloatArray,
        length_std: FloatArray,
        scale: float,
        floor: bool = True,
    ) -> None:
        self.skeleton = skeleton
        self._floor = floor
        self._model = model
        self._length_std = length_std
        self._scale = scale
        self._y = normalized(y)
        self._previous: FloatArray | None = None
        self._dt = 0.0
        self.left = left
        self._seen_ns = np.full(NJ, _NEVER_NS)
        self._back_ns = np.full(NJ, _NEVER_NS)
        self._fresh = np.zeros(NJ)
        self._stamp_ns: int | None = None
        self._count = 0
        self._usual_cost = 0.0
        self._doubt: FloatArray | None = None
        self.contacts = Contacts({}, skeleton)
        self.set_posture(posture)

    def set_posture(self, posture: Posture) -> None:
        """Another exercise: other contacts and priors, the body goes on."""
        before = self.contacts
        self.posture = posture
        self._priors = CompiledPriors(posture, self._floor)
        self.contacts = Contacts(posture.contacts, self.skeleton)
        self.contacts.take_over(before)

    @property
    def y(self) -> FloatArray:
        """(48,) state of the newest frame."""
        return self._y

    def joint_map(self, y: FloatArray) -> FloatArray:
        """(16, 3, 48) of the skeleton, the heels as in state `y`."""
        u = y[3 : 3 + 3 * NS].reshape(NS, 3)
        feet = u[[SEGMENT_INDEX["left_foot"], SEGMENT_INDEX["right_foot"]]]
        across = u[SEGMENT_INDEX["pelvis"]] - (feet @ u[SEGMENT_INDEX["pelvis"]])[:, None] * feet
        norm = np.sqrt((across * across).sum(1, keepdims=True))
        return self.skeleton.joint_map(across / np.maximum(norm, 1e-3))

    def step(self, seen: list[Seen], stamp_ns: int) -> Followed:
        """Fits the next frame; `seen` by each camera, the first of which gave the frame its stamp."""
        dt = 1.0 / 30.0 if self._stamp_ns is None else max((stamp_ns - self._stamp_ns) * 1e-9, 1e-3)
        predicted = self._predict(dt)
        joint_map = self.joint_map(predicted)
        points = joint_map @ predicted
        offsets = [self._model.offsets_of(predicted, points, one.camera.centre, self._scale) for one in seen]
        swapped = False
        if self._previous is not None:
            seen, swapped = self._unswapped(seen, points, offsets)
        trusted = np.zeros(NJ, bool)
        for one in seen:
            trusted |= one.trusted
        # what rests is watched by one camera: its pixels are compared with its own of a moment ago
        self.contacts.follow(seen[0].camera, seen[0].pixels, seen[0].trusted, offsets[0], points, stamp_ns)
        away = (stamp_ns - self._seen_ns) * 1e-9 > _AWAY_S
        self._back_ns[trusted & away & (self._seen_ns > _NEVER_NS)] = stamp_ns
        self._seen_ns[trusted] = stamp_ns
        self._fresh = np.clip(1.0 - (stamp_ns - self._back_ns) * 1e-9 / _BACK_S, 0.0, 1.0)
        hidden_s = np.minimum((stamp_ns - self._seen_ns) * 1e-9, 60.0)
        sights = [self._sight(one, offset, points) for one, offset in zip(seen, offsets, strict=True)]
        priors = self._priors.rows(joint_map, Axes(predicted, self.left))
        limits = LinearRows(priors.a_limits, priors.b_limits, priors.metric_limits)
        problem = Problem(
            self.skeleton,
            joint_map,
            sights,
            LinearRows(priors.a, priors.b, priors.metric),
            self.contacts.rows(joint_map),
            limits,
            predicted,
            self._motion_std(dt),
            self._memory(predicted, hidden_s),
        )
        begun = self._previous is not None
        iterations = ITERATIONS if begun else FIRST_ITERATIONS
        y = problem.minimise(predicted[None], iterations)
        cost, jumped = problem.timeless_cost(y), not begun
        self._count += 1
        # other ways to see the same picture are tried now and then, and when this one stops fitting
        if not begun or self._count % _TRY_OTHERS == 0 or cost > 1.5 * self._usual_cost + 5.0:
            others = self._others(predicted, seen[0])
            if len(others):
                other = problem.minimise(others, iterations, apart=True)
                other_cost = problem.timeless_cost(other)
                self._doubt = _doubt(joint_map, y, other, other_cost - cost)
                if other_cost < cost - _CLEARLY:
                    y, cost, jumped = other, other_cost, True
        self._usual_cost += 0.1 * (cost - self._usual_cost) if begun else cost
        self._previous = y if jumped else self._y
        self._y, self._dt, self._stamp_ns = y, dt, stamp_ns
        self._turn(dt)
        fit = problem.explain(y, self._length_std)
        if self._doubt is not None:
            fit = replace(fit, covariance=fit.covariance + np.outer(self._doubt, self._doubt))
        return Followed(fit, trusted, hidden_s, swapped)

    # -- parts of a frame

    def _predict(self, dt: float) -> FloatArray:
        if self._previous is None or self._dt <= 0.0:
            return self._y.copy()
        # a gap makes yesterday's speed worthless
        damping = 0.95 * min(dt / self._dt, 2.0) if dt < 0.25 else 0.0
        return normalized(self._y + damping * (self._y - self._previous))

    def _motion_std(self, dt: float) -> FloatArray:
        if self._previous is None:
            return np.full(NY, 0.5)
        scale = float(np.sqrt(np.clip(dt * 15.0, 0.05, 4.0)))
        result: FloatArray = _Y_MOTION_STD * scale
        return result

    def _memory(self, predicted: FloatArray, hidden_s: FloatArray) -> LinearRows:
        """What is known of segments with hidden ends from before they were hidden; vaguer with time."""
        hidden = hidden_s[_ENDS].max(1)
        rows = np.flatnonzero(hidden > 0.0)
        std = _HIDDEN_AT_ONCE + _HIDDEN_RATE[rows] * hidden[rows]
        a = np.zeros((3 * len(rows) + 3, NY))
        for k, (row, s) in enumerate(zip(rows.tolist(), std.tolist(), strict=True)):
            a[np.arange(3 * k, 3 * k + 3), np.arange(3 + 3 * row, 6 + 3 * row)] = 1.0 / s
        # a whole body that is hidden stays where it was, more or less
        nearest = float(hidden_s.min())
        a[-3:, :3] = np.eye(3) / (10.0 if nearest == 0.0 else 0.05 + _ROOT_RATE * nearest)
        return LinearRows(a, a @ predicted, np.zeros(len(a), bool))

    def _sight(self, one: Seen, offsets: FloatArray, points: FloatArray) -> Sight:
        depth = np.maximum(one.camera.to_optical(points)[:, 2], 0.3)
        metres_per_px = depth / one.camera.fx
        visibility = one.visibility
        if one.covered is not None:
            visibility = np.where(one.covered, np.minimum(visibility, _COVERED), visibility)
        std_m = self._model.std_of(visibility, one.spread * metres_per_px, self._scale)
        std = np.sqrt((std_m / metres_per_px) ** 2 + self._model.white_px**2)
        std *= 1.0 + _BACK_GAIN * self._fresh
        ends = visibility[_ENDS].min(1)
        ends[SEGMENT_INDEX["trunk"]] = 1.0
        # what the network only guesses about a hidden limb counts less
        depth_std = _DEPTH_STD * self._scale / np.clip(ends, 0.4, 1.0)
        extents = segment_vectors(one.world) @ one.camera.rotation[2] * _DEPTH_GAIN
        inside = None if one.depth is None else one.depth + _THICKNESS * self._scale
        inside_std = None
        if one.depth_std is not None:
            inside_std = np.sqrt(one.depth_std**2 + (_THICKNESS_SHARE * _THICKNESS * self._scale) ** 2)
            inside_std = np.where(one.trusted, inside_std, np.nan)
        return Sight(one.camera, one.pixels, std, offsets, extents, depth_std, inside, inside_std)

    def _others(self, predicted: FloatArray, first: Seen) -> FloatArray:
        """(B, 48) further starts."""
        starts = []
        directions = network_directions(first.world)
        if directions is not None:
            # where a limb towards the camera and one away from it look alike, the network knows which it is
            other = predicted.copy()
            other[3 : 3 + 3 * NS] = directions.ravel()
            starts.append(other)
        trunk = 3 + 3 * SEGMENT_INDEX["trunk"]
        forward = np.array([self.left[1], -self.left[0], 0.0])
        if self.posture.upright and predicted[trunk : trunk + 3] @ forward < 0.3:
            # from the front, an upright and a leaning trunk look alike, to the network as well
            leaning = predicted.copy()
            leaning[trunk : trunk + 3] += 0.35 * forward
            starts.append(leaning)
        straight = predicted.copy()
        for side in ("left", "right"):
            upper, fore = (3 + 3 * SEGMENT_INDEX[f"{side}_{part}"] for part in ("upper_arm", "forearm"))
            if predicted[upper : upper + 3] @ predicted[fore : fore + 3] < -0.3:
                # an arm that points at the camera looks folded
                straight[upper : upper + 3] = straight[fore : fore + 3]
        if (straight != predicted).any():
            starts.append(straight)
        return np.stack(starts) if starts else np.zeros((0, NY))

    def _unswapped(
        self, seen: list[Seen], points: FloatArray, offsets: list[FloatArray]
    ) -> tuple[list[Seen], bool]:
        result, swapped = [], False
        for one, offset in zip(seen, offsets, strict=True):
            expected = project_plain(one.camera, points + offset)
            order = np.arange(NJ)
            for pairs in _PAIRS:
                a, b = np.array(pairs).T
                straight = _distances(one.pixels[a], expected[a]) + _distances(one.pixels[b], expected[b])
                crossed = _distances(one.pixels[b], expected[a]) + _distances(one.pixels[a], expected[b])
                if crossed < _SWAP_GAIN * straight - 2.0 * len(a):
                    order[a], order[b] = b, a
            if (order != np.arange(NJ)).any():
                swapped = True
                extra: dict[str, Any] = {
                    name: None if getattr(one, name) is None else getattr(one, name)[order]
                    for name in ("depth", "depth_std", "covered")
                }
                # positions of the network stay what they are: its left and right are wrong
                one = Seen(
                    one.camera,
                    one.pixels[order],
                    one.visibility[order],
                    one.spread[order],
                    np.full_like(one.world, np.nan),
                    **extra,
                )
            result.append(one)
        return result, swapped

    def _turn(self, dt: float) -> None:
        """Where the person looks follows the pelvis, slowly."""
        k = 3 + 3 * SEGMENT_INDEX["pelvis"]
        level = self._y[k : k + 3] * [1.0, 1.0, 0.0]
        size = float(np.sqrt(level @ level))
        if size > 0.5:
            left = self.left + min(dt / _FACING_S, 1.0) * (level / size - self.left)
            norm = float(np.sqrt(left @ left))
            if norm > 0.1:
                self.left = left / norm


def _doubt(joint_map: FloatArray, y: FloatArray, other: FloatArray, gap: float) -> FloatArray | None:
    """(48,) what the points are unsure by, m, because the picture can be seen in another way that costs `gap` more.

    Of two ways with Gaussian residuals the worse one is true with the probability 1 / (1 + exp(gap / 2)).
    """
    probability = 1.0 / (1.0 + float(np.exp(min(abs(gap), 60.0) / 2.0)))
    if probability < 0.01:
        return None
    apart = (joint_map @ (other - y)).ravel()
    result: FloatArray = np.sqrt(probability) * apart
    return result


def _distances(a: FloatArray, b: FloatArray) -> float:
    d = np.sqrt(((a - b) ** 2).sum(1))
    return float(np.where(np.isfinite(d), np.minimum(d, 200.0), 0.0).sum())


def network_directions(world: FloatArray) -> FloatArray | None:
    """(13, 3) unit vectors of the segments in the network's (16, 3) positions; None if it has none."""
    vectors = segment_vectors(world)
    size = np.sqrt((vectors * vectors).sum(1, keepdims=True))
    if not np.isfinite(size).all() or float(size.min()) < 1e-3:
        return None
    result: FloatArray = vectors / size
    return result
