"""Which movements belong together, and when a sensor could be believed."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from kinecue.training.pairing import SAME, Ledger, Published, Soundness, shared, together

S = 1_000_000_000


@dataclass(frozen=True)
class Span:
    start_ns: int
    end_ns: int


spans = st.builds(lambda a, d: Span(a, a + d), st.integers(0, 100 * S), st.integers(0, 20 * S))


@given(spans, spans)
def test_both_measures_are_symmetric_and_shares(a: Span, b: Span) -> None:
    assert shared(a, b) == shared(b, a)
    assert together(a, b) == together(b, a)
    assert 0.0 <= together(a, b) <= shared(a, b) <= 1.0


@given(spans, st.integers(-(10**15), 10**15))
def test_they_do_not_depend_on_the_epoch(a: Span, by: int) -> None:
    b = Span(a.start_ns + S, a.end_ns + 2 * S)
    moved = [Span(x.start_ns + by, x.end_ns + by) for x in (a, b)]
    assert shared(*moved) == shared(a, b)


@given(
    st.lists(st.tuples(st.integers(600, 4000), st.integers(0, 2000)), min_size=2, max_size=12),
    st.integers(-250, 250),
)
def test_repetitions_find_their_partner_though_clocks_are_a_quarter_second_apart(
    durations: list[tuple[int, int]], offset: int
) -> None:
    begin, seen = 0, []
    for length, rest in durations:
        seen.append(Span(begin * 1_000_000, (begin + length) * 1_000_000))
        begin += length + rest
    for n, span in enumerate(seen):
        moved = Span(span.start_ns + offset * 1_000_000, span.end_ns + offset * 1_000_000)
        best = max(range(len(seen)), key=lambda i: shared(seen[i], moved))
        assert shared(seen[n], moved) >= SAME
        if together(seen[n], moved) > 0.65:
            assert shared(seen[best], moved) == shared(seen[n], moved)


def test_the_ledger_knows_what_was_told() -> None:
    ledger = Ledger()
    first = Published(0, 2 * S, camera=True, encoder=False, valid=True)
    ledger.add(first)
    ledger.add(Published(3 * S, 5 * S, camera=True, encoder=True, valid=True))
    assert ledger.best(Span(S // 4, 2 * S)) is first
    assert ledger.best(Span(6 * S, 8 * S)) is None
    # between both: the encoder took the turning point for the start
    assert ledger.counted_by_camera(Span(S, 4 * S)) > 0.6
    ledger.clear()
    assert ledger.best(Span(0, 2 * S)) is None


def test_a_break_is_remembered() -> None:
    sensor = Soundness(0.5)
    for t in [*range(40), *range(60, 100)]:
        sensor.good(t * S // 10)
    assert sensor.sound(0, 3 * S)
    assert not sensor.sound(2 * S, 7 * S)
    assert sensor.sound(7 * S, 9 * S)
    assert sensor.live(10 * S)
    assert not sensor.live(11 * S)
    assert sensor.stretch_from == 6 * S


def test_what_comes_after_being_broken_is_new() -> None:
    sensor = Soundness(0.5)
    sensor.good(0)
    sensor.good(S // 10)
    sensor.broken()
    assert not sensor.live(S // 10)
    sensor.good(2 * S // 10)
    assert sensor.stretch_from == 2 * S // 10


@given(st.lists(st.integers(0, 30 * S), max_size=80))
def test_stamps_in_any_order_do_no_harm(stamps: list[int]) -> None:
    sensor = Soundness(0.5)
    for stamp in stamps:
        sensor.good(stamp)
        assert sensor.live(stamp) or sensor.stretch_from > 0 or stamp == 0
    assert not sensor.sound(-10 * S, 40 * S)
