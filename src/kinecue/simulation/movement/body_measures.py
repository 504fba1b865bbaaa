"""Measures of the body: angles of joints and trunk, heights, balance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinecue.body import angles
from kinecue.body.anthropometry import SEGMENT_MASS
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.measure_registry import axes, register
from kinecue.simulation.rotations import across, cross, dot, unit

FloatArray = NDArray[np.float64]

_SLOPE = 6.0
"""What a limb that does not reach takes off its flexion, rad/m: a way back for the solver."""


@register("knee_flexion", sided=True)
def _knee_flexion(f: Figure) -> FloatArray:
    """Angle between thigh and shank: 0 straight; negative only while a solver asks a leg for too much."""
    return angles.flexion(f.pair("hip"), f.pair("knee"), f.pair("ankle")) - _SLOPE * f.stretch["leg"]


@register("knee_flexion_asymmetry", mirrored=True)
def _knee_flexion_asymmetry(f: Figure) -> FloatArray:
    """Left minus right knee flexion."""
    both = _knee_flexion(f)
    return both[:, 0] - both[:, 1]


@register("hip_flexion", sided=True)
def _hip_flexion(f: Figure) -> FloatArray:
    """Thigh against trunk in the sagittal plane of the pelvis: 0 in line, positive with the thigh in front."""
    left = _body_left(f)
    trunk = f.mid_shoulder - f.mid_hip
    thigh = f.pair("knee") - f.pair("hip")
    return angles.sagittal_flexion(trunk[:, None], thigh, left[:, None])


def _body_left(f: Figure) -> FloatArray:
    """(N, 3) axis through the hips. Horizontal where the body is upright, as the scoring has it."""
    return angles.body_axes(f.points["hip_l"], f.points["hip_r"])[0]


@register("hip_adduction", sided=True)
def _hip_adduction(f: Figure) -> FloatArray:
    """Thigh out of the plane across the line of the hips: 0 in it, positive towards the midline."""
    hips = unit(f.points["hip_l"] - f.points["hip_r"])
    return angles.adduction(f.pair("hip"), f.pair("knee"), hips[:, None], np.array([1.0, -1.0]))


@register("ankle_dorsiflexion", sided=True)
def _ankle_dorsiflexion(f: Figure) -> FloatArray:
    """Foot (heel to toe) against shank: 0 at right angles, positive with the knee over the toes."""
    return angles.dorsiflexion(f.pair("knee"), f.pair("ankle"), f.pair("heel"), f.pair("toe"))


@register("elbow_flexion", sided=True)
def _elbow_flexion(f: Figure) -> FloatArray:
    """Angle between upper arm and forearm: 0 straight; negative only while a solver asks an arm for too much."""
    return angles.flexion(f.pair("shoulder"), f.pair("elbow"), f.pair("wrist")) - _SLOPE * f.stretch["arm"]


@register("elbow_flexion_asymmetry", mirrored=True)
def _elbow_flexion_asymmetry(f: Figure) -> FloatArray:
    """Left minus right elbow flexion."""
    both = _elbow_flexion(f)
    return both[:, 0] - both[:, 1]


@register("shoulder_flexion", sided=True)
def _shoulder_flexion(f: Figure) -> FloatArray:
    """Upper arm against trunk in the sagittal plane: 0 hanging along the trunk, positive forward."""
    trunk = f.mid_shoulder - f.mid_hip
    return angles.sagittal_flexion(
        trunk[:, None], f.pair("elbow") - f.pair("shoulder"), _body_left(f)[:, None]
    )


@register("shoulder_abduction", sided=True)
def _shoulder_abduction(f: Figure) -> FloatArray:
    """Upper arm against trunk in the frontal plane: 0 hanging along the trunk, positive away from the body."""
    trunk = unit(f.mid_shoulder - f.mid_hip)
    left = across(f.points["hip_l"] - f.points["hip_r"], trunk)
    arm = f.pair("elbow") - f.pair("shoulder")
    out = dot(arm, left[:, None])[..., 0] * np.array([1.0, -1.0])
    return np.arctan2(out, -dot(arm, trunk[:, None])[..., 0])


@register("abduction_asymmetry", mirrored=True)
def _abduction_asymmetry(f: Figure) -> FloatArray:
    """Left minus right abduction of the shoulder."""
    both = _shoulder_abduction(f)
    return both[:, 0] - both[:, 1]


@register("elbow_flare", sided=True)
def _elbow_flare(f: Figure) -> FloatArray:
    """Upper arm out of the sagittal plane of the thorax: 0 in it, positive away from the body."""
    upper = unit(f.pair("elbow") - f.pair("shoulder"))
    left = f.rotations["spine_03"][:, None, :, 1]
    out = (upper * left).sum(-1) * np.array([1.0, -1.0])
    result: FloatArray = np.arcsin(np.clip(out, -1.0, 1.0))
    return result


@register("trunk_lean")
def _trunk_lean(f: Figure) -> FloatArray:
    """Mid-hip to mid-shoulder from the vertical, in the sagittal plane, forward positive."""
    return angles.trunk_lean(f.mid_hip, f.mid_shoulder, axes(f)[1])


@register("trunk_lateral_lean", mirrored=True)
def _trunk_lateral_lean(f: Figure) -> FloatArray:
    """Mid-hip to mid-shoulder from the vertical, in the frontal plane, towards the left positive."""
    return angles.trunk_lateral_lean(f.mid_hip, f.mid_shoulder, axes(f)[0])


@register("trunk_rotation", mirrored=True)
def _trunk_rotation(f: Figure) -> FloatArray:
    """Line of the shoulders against line of the hips about the trunk, to the left positive."""
    p = f.points
    return angles.axial_rotation(
        p["hip_l"] - p["hip_r"], p["shoulder_l"] - p["shoulder_r"], f.mid_shoulder - f.mid_hip
    )


@register("spine_flexion")
def _spine_flexion(f: Figure) -> FloatArray:
    """Thorax against pelvis in the sagittal plane: 0 neutral, positive rounded."""
    relative = np.swapaxes(f.rotations["pelvis"], -1, -2) @ f.rotations["spine_03"]
    return np.arctan2(relative[:, 0, 2], relative[:, 2, 2])


@register("knee_in", sided=True)
def _knee_in(f: Figure) -> FloatArray:
    """Turn of the knee about the line hip-ankle against where the foot points, towards the middle positive."""
    line = unit(f.pair("hip") - f.pair("ankle"))
    foot = f.pair("front") - f.pair("ankle")
    side = across(f.pair("knee") - f.pair("ankle"), line)
    front = across(foot, line)
    turn = np.arctan2(dot(cross(front, side), line)[..., 0], dot(front, side)[..., 0])
    result: FloatArray = -turn * np.array([1.0, -1.0])
    return result


@register("knee_separation_ratio", "1")
def _knee_separation_ratio(f: Figure) -> FloatArray:
    """Knee over ankle separation along the body's left-right axis."""
    p = f.points
    return angles.knee_separation_ratio(p["knee_l"], p["knee_r"], p["ankle_l"], p["ankle_r"], axes(f)[0])


@register("hip_shift", "m", mirrored=True)
def _hip_shift(f: Figure) -> FloatArray:
    """Mid-hip against mid-ankle along the body's left-right axis, to the left positive."""
    return dot(f.mid_hip - f.middle("ankle"), axes(f)[0])[:, 0]


@register("hip_drop", mirrored=True)
def _hip_drop(f: Figure) -> FloatArray:
    """Slope of the line of the hips, left side higher positive."""
    line = unit(f.points["hip_l"] - f.points["hip_r"])
    return np.arcsin(np.clip(line[:, 2], -1.0, 1.0))


@register("hip_height", "m")
def _hip_height(f: Figure) -> FloatArray:
    """Mid-hip over the floor."""
    return f.mid_hip[:, 2]


@register("heel_rise", "m", sided=True)
def _heel_rise(f: Figure) -> FloatArray:
    """Height of the heel over where it is when the foot is flat on the floor."""
    return f.pair("heel")[..., 2]


@register("body_line")
def _body_line(f: Figure) -> FloatArray:
    """Shoulder-hip-ankle out of a straight line in the sagittal plane: positive sagging, negative piked."""
    trunk, legs = unit(f.mid_shoulder - f.mid_hip), unit(f.middle("ankle") - f.mid_hip)
    left = unit(f.points["hip_l"] - f.points["hip_r"])
    straight = -legs
    return np.arctan2(dot(cross(trunk, straight), left)[:, 0], dot(trunk, straight)[:, 0])


@register("neck_flexion")
def _neck_flexion(f: Figure) -> FloatArray:
    """Head against thorax in the sagittal plane: forward positive."""
    relative = np.swapaxes(f.rotations["spine_03"], -1, -2) @ f.rotations["head"]
    return np.arctan2(relative[:, 0, 2], relative[:, 2, 2])


@register("shrug", "m", sided=True)
def _shrug(f: Figure) -> FloatArray:
    """Shoulder joint over the neck's base along the thorax; only its changes mean something."""
    up = f.rotations["spine_03"][:, None, :, 2]
    result: FloatArray = ((f.pair("shoulder") - f.points["neck"][:, None]) * up).sum(-1)
    return result


@register("hand_height", "m", sided=True)
def _hand_height(f: Figure) -> FloatArray:
    """Middle of the grip over the floor."""
    return f.pair("grip")[..., 2]


@register("hand_ahead", "m")
def _hand_ahead(f: Figure) -> FloatArray:
    """Middle between the grips ahead of the middle between the ankles (bar over the foot)."""
    return dot(f.middle("grip") - f.middle("ankle"), axes(f)[1])[:, 0]


@register("forearm_tilt", sided=True)
def _forearm_tilt(f: Figure) -> FloatArray:
    """Forearm from the vertical in the sagittal plane, hand ahead of the elbow positive."""
    fore = f.pair("wrist") - f.pair("elbow")
    forward = axes(f)[1][:, None]
    return np.arctan2(dot(fore, forward)[..., 0], np.abs(fore[..., 2]))


@register("wrist_extension", sided=True)
def _wrist_extension(f: Figure) -> FloatArray:
    """Angle between the forearm and the hand."""
    return angles.flexion(f.pair("elbow"), f.pair("wrist"), f.pair("palm"))


@register("arm_from_vertical", sided=True)
def _arm_from_vertical(f: Figure) -> FloatArray:
    """Line from shoulder to grip out of the vertical, in any direction: a loaded arm overhead."""
    line = unit(f.pair("grip") - f.pair("shoulder"))
    result: FloatArray = np.arccos(np.clip(np.abs(line[..., 2]), 0.0, 1.0))
    return result


@register("shank_tilt", sided=True)
def _shank_tilt(f: Figure) -> FloatArray:
    """Shank from the vertical in the sagittal plane, knee ahead of the ankle positive."""
    return angles.sagittal_tilt(f.pair("knee") - f.pair("ankle"), axes(f)[1][:, None])


@register("balance", "m")
def _balance(f: Figure) -> FloatArray:
    """Centre of mass ahead of the middle between the ankles, along the pelvis' forward axis."""
    return dot(centre_of_mass(f) - f.middle("ankle"), axes(f)[1])[:, 0]


_SEGMENT_CENTRE = {"upper_arm": 0.577, "forearm": 0.457, "thigh": 0.410, "shank": 0.440}
"""Centre of mass from the proximal joint, share of the segment's length (de Leva 1996, males)."""
_TRUNK_CENTRE = 0.55
"""Of the trunk, from mid-hip to mid-shoulder (de Leva 1996, whole trunk, recomputed for these ends)."""
_LIMBS = (
    ("upper_arm", "shoulder", "elbow"),
    ("forearm", "elbow", "wrist"),
    ("thigh", "hip", "knee"),
    ("shank", "knee", "ankle"),
)


def centre_of_mass(f: Figure) -> FloatArray:
    """(N, 3) centre of mass from the joints alone, m (de Leva 1996; head at the ears, hands at the grips).

    What an athlete balances by; the truth's centre of mass comes from the body's own volume.
    """
    hip, shoulder = f.mid_hip, f.mid_shoulder
    total = SEGMENT_MASS["head"] * f.points["ears"] + SEGMENT_MASS["trunk"] * (
        hip + _TRUNK_CENTRE * (shoulder - hip)
    )
    for segment, start, end in _LIMBS:
        a, b = f.middle(start), f.middle(end)
        total = total + 2.0 * SEGMENT_MASS[segment] * (a + _SEGMENT_CENTRE[segment] * (b - a))
    result: FloatArray = total + 2.0 * (
        SEGMENT_MASS["hand"] * f.middle("grip")
        + SEGMENT_MASS["foot"] * (f.middle("ankle") + f.middle("toe")) / 2.0
    )
    return result
