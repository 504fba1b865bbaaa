"""What is true of a moment: the numbers that perception, scoring and the machine are held against."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.contact_forces import ContactForces
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import OFFSET
from kinecue.simulation.movement.timeline import Moments

FloatArray = NDArray[np.float64]

JOINTS = (
    "pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "head", "clavicle_l", "clavicle_r", "ball_l", "ball_r",
    "middle_01_l", "middle_01_r",
)  # fmt: skip
"""Joint centres that are no landmarks, by the bones that turn there; ``pelvis`` is the middle between the hips."""
RELATIVE = ("trunk_swing", "elbow_drift", "foot_shift", "heel_rise")
"""Quantities against the start position; defined as in `kinecue.exercise.features`."""


@dataclass(frozen=True)
class SetState:
    """Where in the set the athlete is.

    Attributes:
        phase: name of the ``Phase`` of `kinecue.exercise`, lower case.
        stage: of exercises that have named ones; else empty.
        progress: 0 start position to 1 the full range of this athlete.
        repetition: number of the one under way or just finished, 0 before the first.
        kind: of that repetition: ``full``, ``partial`` or ``failed``; empty before the first.
        side: who leads in it: ``left``, ``right`` or ``both``.
        counted: full repetitions that are over.
        faults: present magnitude on the left and on the right by name, in the fault's unit; only what is not zero.
    """

    phase: str
    stage: str
    progress: float
    repetition: int
    kind: str
    side: str
    counted: int
    faults: dict[str, tuple[float, float]]

    @property
    def magnitudes(self) -> dict[str, float]:
        """Of the larger side, by name."""
        return {name: max(both) for name, both in self.faults.items()}


@dataclass(frozen=True)
class FrameTruth:
    """The truth about one moment, in the gym frame.

    Attributes:
        time_s: since the clip's start.
        state: where in the set.
        positions: (33, 3) landmarks in the order of `BLAZEPOSE_33`, m.
        joints: (J, 3) joint centres of `JOINTS`, m.
        angles: rad, by name; sided ones end in ``_left`` and ``_right``.
        measures: the other quantities, m or without unit, by name.
        handles: (C, 3) ends of the machine's cables, m.
        cable_m: (C,) length between pulley and handle, m.
        cable_speed: (C,) m/s, positive when it is pulled out.
        tension: (C,) N.
        forces: what the contacts exert on the body.
        centre_of_mass: (3,) of the body, m.
        transforms: the bones.
        gear: the bones at the time whose body the gear follows, which is another one while it is not held.
    """

    time_s: float
    state: SetState
    positions: FloatArray
    joints: FloatArray
    angles: dict[str, float]
    measures: dict[str, float]
    handles: FloatArray
    cable_m: FloatArray
    cable_speed: FloatArray
    tension: FloatArray
    forces: ContactForces
    centre_of_mass: FloatArray
    transforms: BoneTransforms
    gear: BoneTransforms


@dataclass(frozen=True)
class CameraTruth:
    """What is true of a moment for one camera.

    Attributes:
        pixels: (33, 2) projections with the lens' distortion, px; NaN behind the camera.
        visibility: (33,) of `kinecue.simulation.picture.visibility.Visibility`.
    """

    pixels: FloatArray
    visibility: NDArray[np.int64]


def joint_centres(athlete: Athlete, transforms: BoneTransforms) -> FloatArray:
    """(J, 3) of `JOINTS`, m."""
    rows = [athlete.bone_index[name] for name in JOINTS]
    result = transforms.heads[rows].copy()
    hips = [athlete.bone_index["thigh_l"], athlete.bone_index["thigh_r"]]
    result[JOINTS.index("pelvis")] = transforms.heads[hips].mean(0)
    return result


class Quantities:
    """Every named angle and measure of a performance."""

    def __init__(self, performance: Performance) -> None:
        repetitions = performance.timeline.repetitions
        at = repetitions[0].start_s if repetitions else 0.5 * performance.duration_s
        self.start_s = at
        """The start position, against which `RELATIVE` quantities count, is that of this time."""
        self._start = self._relative_basis(performance.figure([at]))

    @staticmethod
    def _relative_basis(figure: Figure) -> dict[str, FloatArray]:
        return {
            "trunk_lean": measures.value("trunk_lean", figure)[:, None],
            "shoulder_flexion": measures.MEASURES["shoulder_flexion"].function(figure),
            "ankle": figure.pair("ankle")[..., :2],
            "heel": (figure.pair("heel") - figure.pair("toe"))[..., 2],
        }

    def of(self, figure: Figure) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
        """Angles (rad) and other measures, (N,) each, by name."""
        figure = figure.settled
        tables: dict[str, dict[str, FloatArray]] = {"rad": {}, "m": {}, "1": {}}
        for name, measure in measures.MEASURES.items():
            if name in RELATIVE:
                continue
            _file(tables[measure.unit], name, measure.function(figure))
        now, start = self._relative_basis(figure), self._start
        turned = now["shoulder_flexion"] - start["shoulder_flexion"]
        turned = turned - 2.0 * math.pi * np.round(turned / (2.0 * math.pi))
        _file(tables["rad"], "trunk_swing", (now["trunk_lean"] - start["trunk_lean"])[:, 0])
        _file(tables["rad"], "elbow_drift", turned)
        _file(tables["m"], "foot_shift", np.linalg.norm(now["ankle"] - start["ankle"], axis=-1))
        _file(tables["m"], "heel_rise", now["heel"] - start["heel"])
        return tables["rad"], {**tables["m"], **tables["1"]}


def _file(table: dict[str, FloatArray], name: str, values: FloatArray) -> None:
    if values.ndim == 2:
        table[f"{name}_left"], table[f"{name}_right"] = values[:, 0], values[:, 1]
    else:
        table[name] = values


def states(performance: Performance, times_s: ArrayLike) -> list[SetState]:
    """Where in the set the athlete is at (N,) times."""
    moments = performance.moments(times_s)
    phases = performance.phases(moments)
    present = _faults(performance, moments)
    repetitions = {r.number: r for r in performance.timeline.repetitions}
    result = []
    for i, phase in enumerate(phases):
        repetition = repetitions.get(int(moments.number[i]))
        result.append(
            SetState(
                phase,
                _stage(performance.exercise.stages, float(moments.progress[i]), moments.stage[i]),
                float(moments.progress[i]),
                int(moments.number[i]),
                repetition.kind if repetition else "",
                repetition.side if repetition else "both",
                sum(r.kind == "full" and r.end_s <= float(moments.time_s[i]) for r in repetitions.values()),
                present[i],
            )
        )
    return result


def _stage(stages: Sequence[tuple[str, float]], progress: float, way: str) -> str:
    """The named stage at a progress; stages are passed in order on the way out and in reverse on the way back."""
    if not stages or way in ("still", "rest"):
        return ""
    begun = [name for name, begins in stages if progress >= begins - 1e-9]
    return begun[-1] if begun else stages[0][0]


def _faults(performance: Performance, moments: Moments) -> list[dict[str, tuple[float, float]]]:
    offsets = performance.timeline.present(moments)
    kinds = performance.exercise.faults
    result: list[dict[str, tuple[float, float]]] = []
    for i, active in enumerate(performance.active_faults(moments.time_s)):
        row = {}
        for name, magnitude in active.items():
            if kinds[name].way == OFFSET:
                left, right = (float(v) for v in offsets[name][i])
                row[name] = (left, right)
            else:
                row[name] = (magnitude, magnitude)
        result.append(row)
    return result


Tension = Callable[[int, float], float]
"""Force in a cable, N, given its number and the time in s."""
