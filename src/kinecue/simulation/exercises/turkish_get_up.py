"""The Turkish get-up: from lying to standing under a kettlebell, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.get_up_keys import STAGES, GetUpKeys
from kinecue.simulation.exercises.get_up_upper_body import carried, gazing, with_free_arm
from kinecue.simulation.exercises.windowed import WindowedFault
from kinecue.simulation.gear.floor import PressedKettlebell
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.keyframes import Keyframes
from kinecue.simulation.movement.measures import value
from kinecue.simulation.movement.set_plan import Tempo, smooth
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Goal
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, Contact, Exercise, Technique
from kinecue.simulation.movement.timeline import Moments

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

LOAD = 0.15
"""Mass of the bell over that of the body: a moderate one (Liebenson and Shaughnessy 2011 start with half of it)."""
_OUT_S = 10.5
_SHARES = [stage.duration_s for stage in STAGES]
STARTS = tuple(float(p) for p in smooth(np.concatenate([[0.0], np.cumsum(_SHARES)]) / sum(_SHARES)))
"""Progress at which each key posture is reached; progress follows a minimum-jerk course over the whole way."""
_ELBOW, _HAND, _BRIDGE, _KNEEL, _UPRIGHT, _STEP = STARTS[1:7]

TURKISH_GET_UP_FAULTS = {
    "arm_not_vertical": WindowedFault(
        "rad", deg(25.0), "line from shoulder to kettlebell out of the vertical", "raised_arm_from_vertical",
        rise=(0.02, 0.15),
    ),
    "elbow_bent": WindowedFault(
        "rad", deg(45.0), "elbow flexion of the arm that carries", "raised_elbow_flexion", rise=(0.02, 0.15)
    ),
    "bent_wrist": WindowedFault(
        "rad", deg(45.0), "the hand that carries bent back", "raised_wrist_extension", rise=(0.02, 0.15)
    ),
    "eyes_off": WindowedFault(
        "rad", deg(50.0), "face turned away from the kettlebell before half-kneeling", "gaze_off",
        rise=(0.01, 0.12), fall=(_KNEEL, _UPRIGHT),
    ),
    "knee_in": WindowedFault(
        "rad", deg(25.0), "front knee falling in while standing up", "raised_knee_in",
        rise=(_UPRIGHT, (_UPRIGHT + _STEP) / 2.0), fall=((_STEP + 1.0) / 2.0, 1.0),
    ),
    "trunk_lean": WindowedFault(
        "rad", deg(22.0), "trunk leaning forward in half-kneeling and on standing up", "trunk_lean",
        rise=((_KNEEL + _UPRIGHT) / 2.0, _UPRIGHT), fall=(_STEP, 1.0),
    ),
}  # fmt: skip


def _between(start: float, end: float, point: str) -> Contact:
    def during(moments: Moments) -> BoolArray:
        return (moments.progress >= start - 1e-9) & (moments.progress <= end + 1e-9)

    return Contact(point, "floor", during)


CONTACTS = (
    Contact("heel_l"),
    Contact("ball_l"),
    _between(-1.0, _HAND, "hip_r"),
    _between(-1.0, _ELBOW, "elbow_r"),
    _between(-1.0, _ELBOW, "palm_r"),
    _between(_HAND, _KNEEL, "palm_r"),
    _between(-1.0, _BRIDGE, "heel_r"),
    _between(_KNEEL, _UPRIGHT, "knee_r"),
    _between(_KNEEL, _STEP, "ball_r"),
    _between(1.0, 2.0, "heel_r"),
    _between(1.0, 2.0, "ball_r"),
)
"""What is on the floor when, the left hand carrying."""


class _Body:
    """The body at any moments."""

    def __init__(self, athlete: Athlete) -> None:
        self._athlete = athlete
        self._skeleton = Skeleton(athlete)
        keys = GetUpKeys(athlete)
        self._frames = Keyframes(self._skeleton, keys.rig, keys.all(), STAGES, STARTS)

    def __call__(
        self, moments: Moments, present: Mapping[str, FloatArray], sway: Mapping[str, FloatArray]
    ) -> Figure:
        faults = {name: amount.max(1) for name, amount in present.items() if float(amount.max()) > 0.0}
        clean = self._posed(moments, dict(sway))
        gaze = self._frames.level([stage.gaze for stage in STAGES] + [0.05], moments.progress)
        if not faults:
            return gazing(self._athlete, carried(self._athlete, clean), gaze)
        extra = dict(sway)
        if "knee_in" in faults:
            extra["knee_in_l"] = extra.get("knee_in_l", 0.0) + faults["knee_in"]
        body = clean
        if "trunk_lean" in faults:
            wanted = value("trunk_lean", clean) + faults["trunk_lean"]
            body = self._posed(moments, extra, wanted)
        elif "knee_in" in faults:
            body = self._posed(moments, extra)
        body = carried(
            self._athlete,
            body,
            faults.get("elbow_bent"),
            faults.get("bent_wrist"),
            faults.get("arm_not_vertical"),
        )
        looked = value("gaze_off", gazing(self._athlete, carried(self._athlete, clean), gaze))
        return gazing(self._athlete, body, gaze, looked + faults.get("eyes_off", 0.0))

    def _posed(
        self, moments: Moments, extra: dict[str, FloatArray], trunk_lean: FloatArray | None = None
    ) -> Figure:
        """All but the arm that carries and the head."""

        def also(rows: NDArray[np.int64], number: int) -> tuple[list[Goal], list[str]]:
            if trunk_lean is None or number < 4:
                return [], []
            return [Goal("trunk_lean", trunk_lean[rows])], ["spine_flexion"]

        body = self._frames.figure(moments, extra, also)
        which, share = self._frames.share(moments.progress)
        freed = np.where(which < 4, 0.0, np.where(which == 4, share, 1.0))
        return with_free_arm(self._athlete, body, freed)


def technique(athlete: Athlete) -> Technique:
    """Kettlebell over the shoulder all the time, eyes on it until half-kneeling (Tsatsouline 2006; NSCA)."""
    body = _Body(athlete)
    return Technique(
        rig=GetUpKeys(athlete).rig,
        controls={},
        sway={"spine_lateral": deg(0.4), "spine_flexion": deg(0.4)},
        contacts=CONTACTS,
        equipment=PressedKettlebell(athlete, LOAD),
        figure=body,
    )


TURKISH_GET_UP = Exercise(
    "turkish_get_up",
    "Turkish get-up",
    TURKISH_GET_UP_FAULTS,
    Tempo(_OUT_S, 0.8, _OUT_S, 1.5),
    technique,
    dict(CONCENTRIC_FIRST),
    sided=True,
    posture="floor",
    change_s=3.0,
    stages=tuple((stage.name, start) for stage, start in zip(STAGES, STARTS, strict=False)),
)
