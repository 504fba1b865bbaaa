"""What is said, piece by piece with its cue, for players that are not on this machine."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kinecue.speech.audio import Samples

# Larger than a sink's block, so that a message is worth its cost; smaller than what a listener would notice.
PIECE_S = 0.04


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of one utterance: int16 `samples`, shape (n,), of which the first sounds at `start_ns`; `last` of its cue."""

    cue_id: str
    samples: Samples
    sample_rate: int
    start_ns: int
    last: bool


class Pieces:
    """Gathers what a sink's blocks hold of each cue, and hands it on in pieces, in a thread of its own."""

    def __init__(self, sample_rate: int, on_piece: Callable[[Piece], None]) -> None:
        self._rate, self._on_piece = sample_rate, on_piece
        self._enough = round(PIECE_S * sample_rate)
        self._blocks: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="kinecue-speech-audio", daemon=True)
        self._thread.start()

    def spoken(self, cue_id: str, samples: Samples, start_ns: int, last: bool) -> None:
        """Take what a block holds of a cue; returns at once."""
        self._blocks.put(Piece(cue_id, samples, self._rate, start_ns, last))

    def close(self) -> None:
        """Hand on what is there, and end."""
        self._blocks.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join(2.0)

    def _run(self) -> None:
        gathered: list[Piece] = []
        while (block := self._blocks.get()) is not None:
            if gathered and gathered[0].cue_id != block.cue_id:
                self._hand_on(gathered)
            gathered.append(block)
            if block.last or sum(len(piece.samples) for piece in gathered) >= self._enough:
                self._hand_on(gathered)
        self._hand_on(gathered)

    def _hand_on(self, gathered: list[Piece]) -> None:
        if gathered:
            first = gathered[0]
            samples: Samples = np.concatenate([piece.samples for piece in gathered])
            self._on_piece(Piece(first.cue_id, samples, self._rate, first.start_ns, gathered[-1].last))
            gathered.clear()
