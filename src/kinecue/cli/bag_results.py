"""What scoring said, from the messages of a bag without ROS: the same that the orchestrator node made of them."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

from kinecue.body.measurement import Measurement, Reason, Validity
from kinecue.coaching.effort_news import EffortCall, EffortNews
from kinecue.coaching.machine_news import LoadCall, LoadNews
from kinecue.coaching.recorded import MachineReading
from kinecue.exercise import results as r
from kinecue.recordings import RecordingError
from kinecue.training.advice import AdviceReason

_Enum = TypeVar("_Enum", bound=IntEnum)
CABLE = "kinecue_msgs/msg/CableLoad"
CABLE_FAULT = 8
"""kinecue_msgs/CableLoad.FLAG_FAULT."""


def fault_of(message: Any, path: Path) -> r.Fault:
    """Of kinecue_msgs/FormFault.

    Raises:
        RecordingError: an enumeration has a value that does not exist.
    """
    return r.Fault(
        id=message.id,
        name=message.name,
        stamp_ns=ns_of(message.header.stamp),
        onset_ns=ns_of(message.onset),
        body_id=message.body_id,
        exercise=message.exercise,
        phase=value_of(r.Phase, message.phase, "FormFault.phase", path),
        stage=message.stage,
        repetition=message.repetition,
        side=value_of(r.Side, message.measured.side, "FormFault.measured.side", path),
        severity=value_of(r.Severity, message.severity, "FormFault.severity", path),
        probability=message.probability,
        magnitude=message.magnitude,
        feature=message.measured.name,
        measured=_measured(message.measured, path),
        limit=message.limit,
        unit=message.measured.unit,
        correction=message.correction,
        body_part=message.body_part,
        say_in=tuple(value_of(r.Phase, phase, "FormFault.say_in", path) for phase in message.say_in),
        duration=message.duration,
    )


def form_of(message: Any, path: Path) -> r.FormState:
    """Of kinecue_msgs/FormState, without the features behind D.

    Raises:
        RecordingError: an enumeration has a value that does not exist.
    """
    return r.FormState(
        stamp_ns=ns_of(message.header.stamp),
        body_id=message.body_id,
        exercise=message.exercise,
        phase=value_of(r.Phase, message.phase, "FormState.phase", path),
        stage=message.stage,
        progress=message.progress,
        progress_std=message.progress_std,
        speed=message.speed,
        repetition=message.repetition,
        counted=message.counted,
        d=message.d,
        d_reason=value_of(Reason, message.d_reason, "FormState.d_reason", path),
        abstentions=_abstentions(message.abstentions, path),
    )


def repetition_of(message: Any, path: Path) -> r.Repetition:
    """Of kinecue_msgs/Repetition, without its phases, shares and velocity.

    Raises:
        RecordingError: an enumeration has a value that does not exist.
    """
    return r.Repetition(
        number=message.number,
        status=value_of(r.RepetitionStatus, message.status, "Repetition.status", path),
        reason=value_of(r.RepetitionReason, message.reason, "Repetition.reason", path),
        body_id=message.body_id,
        exercise=message.exercise,
        start_ns=ns_of(message.start),
        bottom_ns=ns_of(message.bottom),
        end_ns=ns_of(message.end),
        range=message.range,
        feature=message.feature_peak.name,
        feature_peak=_measured(message.feature_peak, path),
        unit=message.feature_peak.unit,
        eccentric_s=message.eccentric_s,
        pause_s=message.pause_s,
        concentric_s=message.concentric_s,
        mean_speed=message.mean_speed,
        peak_speed=message.peak_speed,
        asymmetry=_measured(message.asymmetry, path),
        d=message.d,
        d_eccentric=message.d_eccentric,
        d_concentric=message.d_concentric,
        faults=tuple(message.faults),
        source=message.source,
        side=value_of(r.Side, message.side, "Repetition.side", path),
        held_s=message.held_s,
    )


def set_of(message: Any, path: Path) -> r.SetSummary:
    """Of kinecue_msgs/SetSummary.

    Raises:
        RecordingError: an enumeration has a value that does not exist.
    """
    status = r.RepetitionStatus
    return r.SetSummary(
        set_id=message.set_id,
        body_id=message.body_id,
        exercise=message.exercise,
        active=message.active,
        start_ns=ns_of(message.start),
        end_ns=ns_of(message.end),
        counted=message.counted,
        not_counted={
            status.PARTIAL: message.partial,
            status.FAILED: message.failed,
            status.ABANDONED: message.abandoned,
        },
        d=message.d,
        faults={item.fault: item.count for item in message.faults},
        abstained=_abstentions(message.abstained, path),
        load_kg=message.load_kg,
        person_id=message.person_id,
    )


def effort_of(message: Any, path: Path) -> EffortNews:
    """Of kinecue_msgs/Effort.

    Raises:
        RecordingError: an enumeration has a value that does not exist.
    """
    return EffortNews(
        stamp_ns=ns_of(message.header.stamp),
        body_id=message.body_id,
        exercise=message.exercise,
        repetition=message.repetition,
        call=value_of(EffortCall, message.call, "Effort.call", path),
        probability=message.probability,
        reason=message.reason,
    )


def load_of(message: Any, path: Path) -> LoadNews:
    """Of kinecue_msgs/LoadAdvice.

    Raises:
        RecordingError: an enumeration has a value that does not exist.
    """
    call = value_of(LoadCall, message.advice, "LoadAdvice.advice", path)
    # "keep" because too little is known is no advice
    known = value_of(AdviceReason, message.reason, "LoadAdvice.reason", path) != AdviceReason.NOT_ENOUGH
    return LoadNews(message.set_id, call if known else None, message.load_kg, message.suggested_kg)


def machine_of(message: Any, path: Path) -> MachineReading:
    """Of kinecue_msgs/CableLoad."""
    return MachineReading(bool(int(message.flags) & CABLE_FAULT))


RESULTS: dict[str, Callable[[Any, Path], Any]] = {
    "kinecue_msgs/msg/FormFault": fault_of,
    "kinecue_msgs/msg/Repetition": repetition_of,
    "kinecue_msgs/msg/FormState": form_of,
    "kinecue_msgs/msg/SetSummary": set_of,
    "kinecue_msgs/msg/Effort": effort_of,
    "kinecue_msgs/msg/LoadAdvice": load_of,
    CABLE: machine_of,
}
"""By the type of the topic, in the order in which they are told of one frame."""


def ns_of(stamp: Any) -> int:
    """Nanoseconds of a builtin_interfaces/Time."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def value_of(kind: type[_Enum], value: int, field: str, path: Path) -> _Enum:
    """A value of an enumeration.

    Raises:
        RecordingError: it does not exist.
    """
    try:
        return kind(value)
    except ValueError as error:
        allowed = ", ".join(f"{member.value} ({member.name})" for member in kind)
        raise RecordingError(path, field, f"is {value}, allowed: {allowed}") from error


def _measured(message: Any, path: Path) -> Measurement:
    return Measurement(
        message.value,
        message.std,
        value_of(Validity, message.validity, "JointAngle.validity", path),
        value_of(Reason, message.reason, "JointAngle.reason", path),
    )


def _abstentions(messages: Any, path: Path) -> tuple[r.Abstention, ...]:
    return tuple(
        r.Abstention(item.fault, value_of(Reason, item.reason, "Abstention.reason", path))
        for item in messages
    )
