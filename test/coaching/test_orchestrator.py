"""What the orchestrator says and keeps to itself, scene by scene."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from coaching_scene import BOOK, FRAME_NS, MS, Scene, make_fault

from kinecue.body.measurement import Measurement, Reason
from kinecue.coaching import CueKind, Outcome, SpeechStatus
from kinecue.coaching.facts import Change, Trend
from kinecue.exercise.results import Abstention, Phase, RepetitionStatus, Severity, Side

KNEES = BOOK.corrections["knees_out"]


def test_a_clean_set_is_silent() -> None:
    scene = Scene(summary=False)
    for _ in range(8):
        scene.repeat()
    assert scene.decisions == []


def test_a_fault_in_its_phase_is_said_with_that_frame() -> None:
    scene = Scene()
    scene.repetition = 3
    scene.frame(Phase.BOTTOM, "knees_in", side=Side.LEFT)
    [cue] = scene.cues
    assert cue.text in KNEES.say_left
    assert cue.screen_text == "Knees out"
    assert (cue.kind, cue.body_part, cue.correction) == (CueKind.CORRECTION, "knees", "knees_out")
    assert cue.fault_stamp_ns == cue.trigger_stamp_ns == cue.created_ns == scene.now
    assert cue.expires_ns == scene.now + 600 * MS
    assert cue.fault_ids == (f"squat/3/knees_in/{scene.now}",)
    assert cue.fact is not None
    assert cue.fact.change == Change.LESS
    assert cue.fact.as_dict()["measured"] == 20
    assert cue.fact.as_dict()["unit"] == "degrees"


def test_a_fault_is_held_until_its_phase() -> None:
    scene = Scene()
    scene.frame(Phase.ECCENTRIC, "knees_in")
    raised_ns = scene.now
    scene.frame(Phase.ECCENTRIC)
    assert scene.cues == []
    assert scene.reasons(Outcome.HELD) == ["waits for bottom or concentric"]
    scene.frame(Phase.BOTTOM)
    [cue] = scene.cues
    assert (cue.fault_stamp_ns, cue.trigger_stamp_ns) == (raised_ns, raised_ns + 2 * FRAME_NS)


def test_a_held_fault_is_dropped_when_its_phase_does_not_come() -> None:
    scene = Scene(hold_s=0.5)
    scene.frame(Phase.ECCENTRIC, "knees_in")
    for _ in range(14):
        scene.frame()
    scene.frame(Phase.BOTTOM)
    assert scene.cues == []
    assert scene.reasons() == ["late: its moment did not come in time"]


def test_a_held_fault_is_dropped_when_another_repetition_went_by() -> None:
    scene = Scene(hold_s=30)
    scene.repeat("too_shallow", say_in=(Phase.HOLD,))
    scene.repeat()
    assert scene.cues == []
    assert "overtaken by the next repetition" in scene.reasons()


@pytest.mark.parametrize("order", [("asymmetry", "heels_up"), ("heels_up", "asymmetry")])
def test_the_most_severe_of_a_frame_is_said_whatever_the_order(order: tuple[str, str]) -> None:
    scene = Scene()
    scene.repeat(*order)
    assert [cue.correction for cue in scene.cues] == ["heels_down"]
    assert "one correction per repetition" in scene.reasons()


def test_a_lesser_fault_does_not_take_the_place_of_a_worse_one_that_waits() -> None:
    scene = Scene()
    scene.frame(Phase.ECCENTRIC, "knees_in", "asymmetry")
    scene.frame()
    assert scene.cues == []
    scene.frame(Phase.BOTTOM)
    assert [cue.correction for cue in scene.cues] == ["knees_out"]


def test_both_sides_of_a_fault_are_one_cue() -> None:
    scene = Scene()
    scene.frame(Phase.ECCENTRIC, "knees_in", side=Side.LEFT)
    scene.frame(None, "knees_in", side=Side.RIGHT, magnitude=2.0)
    scene.frame(Phase.BOTTOM)
    [cue] = scene.cues
    assert cue.text in KNEES.say
    assert len(cue.fault_ids) == 2
    assert cue.fact is not None
    assert (cue.fact.side, cue.fact.magnitude) == (Side.BOTH, 2.0)


def test_a_fault_that_arrives_after_its_repetition_is_still_part_of_it() -> None:
    scene = Scene()
    scene.repeat("heels_up")
    scene.fault("knees_in", stamp_ns=scene.now - 1200 * MS, say_in=(), magnitude=9.0)
    scene.top()
    assert [cue.correction for cue in scene.cues] == ["heels_down"]
    assert scene.reasons() == ["one correction per repetition"]


@pytest.mark.parametrize("reported_s", [0.0, 0.1, 0.5])
def test_a_correction_at_the_top_is_the_one_of_the_coming_repetition(reported_s: float) -> None:
    """Whether the top is seen before or after the repetition is reported."""
    scene = Scene(praise=False)
    scene.frame(Phase.ECCENTRIC, "asymmetry", say_in=(Phase.TOP,))
    scene.top(reported_s)
    scene.end()
    scene.top()
    scene.repeat("heels_up")
    scene.repeat("heels_up")
    assert [(cue.correction, cue.repetition) for cue in scene.cues] == [("even_legs", 0), ("heels_down", 2)]


def test_a_held_fault_is_not_said_in_a_silent_phase_whatever_its_file_asks_for() -> None:
    scene = Scene()
    scene.frame(Phase.ECCENTRIC, "heels_up", say_in=(Phase.SETUP,))
    scene.frame(Phase.SETUP)
    assert scene.cues == []


def test_the_same_fault_is_not_nagged() -> None:
    scene = Scene(repeat_after=2)
    said = []
    for _ in range(7):
        before = len(scene.cues)
        scene.repeat("heels_up")
        said.append(len(scene.cues) - before)
    assert said == [1, 0, 1, 0, 1, 0, 1]
    assert len(set(scene.texts[:3])) == 3
    assert scene.cues[-1].fact is not None
    assert scene.cues[-1].fact.trend == Trend.SAME


def test_one_theme_until_it_is_fixed() -> None:
    scene = Scene()
    scene.repeat("heels_up")
    scene.repeat("heels_up", "asymmetry")
    assert "the theme of the set is heels_up" in scene.reasons()
    scene.repeat()
    scene.repeat("asymmetry")
    assert [(cue.kind, cue.correction) for cue in scene.cues] == [
        (CueKind.CORRECTION, "heels_down"),
        (CueKind.PRAISE, "heels_down"),
        (CueKind.CORRECTION, "even_legs"),
    ]


def test_a_worse_fault_than_the_theme_is_said() -> None:
    scene = Scene()
    scene.repeat("asymmetry")
    scene.repeat("asymmetry", "heels_up")
    assert [cue.correction for cue in scene.cues] == ["even_legs", "heels_down"]


def test_a_theme_that_cannot_be_judged_any_more_ends() -> None:
    scene = Scene(theme_release_after=2)
    scene.repeat("heels_up")
    scene.abstentions = (Abstention("heels_up", Reason.OCCLUDED),)
    scene.repeat()
    scene.repeat()
    scene.repeat("asymmetry")
    assert scene.kinds() == [CueKind.CORRECTION, CueKind.CORRECTION]
    assert scene.cues[-1].correction == "even_legs"


def test_a_correction_that_worked_is_praised_once_at_the_top() -> None:
    scene = Scene()
    scene.repeat("knees_in")
    for _ in range(3):
        scene.repeat()
    assert scene.kinds() == [CueKind.CORRECTION, CueKind.PRAISE]
    assert scene.cues[1].text in KNEES.praise
    assert scene.cues[1].repetition == 2


@pytest.mark.parametrize(
    ("abstained", "status"),
    [(True, RepetitionStatus.VALID), (False, RepetitionStatus.PARTIAL), (False, RepetitionStatus.ABANDONED)],
)
def test_what_was_not_seen_to_be_better_is_not_praised(abstained: bool, status: RepetitionStatus) -> None:
    scene = Scene()
    scene.repeat("knees_in")
    scene.abstentions = (Abstention("knees_in", Reason.VIEW),) if abstained else ()
    scene.repeat(status=status)
    assert scene.kinds() == [CueKind.CORRECTION]


def test_a_repetition_that_was_already_clean_before_the_cue_proves_nothing() -> None:
    scene = Scene()
    scene.frame(Phase.TOP, "knees_in")
    scene.repeat()
    assert scene.kinds() == [CueKind.CORRECTION]
    scene.repeat()
    assert scene.kinds() == [CueKind.CORRECTION, CueKind.PRAISE]


def test_a_fault_that_came_back_is_not_praised() -> None:
    scene = Scene()
    scene.repeat("knees_in")
    scene.repeat("knees_in")
    assert scene.kinds() == [CueKind.CORRECTION]


@pytest.mark.parametrize("status", [SpeechStatus.EXPIRED, SpeechStatus.FAILED])
def test_what_was_not_heard_counts_as_not_said(status: SpeechStatus) -> None:
    scene = Scene(mute=True)
    scene.frame(Phase.BOTTOM, "knees_in")
    scene.take(scene.coach.on_speech(scene.cues[0].id, status, scene.now))
    assert f"the speaker reports {status.name.lower()}: it counts as not said" in scene.reasons()
    scene.top()
    scene.end()
    scene.frame(Phase.BOTTOM, "knees_in")
    assert scene.kinds() == [CueKind.CORRECTION, CueKind.CORRECTION]


def test_danger_is_said_at_once_and_interrupts() -> None:
    scene = Scene()
    scene.frame(Phase.BOTTOM, "knees_in")
    scene.frame(Phase.CONCENTRIC)
    scene.fault("heels_up", severity=Severity.DANGER, say_in=(Phase.TOP,))
    assert scene.kinds() == [CueKind.CORRECTION, CueKind.DANGER]
    assert not scene.cues[0].interrupts
    assert scene.cues[1].interrupts
    assert scene.cues[1].created_ns == scene.cues[1].fault_stamp_ns


def test_a_danger_that_stays_is_repeated_and_then_ends_the_set() -> None:
    scene = Scene(danger_repeat_s=1.0, danger_stop_after=2)
    for _ in range(80):
        scene.frame(Phase.BOTTOM, "heels_up", severity=Severity.DANGER)
    assert [cue.text in BOOK.stop.say for cue in scene.cues] == [False, False, True, True]
    assert all(cue.correction == "" for cue in scene.cues[2:])
    scene.frame(Phase.BOTTOM, "knees_in")
    assert scene.reasons()[-1] == "the lifter was told to stop"


def test_a_second_danger_waits_for_the_first_warning() -> None:
    scene = Scene()
    scene.frame(Phase.BOTTOM, "heels_up", "knees_in", severity=Severity.DANGER)
    assert [cue.correction for cue in scene.cues] == ["heels_down"]
    for _ in range(20):
        scene.frame()
    assert [cue.correction for cue in scene.cues] == ["heels_down", "knees_out"]


def test_a_warning_never_contradicts_the_correction_of_the_same_repetition() -> None:
    scene = Scene(opposites=(("curl_higher", "straighten_arms"),))
    scene.frame(Phase.CONCENTRIC, "short_range_top")
    scene.frame(None, "short_range_bottom", severity=Severity.DANGER)
    assert [cue.correction for cue in scene.cues] == ["curl_higher", ""]
    assert scene.cues[1].text in BOOK.stop.say


def test_contradicting_faults_of_one_repetition_are_one_correction() -> None:
    scene = Scene()
    scene.repeat("short_range_top", "short_range_bottom")
    assert len(scene.cues) == 1


@pytest.mark.parametrize("phase", [Phase.UNKNOWN, Phase.SETUP, Phase.REST])
@pytest.mark.parametrize("severity", [Severity.RISK, Severity.DANGER])
def test_nothing_is_said_outside_a_repetition(phase: Phase, severity: Severity) -> None:
    scene = Scene()
    scene.frame(phase, "heels_up", severity=severity)
    scene.frame()
    assert scene.cues == []
    assert scene.reasons() == [f"nothing is said in phase {phase.name.lower()}"]


NO_VALUE = Measurement.abstained(Reason.OCCLUDED)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"probability": 0.6}, "probability 0.60"),
        ({"probability": math.nan}, "probability nan"),
        ({"probability": 7.0}, "probability 7.00"),
        ({"measured": NO_VALUE}, "nothing measured (occluded)"),
        ({"measured": Measurement(math.nan, 0.1)}, "nothing measured"),
        ({"measured": Measurement(1e300, 0.1)}, "out of every range"),
        ({"limit": math.inf}, "no limit"),
        ({"limit": math.nan}, "no limit"),
        ({"correction": "jump"}, "the en phrase book has no correction jump"),
        ({"correction": "say: ignore all rules"}, "malformed"),
        ({"body_part": "Bob's knees"}, "malformed"),
        ({"unit": "<rad>"}, "malformed"),
        ({"phase": 99}, "malformed"),
        ({"say_in": (42,)}, "malformed"),
        ({"stamp_ns": 5}, "late"),
        ({"stamp_ns": 2**62}, "late"),
    ],
)
@pytest.mark.parametrize("severity", [Severity.RISK, Severity.DANGER])
def test_what_cannot_be_trusted_is_dropped_with_the_reason(
    changes: dict[str, object], reason: str, severity: Severity
) -> None:
    scene = Scene()
    scene.frame(Phase.BOTTOM, "heels_up", severity=severity, **changes)
    scene.frame()
    assert scene.cues == []
    assert len(scene.reasons()) == 1
    assert reason in scene.reasons()[0]


def test_a_body_part_that_does_not_belong_to_the_correction_is_not_said() -> None:
    scene = Scene()
    scene.frame(Phase.BOTTOM, "heels_up", body_part="chest")
    assert scene.cues == []
    assert "guard: heels_down is not about chest" in scene.reasons()[0]


def test_one_cue_at_a_time_with_silence_between() -> None:
    scene = Scene(gap_s=1.5, cue_ns=1000 * MS, theme_release_after=1, counting=False)
    for name in ("asymmetry", "too_shallow", "heels_up", "asymmetry"):
        scene.repeat(name, at=Phase.ECCENTRIC)
    times = [cue.created_ns for cue in scene.cues]
    assert len(times) >= 3
    assert min(b - a for a, b in pairwise(times)) >= 2500 * MS


def test_a_speaker_that_never_reports_does_not_silence_the_coach() -> None:
    scene = Scene(mute=True, longest_cue_s=2.0)
    scene.repeat("asymmetry")
    scene.repeat("heels_up")
    assert [cue.correction for cue in scene.cues] == ["even_legs", "heels_down"]


def test_counting_is_off_by_default_and_counts_valid_repetitions() -> None:
    scene = Scene(counting=True, cue_ns=300 * MS)
    scene.repeat()
    scene.repeat(status=RepetitionStatus.PARTIAL)
    scene.repetition = 1
    scene.repeat()
    assert scene.texts == ["one", "two"]
    assert [cue.screen_text for cue in scene.cues] == ["1", "2"]


def test_a_correction_goes_before_the_count() -> None:
    scene = Scene(counting=True)
    scene.repeat("too_shallow", at=Phase.CONCENTRIC)
    assert scene.kinds() == [CueKind.CORRECTION]


def test_the_summary_holds_measured_numbers_and_what_to_work_on() -> None:
    scene = Scene(gap_s=0, summary=True)
    scene.set(active=True)
    scene.repeat("heels_up")
    scene.repeat("heels_up")
    scene.repeat(status=RepetitionStatus.PARTIAL)
    scene.phase = Phase.REST
    for _ in range(2):
        scene.set(
            active=False,
            counted=2,
            faults={"heels_up": 2},
            not_counted={RepetitionStatus.PARTIAL: 1, RepetitionStatus.SETUP: 4},
        )
    for _ in range(20):
        scene.frame(Phase.REST)
    [summary] = [cue for cue in scene.cues if cue.kind == CueKind.SUMMARY]
    start, cue = summary.text.split(" Next set: ")
    assert start == "Two repetitions. One more did not count."
    assert cue.rstrip(".") in BOOK.corrections["heels_down"].say
    assert summary.screen_text == "2 reps, 1 not counted, Next: Heels down"


def test_a_clean_set_is_silent_unless_a_summary_is_wanted() -> None:
    scene = Scene()
    scene.set(active=True)
    for _ in range(3):
        scene.repeat()
    scene.set(active=False, counted=3)
    assert scene.texts == []


def test_the_summary_of_a_clean_set() -> None:
    scene = Scene(summary=True)
    scene.set(active=True)
    for _ in range(3):
        scene.repeat()
    scene.set(active=False, counted=3)
    scene.top()
    assert scene.texts == ["Three repetitions. Nothing to correct."]


def test_a_set_that_was_not_seen_well_is_not_called_clean() -> None:
    scene = Scene(summary=True)
    scene.set(active=False, counted=3, abstained=(Abstention("heels_up", Reason.OCCLUDED),))
    scene.top()
    assert scene.texts == ["Three repetitions."]


def test_a_set_without_repetitions_has_no_summary() -> None:
    scene = Scene(summary=True)
    scene.set(active=False, not_counted={RepetitionStatus.ABANDONED: 1}, faults={"heels_up": 1})
    assert scene.cues == []
    assert scene.reasons() == ["no repetition was counted"]


def test_a_new_set_has_its_own_theme() -> None:
    scene = Scene()
    scene.set("set/1", active=True)
    scene.repeat("heels_up")
    scene.set("set/2", active=True)
    scene.repeat("heels_up")
    assert scene.kinds() == [CueKind.CORRECTION, CueKind.CORRECTION]


def test_a_request_waits_or_interrupts_but_never_a_warning() -> None:
    scene = Scene(gap_s=0)
    scene.frame(Phase.BOTTOM, "knees_in")
    scene.take(scene.coach.say("Machine four is free", scene.now))
    assert len(scene.cues) == 1
    scene.take(scene.coach.say("Closing time", scene.now, interrupt=True))
    assert scene.texts[1] == "Closing time"
    scene.frame(None, "heels_up", severity=Severity.DANGER)
    scene.take(scene.coach.say("Closing time", scene.now, interrupt=True))
    assert scene.kinds() == [CueKind.CORRECTION, CueKind.SYSTEM, CueKind.DANGER]
    scene.take(scene.coach.say(" ", scene.now))
    assert "a request has" in scene.reasons()[-1]


def test_silence_when_the_frames_stop() -> None:
    scene = Scene(hold_s=10)
    scene.frame(Phase.ECCENTRIC, "too_shallow", say_in=(Phase.TOP,))
    scene.now += 2_000 * MS
    scene.take(scene.coach.tick(scene.now))
    scene.take(scene.coach.on_fault(make_fault("heels_up", scene.now - FRAME_NS * 60, Phase.TOP), scene.now))
    assert scene.cues == []


def test_an_older_frame_is_ignored_and_a_clock_that_went_back_begins_anew() -> None:
    scene = Scene()
    scene.frame(Phase.TOP)
    newest = scene.form()
    scene.frame(Phase.BOTTOM)
    scene.take(scene.coach.on_form(newest, scene.now))
    scene.frame(None, "knees_in")
    assert len(scene.cues) == 1
    scene.now -= 500_000 * MS
    scene.frame(Phase.BOTTOM, "knees_in")
    assert len(scene.cues) == 2


def test_the_same_scene_gives_the_same_decisions() -> None:
    def play() -> list[object]:
        scene = Scene(counting=True)
        for faults in (("heels_up",), ("asymmetry", "knees_in"), (), ("too_shallow",), ()):
            scene.repeat(*faults)
        scene.set(active=False, counted=5, faults={"too_shallow": 1})
        return list(scene.decisions)

    assert play() == play()


@pytest.mark.parametrize("age_s", [5.0, -5.0, 1e6])
def test_a_frame_that_is_not_of_now_changes_nothing(age_s: float) -> None:
    """One old frame in mid-set, and the coach would forget what it said."""
    scene = Scene()
    scene.repeat("heels_up")
    stray = replace(scene.form(), stamp_ns=scene.now - round(age_s * 1e9), phase=Phase.REST, exercise="curl")
    scene.take(scene.coach.on_form(stray, scene.now))
    scene.repeat("asymmetry", "heels_up")
    assert len(scene.cues) == 1
    assert "the theme of the set is heels_up" in scene.reasons()


def test_each_decision_tells_kind_and_priority() -> None:
    scene = Scene(counting=True)
    scene.repeat("heels_up", "asymmetry")
    scene.repeat("heels_up", severity=Severity.DANGER)
    scene.repeat()
    by_kind = {decision.kind: decision.priority for decision in scene.decisions}
    assert set(by_kind) == {CueKind.CORRECTION, CueKind.DANGER, CueKind.PRAISE, CueKind.COUNT}
    assert (
        by_kind[CueKind.DANGER]
        > by_kind[CueKind.CORRECTION]
        > by_kind[CueKind.PRAISE]
        > by_kind[CueKind.COUNT]
    )
    for decision in scene.decisions:
        if decision.cue is not None:
            assert (decision.kind, decision.priority) == (decision.cue.kind, decision.cue.priority)


@pytest.mark.parametrize(
    ("name", "at", "say_in", "soonest_s", "latest_s"),
    [
        ("too_shallow", Phase.BOTTOM, Phase.TOP, 0.8, 1.2),
        ("knees_in", Phase.CONCENTRIC, Phase.BOTTOM, 2.0, 4.0),
    ],
)
def test_each_fault_waits_for_the_moment_to_act_on_it(
    name: str, at: Phase, say_in: Phase, soonest_s: float, latest_s: float
) -> None:
    """The depth of the next repetition at the top of this one; the knees at the bottom of the next one."""
    scene = Scene(praise=False)
    scene.repeat(name, at=at, say_in=(say_in,))
    scene.repeat()
    [cue] = scene.cues
    assert soonest_s < (cue.trigger_stamp_ns - cue.fault_stamp_ns) * 1e-9 < latest_s
