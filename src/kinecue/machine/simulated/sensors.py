"""Load cell, encoder and clock of a simulated machine: from what is true to what is read."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from kinecue.machine.simulated.draws import Channel, Draws, Events
from kinecue.machine.simulated.flaws import ClockFlaws, EncoderFlaws, ForceFlaws, Outages
from kinecue.machine.simulated.history import Table
from kinecue.machine.simulated.mechanics import STEP_NS, Column, Mechanics, as_columns
from kinecue.machine.simulated.motion import NANOSECONDS


class _Sensor(ABC):
    """A sensor with a state that follows the mechanics step by step, and outages that are functions of time."""

    def __init__(
        self,
        mechanics: Mechanics,
        draws: Draws,
        outages: Outages,
        channels: tuple[Channel, Channel, Channel],
        columns: int,
    ) -> None:
        self._mechanics = mechanics
        self._draws = draws
        self._outages = outages
        self._loss, burst, freeze = channels
        self._bursts = Events(draws, burst, outages.burst_per_min, outages.burst_s)
        self._freezes = Events(draws, freeze, outages.freeze_per_min, outages.freeze_s)
        self._columns = columns
        self._generation = -1
        self._table = Table(columns)

    def arrives(self, stamp_ns: int, key: int) -> bool:
        """Whether a sample of that time gets through."""
        if self._bursts.under_way(self._time(stamp_ns)) is not None:
            return False
        return self._outages.loss == 0.0 or self._draws.uniform(self._loss, key) >= self._outages.loss

    def _time(self, stamp_ns: int) -> float:
        """Seconds since the machine began."""
        return (stamp_ns - (self._mechanics.began_ns or 0)) / NANOSECONDS

    @property
    def _shift_ns(self) -> int:
        """Time of step 0, since the machine began."""
        return (self._mechanics.origin_ns or 0) - (self._mechanics.began_ns or 0)

    def _taken(self, stamp_ns: int) -> tuple[float, bool]:
        """When the value was taken that a sample of that time carries, s since the beginning; whether it is frozen."""
        time_s = self._time(stamp_ns) - self._outages.latency_s
        frozen = self._freezes.under_way(time_s)
        return (time_s, False) if frozen is None else (frozen, True)

    def _step(self, time_s: float) -> float:
        return (time_s * NANOSECONDS - self._shift_ns) / STEP_NS

    def _follow(self) -> None:
        truth = self._mechanics.table
        if self._generation != self._mechanics.generation or self._table.end < truth.first:
            self._generation = self._mechanics.generation
            self._table = Table(self._columns, truth.keep)
            self._table.first = truth.first
            self._begin()
        if self._table.end < truth.end:
            self._extend(self._table.end)

    @abstractmethod
    def _begin(self) -> None:
        """Forget the state."""

    @abstractmethod
    def _extend(self, step: int) -> None:
        """Append a row for each step of the mechanics from `step` on."""


class LoadCell(_Sensor):
    """The force sensor."""

    def __init__(self, mechanics: Mechanics, flaws: ForceFlaws, draws: Draws) -> None:
        channels = (Channel.FORCE_LOSS, Channel.FORCE_BURST, Channel.FORCE_FREEZE)
        super().__init__(mechanics, draws, flaws, channels, 2)
        self._flaws = flaws
        self._passed: float | None = None
        self._felt = 0.0

    def _begin(self) -> None:
        self._passed = None

    def _extend(self, step: int) -> None:
        tension, speed = as_columns(self._mechanics.table.since(step), Column.TENSION, Column.SPEED)
        cutoff, half = self._flaws.cutoff_hz, 0.5 * self._flaws.hysteresis_n
        share = 1.0 - math.exp(-2.0 * math.pi * cutoff * STEP_NS / NANOSECONDS) if cutoff > 0.0 else 1.0
        passed, felt = self._passed, self._felt
        if passed is None:
            passed = felt = tension[0]
        rows = []
        for force, way in zip(tension, speed, strict=True):
            felt = min(max(felt, force - half), force + half)
            passed += share * (felt - passed)
            rows.append((passed, way))
        self._passed, self._felt = passed, felt
        self._table.extend(rows)

    def read(self, stamp_ns: int, key: int) -> tuple[float, float, bool]:
        """Force (N, not negative) and tachometer (m/s) in a sample, and whether the range ends there."""
        self._follow()
        flaws, draws = self._flaws, self._draws
        time_s, frozen = self._taken(stamp_ns)
        force, speed = (float(value) for value in self._table.at(self._step(time_s)))
        warmer = flaws.warm_up_k * (1.0 - math.exp(-max(time_s, 0.0) / flaws.warm_up_s))
        force *= 1.0 + flaws.gain_error + flaws.gain_per_k * warmer
        force += flaws.bias_n + flaws.bias_n_per_k * warmer
        if flaws.hum_n > 0.0:
            phase = draws.uniform(Channel.HUM_PHASE, 0)
            force += flaws.hum_n * math.sin(2.0 * math.pi * (flaws.hum_hz * time_s + phase))
        # a converter that stands still repeats its noise
        drawn = round(time_s * NANOSECONDS) if frozen else key
        if flaws.noise_n > 0.0:
            force += flaws.noise_n * draws.normal(Channel.FORCE_NOISE, drawn)
        if flaws.spike_share > 0.0 and draws.uniform(Channel.SPIKE, drawn) < flaws.spike_share:
            force += math.copysign(flaws.spike_n, draws.uniform(Channel.SPIKE_SIGN, drawn) - 0.5)
        if flaws.speed_noise_m_s > 0.0:
            speed += flaws.speed_noise_m_s * draws.normal(Channel.SPEED_NOISE, drawn)
        if flaws.resolution_n > 0.0:
            force = round(force / flaws.resolution_n) * flaws.resolution_n
        return min(max(force, 0.0), flaws.range_n), speed, force >= flaws.range_n


class Encoder(_Sensor):
    """The encoder and its counter."""

    def __init__(self, mechanics: Mechanics, flaws: EncoderFlaws, draws: Draws) -> None:
        channels = (Channel.ENCODER_LOSS, Channel.ENCODER_BURST, Channel.ENCODER_FREEZE)
        super().__init__(mechanics, draws, flaws, channels, 2)
        self._flaws = flaws
        self._dips = Events(draws, Channel.POWER_DIP, flaws.power_dips_per_min)
        self._scale = -flaws.counts_per_metre if flaws.inverted else flaws.counts_per_metre
        self.reported_scale = flaws.counts_per_metre * (1.0 + flaws.scale_error)
        """Counts a metre, as the driver believes."""
        self._begin()

    def _begin(self) -> None:
        self._turned: float | None = None
        self._added = float(self._flaws.first_count)

    def _extend(self, step: int) -> None:
        (way,) = as_columns(self._mechanics.table.since(step), Column.OUT)
        flaws = self._flaws
        half = 0.5 * flaws.backlash_m
        lost, extra = flaws.missed_per_m, flaws.extra_per_m
        dips = self._dips_between(step, step + len(way))
        turned = way[0] if self._turned is None else self._turned
        added = self._added
        rows = []
        for number, out in enumerate(way, start=step):
            before = turned
            turned = min(max(turned, out - half), out + half)
            moved = turned - before
            if moved and (lost or extra):
                onward = math.copysign(1.0, moved * self._scale)
                if self._draws.uniform(Channel.SLIP, number) < abs(moved) * lost:
                    added -= onward
                if self._draws.uniform(Channel.SLIP, number, 1) < abs(moved) * extra:
                    added += onward
            if number in dips:
                added = -float(math.floor(turned * self._scale + 0.5))
            rows.append((turned, added))
        self._turned, self._added = turned, added
        self._table.extend(rows)

    def _dips_between(self, first: int, end: int) -> set[int]:
        """Steps from `first` to `end` in which the power dips."""
        shift = self._shift_ns
        seconds = range((first * STEP_NS + shift) // NANOSECONDS, (end * STEP_NS + shift) // NANOSECONDS + 1)
        begins = [self._dips.begin_in(second) for second in seconds]
        return {math.ceil(self._step(begin)) for begin in begins if begin is not None}

    def count(self, stamp_ns: int) -> int:
        """What the counter shows in a sample of that time."""
        self._follow()
        step = self._step(self._taken(stamp_ns)[0])
        turned = float(self._table.at(step)[0])
        raw = math.floor(turned * self._scale + 0.5) + round(float(self._table.row(int(step // 1))[1]))
        bits = self._flaws.counter_bits
        return (raw + (1 << bits >> 1)) % (1 << bits) - (1 << bits >> 1) if bits else raw

    def position(self, count: int) -> float:
        """What the driver makes of a count, m."""
        return (count - self._flaws.first_count) / self.reported_scale


class SampleClock:
    """The clock that stamps samples.

    Args:
        flaws: of the clock.
        draws: where chance comes from.
    """

    def __init__(self, flaws: ClockFlaws, draws: Draws) -> None:
        self.flaws = flaws
        self._draws = draws

    def stamp(self, stamp_ns: int, origin_ns: int, key: int) -> int:
        """What the machine writes on a sample of that time; `origin_ns`: where its drift begins."""
        flaws = self.flaws
        late = flaws.offset_s * NANOSECONDS + flaws.drift_ppm * 1e-6 * (stamp_ns - origin_ns)
        if flaws.jitter_s > 0.0:
            jitter = float(np.clip(self._draws.normal(Channel.STAMP_JITTER, key), -3.0, 3.0))
            late += flaws.jitter_s * jitter * NANOSECONDS
        return stamp_ns + round(late)

    def repeats(self, key: int) -> bool:
        """Whether a sample carries the stamp of the one before."""
        return (
            self.flaws.duplicate > 0.0 and self._draws.uniform(Channel.DUPLICATE, key) < self.flaws.duplicate
        )

    def delay_ns(self, key: int) -> int:
        """Time from a sample to its arrival, ns."""
        flaws = self.flaws
        delay = flaws.transport_s
        if flaws.late > 0.0 and self._draws.uniform(Channel.LATE, key) < flaws.late:
            delay += flaws.late_s * (0.5 + self._draws.uniform(Channel.LATE_BY, key))
        return round(delay * NANOSECONDS)
