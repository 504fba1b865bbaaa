"""The message kinecue_msgs/Body as a body, without ROS: the same numbers that the scoring node gets of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kinecue.body.body import Body, FloatArray
from kinecue.body.landmarks import TOPOLOGIES, Landmark, LandmarkState
from kinecue.recordings.errors import RecordingError


def body_of(message: Any, path: Path) -> Body:
    """The body of a decoded message.

    Args:
        message: with the fields of kinecue_msgs/Body.
        path: of the bag, for errors.

    Raises:
        RecordingError: unknown topology, wrong number or order of landmarks, or a joint covariance of the wrong size.
    """
    topology = TOPOLOGIES.get(message.topology)
    if topology is None:
        raise RecordingError(
            path, "Body.topology", f"is {message.topology!r}, allowed: {', '.join(TOPOLOGIES)}"
        )
    names = [point.name for point in message.landmarks]
    expected = [landmark.value for landmark in topology.landmarks]
    if names != expected:
        raise RecordingError(
            path, "Body.landmarks", f"must be the {len(expected)} of {topology.name} in its order"
        )
    rows = np.array(
        [(p.position.x, p.position.y, p.position.z, p.u, p.v, p.pixel_std) for p in message.landmarks]
    )
    states = np.array([p.state for p in message.landmarks], np.uint8)
    if states.max() > max(LandmarkState):
        raise RecordingError(
            path, "Landmark.state", f"is {states.max()}, allowed: 0 to {max(LandmarkState):d}"
        )
    joints, joint_covariance = _jointly(message, topology.landmarks, path)
    return Body(
        id=message.id,
        stamp_ns=int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec),
        topology=topology,
        pixels=rows[:, 3:5],
        pixel_std=rows[:, 5],
        positions=rows[:, :3],
        covariances=np.array([list(p.covariance) for p in message.landmarks]).reshape(-1, 3, 3),
        states=states,
        confidence=float(message.confidence),
        image_size=(int(message.image_width), int(message.image_height)),
        view=float(message.view),
        calibrated=bool(message.calibrated),
        camera_calibrated=bool(message.camera_calibrated),
        truncated=bool(message.truncated),
        joint_landmarks=joints,
        joint_covariance=joint_covariance,
    )


def _jointly(
    message: Any, landmarks: tuple[Landmark, ...], path: Path
) -> tuple[tuple[Landmark, ...], FloatArray | None]:
    indices = [int(i) for i in message.joint_indices]
    if not indices:
        return (), None
    size = 3 * len(indices)
    if max(indices) >= len(landmarks) or len(message.joint_covariance) != size * (size + 1) // 2:
        raise RecordingError(path, "Body.joint_covariance", f"does not fit {len(indices)} joint_indices")
    covariance = np.zeros((size, size))
    upper = np.triu_indices(size)
    covariance[upper] = np.array(list(message.joint_covariance), np.float64)
    covariance.T[upper] = covariance[upper]
    return tuple(landmarks[i] for i in indices), covariance
