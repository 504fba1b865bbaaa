"""Cache and service: what is said, in which order, and what becomes of failures."""

from __future__ import annotations

import os
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from speech_fakes import MS, RATE, EventLog, ToneEngine, fake_line_engine, tone, wait_until

from kinecue.speech import (
    NO_DEVICE,
    URGENT,
    PhraseCache,
    Player,
    SpeechService,
    SpeechState,
    Voices,
    open_speech,
)
from kinecue.speech.engines import NullEngine
from kinecue.speech.errors import RecorderError, UnknownEngineError
from kinecue.speech.sinks import ClockSink


class Rig:
    def __init__(self, folder: Path | None = None) -> None:
        self.engine, self.log = ToneEngine(), EventLog()
        self.player = Player(ClockSink(), RATE, on_event=self.log)
        self.service = SpeechService(Voices.of_engines([self.engine], RATE, folder), self.player)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.engine.may_work.set()
    made.service.close()


def test_a_prepared_phrase_is_said_without_the_engine(rig: Rig) -> None:
    preparation = rig.service.prepare(["Knees out", "Go deeper", "Knees out"])
    assert preparation.wait(10.0)
    assert (preparation.total, preparation.done, preparation.failed) == (2, 2, {})
    rig.engine.may_work.clear()
    rig.service.say("Go deeper", "c1")
    rig.log.wait("c1", SpeechState.FINISHED)
    assert rig.log.states("c1") == [SpeechState.QUEUED, SpeechState.STARTED, SpeechState.FINISHED]
    assert rig.engine.texts == ["Knees out", "Go deeper"]


def test_a_phrase_that_is_not_prepared_is_synthesised_first(rig: Rig) -> None:
    rig.service.say("Never heard", "c1")
    assert rig.log.wait("c1", SpeechState.FINISHED).duration_s == pytest.approx(0.2 + 0.065, abs=0.07)
    assert rig.log.states("c1") == [SpeechState.QUEUED, SpeechState.STARTED, SpeechState.FINISHED]
    rig.service.say("Never heard", "c2")
    rig.log.wait("c2", SpeechState.FINISHED)
    assert rig.engine.texts == ["Never heard"]


def test_what_is_to_be_said_goes_before_what_is_prepared(rig: Rig) -> None:
    rig.engine.may_work.clear()
    preparation = rig.service.prepare([f"phrase {number}" for number in "abcd"])
    assert rig.engine.asked.wait(10.0)
    rig.service.say("now this", "c1")
    rig.service.say("danger", "c2", urgency=URGENT)
    rig.engine.may_work.set()
    assert preparation.wait(10.0)
    assert rig.engine.texts.index("danger") < rig.engine.texts.index("now this") < 3


def test_urgent_speech_interrupts(rig: Rig) -> None:
    rig.service.prepare(["a rather long sentence that goes on for a while", "stop"]).wait(10.0)
    rig.service.say("a rather long sentence that goes on for a while", "long")
    rig.log.wait("long", SpeechState.STARTED)
    rig.service.say("stop", "urgent", urgency=URGENT)
    rig.log.wait("urgent", SpeechState.FINISHED)
    assert rig.log.states("long")[-1] is SpeechState.INTERRUPTED


def test_a_cue_that_is_late_is_dropped(rig: Rig) -> None:
    rig.service.prepare(["too late"]).wait(10.0)
    rig.service.say("too late", "c1", expires_ns=time.monotonic_ns() - 1)
    rig.log.wait("c1", SpeechState.EXPIRED)
    rig.engine.may_work.clear()
    rig.service.say("not ready", "c2", expires_ns=time.monotonic_ns() + 20 * MS)
    time.sleep(0.03)
    rig.engine.may_work.set()
    rig.log.wait("c2", SpeechState.EXPIRED)
    assert SpeechState.STARTED not in rig.log.states("c1") + rig.log.states("c2")


@pytest.mark.parametrize(
    ("text", "detail"),
    [("fail now", "told to fail"), ("bug", "a mistake in an engine"), ("...", "nothing to")],
)
def test_a_failure_is_an_event_and_the_next_cue_is_said(rig: Rig, text: str, detail: str) -> None:
    rig.service.say(text, "bad")
    assert detail in rig.log.wait("bad", SpeechState.FAILED).detail
    assert rig.log.states("bad")[-1] is SpeechState.FAILED
    rig.service.say("all is well", "good")
    rig.log.wait("good", SpeechState.FINISHED)
    preparation = rig.service.prepare([text, "fine"])
    assert preparation.wait(10.0)
    assert list(preparation.failed) == [text]


def test_stop_forgets_what_waits_for_the_engine(rig: Rig) -> None:
    rig.engine.may_work.clear()
    rig.service.say("one", "c1")
    rig.service.say("two", "c2")
    time.sleep(0.001)
    rig.service.stop()
    rig.engine.may_work.set()
    rig.log.wait("c1", SpeechState.INTERRUPTED)
    rig.log.wait("c2", SpeechState.INTERRUPTED)


def test_close_reports_what_was_not_said() -> None:
    rig = Rig()
    rig.engine.may_work.clear()
    preparation = rig.service.prepare(["one", "two", "three"])
    rig.service.say("four", "c1")
    rig.service.close()
    rig.service.close()
    assert rig.engine.closed
    assert preparation.wait(0.0)
    assert rig.log.states("c1")[-1] in (SpeechState.FAILED, SpeechState.INTERRUPTED)
    before = threading.active_count()
    rig.service.say("five", "c2")
    assert threading.active_count() == before


def test_an_engine_killed_in_mid_sentence(tmp_path: Path) -> None:
    log = EventLog()
    engine = fake_line_engine(tmp_path)
    service = SpeechService(Voices.of_engines([engine], RATE), Player(ClockSink(), RATE, on_event=log))
    service.say("please die", "c1")
    service.say("still here", "c2")
    assert "in the middle of a sentence" in log.wait("c1", SpeechState.FAILED).detail
    log.wait("c2", SpeechState.FINISHED)
    service.close()
    assert engine.pid is None


def test_phrases_are_kept_on_disk_per_voice(tmp_path: Path) -> None:
    first = ToneEngine()
    made = PhraseCache(first, RATE, tmp_path).make("Knees out")
    second = ToneEngine()
    loaded = PhraseCache(second, RATE, tmp_path).get("Knees  out ")
    assert loaded is not None
    np.testing.assert_array_equal(loaded.samples, made.samples)
    assert PhraseCache(second, 22050, tmp_path).get("Knees out") is None
    second.voice = "triangle"
    assert PhraseCache(second, RATE, tmp_path).get("Knees out") is None
    assert second.texts == []
    assert {path.suffix for path in tmp_path.iterdir()} == {".wav"}


def test_a_damaged_phrase_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    PhraseCache(ToneEngine(), RATE, tmp_path).make("Knees out")
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:30])
    engine = ToneEngine()
    PhraseCache(engine, RATE, tmp_path).make("Knees out")
    assert engine.texts == ["Knees out"]
    assert "is damaged and is made anew" in caplog.text
    assert PhraseCache(ToneEngine(), RATE, tmp_path).get("Knees out") is not None


def test_a_folder_that_cannot_be_written_costs_only_the_disk_copy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = PhraseCache(ToneEngine(), RATE, tmp_path / "file" / "phrases")
    cache.make("Knees out")
    assert cache.get("Knees out") is not None
    assert "phrases are not kept on disk" in caplog.text


def test_the_oldest_phrases_leave_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinecue.speech.cache.LARGEST_ON_DISK", 2)
    cache = PhraseCache(ToneEngine(), RATE, tmp_path)
    paths = []
    for age, text in enumerate(["new", "middle", "old"]):
        cache.make(text)
        paths.append(tmp_path / f"{cache.key(text)}.wav")
        stamp = 2_000_000_000 - age
        os.utime(paths[-1], (stamp, stamp))
    PhraseCache(ToneEngine(), RATE, tmp_path)
    assert [path.exists() for path in paths] == [True, True, False]


def test_text_only_has_the_same_events(tmp_path: Path) -> None:
    log = EventLog()
    service = SpeechService(
        Voices.of_engines([NullEngine()], RATE, tmp_path), Player(ClockSink(), RATE, on_event=log)
    )
    service.say("Go", "c1")
    log.wait("c1", SpeechState.FINISHED)
    service.close()
    assert list(tmp_path.iterdir()) == []


def test_the_whole_chain_is_recorded(tmp_path: Path) -> None:
    log = EventLog()
    service, choice = open_speech(
        engine="null",
        voice_dir=tmp_path,
        device=NO_DEVICE,
        record_to=tmp_path / "session.wav",
        on_event=log,
    )
    assert choice.engine.name == "null"
    assert service.status.audible is False
    service.player.play(tone(0.1, 7000, rate=22050), "c1")
    started = log.wait("c1", SpeechState.STARTED)
    log.wait("c1", SpeechState.FINISHED)
    assert service.wait_quiet(5.0)
    service.close()
    assert service.recorder is not None
    with wave.open(str(tmp_path / "session.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert started.sample_index is not None
    np.testing.assert_array_equal(samples[started.sample_index :][:2205], 7000)
    assert np.count_nonzero(samples) == 2205
    position = service.recorder.sample_at(started.requested_ns)
    assert position is not None
    assert position <= started.sample_index


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownEngineError):
        open_speech(engine="siri")
    (tmp_path / "file").touch()
    with pytest.raises(RecorderError):
        open_speech(engine="null", device=NO_DEVICE, record_to=tmp_path / "file" / "a.wav")


def test_wait_quiet_gives_up(rig: Rig) -> None:
    rig.engine.may_work.clear()
    rig.service.say("one", "c1")
    assert not rig.service.wait_quiet(0.05)
    rig.engine.may_work.set()
    assert rig.service.wait_quiet(10.0)
    wait_until(lambda: rig.log.states("c1")[-1] is SpeechState.FINISHED)
