"""Named measures of a body: what a movement prescribes, what a fault changes, what the truth reports.

Angles are those of `kinecue.body.angles`, so that truth and scoring mean the same. Each takes a `Figure` of N moments
and gives (N,), or (N, 2) for left and right; radians and metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body import angles
from kinecue.body.anthropometry import SEGMENT_MASS
from kinecue.body.errors import KineCueError
from kinecue.simulation.movement.skeleton import Figure
from kinecue.simulation.rotations import UP, across, cross, dot, unit

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A registered measure.

    Attributes:
        name: without side.
        unit: ``rad`` or ``m``, ``1`` for a ratio.
        sided: gives (N, 2), left and right.
        mirrored: its sign changes for the mirror image (left positive).
        function: the definition.
    """

    name: str
    unit: str
    sided: bool
    mirrored: bool
    function: Callable[[Figure], FloatArray]


_SLOPE = 6.0
"""What a limb that does not reach takes off its flexion, rad/m: a way back for the solver."""
MEASURES: dict[str, Measure] = {}
"""All measures by name without side."""


def _measure(
    name: str, unit_name: str = "rad", *, sided: bool = False, mirrored: bool = False
) -> Callable[[Callable[[Figure], FloatArray]], Callable[[Figure], FloatArray]]:
    def register(function: Callable[[Figure], FloatArray]) -> Callable[[Figure], FloatArray]:
        MEASURES[name] = Measure(name, unit_name, sided, mirrored, function)
        return function

    return register


def value(name: str, figure: Figure) -> FloatArray:
    """(N,) a measure by name; ``_left``, ``_right`` choose a side, a sided one without them is the mean.

    Raises:
        KineCueError: there is no such measure.
    """
    base, column = name, -1
    for i, suffix in enumerate(("_left", "_right")):
        if name.endswith(suffix):
            base, column = name[: -len(suffix)], i
    known = MEASURES.get(base)
    if known is None or (column >= 0 and not known.sided):
        raise KineCueError(
            f"measure must be one of {', '.join(sorted(MEASURES))} (sided: _left, _right), got {name!r}"
        )
    result = known.function(figure)
    if not known.sided:
        return result
    return result[:, column] if column >= 0 else result.mean(1)


def unit_of(name: str) -> str:
    """``rad``, ``m`` or ``1``."""
    return MEASURES[name.removesuffix("_left").removesuffix("_right")].unit


def axes(figure: Figure) -> tuple[FloatArray, FloatArray]:
    """(N, 3) horizontal unit vectors (left, forward) of the pelvis."""
    left = across(figure.points["hip_l"] - figure.points["hip_r"], UP)
    return left, cross(left, np.broadcast_to(UP, left.shape))


@_measure("knee_flexion", sided=True)
def _knee_flexion(f: Figure) -> FloatArray:
    """Angle between thigh and shank: 0 straight; negative only while a solver asks a leg for too much."""
    return angles.flexion(f.pair("hip"), f.pair("knee"), f.pair("ankle")) - _SLOPE * f.stretch["leg"]


@_measure("knee_flexion_asymmetry", mirrored=True)
def _knee_flexion_asymmetry(f: Figure) -> FloatArray:
    """Left minus right knee flexion."""
    both = _knee_flexion(f)
    return both[:, 0] - both[:, 1]


@_measure("hip_flexion", sided=True)
def _hip_flexion(f: Figure) -> FloatArray:
    """Thigh against trunk in the sagittal plane of the pelvis: 0 in line, positive with the thigh in front."""
    left = _body_left(f)
    trunk = f.mid_shoulder - f.mid_hip
    thigh = f.pair("knee") - f.pair("hip")
    return angles.sagittal_flexion(trunk[:, None], thigh, left[:, None])


def _body_left(f: Figure) -> FloatArray:
    """(N, 3) axis through the hips. Horizontal where the body is upright, as the scoring has it."""
    return angles.body_axes(f.points["hip_l"], f.points["hip_r"])[0]


@_measure("elbow_flexion", sided=True)
def _elbow_flexion(f: Figure) -> FloatArray:
    """Angle between upper arm and forearm: 0 straight; negative only while a solver asks an arm for too much."""
    return angles.flexion(f.pair("shoulder"), f.pair("elbow"), f.pair("wrist")) - _SLOPE * f.stretch["arm"]


@_measure("elbow_flexion_asymmetry", mirrored=True)
def _elbow_flexion_asymmetry(f: Figure) -> FloatArray:
    """Left minus right elbow flexion."""
    both = _elbow_flexion(f)
    return both[:, 0] - both[:, 1]


@_measure("shoulder_flexion", sided=True)
def _shoulder_flexion(f: Figure) -> FloatArray:
    """Upper arm against trunk in the sagittal plane: 0 hanging along the trunk, positive forward."""
    trunk = f.mid_shoulder - f.mid_hip
    return angles.sagittal_flexion(
        trunk[:, None], f.pair("elbow") - f.pair("shoulder"), _body_left(f)[:, None]
    )


@_measure("elbow_flare", sided=True)
def _elbow_flare(f: Figure) -> FloatArray:
    """Upper arm out of the sagittal plane of the thorax: 0 in it, positive away from the body."""
    upper = unit(f.pair("elbow") - f.pair("shoulder"))
    left = f.rotations["spine_03"][:, None, :, 1]
    out = (upper * left).sum(-1) * np.array([1.0, -1.0])
    result: FloatArray = np.arcsin(np.clip(out, -1.0, 1.0))
    return result


@_measure("trunk_lean")
def _trunk_lean(f: Figure) -> FloatArray:
    """Mid-hip to mid-shoulder from the vertical, in the sagittal plane, forward positive."""
    return angles.trunk_lean(f.mid_hip, f.mid_shoulder, axes(f)[1])


@_measure("trunk_lateral_lean", mirrored=True)
def _trunk_lateral_lean(f: Figure) -> FloatArray:
    """Mid-hip to mid-shoulder from the vertical, in the frontal plane, towards the left positive."""
    return angles.trunk_lateral_lean(f.mid_hip, f.mid_shoulder, axes(f)[0])


@_measure("trunk_rotation", mirrored=True)
def _trunk_rotation(f: Figure) -> FloatArray:
    """Line of the shoulders against line of the hips about the trunk, to the left positive."""
    trunk = unit(f.mid_shoulder - f.mid_hip)
    hips = across(f.points["hip_l"] - f.points["hip_r"], trunk)
    shoulders = across(f.points["shoulder_l"] - f.points["shoulder_r"], trunk)
    return np.arctan2(dot(cross(hips, shoulders), trunk)[:, 0], dot(hips, shoulders)[:, 0])


@_measure("spine_flexion")
def _spine_flexion(f: Figure) -> FloatArray:
    """Thorax against pelvis in the sagittal plane: 0 neutral, positive rounded."""
    relative = np.swapaxes(f.rotations["pelvis"], -1, -2) @ f.rotations["spine_03"]
    return np.arctan2(relative[:, 0, 2], relative[:, 2, 2])


@_measure("knee_in", sided=True)
def _knee_in(f: Figure) -> FloatArray:
    """Turn of the knee about the line hip-ankle against where the foot points, towards the middle positive."""
    line = unit(f.pair("hip") - f.pair("ankle"))
    foot = f.pair("front") - f.pair("ankle")
    side = across(f.pair("knee") - f.pair("ankle"), line)
    front = across(foot, line)
    turn = np.arctan2(dot(cross(front, side), line)[..., 0], dot(front, side)[..., 0])
    result: FloatArray = -turn * np.array([1.0, -1.0])
    return result


@_measure("knee_separation_ratio", "1")
def _knee_separation_ratio(f: Figure) -> FloatArray:
    """Knee over ankle separation along the body's left-right axis."""
    p = f.points
    return angles.knee_separation_ratio(p["knee_l"], p["knee_r"], p["ankle_l"], p["ankle_r"], axes(f)[0])


@_measure("hip_shift", "m", mirrored=True)
def _hip_shift(f: Figure) -> FloatArray:
    """Mid-hip against mid-ankle along the body's left-right axis, to the left positive."""
    return dot(f.mid_hip - f.middle("ankle"), axes(f)[0])[:, 0]


@_measure("hip_drop", mirrored=True)
def _hip_drop(f: Figure) -> FloatArray:
    """Slope of the line of the hips, left side higher positive."""
    line = unit(f.points["hip_l"] - f.points["hip_r"])
    return np.arcsin(np.clip(line[:, 2], -1.0, 1.0))


@_measure("hip_height", "m")
def _hip_height(f: Figure) -> FloatArray:
    """Mid-hip over the floor."""
    return f.mid_hip[:, 2]


@_measure("heel_rise", "m", sided=True)
def _heel_rise(f: Figure) -> FloatArray:
    """Height of the heel over where it is when the foot is flat on the floor."""
    return f.pair("heel")[..., 2]


@_measure("body_line")
def _body_line(f: Figure) -> FloatArray:
    """Shoulder-hip-ankle out of a straight line in the sagittal plane: positive sagging, negative piked."""
    trunk, legs = unit(f.mid_shoulder - f.mid_hip), unit(f.middle("ankle") - f.mid_hip)
    left = unit(f.points["hip_l"] - f.points["hip_r"])
    straight = -legs
    return np.arctan2(dot(cross(trunk, straight), left)[:, 0], dot(trunk, straight)[:, 0])


@_measure("neck_flexion")
def _neck_flexion(f: Figure) -> FloatArray:
    """Head against thorax in the sagittal plane: forward positive."""
    relative = np.swapaxes(f.rotations["spine_03"], -1, -2) @ f.rotations["head"]
    return np.arctan2(relative[:, 0, 2], relative[:, 2, 2])


@_measure("shrug", "m", sided=True)
def _shrug(f: Figure) -> FloatArray:
    """Shoulder joint over the neck's base along the thorax; only its changes mean something."""
    up = f.rotations["spine_03"][:, None, :, 2]
    result: FloatArray = ((f.pair("shoulder") - f.points["neck"][:, None]) * up).sum(-1)
    return result


@_measure("hand_height", "m", sided=True)
def _hand_height(f: Figure) -> FloatArray:
    """Middle of the grip over the floor."""
    return f.pair("grip")[..., 2]


@_measure("hand_ahead", "m")
def _hand_ahead(f: Figure) -> FloatArray:
    """Middle between the grips ahead of the middle between the ankles (bar over the foot)."""
    return dot(f.middle("grip") - f.middle("ankle"), axes(f)[1])[:, 0]


@_measure("forearm_tilt", sided=True)
def _forearm_tilt(f: Figure) -> FloatArray:
    """Forearm from the vertical in the sagittal plane, hand ahead of the elbow positive."""
    fore = f.pair("wrist") - f.pair("elbow")
    forward = axes(f)[1][:, None]
    return np.arctan2(dot(fore, forward)[..., 0], np.abs(fore[..., 2]))


@_measure("wrist_extension", sided=True)
def _wrist_extension(f: Figure) -> FloatArray:
    """Angle between the forearm and the hand."""
    return angles.flexion(f.pair("elbow"), f.pair("wrist"), f.pair("palm"))


@_measure("arm_from_vertical", sided=True)
def _arm_from_vertical(f: Figure) -> FloatArray:
    """Line from shoulder to grip out of the vertical, in any direction: a loaded arm overhead."""
    line = unit(f.pair("grip") - f.pair("shoulder"))
    result: FloatArray = np.arccos(np.clip(np.abs(line[..., 2]), 0.0, 1.0))
    return result


@_measure("shank_tilt", sided=True)
def _shank_tilt(f: Figure) -> FloatArray:
    """Shank from the vertical in the sagittal plane, knee ahead of the ankle positive."""
    shank = f.pair("knee") - f.pair("ankle")
    return np.arctan2(dot(shank, axes(f)[1][:, None])[..., 0], shank[..., 2])


@_measure("balance", "m")
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


def bar_tilt(f: Figure) -> FloatArray:
    """(N,) slope of the line between the grips, left higher positive, rad."""
    line = unit(f.points["grip_l"] - f.points["grip_r"])
    slope: FloatArray = np.arcsin(np.clip(dot(line, np.broadcast_to(UP, line.shape))[:, 0], -1.0, 1.0))
    return slope


MEASURES["bar_tilt"] = Measure("bar_tilt", "rad", False, True, bar_tilt)


# ---- lower body: loads that are held


def _loaded_balance(share: float) -> Callable[[Figure], FloatArray]:
    """Of body and load together, the load being `share` of the body's mass and hanging where the hands hold it."""

    def ahead(f: Figure) -> FloatArray:
        whole = (centre_of_mass(f) + share * f.middle("grip")) / (1.0 + share)
        result: FloatArray = dot(whole - f.middle("ankle"), axes(f)[1])[:, 0]
        return result

    return ahead


for _percent in (20, 60, 80):
    MEASURES[f"balance_load_{_percent}"] = Measure(
        f"balance_load_{_percent}", "m", False, False, _loaded_balance(_percent / 100.0)
    )


@_measure("arm_slack", "m", sided=True)
def _arm_slack(f: Figure) -> FloatArray:
    """What an arm is shorter than straight, shoulder to wrist; negative where it does not reach.

    Near full extension it is well behaved where the elbow's angle is not.
    """
    shoulder, elbow, wrist = f.pair("shoulder"), f.pair("elbow"), f.pair("wrist")
    upper, fore, line = elbow - shoulder, wrist - elbow, wrist - shoulder
    lengths = [np.sqrt(dot(v, v))[..., 0] for v in (upper, fore, line)]
    result: FloatArray = lengths[0] + lengths[1] - lengths[2] - f.stretch["arm"]
    return result


@_measure("load_ahead", "m")
def _load_ahead(f: Figure) -> FloatArray:
    """Middle between the grips in front of the middle between the shoulders, across the thorax."""
    return dot(f.middle("grip") - f.mid_shoulder, f.rotations["spine_03"][:, :, 0])[:, 0]


@_measure("load_height", "m")
def _load_height(f: Figure) -> FloatArray:
    """Middle between the grips over the middle between the shoulders, along the thorax."""
    return dot(f.middle("grip") - f.mid_shoulder, f.rotations["spine_03"][:, :, 2])[:, 0]


@_measure("arm_swing")
def _arm_swing(f: Figure) -> FloatArray:
    """Line from mid-shoulder to mid-grip from the vertical in the sagittal plane: 0 hanging, forward positive."""
    line = f.middle("grip") - f.mid_shoulder
    return np.arctan2(dot(line, axes(f)[1])[:, 0], -line[:, 2])


# -- upper body ----------------------------------------------------------------------------------------------


@_measure("grip_width", "m")
def _grip_width(f: Figure) -> FloatArray:
    """Distance between the grips: constant on a bar."""
    line = f.points["grip_l"] - f.points["grip_r"]
    return np.sqrt(dot(line, line))[:, 0]


@_measure("bar_aside", "m", mirrored=True)
def _bar_aside(f: Figure) -> FloatArray:
    """Middle between the grips to the left of the middle between the shoulders."""
    return dot(f.middle("grip") - f.mid_shoulder, axes(f)[0])[:, 0]


@_measure("grip_skew", mirrored=True)
def _grip_skew(f: Figure) -> FloatArray:
    """Line between the grips about the vertical against the line of the hips, left hand ahead positive."""
    line = f.points["grip_l"] - f.points["grip_r"]
    left, forward = axes(f)
    return np.arctan2(dot(line, forward)[:, 0], dot(line, left)[:, 0])


@_measure("bar_ahead", "m")
def _bar_ahead(f: Figure) -> FloatArray:
    """Middle between the grips ahead of the shoulders, horizontally."""
    return dot(f.middle("grip") - f.mid_shoulder, axes(f)[1])[:, 0]


@_measure("bar_height", "m")
def _bar_height(f: Figure) -> FloatArray:
    """Middle between the grips over the shoulders, vertically."""
    return (f.middle("grip") - f.mid_shoulder)[:, 2]


@_measure("elbow_ahead", "m", sided=True)
def _elbow_ahead(f: Figure) -> FloatArray:
    """Elbow ahead of the line mid-hip to mid-shoulder, across it: negative behind the trunk."""
    trunk = unit(f.mid_shoulder - f.mid_hip)
    front = across(axes(f)[1], trunk)
    ahead: FloatArray = ((f.pair("elbow") - f.mid_hip[:, None]) * front[:, None]).sum(-1)
    return ahead


_PRESSED = 0.40
"""Weight on an athlete's bar over the mass of the body: a press that can be repeated (strength standards put a
novice's best at about 0.5)."""


@_measure("balance_with_bar", "m")
def _balance_with_bar(f: Figure) -> FloatArray:
    """Centre of mass of the body and the bar in its hands, ahead of the middle between the ankles."""
    both = (centre_of_mass(f) + _PRESSED * f.middle("grip")) / (1.0 + _PRESSED)
    return dot(both - f.middle("ankle"), axes(f)[1])[:, 0]


# --- floor and hanging -------------------------------------------------------------------------------------------


@_measure("elbow_height", "m", sided=True)
def _elbow_height(f: Figure) -> FloatArray:
    """Elbow joint over the floor."""
    return f.pair("elbow")[..., 2]


@_measure("knee_height", "m", sided=True)
def _knee_height(f: Figure) -> FloatArray:
    """Knee joint over the floor."""
    return f.pair("knee")[..., 2]


@_measure("upper_arm_tilt", sided=True)
def _upper_arm_tilt(f: Figure) -> FloatArray:
    """Upper arm from the vertical in the sagittal plane, shoulder ahead of the elbow positive.

    Ahead is towards the head in a body that faces the floor.
    """
    arm = f.pair("shoulder") - f.pair("elbow")
    return np.arctan2(dot(arm, axes(f)[1][:, None])[..., 0], np.abs(arm[..., 2]))


@_measure("hang_angle")
def _hang_angle(f: Figure) -> FloatArray:
    """Line from the middle of the grips to the centre of mass out of the vertical, forward positive.

    In the sagittal plane: a body that swings on a bar.
    """
    line = centre_of_mass(f) - f.middle("grip")
    return np.arctan2(dot(line, axes(f)[1])[:, 0], -line[:, 2])


@_measure("hang_shift", "m", mirrored=True)
def _hang_shift(f: Figure) -> FloatArray:
    """Centre of mass beside the middle of the grips, to the left positive."""
    return dot(centre_of_mass(f) - f.middle("grip"), axes(f)[0])[:, 0]


@_measure("head_over_grip", "m")
def _head_over_grip(f: Figure) -> FloatArray:
    """Middle between the ears over the middle of the grips; the chin is about 8 cm lower."""
    return (f.points["ears"] - f.middle("grip"))[:, 2]


def _raised(f: Figure) -> NDArray[np.int64]:
    """(N,) 0 or 1: the side whose hand is higher."""
    heights = f.pair("grip")[..., 2]
    return np.where(heights[:, 0] >= heights[:, 1], 0, 1)


def _of_raised(f: Figure, both: FloatArray) -> FloatArray:
    return np.take_along_axis(both, _raised(f)[:, None], 1)[:, 0]


@_measure("raised_arm_from_vertical")
def _raised_arm_from_vertical(f: Figure) -> FloatArray:
    """Line from shoulder to grip out of the vertical, of the arm whose hand is higher."""
    line = unit(f.pair("grip") - f.pair("shoulder"))
    level = np.sqrt((line[..., :2] ** 2).sum(-1))
    return _of_raised(f, np.arctan2(level, line[..., 2]))


@_measure("raised_elbow_flexion")
def _raised_elbow_flexion(f: Figure) -> FloatArray:
    """Elbow flexion of the arm whose hand is higher."""
    return _of_raised(f, angles.flexion(f.pair("shoulder"), f.pair("elbow"), f.pair("wrist")))


@_measure("raised_wrist_extension")
def _raised_wrist_extension(f: Figure) -> FloatArray:
    """Angle between forearm and hand of the arm whose hand is higher."""
    return _of_raised(f, _wrist_extension(f))


@_measure("raised_knee_in")
def _raised_knee_in(f: Figure) -> FloatArray:
    """Turn of the knee towards the middle, of the leg on the side of the higher hand."""
    return _of_raised(f, _knee_in(f))


@_measure("gaze_off")
def _gaze_off(f: Figure) -> FloatArray:
    """Angle between where the face points and the way from the ears to the higher hand."""
    grips = f.pair("grip")
    hand = np.take_along_axis(grips, _raised(f)[:, None, None], 1)[:, 0]
    face = f.rotations["head"][..., :, 0]
    aim = unit(hand - f.points["ears"])
    sine = np.sqrt(dot(cross(face, aim), cross(face, aim)))[:, 0]
    return np.arctan2(sine, dot(face, aim)[:, 0])


@_measure("elbow_spread", sided=True)
def _elbow_spread(f: Figure) -> FloatArray:
    """Where the elbow points, seen across the chest: 0 along the trunk towards the feet, 90 degrees straight aside."""
    line = unit(f.pair("wrist") - f.pair("shoulder"))
    upper = f.pair("elbow") - f.pair("shoulder")
    out = upper - dot(upper, line) * line
    thorax = f.rotations["spine_03"][:, None]
    aside = (out * thorax[..., :, 1]).sum(-1) * np.array([1.0, -1.0])
    result: FloatArray = np.arctan2(aside, -(out * thorax[..., :, 2]).sum(-1))
    return result
