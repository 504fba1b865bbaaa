"""What is said, piece by piece: nothing missing, nothing twice, an end for each cue."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech_fakes import MS, RATE, EventLog, FakeClock, tone

from kinecue.speech import ManualSink, Piece, Player, SpeechState
from kinecue.speech.audio import Samples
from kinecue.speech.sinks import NS
from kinecue.speech.spoken import PIECE_S, Pieces

BLOCK = RATE // 100


class Heard:
    def __init__(self) -> None:
        self.blocks: list[tuple[str, Samples, int, bool]] = []

    def spoken(self, cue_id: str, samples: Samples, start_ns: int, last: bool) -> None:
        self.blocks.append((cue_id, samples, start_ns, last))

    def of(self, cue_id: str) -> Samples:
        parts = [samples for cue, samples, _, _ in self.blocks if cue == cue_id]
        return np.concatenate([np.zeros(0, dtype=np.int16), *parts])

    def lasts(self, cue_id: str) -> list[bool]:
        return [last for cue, _, _, last in self.blocks if cue == cue_id]


class Rig:
    def __init__(self) -> None:
        self.clock, self.sink, self.heard, self.log = FakeClock(), ManualSink(), Heard(), EventLog()
        self.player = Player(self.sink, RATE, spoken_tap=self.heard, on_event=self.log, clock=self.clock)

    def run(self, seconds: float) -> Samples:
        blocks = []
        for _ in range(round(seconds * 100)):
            blocks.append(self.sink.pull(BLOCK, self.clock.now_ns))
            self.clock.now_ns += 10 * MS
        return np.concatenate(blocks)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_cue_is_handed_on_whole_with_its_times(rig: Rig) -> None:
    rig.run(0.05)
    rig.player.play(tone(0.1003, 5000), "c1")
    rig.run(0.3)
    np.testing.assert_array_equal(rig.heard.of("c1"), tone(0.1003, 5000).samples)
    assert rig.heard.lasts("c1") == [False] * 10 + [True]
    starts = [start for _, _, start, _ in rig.heard.blocks]
    lengths = [len(samples) for _, samples, _, _ in rig.heard.blocks]
    for (now, after), length in zip(pairwise(starts), lengths, strict=False):
        assert after - now == length * NS // RATE
    assert rig.player.wait_told()
    assert rig.log.one("c1", SpeechState.STARTED).stamp_ns == starts[0]


@pytest.mark.parametrize("how", ["stop", "hush", "urgent", "close"])
def test_what_is_cut_off_has_an_end(rig: Rig, how: str) -> None:
    rig.player.play(tone(1.0, 5000), "c1")
    rig.run(0.1)
    if how == "stop":
        rig.player.stop()
    elif how == "hush":
        rig.player.hush(3, "by danger")
    elif how == "close":
        rig.player.close()
    else:
        rig.player.play(tone(0.2, 9000), "c2", interrupt=True, urgency=3)
    if how != "close":
        rig.run(0.5)
    assert rig.heard.lasts("c1")[-1] is True
    assert sum(rig.heard.lasts("c1")) == 1
    assert RATE // 10 <= len(rig.heard.of("c1")) <= RATE // 8
    if how == "urgent":
        assert len(rig.heard.of("c2")) == RATE // 5
        assert sum(rig.heard.lasts("c2")) == 1


def test_hush_leaves_what_is_more_urgent(rig: Rig) -> None:
    rig.player.play(tone(0.3, 5000), "c1", urgency=3)
    rig.run(0.1)
    rig.player.hush(2, "by something")
    rig.run(0.4)
    assert rig.player.wait_told()
    assert rig.log.states("c1")[-1] is SpeechState.FINISHED


def test_volume_changes_evenly_in_mid_sentence(rig: Rig) -> None:
    rig.player.play(tone(0.5, 8000), "c1")
    rig.run(0.1)
    rig.player.volume = 0.25
    out = rig.run(0.1)
    assert out[0] == 8000
    assert np.abs(np.diff(out.astype(int))).max() < 100
    np.testing.assert_array_equal(out[BLOCK:], 2000)
    np.testing.assert_array_equal(rig.heard.of("c1")[-BLOCK:], 2000)


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 2500), st.booleans(), st.integers(0, 3)),
        min_size=1,
        max_size=6,
    )
)
def test_every_cue_that_started_ends_once(requests: list[tuple[int, int, bool, int]]) -> None:
    rig = Rig()
    for step in range(200):
        for number, (when, length, interrupt, urgency) in enumerate(requests):
            if when == step:
                rig.player.play(tone(length / RATE, 1000), str(number), interrupt=interrupt, urgency=urgency)
        rig.run(0.01)
    rig.player.close()
    started = {e.cue_id for e in rig.log.events if e.state is SpeechState.STARTED}
    assert {cue for cue, _, _, _ in rig.heard.blocks} == started
    for cue in started:
        assert rig.heard.lasts(cue)[-1] is True
        assert sum(rig.heard.lasts(cue)) == 1
    for cue in {e.cue_id for e in rig.log.events if e.state is SpeechState.FINISHED}:
        assert len(rig.heard.of(cue)) == requests[int(cue)][1]


def test_pieces_are_worth_a_message_and_lose_nothing() -> None:
    told: list[Piece] = []
    pieces = Pieces(RATE, told.append)
    for number in range(10):
        pieces.spoken("c1", np.full(BLOCK, number, dtype=np.int16), number * 10 * MS, number == 9)
    pieces.spoken("c2", np.full(BLOCK, 77, dtype=np.int16), NS, False)
    pieces.close()
    assert [(piece.cue_id, piece.last) for piece in told] == [
        ("c1", False),
        ("c1", False),
        ("c1", True),
        ("c2", False),
    ]
    assert [piece.start_ns for piece in told] == [0, 40 * MS, 80 * MS, NS]
    assert len(told[0].samples) == round(PIECE_S * RATE)
    whole = np.concatenate([piece.samples for piece in told[:3]])
    np.testing.assert_array_equal(whole, np.repeat(np.arange(10), BLOCK))
