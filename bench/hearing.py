"""Hears what was said: pocketsphinx (BSD, model inside) with a grammar, for English.

A grammar forces what it hears into itself, so it has to hold the opposites of each sentence, too: only then does a right
answer mean something. Other speech mostly ends in the middle of a sentence of the grammar, and is refused by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bench.spoken_phrases import words_of

Samples = NDArray[np.int16]
RATE = 16000
PADDING_S = 0.25
FRAME_S = 0.02
SPEECH_DBFS = -45.0
LONGEST_PAUSE_S = 0.45
"""Within an utterance; a voice pauses at a comma."""
SHORTEST_S = 0.15

GYM_WORDS = {
    "ab": "AE B",
    "bodyweight": "B AA D IY W EY T",
    "dead": "D EH D",
    "deadlift": "D EH D L IH F T",
    "inwards": "IH N W ER D Z",
    "kettlebell": "K EH T AH L B EH L",
    "pulldown": "P UH L D AW N",
    "pushdown": "P UH SH D AW N",
    "romanian": "R OW M EY N IY AH N",
    "triceps": "T R AY S EH P S",
    "bicep": "B AY S EH P",
}
"""Words that the recogniser's dictionary of American English lacks, in its phones."""


class Listener(Protocol):
    """Chooses among sentences."""

    name: str

    def hear(self, samples: Samples, rate: int, sentences: Sequence[str]) -> str | None:
        """Which of the sentences it is, if any."""
        ...


def at_16k(samples: Samples, rate: int) -> Samples:
    """The sound at the rate of the recognisers, shape (n,)."""
    if rate == RATE:
        return samples.astype(np.int16)
    common = int(np.gcd(rate, RATE))
    converted = resample_poly(samples / 32768.0, RATE // common, rate // common)
    found: Samples = np.clip(np.round(converted * 32768.0), -32768, 32767).astype(np.int16)
    return found


def utterances(samples: Samples, rate: int) -> list[tuple[int, int]]:
    """First and one-past-last sample of each stretch of speech in a recording, by its energy."""
    frame = round(FRAME_S * rate)
    count = len(samples) // frame
    squares = np.square(samples[: count * frame].reshape(count, frame) / 32768.0)
    loud = np.flatnonzero(np.sqrt(np.mean(squares, axis=1)) > 10.0 ** (SPEECH_DBFS / 20.0))
    if len(loud) == 0:
        return []
    breaks = np.flatnonzero(np.diff(loud) * FRAME_S > LONGEST_PAUSE_S)
    firsts, lasts = loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, len(loud) - 1]] + 1
    found = [(int(a), int(b)) for a, b in zip(firsts, lasts, strict=True) if (b - a) * FRAME_S >= SHORTEST_S]
    return [(a * frame, b * frame) for a, b in found]


class SphinxListener:
    """One model for all grammars; a grammar is built when it is first wanted."""

    name = "pocketsphinx"

    def __init__(self) -> None:
        """Loads the model, 0.5 s.

        Raises:
            ImportError: pocketsphinx is not there.
        """
        from pocketsphinx import Decoder  # type: ignore[import-untyped,unused-ignore]

        self._decoder: Any = Decoder(loglevel="FATAL", samprate=float(RATE))
        for word, phones in GYM_WORDS.items():
            if self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, phones, True)
        self._grammar: tuple[str, ...] = ()

    def unknown(self, sentences: Iterable[str]) -> list[str]:
        """Words that it cannot hear."""
        words = {word for text in sentences for word in words_of(text).split()}
        return sorted(word for word in words if self._decoder.lookup_word(word) is None)

    def hear(self, samples: Samples, rate: int, sentences: Sequence[str]) -> str | None:
        """Which of the sentences, in lower case without punctuation; those with an unknown word cannot be heard."""
        wanted = tuple(dict.fromkeys(words_of(text) for text in sentences))
        if wanted != self._grammar:
            known = [text for text in wanted if not self.unknown([text])]
            grammar = "#JSGF V1.0;\ngrammar cues;\npublic <cue> = " + " | ".join(known) + " ;\n"
            self._decoder.add_jsgf_string("cues", grammar)
            self._decoder.activate_search("cues")
            self._grammar = wanted
        silence = np.zeros(round(PADDING_S * RATE), dtype=np.int16)
        padded = np.concatenate([silence, at_16k(samples, rate), silence])
        self._decoder.start_utt()
        self._decoder.process_raw(padded.tobytes(), full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        heard = best.hypstr.strip() if best is not None else ""
        return heard if heard in wanted else None
