"""Stand-ins for engines, clocks and devices."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kinecue.speech.audio import Utterance
from kinecue.speech.errors import EngineError
from kinecue.speech.line_engine import LineEngine
from kinecue.speech.player import SpeechEvent, SpeechState
from kinecue.speech.sinks import ClockSink, Render, SinkStatus, StatusCallback

RATE = 16000
MS = 1_000_000

# Speaks piper's protocol. What it does wrong is asked for by the text.
FAKE_PROGRAM = """
import os, struct, sys, time, wave
folder, count = sys.argv[1], 0
print("INFO: loading", file=sys.stderr, flush=True)
for line in sys.stdin:
    count += 1
    text = line.strip()
    if "die" in text:
        print("ValueError: I cannot say this", file=sys.stderr, flush=True)
        os._exit(3)
    if "stall" in text:
        open(os.path.join(folder, "stalling"), "w").close()
        time.sleep(60)
    if "deaf" in text:
        sys.stdin.close(); time.sleep(60)
    path = os.path.join(folder, f"{count}.wav")
    if "outside" in text:
        path = os.path.join(os.path.dirname(folder), "elsewhere.wav")
        print(f"INFO: Wrote {path}", file=sys.stderr, flush=True)
        continue
    if "rubbish" in text:
        sys.stderr.buffer.write(b"\\xff\\xfe" * 5000 + b"\\n")
        open(path, "wb").write(os.urandom(500))
    elif "missing" in text:
        pass
    else:
        with wave.open(path, "wb") as file:
            file.setnchannels(1); file.setsampwidth(2); file.setframerate(16000)
            length = 0 if "empty" in text else 1600 * len(text.split())
            loud = 0 if "silent" in text else 12000
            wave_40 = struct.pack("<40h", *([loud] * 20 + [-loud] * 20))
            file.writeframes(wave_40 * (length // 40))
    print(f"INFO: Wrote {path}", file=sys.stderr, flush=True)
"""


def fake_line_engine(
    folder: Path, *, sentence_timeout_s: float = 5.0, program: str = FAKE_PROGRAM
) -> LineEngine:
    """A real process that behaves as its input says."""
    script = folder / "fake_engine.py"
    script.write_text(program)
    return LineEngine(
        "fake",
        "tester",
        "1",
        RATE,
        [sys.executable, "-S", str(script), "{folder}"],
        start_timeout_s=20.0,
        sentence_timeout_s=sentence_timeout_s,
    )


def tone(seconds: float = 0.1, amplitude: int = 8000, text: str = "tone", rate: int = RATE) -> Utterance:
    """A constant value, so that each sample tells which utterance it is from."""
    return Utterance(text, np.full(round(seconds * rate), amplitude, dtype=np.int16), rate)


class ToneEngine:
    """A voice in this process: a square wave as long as its text; counts what it did."""

    name, voice, version, language, sample_rate, speaks = ("tones", "square", "1", "en", RATE, True)
    start_s = 0.0

    def start(self) -> None:
        """It always runs."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.closed = False
        self.asked = threading.Event()
        self.may_work = threading.Event()
        self.may_work.set()

    def synthesize(self, text: str) -> Utterance:
        """Fails where the text says "fail", raises what is not an EngineError where it says "bug"."""
        self.asked.set()
        self.may_work.wait(10.0)
        self.texts.append(text)
        if "fail" in text:
            raise EngineError("it was told to fail")
        if "bug" in text:
            raise ZeroDivisionError("a mistake in an engine")
        wave = np.where(np.arange(1600 * len(text.split())) % 40 < 20, 9000, -9000)
        return Utterance(text, wave.astype(np.int16), RATE)

    def close(self) -> None:
        """Lets whoever waits go on."""
        self.closed = True
        self.may_work.set()


class FakeClock:
    """Nanoseconds that pass when told."""

    def __init__(self, now_ns: int = 1_000_000_000) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


class EventLog:
    """Collects events, and waits for one."""

    def __init__(self) -> None:
        self.events: list[SpeechEvent] = []
        self._news = threading.Condition()

    def __call__(self, event: SpeechEvent) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def states(self, cue_id: str) -> list[SpeechState]:
        """What became of one cue."""
        return [event.state for event in self.events if event.cue_id == cue_id]

    def one(self, cue_id: str, state: SpeechState) -> SpeechEvent:
        """The event of that state."""
        return next(event for event in self.events if (event.cue_id, event.state) == (cue_id, state))

    def wait(self, cue_id: str, state: SpeechState, timeout_s: float = 15.0) -> SpeechEvent:
        """Wait for an event."""
        with self._news:
            if not self._news.wait_for(lambda: state in self.states(cue_id), timeout_s):
                raise AssertionError(f"no {state} for '{cue_id}'; there were {self.events}")
        return self.one(cue_id, state)


class FakeDevice:
    """A device that pulls as the clock sink does, until it is told to fail."""

    def __init__(self, name: str = "Gym speaker", *, steady: bool = True) -> None:
        self.steady = steady
        self.failed: str | None = None
        self.closed = False
        self.status = SinkStatus(name, True, "fake", 0.04)
        self._pump = ClockSink()

    def start(self, render: Render, sample_rate: int, on_status: StatusCallback | None = None) -> None:
        """Pull."""
        self._pump.start(render, sample_rate)

    def unplug(self) -> None:
        """Ask for nothing more."""
        self._pump.close()
        self.failed = "unplugged"

    def close(self) -> None:
        """End."""
        self.closed = True
        self._pump.close()


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait for a condition that another thread brings about."""
    limit = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError("it did not happen in time")
        time.sleep(0.005)
