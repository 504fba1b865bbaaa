"""One cable as fusion sees it: its repetitions, where its handle was, its force, and how fast the load was moved."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import RepetitionStatus, RepetitionVelocity
from kinecue.machine.samples import CableFlag, CableSample, CableSide, EncoderSample
from kinecue.training.encoder_repetitions import EncoderCounter, HandleRepetition
from kinecue.training.velocity import GRAVITY, velocity_of

FloatArray = NDArray[np.float64]

_ENOUGH_S = 0.005
"""Samples are thinned to about this spacing: a hand moves with less than 20 Hz, and a wire may bring 1,000 a second."""
_RATE_OVER = 24
"""Samples over which the spacing is measured."""
_KEPT_S = 30.0
"""For as long a repetition is looked back on; the longest that an exercise file allows by default is 20 s."""
_MOST = 8000
_UNUSABLE = CableFlag.FAULT | CableFlag.IMPLAUSIBLE | CableFlag.FROZEN | CableFlag.SATURATED
_BEFORE_NS = 2_000_000_000
"""Readings before a movement that its counter has to see, to know where the handle rests."""
_FORCE_COVER = 0.8
"""Part of a repetition for which the force has to be known, to be used."""
_JUMP_NS = 1_000_000_000
_FASTEST_M_S, _STEP_M = 5.0, 0.03
"""A reading that goes farther is a spike, a counter that began anew, or one that had been frozen."""


@dataclass(frozen=True)
class HandleAt:
    """Where the handle was in a time: lowest and highest reading and those at both ends, m; NaN without readings."""

    low: float = math.nan
    high: float = math.nan
    first: float = math.nan
    last: float = math.nan

    @property
    def way(self) -> float:
        """Between lowest and highest, m; 0 without readings."""
        return self.high - self.low if math.isfinite(self.high) else 0.0


class _Thinner:
    """Lets every n-th sample through, so that about 200 a second are left."""

    def __init__(self) -> None:
        self._every = 1
        self._count = 0
        self._stamps: list[int] = []

    def takes(self, stamp_ns: int) -> bool:
        if len(self._stamps) < _RATE_OVER:
            self._stamps.append(stamp_ns)
            if len(self._stamps) == _RATE_OVER:
                spacing = (max(self._stamps) - min(self._stamps)) / (_RATE_OVER - 1) * 1e-9
                self._every = max(1, int(_ENOUGH_S / spacing + 0.1)) if spacing > 0.0 else 1
        self._count += 1
        return self._count % self._every == 0


class CableReader:
    """Takes the samples of one cable.

    Args:
        side: which cable.
        model: the exercise; None while it is not known.
    """

    def __init__(self, side: CableSide, model: ExerciseModel | None) -> None:
        self.side = side
        self.load_n = math.nan
        """What the machine is set to, N; NaN if it does not say."""
        self.newest_ns = 0
        """Machine time of the newest reading."""
        self.position_m = math.nan
        """Of that reading, m."""
        self._thin_encoder, self._thin_force = _Thinner(), _Thinner()
        self._samples: deque[EncoderSample] = deque(maxlen=_MOST)
        self._course: deque[tuple[int, float]] = deque(maxlen=_MOST)
        self._jumps: deque[int] = deque(maxlen=50)
        self._forces: deque[tuple[int, float]] = deque(maxlen=_MOST)
        self._base = math.nan
        self.follow(model)

    def follow(self, model: ExerciseModel | None) -> None:
        """Another exercise."""
        self._model = model
        self._counter = self._new_counter()
        self._base = math.nan

    def read_again(self, model: ExerciseModel) -> tuple[HandleRepetition, ...]:
        """The exercise is known now: what the handle did in the last half minute, as that exercise."""
        self.follow(model)
        told: list[HandleRepetition] = []
        for sample in self._samples:
            told += self._counter.update(sample)
        return self._noted(tuple(told))

    def _new_counter(self, range_m: float = math.nan, direction: int = 0) -> EncoderCounter:
        model = self._model
        if model is None or model.load_direction is None:
            return EncoderCounter(range_m=range_m, direction=direction)
        tempo = model.tempo
        return EncoderCounter(
            model.load_direction,
            tempo.shortest_s,
            tempo.longest_s,
            tempo.longest_pause_s,
            range_m=range_m,
            direction=direction,
        )

    # --- samples ---

    def encoder(self, sample: EncoderSample) -> tuple[HandleRepetition, ...] | None:
        """A sample; the movements of which it tells the end, or None where it was left out to spare time."""
        if not self._thin_encoder.takes(sample.stamp_ns):
            return None
        if sample.valid:
            if sample.stamp_ns < self.newest_ns - _JUMP_NS:
                self._samples.clear()
                self._course.clear()
                self._jumps.clear()
                self._forces.clear()
            elif sample.stamp_ns > self.newest_ns:
                elapsed = (sample.stamp_ns - self.newest_ns) * 1e-9
                if abs(sample.position_m - self.position_m) > _STEP_M + _FASTEST_M_S * elapsed:
                    self._jumps.append(sample.stamp_ns)
            self.newest_ns, self.position_m = sample.stamp_ns, sample.position_m
        self._samples.append(sample)
        told = self._noted(self._counter.update(sample))
        at = self._counter.stamp_ns
        if at and (not self._course or at != self._course[-1][0]):
            self._course.append((at, self._counter.position_m))
        return told

    def smooth(self, start_ns: int, end_ns: int) -> bool:
        """No reading jumped between two machine times."""
        return not any(start_ns <= at <= end_ns for at in self._jumps)

    def _noted(self, told: tuple[HandleRepetition, ...]) -> tuple[HandleRepetition, ...]:
        for movement in told:
            if movement.status is RepetitionStatus.VALID and len(movement.times_ns):
                index = min(
                    int(np.searchsorted(movement.times_ns, movement.start_ns)), len(movement.times_ns) - 1
                )
                self._base = movement.direction * float(movement.positions_m[index])
        return told

    def force(self, sample: CableSample) -> bool:
        """A sample of the force; whether it was taken."""
        if math.isfinite(sample.load_n):
            self.load_n = sample.load_n
        if sample.flags & _UNUSABLE or not math.isfinite(sample.tension_n):
            return False
        if not self._thin_force.takes(sample.stamp_ns):
            return False
        self._forces.append((sample.stamp_ns, sample.tension_n))
        return True

    def tick(self, stamp_ns: int) -> tuple[HandleRepetition, ...]:
        """Time goes on without samples, by the machine's clock."""
        return self._counter.tick(stamp_ns)

    def finish(self) -> tuple[HandleRepetition, ...]:
        """The set is over."""
        return self._counter.finish()

    def confirm(self, start_ns: int, end_ns: int, anew: bool = False) -> tuple[HandleRepetition, ...]:
        """The camera saw a repetition between two machine times, the first one: so much way is a repetition.

        A counter of its own keeps the first movement of a set back until a second one is like it. Told the range, it reads
        the movement again and need not wait.

        Args:
            start_ns, end_ns: by the machine's clock.
            anew: also where the range is known, because what the counter tells does not fit.
        """
        if not anew and math.isfinite(self._counter.range_m):
            return ()
        at = self.between(start_ns, end_ns)
        if not at.way > 0.0 or not math.isfinite(at.first):
            return ()
        direction = 1 if at.high - at.first >= at.first - at.low else -1
        counter = self._new_counter(at.way, direction)
        told: list[HandleRepetition] = []
        since = start_ns - _BEFORE_NS if anew else 0
        for sample in self._samples:
            if sample.stamp_ns >= since:
                told += counter.update(sample)
        self._counter = counter
        return self._noted(tuple(m for m in told if not anew or m.end_ns > start_ns))

    # --- what is known ---

    @property
    def healthy(self) -> bool:
        """There are readings that can be believed."""
        return self._counter.healthy

    @property
    def under_way(self) -> bool:
        """A movement has begun and not ended."""
        return self._counter.under_way

    @property
    def undecided(self) -> bool:
        """A movement is held back until the range is known."""
        return self._counter.provisional > 0

    @property
    def way_m(self) -> float:
        """Of a full repetition, m; NaN while it is not known."""
        return self._counter.range_m

    def away(self) -> tuple[float, float]:
        """How far the handle is from where it rests, m, and its speed away from there, m/s; NaN if not known."""
        direction = self._counter.direction
        if not direction:
            return math.nan, math.nan
        return direction * self._counter.position_m - self._base, direction * self._counter.speed_m_s

    @property
    def smooth_m(self) -> float:
        """Newest position, continuous over restarts of the counter, m; NaN before the first."""
        return self._counter.position_m

    def between(self, start_ns: int, end_ns: int) -> HandleAt:
        """Where the handle was between two machine times."""
        found: list[float] = []
        for stamp, position in reversed(self._course):
            if stamp < start_ns:
                break
            if stamp <= end_ns:
                found.append(position)
        if not found:
            return HandleAt()
        return HandleAt(min(found), max(found), found[-1], found[0])

    def velocity(self, repetition: HandleRepetition) -> RepetitionVelocity | None:
        """How fast the load was moved; None if nothing can be said.

        The force is the cable's tension where it was measured throughout, else what the machine is set to.
        """
        if repetition.status is not RepetitionStatus.VALID or len(repetition.times_ns) < 8:
            return None
        epoch = int(repetition.times_ns[0])
        times = (repetition.times_ns - epoch) * 1e-9
        return velocity_of(
            times,
            repetition.positions_m,
            repetition.concentric,
            forces_n=self._force_at(repetition, times, epoch),
            load_kg=self.load_n / GRAVITY if self.load_n > 0.0 else math.nan,
            sigma_m=self._step(),
            source="encoder",
            cable=int(self.side),
        )

    def _force_at(self, repetition: HandleRepetition, times: FloatArray, epoch: int) -> FloatArray | None:
        begin, end = int(repetition.times_ns[0]), int(repetition.times_ns[-1])
        known = sorted((at, force) for at, force in self._forces if begin <= at <= end)
        if len(known) < 8:
            return None
        at = np.array([(stamp - epoch) * 1e-9 for stamp, _ in known])
        gaps = np.diff(at)
        seen = gaps[gaps < 0.1].sum() / max(times[-1] - times[0], 1e-9)
        if seen < _FORCE_COVER:
            return None
        force: FloatArray = np.interp(times, at, np.array([force for _, force in known]))
        return force

    def _step(self) -> float:
        """Standard deviation of a reading by the encoder's step, m; NaN if the scale is not known."""
        scale = abs(self._samples[-1].counts_per_metre) if self._samples else math.nan
        return 1.0 / scale / math.sqrt(12.0) if math.isfinite(scale) and scale > 0.0 else math.nan
