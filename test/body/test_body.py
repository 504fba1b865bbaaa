"""Landmarks, topologies and the body that carries them."""

from __future__ import annotations

import numpy as np
import pytest

from kinecue.body import BLAZEPOSE_33, COCO_17, Body, KineCueError, Landmark, LandmarkState, Topology


def body(topology: Topology = COCO_17, **changes: object) -> Body:
    n = len(topology)
    values: dict[str, object] = {
        "id": "abcde",
        "stamp_ns": 1,
        "topology": topology,
        "pixels": np.zeros((n, 2)),
        "pixel_std": np.ones(n),
        "positions": np.arange(3.0 * n).reshape(n, 3),
        "covariances": np.tile(np.eye(3) * 0.01, (n, 1, 1)),
        "states": np.full(n, int(LandmarkState.OBSERVED), np.uint8),
        "confidence": 0.9,
        "image_size": (640, 480),
        **changes,
    }
    return Body(**values)  # type: ignore[arg-type]


def test_blazepose_has_mediapipes_order() -> None:
    # https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker: 0 nose, 11 left shoulder ... 32 right foot index
    order = BLAZEPOSE_33.landmarks
    assert (order[0], order[11], order[16], order[23], order[28], order[32]) == (
        Landmark.NOSE,
        Landmark.LEFT_SHOULDER,
        Landmark.RIGHT_WRIST,
        Landmark.LEFT_HIP,
        Landmark.RIGHT_ANKLE,
        Landmark.RIGHT_FOOT_INDEX,
    )
    assert len(BLAZEPOSE_33) == 33 and len(COCO_17) == 17


@pytest.mark.parametrize("topology", [BLAZEPOSE_33, COCO_17], ids=lambda t: t.name)
def test_mirroring_twice_changes_nothing_and_swaps_sides_once(topology: Topology) -> None:
    mirror = np.array(topology.mirror)
    assert (mirror[mirror] == np.arange(len(topology))).all()
    assert mirror[topology.index(Landmark.LEFT_KNEE)] == topology.index(Landmark.RIGHT_KNEE)
    assert mirror[topology.index(Landmark.NOSE)] == topology.index(Landmark.NOSE)


def test_a_missing_landmark_is_named_with_its_topology() -> None:
    with pytest.raises(KineCueError, match="coco_17 has no landmark left_heel"):
        COCO_17.index(Landmark.LEFT_HEEL)


@pytest.mark.parametrize("field", ["pixels", "pixel_std", "positions", "covariances", "states"])
def test_wrong_shapes_are_refused_with_expected_and_actual(field: str) -> None:
    with pytest.raises(ValueError, match=rf"Body\.{field}: expected shape .* got \(3,\)"):
        body(**{field: np.zeros(3)})


def test_joint_covariance_has_cross_terms_only_where_they_are_known() -> None:
    joints = (Landmark.LEFT_KNEE, Landmark.LEFT_HIP)
    joint = np.eye(6) * 0.04
    joint[0, 3] = joint[3, 0] = 0.03
    whole = body(joint_landmarks=joints, joint_covariance=joint).covariance_of(
        Landmark.LEFT_HIP, Landmark.NOSE, Landmark.LEFT_KNEE
    )
    assert whole[0, 0] == 0.04 and whole[0, 6] == whole[6, 0] == 0.03
    assert whole[3, 3] == 0.01 and not whole[3:6, :3].any()


def test_joint_covariance_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"joint_covariance: expected shape \(3, 3\)"):
        body(joint_landmarks=(Landmark.NOSE,), joint_covariance=np.eye(4))
