"""What the coach says about effort: once, at the right moment, and nothing that it was not told surely."""

from __future__ import annotations

from dataclasses import replace

import pytest
from coaching_scene import BOOK, CONFIG, MS, Scene

from kinecue.coaching import CueKind, EffortCall, EffortNews, Outcome, SpeechStatus, load_phrase_book
from kinecue.coaching.cue import INTERRUPTING
from kinecue.exercise.results import Phase, Severity


def news(scene: Scene, call: EffortCall, probability: float = 0.9, **fields: object) -> EffortNews:
    made = EffortNews(scene.now, "a", "squat", scene.repetition, call, probability, "slowing, form")
    return replace(made, **fields)


def hear(scene: Scene, call: EffortCall, **fields: object) -> None:
    scene.take(scene.coach.on_effort(news(scene, call, **fields), scene.now))


def at_work(repetitions: int = 4, **settings: object) -> Scene:
    scene = Scene(praise=False, **settings)
    scene.top()
    for _ in range(repetitions):
        scene.repeat()
    return scene


def test_rack_it_interrupts_at_once() -> None:
    scene = at_work()
    scene.frame(Phase.CONCENTRIC)
    hear(scene, EffortCall.RACK_IT)
    (cue,) = scene.cues
    assert cue.kind == CueKind.DANGER
    assert cue.priority == INTERRUPTING
    assert cue.interrupts
    assert cue.text in BOOK.rack_it.say
    assert cue.screen_text == BOOK.rack_it.screen
    assert cue.reason == "effort: slowing, form"
    assert scene.decisions[-1].subject == "effort/rack_it"
    hear(scene, EffortCall.RACK_IT)
    assert len(scene.cues) == 1
    assert "told to stop" in scene.reasons()[-1]


def test_nothing_more_is_corrected_after_it() -> None:
    scene = at_work()
    scene.frame(Phase.CONCENTRIC)
    hear(scene, EffortCall.RACK_IT)
    scene.top(3.0)
    scene.repeat("knees_in")
    assert len(scene.cues) == 1


def test_last_one_is_said_between_repetitions_and_once() -> None:
    scene = at_work()
    scene.frame(Phase.CONCENTRIC)
    hear(scene, EffortCall.LAST_ONE)
    assert scene.cues == []
    assert scene.decisions[-1].outcome == Outcome.HELD
    scene.top(0.5)
    (cue,) = scene.cues
    assert cue.kind == CueKind.CORRECTION
    assert cue.text in BOOK.last_one.say
    assert not cue.interrupts
    for _ in range(2):
        scene.repeat()
        hear(scene, EffortCall.LAST_ONE)
        scene.top()
    assert len(scene.cues) == 1
    assert "said already in this set" in scene.reasons()


def test_last_one_goes_before_a_correction_of_the_same_moment() -> None:
    scene = at_work()
    scene.frame(Phase.BOTTOM, "heels_up", say_in=(Phase.TOP,))
    hear(scene, EffortCall.LAST_ONE)
    scene.top(0.2)
    assert scene.cues[0].text in BOOK.last_one.say


def test_last_one_is_late_when_the_lifter_does_not_come_to_the_top() -> None:
    scene = at_work()
    scene.frame(Phase.CONCENTRIC)
    hear(scene, EffortCall.LAST_ONE)
    for _ in range(80):
        scene.frame(Phase.CONCENTRIC)
    assert scene.cues == []
    assert "late: its moment did not come in time" in scene.reasons()
    # it is told again after the next repetition
    scene.top(0.2)
    hear(scene, EffortCall.LAST_ONE)
    scene.top(0.5)
    assert len(scene.cues) == 1


def test_rack_it_overtakes_last_one() -> None:
    scene = at_work()
    scene.frame(Phase.CONCENTRIC)
    hear(scene, EffortCall.LAST_ONE)
    hear(scene, EffortCall.RACK_IT)
    scene.top(3.0)
    assert [cue.text in BOOK.rack_it.say for cue in scene.cues] == [True]


def test_it_waits_for_another_warning() -> None:
    scene = at_work()
    scene.frame(Phase.CONCENTRIC, "knees_in", severity=Severity.DANGER)
    hear(scene, EffortCall.RACK_IT)
    assert len(scene.cues) == 1
    for _ in range(40):
        scene.frame(Phase.CONCENTRIC)
    assert scene.cues[-1].text in BOOK.rack_it.say


def test_what_was_not_heard_is_said_again() -> None:
    scene = at_work(mute=True)
    scene.frame(Phase.TOP)
    hear(scene, EffortCall.LAST_ONE)
    scene.take(scene.coach.on_speech(scene.cues[0].id, SpeechStatus.EXPIRED, scene.now))
    scene.top(2.0)
    hear(scene, EffortCall.LAST_ONE)
    scene.top(0.5)
    assert len(scene.cues) == 2


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"probability": 0.6}, "probability 0.60"),
        ({"probability": float("nan")}, "probability nan"),
        ({"probability": 1.5}, "probability 1.50"),
        ({"stamp_ns": 0}, "late"),
        ({"exercise": "curl"}, "another exercise"),
    ],
)
@pytest.mark.parametrize("call", [EffortCall.LAST_ONE, EffortCall.RACK_IT])
def test_what_cannot_be_trusted_is_dropped(call: EffortCall, fields: dict[str, object], reason: str) -> None:
    scene = at_work()
    scene.frame(Phase.TOP)
    hear(scene, call, **fields)
    scene.top(0.5)
    assert scene.cues == []
    assert reason in scene.reasons()[-1]


@pytest.mark.parametrize("phase", [Phase.SETUP, Phase.REST, Phase.UNKNOWN])
def test_nothing_is_said_outside_a_set(phase: Phase) -> None:
    scene = at_work()
    scene.frame(phase)
    hear(scene, EffortCall.RACK_IT)
    assert scene.cues == []


def test_no_call_is_silent() -> None:
    scene = at_work()
    hear(scene, EffortCall.NONE)
    scene.top(0.5)
    assert scene.decisions == []


def test_a_new_set_may_be_told_again() -> None:
    scene = at_work()
    scene.set("set/1", active=True)
    scene.frame(Phase.TOP)
    hear(scene, EffortCall.LAST_ONE)
    scene.top(2.0)
    scene.set("set/2", active=True)
    scene.top(0.2)
    hear(scene, EffortCall.LAST_ONE)
    scene.top(0.5)
    assert len(scene.cues) == 2


def test_a_book_without_words_keeps_silent() -> None:
    scene = Scene(book=BOOK.model_copy(update={"rack_it": None}))
    scene.top(0.2)
    hear(scene, EffortCall.RACK_IT)
    assert scene.cues == []
    assert "no words" in scene.reasons()[-1]


@pytest.mark.parametrize("path", sorted((CONFIG / "phrases").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_book_that_is_shipped_has_words_and_lists_them(path) -> None:
    book = load_phrase_book(path)
    assert book.last_one is not None and book.rack_it is not None
    assert {*book.last_one.say, *book.rack_it.say} <= set(book.cue_phrases([]))


def test_the_start_is_soon_enough_to_matter() -> None:
    scene = at_work()
    scene.frame(Phase.CONCENTRIC)
    hear(scene, EffortCall.RACK_IT)
    assert scene.cues[0].expires_ns - scene.cues[0].created_ns <= 1000 * MS
