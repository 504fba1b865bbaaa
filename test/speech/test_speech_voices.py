"""Voices by language, and what is said when an engine dies, stalls or writes rubbish."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from speech_fakes import MS, RATE, EventLog, FakeClock, ToneEngine, fake_line_engine, wait_until

from kinecue.body.paths import data_dir
from kinecue.speech import Player, SpeechService, SpeechState, Utterance, Voices, choose_engine
from kinecue.speech.audio import speech_span
from kinecue.speech.choose import open_engine
from kinecue.speech.engines import Synthesizer
from kinecue.speech.errors import (
    EngineDiedError,
    EngineError,
    EngineLateError,
    EngineUnavailableError,
    UnspeakableTextError,
)
from kinecue.speech.installed import MANIFEST
from kinecue.speech.language import primary
from kinecue.speech.piper_engine import find_piper
from kinecue.speech.sinks import ClockSink
from kinecue.speech.voices import FAILURES_UNTIL_REST, REST_S


class Second(ToneEngine):
    """The next best: only what it is told to fail on fails."""

    name = "second"

    def synthesize(self, text: str) -> Utterance:
        """Speaks of bugs."""
        return super().synthesize(text.replace("bug", "insect"))


class Dying(ToneEngine):
    """Dies as often as told, then works."""

    name = "dying"

    def __init__(self, deaths: int) -> None:
        super().__init__()
        self.deaths = deaths
        self.runs = True
        self.starts = 0

    @property
    def start_s(self) -> float:
        """As long as it does not run."""
        return 0.0 if self.runs else 0.7

    def start(self) -> None:
        """It runs by the next sentence."""
        self.starts += 1
        self.runs = True

    def synthesize(self, text: str) -> Utterance:
        """Dies or speaks."""
        if self.deaths > 0:
            self.deaths -= 1
            self.texts.append("died")
            self.runs = False
            raise EngineDiedError("it was killed")
        return super().synthesize(text)


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("de-AT", "de"), ("ES_mx", "es"), (" pt-BR ", "pt"), ("", ""), ("1", ""), ("x" * 40, "")],
)
def test_the_language_of_a_tag(tag: str, language: str) -> None:
    assert primary(tag) == language


def test_a_killed_engine_says_the_same_phrase_when_it_is_started_again() -> None:
    first, second = Dying(1), Second()
    voice = Voices.of_engines([first, second], RATE).of("en")
    assert voice.make("knees out").engine == "dying"
    assert (first.texts, second.texts) == (["died", "knees out"], [])


def test_what_fails_again_is_said_by_the_next_engine() -> None:
    first, second = Dying(2), Second()
    voice = Voices.of_engines([first, second], RATE).of("en")
    assert voice.make("knees out").engine == "second"
    found = voice.get("knees out")
    assert found is not None
    assert found.engine == "second"
    # the phrase is made by the better voice as soon as that works
    assert voice.make("knees out").engine == "dying"


def test_without_time_for_a_new_start_the_next_engine_speaks() -> None:
    first, second = Dying(1), Second()
    voice = Voices.of_engines([first, second], RATE).of("en")
    assert voice.make("knees out", lambda: 0.5).engine == "second"
    assert first.texts == ["died"]
    # it was started again meanwhile
    assert first.starts == 1
    assert voice.make("chest up", lambda: 0.5).engine == "dying"


def test_who_died_while_nothing_was_said_is_started_while_the_next_engine_speaks() -> None:
    first, second = Dying(0), Second()
    voice = Voices.of_engines([first, second], RATE).of("en")
    first.runs = False
    assert voice.make("knees out", lambda: 0.6).engine == "second"
    assert voice.make("chest up", lambda: 0.6).engine == "dying"
    first.runs = False
    assert voice.make("hips back", lambda: 0.8).engine == "dying"  # there is time


def test_without_another_engine_the_start_is_tried_whatever_time_is_left() -> None:
    first = Dying(0)
    first.runs = False
    assert Voices.of_engines([first], RATE).of("en").make("knees out", lambda: 0.1).engine == "dying"


def test_what_is_too_late_for_every_engine_says_so() -> None:
    voice = Voices.of_engines([ToneEngine()], RATE).of("en")
    with pytest.raises(EngineLateError, match="in time"):
        voice.make("knees out", lambda: 0.0)


def test_rubbish_and_mistakes_of_an_engine_go_to_the_next_one() -> None:
    second = Second()
    voice = Voices.of_engines([ToneEngine(), second], RATE).of("en")
    for text in ("bug here", "one more bug"):
        assert voice.make(text).engine == "second"
    with pytest.raises(EngineError, match="told to fail; it was told to fail"):
        voice.make("fail")
    with pytest.raises(UnspeakableTextError):
        voice.make("...")


def test_an_engine_that_keeps_failing_rests_and_comes_back() -> None:
    clock = FakeClock()
    first, second = Dying(2 * FAILURES_UNTIL_REST), Second()
    voice = Voices.of_engines([first, second], RATE, clock=lambda: clock.now_ns / 1e9).of("en")
    for number in range(FAILURES_UNTIL_REST):
        voice.make(f"phrase {number}")
    tried = len(first.texts)
    assert voice.make("during the rest").engine == "second"
    assert len(first.texts) == tried
    clock.now_ns += round((REST_S + 1) * 1e9)
    assert voice.make("after the rest").engine == "dying"


def test_a_process_killed_in_mid_sentence_costs_no_cue(tmp_path: Path) -> None:
    log, engine, second = EventLog(), fake_line_engine(tmp_path), Second()
    engine.synthesize("warm")
    service = SpeechService(
        Voices.of_engines([engine, second], RATE), Player(ClockSink(), RATE, on_event=log)
    )
    service.say("please die", "c1", expires_ns=None)
    finished = log.wait("c1", SpeechState.FINISHED)
    assert finished.engine == "second"
    service.say("still here", "c2")
    assert log.wait("c2", SpeechState.FINISHED).engine == "fake"
    service.close()


def test_a_process_killed_from_outside_speaks_again(tmp_path: Path) -> None:
    """It stalls in the first life only, is killed there, and says the sentence in the second."""
    program = FAKE_ONCE.replace("MARK", str(tmp_path / "first"))
    engine = fake_line_engine(tmp_path, program=program)
    voice = Voices.of_engines([engine], RATE).of("en")
    made: list[Utterance] = []
    speaker = threading.Thread(target=lambda: made.append(voice.make("knees out")))
    speaker.start()
    wait_until((tmp_path / "first").exists)
    pid = engine.pid
    assert pid is not None
    os.kill(pid, 9)
    speaker.join(30.0)
    engine.close()
    assert [utterance.engine for utterance in made] == ["fake"]
    assert engine.starts == 2


FAKE_ONCE = """
import os, struct, sys, time, wave
for line in sys.stdin:
    if not os.path.exists("MARK"):
        open("MARK", "w").close()
        time.sleep(60)
    path = os.path.join(sys.argv[1], "0.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(1); file.setsampwidth(2); file.setframerate(16000)
        file.writeframes(struct.pack("<40h", *([9000] * 20 + [-9000] * 20)) * 40)
    print(f"Wrote {path}", file=sys.stderr, flush=True)
"""


def test_events_tell_whether_the_sound_was_there_and_whose_it_is() -> None:
    log = EventLog()
    service = SpeechService(Voices.of_engines([ToneEngine()], RATE), Player(ClockSink(), RATE, on_event=log))
    assert service.prepare(["ready"]).wait(10.0)
    service.say("ready", "c1")
    service.say("not ready", "c2")
    for cue, prepared in (("c1", True), ("c2", False)):
        log.wait(cue, SpeechState.FINISHED)
        for state in (SpeechState.STARTED, SpeechState.FINISHED):
            event = log.one(cue, state)
            assert (event.prepared, event.engine) == (prepared, "tones")
        assert log.one(cue, SpeechState.QUEUED).prepared is prepared
    service.close()


def test_an_urgent_cue_silences_what_is_said_before_it_is_synthesised() -> None:
    log, engine = EventLog(), ToneEngine()
    service = SpeechService(Voices.of_engines([engine], RATE), Player(ClockSink(), RATE, on_event=log))
    long = "a rather long sentence that goes on for quite a while"
    service.prepare([long]).wait(10.0)
    service.say(long, "long")
    log.wait("long", SpeechState.STARTED)
    engine.may_work.clear()
    service.say("rack it", "danger", urgency=3)
    log.wait("long", SpeechState.INTERRUPTED)
    assert SpeechState.STARTED not in log.states("danger")
    engine.may_work.set()
    log.wait("danger", SpeechState.FINISHED)
    service.close()


def test_a_new_list_of_phrases_takes_the_place_of_the_old_one() -> None:
    engine = ToneEngine()
    service = SpeechService(Voices.of_engines([engine], RATE), Player(ClockSink(), RATE))
    engine.may_work.clear()
    old = service.prepare(["one", "two", "three"])
    new = service.prepare(["four"])
    engine.may_work.set()
    assert old.wait(10.0)
    assert new.wait(10.0)
    assert new.failed == {}
    assert "three" in old.failed
    assert "three" not in engine.texts
    service.close()


def test_an_expired_cue_is_told_before_the_engine_is_asked() -> None:
    log, engine = EventLog(), ToneEngine()
    service = SpeechService(Voices.of_engines([engine], RATE), Player(ClockSink(), RATE, on_event=log))
    service.say("too late", "c1", expires_ns=-1 * MS)
    assert "in time" in log.wait("c1", SpeechState.EXPIRED).detail
    assert engine.texts == []
    service.close()


# -- languages


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", "")
    return tmp_path


def piper_of(folder: Path, voice: str, **more: object) -> None:
    folder.mkdir(parents=True)
    manifest = {"version": "1", "voice": voice, "model": "m", "packages": "p", "sample_rate": 22050}
    (folder / MANIFEST).write_text(json.dumps({**manifest, "files": {}, **more}))


def test_a_piper_voice_is_chosen_by_its_language(empty_path: Path) -> None:
    piper_of(empty_path / "piper", "en_US-joe-medium")
    piper_of(empty_path / "piper-es", "es_ES-davefx-medium")
    piper_of(empty_path / "piper-own", "mine", language="de-AT")
    assert find_piper(empty_path).voice == "en_US-joe-medium"
    assert find_piper(empty_path, "es").voice == "es_ES-davefx-medium"
    assert find_piper(empty_path, "de").voice == "mine"
    with pytest.raises(EngineUnavailableError, match="speaks en, es, de, not 'fr'"):
        find_piper(empty_path, "fr")


def test_an_engine_that_cannot_speak_the_language_is_not_chosen(empty_path: Path) -> None:
    piper_of(empty_path / "piper", "en_US-joe-medium")
    choice = choose_engine("piper", voice_dir=empty_path, language="es")
    assert choice.engine.name == "null"
    words = choice.describe()
    assert "no speech engine for es" in words
    assert "piper: speaks en, not 'es'" in words
    assert "flite: speaks en, not 'es'" in words
    assert "kinecue voice fetch" in words


def test_each_language_gets_its_voice_once_and_is_told(empty_path: Path) -> None:
    piper_of(empty_path / "piper", "en_US-joe-medium")
    piper_of(empty_path / "piper-es", "es_ES-davefx-medium")
    told: list[tuple[str, str]] = []
    voices = Voices(voice_dir=empty_path, on_choice=lambda c: told.append((c.language, c.engine.voice)))
    assert voices.of("es-MX") is voices.of("es")
    assert voices.of("").engine.voice == voices.of("!?").engine.voice == "en_US-joe-medium"
    assert voices.of("tlh").engine.speaks is False
    assert told == [("en", "en_US-joe-medium"), ("es", "es_ES-davefx-medium"), ("tlh", "silence")]
    voices.close()
    assert voices.of("fr").engine.name == "null"


@pytest.fixture(scope="module")
def installed() -> Path:
    return data_dir() / "voice"


@pytest.fixture(params=[("pico", "es"), ("pico", "de"), ("pico", "en"), ("espeak", "es"), ("espeak", "de")])
def small(request: pytest.FixtureRequest, installed: Path) -> Iterator[Synthesizer]:
    name, language = request.param
    try:
        engine = open_engine(name, installed, language)
    except EngineUnavailableError as error:
        pytest.skip(f"{name}: {error}")
    yield engine
    engine.close()


SENTENCES = {
    "en": "Push your knees out.",
    "es": "Empuja las rodillas hacia afuera, ¡más!",
    "de": "Drück die Knie nach außen.",
}


def test_small_voices_speak_their_language(small: Synthesizer) -> None:
    spoken = small.synthesize(SENTENCES[small.language])
    assert 0.8 < spoken.duration_s < 5.0
    span = speech_span(spoken.samples, spoken.sample_rate)
    assert span is not None
    assert (span[1] - span[0]) / spoken.sample_rate > 0.8
    again = small.synthesize("Stop")
    assert 0.1 < again.duration_s < spoken.duration_s


def test_small_voices_survive_odd_text(small: Synthesizer) -> None:
    for text in ("<speed level='9'>a</speed>", "& < > \\ {a}", "日本語", "knees out " * 20, "ß\u0000é"):
        with contextlib.suppress(EngineError, UnspeakableTextError):
            small.synthesize(text)
        assert small.synthesize("Stop").duration_s > 0.1
