"""What is handed out, sample for sample, on a clock that passes when told."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech_fakes import MS, RATE, EventLog, FakeClock, tone

from kinecue.speech.player import LONGEST_QUEUE, Player, SpeechState
from kinecue.speech.sinks import NS, ManualSink

BLOCK = RATE // 100
FADE = round(0.008 * RATE)


class Tape:
    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []

    def write(self, samples: np.ndarray, start_ns: int) -> None:
        self.blocks.append(samples)

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate(self.blocks)


class Rig:
    """A player whose blocks of 10 ms are pulled by hand."""

    def __init__(self) -> None:
        self.clock, self.sink, self.log, self.tape = FakeClock(), ManualSink(), EventLog(), Tape()
        self.player = Player(self.sink, RATE, on_event=self.log, taps=(self.tape,), clock=self.clock)

    def run(self, seconds: float) -> np.ndarray:
        """Pull block after block; returns what was handed out."""
        blocks = []
        for _ in range(round(seconds * 100)):
            blocks.append(self.sink.pull(BLOCK, self.clock.now_ns))
            self.clock.now_ns += 10 * MS
        assert self.player.wait_told()
        return np.concatenate(blocks)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.player.close()


def test_silence_until_something_is_played(rig: Rig) -> None:
    assert not rig.run(0.1).any()
    assert rig.log.events == []


def test_an_utterance_is_handed_out_whole_and_reported(rig: Rig) -> None:
    rig.run(0.05)
    asked = rig.clock.now_ns
    rig.player.play(tone(0.1, 5000), "c1", requested_ns=asked - 3 * MS)
    out = rig.run(0.2)
    np.testing.assert_array_equal(out[: RATE // 10], 5000)
    assert not out[RATE // 10 :].any()
    assert rig.log.states("c1") == [SpeechState.QUEUED, SpeechState.STARTED, SpeechState.FINISHED]
    started = rig.log.one("c1", SpeechState.STARTED)
    assert started.stamp_ns == asked
    assert started.waited_s == pytest.approx(0.003)
    assert started.sample_index == round(0.05 * RATE)
    assert started.duration_s == pytest.approx(0.1)
    assert rig.tape.samples[started.sample_index] == 5000
    assert rig.tape.samples[started.sample_index - 1] == 0


def test_it_starts_where_in_the_block_it_was_asked_for(rig: Rig) -> None:
    """A sink that catches up asks for blocks of the past: nothing may be said before its time."""
    rig.run(0.05)
    late_by = 30 * MS
    rig.clock.now_ns += late_by
    rig.player.play(tone(0.05, 5000), "c1")
    blocks = [rig.sink.pull(BLOCK, rig.clock.now_ns - late_by + k * 10 * MS) for k in range(5)]
    spoken = np.flatnonzero(np.concatenate(blocks))
    assert spoken[0] == 3 * BLOCK
    assert rig.player.zero_ns is not None
    assert rig.player.wait_told()
    started = rig.log.one("c1", SpeechState.STARTED)
    assert started.sample_index == round((started.stamp_ns - rig.player.zero_ns) * RATE / NS)


def test_the_next_one_waits_and_a_pause_is_kept(rig: Rig) -> None:
    rig.player.play(tone(0.1, 5000, "one"), "c1")
    rig.player.play(tone(0.1, 6000, "two"), "c2")
    out = rig.run(1.0)
    assert (out == 5000).sum() == (out == 6000).sum() == RATE // 10
    gap = np.flatnonzero(out == 6000)[0] - np.flatnonzero(out == 5000)[-1] - 1
    assert gap == RATE // 2
    assert [e.cue_id for e in rig.log.events if e.state is SpeechState.FINISHED] == ["c1", "c2"]


@pytest.mark.parametrize("later_s", [0.0, 0.01, 0.2])
def test_what_is_asked_for_after_the_end_begins_at_once(rig: Rig, later_s: float) -> None:
    """When, is for whoever asks to decide: a pause of our own would make a cue late."""
    rig.player.play(tone(0.1, 5000, "one"), "c1")
    rig.run(0.1 + later_s)
    rig.player.play(tone(0.1, 6000, "two"), "c2")
    assert rig.run(0.2)[0] == 6000


def test_the_first_one_of_a_session_waits_for_nothing(rig: Rig) -> None:
    rig.player.play(tone(0.1, 5000), "c1")
    rig.clock.now_ns += 300 * MS
    assert rig.run(0.2)[0] == 5000


def test_an_urgent_one_cuts_in_at_once(rig: Rig) -> None:
    rig.player.play(tone(1.0, 5000), "long")
    rig.run(0.1)
    rig.player.play(tone(0.1, 9000, "stop"), "urgent", interrupt=True, urgency=3)
    out = rig.run(0.3)
    assert out[0] == 9000 + 5000
    assert (np.diff(out[:FADE].astype(int)) <= 0).all()
    np.testing.assert_array_equal(out[FADE : RATE // 10], 9000)
    assert not out[RATE // 10 :].any()
    assert rig.log.states("long")[-1] is SpeechState.INTERRUPTED
    assert rig.log.one("long", SpeechState.INTERRUPTED).detail == "by 'stop'"
    assert rig.log.states("urgent")[-1] is SpeechState.FINISHED


def test_something_more_urgent_is_not_cut(rig: Rig) -> None:
    rig.player.play(tone(0.2, 9000), "danger", interrupt=True, urgency=3)
    rig.run(0.05)
    rig.player.play(tone(0.1, 5000), "urgent", interrupt=True, urgency=2)
    out = rig.run(0.4)
    assert (out == 9000).sum() == round(0.15 * RATE)
    assert rig.log.states("danger")[-1] is SpeechState.FINISHED
    assert rig.log.states("urgent")[-1] is SpeechState.FINISHED


def test_of_two_urgent_ones_in_one_block_the_later_is_said(rig: Rig) -> None:
    rig.player.play(tone(0.1, 5000), "first", interrupt=True, urgency=2)
    rig.player.play(tone(0.1, 6000), "second", interrupt=True, urgency=2)
    out = rig.run(0.3)
    assert (out == 6000).sum() == RATE // 10
    assert not (out == 5000).any()
    assert rig.log.states("first") == [SpeechState.QUEUED, SpeechState.INTERRUPTED]


def test_after_an_interruption_what_waited_goes_on(rig: Rig) -> None:
    rig.player.play(tone(0.5, 5000), "a")
    rig.player.play(tone(0.1, 6000), "b")
    rig.run(0.05)
    rig.player.play(tone(0.1, 9000), "urgent", interrupt=True)
    rig.run(1.0)
    assert rig.log.states("b")[-1] is SpeechState.FINISHED


def test_what_cannot_start_in_time_is_dropped(rig: Rig) -> None:
    rig.player.play(tone(0.3, 5000), "long")
    rig.player.play(tone(0.1, 6000), "late", expires_ns=rig.clock.now_ns + 200 * MS)
    out = rig.run(1.5)
    assert not (out == 6000).any()
    assert rig.log.states("late") == [SpeechState.QUEUED, SpeechState.EXPIRED]
    assert rig.log.one("late", SpeechState.EXPIRED).stamp_ns == pytest.approx(NS + 210 * MS, abs=10 * MS)


def test_expiry_counts_at_the_start_only(rig: Rig) -> None:
    rig.player.play(tone(0.3, 5000), "c1", expires_ns=rig.clock.now_ns + 50 * MS)
    rig.run(0.5)
    assert rig.log.states("c1")[-1] is SpeechState.FINISHED


def test_stop_silences_within_a_fade(rig: Rig) -> None:
    rig.player.play(tone(1.0, 5000), "a")
    rig.player.play(tone(1.0, 5000), "b")
    rig.run(0.1)
    rig.player.stop()
    out = rig.run(0.2)
    assert not out[FADE:].any()
    assert rig.log.states("a")[-1] is SpeechState.INTERRUPTED
    assert rig.log.states("b")[-1] is SpeechState.INTERRUPTED


def test_volume(rig: Rig) -> None:
    rig.player.volume = 0.5
    rig.player.play(tone(0.1, 5000))
    assert rig.run(0.05).max() == 2500
    with pytest.raises(ValueError, match="0 to 1"):
        rig.player.volume = 1.5


def test_what_cannot_be_played_fails_with_its_reason(rig: Rig) -> None:
    rig.player.play(tone(0.1, rate=8000), "rate")
    rig.player.play(tone(0.0), "nothing")
    for number in range(LONGEST_QUEUE + 1):
        rig.player.play(tone(), f"c{number}")
    rig.run(0.01)
    assert "8000 Hz" in rig.log.one("rate", SpeechState.FAILED).detail
    assert "no samples" in rig.log.one("nothing", SpeechState.FAILED).detail
    assert "waiting" in rig.log.one(f"c{LONGEST_QUEUE}", SpeechState.FAILED).detail


def test_after_close_all_has_ended_and_more_fails(rig: Rig) -> None:
    rig.player.play(tone(1.0), "a")
    rig.run(0.1)
    rig.player.close()
    assert rig.log.states("a")[-1] is SpeechState.INTERRUPTED
    rig.player.play(tone(), "b")
    assert "b" not in [e.cue_id for e in rig.log.events if e.state is SpeechState.STARTED]


def test_a_listener_that_fails_does_not_silence_the_player(caplog: pytest.LogCaptureFixture) -> None:
    seen = []

    def listener(event: object) -> None:
        seen.append(event)
        raise ZeroDivisionError("a mistake in a listener")

    clock, sink = FakeClock(), ManualSink()
    player = Player(sink, RATE, on_event=listener, clock=clock)
    player.play(tone(0.01))
    assert sink.pull(BLOCK, clock.now_ns).any()
    assert player.wait_told()
    player.close()
    assert len(seen) == 3
    assert "a mistake in a listener" in caplog.text


def test_a_pause_of_the_device_becomes_silence_in_the_recording(rig: Rig) -> None:
    rig.run(0.1)
    rig.clock.now_ns += 1500 * MS
    rig.player.play(tone(0.1, 5000), "c1")
    rig.run(0.2)
    started = rig.log.one("c1", SpeechState.STARTED)
    assert started.sample_index == round(1.6 * RATE)
    assert np.flatnonzero(rig.tape.samples)[0] == round(1.6 * RATE)


def test_a_short_stall_within_an_utterance_leaves_no_gap_in_it(rig: Rig) -> None:
    rig.player.play(tone(0.2, 5000), "c1")
    rig.run(0.1)
    rig.clock.now_ns += 200 * MS
    rig.run(0.2)
    spoken = np.flatnonzero(rig.tape.samples)
    assert len(spoken) == round(0.2 * RATE)
    assert spoken[-1] - spoken[0] + 1 == len(spoken)


def test_a_device_that_runs_fast_is_brought_back_to_the_clock(rig: Rig) -> None:
    for _ in range(300):  # 3 s of sound in 2 s
        rig.sink.pull(BLOCK, rig.clock.now_ns)
        rig.clock.now_ns += 10 * MS * 2 // 3
    assert len(rig.tape.samples) / RATE == pytest.approx(2.0, abs=0.13)


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 3000), st.booleans(), st.integers(0, 3)),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([37, 160, 441]),
)
def test_every_utterance_ends_in_exactly_one_way(
    requests: list[tuple[int, int, bool, int]], block: int
) -> None:
    clock, sink, log, tape = FakeClock(), ManualSink(), EventLog(), Tape()
    player = Player(sink, RATE, on_event=log, taps=(tape,), clock=clock)
    todo = sorted(enumerate(requests), key=lambda item: item[1][0])
    for step in range(600):
        while todo and todo[0][1][0] <= step:
            number, (_, length, interrupt, urgency) = todo.pop(0)
            player.play(
                tone(length / RATE, 1000),
                str(number),
                interrupt=interrupt,
                urgency=urgency,
                expires_ns=clock.now_ns + 300 * MS,
            )
        sink.pull(block, clock.now_ns)
        clock.now_ns += block * NS // RATE
    player.close()
    ends = {SpeechState.FINISHED, SpeechState.INTERRUPTED, SpeechState.EXPIRED, SpeechState.FAILED}
    for number in range(len(requests)):
        states = log.states(str(number))
        assert states[0] is SpeechState.QUEUED
        assert len([state for state in states if state in ends]) == 1
        assert states[-1] in ends
    for event in log.events:
        if event.state is SpeechState.STARTED and event.sample_index is not None:
            assert tape.samples[event.sample_index] >= 1000
