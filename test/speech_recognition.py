"""Hears what was said: pocketsphinx (BSD, model inside) with a grammar of the phrases that may occur.

The recogniser forces foreign speech into its grammar, so give it the opposites of what you expect as well
("push your knees out" beside "push your knees in"): only then does a right answer mean something.
"""

from __future__ import annotations

import re
import wave
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 16000
FRAME_S = 0.02
# Recordings hold digital silence between utterances and speech at -20 dBFS.
SPEECH_DBFS = -45.0
# piper pauses for up to 0.44 s at a comma. The player leaves 0.5 s between utterances, to which the ends of
# both add some 70 ms.
LONGEST_PAUSE_S = 0.5
SHORTEST_SPEECH_S = 0.2
PADDING_S = 0.25


def words_of(phrase: str) -> str:
    """The phrase as the recogniser writes it: lower case, no punctuation."""
    return " ".join(re.findall(r"[a-z']+", phrase.lower().replace("\u2019", "'")))


def recognise(sound: NDArray[np.int16] | Path | str, phrases: Iterable[str], rate: int = RATE) -> str | None:
    """Which of `phrases` is spoken, or None where it is none of them.

    `sound` is int16 of shape (n,) at `rate` Hz, or a mono 16-bit WAV; it should hold one utterance.
    """
    if isinstance(sound, (str, Path)):
        sound, rate = read_wav(Path(sound))
    return _listener(tuple(phrases)).hear(sound, rate)


def recognise_all(path: Path | str, phrases: Iterable[str]) -> list[tuple[float, str]]:
    """Every utterance in a recording: seconds from its beginning, and which of `phrases` it is.

    What is none of them is given as "?".
    """
    samples, rate = read_wav(Path(path))
    listener = _listener(tuple(phrases))
    heard = []
    for first, last in speech_segments(samples, rate):
        heard.append((first / rate, listener.hear(samples[first:last], rate) or "?"))
    return heard


def read_wav(path: Path) -> tuple[NDArray[np.int16], int]:
    """Samples, shape (n,), and rate in Hz of a mono 16-bit WAV."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError(f"{path}: expected mono 16 bit")
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(
            np.int16
        ), file.getframerate()


def speech_segments(samples: NDArray[np.int16], rate: int) -> list[tuple[int, int]]:
    """First and one-past-last sample of each utterance, found by energy."""
    frame = round(FRAME_S * rate)
    count = len(samples) // frame
    if count == 0:
        return []
    level = np.sqrt(np.mean(np.square(samples[: count * frame].reshape(count, frame) / 32768.0), axis=1))
    loud = np.flatnonzero(level > 10.0 ** (SPEECH_DBFS / 20.0))
    if len(loud) == 0:
        return []
    breaks = np.flatnonzero(np.diff(loud) * FRAME_S > LONGEST_PAUSE_S)
    firsts, lasts = loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, len(loud) - 1]] + 1
    return [
        (int(first) * frame, int(last) * frame)
        for first, last in zip(firsts, lasts, strict=True)
        if (last - first) * FRAME_S >= SHORTEST_SPEECH_S
    ]


class _Listener:
    """A recogniser for one set of phrases."""

    def __init__(self, phrases: Iterable[str]) -> None:
        sphinx = pytest.importorskip("pocketsphinx", reason="pocketsphinx (the test extra) is not installed")
        self._by_words = {words_of(phrase): phrase for phrase in phrases}
        self._decoder: Any = sphinx.Decoder(loglevel="FATAL", samprate=float(RATE))
        unknown = sorted(
            {
                word
                for words in self._by_words
                for word in words.split()
                if self._decoder.lookup_word(word) is None
            }
        )
        if unknown:
            raise ValueError(f"the recogniser's dictionary lacks: {', '.join(unknown)}")
        grammar = "#JSGF V1.0;\ngrammar cues;\npublic <cue> = " + " | ".join(self._by_words) + " ;\n"
        self._decoder.add_jsgf_string("cues", grammar)
        self._decoder.activate_search("cues")

    def hear(self, samples: NDArray[np.int16], rate: int) -> str | None:
        silence = np.zeros(round(PADDING_S * RATE), dtype=np.int16)
        padded = np.concatenate([silence, _to_16k(samples, rate), silence])
        self._decoder.start_utt()
        self._decoder.process_raw(padded.tobytes(), full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        return None if best is None else self._by_words.get(best.hypstr.strip())


@lru_cache(maxsize=4)
def _listener(phrases: tuple[str, ...]) -> _Listener:
    """Loading the model takes half a second."""
    return _Listener(phrases)


def _to_16k(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    if rate == RATE:
        return samples.astype(np.int16)
    from scipy.signal import resample_poly

    common = int(np.gcd(rate, RATE))
    converted = resample_poly(samples / 32768.0, RATE // common, rate // common)
    return np.clip(np.round(converted * 32768.0), -32768, 32767).astype(np.int16)
