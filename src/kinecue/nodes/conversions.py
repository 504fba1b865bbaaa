"""Core results to messages and back. The only place that knows both."""

from __future__ import annotations

import array
from collections.abc import Sequence
from enum import IntEnum
from typing import TypeVar

import numpy as np
from geometry_msgs.msg import Point
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from kinecue.body import Body, CameraModel, Landmark, LandmarkState, Measurement, Reason, Validity
from kinecue.body.body import FloatArray
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import TOPOLOGIES
from kinecue.exercise import results as r
from kinecue.nodes.base import ns_to_stamp, stamp_to_ns
from kinecue.perception.depth_image import DepthImage, decode
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Region
from kinecue_msgs import msg

Enumeration = TypeVar("Enumeration", bound=IntEnum)


class MessageError(KineCueError):
    """A message whose content cannot be used; the text names the field."""


def header(stamp_ns: int, frame_id: str = "") -> Header:
    """Header with an acquisition stamp."""
    return Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id)


# -- bodies


def body_to_msg(body: Body, frame_id: str, active: bool = True) -> msg.Body:
    """A body with all its landmarks."""
    message = msg.Body(header=header(body.stamp_ns, frame_id), id=body.id, active=active)
    message.topology = body.topology.name
    message.confidence = float(body.confidence)
    message.image_width, message.image_height = (int(v) for v in body.image_size)
    message.view = float(body.view)
    message.truncated = body.truncated
    message.calibrated = body.calibrated
    message.camera_calibrated = body.camera_calibrated
    positions, pixels = body.positions.tolist(), body.pixels.tolist()
    covariances = body.covariances.reshape(-1, 9)
    states, spread = body.states.tolist(), body.pixel_std.tolist()
    for i, landmark in enumerate(body.topology.landmarks):
        x, y, z = positions[i]
        message.landmarks.append(
            msg.Landmark(
                name=landmark.value,
                state=states[i],
                position=Point(x=x, y=y, z=z),
                covariance=covariances[i],
                u=pixels[i][0],
                v=pixels[i][1],
                pixel_std=spread[i],
            )
        )
    if body.joint_covariance is not None:
        rows = body.topology.indices(*body.joint_landmarks)
        message.joint_indices = rows
        upper = np.triu_indices(3 * len(rows))
        message.joint_covariance = body.joint_covariance[upper].astype(np.float32).tolist()
    return message


def body_from_msg(message: msg.Body) -> Body:
    """The body of a message.

    Raises:
        MessageError: unknown topology, wrong number or order of landmarks, or a joint covariance of the wrong size.
    """
    topology = TOPOLOGIES.get(message.topology)
    if topology is None:
        raise MessageError(f"Body.topology is {message.topology!r}, allowed: {', '.join(TOPOLOGIES)}")
    names = [landmark.name for landmark in message.landmarks]
    expected = [landmark.value for landmark in topology.landmarks]
    if names != expected:
        raise MessageError(
            f"Body.landmarks must be the {len(expected)} of {topology.name} in its order, got {names[:3]}..."
        )
    rows = np.array(
        [(p.position.x, p.position.y, p.position.z, p.u, p.v, p.pixel_std) for p in message.landmarks]
    )
    covariances = np.array([p.covariance for p in message.landmarks]).reshape(-1, 3, 3)
    states = np.array([p.state for p in message.landmarks], np.uint8)
    enumerated(LandmarkState, int(states.max()), "Landmark.state")
    joints: tuple[Landmark, ...] = ()
    joint_covariance: FloatArray | None = None
    if message.joint_indices:
        joints = _joint_landmarks(topology.landmarks, message.joint_indices)
        size = 3 * len(joints)
        if len(message.joint_covariance) != size * (size + 1) // 2:
            raise MessageError(
                f"Body.joint_covariance has {len(message.joint_covariance)} values, "
                f"expected {size * (size + 1) // 2} for {len(joints)} joints"
            )
        joint_covariance = np.zeros((size, size))
        upper = np.triu_indices(size)
        joint_covariance[upper] = message.joint_covariance
        joint_covariance.T[upper] = joint_covariance[upper]
    return Body(
        id=message.id,
        stamp_ns=stamp_to_ns(message.header.stamp),
        topology=topology,
        pixels=rows[:, 3:5],
        pixel_std=rows[:, 5],
        positions=rows[:, :3],
        covariances=covariances,
        states=states,
        confidence=float(message.confidence),
        image_size=(message.image_width, message.image_height),
        view=float(message.view),
        calibrated=message.calibrated,
        camera_calibrated=message.camera_calibrated,
        truncated=message.truncated,
        joint_landmarks=joints,
        joint_covariance=joint_covariance,
    )


def _joint_landmarks(landmarks: Sequence[Landmark], indices: Sequence[int]) -> tuple[Landmark, ...]:
    if max(indices) >= len(landmarks):
        raise MessageError(f"Body.joint_indices holds {max(indices)}, allowed: 0 to {len(landmarks) - 1}")
    return tuple(landmarks[i] for i in indices)


# -- views


def landmarks_to_msg(
    people: Sequence[Landmarks2D],
    camera: CameraModel,
    stamp_ns: int,
    frame_id: str,
    active: int | None = None,
) -> msg.LandmarkArray:
    """What a network says of everybody in one picture, with the camera; `active`: identity of the lifter."""
    message = msg.LandmarkArray(header=header(stamp_ns, frame_id), camera=camera_to_msg(camera))
    for person in people:
        item = msg.PersonLandmarks(identity=person.identity, topology=person.topology.name)
        item.score, item.active = float(person.score), person.identity == active
        for name in _LANDMARK_FIELDS:
            setattr(item, name, _floats(getattr(person, name)))
        r = person.region
        item.region = np.array([r.x, r.y, r.size, r.angle], np.float32)
        if person.measured_depth is not None and person.measured_depth_std is not None:
            item.measured_depth = _floats(person.measured_depth)
            item.measured_depth_std = _floats(person.measured_depth_std)
        message.people.append(item)
    return message


def landmarks_from_msg(message: msg.LandmarkArray) -> list[Landmarks2D]:
    """The people of a message.

    Raises:
        MessageError: unknown topology, or a field with a wrong number of values.
    """
    stamp = stamp_to_ns(message.header.stamp)
    return [_person(item, stamp) for item in message.people]


_LANDMARK_FIELDS = {"pixels": 2, "visibility": 1, "presence": 1, "depth": 1, "world": 3, "spread": 1}
"""Array fields of PersonLandmarks that always are there, with values per landmark."""


def _floats(values: FloatArray) -> array.array[float]:
    # an array.array is taken as it is; a list would be checked element by element
    return array.array("f", np.ascontiguousarray(values, np.float32).tobytes())


def _person(item: msg.PersonLandmarks, stamp_ns: int) -> Landmarks2D:
    topology = TOPOLOGIES.get(item.topology)
    if topology is None:
        raise MessageError(f"PersonLandmarks.topology is {item.topology!r}, allowed: {', '.join(TOPOLOGIES)}")
    n = len(topology)

    def values(name: str, per_landmark: int) -> FloatArray:
        found = np.array(getattr(item, name), np.float64)
        if found.size != per_landmark * n:
            raise MessageError(
                f"PersonLandmarks.{name} has {found.size} values, expected {per_landmark * n} for {topology.name}"
            )
        return found.reshape(n, per_landmark) if per_landmark > 1 else found

    fields = {name: values(name, count) for name, count in _LANDMARK_FIELDS.items()}
    measured = len(item.measured_depth) > 0
    return Landmarks2D(
        stamp_ns=stamp_ns,
        topology=topology,
        score=float(item.score),
        region=Region(*(float(v) for v in item.region)),
        identity=int(item.identity),
        measured_depth=values("measured_depth", 1) if measured else None,
        measured_depth_std=values("measured_depth_std", 1) if measured else None,
        **fields,
    )


def camera_to_msg(camera: CameraModel) -> msg.CameraGeometry:
    """Lens and mount of a camera; x, y and yaw are left to whoever knows the other cameras."""
    return msg.CameraGeometry(
        width=camera.width,
        height=camera.height,
        fx=float(camera.fx),
        fy=float(camera.fy),
        cx=float(camera.cx),
        cy=float(camera.cy),
        distortion_model=camera.distortion_model,
        d=[float(v) for v in camera.distortion],
        intrinsics_estimated=camera.intrinsics_estimated,
        mount_height=float(camera.mount_height),
        tilt=float(camera.tilt),
        roll=float(camera.roll),
        mount_estimated=camera.mount_estimated,
    )


def camera_from_msg(message: msg.CameraGeometry) -> CameraModel:
    """The camera of a message, over the origin and looking along x.

    Raises:
        MessageError: values that no camera has.
    """
    try:
        return CameraModel(
            message.width,
            message.height,
            message.fx,
            message.fy,
            message.cx,
            message.cy,
            tuple(message.d),
            message.mount_height,
            message.tilt,
            message.roll,
            message.intrinsics_estimated,
            message.mount_estimated,
            distortion_model=message.distortion_model,
        )
    except ValueError as error:
        raise MessageError(f"CameraGeometry: {error}") from error


def depth_from_msg(message: Image) -> DepthImage:
    """A registered depth image: 16UC1 (mm, 0 unknown) or 32FC1 (m, NaN or infinity unknown).

    Raises:
        DepthError: another encoding, or data that does not fit the size.
    """
    metres = decode(
        memoryview(message.data).cast("B"),
        message.width,
        message.height,
        message.encoding,
        message.step,
        bool(message.is_bigendian),
    )
    return DepthImage(stamp_to_ns(message.header.stamp), metres)


# -- scoring


def angle_to_msg(name: str, side: r.Side, unit: str, measured: Measurement) -> msg.JointAngle:
    """A measurement with its name."""
    return msg.JointAngle(
        name=name,
        side=int(side),
        unit=unit,
        value=float(measured.value),
        std=float(measured.std),
        validity=int(measured.validity),
        reason=int(measured.reason),
    )


def measurement_from_msg(message: msg.JointAngle) -> Measurement:
    """The measurement of a message."""
    validity = enumerated(Validity, message.validity, f"JointAngle.validity of {message.name!r}")
    return Measurement(
        message.value, message.std, validity, enumerated(Reason, message.reason, "JointAngle.reason")
    )


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


def enumerated(kind: type[Enumeration], value: int, field: str) -> Enumeration:
    """A member of an enumeration by the value of a message's field.

    Raises:
        MessageError: there is none with that value; names field and allowed values.
    """
    try:
        return kind(value)
    except ValueError as error:
        allowed = ", ".join(f"{m.value} {m.name}" for m in kind)
        raise MessageError(f"{field} is {value}, allowed: {allowed}") from error


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
    )
