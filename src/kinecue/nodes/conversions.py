"""Bodies, landmarks and cameras to messages and back."""

from __future__ import annotations

import array
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point
from sensor_msgs.msg import Image

from kinecue.body import Body, CameraModel, Landmark, LandmarkState
from kinecue.body.body import FloatArray
from kinecue.body.landmarks import TOPOLOGIES
from kinecue.nodes.base import stamp_to_ns
from kinecue.nodes.message_parts import MessageError, enumerated, header
from kinecue.perception.depth_image import DepthImage, decode
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Region
from kinecue_msgs import msg

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
