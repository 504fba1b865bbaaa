"""Repetitions, velocity and load from the simulated machine's sensors, and the clocks' offset, against the truth.

    python bench/machine_repetitions.py [--quick] [--first 10000] [--streams 1305]

Streams (`machine_streams`) are made where they are not there yet: about a second each. Those of `FAILING` flaws are counted
apart: where a sensor says nothing for a third of the time, the camera has to count. The clocks are judged on
simulated bodies as perception and scorer see them (`scored_sets`, those that are stored), and on true progress with noise
and the scorer's own smoothing at other frame rates.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine_streams import FAILING, JUDGED_FROM, SENSED, Stream, StreamKey, make
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from kinecue.exercise.results import RepetitionStatus
from kinecue.exercise.smoothing import OneEuro, SpikeFilter
from kinecue.machine import Direction, EncoderSample
from kinecue.training.clock import ClockEstimate, ClockEstimator, ClockState
from kinecue.training.encoder_repetitions import EncoderCounter, HandleRepetition
from kinecue.training.velocity import velocity_of

FloatArray = NDArray[np.float64]

OUTPUT = Path(__file__).resolve().parents[1] / "bench_output" / "machine_repetitions.json"
STREAMS, QUICK = 1305, 60
_NEAR_S = 0.3
"""A turning point this far outside a true repetition is still its own."""
_FALLS_M_S2 = 6.0
"""A hand that goes back faster leaves a stack with friction behind: the cable is slack, its encoder tells of the stack."""
_LATE = ("weak_load_cell", "noisy_force", "slow")
"""Load cells that saturate at 150 N, spike, or lag by 0.2 s: told apart."""
_UNSCALED = ("wrong_scale",)
"""Whose metres are wrong on purpose: their velocities tell nothing of the method."""
_CLOCK_EXERCISES = (
    "cable_row",
    "biceps_curl",
    "lat_pulldown",
    "cable_chest_press",
    "triceps_pushdown",
    "overhead_press",
    "squat",
    "front_squat",
    "deadlift",
    "romanian_deadlift",
)
_FPS = (15.0, 30.0, 60.0)


def counted(stream: Stream) -> tuple[list[HandleRepetition], float]:
    """What the counter makes of a stream, and how many seconds it took."""
    counter = EncoderCounter(stream.performed.load_direction)
    samples = [
        EncoderSample(int(stamp), float(x), math.nan, Direction.STILL, int(count), 5000.0)
        for stamp, x, count in stream.encoder
    ]
    began = time.process_time()
    found = [movement for sample in samples for movement in counter.update(sample)]
    found += counter.finish()
    return found, time.process_time() - began


def matched(
    stream: Stream, found: Sequence[HandleRepetition]
) -> tuple[dict[int, HandleRepetition], list[HandleRepetition]]:
    """Counted repetitions by the index of their true movement, and those that are false."""
    used: dict[int, HandleRepetition] = {}
    false: list[HandleRepetition] = []
    for movement in found:
        if movement.status is not RepetitionStatus.VALID:
            continue
        turn = float(stream.true_time(movement.turn_ns))
        for i, true in enumerate(stream.performed.movements):
            inside = true.start_s - _NEAR_S <= turn <= true.end_s + _NEAR_S
            if true.kind == "valid" and i not in used and inside:
                used[i] = movement
                break
        else:
            false.append(movement)
    return used, false


def _velocities(stream: Stream, used: dict[int, HandleRepetition]) -> Iterator[tuple[float, ...]]:
    """Mean and peak concentric velocity with the true ones, m/s; 1 if the cable can have stayed taut."""
    motion = stream.performed.motion()
    eccentric = stream.performed.load_direction == "eccentric_first"
    for i, movement in used.items():
        true = stream.performed.movements[i]
        first = round((true.start_s - 0.1) * 1e9)
        course = motion.course(first, 5_000_000, int((true.end_s - true.start_s + 0.2) / 0.005))
        times = true.start_s - 0.1 + 0.005 * np.arange(len(course))
        begin, end = (true.back_s, true.end_s) if eccentric else (true.start_s, true.turn_s)
        inside = slice(*np.searchsorted(times, [begin, end]).tolist())
        ideal = velocity_of(times, course[:, 0], inside, sigma_m=1e-5)
        seconds = np.asarray(stream.true_time(movement.times_ns.astype(np.float64)))
        felt = velocity_of(seconds, movement.positions_m, movement.concentric)
        if ideal is not None and felt is not None:
            yield felt.mean, ideal.mean, felt.peak, ideal.peak, float(course[:, 2].min() > -_FALLS_M_S2)


def _forces(stream: Stream, used: dict[int, HandleRepetition]) -> Iterator[tuple[float, float]]:
    """Mean tension while the load is lifted, and the true one, N."""
    for movement in used.values():
        stamps = stream.force[:, 0]
        inside = (stamps >= movement.concentric_start_ns) & (stamps <= movement.concentric_end_ns)
        if inside.sum() >= 5:
            yield float(stream.force[inside, 1].mean()), float(stream.force[inside, 2].mean())


def f1(right: int, false: int, missed: int) -> float:
    """Harmonic mean of precision and recall."""
    return 2.0 * right / max(2 * right + false + missed, 1)


def repetitions(numbers: Sequence[int], console: Console | None) -> dict[str, Any]:
    """Counting, velocity and load over streams."""
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    velocities: list[tuple[float, ...]] = []
    scaled: list[tuple[float, ...]] = []
    forces: dict[str, list[tuple[float, float]]] = defaultdict(list)
    wrong = []
    for number in track(numbers, "streams", console=console, disable=console is None):
        stream = make(number)
        found, _ = counted(stream)
        used, false = matched(stream, found)
        true = sum(m.kind == "valid" for m in stream.performed.movements)
        key = stream.key
        for name in (f"flaws {key.flaws}", f"machine {key.machine}", f"rate {key.rate_hz:.0f} Hz"):
            if name.startswith("flaws") or key.flaws not in FAILING:
                tally[name].update(right=len(used), false=len(false), missed=true - len(used))
        if false or len(used) < true:
            wrong.append((number, key.machine, key.flaws, len(used), len(false), true - len(used)))
        if key.flaws not in FAILING:
            for movement in found:
                kinds[_kind_of(stream, movement)][movement.status.name.lower()] += 1
            pairs = list(_velocities(stream, used))
            (scaled if key.flaws in _UNSCALED else velocities).extend(pairs)
            forces[key.flaws] += _forces(stream, used)
    working = [c for name, c in tally.items() if name.startswith("flaws") and name.split()[1] not in FAILING]
    total = sum(working, Counter())
    every = sum((c for name, c in tally.items() if name.startswith("flaws")), Counter())
    pairs = np.array(velocities).reshape(-1, 5)
    sound = [p for name, rows in forces.items() if name not in _LATE for p in rows]
    return {
        "rep_f1": f1(total["right"], total["false"], total["missed"]),
        "rep_f1_with_failing_sensors": f1(every["right"], every["false"], every["missed"]),
        "repetitions": total["right"] + total["missed"],
        "distinct_movements_share": 1.0 / SENSED,
        "false": total["false"],
        "missed": total["missed"],
        "by": {
            name: {**c, "f1": f1(c["right"], c["false"], c["missed"])} for name, c in sorted(tally.items())
        },
        "told_as": {name: dict(c) for name, c in sorted(kinds.items())},
        "velocity_rmse_m_s": _rms(pairs[:, 0] - pairs[:, 1]),
        "velocity_bias_m_s": float((pairs[:, 0] - pairs[:, 1]).mean()) if len(pairs) else math.nan,
        "peak_velocity_rmse_m_s": _rms(pairs[:, 2] - pairs[:, 3]),
        "peak_velocity_bias_m_s": float(np.nanmean(pairs[:, 2] - pairs[:, 3])) if len(pairs) else math.nan,
        "velocity_rmse_taut_m_s": _rms((pairs[:, 0] - pairs[:, 1])[pairs[:, 4] > 0]),
        "velocity_median_error_m_s": float(np.median(np.abs(pairs[:, 0] - pairs[:, 1])))
        if len(pairs)
        else math.nan,
        "load_rmse_n": _rms(np.array([a - b for a, b in sound])),
        "load_error_share": _rms(np.array([(a - b) / b for a, b in sound if b > 10.0])),
        "load_by_flaws": {
            name: {"rmse_n": _rms(np.array([a - b for a, b in rows])), "n": len(rows)}
            for name, rows in sorted(forces.items())
            if rows
        },
        "wrong_streams": wrong,
    }


def _kind_of(stream: Stream, movement: HandleRepetition) -> str:
    turn = float(stream.true_time(movement.turn_ns))
    for true in stream.performed.movements:
        if true.start_s - _NEAR_S <= turn <= true.end_s + _NEAR_S:
            return true.kind
    return "nothing"


def _rms(values: FloatArray) -> float:
    good = values[np.isfinite(values)]
    return float(np.sqrt((good**2).mean())) if len(good) else math.nan


# --- clocks ---


def handle_way(points: FloatArray) -> FloatArray:
    """(T,) way of a handle in the hands (T, 3), on a cable from a pulley 1.3 m off along the movement, m."""
    centred = points - points.mean(axis=0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    if (centred[:10] @ axis).mean() > 0.0:
        axis = -axis
    way = np.asarray(np.linalg.norm(centred + 1.3 * axis, axis=1))
    return way - way.min()


def follow(
    camera_s: FloatArray,
    progress: FloatArray,
    way_m: FloatArray,
    rng: np.random.Generator,
    smoothed: bool = True,
    rate_hz: float = 100.0,
) -> list[tuple[int, ClockEstimate, float]]:
    """Estimates over a set, one for each new repetition that they rest on, with their errors, s.

    The machine's clock is up to 30 s off, drifts by up to 200 ppm and jitters by 1 ms; the camera comes 0.1 s late.
    """
    offset, drift = rng.uniform(-30.0, 30.0), rng.uniform(-2e-4, 2e-4)
    times = np.arange(camera_s[0], camera_s[-1], 1.0 / rate_hz)
    out = np.round(np.interp(times, *_fine(camera_s, way_m)) * 5000.0) / 5000.0
    stamps = times - offset - drift * times + rng.normal(0.0, 0.001, len(times))
    events = sorted(
        [(t + 0.1, 0, i) for i, t in enumerate(camera_s.tolist())]
        + [(t + 0.01, 1, i) for i, t in enumerate(times.tolist())]
    )
    estimator = ClockEstimator(smoothed)
    result: list[tuple[int, ClockEstimate, float]] = []
    for _, which, i in events:
        if which:
            estimator.machine(round(float(stamps[i]) * 1e9), float(out[i]))
            continue
        estimator.camera(round(float(camera_s[i]) * 1e9), float(progress[i]), 0.03)
        now = estimator.estimate()
        if now.repetitions and (not result or now.repetitions != result[-1][0]):
            # machine stamp m = t - offset - drift t, and the offset is camera minus machine
            true = offset + drift * (now.stamp_ns * 1e-9 + offset) / (1.0 - drift)
            result.append((now.repetitions, now, now.offset_s - true))
    return result


def _fine(times: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A cubic (Catmull-Rom) between frames: a hand does not move in straight lines."""
    slope = np.gradient(values, times)
    s = np.arange(0.0, 1.0, 0.125)
    h = np.diff(times)[:, None]
    a, b, c, d = values[:-1, None], values[1:, None], slope[:-1, None], slope[1:, None]
    fine = (2 * s**3 - 3 * s**2 + 1) * a + (s**3 - 2 * s**2 + s) * h * c
    fine = fine + (3 * s**2 - 2 * s**3) * b + (s**3 - s**2) * h * d
    return (times[:-1, None] + h * s).ravel(), fine.ravel()


def _published(progress: FloatArray, fps: float, rng: np.random.Generator) -> FloatArray:
    """Progress with a network's slow and quick errors, smoothed as the scorer does."""
    slow, value = np.zeros(len(progress)), 0.0
    keep = math.exp(-1.0 / (fps * 0.3))
    for i in range(len(progress)):
        value = keep * value + math.sqrt(1.0 - keep**2) * rng.normal(0.0, 0.02)
        slow[i] = value
    spikes, smooth = SpikeFilter(), OneEuro()
    noisy = progress + slow + rng.normal(0.0, 0.015, len(progress))
    return np.array([smooth.update(spikes.update(float(v), 1.0 / fps), 1.0 / fps) for v in noisy])


def clocks(quick: bool, console: Console | None) -> dict[str, Any]:
    """Errors of the offset after two repetitions."""
    from clean_sets import clean_keys
    from scored_sets import SetKey, score, stored
    from scored_sets import make as made_set

    from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
    from kinecue.exercise.exercise_file import find_exercise

    hands = [list(BLAZEPOSE_33.landmarks).index(m) for m in (Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST)]
    keys: list[SetKey] = [
        key for n in (3, 4, 5, 6) for key in clean_keys(_CLOCK_EXERCISES, 13, n) if stored(key)
    ]
    rng = np.random.default_rng(6)
    rows: list[tuple[str, ClockState, float, float]] = []
    at_rate: dict[float, list[float]] = defaultdict(list)
    for key in track(keys[::5] if quick else keys, "clocks", console=console, disable=console is None):
        made = made_set(key)
        camera = np.array(made.stamps_ns) * 1e-9
        updates = score(made, find_exercise(key.exercise))[: len(camera)]
        progress = np.array([u.form.progress if u.form else math.nan for u in updates])
        way = handle_way(made.truth.positions[:, hands].mean(axis=1))
        two = [(e, err) for n, e, err in follow(camera, progress, way, rng) if n == 2]
        rows += [(key.exercise, e.state, err, e.offset_std_s) for e, err in two]
        for fps in _FPS:
            times = np.arange(camera[0], camera[-1], 1.0 / fps)
            true = np.interp(times, *_fine(camera, made.truth.progress))
            finer = np.interp(times, *_fine(camera, way))
            errors = follow(times, _published(true, fps, rng), finer, rng)
            at_rate[fps] += [err for n, _, err in errors if n == 2]
    known = np.array([(err, std) for _, state, err, std in rows if state is ClockState.KNOWN]).reshape(-1, 2)
    names = sorted({name for name, *_ in rows})
    errors = np.abs(known[:, 0])
    return {
        "clock_offset_error_ms": 1e3 * float(np.median(errors)),
        "clock_offset_rmse_ms": 1e3 * _rms(known[:, 0]),
        "clock_offset_p90_ms": 1e3 * float(np.percentile(errors, 90)),
        "clock_within_20_ms": float((errors <= 0.02).mean()),
        "clock_error_over_std": _rms(known[:, 0] / known[:, 1]),
        "clock_sets": len(rows),
        "clock_known_after_two": len(known),
        "clock_by_exercise_ms": {
            name: 1e3 * float(np.median([abs(e) for n, s, e, _ in rows if n == name])) for name in names
        },
        "clock_by_fps_ms": {
            f"{fps:.0f}": {
                "median": 1e3 * float(np.median(np.abs(values))),
                "bias": 1e3 * float(np.median(values)),
                "p95": 1e3 * float(np.percentile(np.abs(values), 95)),
            }
            for fps, values in at_rate.items()
        },
    }


def cpu_share() -> float:
    """Share of a core that two cables at 1 kHz take, counting and clock."""
    stream = next(make(n) for n in range(JUDGED_FROM, JUDGED_FROM + 300) if StreamKey(n).rate_hz == 1000.0)
    counters, clock = [EncoderCounter(stream.performed.load_direction) for _ in range(2)], ClockEstimator()
    rows = stream.encoder.tolist()
    samples = [
        EncoderSample(int(t), x, math.nan, Direction.STILL, int(count), 5000.0) for t, x, count in rows
    ]
    began = time.process_time()
    for i, sample in enumerate(samples):
        for counter in counters:
            counter.update(sample)
        clock.machine(sample.stamp_ns, sample.position_m)
        if i % 33 == 0:
            clock.camera(sample.stamp_ns + 1_000_000_000, 2.0 * sample.position_m, 0.02)
    return (time.process_time() - began) / ((rows[-1][0] - rows[0][0]) * 1e-9)


def measure(console: Console | None = None, quick: bool = False, streams: int = STREAMS) -> dict[str, Any]:
    """All figures of this module; see the keys."""
    numbers = range(JUDGED_FROM, JUDGED_FROM + (QUICK if quick else streams))
    result = repetitions(numbers, console)
    result |= clocks(quick, console)
    result["counting_cpu_share_1khz"] = cpu_share()
    if console is not None:
        console.print(_table(result))
    return result


def _table(result: dict[str, Any]) -> Table:
    table = Table("what", "figure")
    for name, value in result.items():
        if isinstance(value, int | float):
            table.add_row(name, f"{value:.4g}")
    for name, values in result["by"].items():
        table.add_row(name, f"{values['f1']:.4f} of {values.get('right', 0) + values.get('missed', 0)}")
    return table


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--streams", type=int, default=STREAMS)
    arguments = parser.parse_args()
    console = Console()
    result = measure(console, arguments.quick, arguments.streams)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
