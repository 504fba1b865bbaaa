"""A recorded set is coached again: the same set, settings and voice give the same transcript, and time is time."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise

import pytest
from coaching_scene import BOOK, MS, make_fault
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded_scene import REPETITION_S, START_NS, ended, form, recorded_set

from kinecue.body.errors import ConfigError
from kinecue.coaching import (
    CoachingSettings,
    CueKind,
    EffortCall,
    EffortNews,
    LoadCall,
    LoadNews,
    Orchestrator,
    Outcome,
    SpeechStatus,
)
from kinecue.coaching.recorded import MachineReading, Recorded
from kinecue.coaching.recorded_file import from_document, to_document, write_set
from kinecue.coaching.replay import Replay, ReplaySpeaker, estimated_duration, replay
from kinecue.coaching.transcript import transcript
from kinecue.exercise.results import Phase, Severity

NEWS = EffortNews(START_NS + 9_000 * MS, "a", "squat", 3, EffortCall.RACK_IT, 0.95, "slow and bent")


def coached(recorded, duration_s=lambda text: 1.0, **changes):
    coach = Orchestrator(BOOK, CoachingSettings(**changes))
    return replay(recorded, coach, ReplaySpeaker(duration_s))


def heard(played):
    return [
        (u.cue.kind, u.cue.correction) for u in played.speaker.utterances if u.status == SpeechStatus.FINISHED
    ]


def test_a_set_is_coached_as_it_would_have_been():
    played = coached(recorded_set({2: ["knees_in"], 4: ["too_shallow"]}))
    assert heard(played) == [
        (CueKind.CORRECTION, "knees_out"),
        (CueKind.PRAISE, "knees_out"),
        (CueKind.CORRECTION, "deeper"),
        (CueKind.PRAISE, "deeper"),
    ]
    first = played.speaker.utterances[0]
    # raised at the bottom of the second repetition, 80 ms later with the coach, 30 ms later in the ear
    bottom_ns = START_NS + 20 * 50 * MS + round(REPETITION_S * 1e9) + 14 * 50 * MS
    assert first.cue.fault_stamp_ns == bottom_ns
    assert first.started_ns - bottom_ns == pytest.approx(110 * MS, abs=60 * MS)
    assert first.ended_ns - first.started_ns == 1000 * MS


def test_other_settings_give_another_set():
    recorded = recorded_set({2: ["knees_in"]})
    assert heard(coached(recorded, talk="danger_only")) == []
    assert heard(coached(recorded, praise=False)) == [(CueKind.CORRECTION, "knees_out")]
    counted = coached(recorded, counting=True, duration_s=lambda text: 0.3)
    numbers = [u.cue.text for u in counted.speaker.utterances if u.cue.kind == CueKind.COUNT and u.started_ns]
    assert numbers == ["one", "two", "three", "four", "five"]


def test_numbers_follow_closely_on_what_is_said():
    """The three is said although the correction before it has just ended."""
    recorded = recorded_set({3: ["knees_in"]}, repetitions=3)
    played = coached(recorded, counting=True, duration_s=lambda text: 0.7)
    said = [u.cue.text for u in played.speaker.utterances if u.started_ns]
    assert said == ["one", "two", "Push your knees out", "three"]


def test_a_correction_waits_for_the_phase_of_its_own_frame():
    """A fault that shows only when the lifter goes down again is not said while they go down."""
    coach = Orchestrator(BOOK, CoachingSettings())
    played = Replay(coach)
    at = START_NS
    for phase in (Phase.TOP, Phase.CONCENTRIC):
        played.play(Recorded(at + 80 * MS, form(at, phase, 1)))
        at += 50 * MS
    fault = make_fault("too_shallow", at, Phase.ECCENTRIC, 1, say_in=(Phase.CONCENTRIC, Phase.TOP))
    for what in (fault, ended(1, at - 1000 * MS, at), form(at, Phase.ECCENTRIC, 2)):
        played.play(Recorded(at + 80 * MS, what))
    played.advance(at + 300 * MS)
    assert not [one for one in played.decisions if one.cue]
    at += 300 * MS
    played.play(Recorded(at + 80 * MS, form(at, Phase.CONCENTRIC, 2)))
    assert [one.cue.correction for one in played.decisions if one.cue] == ["deeper"]


def test_a_warning_interrupts_and_the_rest_is_not_played():
    recorded = recorded_set({2: ["knees_in"]})
    bottom = next(e.what.stamp_ns for e in recorded.events if e.what.__class__.__name__ == "Fault")
    stamp = bottom + 300 * MS
    danger = make_fault("heels_up", stamp, Phase.CONCENTRIC, 2, severity=Severity.DANGER)
    events = sorted([*recorded.events, Recorded(stamp + 80 * MS, danger)], key=lambda event: event.at_ns)
    played = coached(replace(recorded, events=tuple(events)), duration_s=lambda text: 2.0)
    first, second = played.speaker.utterances[:2]
    assert (first.cue.correction, first.status) == ("knees_out", SpeechStatus.INTERRUPTED)
    assert (second.cue.kind, second.status) == (CueKind.DANGER, SpeechStatus.FINISHED)
    assert first.ended_ns == second.started_ns
    told = transcript(recorded, played, "en")
    cut = next(line for line in told.said if line.details["status"] == "interrupted")
    assert "cut off" in told.text().splitlines()[[*told.lines].index(cut) - _hidden(told, cut)]


def _hidden(told, until):
    before = told.lines[: told.lines.index(until)]
    return sum(line.event in ("held", "dropped") for line in before)


def test_effort_and_advice_on_the_load_reach_the_coach():
    recorded = recorded_set(extra=[(9.08, NEWS), (11.0, LoadNews("squat-1", LoadCall.LIGHTER, 60.0))])
    played = coached(recorded, summary=True)
    assert [u.cue.kind for u in played.speaker.utterances if u.started_ns] == [
        CueKind.DANGER,
        CueKind.SUMMARY,
    ]
    told = transcript(recorded, played, "en")
    assert {"effort", "load"} <= {line.event for line in told.lines}
    assert "effort calls for: rack_it" in told.text()


def test_a_fault_of_the_machine_is_said_once():
    readings = [(t, MachineReading(True)) for t in (3.0, 3.3, 3.6, 3.9, 6.0, 8.0)]
    played = coached(recorded_set(extra=readings))
    assert [u.cue.kind for u in played.speaker.utterances if u.started_ns] == [CueKind.SYSTEM]


def test_a_cue_that_cannot_start_in_time_is_not_heard():
    speaker = ReplaySpeaker(lambda text: 1.0, latency_s=2.0)
    played = replay(recorded_set({2: ["knees_in"]}), Orchestrator(BOOK, CoachingSettings()), speaker)
    assert {u.status for u in speaker.utterances} == {SpeechStatus.EXPIRED}
    told = transcript(recorded_set(), played, "en")
    assert not told.said
    assert "expired" in {line.reason for line in told.lines if line.event == "not said"}


def test_a_transcript_says_when_what_and_why():
    recorded = recorded_set({2: ["knees_in"]}, repetitions=3)
    told = transcript(recorded, coached(recorded), "en")
    assert [line.time_s for line in told.lines] == sorted(line.time_s for line in told.lines)
    document = json.loads(json.dumps(told.as_dict(), allow_nan=False))
    said = next(line for line in document["lines"] if line["event"] == "said")
    assert said["words"] == "Push your knees out" and said["kind"] == "correction"
    assert said["reason"] == "knees_in in repetition 2"
    assert said["after_fault_s"] == pytest.approx(0.11, abs=0.06)
    assert said["fact"]["correction"] == "knees_out"
    assert "COACH  “Push your knees out”" in told.text()
    assert "held: " not in told.text() and "held: " in told.text(everything=True)


def test_the_same_set_gives_the_same_transcript():
    recorded = recorded_set({2: ["knees_in"], 3: ["knees_in", "heels_up"]})
    once, again = (transcript(recorded, coached(recorded), "en").as_dict() for _ in range(2))
    assert once == again


def test_durations_are_plausible():
    """Piper says "Push your knees outward on the way up" in 1.9 s."""
    assert estimated_duration("Push your knees outward on the way up") == pytest.approx(1.9, rel=0.2)
    assert estimated_duration("one") < 0.6


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.integers(1, 5), st.lists(st.sampled_from(["knees_in", "heels_up", "too_shallow"]), max_size=3)
    ),
    st.floats(0.05, 6.0),
    st.sampled_from([Severity.RISK, Severity.DANGER]),
)
def test_whatever_was_recorded_one_thing_is_said_at_a_time(faults, duration, severity):
    played = coached(recorded_set(faults, severity=severity), duration_s=lambda text: duration, counting=True)
    spoken = [u for u in played.speaker.utterances if u.started_ns]
    for before, after in pairwise(spoken):
        assert after.started_ns >= before.ended_ns
    for utterance in spoken:
        assert utterance.started_ns <= utterance.cue.expires_ns
        length = (utterance.ended_ns - utterance.started_ns) * 1e-9
        cut = utterance.status == SpeechStatus.INTERRUPTED
        assert length <= duration + 1e-6 and (cut or length == pytest.approx(duration, abs=1e-6))
    ids = [one.cue.id for one in played.decisions if one.outcome == Outcome.SPOKEN]
    assert ids == [u.cue.id for u in sorted(played.speaker.utterances, key=lambda u: u.cue.created_ns)]


def test_a_set_survives_its_file(tmp_path):
    recorded = recorded_set(
        {2: ["knees_in"]}, extra=[(9.08, NEWS), (9.2, LoadNews("s", None)), (3.0, MachineReading(True))]
    )
    path = tmp_path / "set.json"
    write_set(recorded, path)
    again = from_document(json.loads(path.read_text()), path)
    assert repr(again) == repr(recorded)  # NaN is not equal to itself
    assert transcript(again, coached(again), "en") == transcript(recorded, coached(recorded), "en")


def _wrong(change):
    document = to_document(recorded_set({1: ["knees_in"]}, repetitions=1))
    change(document)
    return document


def _event(document, kind):
    return next(event for event in document["events"] if kind in event)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d.update(version=9), "version"),
        (lambda d: d.pop("exercise"), "exercise"),
        (lambda d: d.update(events=[]), "events"),
        (lambda d: d["events"][3].update(at_ns=0), "before"),
        (lambda d: d["events"][0].update(nonsense={}) or d["events"][0].pop("form"), "events[0]"),
        (lambda d: _event(d, "fault")["fault"].update(severity="terrible"), "risk"),
        (lambda d: _event(d, "fault")["fault"].update(surprise=1), "surprise"),
        (lambda d: _event(d, "fault")["fault"].update(probability="high"), "probability"),
        (lambda d: _event(d, "fault")["fault"].pop("limit"), "limit"),
        (lambda d: _event(d, "repetition")["repetition"].update(number=True), "number"),
        (lambda d: _event(d, "set")["set"].update(faults=[]), "faults"),
    ],
)
def test_a_wrong_file_names_the_field(change, named):
    with pytest.raises(ConfigError, match=r"set\.json") as caught:
        from_document(_wrong(change), "set.json")
    assert named in str(caught.value)


def test_numbers_that_are_not_known_are_null():
    text = json.dumps(to_document(recorded_set(repetitions=1)), allow_nan=False)
    rows = [event["repetition"] for event in json.loads(text)["events"] if "repetition" in event]
    assert rows[0]["d_concentric"] is None and math.isnan(ended(1, 0, 1).d_concentric)
