"""What the sensors of simulated machines say of simulated sets, kept under bench_output/machine_streams.

    stream = make(10007)        # the number decides on set, machine, flaws and rate

Three streams in a row are one movement on one machine, sensed with three sets of flaws at three rates. Making is
slow (the mechanics have a step of half a millisecond) and depends on the simulation alone, so streams are kept and made
again when it changes. Numbers below `JUDGED_FROM` are for tuning.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from handle_motions import Performed, perform
from numpy.typing import NDArray

from kinecue.machine import FLAWS, MACHINES, SensorFlaws
from kinecue.machine.simulated.draws import Draws
from kinecue.machine.simulated.mechanics import Column, Mechanics
from kinecue.machine.simulated.sensors import Encoder, LoadCell, SampleClock

FloatArray = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
STORE = ROOT / "bench_output" / "machine_streams"
JUDGED_FROM = 10_000
RATES_HZ = (50.0, 100.0, 100.0, 200.0, 200.0, 500.0, 1000.0)
SENSED = 3
"""Streams of one movement."""
FORCE_HZ = 100.0
FAILING = ("broken_encoder", "frozen")
"""Flaws with which the sensor says nothing of large parts of the movement."""


@dataclass(frozen=True)
class StreamKey:
    """A set on a machine.

    Attributes:
        number: decides about everything.
    """

    number: int

    @property
    def seed(self) -> int:
        """Of the movement."""
        return self.number // SENSED

    @property
    def machine(self) -> str:
        """A name of `MACHINES`."""
        return list(MACHINES)[self.seed % len(MACHINES)]

    @property
    def flaws(self) -> str:
        """A name of `FLAWS`."""
        return list(FLAWS)[zlib.crc32(b"flaws %d" % self.number) % len(FLAWS)]

    @property
    def rate_hz(self) -> float:
        """Samples a second."""
        return RATES_HZ[zlib.crc32(b"rate %d" % self.number) % len(RATES_HZ)]

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return STORE / _version() / f"{self.number}.npz"


@dataclass(frozen=True)
class Stream:
    """What was sensed, and what is true.

    Attributes:
        key: of it.
        performed: the set.
        flaws: of the sensors.
        encoder: (N, 3) stamp ns, position m, count, in the order of arrival.
        force: (M, 3) stamp ns, tension N, true tension N; only the first of the streams of one movement has it.
        load_n: what the machine was set to.
    """

    key: StreamKey
    performed: Performed
    flaws: SensorFlaws
    encoder: FloatArray
    force: FloatArray
    load_n: float

    def true_time(self, stamp_ns: FloatArray | float) -> FloatArray:
        """Seconds of the set, of stamps by the machine's clock."""
        clock = self.flaws.clock
        return (np.asarray(stamp_ns) * 1e-9 - clock.offset_s) / (1.0 + clock.drift_ppm * 1e-6)


@lru_cache(maxsize=1)
def _version() -> str:
    files = sorted((ROOT / "src" / "kinecue" / "machine" / "simulated").glob("*.py"))
    files += [Path(__file__).with_name("handle_motions.py"), Path(__file__)]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]


def make(number: int) -> Stream:
    """The stream, from the store if it is there."""
    key = StreamKey(number)
    performed = perform(key.seed)
    model = MACHINES[key.machine]
    rng = np.random.default_rng(key.seed)
    model = replace(model, load_n=model.load_n * float(np.exp(rng.uniform(np.log(0.4), np.log(2.5)))))
    if not key.path.exists():
        first = StreamKey(key.seed * SENSED)
        mechanics = Mechanics(performed.motion(), model)
        for n in range(first.number, first.number + SENSED):
            _write(StreamKey(n), mechanics, float(performed.times_s[-1]), n == first.number)
    with np.load(key.path) as archive:
        return Stream(key, performed, FLAWS[key.flaws], archive["encoder"], archive["force"], model.load_n)


def _write(key: StreamKey, mechanics: Mechanics, duration_s: float, with_force: bool) -> None:
    flaws, draws = FLAWS[key.flaws], Draws(key.number)
    encoder, clock = Encoder(mechanics, flaws.encoder, draws), SampleClock(flaws.clock, draws)
    mechanics.reach(0)
    arrived: list[tuple[float, int, float, float, int]] = []
    for n in range(int(duration_s * key.rate_hz)):
        taken = round(n * 1e9 / key.rate_hz)
        mechanics.reach(taken)
        if not encoder.arrives(taken, n):
            continue
        count = encoder.count(taken)
        before = round((n - 1) * 1e9 / key.rate_hz)
        stamp = clock.stamp(before, 0, n - 1) if n and clock.repeats(n) else clock.stamp(taken, 0, n)
        arrived.append((taken + clock.delay_ns(n), n, stamp, encoder.position(count), count))
    force = _force(mechanics, flaws, draws, clock, duration_s) if with_force else []
    key.path.parent.mkdir(parents=True, exist_ok=True)
    part = key.path.with_suffix(".part.npz")
    np.savez_compressed(
        part,
        encoder=np.array([row[2:] for row in sorted(arrived)], np.float64).reshape(-1, 3),
        force=np.array(force, np.float64).reshape(-1, 3),
    )
    part.replace(key.path)


def _force(
    mechanics: Mechanics, flaws: SensorFlaws, draws: Draws, clock: SampleClock, duration_s: float
) -> list[tuple[float, float, float]]:
    cell = LoadCell(mechanics, flaws.force, draws)
    rows = []
    for n in range(int(duration_s * FORCE_HZ)):
        taken = round(n * 1e9 / FORCE_HZ)
        if cell.arrives(taken, n):
            tension = max(float(mechanics.at(taken)[Column.TENSION]), 0.0)
            rows.append((float(clock.stamp(taken, 0, n)), cell.read(taken, n)[0], tension))
    return rows


if __name__ == "__main__":
    import sys

    for number in range(int(sys.argv[1]), int(sys.argv[2])):
        make(number)
