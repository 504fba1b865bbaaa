"""Quiet hours, mute, and what music does while the coach speaks."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech_fakes import wait_until

from kinecue.speech import Music, MusicDirector, MusicMode, MusicOrder, QuietHours, Silence
from kinecue.speech.errors import QuietHoursError
from kinecue.speech.events import SpeechEvent, SpeechState
from kinecue.speech.music import HOLD_S, MARGIN_S, PLAY
from kinecue.speech.quiet import DANGER, parse_kinds


def at(hour: int, minute: int = 0) -> int:
    return 60 * hour + minute


@pytest.mark.parametrize(
    ("text", "minute", "window"),
    [
        ("", at(3), ""),
        ("22:00-06:30", at(21, 59), ""),
        ("22:00-06:30", at(22), "22:00-06:30"),
        ("22:00-06:30", at(0), "22:00-06:30"),
        ("22:00-06:30", at(6, 29), "22:00-06:30"),
        ("22:00-06:30", at(6, 30), ""),
        ("13:00-15:00, 22:00 - 6:30", at(14), "13:00-15:00"),
        ("13:00-15:00,22:00-6:30", at(5), "22:00-06:30"),
        ("13:00-15:00", at(15), ""),
    ],
)
def test_quiet_hours(text: str, minute: int, window: str) -> None:
    assert QuietHours.parse(text).window_at(minute) == window


@pytest.mark.parametrize(
    "text", ["22-6", "24:00-06:00", "22:60-06:00", "night", "08:00-08:00", "22:00-06:30 daily"]
)
def test_hours_that_are_not_written_so_are_refused_with_how_to(text: str) -> None:
    with pytest.raises(QuietHoursError, match=r"allowed: .*22:00-06:30"):
        QuietHours.parse(text)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_a_window_and_its_complement_make_a_day(first: int, last: int, minute: int) -> None:
    if first == last:
        return
    inside = bool(QuietHours(((first, last),)).window_at(minute))
    outside = bool(QuietHours(((last, first),)).window_at(minute))
    assert inside != outside


def test_danger_speaks_in_quiet_hours_and_not_when_muted() -> None:
    night = QuietHours.parse("22:00-06:30")
    silence = Silence(hours=night, kinds=parse_kinds("summary"), minute=lambda: at(23))
    assert silence.reason("correction") == "quiet hours 22:00-06:30"
    assert silence.reason(DANGER) == silence.reason("summary") == ""
    assert silence.volume_now() == pytest.approx(0.6)
    assert Silence(hours=night, minute=lambda: at(12)).reason("correction") == ""
    assert Silence(muted=True).reason(DANGER) == "muted"
    assert Silence(volume=0.0).reason(DANGER) == "the volume is 0"
    assert Silence(volume=0.5).volume_now() == 0.5


def test_a_kind_that_does_not_exist_is_refused() -> None:
    assert parse_kinds("") == {DANGER}
    with pytest.raises(QuietHoursError, match="'jokes' is no kind of cue, allowed: danger, correction"):
        parse_kinds("danger, jokes")


def event(state: SpeechState, cue_id: str = "c1", duration_s: float = 2.0) -> SpeechEvent:
    return SpeechEvent(state, cue_id, "text", 0, 0, duration_s=duration_s)


def test_music_is_ducked_while_a_cue_is_spoken_and_comes_back_after_it() -> None:
    music = Music(gain=0.2)
    assert music.on_event(event(SpeechState.QUEUED), 0.0) is None
    order = music.on_event(event(SpeechState.STARTED), 10.0)
    assert order == MusicOrder(MusicMode.DUCK, 0.2, 2.0 + HOLD_S + MARGIN_S, "c1")
    assert music.on_event(event(SpeechState.FINISHED), 12.0) is None
    assert music.tick(12.0 + HOLD_S - 0.01) is None
    assert music.tick(12.0 + HOLD_S) == PLAY
    assert music.tick(99.0) is None
    assert music.wakes_at is None


def test_music_does_not_come_up_between_two_cues() -> None:
    music = Music(MusicMode.PAUSE)
    music.on_event(event(SpeechState.STARTED, "c1"), 0.0)
    music.on_event(event(SpeechState.FINISHED, "c1"), 2.0)
    order = music.on_event(event(SpeechState.STARTED, "c2"), 2.5)
    assert order is not None
    assert (order.mode, order.gain, order.cue_id) == (MusicMode.PAUSE, 0.0, "c2")
    assert music.tick(2.0 + HOLD_S) is None
    music.on_event(event(SpeechState.INTERRUPTED, "c1"), 3.0)
    assert music.tick(3.0 + HOLD_S) is None
    music.on_event(event(SpeechState.FINISHED, "c2"), 4.5)
    assert music.tick(4.5 + HOLD_S) == PLAY


def test_music_that_is_left_alone_is_left_alone() -> None:
    music = Music()
    music.on_event(event(SpeechState.STARTED), 0.0)
    music.want(MusicMode.PLAY)
    assert music.on_event(event(SpeechState.STARTED, "c2"), 1.0) == PLAY
    assert music.on_event(event(SpeechState.STARTED, "c3"), 2.0) is None


@given(
    st.lists(
        st.tuples(st.sampled_from(list(SpeechState)), st.integers(0, 3), st.floats(0.0, 3.0)), max_size=30
    ),
    st.sampled_from([MusicMode.DUCK, MusicMode.PAUSE]),
)
def test_music_is_never_stuck(news: list[tuple[SpeechState, int, float]], mode: MusicMode) -> None:
    """Whatever comes, and whatever does not: the last order is PLAY once its time is over, and each order has a limit."""
    music, now, orders = Music(mode), 0.0, [PLAY]
    for state, cue, wait in news:
        order = music.on_event(event(state, f"c{cue}"), now)
        if order is not None:
            orders.append(order)
        now += wait
        if (back := music.tick(now)) is not None:
            orders.append(back)
    if (back := music.tick(now + 2.0 + HOLD_S + MARGIN_S)) is not None:
        orders.append(back)
    assert orders[-1] == PLAY
    assert all(order.longest_s > 0.0 for order in orders if order.mode is not MusicMode.PLAY)
    assert music.wakes_at is None


def test_the_director_gives_the_music_back_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    orders: list[MusicOrder] = []
    now = [0.0]

    def on_order(order: MusicOrder) -> None:
        orders.append(order)
        raise ZeroDivisionError("a mistake in a listener")

    director = MusicDirector(Music(), on_order, clock=lambda: now[0])
    director.on_event(event(SpeechState.STARTED))
    now[0] = 5.0
    director.on_event(event(SpeechState.FINISHED))  # wakes it, after the limit
    wait_until(lambda: len(orders) == 2)
    assert [order.mode for order in orders] == [MusicMode.DUCK, MusicMode.PLAY]
    director.on_event(event(SpeechState.STARTED, "c2"))
    before = threading.active_count()
    director.close()
    assert orders[-1] == PLAY
    assert threading.active_count() == before - 1
    director.on_event(event(SpeechState.STARTED, "c3"))
    assert len(orders) == 4
    assert "a mistake in a listener" in caplog.text
