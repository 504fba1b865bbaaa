"""The faults of an exercise before anybody made them: what a language model words ahead of the set."""

from __future__ import annotations

from kinecue.coaching.facts import Change, CueFact
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.exercise.blocks import Outside
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import Side


def nominal_facts(model: ExerciseModel, book: PhraseBook) -> tuple[CueFact, ...]:
    """A fact for each fault of the exercise that `book` has words for, the most severe first, the sided ones last.

    They hold nothing measured: what is worded for them must do for every measurement, so it has no number.
    """
    sided = []
    for name, rule in model.faults.items():
        entry = book.corrections.get(rule.correction)
        if entry is not None:
            own = {Side.BOTH: entry.say, Side.LEFT: entry.say_left, Side.RIGHT: entry.say_right}
            sided += [(side, name, rule) for side, phrases in own.items() if phrases]
    facts = [
        CueFact(
            exercise=model.name,
            fault=name,
            correction=rule.correction,
            body_part=rule.body_part,
            feature=rule.feature,
            phase=rule.phases[0],
            side=side,
            repetition=0,
            measured=0.0,
            std=0.0,
            limit=0.0,
            unit="1",
            change=Change.MORE if rule.outside == Outside.BELOW else Change.LESS,
            severity=rule.severity,
            magnitude=0.0,
        )
        for side, name, rule in sided
    ]
    return tuple(sorted(facts, key=lambda fact: (fact.side != Side.BOTH, -fact.severity)))
