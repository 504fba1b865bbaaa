"""What the demo tells the nodes."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from kinecue.body import CameraModel
from kinecue.cli.demo import DemoSettings, _parameters

PATHS = {"session.wav": Path("session.wav")}


@pytest.mark.parametrize("settings", [DemoSettings(camera="0"), DemoSettings(video="film.mp4")])
def test_no_force_is_made_up_beside_a_real_person(settings: DemoSettings) -> None:
    given = _parameters(settings, "squat", None, PATHS)
    assert given["machine"].get("driver", "none") == "none"
    assert given["pose"]["camera_height"] == 0.0


def test_a_simulated_clip_brings_its_machine_and_its_camera_along() -> None:
    camera = CameraModel.estimate(640, 480, math.radians(70), 1.05, math.radians(3), mount_estimated=False)
    given = _parameters(DemoSettings(video="clip.mp4"), "squat", SimpleNamespace(camera=camera), PATHS)
    assert given["machine"]["truth_file"] == "clip.truth.json"
    assert given["machine"]["driver"] == "simulated"
    pose = given["pose"]
    assert (pose["camera_height"], pose["camera_tilt_deg"]) == pytest.approx((1.05, 3.0))
    assert pose["horizontal_fov_deg"] == pytest.approx(70.0)
