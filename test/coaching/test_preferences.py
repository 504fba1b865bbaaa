"""What the user prefers to hear: everything, corrections, warnings alone; numbers, encouragement, silence."""

from __future__ import annotations

import pytest
from coaching_scene import BOOK, CONFIG, MS, Scene

from kinecue.body.errors import ConfigError
from kinecue.coaching import CoachingSettings, CueKind, Outcome, SpeechStatus, Talk, load_settings
from kinecue.exercise.results import Phase, RepetitionStatus, Severity

ALL = {"counting": True, "encouragement": True, "summary": True, "cue_ns": 300 * MS}


def a_set(scene: Scene) -> Scene:
    """Faults, a danger, corrections that work, quiet repetitions, and a machine with a fault."""
    scene.set(active=True)
    scene.repeat("heels_up")
    for _ in range(4):
        scene.repeat()
    scene.repeat("knees_in", severity=Severity.DANGER)
    for _ in range(2):
        scene.repeat()
    scene.set(active=False, counted=8, faults={"heels_up": 1, "knees_in": 1})
    scene.top(2.0)
    return scene


def test_everything_that_is_switched_on_is_heard() -> None:
    kinds = a_set(Scene(**ALL)).kinds()
    assert set(kinds) == {
        CueKind.CORRECTION,
        CueKind.DANGER,
        CueKind.PRAISE,
        CueKind.COUNT,
        CueKind.ENCOURAGEMENT,
        CueKind.SUMMARY,
    }


def test_corrections_alone() -> None:
    scene = a_set(Scene(**ALL, talk="corrections"))
    assert set(scene.kinds()) == {CueKind.CORRECTION, CueKind.DANGER}
    assert "not wanted: talk is corrections" in scene.reasons()


def test_warnings_alone() -> None:
    scene = a_set(Scene(**ALL, talk="danger_only"))
    assert scene.kinds() == [CueKind.DANGER]
    assert scene.reasons().count("not wanted: talk is danger_only") >= 2


def test_what_was_asked_for_is_heard_at_every_level() -> None:
    for talk in Talk:
        scene = a_set(Scene(talk=talk, gap_s=0))
        scene.take(scene.coach.say("Closing time", scene.now))
        scene.top(4.0)
        scene.take(list(scene.coach.ask("", scene.now, speak=True).decisions))
        assert scene.kinds()[-2:] == [CueKind.SYSTEM, CueKind.SYSTEM]


def test_a_change_holds_at_once_for_what_waits() -> None:
    scene = Scene()
    scene.frame(Phase.ECCENTRIC, "knees_in")
    scene.coach.prefer(talk="danger_only")
    scene.frame(Phase.BOTTOM)
    assert scene.cues == []
    assert scene.reasons() == ["not wanted: talk is danger_only"]
    scene.coach.prefer(talk="full")
    scene.repeat("knees_in")
    assert scene.kinds() == [CueKind.CORRECTION]


def test_a_change_forgets_nothing_of_the_set() -> None:
    scene = Scene()
    scene.repeat("heels_up")
    scene.coach.prefer(counting=True)
    scene.repeat("asymmetry", "heels_up")
    assert "the theme of the set is heels_up" in scene.reasons()


@pytest.mark.parametrize(("field", "value"), [("talk", "loud"), ("counting", "often"), ("volume", 1)])
def test_a_wrong_preference_is_told_and_changes_nothing(field: str, value: object) -> None:
    scene = Scene()
    with pytest.raises(ConfigError, match=field):
        scene.coach.prefer(**{field: value})
    assert scene.coach.settings == CoachingSettings()


def test_the_shipped_file_has_every_default() -> None:
    assert load_settings(CONFIG / "coaching.yaml").model_copy(update={"opposites": ()}) == CoachingSettings()


def test_numbers_are_said_though_the_next_repetition_has_begun() -> None:
    """Who lifts without a pause is at the top for a frame or two."""
    scene = Scene(counting=True, cue_ns=300 * MS)
    for _ in range(3):
        scene.repetition += 1
        for phase in (Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC):
            for _ in range(12):
                scene.frame(phase)
        scene.phase = Phase.ECCENTRIC
        scene.end()
        scene.frame()
    assert scene.texts == ["one", "two", "three"]


def test_a_late_number_is_not_said() -> None:
    scene = Scene(counting=True, cue_ns=2000 * MS)
    scene.repeat("too_shallow", at=Phase.CONCENTRIC)
    assert scene.kinds() == [CueKind.CORRECTION]
    [number] = [
        one for one in scene.decisions if one.kind == CueKind.COUNT and one.outcome == Outcome.DROPPED
    ]
    assert number.reason == "late: its moment did not come in time"


def test_encouragement_comes_after_repetitions_in_silence() -> None:
    scene = Scene(encouragement=True, encourage_after=3)
    for _ in range(7):
        scene.repeat()
    assert scene.kinds() == [CueKind.ENCOURAGEMENT, CueKind.ENCOURAGEMENT]
    assert [cue.repetition for cue in scene.cues] == [3, 6]
    assert set(scene.texts) <= set(BOOK.encourage.say)
    assert scene.texts[0] != scene.texts[1]
    assert scene.cues[0].screen_text == BOOK.encourage.screen


def test_numbers_are_no_break_of_the_silence_and_go_first() -> None:
    scene = Scene(encouragement=True, counting=True, encourage_after=2, cue_ns=300 * MS)
    for _ in range(2):
        scene.repeat()
    assert scene.kinds() == [CueKind.COUNT, CueKind.COUNT, CueKind.ENCOURAGEMENT]


def test_a_number_and_what_is_said_beside_it_are_two_things_to_the_ear() -> None:
    """Closer than other cues, but not without a silence between them."""
    scene = Scene(counting=True, encouragement=True, encourage_after=1, cue_ns=300 * MS, gap_s=1.0)
    scene.repeat()
    number, other = scene.cues
    silence_s = (other.created_ns - number.created_ns) * 1e-9 - 0.3
    assert 0.15 <= silence_s < 0.3


@pytest.mark.parametrize("severity", [Severity.RISK, Severity.DANGER])
def test_nobody_is_encouraged_to_go_on_with_a_risk(severity: Severity) -> None:
    scene = Scene(encouragement=True, encourage_after=1, repeat_after=100)
    for _ in range(6):
        scene.repeat("heels_up", severity=severity)
    assert CueKind.ENCOURAGEMENT not in scene.kinds()


def test_a_fault_that_was_not_told_counts_as_a_risk() -> None:
    """The repetition knows of a fault that the coach never heard of, or could not trust."""
    scene = Scene(encouragement=True, encourage_after=1)
    scene.repeat("heels_up", severity=Severity.RISK, probability=0.5)
    assert scene.cues == []


@pytest.mark.parametrize("status", [RepetitionStatus.PARTIAL, RepetitionStatus.FAILED])
def test_a_movement_that_did_not_count_is_not_encouraged(status: RepetitionStatus) -> None:
    scene = Scene(encouragement=True, encourage_after=1)
    scene.repeat(status=status)
    assert scene.cues == []


def test_what_was_not_heard_is_no_encouragement_twice() -> None:
    scene = Scene(encouragement=True, encourage_after=2, mute=True)
    scene.repeat()
    scene.repeat()
    [cue] = scene.cues
    scene.take(scene.coach.on_speech(cue.id, SpeechStatus.EXPIRED, scene.now))
    scene.top(3.0)
    assert len(scene.cues) == 1
