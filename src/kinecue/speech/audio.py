"""Mono sound as numbers: the utterance, and what makes it ready to play.

Levels are in dB relative to full scale (dBFS) of 16-bit samples.
"""

from __future__ import annotations

import importlib
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from kinecue.speech.errors import EngineOutputError

Samples = NDArray[np.int16]

FULL_SCALE = 32768.0
LEVEL_WINDOW_S = 0.005
# Speech peaks 12 to 18 dB above its active level, and piper's background lies 55 dB below its peak: -34 dB
# finds weak onsets such as /h/ and /f/ and still ignores that background.
ONSET_BELOW_PEAK_DB = 34.0
ONSET_MARGIN_S = 0.005
TAIL_S = 0.06
FADE_IN_S = 0.002
FADE_OUT_S = 0.02
ACTIVE_LEVEL_DBFS = -20.0
PEAK_LIMIT_DBFS = -1.0
SILENCE_DBFS = -60.0


@dataclass(frozen=True, eq=False)
class Utterance:
    """One spoken phrase: `samples` is int16, shape (n,), mono, at `sample_rate` Hz, made by `engine`."""

    text: str
    samples: Samples
    sample_rate: int
    engine: str = ""

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.int16:
            raise ValueError(
                f"Utterance.samples must be int16 (n,), got {self.samples.dtype} {self.samples.shape}"
            )
        if self.sample_rate <= 0:
            raise ValueError(f"Utterance.sample_rate must be positive, got {self.sample_rate}")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


def decibels(ratio: float) -> float:
    """Amplitude ratio to dB; a ratio of 0 gives -inf."""
    return float(20.0 * np.log10(ratio)) if ratio > 0.0 else float("-inf")


def window_levels(
    samples: Samples, sample_rate: int, window_s: float = LEVEL_WINDOW_S
) -> NDArray[np.float64]:
    """RMS amplitude in [0, 1] of successive windows of `window_s`; shape (ceil(n / window),)."""
    window = max(1, round(window_s * sample_rate))
    padded = np.zeros(-(-len(samples) // window) * window, dtype=np.float64)
    padded[: len(samples)] = samples / FULL_SCALE
    levels: NDArray[np.float64] = np.sqrt(np.mean(np.square(padded.reshape(-1, window)), axis=1))
    return levels


def speech_span(samples: Samples, sample_rate: int) -> tuple[int, int] | None:
    """First and one-past-last sample of the audible part, or None where all of it is silence."""
    levels = window_levels(samples, sample_rate)
    if len(levels) == 0 or decibels(float(levels.max())) < SILENCE_DBFS:
        return None
    audible = np.flatnonzero(levels > levels.max() * 10.0 ** (-ONSET_BELOW_PEAK_DB / 20.0))
    window = max(1, round(LEVEL_WINDOW_S * sample_rate))
    return int(audible[0]) * window, min(len(samples), (int(audible[-1]) + 1) * window)


def make_ready(utterance: Utterance) -> Utterance:
    """Cut the silence around the speech, bring it to a common level, fade both ends.

    The first sample is at most `ONSET_MARGIN_S` before the speech. The RMS of the active windows becomes
    `ACTIVE_LEVEL_DBFS` unless the peak would pass `PEAK_LIMIT_DBFS`.

    Raises:
        EngineOutputError: there is no speech in it.
    """
    rate = utterance.sample_rate
    span = speech_span(utterance.samples, rate)
    if span is None:
        raise EngineOutputError(f"the engine returned silence for '{utterance.text}'")
    first = max(0, span[0] - round(ONSET_MARGIN_S * rate))
    last = min(len(utterance.samples), span[1] + round(TAIL_S * rate))
    speech = utterance.samples[first:last].astype(np.float64) / FULL_SCALE

    levels = window_levels(utterance.samples[first:last], rate)
    active = levels[levels > levels.max() * 0.1]
    gain = 10.0 ** (ACTIVE_LEVEL_DBFS / 20.0) / float(np.sqrt(np.mean(np.square(active))))
    gain = min(gain, 10.0 ** (PEAK_LIMIT_DBFS / 20.0) / float(np.abs(speech).max()))
    speech *= gain

    fade_in, fade_out = min(len(speech), round(FADE_IN_S * rate)), min(len(speech), round(FADE_OUT_S * rate))
    speech[:fade_in] *= np.linspace(0.0, 1.0, fade_in)
    speech[len(speech) - fade_out :] *= np.linspace(1.0, 0.0, fade_out)
    return Utterance(utterance.text, to_int16(speech), rate, utterance.engine)


def to_int16(samples: NDArray[np.float64]) -> Samples:
    """Amplitudes in [-1, 1] to int16, clipped."""
    clipped: Samples = np.clip(np.round(samples * FULL_SCALE), -32768, 32767).astype(np.int16)
    return clipped


def resample(utterance: Utterance, sample_rate: int) -> Utterance:
    """The same phrase at another rate, by a polyphase filter."""
    if utterance.sample_rate == sample_rate:
        return utterance
    # Loading scipy takes a third of a second, and most set-ups never need it.
    signal = importlib.import_module("scipy.signal")
    common = int(np.gcd(utterance.sample_rate, sample_rate))
    up, down = sample_rate // common, utterance.sample_rate // common
    converted: NDArray[np.float64] = signal.resample_poly(utterance.samples / FULL_SCALE, up, down)
    return Utterance(utterance.text, to_int16(converted), sample_rate, utterance.engine)


def read_wav(source: Path | IO[bytes], text: str = "", longest_s: float = 60.0) -> Utterance:
    """Read a mono 16-bit WAV.

    Raises:
        EngineOutputError: it is not such a file, is empty, or is longer than `longest_s`.
    """
    try:
        with wave.open(str(source) if isinstance(source, Path) else source, "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth())
            rate, frames = file.getframerate(), file.getnframes()
            if shape != (1, 2) or rate <= 0:
                raise EngineOutputError(
                    f"expected a mono 16-bit WAV, got {shape[0]} channels of {8 * shape[1]} bits at {rate} Hz"
                )
            if frames > longest_s * rate:
                raise EngineOutputError(f"{frames / rate:.0f} s of sound, longer than {longest_s:.0f} s")
            data = file.readframes(frames)
    except (OSError, EOFError, wave.Error) as error:
        raise EngineOutputError(f"not a readable WAV: {error or type(error).__name__}") from error
    samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.int16)
    if len(samples) == 0:
        raise EngineOutputError("the WAV holds no samples")
    return Utterance(text, samples, rate)


def write_wav(target: Path | IO[bytes], utterance: Utterance) -> None:
    """Write a mono 16-bit WAV."""
    with wave.open(str(target) if isinstance(target, Path) else target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(utterance.sample_rate)
        file.writeframes(utterance.samples.astype("<i2").tobytes())
