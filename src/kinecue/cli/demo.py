"""``kinecue demo``: the composed graph on a clip or a camera, with a report of what was seen and said."""

from __future__ import annotations

import math
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from kinecue.body.errors import KineCueError
from kinecue.cli.demo_output import Run, VideoWriter, start_with_the_picture, write_report
from kinecue.cli.sample import samples_dir
from kinecue.cli.terminal import Terminal
from kinecue.exercise import find_exercise
from kinecue.nodes.base import init, quiet, shutdown
from kinecue.nodes.composed import Graph
from kinecue.nodes.session_log import SessionLog
from kinecue.perception.camera import V4l2Camera
from kinecue.perception.grabber import GrabberState
from kinecue.perception.recordings import VideoFile
from kinecue.simulation.clip import ClipTruth, truth_path

DEFAULT_EXERCISE = "squat"
SAMPLE = "sample_squat"
_PREPARATION_S = 120.0
_SETTLE_S = 0.4
_AFTER_SET_S = 1.5


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
    language: str = "en"
    language_model: str = "as_set"


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
    quiet()
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
        shutdown()
        video.close()
    wav_zero = start_with_the_picture(paths["session.wav"], wav_zero, log.session.start_ns)
    return write_report(
        console, settings.camera or settings.video or SAMPLE, exercise, log, run, wav_zero, paths
    )


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
        machine["driver"] = "simulated"
        machine["truth_file"] = str(truth_path(Path(camera["path"])))
    return {
        "camera": camera,
        "pose": pose,
        "machine": machine,
        "scoring": {"exercise": exercise},
        "orchestrator": {"language": settings.language, "language_model": settings.language_model},
        "speech": {
            "language": settings.language,
            "engine": settings.engine,
            "device": settings.device,
            "record_to": str(paths["session.wav"]),
        },
        "visualization": {"overlay_rate": 60.0},
    }


def _run(graph: Graph, log: SessionLog, terminal: Terminal, console: Console, settings: DemoSettings) -> Run:
    failed = graph.start(
        "speech", "orchestrator", "machine", "visualization", "training", "loads", "scoring", "pose"
    )
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
    return Run(wall, used, statistics_now.frames, statistics_now.dropped, graph.pose.processing_ms)


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
                # a language model's words come as a further list, with what is missing of the one before
                if preparation.wait(0.1) and not preparation.replaced:
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
    # what is said about a set waits for the pause after the last cue
    time.sleep(_AFTER_SET_S)
    service = graph.speech.service
    if service is not None:
        service.wait_quiet(15.0)
    time.sleep(_SETTLE_S)


def _cpu_s() -> float:
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in usage)
