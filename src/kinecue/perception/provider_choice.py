"""Which execution provider is fastest here: measured once, remembered until something changes."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from kinecue.perception.errors import ModelError, ProviderError
from kinecue.perception.providers import CPU, available_providers

Run = Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]]
"""Runs a network on one input tensor."""

TOLERANCE = 1e-3
"""Largest difference from the CPU's output, as a share of its largest magnitude or of 1, whichever is more: 0.25 px in a
crop of 256 px, 1 mm of a position in metres, 0.001 of a probability."""
HALF_TOLERANCE = 1e-2
"""The same for networks in half precision."""
_WARM_UP, _RUNS = 2, 15
_LONGEST_S = 3.0
"""A candidate is not measured longer."""
_WORTH_IT = 0.95
"""Another provider is preferred to the CPU if it takes less than this share of the time."""
_FORMAT = 1


@dataclass(frozen=True)
class Measured:
    """What came of trying a provider: the shortest time of a run, or why it cannot be used."""

    provider: str
    milliseconds: float | None
    problem: str | None = None

    def __str__(self) -> str:
        if self.milliseconds is None:
            return f"{self.provider}: {self.problem}"
        return f"{self.provider} {self.milliseconds:.1f} ms"


@dataclass(frozen=True)
class ProviderChoice:
    """The provider to use and what it was compared with; empty `measured` where there was no choice."""

    provider: str
    measured: tuple[Measured, ...] = ()

    def __str__(self) -> str:
        if not self.measured:
            return self.provider
        return f"{self.provider} ({'; '.join(str(one) for one in self.measured)})"


class ChoiceStore:
    """Choices on disk, one JSON file.

    Args:
        path: the file; need not exist. None = choices are not kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self, key: str) -> ProviderChoice | None:
        """What was chosen for `key`; None if nothing was, or the file is not readable."""
        entry: Any = self._entries().get(key)
        try:
            measured = tuple(Measured(**one) for one in entry["measured"])
            return ProviderChoice(str(entry["provider"]), measured)
        except (TypeError, KeyError):
            return None

    def write(self, key: str, choice: ProviderChoice) -> None:
        """Keep a choice. A folder that cannot be written costs a measurement at the next start, no more."""
        if self._path is None:
            return
        content = {"format": _FORMAT, "choices": {**self._entries(), key: asdict(choice)}}
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()

    def _entries(self) -> dict[str, Any]:
        if self._path is None:
            return {}
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        known = isinstance(content, dict) and content.get("format") == _FORMAT
        return dict(content["choices"]) if known and isinstance(content.get("choices"), dict) else {}


def choice_key(model: bytes, threads: int) -> str:
    """What a choice depends on: the network, onnxruntime, what it was built with, the machine, threads."""
    parts = (
        hashlib.sha256(model).hexdigest(),
        onnxruntime.__version__,
        ",".join(available_providers()),
        platform.node(),
        platform.machine(),
        _processor(),
        str(os.cpu_count()),
        str(threads),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def measure(
    start: Callable[[str], Run],
    candidates: Sequence[str],
    tensor: NDArray[np.float32],
    tolerance: float = TOLERANCE,
    clock: Callable[[], float] = time.perf_counter,
) -> ProviderChoice:
    """Try each candidate on a tensor; the fastest whose outputs equal the CPU's is chosen.

    Args:
        start: opens the network on a provider; raises ProviderError where that does not start.
        candidates: names of providers; the CPU is measured too.
        tensor: the input.
        tolerance: largest difference from the CPU's outputs, as a share of their largest magnitude.
        clock: seconds.
    """
    run = start(CPU)
    expected = [np.asarray(output, np.float64) for output in run(tensor)]
    runs, problems = {CPU: run}, {}
    for name in candidates:
        if name != CPU:
            started = _started(name, start, tensor, expected, tolerance)
            if isinstance(started, str):
                problems[name] = started
            else:
                runs[name] = started
    times = _best_times(runs, tensor, clock)
    measured = [
        Measured(name, times.get(name), problems.get(name)) for name in dict.fromkeys((CPU, *candidates))
    ]
    fastest = min(times, key=lambda name: times[name])
    chosen = fastest if times[fastest] < _WORTH_IT * times[CPU] else CPU
    return ProviderChoice(chosen, tuple(measured))


def _started(
    name: str,
    start: Callable[[str], Run],
    tensor: NDArray[np.float32],
    expected: Sequence[NDArray[np.float64]],
    tolerance: float,
) -> Run | str:
    """The network on a provider, or why it cannot be used there."""
    try:
        run = start(name)
        found = run(tensor)
    except (ProviderError, ModelError) as error:
        return str(error)
    except Exception as error:  # onnxruntime's exceptions share no base class
        reason = str(error).strip() or type(error).__name__
        return f"does not run: {reason.splitlines()[0]:.200}"
    for here, cpu in zip(found, expected, strict=True):
        difference = float(np.abs(here.astype(np.float64) - cpu).max(initial=0.0))
        allowed = tolerance * float(np.abs(cpu).max(initial=1.0))
        if not difference <= allowed:  # NaN is not
            return f"differs from the CPU by {difference:.3g}, allowed {allowed:.3g}"
    return run


def _best_times(
    runs: Mapping[str, Run], tensor: NDArray[np.float32], clock: Callable[[], float]
) -> dict[str, float]:
    """Shortest time of each, ms; in turns, because what else the machine does changes by the second."""
    best: dict[str, float] = {}
    spent = dict.fromkeys(runs, 0.0)
    for turn in range(_WARM_UP + _RUNS):
        for name, run in runs.items():
            if spent[name] > _LONGEST_S and name in best:
                continue
            before = clock()
            run(tensor)
            took = clock() - before
            spent[name] += took
            if turn >= _WARM_UP or took > _LONGEST_S:
                best[name] = min(best.get(name, np.inf), took * 1e3)
    return best


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
