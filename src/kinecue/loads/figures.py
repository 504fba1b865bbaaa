"""The published figures of a moment: compression and shear of spine and knees with intervals, or why there are none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.measurement import Reason, Validity
from kinecue.loads import knee, spine
from kinecue.loads.interval import Interval, Spreads
from kinecue.loads.limits import COMPRESSION, KNEE_SHEAR, NO_LIMIT, SHEAR, Experience, Limit
from kinecue.loads.results import Dynamics, Joint, JointForce, LoadSide

FloatArray = NDArray[np.float64]

L5S1_COMPRESSION, L5S1_SHEAR = "l5s1_compression", "l5s1_shear"
KNEE_COMPRESSION, KNEE_FORWARD = "knee_compression", "knee_shear"
KNEECAP = "patellofemoral_compression"

WIDEST, WIDEST_N = 1.2, 3400.0
"""An interval of a compression that is wider than so many times its value, and than the action limit for lifting, says
nothing that a person could use; it comes from a moment whose direction the camera does not see."""
LEAN_STD = math.radians(6.0)
"""Of the trunk's lean with one camera."""


@dataclass(frozen=True)
class LoadFigure:
    """One figure of a load (``kinecue_msgs/Load``).

    Attributes:
        name: what it is.
        side: of the body; `NONE` for the spine.
        interval: None if abstained.
        limit: above which a changeable posture is a danger, N; NaN where there is none.
        validity, reason: whether it may be used, and why not.
        unit: of value, std, interval and limit.
    """

    name: str
    side: LoadSide
    interval: Interval | None
    limit: Limit = NO_LIMIT
    validity: Validity = Validity.VALID
    reason: Reason = Reason.NONE
    unit: str = "N"

    @staticmethod
    def abstained(name: str, side: LoadSide, reason: Reason, limit: Limit = NO_LIMIT) -> LoadFigure:
        """No figure, for `reason`."""
        return LoadFigure(name, side, None, limit, Validity.ABSTAINED, reason)


def load_figures(
    dynamics: Dynamics, sex: str = "", experience: Experience = Experience.USUAL
) -> tuple[LoadFigure, ...]:
    """Spine, left knee, right knee: always the same figures in the same order.

    Args:
        dynamics: of the moment.
        sex: ``male``, ``female`` or empty: for the extensors' lever arm.
        experience: for the limits.
    """
    result = list(_spine(dynamics.joint(Joint.L5S1), sex, experience))
    for side in (LoadSide.LEFT, LoadSide.RIGHT):
        result += _knee(dynamics.joint(Joint.KNEE, side), side)
    return tuple(result)


def spine_net(joint: JointForce, sex: str = "") -> spine.SpineNet:
    """What the upper body does to the pelvis, in the person's sagittal plane, from the net force at L5/S1."""
    forward, lean = _sagittal(joint)
    down = float(joint.force[2])
    return spine.SpineNet(
        extension=joint.extension,
        extension_std=joint.std,
        down=down,
        forward=-float(joint.force @ forward),
        force_std=_relative(joint.force_covariance, joint.force),
        lean=lean,
        lean_std=LEAN_STD,
        lateral=float(joint.moment @ joint.distal[:, 0]),
        sex=sex,
    )


def knee_net(joint: JointForce) -> knee.KneeNet:
    """What the thigh does to the shank, in the shank's sagittal plane."""
    return knee.KneeNet(
        extension=joint.extension,
        extension_std=joint.std,
        axial=-float(joint.force @ joint.distal[:, 1]),
        anterior=-float(joint.force @ joint.distal[:, 0]),
        force_std=_relative(joint.force_covariance, joint.force),
        flexion=joint.flexion,
    )


def _sagittal(joint: JointForce) -> tuple[FloatArray, float]:
    """Where the person faces, horizontally, and the lean of the segment above the joint, rad."""
    right = joint.flexion_axis - joint.flexion_axis[2] * np.array([0.0, 0.0, 1.0])
    length = float(np.linalg.norm(right))
    if length < 0.2:
        # lying on a side: no horizontal direction is the person's own
        return np.full(3, math.nan), math.nan
    forward: FloatArray = np.array([-right[1], right[0], 0.0]) / length
    trunk = joint.distal[:, 1]
    return forward, math.atan2(float(trunk @ forward), float(trunk[2]))


def _relative(covariance: FloatArray, force: FloatArray) -> float:
    size = float(np.linalg.norm(force))
    return min(math.sqrt(max(float(np.trace(covariance)) / 3.0, 0.0)) / size, 1.0) if size > 1.0 else 0.0


def _spine(joint: JointForce, sex: str, experience: Experience) -> tuple[LoadFigure, ...]:
    names = ((L5S1_COMPRESSION, COMPRESSION[experience]), (L5S1_SHEAR, SHEAR[experience]))
    reason = joint.reason if not joint.usable else Reason.NONE
    if joint.usable:
        net = spine_net(joint, sex)
        if math.isfinite(net.lean) and math.isfinite(net.extension_std):
            load = spine.spine_load(net, _SPINE)
            if not _vague(load.compression):
                values = (load.compression, load.shear)
                return tuple(
                    LoadFigure(name, LoadSide.NONE, value, limit, joint.validity, joint.reason)
                    for (name, limit), value in zip(names, values, strict=True)
                )
        reason = Reason.UNCERTAIN
    return tuple(LoadFigure.abstained(name, LoadSide.NONE, reason, limit) for name, limit in names)


def _knee(joint: JointForce, side: LoadSide) -> tuple[LoadFigure, ...]:
    names = ((KNEE_COMPRESSION, NO_LIMIT), (KNEE_FORWARD, KNEE_SHEAR), (KNEECAP, NO_LIMIT))
    reason = joint.reason if not joint.usable else Reason.NONE
    if joint.usable:
        net = knee_net(joint)
        if math.isfinite(net.flexion) and math.isfinite(net.extension_std):
            load = knee.knee_load(net, _KNEE)
            if not _vague(load.compression):
                values = (load.compression, load.shear, load.patellofemoral)
                return tuple(
                    LoadFigure(name, side, value, limit, joint.validity, joint.reason)
                    for (name, limit), value in zip(names, values, strict=True)
                )
        reason = Reason.UNCERTAIN
    return tuple(LoadFigure.abstained(name, side, reason, limit) for name, limit in names)


def _vague(interval: Interval) -> bool:
    return interval.high - interval.low > max(WIDEST * abs(interval.value), WIDEST_N)


_SPINE, _KNEE = Spreads(*spine.SOURCES), Spreads(*knee.SOURCES)
