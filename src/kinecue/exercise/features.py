"""Named features of a body: what an exercise file can refer to.

To add one, write a small function of a `Pose` and register it with `feature`. The function gets (B, 2, 3)
pairs of joints and returns (B, 2) for a sided feature (left, right) or (B,) for one of the whole body; its
docstring is the definition with sign and zero that the documentation shows.

`floor` is what no landmark covariance knows: the error of the joint-centre model itself (a trunk that is
not rigid, hip centres 3 cm high), measured with the kinematic fit on synthetic athletes; engineering
judgement where nothing was measured. Errors of landmarks are mostly bias, so standard deviations are never
reduced by averaging over frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinecue.body import angles
from kinecue.body.body import Body
from kinecue.body.errors import KineCueError
from kinecue.body.measurement import Measurement, Reason, Validity
from kinecue.exercise.pose import FloatArray, Pose, Sample, Sampler
from kinecue.exercise.results import Side

Unit = Literal["rad", "m", "1"]
_FEATURE_LIMIT = {"rad": math.radians(25.0), "m": 0.10, "1": 0.35}
"""Standard deviation from which a value says nothing.

A quarter of the range that such features have in a movement.
"""


class UnknownFeatureError(KineCueError):
    """No feature has this name."""


@dataclass(frozen=True)
class Feature:
    """A registered feature.

    Attributes:
        name: as in exercise files.
        unit: SI unit of the value.
        joints: which it needs, without side.
        sided: one value for each side.
        relative: needs to know the person's start position.
        mirrored: for a feature without sides: its sign changes for the mirrored body (left positive).
        floor: standard deviation that is always added, SI.
        function: the definition.
    """

    name: str
    unit: Unit
    joints: tuple[str, ...]
    sided: bool
    relative: bool
    mirrored: bool
    floor: float
    function: Callable[[Pose], FloatArray]

    @property
    def definition(self) -> str:
        """What it is, with sign and zero."""
        return " ".join((self.function.__doc__ or "").split())


FEATURES: dict[str, Feature] = {}
"""All features by name."""


def feature(
    name: str,
    unit: Unit,
    joints: str,
    *,
    floor: float,
    sided: bool = False,
    relative: bool = False,
    mirrored: bool = False,
) -> Callable[[Callable[[Pose], FloatArray]], Callable[[Pose], FloatArray]]:
    """Register a feature function; `joints` separated by spaces, `floor` in degrees for an angle, else SI."""

    def register(function: Callable[[Pose], FloatArray]) -> Callable[[Pose], FloatArray]:
        minimum = math.radians(floor) if unit == "rad" else floor
        FEATURES[name] = Feature(
            name, unit, tuple(joints.split()), sided, relative, mirrored, minimum, function
        )
        return function

    return register


@feature("knee_flexion", "rad", "hip knee ankle", sided=True, floor=2.0)
def _knee_flexion(pose: Pose) -> FloatArray:
    """Angle between thigh and shank: 0 straight, positive bent."""
    return pose.flexion("hip", "knee", "ankle")


@feature("knee_flexion_asymmetry", "rad", "hip knee ankle", floor=3.0, mirrored=True)
def _knee_flexion_asymmetry(pose: Pose) -> FloatArray:
    """Left minus right knee flexion: positive where the left knee is bent more."""
    both = pose.flexion("hip", "knee", "ankle")
    return both[:, 0] - both[:, 1]


@feature("hip_flexion", "rad", "shoulder hip knee", sided=True, floor=3.0)
def _hip_flexion(pose: Pose) -> FloatArray:
    """Thigh against trunk in the sagittal plane of the pelvis.

    0 in line, positive with the thigh in front.
    """
    thigh = pose.pair("knee") - pose.pair("hip")
    return angles.sagittal_flexion(pose.trunk[:, None], thigh, pose.axes[0][:, None])


@feature("trunk_lean", "rad", "shoulder hip", floor=2.0)
def _trunk_lean(pose: Pose) -> FloatArray:
    """Inclination of the trunk (mid-hip to mid-shoulder) from the vertical: 0 upright, positive forward."""
    return angles.trunk_lean(pose.middle("hip"), pose.middle("shoulder"), pose.axes[1])


@feature("trunk_lateral_lean", "rad", "shoulder hip", floor=2.0, mirrored=True)
def _trunk_lateral_lean(pose: Pose) -> FloatArray:
    """Inclination of the trunk from the vertical in the frontal plane: 0 upright, positive to the left."""
    return angles.trunk_lateral_lean(pose.middle("hip"), pose.middle("shoulder"), pose.axes[0])


@feature("trunk_rotation", "rad", "shoulder hip", floor=3.0, mirrored=True)
def _trunk_rotation(pose: Pose) -> FloatArray:
    """Line of the shoulders against the line of the hips about the trunk: 0 parallel, positive to the left."""
    return angles.axial_rotation(
        pose.left("hip") - pose.right("hip"), pose.left("shoulder") - pose.right("shoulder"), pose.trunk
    )


@feature("trunk_swing", "rad", "shoulder hip", floor=1.5, relative=True)
def _trunk_swing(pose: Pose) -> FloatArray:
    """Trunk lean less the trunk lean in the start position: positive forward, negative backward."""
    start = _require(pose)
    return _trunk_lean(pose) - _trunk_lean(start)


@feature("knee_separation_ratio", "1", "hip knee ankle", floor=0.04)
def _knee_separation_ratio(pose: Pose) -> FloatArray:
    """Knee over ankle separation along the body's left-right axis.

    1 knees over the ankles, smaller knees in.
    """
    return angles.knee_separation_ratio(
        pose.left("knee"), pose.right("knee"), pose.left("ankle"), pose.right("ankle"), pose.axes[0]
    )


@feature("hip_shift", "m", "hip ankle", floor=0.01, mirrored=True)
def _hip_shift(pose: Pose) -> FloatArray:
    """Mid-hip against mid-ankle along the body's left-right axis: 0 over the middle, positive to the left."""
    result: FloatArray = ((pose.middle("hip") - pose.middle("ankle")) * pose.axes[0]).sum(-1)
    return result


@feature("hip_drop", "rad", "hip", floor=1.5, mirrored=True)
def _hip_drop(pose: Pose) -> FloatArray:
    """Slope of the line of the hips: 0 level, positive with the left side higher."""
    line = pose.hips
    result: FloatArray = np.arctan2(line[:, 2], np.sqrt((line[:, :2] ** 2).sum(-1)))
    return result


@feature("hip_adduction", "rad", "hip knee", sided=True, floor=3.0)
def _hip_adduction(pose: Pose) -> FloatArray:
    """Thigh out of the plane across the line of the hips: 0 in it, positive towards the midline."""
    return angles.adduction(pose.pair("hip"), pose.pair("knee"), pose.hips[:, None], _SIDES)


@feature("ankle_dorsiflexion", "rad", "knee ankle heel foot_index", sided=True, floor=4.0)
def _ankle_dorsiflexion(pose: Pose) -> FloatArray:
    """Foot (heel to toe) against shank: 0 at right angles, positive with the knee over the toes."""
    return angles.dorsiflexion(
        pose.pair("knee"), pose.pair("ankle"), pose.pair("heel"), pose.pair("foot_index")
    )


@feature("shank_tilt", "rad", "hip knee ankle", sided=True, floor=1.5)
def _shank_tilt(pose: Pose) -> FloatArray:
    """Inclination of the shank from the vertical in the sagittal plane: 0 upright, positive knee forward."""
    return angles.sagittal_tilt(pose.pair("knee") - pose.pair("ankle"), pose.axes[1][:, None])


@feature("heel_rise", "m", "heel foot_index", sided=True, relative=True, floor=0.005)
def _heel_rise(pose: Pose) -> FloatArray:
    """Height of the heel over the forefoot less the same in the start position: positive lifted."""
    start = _require(pose)
    return _heel_height(pose) - _heel_height(start)


@feature("foot_shift", "m", "ankle", sided=True, relative=True, floor=0.02)
def _foot_shift(pose: Pose) -> FloatArray:
    """Horizontal distance of the ankle from where it was in the start position: 0 has not moved."""
    start = _require(pose)
    moved = (pose.pair("ankle") - start.pair("ankle"))[..., :2]
    result: FloatArray = np.sqrt((moved * moved).sum(-1))
    return result


@feature("elbow_flexion", "rad", "shoulder elbow wrist", sided=True, floor=3.0)
def _elbow_flexion(pose: Pose) -> FloatArray:
    """Angle between upper arm and forearm: 0 straight, positive bent."""
    return pose.flexion("shoulder", "elbow", "wrist")


@feature("shoulder_flexion", "rad", "shoulder elbow hip", sided=True, floor=3.0)
def _shoulder_flexion(pose: Pose) -> FloatArray:
    """Upper arm against trunk in the sagittal plane: 0 hanging along the trunk, positive forward."""
    arm = pose.pair("elbow") - pose.pair("shoulder")
    return angles.sagittal_flexion(pose.trunk[:, None], arm, pose.axes[0][:, None])


@feature("elbow_drift", "rad", "shoulder elbow hip", sided=True, relative=True, floor=3.0)
def _elbow_drift(pose: Pose) -> FloatArray:
    """Shoulder flexion less the shoulder flexion in the start position: positive elbow forward."""
    start = _require(pose)
    change = _shoulder_flexion(pose) - _shoulder_flexion(start)
    result: FloatArray = change - 2.0 * np.pi * np.round(change / (2.0 * np.pi))
    return result


_SIDES = np.array([1.0, -1.0])
"""Left, right: what is towards the midline is to the other hand."""


def _heel_height(pose: Pose) -> FloatArray:
    result: FloatArray = (pose.pair("heel") - pose.pair("foot_index"))[..., 2]
    return result


def _require(pose: Pose) -> Pose:
    if pose.start is None:
        raise KineCueError("a feature relative to the start position was evaluated without one")
    return pose.start


class FeatureFrame:
    """All wanted features of one body at one moment.

    Attributes:
        points: (K, 3) joint positions that they come from, NaN where lost.
    """

    def __init__(self, measurements: dict[tuple[str, Side], Measurement], points: FloatArray) -> None:
        self._measurements = measurements
        self.points = points

    def __getitem__(self, key: tuple[str, Side]) -> Measurement:
        return self._measurements[key]

    @property
    def measurements(self) -> dict[tuple[str, Side], Measurement]:
        """By feature and side."""
        return self._measurements


class FeatureComputer:
    """Measures a fixed set of features on body after body.

    Args:
        names: of registered features.

    Raises:
        UnknownFeatureError: a name is not registered; the text lists those that are.
    """

    def __init__(self, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in FEATURES]
        if unknown:
            raise UnknownFeatureError(f"unknown feature {unknown[0]}; allowed: {', '.join(sorted(FEATURES))}")
        self.features = tuple(FEATURES[name] for name in dict.fromkeys(names))
        joints = tuple(dict.fromkeys(joint for item in self.features for joint in item.joints))
        self._sampler = Sampler(joints)
        self.columns: tuple[tuple[Feature, Side], ...] = tuple(
            (item, side)
            for item in self.features
            for side in ((Side.LEFT, Side.RIGHT) if item.sided else (Side.NONE,))
        )
        self._uses = self._dependencies(joints)
        self._angular = np.array([item.unit == "rad" for item, _ in self.columns], dtype=bool)
        self._floor2 = np.array([item.floor**2 for item, _ in self.columns])
        self._limit = np.array([_FEATURE_LIMIT[item.unit] for item, _ in self.columns])

    def _dependencies(self, joints: tuple[str, ...]) -> NDArray[np.bool_]:
        """(columns, landmarks) which landmark each value depends on, found by moving each a little."""
        count = 2 * len(joints)
        anywhere = np.random.default_rng(0).normal(size=(1, count, 3))
        moved = np.repeat(anywhere, count + 1, axis=0)
        moved[np.arange(1, count + 1), np.arange(count)] += 0.01
        pose = Pose(moved, joints, Pose(anywhere + 0.1, joints))
        values = np.concatenate(
            [item.function(pose).reshape(count + 1, -1) for item in self.features], axis=1
        )
        uses: NDArray[np.bool_] = np.abs(values[1:] - values[0]).T > 1e-12
        return uses

    def measure(self, body: Body, start: FloatArray | None = None) -> FeatureFrame:
        """Features of `body`; `start` are the `FeatureFrame.points` of its start position, if known."""
        sample = self._sampler.sample(body, start)
        values = np.full((len(sample.pose.points), len(self.columns)), np.nan)
        column = 0
        for item in self.features:
            width = 2 if item.sided else 1
            if start is not None or not item.relative:
                values[:, column : column + width] = item.function(sample.pose).reshape(-1, width)
            column += width
        spread = np.sqrt(sample.spread(values, self._angular) ** 2 + self._floor2)
        return FeatureFrame(self._judge(sample, values[0], spread, start), sample.points)

    def _judge(
        self, sample: Sample, values: FloatArray, spread: FloatArray, start: FloatArray | None
    ) -> dict[tuple[str, Side], Measurement]:
        lost = (self._uses & sample.lost).any(axis=1).tolist()
        inferred = (self._uses & sample.inferred).any(axis=1).tolist()
        finite = np.isfinite(values).tolist()
        with np.errstate(invalid="ignore"):
            certain = (spread < self._limit).tolist()
        result: dict[tuple[str, Side], Measurement] = {}
        for i, ((item, side), value, std) in enumerate(
            zip(self.columns, values.tolist(), spread.tolist(), strict=True)
        ):
            if lost[i]:
                why = next(
                    r for r, used in zip(sample.reason, self._uses[i].tolist(), strict=True) if used and r
                )
                measurement = Measurement.abstained(why)
            elif not finite[i]:
                unlearned = item.relative and (start is None or not np.isfinite(start[self._uses[i]]).all())
                measurement = Measurement.abstained(Reason.NOT_CALIBRATED if unlearned else Reason.UNCERTAIN)
            elif not certain[i]:
                measurement = Measurement.abstained(Reason.UNCERTAIN)
            else:
                measurement = Measurement(value, std, Validity.INFERRED if inferred[i] else Validity.VALID)
            result[(item.name, side)] = measurement
        return result
