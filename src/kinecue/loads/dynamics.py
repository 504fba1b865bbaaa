"""Inverse dynamics of one person from a stream of bodies: joint moments, ground reaction, what hands carry.

Described is always a frame `LAG_S` before the newest one (see `kinecue.loads.smoothing`). What is above the pelvis
follows from the arms down to L5/S1 and asks nothing of the floor; the legs follow from the floor up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anatomy import joint_angles
from kinecue.body.body import Body
from kinecue.body.measurement import Reason
from kinecue.loads.abstention import Abstentions
from kinecue.loads.external import FEET_ONLY, External, Support
from kinecue.loads.footing import Floor, Footing, Scene
from kinecue.loads.inverse import STEP_S, Chain, InverseDynamics, PointForce, Wrenches, relative_rotations
from kinecue.loads.outside import Applied, applied_forces
from kinecue.loads.posture import (
    LANDMARKS,
    LandmarkReader,
    Seen,
    complete,
    measured_lengths,
    quaternions,
    row,
    rows,
    segment_frames,
)
from kinecue.loads.results import (
    GRAVITY,
    Dynamics,
    ExternalForce,
    ForceKind,
    Hands,
    JointForce,
    LoadSide,
    UpperBody,
)
from kinecue.loads.segments import LoadPerson, segment_model
from kinecue.loads.smoothing import LAG_S, LandmarkWindow, Motion
from kinecue.loads.uncertainty import DISTAL, JOINTS, Propagation

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_CHANGED = 0.03
"""Relative change of a measured length for which the person's segments are made anew."""
_PROXIMAL = [11, 12, 9, 10, 0, 0, 0, 1, 1, 3, 4]
"""Segment before each joint of `JOINTS`, index into `SEGMENTS`."""
_DISTAL = list(DISTAL)
_TURNED = [13, 14, 9, 10, 0, 0, 1, 1, 1, 3, 4]
"""Segment whose axis to the right is the flexion axis of each joint."""
_SENSES = np.array([-1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0, -1.0])
"""In which sense a turn about that axis extends: a positive one takes the distal end forward, which extends a knee
and flexes a hip, and the upper end of the trunk backward."""
_ANKLES, _HINGES, _HIPS = [0, 1], [2, 3, 9, 10], [4, 5]
_TRUNK = [row(joint, side) for joint in ("hip", "shoulder") for side in (0, 1)]
_WORTHLESS, _VAGUE = 0.02, 0.35
"""Standard deviation that makes a moment worthless: over body weight times stature (28 N m at 80 kg and 1.75 m) and
over the moment itself, whichever is more. At a third of it the 90 % interval is wider than the value."""
_GROUND_WORTHLESS = 0.25
"""The same of a ground reaction, over body weight."""


@dataclass(frozen=True)
class _Frame:
    body: Body
    external: tuple[External, ...]
    hands: Hands
    support: Support


class BodyDynamics:
    """Turns the bodies of one person, frame by frame, into loads.

    Args:
        person: whose they are.
    """

    lag_s = LAG_S

    def __init__(self, person: LoadPerson) -> None:
        self.person = person
        self._reader = LandmarkReader()
        self._window = LandmarkWindow(len(LANDMARKS), _TRUNK)
        self._frames: dict[int, _Frame] = {}
        self._footing = Footing()
        self._body_id: str | None = None
        self._inverse: InverseDynamics | None = None
        self._propagation: Propagation | None = None
        self._course: list[FloatArray] = []
        if person.lengths is not None:
            self._build(person)

    def reset(self) -> None:
        """Forgets all frames, not the person."""
        self._window.reset()
        self._frames.clear()
        self._course.clear()
        self._footing.reset()

    def update(
        self,
        body: Body,
        external: Sequence[External] = (),
        hands: Hands = Hands.EMPTY,
        support: Support = FEET_ONLY,
    ) -> Dynamics | None:
        """One body on.

        Args:
            body: newer than those before; others (late, repeated) are passed over. One with another id begins anew.
            external: what pulls and weighs at the body's stamp.
            hands: whether they hold something of unknown force.
            support: what carries the body besides the feet.

        Returns:
            The loads at a frame `lag_s` ago; None while there is none to be described: at the start, after a gap, and
            where too few frames lie around it.
        """
        if self._body_id is not None and body.id != self._body_id:
            self.reset()
        self._body_id = body.id
        points = self._reader.points(body)
        if not self._window.push(body.stamp_ns, points):
            return None
        self._frames[body.stamp_ns] = _Frame(body, tuple(external), hands, support)
        if self.person.lengths is None:
            self._measure(points)
        due = self._window.due()
        if due is None:
            return None
        frame = self._frames.get(due)
        self._frames = {stamp: kept for stamp, kept in self._frames.items() if stamp > due}
        motion = self._window.describe(due)
        if motion is None or frame is None:
            return None
        return self._describe(frame, motion)

    def _measure(self, points: FloatArray) -> None:
        """Takes the lengths from what was seen in the last seconds."""
        self._course.append(points)
        if len(self._course) < 10 and self._inverse is not None:
            return
        if len(self._course) > 60:
            del self._course[:20]
        if self._inverse is not None and len(self._course) % 10:
            return
        lengths = measured_lengths(np.stack(self._course))
        if lengths is None:
            return
        if self._inverse is not None:
            change = np.abs(lengths.as_array() / self._inverse.segments.lengths.as_array() - 1.0)
            if change.max() < _CHANGED:
                return
        self._inverse = InverseDynamics(segment_model(self.person, lengths))
        self._propagation = Propagation(self._inverse.segments, self.person.mass_std)

    def _build(self, person: LoadPerson) -> None:
        if person.lengths is not None:
            self._inverse = InverseDynamics(segment_model(person, person.lengths))
            self._propagation = Propagation(self._inverse.segments, person.mass_std)

    def _describe(self, frame: _Frame, motion: Motion) -> Dynamics:
        inverse, propagation = self._inverse, self._propagation
        points = np.stack([motion.at(dt) for dt in (-STEP_S, 0.0, STEP_S)])
        points, real = complete(points)
        hips_and_shoulders = real[rows("hip")].all() and real[rows("shoulder")].all()
        if inverse is None or propagation is None or not hips_and_shoulders:
            missing = np.isnan(motion.positions).any(-1)
            return self._nothing(frame, Abstentions.unseen(frame.body, missing, LANDMARKS))
        seen = self._reader.read(frame.body)
        frames = segment_frames(points, real, inverse.segments)
        if not np.isfinite(frames).all():
            return self._nothing(frame, Reason.IMPLAUSIBLE)
        chain = inverse.chain(frames, points, real)
        state = inverse.state(chain, quaternions(relative_rotations(frames)))
        outside = applied_forces(frame.external, chain, inverse.segments)
        free = inverse.solve(chain, state, [item.point for item in outside])
        why = Abstentions(frame.body, frame.hands, frame.support, real, seen.states, LANDMARKS)
        noise = np.nan_to_num(motion.acceleration_noise)
        scene = Scene(
            motion.stamp_ns,
            chain,
            points[1],
            real,
            free,
            [item.outside for item in outside],
            seen.covariance,
            noise,
        )
        floor = self._footing.balance(scene, inverse, propagation, why)
        wrenches = free
        if floor is not None:
            feet = [
                PointForce(13 + side, floor.split.positions[side], floor.forces[side],
                           np.array([0.0, 0.0, floor.split.twists[side]]))
                for side in (0, 1)
            ]  # fmt: skip
            wrenches = inverse.solve(chain, state, [*(item.point for item in outside), *feet])
        spread = propagation.moments(
            points[1],
            np.nan_to_num(motion.accelerations),
            seen.covariance,
            noise,
            [item.outside for item in outside],
            None if floor is None else floor.shares,
        )
        joints = self._joints(chain, wrenches, *spread, seen, why)
        return self._dynamics(frame, motion, chain, outside, free, wrenches, floor, noise, joints, why)

    def _joints(
        self,
        chain: Chain,
        wrenches: Wrenches,
        moment_covariances: FloatArray,
        force_covariances: FloatArray,
        seen: Seen,
        why: Abstentions,
    ) -> tuple[JointForce, ...]:
        frames, places = chain.frames[1], chain.origins[1, _DISTAL]
        axes = _SENSES[:, None] * frames[_TURNED, :, 2]
        moments, forces = wrenches.moments[_DISTAL], wrenches.forces[_DISTAL]
        extensions = (moments * axes).sum(1).tolist()
        variances = np.einsum("ja,jab,jb->j", axes, moment_covariances, axes)
        stds = np.sqrt(np.maximum(variances, 0.0)).tolist()
        proximal, distal = frames[_PROXIMAL], frames[_DISTAL]
        flexions = _flexions(proximal, distal)
        stature = self._inverse.segments.stature if self._inverse is not None else 0.0
        worthless = _WORTHLESS * self.person.mass * GRAVITY * stature
        result = []
        for i, (joint, side) in enumerate(JOINTS):
            reason = why.joint(i)
            if reason is Reason.NONE and not stds[i] <= max(worthless, _VAGUE * abs(extensions[i])):
                reason = why.uncertain(seen.covariance)
            if reason is not Reason.NONE:
                result.append(JointForce.abstained(joint, side, reason))
                continue
            result.append(
                JointForce(
                    joint, side, places[i], moments[i], forces[i], extensions[i], stds[i], moment_covariances[i],
                    force_covariances[i], flexions[i], axes[i], proximal[i], distal[i], why.validity(i),
                )
            )  # fmt: skip
        return tuple(result)

    def _dynamics(
        self,
        frame: _Frame,
        motion: Motion,
        chain: Chain,
        outside: Sequence[Applied],
        free: Wrenches,
        wrenches: Wrenches,
        floor: Floor | None,
        noise: FloatArray,
        joints: tuple[JointForce, ...],
        why: Abstentions,
    ) -> Dynamics:
        inverse, propagation = self._inverse, self._propagation
        if inverse is None or propagation is None:
            return self._nothing(frame, Reason.NOT_CALIBRATED)
        masses = inverse.masses
        places = inverse.centres_of_mass(chain)
        course = masses @ places / masses.sum()
        whole = why.whole is Reason.NONE
        nan = np.full(3, math.nan)
        upper = None
        if why.arms is Reason.NONE:
            above = [1, 2, *range(3, 9)]
            mass = float(masses[above].sum())
            held = sum(item.outside.mass for item in outside) if frame.hands is Hands.EMPTY else math.nan
            centre = masses[above] @ places[1, above] / mass
            upper = UpperBody(mass, mass * self.person.mass_std / self.person.mass, centre, held)
        std = propagation.total_force(
            noise, np.nan_to_num(motion.accelerations), [item.outside for item in outside]
        )
        return Dynamics(
            motion.stamp_ns,
            frame.body.id,
            self.person.mass,
            self.person.mass_std,
            course[1] if whole else nan,
            (course[2] - course[0]) / (2.0 * STEP_S) if whole else nan,
            (course[2] - 2.0 * course[1] + course[0]) / STEP_S**2 if whole else nan,
            propagation.centre_acceleration(noise) if whole else nan,
            (*self._ground(free.forces[0], floor, std, why), *(item.report for item in outside)),
            joints,
            upper,
            wrenches.forces[0] if floor is not None else nan,
            wrenches.moments[0] if floor is not None else nan,
        )

    def _ground(
        self, total: FloatArray, floor: Floor | None, std: FloatArray, why: Abstentions
    ) -> list[ExternalForce]:
        sides = (LoadSide.BOTH, LoadSide.LEFT, LoadSide.RIGHT)
        limit = _GROUND_WORTHLESS * self.person.mass * GRAVITY
        if why.ground is not Reason.NONE or not std[2] <= limit:
            reason = why.ground if why.ground is not Reason.NONE else Reason.UNCERTAIN
            return [ExternalForce.abstained(ForceKind.GROUND, side, reason) for side in sides]
        if floor is None:
            nowhere = np.full(3, math.nan)
            both = ExternalForce(
                ForceKind.GROUND, LoadSide.BOTH, nowhere, total, float(std[2]), nowhere, why.validity(None)
            )
            return [both, *(ExternalForce.abstained(ForceKind.GROUND, side, why.foot) for side in sides[1:])]
        parts = floor.split
        result = [
            ExternalForce(
                ForceKind.GROUND, LoadSide.BOTH, parts.point, floor.total, float(std[2]),
                np.array([0.0, 0.0, parts.twist]), why.validity(None),
            )
        ]  # fmt: skip
        for i, side in enumerate(sides[1:]):
            spread = math.hypot(
                float(parts.shares[i] * std[2]), float(floor.shares.share_std * floor.total[2])
            )
            if spread > limit:
                result.append(ExternalForce.abstained(ForceKind.GROUND, side, Reason.UNCERTAIN))
                continue
            result.append(
                ExternalForce(
                    ForceKind.GROUND, side, parts.positions[i], floor.forces[i], spread,
                    np.array([0.0, 0.0, parts.twists[i]]), why.validity(None),
                )
            )  # fmt: skip
        return result

    def _nothing(self, frame: _Frame, reason: Reason) -> Dynamics:
        """Everything abstained from."""
        nan = np.full(3, math.nan)
        ground = tuple(
            ExternalForce.abstained(ForceKind.GROUND, side, reason)
            for side in (LoadSide.BOTH, LoadSide.LEFT, LoadSide.RIGHT)
        )
        return Dynamics(
            frame.body.stamp_ns, frame.body.id, self.person.mass, self.person.mass_std, nan, nan, nan, nan, ground,
            tuple(JointForce.abstained(joint, side, reason) for joint, side in JOINTS), None,
        )  # fmt: skip


def _flexions(proximal: FloatArray, distal: FloatArray) -> list[float]:
    """(11,) angles of the joints, rad; NaN where landmarks do not know one."""
    result = [math.nan] * len(JOINTS)
    hips = joint_angles(proximal[_HIPS], distal[_HIPS]).flexion.tolist()
    toes_up = np.clip((proximal[_ANKLES, :, 1] * distal[_ANKLES, :, 0]).sum(1), -1.0, 1.0)
    ankles = np.arcsin(toes_up).tolist()
    along = (proximal[_HINGES, :, 1] * distal[_HINGES, :, 1]).sum(1)
    hinges = np.arccos(np.clip(along, -1.0, 1.0)).tolist()
    for i, value in zip((*_HIPS, *_ANKLES, *_HINGES), (*hips, *ankles, *hinges), strict=True):
        result[i] = value
    return result
