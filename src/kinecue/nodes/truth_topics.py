"""The truth of the simulated gym on topics, beside what perception and scoring say, with the same stamps.

    truth/bodies        BodyArray: the exact landmarks; hidden ones are INFERRED, covariances are zero
    truth/form          FormState: phase, progress, repetition
    truth/joint_angles  JointAngles: every angle and measure, by the definitions of the scoring
    truth/markers       MarkerArray: skeleton and contact forces, for RViz
    truth/state         String (JSON): faults, contacts with forces, centre of mass, cables; as in a truth file
    truth/track         String (JSON), latched: how the handles of the cables will move, for the simulated machine

Positions are in the base frame, as those of perception.
"""

from __future__ import annotations

import json
import math

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header, String
from visualization_msgs.msg import Marker, MarkerArray

from kinecue.body import BLAZEPOSE_33, Body, LandmarkState, Measurement, Reason, Validity
from kinecue.body.body import FloatArray
from kinecue.exercise import results as r
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes import score_conversions as scores
from kinecue.nodes.base import LATCHED_QOS, SENSOR_QOS, KineCueNode
from kinecue.nodes.markers import body_markers
from kinecue.nodes.simulated_camera import Track
from kinecue.simulation.gym import Taken
from kinecue.simulation.movement.measures import unit_of
from kinecue.simulation.picture.visibility import Visibility
from kinecue.simulation.programmes import Programme
from kinecue.simulation.truth_file import FrameWriter
from kinecue_msgs import msg

BODY_ID = "truth"
_BLUE = ColorRGBA(r=0.35, g=0.62, b=1.0, a=0.85)
_FORCE = ColorRGBA(r=0.95, g=0.45, b=0.9, a=0.9)
_METRES_PER_NEWTON = 0.0007
_LIFETIME = Duration(nanosec=500_000_000)
_RELATIVE_UNITS = {"trunk_swing": "rad", "elbow_drift": "rad", "foot_shift": "m", "heel_rise": "m"}
_SIDES = (("_left", r.Side.LEFT), ("_right", r.Side.RIGHT))


class TruthTopics:
    """Publishes the truth about the frames of the first camera of a programme.

    Args:
        node: whose publishers they are.
        programme: what is performed.
        frame_id: base frame of the camera.
    """

    def __init__(self, node: KineCueNode, programme: Programme, frame_id: str) -> None:
        self._node = node
        self._programme = programme
        self._frame_id = frame_id
        create = node.create_lifecycle_publisher
        self._bodies = create(msg.BodyArray, "truth/bodies", SENSOR_QOS)
        self._form = create(msg.FormState, "truth/form", SENSOR_QOS)
        self._angles = create(msg.JointAngles, "truth/joint_angles", SENSOR_QOS)
        self._markers = create(MarkerArray, "truth/markers", 5)
        self._state = create(String, "truth/state", SENSOR_QOS)
        self._track = create(String, "truth/track", LATCHED_QOS)
        self._rows = FrameWriter(programme.cameras[0])
        self._last: tuple[int, float] | None = None

    def close(self) -> None:
        """Take the publishers away."""
        for publisher in (self._bodies, self._form, self._angles, self._markers, self._state, self._track):
            self._node.destroy_lifecycle_publisher(publisher)

    def start(self, start_ns: int, track: Track) -> None:
        """A performance begins; `start_ns` is the stamp of its time 0."""
        self._last = None
        self._track.publish(
            String(data=json.dumps({"start_ns": start_ns, **track.document}, separators=(",", ":")))
        )

    def publish(self, stamp_ns: int, index: int, taken: Taken) -> None:
        """The truth about a frame."""
        body = self.body(stamp_ns, taken)
        header = parts.header(stamp_ns, self._frame_id)
        self._bodies.publish(
            msg.BodyArray(
                header=header, bodies=[convert.body_to_msg(body, self._frame_id)], frame_index=index
            )
        )
        form = self.form(stamp_ns, taken)
        self._form.publish(scores.form_to_msg(form, self._frame_id))
        self._angles.publish(self.joint_angles(stamp_ns, taken))
        if self._markers.get_subscription_count():
            self._markers.publish(MarkerArray(markers=self._shown(header, body, taken)))
        if self._state.get_subscription_count():
            row = self._rows.frame(taken)
            for known in ("positions_m", "joints_m", "pixels", "angles_rad", "measures"):
                row.pop(known)
            row["contact_points"] = self._rows.contact_table
            row["stamp_ns"] = stamp_ns
            self._state.publish(String(data=json.dumps(row, separators=(",", ":"))))

    def body(self, stamp_ns: int, taken: Taken) -> Body:
        """The landmarks as they are."""
        camera = self._programme.cameras[0]
        visible = taken.seen.visibility == int(Visibility.VISIBLE)
        count = len(BLAZEPOSE_33)
        size = (camera.lens.width, camera.lens.height)
        return Body(
            id=BODY_ID,
            stamp_ns=stamp_ns,
            topology=BLAZEPOSE_33,
            pixels=taken.seen.pixels,
            pixel_std=np.zeros(count),
            positions=camera.to_base(taken.truth.positions),
            covariances=np.zeros((count, 3, 3)),
            states=np.where(visible, LandmarkState.OBSERVED, LandmarkState.INFERRED).astype(np.uint8),
            confidence=1.0,
            image_size=size,
            view=self._programme.view_of(camera),
            calibrated=True,
            camera_calibrated=True,
            truncated=bool((taken.seen.visibility == int(Visibility.OUT_OF_FRAME)).any()),
        )

    def form(self, stamp_ns: int, taken: Taken) -> r.FormState:
        """Phase, progress and repetition; what is a judgement is not known to the truth."""
        state = taken.truth.state
        speed = math.nan
        if self._last is not None and stamp_ns > self._last[0]:
            speed = (state.progress - self._last[1]) / ((stamp_ns - self._last[0]) * 1e-9)
        self._last = (stamp_ns, state.progress)
        stages = state.stage and state.phase not in ("setup", "top", "rest")
        phase = r.Phase.STAGE if stages else r.Phase[state.phase.upper()]
        return r.FormState(
            stamp_ns=stamp_ns,
            body_id=BODY_ID,
            exercise=self._programme.exercise,
            phase=phase,
            stage=state.stage if stages else "",
            progress=state.progress,
            progress_std=0.0,
            speed=speed,
            repetition=state.repetition,
            counted=state.counted,
            d=math.nan,
            d_reason=Reason.UNSUPPORTED,
            deviations=(),
            abstentions=(),
        )

    def joint_angles(self, stamp_ns: int, taken: Taken) -> msg.JointAngles:
        """Every angle and measure."""
        message = msg.JointAngles(header=parts.header(stamp_ns, self._frame_id), body_id=BODY_ID)
        for name, value in {**taken.truth.angles, **taken.truth.measures}.items():
            base, side = name, r.Side.NONE
            for suffix, own in _SIDES:
                if name.endswith(suffix):
                    base, side = name.removesuffix(suffix), own
            unit = _RELATIVE_UNITS.get(base) or unit_of(base)
            exact = Measurement(value, 0.0, Validity.VALID)
            message.angles.append(parts.angle_to_msg(base, side, unit, exact))
        return message

    def _shown(self, header: Header, body: Body, taken: Taken) -> list[Marker]:
        markers = body_markers(header, body, None, {}, [])
        for marker in markers:
            marker.colors = []
            marker.color = _BLUE
        camera = self._programme.cameras[0]
        for number, contact in enumerate(taken.truth.forces.contacts):
            start = camera.to_base(contact.position)
            end = start + camera.rotation @ contact.force * _METRES_PER_NEWTON
            arrow = Marker(
                header=header,
                ns="truth/forces",
                id=number,
                type=Marker.ARROW,
                action=Marker.ADD,
                lifetime=_LIFETIME,
            )
            arrow.pose.orientation.w = 1.0
            arrow.scale.x, arrow.scale.y, arrow.scale.z = 0.012, 0.03, 0.05
            arrow.color = _FORCE
            arrow.points = [_point(start), _point(end)]
            markers.append(arrow)
        return markers


def _point(position: FloatArray) -> Point:
    x, y, z = (float(v) for v in position)
    return Point(x=x, y=y, z=z)
