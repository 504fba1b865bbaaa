"""Writes everything that was handed out to a WAV, in a thread of its own."""

from __future__ import annotations

import logging
import os
import queue
import struct
import threading
from pathlib import Path
from typing import IO

from kinecue.speech.audio import Samples
from kinecue.speech.errors import RecorderError
from kinecue.speech.sinks import NS

_LOG = logging.getLogger(__name__)

HEADER_BYTES = 44
HEADER_EVERY_S = 1.0
# The sizes in a WAV header are 32 bit.
LARGEST_DATA_BYTES = 2**32 - 1 - 2 * HEADER_BYTES


def wav_header(sample_rate: int, data_bytes: int) -> bytes:
    """Header of a mono 16-bit PCM WAV (RIFF, Microsoft 1991)."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        HEADER_BYTES - 8 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        sample_rate,
        2 * sample_rate,
        2,
        16,
        b"data",
        data_bytes,
    )


class SessionRecorder:
    """A tap of the player. Until `close` it writes ``NAME.part``, its header updated each second."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        """Open the file; its folder is made.

        Raises:
            RecorderError: it cannot be written there.
        """
        self.path, self.sample_rate = path, sample_rate
        self.problem: str | None = None
        self.zero_ns: int | None = None  # when sample 0 was due, on the player's clock
        self._part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = self._part.open("wb")
            self._file.write(wav_header(sample_rate, 0))
        except OSError as error:
            raise RecorderError(f"cannot record to {path}: {error}") from error
        self._data_bytes = 0
        self._blocks: queue.SimpleQueue[Samples | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="kinecue-recorder", daemon=True)
        self._thread.start()

    def write(self, samples: Samples, start_ns: int) -> None:
        """Take samples; returns at once."""
        if self._closed:
            return
        if self.zero_ns is None:
            self.zero_ns = start_ns
        self._blocks.put(samples)

    def sample_at(self, stamp_ns: int) -> int | None:
        """Index of the sample that was due at `stamp_ns` on the player's clock; None before the first."""
        if self.zero_ns is None:
            return None
        return round((stamp_ns - self.zero_ns) * self.sample_rate / NS)

    def close(self) -> Path | None:
        """Write what is left and give the file its name. Returns it, or None where `problem` says why not."""
        if not self._closed:
            self._closed = True
            self._blocks.put(None)
            self._thread.join(10.0)
        return self.path if self.problem is None and self.path.exists() else None

    def _run(self) -> None:
        try:
            self._record()
        except OSError as error:
            self.problem = f"recording to {self.path} stopped: {error}"
            _LOG.error("%s", self.problem)
            self._close_quietly()

    def _record(self) -> None:
        since_header = 0
        while True:
            block = self._blocks.get()
            if block is None:
                break
            data = block.astype("<i2").tobytes()
            if self._data_bytes + len(data) > LARGEST_DATA_BYTES:
                _LOG.warning("%s is as large as a WAV can be; the rest is not recorded", self.path)
                break
            self._file.write(data)
            self._data_bytes += len(data)
            since_header += len(block)
            if since_header >= HEADER_EVERY_S * self.sample_rate:
                self._write_header()
                since_header = 0
        self._write_header()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self.path)

    def _write_header(self) -> None:
        self._file.seek(0)
        self._file.write(wav_header(self.sample_rate, self._data_bytes))
        self._file.seek(0, os.SEEK_END)
        self._file.flush()

    def _close_quietly(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            _LOG.debug("closing %s: %s", self._part, error)
