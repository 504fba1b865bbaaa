"""Results made of what the parts of scoring found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.fault_judge import FaultSpan, Finding
from kinecue.exercise.features import FEATURES
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import Movement
from kinecue.exercise.phase_scores import MovementScores
from kinecue.exercise.results import (
    Fault,
    Phase,
    Repetition,
    RepetitionFault,
    RepetitionStatus,
    Side,
)


def as_fault(finding: Finding, stamp_ns: int, onset_ns: int, phase: Phase, stage: str) -> Fault:
    """A finding as a result; whose it is and its number are for the scorer to say."""
    rule = finding.rule
    return Fault(
        id="",
        name=finding.rule_name,
        stamp_ns=stamp_ns,
        onset_ns=onset_ns,
        body_id="",
        exercise="",
        phase=phase,
        stage=stage,
        repetition=0,
        side=finding.side,
        severity=rule.severity,
        probability=finding.probability,
        magnitude=finding.magnitude,
        feature=rule.feature,
        measured=finding.measured,
        limit=finding.limit,
        unit=finding.unit,
        correction=rule.correction,
        body_part=rule.body_part,
        say_in=rule.say_in,
        duration=finding.duration,
    )


def _fault_details(
    spans: Iterable[FaultSpan], nanoseconds: Callable[[float], int]
) -> tuple[RepetitionFault, ...]:
    return tuple(
        RepetitionFault(
            name=span.rule_name,
            side=span.side,
            phase=span.phase,
            stage=span.stage,
            severity=span.rule.severity,
            onset_ns=nanoseconds(span.onset),
            duration=span.duration,
            probability=span.probability,
            magnitude=span.magnitude,
        )
        for span in spans
    )


def as_repetition(
    movement: Movement,
    model: ExerciseModel,
    body_id: str,
    nanoseconds: Callable[[float], int],
    scores: MovementScores,
    spans: Iterable[FaultSpan],
    peak: Measurement,
    asymmetry: Measurement,
    side: Side,
) -> Repetition:
    """A finished movement with all that is known of it, not yet numbered."""
    valid = movement.status is RepetitionStatus.VALID
    eccentric_first = model.outward is Phase.ECCENTRIC
    concentric = 1 if eccentric_first else 0
    held = model.kind == "held"
    progress = model.progress
    feature = None if progress is None else FEATURES[progress.feature]
    details = _fault_details(spans, nanoseconds)
    return Repetition(
        number=0,
        status=movement.status,
        reason=movement.reason,
        body_id=body_id,
        exercise=model.name,
        start_ns=nanoseconds(movement.start),
        bottom_ns=nanoseconds(movement.bottom),
        end_ns=nanoseconds(movement.end),
        range=movement.range,
        feature="" if feature is None else feature.name,
        feature_peak=Measurement.abstained(Reason.UNSUPPORTED) if feature is None else peak,
        unit="" if feature is None else feature.unit,
        eccentric_s=math.nan if held else movement.outward_s if eccentric_first else movement.homeward_s,
        pause_s=movement.pause_s,
        concentric_s=math.nan if held else movement.homeward_s if eccentric_first else movement.outward_s,
        mean_speed=movement.mean_speed[concentric],
        peak_speed=movement.peak_speed[concentric],
        asymmetry=asymmetry
        if feature is not None and feature.sided
        else Measurement.abstained(Reason.UNSUPPORTED),
        d=scores.mean() if valid else math.nan,
        d_eccentric=scores.mean(Phase.ECCENTRIC),
        d_concentric=scores.mean(Phase.CONCENTRIC),
        faults=tuple(dict.fromkeys(detail.name for detail in details)),
        side=side,
        held_s=movement.held_s,
        phases=scores.phases(movement.start, movement.end, nanoseconds),
        shares=scores.shares(),
        fault_details=details,
    )
