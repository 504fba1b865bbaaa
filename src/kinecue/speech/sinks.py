"""Where sound goes: something that asks for the next samples in real time, or when told.

A sink pulls. It calls ``render(frames, start_ns)`` and gets int16 of shape (frames,); `start_ns` is when, on
the clock that the player uses, the first of them is due.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kinecue.speech.audio import Samples

Render = Callable[[int, int], Samples]
Clock = Callable[[], int]

NS = 1_000_000_000


_HURRY = -10


def hurry() -> None:
    """Put the calling thread before those that compute, where the system allows that (root, or LimitNICE=-10)."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _HURRY)


@dataclass(frozen=True)
class SinkStatus:
    """What takes the sound at the moment.

    `audible` tells whether it goes to a device; `latency_s` is the time from handing a sample out until it is
    heard, as far as the device tells.
    """

    name: str
    audible: bool
    detail: str = ""
    latency_s: float = 0.0


StatusCallback = Callable[[SinkStatus], None]


class Sink(Protocol):
    """See the module's text. `start` is called once, `close` ends it and may be called twice."""

    @property
    def status(self) -> SinkStatus:
        """What takes the sound now."""
        ...

    def start(self, render: Render, sample_rate: int, on_status: StatusCallback | None = None) -> None:
        """Begin to pull; `on_status` is called whenever the status changes."""
        ...

    def close(self) -> None:
        """Stop to pull. No `render` runs when this has returned."""
        ...


class ClockSink:
    """No device: takes a block whenever 10 ms have passed, so that all else stays the same."""

    block_s = 0.01
    # After a longer pause of the process (a laptop that slept) it goes on from now instead of catching up.
    longest_catch_up_ns = NS

    def __init__(self, detail: str = "no sound device wanted", *, clock: Clock = time.monotonic_ns) -> None:
        self._status = SinkStatus("clock", False, detail)
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def status(self) -> SinkStatus:
        """Never audible."""
        return self._status

    def start(self, render: Render, sample_rate: int, on_status: StatusCallback | None = None) -> None:
        """Begin to pull in a thread of its own."""
        self._thread = threading.Thread(
            target=self._run, args=(render, sample_rate), name="kinecue-clock-sink", daemon=True
        )
        self._thread.start()

    def _run(self, render: Render, sample_rate: int) -> None:
        hurry()
        frames = round(self.block_s * sample_rate)
        zero, blocks = self._clock(), 0
        while not self._stop.is_set():
            due = zero + blocks * frames * NS // sample_rate
            now = self._clock()
            if now - due > self.longest_catch_up_ns:
                zero, blocks, due = now, 0, now
            if now < due:
                self._stop.wait((due - now) / NS)
                continue
            render(frames, due)
            blocks += 1

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0)


class ManualSink:
    """Pulls when told: for tests, and for rendering faster than real time."""

    def __init__(self) -> None:
        self._render: Render | None = None
        self._sample_rate = 0
        self._status = SinkStatus("manual", False)

    @property
    def status(self) -> SinkStatus:
        """Never audible."""
        return self._status

    def start(self, render: Render, sample_rate: int, on_status: StatusCallback | None = None) -> None:
        """Keep `render` for `pull`."""
        self._render, self._sample_rate = render, sample_rate

    def pull(self, frames: int, start_ns: int) -> Samples:
        """The next `frames` samples, of which the first is due at `start_ns`."""
        if self._render is None:
            raise RuntimeError("ManualSink.pull before start")
        return self._render(frames, start_ns)

    def close(self) -> None:
        """Nothing to end."""
