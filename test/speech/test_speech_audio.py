"""Text and sound made ready to play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.speech.audio import (
    Utterance,
    decibels,
    make_ready,
    read_wav,
    resample,
    speech_span,
    to_int16,
    window_levels,
    write_wav,
)
from kinecue.speech.errors import EngineOutputError, UnspeakableTextError
from kinecue.speech.text import LONGEST_TEXT, speakable

RATE = 16000


def sine(seconds: float, amplitude: float = 0.2, hertz: float = 440.0, rate: int = RATE) -> np.ndarray:
    return amplitude * np.sin(2.0 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def spoken(before_s: float, speech_s: float, after_s: float, amplitude: float = 0.2) -> Utterance:
    parts = [np.zeros(round(before_s * RATE)), sine(speech_s, amplitude), np.zeros(round(after_s * RATE))]
    return Utterance("a tone", to_int16(np.concatenate(parts)), RATE)


def test_silence_around_the_speech_is_cut() -> None:
    ready = make_ready(spoken(0.3, 0.5, 0.4))
    span = speech_span(ready.samples, RATE)
    assert span is not None
    assert span[0] <= 0.011 * RATE
    assert len(ready.samples) - span[1] <= 0.061 * RATE
    assert ready.duration_s == pytest.approx(0.5 + 0.005 + 0.06, abs=0.006)


@pytest.mark.parametrize("amplitude", [0.01, 0.1, 0.9])
def test_loud_and_quiet_voices_come_out_equally_loud(amplitude: float) -> None:
    ready = make_ready(spoken(0.0, 1.0, 0.0, amplitude))
    middle = ready.samples[RATE // 4 : RATE // 2] / 32768.0
    assert decibels(float(np.sqrt(np.mean(np.square(middle))))) == pytest.approx(-20.0, abs=0.3)


def test_a_peaky_voice_is_not_clipped() -> None:
    samples = sine(1.0, 0.05)
    samples[::400] = 0.9
    ready = make_ready(Utterance("clicks", to_int16(samples), RATE))
    assert decibels(np.abs(ready.samples).max() / 32768.0) == pytest.approx(-1.0, abs=0.1)


def test_both_ends_are_faded_to_nothing() -> None:
    ready = make_ready(spoken(0.0, 0.5, 0.0))
    assert ready.samples[0] == 0
    assert ready.samples[-1] == 0


@pytest.mark.parametrize("samples", [np.zeros(8000), sine(0.5, 0.0005)])
def test_an_engine_that_returns_silence_is_an_error(samples: np.ndarray) -> None:
    with pytest.raises(EngineOutputError, match="silence for 'nothing'"):
        make_ready(Utterance("nothing", to_int16(samples), RATE))


@given(st.integers(1, 4000), st.integers(0, 2**32 - 1))
def test_any_sound_is_made_ready_or_refused(length: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(-32768, 32767, length).astype(np.int16)
    try:
        ready = make_ready(Utterance("noise", noise, RATE))
    except EngineOutputError:
        # a sample or two may be all but zero by chance
        assert np.abs(window_levels(noise, RATE)).max() < 0.02
        return
    assert len(ready.samples) <= length
    assert np.abs(ready.samples.astype(np.int32)).max() <= 32768 * 10 ** (-1.0 / 20.0) + 1


def test_resampling_keeps_the_tone() -> None:
    up = resample(Utterance("a", to_int16(sine(1.0, 0.5, rate=16000)), 16000), 22050)
    assert up.sample_rate == 22050
    assert len(up.samples) == 22050
    spectrum = np.abs(np.fft.rfft(up.samples))
    assert int(np.argmax(spectrum)) == 440
    assert np.abs(up.samples).max() == pytest.approx(0.5 * 32768, rel=0.02)


def test_levels_of_a_sine() -> None:
    levels = window_levels(to_int16(sine(0.1, 0.5, hertz=400.0)), RATE)
    assert levels == pytest.approx(0.5 / np.sqrt(2.0), abs=0.001)


def test_wav_comes_back_as_it_was(tmp_path: Path) -> None:
    written = spoken(0.0, 0.1, 0.0)
    write_wav(tmp_path / "a.wav", written)
    read = read_wav(tmp_path / "a.wav", "a tone")
    assert (read.text, read.sample_rate) == ("a tone", RATE)
    np.testing.assert_array_equal(read.samples, written.samples)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"\x00" * 100])
def test_a_damaged_wav_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(EngineOutputError, match="not a readable WAV"):
        read_wav(tmp_path / "a.wav")


def test_an_endless_wav_is_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", spoken(0.0, 2.0, 0.0))
    with pytest.raises(EngineOutputError, match="longer than 1 s"):
        read_wav(tmp_path / "a.wav", longest_s=1.0)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((2, 2), dtype=np.int16), RATE, "int16"),
        (np.zeros(2, dtype=np.float32), RATE, "int16"),
        (np.zeros(2, dtype=np.int16), 0, "sample_rate"),
    ],
)
def test_an_utterance_checks_its_samples(samples: np.ndarray, rate: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Utterance("x", samples, rate)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Push your knees out", "Push your knees out."),
        ("  Much better,\nkeep it  like that! ", "Much better, keep it like that!"),
        ("Deeper, ", "Deeper."),
        ("Say [[ h@'loU ]] now", "Say h@'loU now."),
        ("<voice>hi</voice>", "voice hi /voice."),
        ("Knie\u00a0nach au\u00dfen\u2028bitte", "Knie nach au\u00dfen bitte."),
        ("bell\x07 and \x1b[31mred", "bell and [31mred."),
    ],
)
def test_text_becomes_one_plain_line(text: str, line: str) -> None:
    assert speakable(text) == line


@pytest.mark.parametrize("text", ["", "   ", "...", "\n", "[[ ]]", "a" * (LONGEST_TEXT + 1)])
def test_what_cannot_be_said_is_refused(text: str) -> None:
    with pytest.raises(UnspeakableTextError):
        speakable(text)


@given(st.text(max_size=60))
def test_any_text_is_one_line_or_refused(text: str) -> None:
    try:
        line = speakable(text)
    except UnspeakableTextError:
        return
    assert "\n" not in line
    assert line.isprintable()
    assert speakable(line) == line
