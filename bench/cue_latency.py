"""How long after a fault the coach decides, and how long after that the first sample sounds, under the load of the camera.

    python bench/cue_latency.py [--quick]

The graph runs as its users run it, a process on two cores, in real time on the sample clips, BlazePose and fit included;
what scoring finds there gives the first cues. Beside it, for a p99 that means something, an orchestrator and a speech node
run as processes of their own and are sent a fault in every repetition: each second one a danger, said at once, the others
corrections, said at the bottom. All times are read off the messages: when the fault was sent (or, if that was later, the
frame at which it may be said), when the cue was sent, when its first sample sounded.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rich.console import Console
from rich.table import Table

from kinecue.cli.sample import make_samples, samples_dir
from kinecue.exercise import find_exercise
from kinecue.exercise.results import Phase, Severity
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, SENSOR_QOS, ns_to_stamp, stamp_to_ns
from kinecue.nodes.message_parts import header
from kinecue.simulation.clip import ClipTruth, truth_path
from kinecue_msgs import msg

ROOT = Path(__file__).resolve().parents[1]
DOMAIN = "89"
CORES = 2
FPS = 30.0
CLIPS = (("sample_squat", "squat"), ("sample_curl", "biceps_curl"))
SECONDS_PER_CLIP, QUICK_SECONDS = 150.0, 40.0
START_PATIENCE_S = 90.0
PREPARED_PATIENCE_S = 240.0
PROMPT_MS = 50.0
"""Issue: cached phrases start within this of the cue, 99 of 100."""
PHASES = ((Phase.TOP, 0.8), (Phase.ECCENTRIC, 0.9), (Phase.BOTTOM, 0.3), (Phase.CONCENTRIC, 0.9))
"""Of the repetitions that are sent: 2.9 s each."""
EXERCISE = "squat"
DANGER_SAID_AFTER_S = 1.1
_TICKS = os.sysconf("SC_CLK_TCK")

Row = dict[str, Any]


class LatencyError(Exception):
    """Something did not come up; the text says what."""


@dataclass
class Spoken:
    """One cue with the times at which its messages were sent, ns of the system's clock."""

    message: msg.Cue
    sent_ns: int
    first_sample_ns: int = 0
    prepared: bool = False
    status: int = -1


@dataclass
class Heard:
    """What one graph sent."""

    faults: dict[str, int] = field(default_factory=dict)
    forms: dict[int, int] = field(default_factory=dict)
    cues: dict[str, Spoken] = field(default_factory=dict)
    phrases: int = 0


class Ear:
    """Listens to one graph; the middleware tells when a message was sent."""

    def __init__(self, node: Node, prefix: str = "") -> None:
        self.heard = Heard()
        listen = node.create_subscription
        listen(msg.FormFault, f"{prefix}faults", self._on_fault, EVENT_QOS)
        listen(msg.FormState, f"{prefix}form", self._on_form, SENSOR_QOS)
        listen(msg.Cue, f"{prefix}cues", self._on_cue, EVENT_QOS)
        listen(msg.SpeechStatus, f"{prefix}speech_status", self._on_speech, EVENT_QOS)
        listen(msg.PhraseList, f"{prefix}phrases", self._on_phrases, LATCHED_QOS)

    def _on_fault(self, message: msg.FormFault, info: Any) -> None:
        self.heard.faults[message.id] = info["source_timestamp"]

    def _on_form(self, message: msg.FormState, info: Any) -> None:
        self.heard.forms[stamp_to_ns(message.header.stamp)] = info["source_timestamp"]

    def _on_cue(self, message: msg.Cue, info: Any) -> None:
        self.heard.cues[message.id] = Spoken(message, info["source_timestamp"])

    def _on_speech(self, message: msg.SpeechStatus, _: Any) -> None:
        cue = self.heard.cues.get(message.cue_id)
        if cue is None:
            return
        cue.status = message.status
        if message.status == msg.SpeechStatus.STARTED:
            cue.first_sample_ns = stamp_to_ns(message.header.stamp)
            cue.prepared = bool(message.prepared)

    def _on_phrases(self, message: msg.PhraseList, _: Any) -> None:
        self.heard.phrases = len(message.phrases)


def rows_of(heard: Heard, source: str) -> list[Row]:
    """Each cue about a fault: from fault to cue; each cue: from cue to first sample; ms."""
    rows = []
    for cue in heard.cues.values():
        message = cue.message
        created = stamp_to_ns(message.created)
        row: Row = {
            "source": source,
            "text": message.text,
            "kind": int(message.kind),
            "prepared": cue.prepared,
            "status": cue.status,
            "cue_to_sample_ms": (cue.first_sample_ns - created) * 1e-6 if cue.first_sample_ns else None,
            "fault_to_cue_ms": None,
        }
        raised = [heard.faults[one] for one in message.fault_ids if one in heard.faults]
        if raised:
            trigger = stamp_to_ns(message.header.stamp)
            # a fault that waits for its moment is said when the frame of that moment was scored
            waited = trigger > stamp_to_ns(message.fault_stamp) and message.kind != msg.Cue.KIND_DANGER
            moment = max(max(raised), heard.forms.get(trigger, 0) if waited else 0)
            row["fault_to_cue_ms"] = (cue.sent_ns - moment) * 1e-6
            row["waited"] = waited
        rows.append(row)
    return rows


class Repetitions:
    """Sends what scoring would send: frames, and a fault in every repetition."""

    def __init__(self, node: Node, prefix: str) -> None:
        self._forms = node.create_publisher(msg.FormState, f"{prefix}form", SENSOR_QOS)
        self._faults = node.create_publisher(msg.FormFault, f"{prefix}faults", EVENT_QOS)
        self._repetitions = node.create_publisher(msg.Repetition, f"{prefix}repetitions", EVENT_QOS)
        self._sets = node.create_publisher(msg.SetSummary, f"{prefix}set", LATCHED_QOS)
        faults = find_exercise(EXERCISE).faults
        self._known = [(name, fault) for name, fault in faults.items() if fault.correction]
        self._begun_s = 0.0
        self._frame = -1
        self._sent: set[int] = set()

    def select(self, active: bool = False) -> None:
        """Tells which exercise it is, so that its phrases are prepared; or, `active`, that its set begins."""
        now = time.time_ns()
        self._sets.publish(
            msg.SetSummary(
                header=header(now), set_id="set-1" if active else "", body_id="aaaaa", exercise=EXERCISE,
                active=active, start=ns_to_stamp(now), end=ns_to_stamp(now), load_kg=math.nan,
            )
        )  # fmt: skip

    def end(self, counted: int) -> int:
        """Ends the set; when, ns."""
        now = time.time_ns()
        self._sets.publish(
            msg.SetSummary(
                header=header(now), set_id="set-1", body_id="aaaaa", exercise=EXERCISE, active=False,
                start=ns_to_stamp(now - 30_000_000_000), end=ns_to_stamp(now), counted=counted, d=0.5, load_kg=math.nan,
            )
        )  # fmt: skip
        return now

    def step(self) -> None:
        """Sends the next frame, if it is due."""
        now_s = time.monotonic()
        if not self._begun_s:
            self.select(active=True)
            self._begun_s = now_s
        frame = int((now_s - self._begun_s) * FPS)
        if frame <= self._frame:
            return
        self._frame = frame
        at_s, stamp = frame / FPS, time.time_ns()
        length = sum(seconds for _, seconds in PHASES)
        repetition, within = int(at_s // length) + 1, at_s % length
        phase, until = PHASES[-1][0], 0.0
        for one, seconds in PHASES:
            until += seconds
            if within < until:
                phase = one
                break
        if within >= DANGER_SAID_AFTER_S and repetition not in self._sent:
            self._sent.add(repetition)
            self._faults.publish(self._fault(stamp, repetition))
        if within < 1.0 / FPS and repetition > 1:
            self._repetitions.publish(self._repetition(stamp, repetition - 1))
        self._forms.publish(
            msg.FormState(
                header=header(stamp), body_id="aaaaa", exercise=EXERCISE, phase=int(phase), progress=0.5,
                progress_std=0.02, speed=0.1, repetition=repetition, counted=repetition - 1, d=0.4,
            )
        )  # fmt: skip

    def _fault(self, stamp: int, repetition: int) -> msg.FormFault:
        danger = repetition % 2 == 0
        # one theme for the corrections, and dangers that take turns
        others = self._known[1:]
        name, fault = others[repetition // 2 % len(others)] if danger else self._known[0]
        measured = msg.JointAngle(
            name="knee_flexion", side=msg.JointAngle.SIDE_BOTH, unit="rad", value=1.2, std=0.05,
            validity=msg.JointAngle.VALID,
        )  # fmt: skip
        return msg.FormFault(
            header=header(stamp), id=f"{EXERCISE}/{repetition}/{name}/1", name=name, body_id="aaaaa",
            exercise=EXERCISE, onset=ns_to_stamp(stamp - 100_000_000), phase=int(Phase.ECCENTRIC),
            repetition=repetition, severity=int(Severity.DANGER if danger else Severity.RISK), probability=0.97,
            magnitude=1.5, measured=measured, limit=0.9, correction=fault.correction,
            body_part=fault.body_part, say_in=[] if danger else [int(Phase.BOTTOM)],
        )  # fmt: skip

    def _repetition(self, stamp: int, number: int) -> msg.Repetition:
        peak = msg.JointAngle(
            name="knee_flexion", side=3, unit="rad", value=1.9, std=0.05, validity=msg.JointAngle.VALID
        )
        return msg.Repetition(
            header=header(stamp), body_id="aaaaa", exercise=EXERCISE, number=number,
            start=ns_to_stamp(stamp - 2_900_000_000), bottom=ns_to_stamp(stamp - 1_200_000_000),
            end=ns_to_stamp(stamp), range=1.0, feature_peak=peak, eccentric_s=0.9, concentric_s=0.9,
            mean_speed=0.8, peak_speed=1.2, asymmetry=peak, d=0.4, d_eccentric=0.4, d_concentric=0.4,
            source="camera",
        )  # fmt: skip


class Programs:
    """Nodes as programs of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self, name: str, module: str, parameters: dict[str, dict[str, Any]], namespace: str = ""
    ) -> None:
        """A program with its parameters by node."""
        file = self._folder / f"{name}.yaml"
        document = {f"/**/{node}": {"ros__parameters": values} for node, values in parameters.items()}
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        code = f"import sys; from kinecue.nodes.{module} import main; sys.exit(main())"
        arguments = ["--ros-args", "--params-file", str(file)]
        arguments += ["-r", f"__ns:=/{namespace}"] if namespace else []
        log = (self._folder / f"{name}.log").open("wb")
        self.running[name] = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=log, stderr=subprocess.STDOUT
        )
        log.close()

    def end(self, *names: str) -> None:
        """Ends programs and waits for them."""
        for name in names or tuple(self.running):
            process = self.running.pop(name)
            process.terminate()
            try:
                process.wait(15.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def cpu_s(self) -> dict[str, float]:
        """Processor time of each program and its children so far."""
        return {name: _cpu_s(process.pid) for name, process in self.running.items()}

    def last_words(self) -> str:
        """The end of what the programs said."""
        return "\n".join(
            f"{path.stem}: {path.read_text(errors='replace')[-600:]}"
            for path in sorted(self._folder.glob("*.log"))
        )


def _cpu_s(pid: int) -> float:
    """With its children: engines are processes of their own."""
    total = 0.0
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        total = (int(fields[11]) + int(fields[12])) / _TICKS
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(_cpu_s(int(child)) for child in (task / "children").read_text("ascii").split())
    except (OSError, IndexError):
        pass
    return total


def graph_parameters(clip: str, exercise: str, folder: Path) -> dict[str, dict[str, Any]]:
    """The composed graph on a sample clip, as `kinecue demo` sets it, over and over."""
    path = samples_dir() / f"{clip}.mp4"
    truth = ClipTruth.load(truth_path(path))
    longer = max(truth.camera.width, truth.camera.height)
    return {
        "camera": {"source": "video", "path": str(path), "loop": True},
        "pose": {
            "model": "full",
            "camera_height": truth.camera.mount_height,
            "camera_tilt_deg": math.degrees(truth.camera.tilt),
            "horizontal_fov_deg": math.degrees(2 * math.atan(longer / 2 / truth.camera.fx)),
        },
        "scoring": {"exercise": exercise},
        "machine": {"rate": 50.0, "driver": "simulated", "truth_file": str(truth_path(path))},
        "orchestrator": {"settings_file": str(talkative(folder, counting=True))},
        "speech": {"engine": "auto", "device": "none"},
    }


def talkative(folder: Path, **changes: Any) -> Path:
    """The shipped settings with changes that make more cues; nothing in them makes one quicker."""
    settings = yaml.safe_load((ROOT / "config" / "coaching.yaml").read_text(encoding="utf-8"))
    file = folder / f"coaching_{'_'.join(sorted(changes))}.yaml"
    file.write_text(yaml.safe_dump(settings | changes), encoding="utf-8")
    return file


@contextmanager
def apart() -> Iterator[None]:
    """A ROS domain of the bench's own, on two cores."""
    old = {name: os.environ.get(name) for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")}
    os.environ |= {"ROS_DOMAIN_ID": DOMAIN, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(cores)[:CORES]))
    rclpy.init(args=[])
    try:
        yield
    finally:
        rclpy.try_shutdown()
        os.sched_setaffinity(0, cores)
        for name, value in old.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class Stage:
    """The listening node and the programs."""

    def __init__(self, folder: Path) -> None:
        self.node = Node("latency", use_global_arguments=False)
        self.programs = Programs(folder)
        self.graph = Ear(self.node)
        self.sent = Ear(self.node, "sent/")
        self.repetitions = Repetitions(self.node, "sent/")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)

    def spin(self, seconds: float, done: Callable[[], bool] = lambda: False, send: bool = False) -> bool:
        """Listens for a time, or until something is so."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not done():
            if send:
                self.repetitions.step()
            self._executor.spin_once(timeout_sec=0.004)
        return done()

    def close(self) -> None:
        """Ends everything."""
        self.programs.end()
        self._executor.shutdown()
        self.node.destroy_node()


def _prepare(stage: Stage, folder: Path) -> None:
    """Starts the two nodes that are sent faults, and waits until their phrases are synthesised.

    Raises:
        LatencyError: they did not come up.
    """
    changes: dict[str, Any] = {"danger_stop_after": 100, "repeat_after": 1, "theme_release_after": 1}
    settings = talkative(folder, **changes)
    stage.programs.start(
        "orchestrator", "orchestrator", {"orchestrator": {"settings_file": str(settings)}}, "sent"
    )
    stage.programs.start("speech", "speech", {"speech": {"engine": "auto", "device": "none"}}, "sent")
    node = stage.node
    up = stage.spin(
        START_PATIENCE_S,
        lambda: node.count_subscribers("sent/form") > 0 and node.count_subscribers("sent/cues") > 1,
    )
    if not up:
        raise LatencyError(f"orchestrator or speech did not start\n{stage.programs.last_words()}")
    stage.spin(2.0)
    stage.repetitions.select()
    stage.spin(PREPARED_PATIENCE_S, lambda: stage.sent.heard.phrases > 0)
    _until_quiet(stage, "speech")


def _until_quiet(stage: Stage, name: str) -> None:
    """Until a program has little to do: its engine has synthesised what it was given."""
    until = time.monotonic() + PREPARED_PATIENCE_S
    quiet = 0
    while time.monotonic() < until and quiet < 3:
        before = stage.programs.cpu_s()[name]
        stage.spin(1.0)
        quiet = quiet + 1 if stage.programs.cpu_s()[name] - before < 0.1 else 0


def _on_clip(stage: Stage, clip: str, exercise: str, folder: Path, seconds: float) -> Row:
    """The graph on one clip while faults are sent to the others.

    Raises:
        LatencyError: the graph did not score a frame.
    """
    stage.graph.heard = Heard()
    stage.programs.start("graph", "composed", graph_parameters(clip, exercise, folder))
    if not stage.spin(START_PATIENCE_S, lambda: len(stage.graph.heard.forms) > 0):
        raise LatencyError(f"the graph scored nothing of {clip}\n{stage.programs.last_words()}")
    stage.spin(5.0)
    before, frames, begun = stage.programs.cpu_s(), len(stage.graph.heard.forms), time.monotonic()
    stage.spin(seconds, send=True)
    took, after = time.monotonic() - begun, stage.programs.cpu_s()
    stage.spin(2.0)
    result = {
        "clip": clip,
        "seconds": took,
        "frames_scored_per_s": (len(stage.graph.heard.forms) - frames) / took,
        "cpu_share": {name: (after[name] - before[name]) / took for name in after if name in before},
        "load_average": os.getloadavg()[0],
        "rows": rows_of(stage.graph.heard, clip),
    }
    stage.programs.end("graph")
    return result


def figures(values: Sequence[float | None]) -> dict[str, Any]:
    """Median and p99 in ms, and of how many."""
    known = [float(value) for value in values if value is not None]
    if not known:
        return {"median": None, "p99": None, "max": None, "n": 0}
    median, p99 = np.percentile(known, [50, 99])
    return {"median": float(median), "p99": float(p99), "max": max(known), "n": len(known)}


def summarised(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of some cues."""
    ready = [
        row["cue_to_sample_ms"] for row in rows if row["prepared"] and row["cue_to_sample_ms"] is not None
    ]
    return {
        "fault_to_cue_ms": figures([row["fault_to_cue_ms"] for row in rows]),
        "cue_to_sample_ms": figures([row["cue_to_sample_ms"] for row in rows]),
        "prepared_cue_to_sample_ms": figures(ready),
        "prepared_within_50_ms": sum(value <= PROMPT_MS for value in ready) / len(ready) if ready else None,
        "cues": len(rows),
        "not_started": [row["text"] for row in rows if row["cue_to_sample_ms"] is None],
    }


def measure(console: Console, quick: bool) -> dict[str, Any]:
    """``fault_to_cue_ms`` and ``cue_to_sample_ms``, median and p99, and what they are of.

    Raises:
        LatencyError: a program did not come up.
    """
    seconds = QUICK_SECONDS if quick else SECONDS_PER_CLIP
    make_samples([clip for clip, _ in CLIPS], None)
    before = [round(value, 2) for value in os.getloadavg()]
    clips: list[Row] = []
    with apart(), tempfile.TemporaryDirectory(prefix="kinecue-latency-") as name:
        folder = Path(name)
        stage = Stage(folder)
        try:
            _prepare(stage, folder)
            for clip, exercise in CLIPS[:1] if quick else CLIPS:
                clips.append(_on_clip(stage, clip, exercise, folder, seconds))
        finally:
            stage.close()
        sent = rows_of(stage.sent.heard, "sent")
    real = [row for clip in clips for row in clip["rows"]]
    found = summarised([*real, *sent])
    found |= {"scored": summarised(real), "sent": summarised(sent), "clips": clips, "sent_rows": sent}
    found["load_before"] = before
    _table(found, console)
    return found


def _table(found: dict[str, Any], console: Console) -> None:
    table = Table(
        "cues", "n", "fault to cue, ms", "cue to sample, ms", "prepared within 50 ms", title="latency"
    )
    for name, title in (("scored", "of scored faults"), ("sent", "of sent faults")):
        part = found[name]
        table.add_row(title, str(part["cues"]), *(_pair(part[key]) for key in ("fault_to_cue_ms", "cue_to_sample_ms")),
                      _percent(part["prepared_within_50_ms"]))  # fmt: skip
    table.add_row("all", str(found["cues"]), _pair(found["fault_to_cue_ms"]), _pair(found["cue_to_sample_ms"]),
                  _percent(found["prepared_within_50_ms"]))  # fmt: skip
    console.print(table)
    for clip in found["clips"]:
        shares = ", ".join(f"{name} {share:.2f}" for name, share in clip["cpu_share"].items())
        console.print(
            f"{clip['clip']}: {clip['frames_scored_per_s']:.1f} frames/s scored; cores: {shares}; "
            f"load average {clip['load_average']:.1f}", highlight=False,
        )  # fmt: skip


def _pair(values: dict[str, Any]) -> str:
    if values["median"] is None:
        return "-"
    return f"{values['median']:.1f} / {values['p99']:.1f} (max {values['max']:.0f}, n {values['n']})"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if something was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="40 s of one clip")
    parser.add_argument("--output", type=Path, default=ROOT / "bench_output" / "cue_latency.json")
    options = parser.parse_args(arguments)
    found = measure(Console(width=150), options.quick)
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if found["cues"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
