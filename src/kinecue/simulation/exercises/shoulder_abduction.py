"""The standing shoulder abduction (lateral raise) with a dumbbell in each hand."""

from __future__ import annotations

from functools import lru_cache

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.floor_common import natural, started_well
from kinecue.simulation.exercises.upper_body import STAND_BY, UPRIGHT_SWAY, standing, standing_goals
from kinecue.simulation.gear.free_weights import Dumbbells
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, Course, Exercise, Technique, Value

ABDUCTION_FAULTS = {
    "shrugged": FaultKind("m", 0.045, "shoulders pulled up towards the ears", "shrug", sided=True),
    "swing": FaultKind(
        "rad", deg(22.0), "backward lean of the trunk on the way up", "trunk_lean", -1.0, when="out"
    ),
    "trunk_lateral": FaultKind(
        "rad", deg(20.0), "lean of the trunk to the left with the arms up", "trunk_lateral_lean"
    ),
    "bent_elbows": FaultKind(
        "rad", deg(70.0), "elbow flexion, beyond the soft elbows of good form", "elbow_flexion", sided=True
    ),
    "over_height": FaultKind(
        "rad", deg(45.0), "upper arms over the height of the shoulders", "shoulder_abduction"
    ),
    "short_range": FaultKind(
        "rad", deg(50.0), "abduction that is missing at the top", "shoulder_abduction", -1.0, TURN_RANGE
    ),
    "uneven": FaultKind(
        "rad", deg(40.0), "left abduction minus right", "abduction_asymmetry",
        targets={"shoulder_abduction_left": 0.5, "shoulder_abduction_right": -0.5},
    ),
    "too_fast_down": FaultKind(
        "1", 0.7, "share missing from the time of the way down", way=TEMPO, stage="back"
    ),
}  # fmt: skip

HANGING = deg(13.0)
"""Abduction with the dumbbells beside the thighs."""
SHOULDER_HEIGHT = deg(88.0)
"""Upper arms about level with the floor (NSCA, Exercise Technique Manual, lateral shoulder raise)."""
LOAD = 0.05
"""Mass of each dumbbell over that of the body: a set of ten to fifteen (engineering judgement)."""


@lru_cache(maxsize=32)
def technique(athlete: Athlete) -> Technique:
    """Upright, elbows slightly bent, upper arms out to the sides up to the height of the shoulders, palms down."""
    scale = athlete.scale
    rig = Rig.both(ArmRig("free"))
    abduction = Course({0.0: HANGING, 1.0: SHOULDER_HEIGHT})
    elbow = Course({0.0: deg(14.0), 1.0: deg(12.0)})
    stand = standing_goals(athlete, knee=deg(5.0), lean=deg(1.0))
    controls: dict[str, Value] = {
        **standing(athlete),
        "foot_out": 0.14 * scale,
        "shoulder_abduction": abduction,
        "shoulder_flexion": deg(4.0),
        "elbow_flexion": elbow,
        "supination": Course({0.0: deg(10.0), 1.0: deg(0.0)}),
        "grip": 1.0,
    }
    arms = {f"{name}_{side}": course for name, course in (("shoulder_abduction", abduction), ("elbow_flexion", elbow))
            for side in ("left", "right")}  # fmt: skip
    arm_controls = ("shoulder_abduction", "elbow_flexion")
    result = Technique(
        rig=rig,
        controls=controls,
        goals={**stand, **arms, "trunk_lateral_lean": 0.0},
        by=(*STAND_BY, "spine_lateral", *(f"{name}_{side}" for name in arm_controls for side in "lr")),
        sway={**UPRIGHT_SWAY, "trunk_lateral_lean": deg(0.3)},
        equipment=Dumbbells(athlete, LOAD),
    )
    started_well(athlete, result)
    shrug = natural(athlete, result, "shrug")
    result.goals.update(shrug_left=shrug, shrug_right=shrug)
    result.by = (*result.by, "shrug_l", "shrug_r")
    return result


SHOULDER_ABDUCTION = Exercise(
    "shoulder_abduction", "Shoulder abduction", ABDUCTION_FAULTS, Tempo(1.30, 0.25, 1.60, 0.40), technique,
    dict(CONCENTRIC_FIRST),
)  # fmt: skip
