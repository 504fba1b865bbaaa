"""What the tests of perception share: installed networks, test pictures, and MediaPipe's answers to them."""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kinecue.perception.errors import ModelError
from kinecue.perception.models import ModelStore

REFERENCE = Path(__file__).parent / "data" / "mediapipe_reference.json"


@pytest.fixture(scope="session")
def store():
    """The installed networks; tests that need them are skipped where set-up has not fetched them."""
    installed = ModelStore()
    try:
        for name in ("pose_detection", "pose_landmark_lite", "pose_landmark_full"):
            installed.path(name)
    except ModelError as error:
        pytest.skip(str(error))
    return installed


def test_file(store, name):
    try:
        return str(store.test_file(name))
    except ModelError as error:
        pytest.skip(str(error))


test_file.__test__ = False


@pytest.fixture(scope="session")
def reference():
    """MediaPipe's answers (bench/mediapipe_reference.py)."""
    return json.loads(REFERENCE.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def pictures(store, reference):
    """The parts of the test picture that the reference covers, in its order."""
    whole = cv2.imread(test_file(store, "test_picture"))
    found = []
    for entry in reference["pictures"]:
        left, top, right, bottom = entry["box"]
        part = whole[top:bottom, left:right]
        found.append(np.ascontiguousarray(part[:, ::-1] if entry["mirrored"] else part))
    return found


@pytest.fixture(scope="session")
def woman(pictures):
    """A woman walking, seen from her right side, 180 x 209 px."""
    return pictures[-2]


@pytest.fixture(scope="session")
def walking(store, reference):
    """Frames of the test clip that the reference covers, in its order."""
    wanted = {entry["frame"]: entry["crc32"] for entry in reference["clip"]}
    capture = cv2.VideoCapture(test_file(store, "test_clip"))
    frames = []
    for index in range(max(wanted) + 1):
        assert capture.grab()
        if index in wanted:
            frames.append(capture.retrieve()[1])
            if zlib.crc32(frames[-1].tobytes()) != wanted[index]:
                pytest.skip("the FFmpeg in this OpenCV decodes the clip to other pixels than the reference's")
    capture.release()
    return frames
