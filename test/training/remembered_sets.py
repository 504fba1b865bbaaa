"""Sets to remember."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.results import (
    Phase,
    Repetition,
    RepetitionFault,
    RepetitionReason,
    RepetitionStatus,
    RepetitionVelocity,
    SetSummary,
    Severity,
    Side,
)
from kinecue.training.history import SetRecord

SECOND = 1_000_000_000
MOMENT = datetime(2026, 3, 1, 9, 30, tzinfo=timezone.utc)


def repetition(
    number: int, mean: float = 0.6, exercise: str = "squat", start_s: float | None = None
) -> Repetition:
    start = round(SECOND * (10.0 + 3.0 * number if start_s is None else start_s))
    fault = RepetitionFault(
        "knees_in", Side.LEFT, Phase.CONCENTRIC, "", Severity.RISK, start + SECOND, 0.4, 0.97, 0.5
    )
    velocity = (
        RepetitionVelocity("encoder", 0.55, mean, 1.5 * mean, std=0.01, loss=0.1) if mean > 0.0 else None
    )
    return Repetition(
        number,
        RepetitionStatus.VALID if number else RepetitionStatus.PARTIAL,
        RepetitionReason.NONE if number else RepetitionReason.RANGE_TOO_SMALL,
        "lifter",
        exercise,
        start,
        start + SECOND,
        start + 2 * SECOND,
        0.98,
        "knee_flexion",
        Measurement(2.0, 0.05),
        "rad",
        1.0,
        0.1,
        0.9,
        0.5,
        0.9,
        Measurement.abstained(Reason.VIEW),
        0.7,
        math.nan,
        0.8,
        ("knees_in",),
        "fused",
        fault_details=(fault,),
        velocity=velocity,
    )


def summary(
    active: bool = False,
    counted: int = 3,
    person: str = "zebra_77",
    set_id: str = "set-1-1",
    load: float = 60.0,
) -> SetSummary:
    return SetSummary(
        set_id,
        "lifter",
        "squat",
        active,
        10 * SECOND,
        30 * SECOND,
        counted,
        {RepetitionStatus.PARTIAL: 1},
        0.7,
        {"knees_in": counted},
        load_kg=load,
        person_id=person,
    )


def record(
    person: str = "zebra_77", load: float = 60.0, mean: float = 0.6, day: int = 0, **changes
) -> SetRecord:
    done = SetRecord.of(
        summary(person=person, load=load, set_id=f"set-{day}-{load:g}"),
        [repetition(1, mean), repetition(2, 0.9 * mean), repetition(0, 2.0), repetition(3, 0.8 * mean)],
        MOMENT + timedelta(days=day),
    )
    return replace(done, **changes)
