"""Movements that turn round too early to count: said at the beginning of a set, never to somebody who is tired."""

from __future__ import annotations

from dataclasses import replace

import pytest
from coaching_scene import BOOK, MS, Scene

from kinecue.coaching import CueKind, Talk
from kinecue.exercise.results import Phase, RepetitionStatus, Severity

SHORT = RepetitionStatus.PARTIAL


def short(scene: Scene, times: int) -> Scene:
    for _ in range(times):
        scene.repeat(status=SHORT)
    return scene


def said(scene: Scene) -> list[str]:
    return [text for text in scene.texts if text in BOOK.too_short.say]


def test_it_is_said_after_the_second_in_a_row() -> None:
    scene = short(Scene(), 1)
    assert scene.cues == []
    short(scene, 1)
    (cue,) = scene.cues
    assert cue.kind == CueKind.CORRECTION
    assert cue.text == BOOK.too_short.say[0]
    assert cue.screen_text == BOOK.too_short.screen
    assert cue.reason == "2 movements in a row were too short to count"


def test_it_is_said_three_times_at_most_and_in_other_words() -> None:
    scene = short(Scene(), 20)
    assert len(said(scene)) == 3
    assert scene.texts[0] != scene.texts[1]


def test_one_that_counts_begins_the_row_anew() -> None:
    scene = Scene()
    for _ in range(4):
        short(scene, 1).repeat()
    assert said(scene) == []


def test_who_has_done_repetitions_is_tired_and_not_urged_on() -> None:
    scene = Scene()
    for _ in range(3):
        scene.repeat()
    assert said(short(scene, 6)) == []


def test_a_new_set_is_a_new_beginning() -> None:
    scene = Scene()
    scene.set("set/1", active=True)
    for _ in range(3):
        scene.repeat()
    short(scene, 4)
    scene.set("set/1", active=False, counted=3)
    scene.set("set/2", active=True)
    assert len(said(short(scene, 2))) == 1


@pytest.mark.parametrize("severity", list(Severity))
def test_not_where_something_else_is_wrong(severity: Severity) -> None:
    scene = Scene(repeat_after=100, danger_stop_after=100)
    for _ in range(6):
        scene.repeat("heels_up", severity=severity, status=SHORT)
    assert said(scene) == []


def test_what_failed_or_was_broken_off_is_not_too_short() -> None:
    scene = Scene()
    for status in (RepetitionStatus.FAILED, RepetitionStatus.ABANDONED, RepetitionStatus.SETUP) * 2:
        scene.repeat(status=status)
    assert scene.cues == []


def test_a_twitch_is_no_movement() -> None:
    """Seen in a simulated set: two movements of half a second before the first push-up, errors of the network."""
    scene = Scene()
    for _ in range(6):
        scene.frame(Phase.ECCENTRIC)
        ended = scene.ended(SHORT)
        scene.take(scene.coach.on_repetition(replace(ended, start_ns=ended.end_ns - 500 * MS), scene.now))
        scene.top()
    assert scene.cues == []


def test_nothing_else_is_corrected_in_the_movement_after_it() -> None:
    scene = short(Scene(), 2)
    scene.repeat("too_shallow")
    assert said(scene) == scene.texts
    scene.repeat("too_shallow")
    assert len(scene.cues) == 2


def test_a_danger_is_warned_of_all_the_same() -> None:
    scene = short(Scene(), 2)
    scene.frame(Phase.ECCENTRIC, "heels_up", severity=Severity.DANGER)
    assert scene.kinds() == [CueKind.CORRECTION, CueKind.DANGER]


@pytest.mark.parametrize(
    ("settings", "heard"),
    [
        ({"too_short_after": 0}, 0),
        ({"too_short_after": 3}, 1),
        ({"talk": Talk.CORRECTIONS}, 1),
        ({"talk": Talk.DANGER_ONLY}, 0),
    ],
)
def test_as_the_user_wants_it(settings: dict[str, object], heard: int) -> None:
    assert len(said(short(Scene(**settings), 3))) == heard
