"""All exercises by name."""

from __future__ import annotations

from kinecue.body.errors import KineCueError
from kinecue.simulation.exercises.biceps_curl import BICEPS_CURL
from kinecue.simulation.exercises.cable_chest_press import CABLE_CHEST_PRESS
from kinecue.simulation.exercises.cable_row import CABLE_ROW
from kinecue.simulation.exercises.deadlift import DEADLIFT
from kinecue.simulation.exercises.front_squat import FRONT_SQUAT
from kinecue.simulation.exercises.goblet_squat import GOBLET_SQUAT
from kinecue.simulation.exercises.good_morning import GOOD_MORNING
from kinecue.simulation.exercises.kettlebell_swing import KETTLEBELL_SWING
from kinecue.simulation.exercises.lat_pulldown import LAT_PULLDOWN
from kinecue.simulation.exercises.lunge import FORWARD_LUNGE, REVERSE_LUNGE
from kinecue.simulation.exercises.overhead_press import OVERHEAD_PRESS
from kinecue.simulation.exercises.plank import PLANK
from kinecue.simulation.exercises.pull_up import PULL_UP
from kinecue.simulation.exercises.push_up import PUSH_UP
from kinecue.simulation.exercises.romanian_deadlift import ROMANIAN_DEADLIFT
from kinecue.simulation.exercises.shoulder_abduction import SHOULDER_ABDUCTION
from kinecue.simulation.exercises.side_lunge import SIDE_LUNGE
from kinecue.simulation.exercises.sit_to_stand import SIT_TO_STAND
from kinecue.simulation.exercises.squat import SQUAT
from kinecue.simulation.exercises.triceps_pushdown import TRICEPS_PUSHDOWN
from kinecue.simulation.exercises.turkish_get_up import TURKISH_GET_UP
from kinecue.simulation.movement.technique import Exercise

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        SQUAT,
        GOBLET_SQUAT,
        FRONT_SQUAT,
        DEADLIFT,
        ROMANIAN_DEADLIFT,
        GOOD_MORNING,
        FORWARD_LUNGE,
        REVERSE_LUNGE,
        SIDE_LUNGE,
        SIT_TO_STAND,
        KETTLEBELL_SWING,
        OVERHEAD_PRESS,
        BICEPS_CURL,
        TRICEPS_PUSHDOWN,
        SHOULDER_ABDUCTION,
        CABLE_ROW,
        LAT_PULLDOWN,
        CABLE_CHEST_PRESS,
        PUSH_UP,
        PULL_UP,
        PLANK,
        TURKISH_GET_UP,
    )
}


def exercise_named(name: str) -> Exercise:
    """The exercise of that name.

    Raises:
        KineCueError: there is none; the message lists those that there are.
    """
    if name not in EXERCISES:
        raise KineCueError(f"exercise must be one of {', '.join(sorted(EXERCISES))}, got {name!r}")
    return EXERCISES[name]
