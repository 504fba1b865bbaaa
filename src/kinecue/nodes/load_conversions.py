"""Loads on the body to messages, and as arrows, arcs and text for RViz."""

from __future__ import annotations

import math

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

from kinecue.body.measurement import Measurement, Reason, Validity
from kinecue.exercise.results import Fault, Phase, Severity, Side
from kinecue.loads.danger import CORRECTIONS, Danger
from kinecue.loads.figures import L5S1_COMPRESSION, LoadFigure
from kinecue.loads.results import Dynamics, ExternalForce, ForceKind, Joint, JointForce, LoadSide
from kinecue.loads.tracker import LoadUpdate
from kinecue_msgs import msg

FloatArray = np.ndarray

_LIFETIME = Duration(nanosec=500_000_000)
_COLOURS = {
    ForceKind.GROUND: ColorRGBA(r=0.35, g=0.86, b=0.35, a=0.95),
    ForceKind.CABLE: ColorRGBA(r=0.40, g=0.60, b=1.00, a=0.95),
    ForceKind.WEIGHT: ColorRGBA(r=0.90, g=0.90, b=0.90, a=0.95),
}
_MOMENT = ColorRGBA(r=0.96, g=0.74, b=0.22, a=0.95)
_TEXT = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
_DANGER = ColorRGBA(r=0.94, g=0.24, b=0.24, a=1.0)
_RING_RADIUS = 0.11
_FULL_RING_NM = 300.0
"""Moment whose arc goes three quarters round."""
_LEAST_N, _LEAST_NM = 5.0, 5.0
"""What is smaller is not drawn."""
_ARC_STEPS = 10
_IDS = {
    (joint, side): number
    for number, (joint, side) in enumerate(
        [(Joint.L5S1, LoadSide.NONE)]
        + [(j, s) for j in Joint if j is not Joint.L5S1 for s in (LoadSide.LEFT, LoadSide.RIGHT)]
    )
}


def loads_to_msg(header: Header, update: LoadUpdate) -> msg.JointLoads:
    """Loads of a moment; `header` has its stamp and the frame of all positions."""
    found = update.dynamics
    message = msg.JointLoads(header=header, body_id=found.body_id, exercise=update.exercise)
    message.mass, message.mass_std = float(found.mass), float(found.mass_std)
    message.load_kg, message.load_source = float(update.carried.load_kg), update.carried.source
    message.external = [_external(item) for item in found.external]
    message.joints = [_joint(item) for item in found.joints]
    message.loads = [_figure(item) for item in update.figures]
    return message


def _external(item: ExternalForce) -> msg.ExternalForce:
    return msg.ExternalForce(
        kind=item.kind.value,
        side=int(item.side),
        position=_point(item.position),
        force=_vector(item.force),
        std=float(item.std),
        validity=int(item.validity),
        reason=int(item.reason),
    )


def _joint(item: JointForce) -> msg.JointMoment:
    return msg.JointMoment(
        joint=item.joint.value,
        side=int(item.side),
        position=_point(item.position),
        moment=_vector(item.moment),
        force=_vector(item.force),
        extension=float(item.extension),
        std=float(item.std),
        validity=int(item.validity),
        reason=int(item.reason),
    )


def _figure(item: LoadFigure) -> msg.Load:
    message = msg.Load(name=item.name, side=int(item.side), unit=item.unit, limit=float(item.limit.value))
    message.validity, message.reason = int(item.validity), int(item.reason)
    interval = item.interval
    values = (math.nan,) * 4
    if interval is not None:
        values = (interval.value, interval.std, interval.low, interval.high)
    message.value, message.std, message.low, message.high = (float(v) for v in values)
    return message


def danger_to_fault(danger: Danger, exercise: str, body_id: str, phase: Phase, stage: str) -> Fault:
    """A danger as a fault, for the orchestrator: what was measured is the load, what is said is the posture."""
    correction, part = CORRECTIONS[danger.posture]
    load = danger.compression
    return Fault(
        id=f"{exercise}/{danger.repetition}/{danger.posture.value}/{danger.stamp_ns // 1_000_000}",
        name=danger.posture.value,
        stamp_ns=danger.stamp_ns,
        onset_ns=danger.onset_ns,
        body_id=body_id,
        exercise=exercise,
        phase=phase,
        stage=stage,
        repetition=danger.repetition,
        side=Side.NONE,
        severity=Severity.DANGER,
        probability=danger.probability,
        magnitude=(load.value - danger.limit) / max(load.std, 1.0),
        feature=L5S1_COMPRESSION,
        measured=Measurement(load.value, load.std, Validity.VALID, Reason.NONE),
        limit=danger.limit,
        unit="N",
        correction=correction,
        body_part=part,
        # a danger does not wait for a moment
        say_in=(),
        duration=(danger.stamp_ns - danger.onset_ns) * 1e-9,
    )


# -- markers


def load_markers(header: Header, update: LoadUpdate, metres_per_kn: float, alarmed: bool) -> list[Marker]:
    """Arrows of outer forces, arcs of net joint moments (extension yellow), and the compression as text.

    Args:
        header: stamp and frame.
        update: loads of the moment.
        metres_per_kn: length of arrows.
        alarmed: a danger was said a moment ago: the text is red.
    """
    markers = _arrows(header, update.dynamics, metres_per_kn)
    for joint in update.dynamics.joints:
        if joint.usable and abs(joint.extension) >= _LEAST_NM:
            markers.append(_arc(header, joint))
    spine = update.dynamics.joint(Joint.L5S1)
    figure = next((f for f in update.figures if f.name == L5S1_COMPRESSION), None)
    if spine.usable and figure is not None and figure.interval is not None:
        i = figure.interval
        text = f"L5/S1 {i.value / 1e3:.1f} kN ({i.low / 1e3:.1f} to {i.high / 1e3:.1f})"
        markers.append(_text(header, spine.position, text, _DANGER if alarmed else _TEXT))
    return markers


def _arrows(header: Header, found: Dynamics, metres_per_kn: float) -> list[Marker]:
    feet = [f for f in found.external if f.kind is ForceKind.GROUND and f.side is not LoadSide.BOTH]
    apart = bool(feet) and all(f.usable for f in feet)
    markers = []
    for number, item in enumerate(found.external):
        # both feet together only where they are not known apart
        if item.kind is ForceKind.GROUND and (item.side is LoadSide.BOTH) == apart:
            continue
        if not item.usable or np.linalg.norm(item.force) < _LEAST_N:
            continue
        arrow = _marker(header, f"loads/{item.kind.value}", number, Marker.ARROW)
        arrow.scale.x, arrow.scale.y, arrow.scale.z = 0.025, 0.06, 0.08
        arrow.color = _COLOURS[item.kind]
        # a weight and a cable pull at where they act, the ground pushes against it
        end = item.position + item.force * (metres_per_kn / 1e3)
        arrow.points = [_point(item.position), _point(end)]
        markers.append(arrow)
    return markers


def _arc(header: Header, joint: JointForce) -> Marker:
    """An arc about the flexion axis with a head where it points to; its length is the moment."""
    arc = _marker(header, "loads/moments", _IDS[joint.joint, joint.side], Marker.LINE_STRIP)
    arc.scale.x, arc.color = 0.02, _MOMENT
    axis = joint.flexion_axis * math.copysign(1.0, joint.extension)
    start = np.cross(axis, [0.0, 0.0, 1.0])
    if np.linalg.norm(start) < 1e-3:
        start = np.array([1.0, 0.0, 0.0])
    start = start / np.linalg.norm(start)
    side = np.cross(axis, start)
    sweep = min(abs(joint.extension) / _FULL_RING_NM, 1.0) * 1.5 * math.pi

    def at(angle: float, radius: float = _RING_RADIUS) -> FloatArray:
        return joint.position + radius * (math.cos(angle) * start + math.sin(angle) * side)

    points = [at(sweep * i / _ARC_STEPS) for i in range(_ARC_STEPS + 1)]
    # the head: back from the tip to the outside, to the tip, and back to the inside
    back = sweep - 0.35
    points += [at(back, 1.3 * _RING_RADIUS), at(sweep), at(back, 0.7 * _RING_RADIUS)]
    arc.points = [_point(p) for p in points]
    return arc


def _text(header: Header, position: FloatArray, text: str, colour: ColorRGBA) -> Marker:
    marker = _marker(header, "loads/text", 0, Marker.TEXT_VIEW_FACING)
    marker.pose.position = _point(position + np.array([0.0, 0.0, 0.15]))
    marker.scale.z = 0.08
    # the width of a space; RViz draws it far too wide when left alone (ros2/rviz issue 1336)
    marker.scale.x = 0.4 * marker.scale.z
    marker.color, marker.text = colour, text
    return marker


def _marker(header: Header, namespace: str, number: int, kind: int) -> Marker:
    marker = Marker(header=header, ns=namespace, id=number, type=kind, action=Marker.ADD, lifetime=_LIFETIME)
    marker.pose.orientation.w = 1.0
    return marker


def _point(values: FloatArray) -> Point:
    x, y, z = (float(v) for v in values)
    return Point(x=x, y=y, z=z)


def _vector(values: FloatArray) -> Vector3:
    x, y, z = (float(v) for v in values)
    return Vector3(x=x, y=y, z=z)
