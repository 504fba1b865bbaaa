"""A person who follows the calibration guide at a machine whose scales are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from kinecue.body.measurement import Reason, Validity
from kinecue.machine import CableSample, CableSide, Direction, EncoderSample
from kinecue.machine.calibration_guide import CalibrationGuide, Kind, Step

SECOND = 1_000_000_000
GRAVITY = 9.80665


@dataclass
class Bench:
    """A machine that is being calibrated: how it counts, how it weighs, and how still its person is.

    Way and load are set by `obey`; `before` lets a test do something wrong in a step.
    """

    counts_per_metre: float = 5000.0
    zero: float = 137.0
    believed: float = math.nan
    newton_per_unit: float = 0.002
    offset: float = 84_213.0
    raw: bool = True
    noise_n: float = 1.0
    tremor_m: float = 0.001
    bits: int = 0
    rate: float = 100.0
    side: CableSide = CableSide.NONE
    seed: int = 1
    before: Callable[[Bench, Step, int], None] = lambda bench, step, number: None
    out_m: float = 0.0
    load_n: float = 0.0
    drift_n_s: float = 0.0
    drift_m_s: float = 0.0
    now_ns: int = 0
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def obey(self, step: Step, length_m: float) -> None:
        self.out_m = length_m if step.kind is Kind.OUT else 0.0
        self.load_n = step.weight_kg * GRAVITY

    def samples(self, seconds: float) -> Iterator[CableSample | EncoderSample]:
        for _ in range(round(seconds * self.rate)):
            self.now_ns += round(SECOND / self.rate)
            self.out_m += self.drift_m_s / self.rate
            self.load_n += self.drift_n_s / self.rate
            hand = self.tremor_m * self.rng.normal() if self.out_m > 0.01 else 0.0
            count = math.floor(self.zero + (self.out_m + hand) * self.counts_per_metre + 0.5)
            if self.bits:
                half = 1 << (self.bits - 1)
                count = (count + half) % (2 * half) - half
            units = self.offset + (self.load_n + self.noise_n * self.rng.normal()) / self.newton_per_unit
            if self.raw:
                yield CableSample(self.now_ns, math.nan, side=self.side, raw=round(units))
            else:
                yield CableSample(self.now_ns, max(units, 0.0), side=self.side)
            known = math.isfinite(self.believed)
            yield EncoderSample(
                self.now_ns,
                count / self.believed if known else math.nan,
                math.nan,
                Direction.STILL,
                count,
                self.believed,
                self.side,
                Validity.VALID if known else Validity.ABSTAINED,
                Reason.NONE if known else Reason.NOT_CALIBRATED,
            )

    def follow(self, guide: CalibrationGuide, length_m: float = 1.0, move: bool = True) -> None:
        """Every step until the end, or until one is refused."""
        while (step := guide.step) is not None:
            if move:
                self.slide(guide, step, length_m)
            self.obey(step, length_m)
            self.before(self, step, guide.progress[0])
            guide.begin()
            for sample in self.samples(step.seconds):
                guide.take(sample)
            guide.finish()

    def slide(self, guide: CalibrationGuide, step: Step, length_m: float) -> None:
        """The handle goes where the step wants it, seen by the guide: a counter may roll over on the way."""
        begin, end = self.out_m, length_m if step.kind is Kind.OUT else 0.0
        for share in np.linspace(0.0, 1.0, 60):
            self.out_m = begin + share * (end - begin)
            for sample in self.samples(1.0 / self.rate):
                guide.take(sample)
