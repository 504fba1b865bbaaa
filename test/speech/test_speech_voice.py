"""The real voice, heard by a speech recogniser that knows each cue and its opposite."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from speech_fakes import EventLog, wait_until
from speech_recognition import recognise, recognise_all, speech_segments

from kinecue.body.paths import data_dir
from kinecue.speech import NO_DEVICE, PhraseCache, SpeechService, SpeechState, open_speech
from kinecue.speech.audio import speech_span
from kinecue.speech.choose import choose_engine
from kinecue.speech.engines import Synthesizer
from kinecue.speech.errors import EngineDiedError
from kinecue.speech.line_engine import LineEngine

CUES = {
    "Push your knees out": "Push your knees in",
    "Go a little deeper": "Go a little higher",
    "Keep your chest up": "Keep your chest down",
    "Keep your heels down": "Keep your heels up",
    "Keep your elbows still": "Keep your elbows moving",
    "Don't swing your body": "Do swing your body",
    "Straighten your arms fully": "Bend your arms fully",
    "Drive both legs evenly": "Drive one leg evenly",
    "Much better, keep it like that": "Much worse, stop it like that",
    "Curl all the way up": "Curl all the way down",
    "Lower it slowly": "Lower it quickly",
    "Stop the set": "Start the set",
}
GRAMMAR = [*CUES, *CUES.values()]


@pytest.fixture(scope="module", params=["piper", "flite"])
def voice(request: pytest.FixtureRequest) -> Iterator[Synthesizer]:
    choice = choose_engine(request.param, voice_dir=data_dir() / "voice")
    if choice.engine.name != request.param:
        choice.engine.close()
        pytest.skip(f"{request.param}: {choice.unavailable[request.param]}")
    yield choice.engine
    choice.engine.close()


@pytest.fixture(scope="module")
def cache(voice: Synthesizer) -> PhraseCache:
    return PhraseCache(voice, voice.sample_rate)


@pytest.mark.parametrize("cue", CUES)
def test_each_cue_is_told_from_its_opposite(cache: PhraseCache, cue: str) -> None:
    spoken = cache.make(cue)
    assert recognise(spoken.samples, GRAMMAR, spoken.sample_rate) == cue


def test_the_opposites_are_not_taken_for_the_cues(cache: PhraseCache) -> None:
    """Else a right answer above would mean little. Piper varies: one miss is allowed."""
    heard = [
        recognise((said := cache.make(text)).samples, GRAMMAR, said.sample_rate) for text in CUES.values()
    ]
    assert sum(a == b for a, b in zip(heard, CUES.values(), strict=True)) >= len(CUES) - 1


def test_speech_begins_at_the_first_sample(cache: PhraseCache) -> None:
    for cue in CUES:
        spoken = cache.make(cue)
        span = speech_span(spoken.samples, spoken.sample_rate)
        assert span is not None
        assert span[0] <= 0.011 * spoken.sample_rate


def test_piper_killed_in_mid_sentence_speaks_the_next_one(voice: Synthesizer) -> None:
    if not isinstance(voice, LineEngine):
        pytest.skip("flite runs anew for each sentence")
    voice.synthesize("Ready")
    pid = voice.pid
    assert pid is not None
    errors: list[Exception] = []

    def speak() -> None:
        try:
            for _ in range(200):
                voice.synthesize(
                    "A sentence that takes a while, so that it can be cut short in the middle of it"
                )
        except EngineDiedError as error:
            errors.append(error)

    speaker = threading.Thread(target=speak)
    speaker.start()
    os.kill(pid, 9)
    speaker.join(60.0)
    assert len(errors) == 1
    spoken = voice.synthesize("Keep your chest up")
    assert recognise(spoken.samples, GRAMMAR, spoken.sample_rate) == "Keep your chest up"


def test_a_session_is_heard_in_its_recording(tmp_path: Path) -> None:
    log = EventLog()
    service, choice = open_speech(
        voice_dir=data_dir() / "voice",
        device=NO_DEVICE,
        record_to=tmp_path / "session.wav",
        on_event=log,
    )
    try:
        if choice.engine.name not in ("piper", "flite"):
            pytest.skip(choice.describe())
        _speak_session(service, log)
    finally:
        service.close()
    heard = recognise_all(tmp_path / "session.wav", GRAMMAR)
    said = [
        ((event.sample_index or 0) / service.player.sample_rate, event.text)
        for event in log.events
        if event.state is SpeechState.STARTED
    ]
    assert [text for _, text in heard] == [text for _, text in said]
    for (at, _), (started, _) in zip(heard, said, strict=True):
        assert at == pytest.approx(started, abs=0.1)


def _speak_session(service: SpeechService, log: EventLog) -> None:
    cues = ["Push your knees out", "Keep your heels down", "Much better, keep it like that"]
    assert service.prepare(cues).wait(60.0)
    for number, cue in enumerate(cues):
        service.say(cue, str(number))
    log.wait(str(len(cues) - 1), SpeechState.FINISHED)
    wait_until(lambda: not service.player.speaking)


def test_the_recogniser_hears_nothing_in_silence_and_noise() -> None:
    rate = 16000
    noise = np.random.default_rng(1).normal(0.0, 300.0, 2 * rate).astype(np.int16)
    assert recognise(np.zeros(rate, dtype=np.int16), GRAMMAR) is None
    assert recognise(noise, GRAMMAR) is None
    with pytest.raises(ValueError, match="dictionary lacks: kneez"):
        recognise(noise, ["Push your kneez"])


def test_segments_are_found_by_energy() -> None:
    rate = 16000
    sound = np.zeros(5 * rate, dtype=np.int16)
    sound[rate : 2 * rate] = 3000
    sound[2 * rate + 4800 : 3 * rate] = 3000
    sound[4 * rate : 4 * rate + rate // 2] = 3000
    sound[20] = 30000
    seconds = [(first / rate, last / rate) for first, last in speech_segments(sound, rate)]
    assert seconds == [(1.0, 3.0), (4.0, 4.5)]
    assert speech_segments(np.zeros(10, dtype=np.int16), rate) == []
    assert speech_segments(np.zeros(rate, dtype=np.int16), rate) == []
