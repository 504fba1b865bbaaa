"""Measures of a body with something in its hands, or hanging from or standing on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kinecue.body import angles
from kinecue.simulation.movement.body_measures import centre_of_mass
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.measure_registry import MEASURES, Measure, axes, register
from kinecue.simulation.rotations import UP, across, cross, dot, unit

FloatArray = NDArray[np.float64]


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


@register("arm_slack", "m", sided=True)
def _arm_slack(f: Figure) -> FloatArray:
    """What an arm is shorter than straight, shoulder to wrist; negative where it does not reach.

    Near full extension it is well behaved where the elbow's angle is not.
    """
    shoulder, elbow, wrist = f.pair("shoulder"), f.pair("elbow"), f.pair("wrist")
    upper, fore, line = elbow - shoulder, wrist - elbow, wrist - shoulder
    lengths = [np.sqrt(dot(v, v))[..., 0] for v in (upper, fore, line)]
    result: FloatArray = lengths[0] + lengths[1] - lengths[2] - f.stretch["arm"]
    return result


@register("load_ahead", "m")
def _load_ahead(f: Figure) -> FloatArray:
    """Middle between the grips in front of the middle between the shoulders, across the thorax."""
    return dot(f.middle("grip") - f.mid_shoulder, f.rotations["spine_03"][:, :, 0])[:, 0]


@register("load_height", "m")
def _load_height(f: Figure) -> FloatArray:
    """Middle between the grips over the middle between the shoulders, along the thorax."""
    return dot(f.middle("grip") - f.mid_shoulder, f.rotations["spine_03"][:, :, 2])[:, 0]


@register("arm_swing")
def _arm_swing(f: Figure) -> FloatArray:
    """Line from mid-shoulder to mid-grip from the vertical in the sagittal plane: 0 hanging, forward positive."""
    line = f.middle("grip") - f.mid_shoulder
    return np.arctan2(dot(line, axes(f)[1])[:, 0], -line[:, 2])


# -- upper body ----------------------------------------------------------------------------------------------


@register("grip_width", "m")
def _grip_width(f: Figure) -> FloatArray:
    """Distance between the grips: constant on a bar."""
    line = f.points["grip_l"] - f.points["grip_r"]
    return np.sqrt(dot(line, line))[:, 0]


@register("bar_aside", "m", mirrored=True)
def _bar_aside(f: Figure) -> FloatArray:
    """Middle between the grips to the left of the middle between the shoulders."""
    return dot(f.middle("grip") - f.mid_shoulder, axes(f)[0])[:, 0]


@register("grip_skew", mirrored=True)
def _grip_skew(f: Figure) -> FloatArray:
    """Line between the grips about the vertical against the line of the hips, left hand ahead positive."""
    line = f.points["grip_l"] - f.points["grip_r"]
    left, forward = axes(f)
    return np.arctan2(dot(line, forward)[:, 0], dot(line, left)[:, 0])


@register("bar_ahead", "m")
def _bar_ahead(f: Figure) -> FloatArray:
    """Middle between the grips ahead of the shoulders, horizontally."""
    return dot(f.middle("grip") - f.mid_shoulder, axes(f)[1])[:, 0]


@register("bar_height", "m")
def _bar_height(f: Figure) -> FloatArray:
    """Middle between the grips over the shoulders, vertically."""
    return (f.middle("grip") - f.mid_shoulder)[:, 2]


@register("elbow_ahead", "m", sided=True)
def _elbow_ahead(f: Figure) -> FloatArray:
    """Elbow ahead of the line mid-hip to mid-shoulder, across it: negative behind the trunk."""
    trunk = unit(f.mid_shoulder - f.mid_hip)
    front = across(axes(f)[1], trunk)
    ahead: FloatArray = ((f.pair("elbow") - f.mid_hip[:, None]) * front[:, None]).sum(-1)
    return ahead


_PRESSED = 0.40
"""Weight on an athlete's bar over the mass of the body: a press that can be repeated (strength standards put a
novice's best at about 0.5)."""


@register("balance_with_bar", "m")
def _balance_with_bar(f: Figure) -> FloatArray:
    """Centre of mass of the body and the bar in its hands, ahead of the middle between the ankles."""
    both = (centre_of_mass(f) + _PRESSED * f.middle("grip")) / (1.0 + _PRESSED)
    return dot(both - f.middle("ankle"), axes(f)[1])[:, 0]


# --- floor and hanging -------------------------------------------------------------------------------------------


@register("elbow_height", "m", sided=True)
def _elbow_height(f: Figure) -> FloatArray:
    """Elbow joint over the floor."""
    return f.pair("elbow")[..., 2]


@register("knee_height", "m", sided=True)
def _knee_height(f: Figure) -> FloatArray:
    """Knee joint over the floor."""
    return f.pair("knee")[..., 2]


@register("upper_arm_tilt", sided=True)
def _upper_arm_tilt(f: Figure) -> FloatArray:
    """Upper arm from the vertical in the sagittal plane, shoulder ahead of the elbow positive.

    Ahead is towards the head in a body that faces the floor.
    """
    arm = f.pair("shoulder") - f.pair("elbow")
    return np.arctan2(dot(arm, axes(f)[1][:, None])[..., 0], np.abs(arm[..., 2]))


@register("hang_angle")
def _hang_angle(f: Figure) -> FloatArray:
    """Line from the middle of the grips to the centre of mass out of the vertical, forward positive.

    In the sagittal plane: a body that swings on a bar.
    """
    line = centre_of_mass(f) - f.middle("grip")
    return np.arctan2(dot(line, axes(f)[1])[:, 0], -line[:, 2])


@register("hang_shift", "m", mirrored=True)
def _hang_shift(f: Figure) -> FloatArray:
    """Centre of mass beside the middle of the grips, to the left positive."""
    return dot(centre_of_mass(f) - f.middle("grip"), axes(f)[0])[:, 0]


@register("head_over_grip", "m")
def _head_over_grip(f: Figure) -> FloatArray:
    """Middle between the ears over the middle of the grips; the chin is about 8 cm lower."""
    return (f.points["ears"] - f.middle("grip"))[:, 2]


def _raised(f: Figure) -> NDArray[np.int64]:
    """(N,) 0 or 1: the side whose hand is higher."""
    heights = f.pair("grip")[..., 2]
    return np.where(heights[:, 0] >= heights[:, 1], 0, 1)


def _of_raised(f: Figure, both: FloatArray) -> FloatArray:
    return np.take_along_axis(both, _raised(f)[:, None], 1)[:, 0]


@register("raised_arm_from_vertical")
def _raised_arm_from_vertical(f: Figure) -> FloatArray:
    """Line from shoulder to grip out of the vertical, of the arm whose hand is higher."""
    line = unit(f.pair("grip") - f.pair("shoulder"))
    level = np.sqrt((line[..., :2] ** 2).sum(-1))
    return _of_raised(f, np.arctan2(level, line[..., 2]))


@register("raised_elbow_flexion")
def _raised_elbow_flexion(f: Figure) -> FloatArray:
    """Elbow flexion of the arm whose hand is higher."""
    return _of_raised(f, angles.flexion(f.pair("shoulder"), f.pair("elbow"), f.pair("wrist")))


@register("raised_wrist_extension")
def _raised_wrist_extension(f: Figure) -> FloatArray:
    """Angle between forearm and hand of the arm whose hand is higher."""
    return _of_raised(f, MEASURES["wrist_extension"].function(f))


@register("raised_knee_in")
def _raised_knee_in(f: Figure) -> FloatArray:
    """Turn of the knee towards the middle, of the leg on the side of the higher hand."""
    return _of_raised(f, MEASURES["knee_in"].function(f))


@register("gaze_off")
def _gaze_off(f: Figure) -> FloatArray:
    """Angle between where the face points and the way from the ears to the higher hand."""
    grips = f.pair("grip")
    hand = np.take_along_axis(grips, _raised(f)[:, None, None], 1)[:, 0]
    face = f.rotations["head"][..., :, 0]
    aim = unit(hand - f.points["ears"])
    sine = np.sqrt(dot(cross(face, aim), cross(face, aim)))[:, 0]
    return np.arctan2(sine, dot(face, aim)[:, 0])


@register("elbow_spread", sided=True)
def _elbow_spread(f: Figure) -> FloatArray:
    """Where the elbow points, seen across the chest: 0 along the trunk towards the feet, 90 degrees straight aside."""
    line = unit(f.pair("wrist") - f.pair("shoulder"))
    upper = f.pair("elbow") - f.pair("shoulder")
    out = upper - dot(upper, line) * line
    thorax = f.rotations["spine_03"][:, None]
    aside = (out * thorax[..., :, 1]).sum(-1) * np.array([1.0, -1.0])
    result: FloatArray = np.arctan2(aside, -(out * thorax[..., :, 2]).sum(-1))
    return result
