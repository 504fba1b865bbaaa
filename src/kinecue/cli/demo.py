"""``kinecue demo``: the composed graph on a clip or a camera, with a report of what was seen and said."""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import statistics
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kinecue.body.errors import KineCueError
from kinecue.cli.sample import samples_dir
from kinecue.display import plot_set
from kinecue.exercise import Fault, FormState, Phase, Repetition, RepetitionStatus, find_exercise
from kinecue.nodes.base import init
from kinecue.nodes.composed import Graph
from kinecue.nodes.session_log import SessionLog, SpokenCue
from kinecue.perception.camera import V4l2Camera
from kinecue.perception.grabber import GrabberState
from kinecue.perception.recordings import VideoFile
from kinecue.simulation.clip import ClipTruth, truth_path

DEFAULT_EXERCISE = "squat"
SAMPLE = "sample_squat"
_PREPARATION_S = 120.0
_SETTLE_S = 0.4


@dataclass(frozen=True)
class DemoSettings:
    """What to run on; degrees because a person types them."""

    video: str | None = None
    camera: str | None = None
    exercise: str | None = None
    output: Path = Path("demo_output")
    model: str = "full"
    engine: str = "auto"
    device: str = ""
    camera_height: float = 0.0
    camera_tilt_deg: float = 0.0
    fov_deg: float = 62.0
    seconds: float = 0.0


class VideoWriter:
    """Overlay pictures to an MP4 at a constant rate: a picture that was skipped repeats the one before."""

    def __init__(self, path: Path, rate: float) -> None:
        self._path, self._rate = path, rate
        self._partial = path.with_name(f".{path.stem}.partial{path.suffix}")
        self._writer: cv2.VideoWriter | None = None
        self._first_ns = 0
        self._last: NDArray[np.uint8] | None = None
        self.frames = 0

    def __call__(self, picture: NDArray[np.uint8], stamp_ns: int) -> None:
        if self._writer is None:
            size = (picture.shape[1], picture.shape[0])
            self._writer = cv2.VideoWriter(
                str(self._partial), cv2.VideoWriter_fourcc(*"mp4v"), self._rate, size
            )
            if not self._writer.isOpened():
                raise KineCueError(f"{self._path}: OpenCV cannot write an MP4 file there")
            self._first_ns = stamp_ns
        due = round((stamp_ns - self._first_ns) * 1e-9 * self._rate)
        while self._last is not None and self.frames < due:
            self._write(self._last)
        self._write(picture)
        self._last = picture

    def _write(self, picture: NDArray[np.uint8]) -> None:
        if self._writer is not None:
            self._writer.write(picture)
            self.frames += 1

    def close(self) -> None:
        """Finishes the file and puts it in its place."""
        if self._writer is not None:
            self._writer.release()
            self._partial.replace(self._path)
        self._writer = None


class Terminal:
    """What a person sees while it runs: a line per event, and a line with the state below them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.start_ns: Callable[[], int] = lambda: 0
        self._form: FormState | None = None

    def __call__(self, kind: str, thing: Any) -> None:
        if kind == "phase":
            self._form = thing
        elif kind == "repetition":
            self._repetition(thing)
        elif kind == "fault":
            self._fault(thing)
        elif kind == "cue":
            self._line(thing.message.header.stamp, "cue", f'"{thing.message.text}"', "bold cyan")
        elif kind == "speech":
            self._speech(thing)

    def _line(self, stamp: Any, kind: str, text: str, style: str = "") -> None:
        when = stamp if isinstance(stamp, int) else stamp.sec * 1_000_000_000 + stamp.nanosec
        seconds = max((when - self.start_ns()) * 1e-9, 0.0)
        self._console.print(Text(f"{seconds:6.2f} s  {kind:<6}  {text}", style=style))

    def _repetition(self, rep: Repetition) -> None:
        peak = rep.feature_peak
        measured = (
            f"{rep.feature.replace('_', ' ')} {math.degrees(peak.value):.0f} deg" if rep.unit == "rad" else ""
        )
        d = f"D {rep.d:.2f}" if math.isfinite(rep.d) else "D -"
        if rep.status == RepetitionStatus.VALID:
            tempo = f"down {rep.eccentric_s:.1f} s, up {rep.concentric_s:.1f} s"
            self._line(rep.end_ns, "rep", f"{rep.number}: {measured}, {tempo}, {d}", "green")
        else:
            why = rep.reason.name.lower().replace("_", " ")
            self._line(
                rep.end_ns, "rep", f"not counted: {rep.status.name.lower()} ({why}) {measured}", "yellow"
            )

    def _fault(self, fault: Fault) -> None:
        value, limit = fault.measured.value, fault.limit
        if fault.unit == "rad":
            value, limit, std = (math.degrees(v) for v in (value, limit, fault.measured.std))
            figures = f"{value:.0f} +- {std:.0f} deg, limit {limit:.0f}"
        else:
            figures = (
                f"{value:.2f} +- {fault.measured.std:.2f} {fault.unit.replace('1', '')}, limit {limit:.2f}"
            )
        name = fault.name.replace("_", " ")
        feature = fault.feature.replace("_", " ")
        text = f"{name} in repetition {fault.repetition} ({fault.phase.name.lower()}): {feature} {figures}"
        self._line(fault.stamp_ns, "fault", text, "red")

    def _speech(self, cue: SpokenCue) -> None:
        if cue.status == "started":
            created = cue.message.created
            delay = (cue.first_sample_ns - created.sec * 1_000_000_000 - created.nanosec) * 1e-6
            where = "no sound device, recorded" if cue.device == "none" else cue.device
            self._line(
                cue.first_sample_ns,
                "voice",
                f"first sample {delay:.0f} ms after the cue ({cue.engine}; {where})",
                "dim",
            )
        elif cue.status in ("expired", "failed"):
            self._line(cue.message.header.stamp, "voice", f"{cue.status}: {cue.detail}", "yellow")

    def state(self, form: FormState | None, note: str) -> Text:
        """The live line."""
        if form is None:
            return Text(f"         {note}", style="dim")
        d = f"{form.d:.2f}" if math.isfinite(form.d) else "-"
        phase = form.stage if form.phase == Phase.STAGE else form.phase.name.lower()
        progress = form.progress if math.isfinite(form.progress) else 0.0
        bar = "#" * round(20 * min(max(progress, 0.0), 1.0))
        return Text(f"         {form.exercise} {form.counted}  {phase:<10} [{bar:<20}] D {d}   {note}")


def run_demo(settings: DemoSettings) -> int:
    """Runs it; 0 if repetitions were counted and a cue was spoken.

    Raises:
        KineCueError: something that is given is missing or wrong.
    """
    console = Console(highlight=False, soft_wrap=True)
    exercise, truth, rate = _check(settings)
    settings.output.mkdir(parents=True, exist_ok=True)
    paths = {
        name: settings.output / name for name in ("annotated.mp4", "cues.json", "session.wav", "angles.png")
    }
    for path in paths.values():
        path.unlink(missing_ok=True)
    init([])
    _quiet_ros()
    video = VideoWriter(paths["annotated.mp4"], rate)
    terminal = Terminal(console)
    log = SessionLog(terminal, use_global_arguments=False)
    terminal.start_ns = lambda: log.session.start_ns
    graph: Graph | None = None
    try:
        graph = Graph(
            _parameters(settings, exercise, truth, paths), "", (video,), (log,), use_global_arguments=False
        )
        graph.spin()
        run = _run(graph, log, terminal, console, settings)
    finally:
        if graph is not None:
            wav_zero = graph.speech.service.player.zero_ns if graph.speech.service else None
            graph.close()
        log.destroy_node()
        rclpy.try_shutdown()
    video.close()
    wav_zero = _start_with_the_picture(paths["session.wav"], wav_zero, log.session.start_ns)
    return _report(console, settings, exercise, log, run, wav_zero, paths)


def _start_with_the_picture(path: Path, wav_zero_ns: int | None, start_ns: int) -> int | None:
    """Cuts what was recorded before the first frame, so that sound and video begin together; the new time zero."""
    if not path.is_file() or wav_zero_ns is None or start_ns <= wav_zero_ns:
        return wav_zero_ns
    partial = path.with_name(f".{path.stem}.partial.wav")
    with wave.open(str(path), "rb") as old, wave.open(str(partial), "wb") as new:
        new.setparams(old.getparams())
        skipped = min(round((start_ns - wav_zero_ns) * 1e-9 * old.getframerate()), old.getnframes())
        old.setpos(skipped)
        new.writeframes(old.readframes(old.getnframes() - skipped))
        zero = wav_zero_ns + round(skipped / old.getframerate() * 1e9)
    partial.replace(path)
    return zero


def _check(settings: DemoSettings) -> tuple[str, ClipTruth | None, float]:
    """Exercise, truth (of a simulated clip) and frame rate; everything that can be wrong is found before any set-up."""
    truth: ClipTruth | None = None
    rate = 30.0
    if settings.video and settings.camera:
        raise KineCueError("give a video or a camera, not both")
    if settings.exercise:
        find_exercise(settings.exercise)
    if not settings.camera:
        path = Path(settings.video) if settings.video else samples_dir() / f"{SAMPLE}.mp4"
        if not settings.video and not path.is_file():
            raise KineCueError(f"{path}: the sample clip is not there yet; make it with: kinecue sample")
        source = VideoFile(path)
        source.open()
        if source.granted is not None and math.isfinite(source.granted.rate):
            rate = source.granted.rate
        source.close()
        if truth_path(path).is_file():
            truth = ClipTruth.load(truth_path(path))
    else:
        camera = V4l2Camera(settings.camera)
        camera.open()
        camera.close()
    exercise = settings.exercise or (truth.exercise if truth else DEFAULT_EXERCISE)
    find_exercise(exercise)
    return exercise, truth, rate


def _parameters(
    settings: DemoSettings, exercise: str, truth: ClipTruth | None, paths: dict[str, Path]
) -> dict[str, dict[str, Any]]:
    camera: dict[str, Any] = {"source": "device", "device": settings.camera or ""}
    # enough for the picture; each sample costs three nodes a wake-up
    machine: dict[str, Any] = {"rate": 50.0}
    pose: dict[str, Any] = {
        "model": settings.model,
        "camera_height": settings.camera_height,
        "camera_tilt_deg": settings.camera_tilt_deg,
        "horizontal_fov_deg": settings.fov_deg,
    }
    if not settings.camera:
        path = settings.video or str(samples_dir() / f"{SAMPLE}.mp4")
        camera = {"source": "video", "path": path}
    if truth is not None:
        # the mount of the simulated camera, as an integrator knows that of a real one
        longer = max(truth.camera.width, truth.camera.height)
        pose["camera_height"] = truth.camera.mount_height
        pose["camera_tilt_deg"] = math.degrees(truth.camera.tilt)
        pose["horizontal_fov_deg"] = math.degrees(2 * math.atan(longer / 2 / truth.camera.fx))
        machine["truth_file"] = str(truth_path(Path(camera["path"])))
    return {
        "camera": camera,
        "pose": pose,
        "machine": machine,
        "scoring": {"exercise": exercise},
        "speech": {
            "engine": settings.engine,
            "device": settings.device,
            "record_to": str(paths["session.wav"]),
        },
        "visualization": {"overlay_rate": 60.0},
    }


def _quiet_ros() -> None:
    """Nodes' own log lines would tear the display; warnings and errors stay."""
    rclpy.logging.set_logger_level("", rclpy.logging.LoggingSeverity.WARN)


@dataclass
class _Run:
    wall_s: float
    cpu_s: float
    frames: int
    overwritten: int
    processing_ms: list[float]


def _run(graph: Graph, log: SessionLog, terminal: Terminal, console: Console, settings: DemoSettings) -> _Run:
    failed = graph.start("speech", "orchestrator", "machine", "visualization", "scoring", "pose")
    if failed:
        raise KineCueError(f"could not start: {', '.join(failed)} (the reason is above)")
    _prepare_phrases(graph, console)
    console.print(Text(_scene(settings), style="bold"))
    begun, cpu = time.monotonic(), _cpu_s()
    if graph.start("camera"):
        raise KineCueError("could not start: camera (the reason is above)")
    grabber = graph.camera.grabber
    if grabber is None:
        raise KineCueError("could not start: camera")
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        try:
            while True:
                time.sleep(0.1)
                statistics_now = grabber.statistics()
                note = f"{statistics_now.rate:.0f} frames/s" + (" - Ctrl+C ends" if settings.camera else "")
                if statistics_now.state == GrabberState.RECONNECTING:
                    note = statistics_now.last_error
                live.update(terminal.state(log.session.form, note))
                if statistics_now.state in (GrabberState.ENDED, GrabberState.FAILED, GrabberState.STOPPED):
                    break
                if settings.seconds and time.monotonic() - begun > settings.seconds:
                    break
        except KeyboardInterrupt:
            console.print("stopped")
        grabber.stop()
        statistics_now = grabber.statistics()
        if statistics_now.state == GrabberState.FAILED:
            console.print(Text(f"the video ended early: {statistics_now.last_error}", style="yellow"))
        wall, used = time.monotonic() - begun, _cpu_s() - cpu
        _finish(graph, log)
    return _Run(wall, used, statistics_now.frames, statistics_now.dropped, graph.pose.processing_ms)


def _scene(settings: DemoSettings) -> str:
    if settings.camera:
        return f"camera {settings.camera}: nothing is kept but what you find in {settings.output} afterwards"
    return f"playing {settings.video or 'the sample clip'} in real time"


def _prepare_phrases(graph: Graph, console: Console) -> None:
    """The phrases of the exercise are synthesised before the set: no cue waits for the voice."""
    limit = time.monotonic() + _PREPARATION_S
    with console.status("preparing the voice") as status:
        while time.monotonic() < limit:
            preparation = graph.speech.preparation
            if preparation is not None:
                status.update(f"preparing the voice: {preparation.done} of {preparation.total} phrases")
                if preparation.wait(0.1):
                    for text, problem in preparation.failed.items():
                        console.print(Text(f"'{text}' could not be synthesised: {problem}", style="yellow"))
                    return
            else:
                time.sleep(0.05)
    console.print(Text("the voice was not prepared in time; first cues may be late", style="yellow"))


def _finish(graph: Graph, log: SessionLog) -> None:
    """Lets what is under way end: the last frame, the set, the last word."""
    limit = time.monotonic() + 5.0
    while not graph.pose.idle and time.monotonic() < limit:
        time.sleep(0.02)
    time.sleep(_SETTLE_S)
    graph.scoring.end_set_now()
    time.sleep(_SETTLE_S)
    service = graph.speech.service
    if service is not None:
        service.wait_quiet(15.0)
    time.sleep(_SETTLE_S)


def _cpu_s() -> float:
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in usage)


def percentiles(values: list[float]) -> dict[str, float | None]:
    """Median and 99th percentile."""
    if not values:
        return {"median": None, "p99": None}
    return {"median": round(statistics.median(values), 2), "p99": round(float(np.percentile(values, 99)), 2)}


def _report(
    console: Console,
    settings: DemoSettings,
    exercise: str,
    log: SessionLog,
    run: _Run,
    wav_zero_ns: int | None,
    paths: dict[str, Path],
) -> int:
    session = log.session
    cues = log.cue_records(wav_zero_ns)
    spoken = [cue for cue in cues if cue["status"] == "spoken"]
    counted = sum(r.status == RepetitionStatus.VALID for r in session.repetitions)
    document = {
        "exercise": exercise,
        "source": settings.camera or settings.video or SAMPLE,
        "start_stamp_ns": session.start_ns,
        "wav_start_s": (wav_zero_ns - session.start_ns) * 1e-9 if wav_zero_ns and session.start_ns else None,
        "repetitions": {
            "counted": counted,
            "not_counted": [
                r.status.name.lower() for r in session.repetitions if r.status != RepetitionStatus.VALID
            ],
        },
        "cues": cues,
        "faults": [log.fault_record(fault) for fault in session.faults],
        "decisions": [
            {"outcome": ("spoken", "held", "dropped")[d.outcome], "subject": d.subject, "reason": d.reason}
            for d in session.decisions
        ],
        "latency_ms": {
            "frame_to_cue": percentiles([c["frame_to_cue_ms"] for c in cues if c["kind"] != "summary"]),
            "cue_to_sample": percentiles(
                [c["cue_to_sample_ms"] for c in cues if c["cue_to_sample_ms"] is not None]
            ),
            "frame_to_body": percentiles(run.processing_ms),
        },
        "frames": {
            "captured": run.frames,
            "processed": len(session.stamps),
            "overwritten": run.overwritten,
            "per_second": round(len(session.stamps) / run.wall_s, 2) if run.wall_s > 0 else 0.0,
        },
        "cpu_share": round(run.cpu_s / run.wall_s / (os.cpu_count() or 1), 3) if run.wall_s > 0 else None,
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
    }
    _write_json(paths["cues.json"], document)
    if session.traces:
        told = [(c["first_sample_time_s"], c["text"]) for c in cues if c["first_sample_time_s"] is not None]
        shown = _main_traces(log, exercise)
        title = f"{exercise.replace('_', ' ')}: {counted} repetitions, {len(session.faults)} faults, {len(spoken)} cues"
        plot_set(
            paths["angles.png"],
            shown,
            session.d,
            session.repetitions,
            session.faults,
            told,
            session.start_ns,
            title,
        )
    _summary(console, document, counted, spoken, paths)
    if counted and spoken:
        return 0
    missing = [
        word
        for word, there in (("no repetition was counted", counted), ("no cue was spoken", spoken))
        if not there
    ]
    console.print(Text(f"{' and '.join(missing)}: exit status 1", style="yellow"))
    return 1


def _main_traces(log: SessionLog, exercise: str) -> dict[str, Any]:
    """What the exercise's progress and faults look at; everything would be unreadable."""
    model = find_exercise(exercise)
    wanted = {model.progress.feature, *(fault.feature for fault in model.faults.values())}
    return {
        name: trace
        for name, trace in log.session.traces.items()
        if name.removesuffix(" left").removesuffix(" right") in wanted
    }


def _write_json(path: Path, document: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def _summary(
    console: Console, document: dict[str, Any], counted: int, spoken: list[Any], paths: dict[str, Path]
) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))

    def both(values: dict[str, float | None]) -> str:
        return (
            "-"
            if values["median"] is None
            else f"median {values['median']:.0f} ms, p99 {values['p99']:.0f} ms"
        )

    latency, frames = document["latency_ms"], document["frames"]
    table.add_row("repetitions", str(counted))
    table.add_row(
        "said", "; ".join(f'{c["first_sample_time_s"]:.1f} s "{c["text"]}"' for c in spoken) or "nothing"
    )
    table.add_row("frame to cue", both(latency["frame_to_cue"]))
    table.add_row("cue to first sample", both(latency["cue_to_sample"]))
    table.add_row(
        "frames",
        f"{frames['processed']} of {frames['captured']} processed, {frames['per_second']:.1f} per second",
    )
    if document["cpu_share"] is not None:
        table.add_row(
            "processor", f"{100 * document['cpu_share']:.0f} % of {document['machine']['cores']} cores"
        )
    table.add_row("written", ", ".join(str(path) for path in paths.values() if path.exists()))
    console.print()
    console.print(table)
