"""What onnxruntime offers to make the landmark networks faster, what each gives, and what it costs in pixels.

    PYTHONPATH=src python bench/network_options.py [--variants lite full heavy]

Prints a table and writes bench_output/network_options.json. Time is the processor's time of the process, the median of
interleaved runs, because the machine is never idle. The error is the distance of landmarks to those of the network as it was
converted, in pixels of the sample clips of the simulated gym (1280 x 720). Quantisation and half precision need the package
``onnx``, OpenVINO needs ``onnxruntime-openvino``: rows that cannot be measured say so. The product needs neither.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from kinecue.body.paths import data_dir
from kinecue.perception.detector import PersonDetector
from kinecue.perception.landmark_network import RawLandmarks, decode
from kinecue.perception.models import ModelStore
from kinecue.perception.onnx_prune import pruned
from kinecue.perception.providers import candidates, start
from kinecue.perception.regions import Region, crop

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "bench_output"
CLIPS = {"calibration": ("sample_squat", "sample_curl"), "judging": ("clean_squat", "clean_curl")}
"""Of the simulated gym, as `kinecue sample` makes them."""
ALWAYS = ("Identity", "Identity_1", "Identity_3", "Identity_4")
LEVELS = onnxruntime.GraphOptimizationLevel
_RUNS, _SIZE = 40, 256
_FRAMES_PER_CLIP = 30

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Crops:
    """Pictures of people as the landmark network gets them; (N, 256, 256, 3) RGB and (N,) edge in the picture, px."""

    calibration: NDArray[np.uint8]
    judging: NDArray[np.uint8]
    judging_size: FloatArray


def load_crops() -> Crops:
    """From the sample clips: calibrated on two, judged on the other two."""
    detector = PersonDetector(ModelStore().open("pose_detection", "cpu"))
    found = {
        name: [
            one
            for clip in clips
            for image in _frames(data_dir() / "samples" / f"{clip}.mp4")
            if (one := _crop(detector, image)) is not None
        ]
        for name, clips in CLIPS.items()
    }
    return Crops(
        np.stack([picture for picture, _ in found["calibration"]]),
        np.stack([picture for picture, _ in found["judging"]]),
        np.array([size for _, size in found["judging"]]),
    )


def _frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    if count <= 0:
        raise SystemExit(f"{path} cannot be read: make it with `kinecue sample`")
    for index in range(count):
        if capture.grab() and index % (count // _FRAMES_PER_CLIP) == 0:
            yield np.asarray(capture.retrieve()[1], dtype=np.uint8)
    capture.release()


def _crop(detector: PersonDetector, image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float] | None:
    people = detector.detect(image)
    if not people:
        return None
    region = people[0].region
    picture = crop(image, region, _SIZE, replicate_border=True)[..., ::-1]
    return np.ascontiguousarray(picture), region.size


Session = Any
Option = tuple[str, Callable[[], Session]]


def options(whole: Path, crops: Crops, folder: Path) -> Iterator[Option]:
    """Names and how each session is made; the first is the network as it was converted."""
    part = folder / "part.onnx"
    part.write_bytes(pruned(whole.read_bytes(), ALWAYS))

    def plain(path: Path = part, **settings: Any) -> Callable[[], Session]:
        return lambda: _session(path, **settings)

    yield "as converted, with the mask", plain(whole)
    yield "without the mask (adopted)", plain()
    yield "graph optimisation off", plain(graph_optimization_level=LEVELS.ORT_DISABLE_ALL)
    yield "graph optimisation basic", plain(graph_optimization_level=LEVELS.ORT_ENABLE_BASIC)
    yield "graph optimisation extended", plain(graph_optimization_level=LEVELS.ORT_ENABLE_EXTENDED)
    yield "denormals as zero", plain(entry=("session.set_denormal_as_zero", "1"))
    yield "no memory pattern", plain(enable_mem_pattern=False)
    yield "no arena", plain(enable_cpu_mem_arena=False)
    yield "two threads", plain(intra_op_num_threads=2)
    yield (
        "two threads, no spinning",
        plain(intra_op_num_threads=2, entry=("session.intra_op.allow_spinning", "0")),
    )
    yield "weights and arithmetic in half precision", lambda: _session(_half(part, folder))
    for per_channel in (False, True):
        for percentile in (False, True):
            name = f"int8, {'per channel' if per_channel else 'per tensor'}, {'percentile' if percentile else 'min-max'}"
            yield name, _quantised(part, folder, crops, per_channel, percentile)
    yield "OpenVINO", lambda: start(part, *candidates("openvino"), 1)


def _session(path: Path, entry: tuple[str, str] | None = None, **settings: Any) -> Session:
    choices = onnxruntime.SessionOptions()
    choices.intra_op_num_threads = choices.inter_op_num_threads = 1
    choices.log_severity_level = 4
    for name, value in settings.items():
        setattr(choices, name, value)
    if entry is not None:
        choices.add_session_config_entry(*entry)
    return onnxruntime.InferenceSession(str(path), choices, providers=["CPUExecutionProvider"])


def _folded(part: Path, folder: Path) -> Path:
    """The graph with weights as plain constants; they are stored in half precision and cast on loading."""
    target = folder / "folded.onnx"
    if not target.exists():
        choices = onnxruntime.SessionOptions()
        choices.graph_optimization_level = LEVELS.ORT_ENABLE_BASIC
        choices.optimized_model_filepath = str(target)
        choices.log_severity_level = 4
        onnxruntime.InferenceSession(str(part), choices, providers=["CPUExecutionProvider"])
    return target


def _half(part: Path, folder: Path) -> Path:
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    target = folder / "half.onnx"
    model = convert_float_to_float16(onnx.load(_folded(part, folder)), keep_io_types=True)
    onnx.save(model, target)
    return target


def _quantised(
    part: Path, folder: Path, crops: Crops, per_channel: bool, percentile: bool
) -> Callable[[], Session]:
    def make() -> Session:
        from onnxruntime.quantization import (
            CalibrationDataReader,
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )

        class Reader(CalibrationDataReader):  # type: ignore[misc]
            def __init__(self) -> None:
                self._left = iter(crops.calibration[::3])

            def get_next(self) -> dict[str, NDArray[np.float32]] | None:
                picture = next(self._left, None)
                return None if picture is None else {"input_1": _tensor(picture)}

        target = folder / f"int8-{per_channel}-{percentile}.onnx"
        method = CalibrationMethod.Percentile if percentile else CalibrationMethod.MinMax
        quantize_static(
            str(_folded(part, folder)),
            str(target),
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Add", "Resize", "MaxPool"],
            per_channel=per_channel,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=method,
        )
        return _session(target)

    return make


def _tensor(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    return picture.astype(np.float32)[None] / np.float32(255.0)


def landmarks(session: Session, crops: Crops) -> FloatArray:
    """(N, 33, 2) px of the picture."""
    result = []
    for picture, size in zip(crops.judging, crops.judging_size, strict=True):
        values, score, heatmaps, world = session.run(list(ALWAYS), {"input_1": _tensor(picture)})
        raw = RawLandmarks(
            values.reshape(-1, 5).astype(np.float64),
            float(score.reshape(-1)[0]),
            heatmaps[0].astype(np.float32),
            world.reshape(-1, 3).astype(np.float64),
        )
        found, _ = decode(raw, Region(0.0, 0.0, float(size)), 0, _SIZE)
        result.append(found.pixels)
    return np.stack(result)


def measure(variant: str) -> list[dict[str, Any]]:
    """A row for each option."""
    crops, rows = load_crops(), []
    sessions: dict[str, Session] = {}
    with tempfile.TemporaryDirectory() as name:
        for option, make in options(ModelStore().path(f"pose_landmark_{variant}"), crops, Path(name)):
            try:
                with redirect_stdout(io.StringIO()):  # the quantisation talks
                    sessions[option] = make()
            except Exception as error:  # an option that is not there is a row of the table
                rows.append(
                    {"option": option, "problem": f"{type(error).__name__}: {str(error).splitlines()[0]:.90}"}
                )
        times = _times(sessions, _tensor(crops.judging[0]))
        expected = None
        for option, session in sessions.items():
            found = landmarks(session, crops)
            expected = found if expected is None else expected
            error = np.linalg.norm(found - expected, axis=-1)
            cpu, wall = times[option]
            rows.append(
                {
                    "option": option,
                    "cpu_ms": round(cpu, 2),
                    "wall_ms": round(wall, 2),
                    "error_px": {
                        "mean": round(float(error.mean()), 3),
                        "p95": round(float(np.quantile(error, 0.95)), 3),
                        "max": round(float(error.max()), 3),
                    },
                }
            )
    return rows


def _times(sessions: dict[str, Session], tensor: NDArray[np.float32]) -> dict[str, tuple[float, float]]:
    """Processor time of the process and wall time of a run, medians, ms."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sessions}
    for _ in range(_RUNS):
        for name, session in sessions.items():
            cpu, wall = time.process_time(), time.perf_counter()
            session.run(list(ALWAYS), {"input_1": tensor})
            taken[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    medians = {name: np.median(np.array(values[5:]), axis=0) * 1e3 for name, values in taken.items()}
    return {name: (float(cpu), float(wall)) for name, (cpu, wall) in medians.items()}


def _print(variant: str, rows: list[dict[str, Any]]) -> None:
    print(f"\n{variant}: onnxruntime {onnxruntime.__version__}")
    print(f"{'option':46} {'cpu ms':>7} {'wall ms':>8} {'mean px':>8} {'95 % px':>8} {'max px':>7}")
    for row in rows:
        if "problem" in row:
            print(f"{row['option']:46} {row['problem']}")
            continue
        error = row["error_px"]
        print(
            f"{row['option']:46} {row['cpu_ms']:7.2f} {row['wall_ms']:8.2f} "
            f"{error['mean']:8.3f} {error['p95']:8.3f} {error['max']:7.3f}"
        )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--variants", nargs="+", default=["lite", "full"])
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    result = {}
    for variant in arguments.variants:
        result[variant] = measure(variant)
        _print(variant, result[variant])
    content = {"onnxruntime": onnxruntime.__version__, "options": result}
    (OUTPUT / "network_options.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
