"""Where the load of an exercise is carried, what carries the body, and what a lifter could change about its lever."""

from __future__ import annotations

from dataclasses import dataclass

from kinecue.loads.external import FEET_ONLY, Support
from kinecue.loads.results import LoadPlace


@dataclass(frozen=True)
class Carry:
    """How the load of an exercise acts on the body.

    Attributes:
        place: of a free weight.
        support: what carries the body besides the feet.
        own_weight: done with the body's own weight unless a load is given.
        hangs: the load hangs from straight arms over the feet, so how far in front it is can be changed.
        cable: done on a cable: a free weight is not its load.
        upright: the trunk's lean is not what the exercise is about, so that less of it is a correction.
        known: the table has the exercise.
    """

    place: LoadPlace = LoadPlace.HANDS
    support: Support = FEET_ONLY
    own_weight: bool = False
    hangs: bool = False
    cable: bool = False
    upright: bool = False
    known: bool = True


_SEAT = Support(seat=True)
_BENCH = Support(seat=True, trunk=True)
_ON_HANDS = Support(hands=True)
_HANGING = Support(feet=False, hands=True)

CARRIES: dict[str, Carry] = {
    "squat": Carry(LoadPlace.BACK, upright=True),
    "front_squat": Carry(LoadPlace.FRONT, upright=True),
    "goblet_squat": Carry(upright=True),
    "good_morning": Carry(LoadPlace.BACK),
    "deadlift": Carry(hangs=True, upright=True),
    "romanian_deadlift": Carry(hangs=True),
    "kettlebell_swing": Carry(),
    "forward_lunge": Carry(own_weight=True),
    "reverse_lunge": Carry(own_weight=True),
    "side_lunge": Carry(own_weight=True),
    "biceps_curl": Carry(),
    "overhead_press": Carry(),
    "shoulder_abduction": Carry(),
    "triceps_pushdown": Carry(cable=True),
    "cable_row": Carry(cable=True, support=_SEAT),
    "lat_pulldown": Carry(cable=True, support=_SEAT),
    "cable_chest_press": Carry(cable=True, support=_BENCH),
    "sit_to_stand": Carry(own_weight=True, support=Support(seat=True)),
    "push_up": Carry(own_weight=True, support=_ON_HANDS),
    "plank": Carry(own_weight=True, support=_ON_HANDS),
    "pull_up": Carry(own_weight=True, support=_HANGING),
    "turkish_get_up": Carry(support=Support(seat=True, trunk=True, hands=True, knees=True)),
}
"""By the name of the exercise file."""

UNKNOWN = Carry(known=False)


def carry_of(exercise: str) -> Carry:
    """How the load of an exercise acts; `UNKNOWN` for one that the table lacks."""
    return CARRIES.get(exercise, UNKNOWN)
