"""What scoring says, to messages and back."""

from __future__ import annotations

from kinecue.body import Reason
from kinecue.exercise import results as r
from kinecue.nodes.base import ns_to_stamp, stamp_to_ns
from kinecue.nodes.machine_conversions import velocity_from_msg, velocity_to_msg
from kinecue.nodes.message_parts import MessageError, angle_to_msg, enumerated, header, measurement_from_msg
from kinecue_msgs import msg


def form_to_msg(form: r.FormState, frame_id: str) -> msg.FormState:
    """Form of a frame."""
    message = msg.FormState(
        header=header(form.stamp_ns, frame_id), body_id=form.body_id, exercise=form.exercise
    )
    message.phase, message.stage = int(form.phase), form.stage
    message.progress, message.progress_std, message.speed = form.progress, form.progress_std, form.speed
    message.repetition, message.counted = form.repetition, form.counted
    message.d, message.d_reason = form.d, int(form.d_reason)
    for item in form.deviations:
        message.deviations.append(
            msg.FeatureDeviation(
                measured=angle_to_msg(item.name, item.side, item.unit, item.measured),
                ideal=float(item.ideal),
                tolerance=float(item.tolerance),
                weight=float(item.weight),
                share=float(item.share),
            )
        )
    message.abstentions = [_abstention(a) for a in form.abstentions]
    return message


def _abstention(item: r.Abstention) -> msg.Abstention:
    return msg.Abstention(fault=item.fault, reason=int(item.reason))


def form_from_msg(message: msg.FormState) -> r.FormState:
    """What coaching and displays need of a form message."""
    deviations = tuple(
        r.FeatureDeviation(
            name=item.measured.name,
            unit=item.measured.unit,
            measured=measurement_from_msg(item.measured),
            ideal=item.ideal,
            tolerance=item.tolerance,
            weight=item.weight,
            share=item.share,
            side=enumerated(r.Side, item.measured.side, "JointAngle.side"),
        )
        for item in message.deviations
    )
    return r.FormState(
        stamp_ns=stamp_to_ns(message.header.stamp),
        body_id=message.body_id,
        exercise=message.exercise,
        phase=enumerated(r.Phase, message.phase, "FormState.phase"),
        stage=message.stage,
        progress=message.progress,
        progress_std=message.progress_std,
        speed=message.speed,
        repetition=message.repetition,
        counted=message.counted,
        d=message.d,
        d_reason=enumerated(Reason, message.d_reason, "FormState.d_reason"),
        deviations=deviations,
        abstentions=tuple(
            r.Abstention(a.fault, enumerated(Reason, a.reason, "Abstention.reason"))
            for a in message.abstentions
        ),
    )


def fault_to_msg(fault: r.Fault, frame_id: str) -> msg.FormFault:
    """A fault with its measurement."""
    message = msg.FormFault(header=header(fault.stamp_ns, frame_id), id=fault.id, name=fault.name)
    message.body_id, message.exercise = fault.body_id, fault.exercise
    message.onset, message.duration = ns_to_stamp(fault.onset_ns), float(fault.duration)
    message.phase, message.stage, message.repetition = int(fault.phase), fault.stage, fault.repetition
    message.severity = int(fault.severity)
    message.probability, message.magnitude = fault.probability, fault.magnitude
    message.measured = angle_to_msg(fault.feature, fault.side, fault.unit, fault.measured)
    message.limit = float(fault.limit)
    message.correction, message.body_part = fault.correction, fault.body_part
    message.say_in = [int(p) for p in fault.say_in]
    return message


def fault_from_msg(message: msg.FormFault) -> r.Fault:
    """The fault of a message."""
    return r.Fault(
        id=message.id,
        name=message.name,
        stamp_ns=stamp_to_ns(message.header.stamp),
        onset_ns=stamp_to_ns(message.onset),
        body_id=message.body_id,
        exercise=message.exercise,
        phase=enumerated(r.Phase, message.phase, "FormFault.phase"),
        stage=message.stage,
        repetition=message.repetition,
        side=enumerated(r.Side, message.measured.side, "JointAngle.side"),
        severity=enumerated(r.Severity, message.severity, "FormFault.severity"),
        probability=message.probability,
        magnitude=message.magnitude,
        feature=message.measured.name,
        measured=measurement_from_msg(message.measured),
        limit=message.limit,
        unit=message.measured.unit,
        correction=message.correction,
        body_part=message.body_part,
        say_in=tuple(enumerated(r.Phase, p, "FormFault.say_in") for p in message.say_in),
        duration=message.duration,
    )


def repetition_to_msg(rep: r.Repetition, frame_id: str) -> msg.Repetition:
    """A repetition."""
    message = msg.Repetition(header=header(rep.end_ns, frame_id), body_id=rep.body_id, exercise=rep.exercise)
    message.number, message.status, message.reason = rep.number, int(rep.status), int(rep.reason)
    message.start, message.bottom, message.end = (
        ns_to_stamp(t) for t in (rep.start_ns, rep.bottom_ns, rep.end_ns)
    )
    message.range = rep.range
    message.feature_peak = angle_to_msg(rep.feature, r.Side.BOTH, rep.unit, rep.feature_peak)
    message.eccentric_s, message.pause_s, message.concentric_s = (
        rep.eccentric_s,
        rep.pause_s,
        rep.concentric_s,
    )
    message.mean_speed, message.peak_speed = rep.mean_speed, rep.peak_speed
    message.asymmetry = angle_to_msg(f"{rep.feature}_asymmetry", r.Side.BOTH, rep.unit, rep.asymmetry)
    message.d, message.d_eccentric, message.d_concentric = rep.d, rep.d_eccentric, rep.d_concentric
    message.faults, message.source = list(rep.faults), rep.source
    message.side, message.held_s = int(rep.side), float(rep.held_s)
    message.phases = [_phase_score_to_msg(item) for item in rep.phases]
    message.shares = [_share_to_msg(item) for item in rep.shares]
    message.fault_details = [_repetition_fault_to_msg(item) for item in rep.fault_details]
    message.velocity = velocity_to_msg(rep.velocity)
    return message


def _share_to_msg(item: r.FeatureShare) -> msg.FeatureShare:
    return msg.FeatureShare(
        feature=item.name, side=int(item.side), share=float(item.share), deviation=float(item.deviation)
    )


def _share_from_msg(message: msg.FeatureShare) -> r.FeatureShare:
    side = enumerated(r.Side, message.side, "FeatureShare.side")
    return r.FeatureShare(message.feature, side, message.share, message.deviation)


def _phase_score_to_msg(item: r.PhaseScore) -> msg.PhaseScore:
    return msg.PhaseScore(
        phase=int(item.phase),
        stage=item.stage,
        start=ns_to_stamp(item.start_ns),
        end=ns_to_stamp(item.end_ns),
        d=float(item.d),
        shares=[_share_to_msg(share) for share in item.shares],
    )


def _phase_score_from_msg(message: msg.PhaseScore) -> r.PhaseScore:
    return r.PhaseScore(
        phase=enumerated(r.Phase, message.phase, "PhaseScore.phase"),
        stage=message.stage,
        start_ns=stamp_to_ns(message.start),
        end_ns=stamp_to_ns(message.end),
        d=message.d,
        shares=tuple(_share_from_msg(share) for share in message.shares),
    )


def _repetition_fault_to_msg(item: r.RepetitionFault) -> msg.RepetitionFault:
    return msg.RepetitionFault(
        name=item.name,
        side=int(item.side),
        phase=int(item.phase),
        stage=item.stage,
        severity=int(item.severity),
        onset=ns_to_stamp(item.onset_ns),
        duration=float(item.duration),
        probability=float(item.probability),
        magnitude=float(item.magnitude),
    )


def _repetition_fault_from_msg(message: msg.RepetitionFault) -> r.RepetitionFault:
    return r.RepetitionFault(
        name=message.name,
        side=enumerated(r.Side, message.side, "RepetitionFault.side"),
        phase=enumerated(r.Phase, message.phase, "RepetitionFault.phase"),
        stage=message.stage,
        severity=enumerated(r.Severity, message.severity, "RepetitionFault.severity"),
        onset_ns=stamp_to_ns(message.onset),
        duration=message.duration,
        probability=message.probability,
        magnitude=message.magnitude,
    )


def repetition_from_msg(message: msg.Repetition) -> r.Repetition:
    """The repetition of a message."""
    return r.Repetition(
        number=message.number,
        status=enumerated(r.RepetitionStatus, message.status, "Repetition.status"),
        reason=enumerated(r.RepetitionReason, message.reason, "Repetition.reason"),
        body_id=message.body_id,
        exercise=message.exercise,
        start_ns=stamp_to_ns(message.start),
        bottom_ns=stamp_to_ns(message.bottom),
        end_ns=stamp_to_ns(message.end),
        range=message.range,
        feature=message.feature_peak.name,
        feature_peak=measurement_from_msg(message.feature_peak),
        unit=message.feature_peak.unit,
        eccentric_s=message.eccentric_s,
        pause_s=message.pause_s,
        concentric_s=message.concentric_s,
        mean_speed=message.mean_speed,
        peak_speed=message.peak_speed,
        asymmetry=measurement_from_msg(message.asymmetry),
        d=message.d,
        d_eccentric=message.d_eccentric,
        d_concentric=message.d_concentric,
        faults=tuple(message.faults),
        source=message.source,
        side=enumerated(r.Side, message.side, "Repetition.side"),
        held_s=message.held_s,
        phases=tuple(_phase_score_from_msg(item) for item in message.phases),
        shares=tuple(_share_from_msg(item) for item in message.shares),
        fault_details=tuple(_repetition_fault_from_msg(item) for item in message.fault_details),
        velocity=velocity_from_msg(message.velocity),
    )


def recognition_to_msg(found: r.Recognised, frame_id: str) -> msg.ExerciseRecognition:
    """Which exercise is being done."""
    return msg.ExerciseRecognition(
        header=header(found.stamp_ns, frame_id),
        body_id=found.body_id,
        exercise=found.exercise,
        probability=float(found.probability),
        candidates=list(found.candidates),
        probabilities=[float(p) for p in found.probabilities],
    )


def recognition_from_msg(message: msg.ExerciseRecognition) -> r.Recognised:
    """The recognition of a message.

    Raises:
        MessageError: not as many probabilities as candidates.
    """
    if len(message.candidates) != len(message.probabilities):
        raise MessageError(
            f"ExerciseRecognition.probabilities has {len(message.probabilities)} values, "
            f"expected {len(message.candidates)}, one for each of candidates"
        )
    return r.Recognised(
        stamp_ns=stamp_to_ns(message.header.stamp),
        body_id=message.body_id,
        exercise=message.exercise,
        probability=message.probability,
        candidates=tuple(message.candidates),
        probabilities=tuple(message.probabilities),
    )


def set_to_msg(summary: r.SetSummary, frame_id: str) -> msg.SetSummary:
    """A set."""
    message = msg.SetSummary(
        header=header(summary.end_ns, frame_id), set_id=summary.set_id, body_id=summary.body_id
    )
    message.exercise, message.active = summary.exercise, summary.active
    message.start, message.end = ns_to_stamp(summary.start_ns), ns_to_stamp(summary.end_ns)
    message.counted = summary.counted
    status = r.RepetitionStatus
    message.partial = summary.not_counted.get(status.PARTIAL, 0)
    message.failed = summary.not_counted.get(status.FAILED, 0)
    message.abandoned = summary.not_counted.get(status.ABANDONED, 0)
    message.d, message.load_kg = summary.d, summary.load_kg
    message.person_id = summary.person_id
    message.faults = [msg.FaultCount(fault=name, count=count) for name, count in summary.faults.items()]
    message.abstained = [_abstention(a) for a in summary.abstained]
    return message


def set_from_msg(message: msg.SetSummary) -> r.SetSummary:
    """The set of a message."""
    status = r.RepetitionStatus
    return r.SetSummary(
        set_id=message.set_id,
        body_id=message.body_id,
        exercise=message.exercise,
        active=message.active,
        start_ns=stamp_to_ns(message.start),
        end_ns=stamp_to_ns(message.end),
        counted=message.counted,
        not_counted={
            status.PARTIAL: message.partial,
            status.FAILED: message.failed,
            status.ABANDONED: message.abandoned,
        },
        d=message.d,
        faults={item.fault: item.count for item in message.faults},
        abstained=tuple(
            r.Abstention(a.fault, enumerated(Reason, a.reason, "Abstention.reason"))
            for a in message.abstained
        ),
        load_kg=message.load_kg,
        person_id=message.person_id,
    )
