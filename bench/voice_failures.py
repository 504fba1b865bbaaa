"""What the lifter hears when something fails: the voice's engine, the sound device, the language model.

    python bench/voice_failures.py [--quick]

Speech: the service with its real engine as a process that is killed, stopped or taken away at the worst moment; what came
out is recorded and recognised (pocketsphinx). Model: the orchestrator as a process, with a real HTTP server process that
works, lies, stalls, streams rubbish, dies or is not there; faults are sent in every repetition, and a set is ended.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from bench.cue_latency import PHASES, LatencyError, Stage, apart, rows_of, talkative  # noqa: E402
from bench.hearing import Samples, SphinxListener, utterances  # noqa: E402
from kinecue.body.paths import data_dir  # noqa: E402
from kinecue.speech import Player, SpeechEvent, SpeechService, SpeechState, open_speech  # noqa: E402
from kinecue.speech.device import FallbackSink  # noqa: E402
from kinecue.speech.recorder import SessionRecorder  # noqa: E402
from kinecue.speech.sinks import ClockSink, Render, SinkStatus, StatusCallback  # noqa: E402
from kinecue.speech.voices import Voices  # noqa: E402
from kinecue_msgs import msg  # noqa: E402

READY = ("Push your knees out", "Press your heels into the floor", "Stop the set now")
"""Sentences that were synthesised before the set."""
NEW = "Keep your chest up"
"""One that was not."""
OTHERS = ("Push your knees in", "Lift your heels off the floor", "Keep your chest down", "Keep your hips up")
START_WITHIN_S = 0.6
"""As the shipped coaching settings have it."""
BETWEEN_S = 0.7
SENTENCE_S = 8.0
MODEL_SERVER = ROOT / "test" / "coaching" / "model_server.py"
LIES = "Push your knees in"
REPETITIONS, QUICK_REPETITIONS = 6, 3
MODEL_PATIENCE_S = 12.0
"""How long a model may word ahead of the set."""

Row = dict[str, Any]


class UnpluggedDevice:
    """A stand-in for a loudspeaker that can be pulled out; it takes sound in real time until then."""

    def __init__(self) -> None:
        self.steady = True
        self.failed: str | None = None
        self.status = SinkStatus("loudspeaker", True)
        self._pump = ClockSink()

    def start(self, render: Render, sample_rate: int, on_status: StatusCallback | None = None) -> None:
        """Begin to pull."""
        self._pump.start(render, sample_rate)

    def unplug(self) -> None:
        """Take no more sound."""
        self._pump.close()
        self.failed = "unplugged"

    def close(self) -> None:
        """End."""
        self._pump.close()


@dataclass
class Scene:
    """A speech service in which something will fail.

    Attributes:
        service: says; its first engine is a process of its own.
        devices: that were opened so far, the newest last.
    """

    service: SpeechService
    wav: Path
    events: list[SpeechEvent] = field(default_factory=list)
    devices: list[UnpluggedDevice] = field(default_factory=list)
    told: threading.Condition = field(default_factory=threading.Condition)
    said: list[tuple[str, str]] = field(default_factory=list)

    def on_event(self, event: SpeechEvent) -> None:
        """From a thread of the service."""
        with self.told:
            self.events.append(event)
            self.told.notify_all()

    def begin(self, text: str, urgency: int = 0) -> str:
        """Ask for a sentence as the orchestrator does; its name."""
        name = f"cue/{len(self.said) + 1}"
        self.said.append((name, text))
        limit = time.monotonic_ns() + int(START_WITHIN_S * 1e9)
        self.service.say(text, name, urgency=urgency, expires_ns=limit)
        return name

    def wait(self, name: str, *states: SpeechState, seconds: float = SENTENCE_S) -> None:
        """Until it came to one of the states."""
        ends = states or (
            SpeechState.FINISHED,
            SpeechState.INTERRUPTED,
            SpeechState.EXPIRED,
            SpeechState.FAILED,
        )
        with self.told:
            self.told.wait_for(
                lambda: any(one.cue_id == name and one.state in ends for one in self.events), seconds
            )

    def say(self, text: str) -> None:
        """A sentence, to its end, and a moment of silence."""
        self.wait(self.begin(text))
        time.sleep(BETWEEN_S)

    @property
    def engine_pid(self) -> int | None:
        """Of the first engine's process."""
        pid: int | None = getattr(self.service.voices.of("en").engine, "pid", None)
        return pid

    def signal_engine(self, number: int) -> None:
        """To the engine's process, if it runs."""
        pid = self.engine_pid
        if pid is not None:
            os.kill(pid, number)

    def became(self) -> list[Row]:
        """Each sentence with what the service told of it."""
        rows = []
        for name, text in self.said:
            mine = [one for one in self.events if one.cue_id == name]
            began = next((one for one in mine if one.state == SpeechState.STARTED), None)
            last = mine[-1] if mine else None
            rows.append(
                {
                    "text": text,
                    "became": last.state.value if last else "nothing was told",
                    "detail": last.detail if last else "",
                    "started_after_ms": (began.stamp_ns - began.requested_ns) * 1e-6 if began else None,
                }
            )
        return rows


@contextmanager
def speaking(folder: Path, engine: str, voice_dir: Path, plugged: bool) -> Iterator[Scene]:
    """A service that records what it hands out, with READY synthesised."""
    wav = folder / "heard.wav"
    scene: Scene
    devices: list[UnpluggedDevice] = []

    def opened() -> UnpluggedDevice:
        devices.append(UnpluggedDevice())
        return devices[-1]

    if plugged:
        voices = Voices(engine, voice_dir=voice_dir, cache_dir=folder / "phrases", language="en")
        recorder = SessionRecorder(wav, voices.sample_rate)
        sink = FallbackSink(open_device=opened, retry_s=1.0)
        player = Player(
            sink, voices.sample_rate, on_event=lambda event: scene.on_event(event), taps=(recorder,)
        )
        service = SpeechService(voices, player, recorder=recorder)
        scene = Scene(service, wav, devices=devices)
    else:
        service, _ = open_speech(
            engine=engine, voice_dir=voice_dir, cache_dir=folder / "phrases", device="none", record_to=wav,
            on_event=lambda event: scene.on_event(event),
        )  # fmt: skip
        scene = Scene(service, wav)
    try:
        service.prepare(READY).wait(60.0)
        time.sleep(0.3)
        yield scene
    finally:
        service.close()


def _works(scene: Scene) -> None:
    scene.say(READY[0])
    scene.say(NEW)


def _killed_while_playing(scene: Scene) -> None:
    name = scene.begin(READY[0])
    scene.wait(name, SpeechState.STARTED)
    scene.signal_engine(signal.SIGKILL)
    scene.wait(name)
    time.sleep(BETWEEN_S)
    scene.say(NEW)


def _killed_while_synthesising(scene: Scene) -> None:
    scene.signal_engine(signal.SIGSTOP)
    name = scene.begin(NEW)
    time.sleep(0.03)
    scene.signal_engine(signal.SIGKILL)
    scene.wait(name)
    time.sleep(BETWEEN_S)
    scene.say(READY[1])
    scene.say(NEW)


def _hangs(scene: Scene) -> None:
    scene.signal_engine(signal.SIGSTOP)
    scene.wait(scene.begin(NEW))
    time.sleep(BETWEEN_S)
    scene.say(READY[1])
    time.sleep(4.0)
    scene.say(NEW)


def _urgent_while_hanging(scene: Scene) -> None:
    scene.signal_engine(signal.SIGSTOP)
    scene.begin(NEW)
    time.sleep(0.1)
    scene.wait(scene.begin(READY[2], urgency=3))
    time.sleep(BETWEEN_S)


def _unplugged(scene: Scene) -> None:
    deadline = time.monotonic() + 10.0
    while not (scene.devices and scene.service.status.audible) and time.monotonic() < deadline:
        time.sleep(0.05)
    name = scene.begin(READY[0])
    scene.wait(name, SpeechState.STARTED)
    time.sleep(0.4)
    scene.devices[-1].unplug()
    scene.wait(name)
    time.sleep(BETWEEN_S)
    scene.say(READY[1])
    deadline = time.monotonic() + 10.0
    while not scene.service.status.audible and time.monotonic() < deadline:
        time.sleep(0.05)
    scene.say(READY[0])


@dataclass(frozen=True)
class Failure:
    """One thing that goes wrong with the voice."""

    title: str
    script: Callable[[Scene], None]
    engine: str = "auto"
    no_voice: bool = False
    plugged: bool = False


FAILURES = (
    Failure("nothing fails", _works),
    Failure("engine killed while a prepared sentence is heard", _killed_while_playing),
    Failure("engine killed while it makes a new sentence", _killed_while_synthesising),
    Failure("engine hangs", _hangs),
    Failure("danger while the engine hangs", _urgent_while_hanging),
    Failure("no engine at all", _works, engine="null", no_voice=True),
    Failure("loudspeaker pulled out in mid-sentence, and back", _unplugged, plugged=True),
)


def heard_in(wav: Path, listener: SphinxListener) -> list[str]:
    """The sentences in a recording; "..." for speech that is none of them."""
    if not wav.is_file():
        return []
    with wave.open(str(wav), "rb") as file:
        rate = file.getframerate()
        samples: Samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)
    sentences = [*READY, NEW, *OTHERS]
    spans = utterances(samples, rate)
    return [listener.hear(samples[first:last], rate, sentences) or "..." for first, last in spans]


def speech_failures(console: Console, quick: bool) -> list[Row]:
    """Each failure with what was heard and what the service told."""
    listener = SphinxListener()
    rows = []
    for failure in FAILURES[:3] if quick else FAILURES:
        with tempfile.TemporaryDirectory(prefix="kinecue-failure-") as name:
            folder = Path(name)
            path = os.environ["PATH"]
            if failure.no_voice:
                os.environ["PATH"] = str(folder)
            try:
                voice_dir = folder / "none" if failure.no_voice else data_dir() / "voice"
                with speaking(folder, failure.engine, voice_dir, failure.plugged) as scene:
                    engine = scene.service.voices.of("en").engine.name
                    failure.script(scene)
                    status = scene.service.status
            finally:
                os.environ["PATH"] = path
            rows.append(
                {
                    "failure": failure.title,
                    "engine": engine,
                    "asked_for": [text for _, text in scene.said],
                    "heard": heard_in(scene.wav, listener),
                    "told": scene.became(),
                    "device": f"{status.name}{'' if status.audible else ', not audible'}",
                }
            )
            console.print(f"{failure.title}: {rows[-1]['heard']}", highlight=False, markup=False)
    return rows


@dataclass(frozen=True)
class ModelCase:
    """A language model that behaves in some way; `path` is of the server that plays it, None = there is none."""

    title: str
    path: str | None
    listens: bool = True
    kind: str = "server"


MODEL_CASES = (
    ModelCase("none wanted", None, kind="none"),
    ModelCase("works", "good"),
    ModelCase("down: nobody listens", "good", listens=False),
    ModelCase("slow: begins a reply and stalls", "stalls"),
    ModelCase("slow: never answers", "silent"),
    ModelCase("lies: the opposite, fluently", f"say/{LIES.replace(' ', '%20')}"),
    ModelCase("streams rubbish", "rubbish"),
    ModelCase("floods", "floods"),
    ModelCase("dies in mid-reply", "dies"),
)


@contextmanager
def model_server(case: ModelCase) -> Iterator[str]:
    """The address of a server that behaves so."""
    # it ends with its input
    process = subprocess.Popen(
        [sys.executable, str(MODEL_SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None:
            raise LatencyError("the server's output cannot be read")
        port = process.stdout.readline().strip()
        if not case.listens:
            process.kill()
        yield f"http://127.0.0.1:{port}/{case.path}/v1"
    finally:
        process.kill()
        process.communicate()


def with_model(case: ModelCase, address: str, folder: Path, repetitions: int) -> Row:
    """The orchestrator with this model through a set: its cues, how long they took, and the summary."""
    language = yaml.safe_load((ROOT / "config" / "language.yaml").read_text(encoding="utf-8"))
    language |= {"model": case.kind, "variants": 1, "tries": 1}
    language["server"] = {"address": address, "silence_s": 2.0} if address else {}
    file = folder / "language.yaml"
    file.write_text(yaml.safe_dump(language), encoding="utf-8")
    changes: dict[str, Any] = {
        "danger_stop_after": 100, "repeat_after": 1, "theme_release_after": 1, "gap_s": 0.1, "summary": True,
    }  # fmt: skip
    parameters = {"settings_file": str(talkative(folder, **changes)), "language_file": str(file)}
    stage = Stage(folder)
    try:
        stage.programs.start("orchestrator", "orchestrator", {"orchestrator": parameters}, "sent")
        stage.programs.start("speech", "speech", {"speech": {"engine": "null", "device": "none"}}, "sent")
        node = stage.node
        up = stage.spin(
            60.0, lambda: node.count_subscribers("sent/form") > 0 and node.count_subscribers("sent/cues") > 1
        )
        if not up:
            raise LatencyError(f"orchestrator or speech did not start\n{stage.programs.last_words()}")
        stage.spin(1.5)
        stage.repetitions.select()
        if not stage.spin(90.0, lambda: stage.sent.heard.phrases > 0):
            raise LatencyError(f"the orchestrator prepared no phrases\n{stage.programs.last_words()}")
        book = stage.sent.heard.phrases
        stage.spin(MODEL_PATIENCE_S if case.kind != "none" else 1.0)
        length = sum(seconds for _, seconds in PHASES)
        stage.spin(length * repetitions, send=True)
        ended_ns = stage.repetitions.end(repetitions)
        stage.spin(6.0)
        heard = stage.sent.heard
        rows = rows_of(heard, case.title)
        summary = [one for one in heard.cues.values() if one.message.kind == msg.Cue.KIND_SUMMARY]
        delays = [row["fault_to_cue_ms"] for row in rows if row["fault_to_cue_ms"] is not None]
        spoken = list(heard.cues.values())
        return {
            "model": case.title,
            "phrases_of_book": book,
            "phrases_prepared": heard.phrases,
            "cues": len(spoken),
            "words_of_model": sum(one.message.words == msg.Cue.WORDS_MODEL for one in spoken),
            "fault_to_cue_ms": {"median": statistics.median(delays), "max": max(delays)} if delays else None,
            "said_what_it_lied": any(one.message.text.startswith(LIES) for one in spoken),
            "summary": summary[0].message.text if summary else None,
            "summary_after_s": (summary[0].sent_ns - ended_ns) * 1e-9 if summary else None,
            "texts": [one.message.text for one in spoken],
        }
    finally:
        stage.close()


def model_failures(console: Console, quick: bool) -> list[Row]:
    """Each kind of model with what was said."""
    rows = []
    with apart():
        for case in MODEL_CASES[:3] if quick else MODEL_CASES:
            with tempfile.TemporaryDirectory(prefix="kinecue-model-") as name:
                repetitions = QUICK_REPETITIONS if quick else REPETITIONS
                if case.path is None:
                    rows.append(with_model(case, "", Path(name), repetitions))
                else:
                    with model_server(case) as address:
                        rows.append(with_model(case, address, Path(name), repetitions))
            console.print(f"{case.title}: {rows[-1]['texts']}", highlight=False, markup=False)
    return rows


def measure(console: Console, quick: bool) -> dict[str, Any]:
    """What is heard with each failure of voice, device and model."""
    found = {"voice": speech_failures(console, quick), "model": model_failures(console, quick)}
    _table(found, console)
    return found


def _table(found: dict[str, Any], console: Console) -> None:
    voice = Table("failure", "asked for", "heard", "told", title="voice", show_lines=True)
    for row in found["voice"]:
        told = [f"{one['became']}{': ' + one['detail'] if one['detail'] else ''}" for one in row["told"]]
        voice.add_row(row["failure"], "\n".join(row["asked_for"]), "\n".join(row["heard"]), "\n".join(told))
    console.print(voice)
    model = Table(
        "model",
        "cues",
        "its words",
        "fault to cue, ms",
        "summary after, s",
        "summary",
        title="language model",
    )
    for row in found["model"]:
        delay = row["fault_to_cue_ms"]
        model.add_row(
            row["model"], str(row["cues"]), str(row["words_of_model"]),
            "-" if delay is None else f"{delay['median']:.1f} (max {delay['max']:.0f})",
            "-" if row["summary_after_s"] is None else f"{row['summary_after_s']:.1f}", row["summary"] or "-",
        )  # fmt: skip
    console.print(model)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if anything untrue was said."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three failures of each kind")
    parser.add_argument("--output", type=Path, default=ROOT / "bench_output" / "voice_failures.json")
    options = parser.parse_args(arguments)
    found = measure(Console(width=160), options.quick)
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(row["said_what_it_lied"] for row in found["model"]) else 0


if __name__ == "__main__":
    raise SystemExit(main())
