"""A set as it is remembered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from kinecue.exercise.results import (
    Repetition,
    RepetitionFault,
    RepetitionReason,
    RepetitionStatus,
    RepetitionVelocity,
    SetSummary,
    Severity,
    Side,
)


@dataclass(frozen=True)
class FaultRecord:
    """A fault of one repetition.

    Attributes:
        name: as in the exercise file.
        side: of the body.
        severity: how much it matters.
        probability: largest, 0 to 1.
        magnitude: largest, in tolerances beyond the limit.
        duration_s: for how long it was believed, s.
    """

    name: str
    side: Side
    severity: Severity
    probability: float
    magnitude: float
    duration_s: float


@dataclass(frozen=True)
class RepetitionRecord:
    """A movement, counted or not; times and numbers as in `kinecue.exercise.results.Repetition`.

    Attributes:
        number: from 1 among valid ones; 0 if not valid.
        status, reason, side, source: as there.
        start_s: from the beginning of the set, s.
        range: peak of progress, 1 = full.
        feature, feature_peak, unit: what progress is measured by, and its peak.
        eccentric_s, pause_s, concentric_s, held_s: tempo, s.
        d, d_eccentric, d_concentric: mean D; NaN if abstained.
        faults: the most severe first.
        velocity: of the load; None if nothing measured it.
    """

    number: int
    status: RepetitionStatus
    reason: RepetitionReason
    side: Side
    source: str
    start_s: float
    range: float
    feature: str
    feature_peak: float
    unit: str
    eccentric_s: float
    pause_s: float
    concentric_s: float
    held_s: float = math.nan
    d: float = math.nan
    d_eccentric: float = math.nan
    d_concentric: float = math.nan
    faults: tuple[FaultRecord, ...] = ()
    velocity: RepetitionVelocity | None = None

    @classmethod
    def of(cls, repetition: Repetition, set_start_ns: int) -> RepetitionRecord:
        """What is remembered of a repetition."""
        return cls(
            repetition.number,
            repetition.status,
            repetition.reason,
            repetition.side,
            repetition.source,
            (repetition.start_ns - set_start_ns) * 1e-9,
            repetition.range,
            repetition.feature,
            repetition.feature_peak.value,
            repetition.unit,
            repetition.eccentric_s,
            repetition.pause_s,
            repetition.concentric_s,
            repetition.held_s,
            repetition.d,
            repetition.d_eccentric,
            repetition.d_concentric,
            tuple(map(_fault, repetition.fault_details)),
            repetition.velocity,
        )


def _fault(fault: RepetitionFault) -> FaultRecord:
    return FaultRecord(
        fault.name, fault.side, fault.severity, fault.probability, fault.magnitude, fault.duration
    )


@dataclass(frozen=True)
class SetRecord:
    """A set that is over.

    Attributes:
        set_id: unique in its session.
        person_id: whose it is; empty = nobody in particular.
        exercise: name of the exercise file.
        began_at: wall clock, with the offset from UTC.
        duration_s: s.
        load_kg: that was held or pulled; NaN if not known.
        counted: valid repetitions.
        not_counted: movements that were not, by status.
        d: mean D of the valid repetitions; NaN if none.
        faults: how often each was raised.
        repetitions: in the order of time.
    """

    set_id: str
    person_id: str
    exercise: str
    began_at: datetime
    duration_s: float
    load_kg: float
    counted: int
    not_counted: Mapping[RepetitionStatus, int] = field(default_factory=dict)
    d: float = math.nan
    faults: Mapping[str, int] = field(default_factory=dict)
    repetitions: tuple[RepetitionRecord, ...] = ()

    @classmethod
    def of(cls, summary: SetSummary, repetitions: Sequence[Repetition], ended_at: datetime) -> SetRecord:
        """What is remembered of a set.

        Args:
            summary: of the set that is over.
            repetitions: that happened in it.
            ended_at: wall clock at its end, with the offset from UTC.
        """
        seconds = max(summary.end_ns - summary.start_ns, 0) * 1e-9
        return cls(
            summary.set_id,
            summary.person_id,
            summary.exercise,
            ended_at.astimezone(timezone.utc) - timedelta(seconds=seconds),
            seconds,
            summary.load_kg,
            summary.counted,
            dict(summary.not_counted),
            summary.d,
            dict(summary.faults),
            tuple(RepetitionRecord.of(each, summary.start_ns) for each in repetitions),
        )


@dataclass(frozen=True)
class LoadVelocityPoint:
    """Fastest valid repetition of one set.

    Attributes:
        load_kg: of the set, kg.
        velocity: mean concentric velocity, m/s.
        moment: beginning of the set, with the offset from UTC.
        std: standard deviation of `velocity`, m/s; NaN not known.
        source: ``encoder``, ``inertial`` or ``camera``.
    """

    load_kg: float
    velocity: float
    moment: datetime
    std: float = math.nan
    source: str = ""
