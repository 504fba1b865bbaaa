"""The small interface that every source of machine samples has, and what all of them count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from kinecue.body.errors import KineCueError
from kinecue.body.measurement import Reason, Validity
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample

Sample = CableSample | EncoderSample

READ_S = 0.02
"""The longest that `Driver.read` waits for something to come, s: a stop is heard that soon."""
GATHER_S = 0.008
"""Samples that carry the time at which they were taken are fetched so often, s: waking up for each costs all that listen
several times as much as the sample, and no cue is decided faster than a frame of the camera comes."""
STILL_M_S = 0.02
"""Slower than this, a handle stands: 0.4 mm in the 20 ms over which speed is taken, two counts of a coarse encoder."""
LARGEST_COUNT = 2**63 - 1
"""What the message's field holds."""


class DriverError(KineCueError):
    """A source cannot be opened or used; the text says what is wrong and what to do."""


class DriverLost(DriverError):  # noqa: N818 (says what happened)
    """A source that was open went away: unplugged, switched off, its bus gone. Opening it again may work."""


@dataclass
class DriverCounts:
    """What a source has counted since it was made. Written by the thread that reads, read by any.

    Attributes:
        received: lines, frames or messages that were taken.
        bad: those that were not: checksum, form, a value that no cable has.
        lost: those that never arrived, by the sequence numbers of those that did.
        repeated: those that arrived a second time and were left out.
        restarts: how often the source's clock began anew.
        last_bad: why the newest bad one was not taken.
    """

    received: int = 0
    bad: int = 0
    lost: int = 0
    repeated: int = 0
    restarts: int = 0
    last_bad: str = ""

    def refuse(self, why: str, number: int = 1) -> None:
        """Count bad ones."""
        self.bad += number
        self.last_bad = why


class Driver(Protocol):
    """A source of samples. `open`, `read` and `close` are called by one thread; a closed source can be opened again."""

    @property
    def name(self) -> str:
        """What and where it is, for people: ``serial /dev/ttyACM0``."""

    @property
    def patience_s(self) -> float:
        """Without a sample for so long an open source counts as lost, s; infinite where silence is normal."""

    @property
    def counts(self) -> DriverCounts:
        """What went right and wrong so far."""

    def open(self) -> None:
        """Make it ready.

        Raises:
            DriverError: it cannot be; says why.
        """

    def read(self, now_ns: int) -> Sequence[Sample]:
        """What has come since the last call, in the order in which it came; waits up to `READ_S` for the first.

        Args:
            now_ns: the time of the call, by the clock that stamps what has no clock of its own.

        Raises:
            DriverLost: the source went away.
        """

    def close(self) -> None:
        """Release it; harmless if it is not open."""


def direction_of(speed_m_s: float) -> Direction:
    """Where a handle of this speed is going; a speed that is not known counts as still."""
    if not abs(speed_m_s) > STILL_M_S:
        return Direction.STILL
    return Direction.OUT if speed_m_s > 0.0 else Direction.BACK


def not_pushing(force_n: float) -> float:
    """A force without the little below zero that a sensor at rest reads now and then; NaN stays."""
    return 0.0 if force_n < 0.0 else force_n


def side_of(word: str) -> CableSide | None:
    """The side of a word such as ``left``; None for another word."""
    return CableSide.__members__.get(word.strip().upper())


def encoder_of(
    stamp_ns: int,
    side: CableSide,
    count: int | None,
    position_m: float,
    speed_m_s: float = math.nan,
    counts_per_metre: float = math.nan,
) -> EncoderSample:
    """The encoder sample of a source that knows counts, a position, or both.

    A source without counts has no scale either. Counts without a scale are no position yet: the sample abstains until the
    machine's calibration makes one of it.
    """
    known = math.isfinite(position_m)
    if not known and count is not None and math.isfinite(counts_per_metre) and counts_per_metre != 0.0:
        position_m, known = count / counts_per_metre, True
    return EncoderSample(
        stamp_ns,
        position_m,
        speed_m_s,
        direction_of(speed_m_s),
        count or 0,
        counts_per_metre,
        side,
        Validity.VALID if known else Validity.ABSTAINED,
        Reason.NONE if known else Reason.NOT_CALIBRATED,
    )


def no_reading(
    stamp_ns: int, side: CableSide, reason: Reason = Reason.NO_SENSOR
) -> tuple[CableSample, EncoderSample]:
    """What is told of a cable whose source went away."""
    nan = math.nan
    encoder = EncoderSample(stamp_ns, nan, nan, Direction.STILL, 0, nan, side, Validity.ABSTAINED, reason)
    return CableSample(stamp_ns, nan, side=side, flags=CableFlag.NONE), encoder


def at(sample: Sample, stamp_ns: int) -> Sample:
    """The sample with another stamp."""
    return replace(sample, stamp_ns=stamp_ns)
