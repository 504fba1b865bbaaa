"""A load on the spine is a danger like any other: it interrupts, repeats, ends in a stop, and passes the guard."""

from __future__ import annotations

import pytest
from coaching_scene import BOOK, Scene, make_fault

from kinecue.body.measurement import Measurement
from kinecue.coaching import CueKind, Guard
from kinecue.coaching.facts import fact_from, shown, why_unusable
from kinecue.exercise.results import Fault, Phase, Severity, Side
from kinecue.loads.danger import CORRECTIONS, Posture


def of(posture: Posture = Posture.REACH) -> dict[str, object]:
    """What a danger differs in from another fault."""
    correction, part = CORRECTIONS[posture]
    return {
        "name": posture.value,
        "severity": Severity.DANGER,
        "feature": "l5s1_compression",
        "measured": Measurement(9_400.0, 1_200.0),
        "limit": 6_400.0,
        "unit": "N",
        "correction": correction,
        "body_part": part,
        "say_in": (),
        "side": Side.NONE,
    }


def danger(posture: Posture = Posture.REACH, **changes: object) -> Fault:
    return make_fault("heels_up", 10**9, Phase.CONCENTRIC, 1, **{**of(posture), **changes})


@pytest.mark.parametrize("posture", list(Posture))
def test_the_book_has_words_that_pass(posture):
    fault = danger(posture)
    assert why_unusable(fault) == ""
    fact = fact_from(fault)
    assert Guard(BOOK).book_problems([fact]) == []
    assert fact.as_dict()["unit"] == "newtons"
    assert fact.numbers == {9_400, 6_400}


@pytest.mark.parametrize(("unit", "name"), [("N", "newtons"), ("N m", "newton metres")])
def test_units_of_loads(unit, name):
    assert shown(1234.6, unit) == (1235, name)
    assert why_unusable(danger(unit=unit)) == ""


@pytest.mark.parametrize("unit", ["n ", "NN", "N  m", "kN m", "", "N\n"])
def test_other_units_are_refused(unit):
    assert why_unusable(danger(unit=unit)) != ""


def test_is_said_at_once_and_ends_in_a_stop():
    scene = Scene()
    for _ in range(5):
        scene.repeat("heels_up", at=Phase.CONCENTRIC, **of())
        # a danger that stays is not repeated within three seconds
        scene.top(1.0)
    assert set(scene.kinds()) == {CueKind.DANGER}
    assert "hands" in scene.texts[0]
    assert scene.texts[3] in BOOK.stop.say


def test_silence_of_the_loads_is_no_praise():
    """That no load was raised does not prove that one was measured: a hidden hand would be praised."""
    scene = Scene()
    scene.repeat("heels_up", at=Phase.CONCENTRIC, **of())
    for _ in range(3):
        scene.repeat()
    assert scene.kinds() == [CueKind.DANGER]
