"""Bodies and form as markers for RViz. Namespaces and ids are stable, and everything has a lifetime."""

from __future__ import annotations

import math

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from kinecue.body import Body, Landmark, LandmarkState
from kinecue.display import highlighted_bones
from kinecue.exercise.results import FormState, Phase, Side

_OBSERVED = ColorRGBA(r=0.35, g=0.86, b=0.35, a=1.0)
_INFERRED = ColorRGBA(r=0.94, g=0.75, b=0.24, a=0.8)
_FAULT = ColorRGBA(r=0.94, g=0.24, b=0.24, a=1.0)
_WHITE = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
_CABLE = ColorRGBA(r=0.4, g=0.6, b=1.0, a=1.0)
_LIFETIME = Duration(nanosec=500_000_000)
_ANGLES = {
    ("knee_flexion", Side.LEFT): Landmark.LEFT_KNEE,
    ("knee_flexion", Side.RIGHT): Landmark.RIGHT_KNEE,
    ("hip_flexion", Side.LEFT): Landmark.LEFT_HIP,
    ("hip_flexion", Side.RIGHT): Landmark.RIGHT_HIP,
    ("elbow_flexion", Side.LEFT): Landmark.LEFT_ELBOW,
    ("elbow_flexion", Side.RIGHT): Landmark.RIGHT_ELBOW,
}
_ANGLE_IDS = {key: i for i, key in enumerate(_ANGLES)}


def _marker(header: Header, namespace: str, number: int, kind: int) -> Marker:
    marker = Marker(header=header, ns=namespace, id=number, type=kind, action=Marker.ADD, lifetime=_LIFETIME)
    marker.pose.orientation.w = 1.0
    return marker


def _point(position: np.ndarray) -> Point:
    x, y, z = (float(v) for v in position)
    return Point(x=x, y=y, z=z)


def _text(
    header: Header, namespace: str, number: int, position: np.ndarray, text: str, height: float
) -> Marker:
    marker = _marker(header, namespace, number, Marker.TEXT_VIEW_FACING)
    marker.pose.position = _point(position)
    marker.scale.z = height
    # the width of a space; RViz draws it far too wide when left alone (ros2/rviz issue 1336)
    marker.scale.x = 0.4 * height
    marker.color, marker.text = _WHITE, text
    return marker


def body_markers(
    header: Header,
    body: Body,
    form: FormState | None,
    angles: dict[tuple[str, Side], float],
    faults: list[tuple[str, Side]],
) -> list[Marker]:
    """Skeleton coloured by state and fault, angles at their joints, phase and D over the head."""
    namespace = f"body_{body.id}"
    bones = _marker(header, f"{namespace}/bones", 0, Marker.LINE_LIST)
    bones.scale.x = 0.03
    joints = _marker(header, f"{namespace}/joints", 0, Marker.SPHERE_LIST)
    joints.scale.x = joints.scale.y = joints.scale.z = 0.045
    known = np.isfinite(body.positions).all(1)
    marked = {row for part, side in faults for row in highlighted_bones(body.topology, part, side)}
    colours = [_OBSERVED if s == LandmarkState.OBSERVED else _INFERRED for s in body.states.tolist()]
    for i, (a, b) in enumerate(body.topology.bones):
        row_a, row_b = body.topology.index(a), body.topology.index(b)
        if known[row_a] and known[row_b]:
            bones.points += [_point(body.positions[row_a]), _point(body.positions[row_b])]
            bones.colors += [_FAULT] * 2 if i in marked else [colours[row_a], colours[row_b]]
    for row in np.flatnonzero(known).tolist():
        joints.points.append(_point(body.positions[row]))
        joints.colors.append(colours[row])
    if not joints.points:
        return []
    markers = [bones, joints]
    for key, value in angles.items():
        landmark = _ANGLES.get(key)
        if landmark is not None and math.isfinite(value) and known[body.topology.index(landmark)]:
            at = body.position(landmark) + [0.0, 0.0, 0.06]
            markers.append(
                _text(header, f"{namespace}/angles", _ANGLE_IDS[key], at, f"{math.degrees(value):.0f}", 0.07)
            )
    if form is not None:
        top = body.positions[known].max(0)
        at = np.array([*body.positions[known].mean(0)[:2], top[2] + 0.2])
        phase = form.stage if form.phase == Phase.STAGE else form.phase.name.lower()
        d = f"D {form.d:.2f}" if math.isfinite(form.d) else "D -"
        markers.append(
            _text(header, f"{namespace}/form", 0, at, f"{form.exercise} {form.counted}  {phase}  {d}", 0.1)
        )
    return markers


def cable_marker(header: Header, start: np.ndarray, end: np.ndarray, tension: float) -> list[Marker]:
    """The cable from pulley to handle, with its tension."""
    line = _marker(header, "machine/cable", 0, Marker.LINE_LIST)
    line.scale.x, line.color = 0.012, _CABLE
    line.points = [_point(start), _point(end)]
    return [line, _text(header, "machine/tension", 0, (start + end) / 2, f"{tension:.0f} N", 0.08)]


def clear() -> MarkerArray:
    """Takes everything away."""
    return MarkerArray(markers=[Marker(action=Marker.DELETEALL)])
