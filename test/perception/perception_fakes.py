"""Stand-ins for networks, cameras and clocks."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2
import numpy as np

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.detector import Detection
from kinecue.perception.errors import SourceError
from kinecue.perception.frames import CaptureMode, Frame
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Region


def landmarks(
    region: Region, score: float = 1.0, stamp_ns: int = 0, pixels: np.ndarray | None = None
) -> Landmarks2D:
    n = len(BLAZEPOSE_33)
    zeros = np.zeros(n)
    if pixels is None:
        pixels = np.zeros((n, 2))
    return Landmarks2D(
        stamp_ns, BLAZEPOSE_33, pixels, zeros, zeros, zeros, np.zeros((n, 3)), zeros, score, region
    )


_FIGURE = {"shoulder": (0.2, -0.55), "elbow": (0.28, -0.3), "wrist": (0.3, -0.05), "hip": (0.12, 0.0)}
_FIGURE |= {"knee": (0.13, 0.48), "ankle": (0.13, 0.95), "heel": (0.13, 1.0), "foot_index": (0.2, 1.0)}


def figure(x: float, y: float, radius: float) -> np.ndarray:
    """(33, 2) landmarks of somebody upright who faces the camera, mid-hip at x, y; the radius is half the stature."""
    rows = []
    for landmark in BLAZEPOSE_33.landmarks:
        side = 1.0 if "left" in landmark.value else -1.0
        part = landmark.value.removeprefix("left_").removeprefix("right_")
        across, down = _FIGURE.get(part, (0.0, -0.85))
        if landmark in (
            L.LEFT_PINKY,
            L.RIGHT_PINKY,
            L.LEFT_INDEX,
            L.RIGHT_INDEX,
            L.LEFT_THUMB,
            L.RIGHT_THUMB,
        ):
            across, down = 0.3, 0.0
        rows.append((x + side * across * radius, y + down * radius))
    return np.array(rows)


def detection(x: float, y: float, radius: float = 50.0, score: float = 0.9) -> Detection:
    keypoints = np.array([[x, y], [x, y - radius], [x, y], [x, y]])
    return Detection(score, np.array([x - 10, y - 10, x + 10, y + 10]), keypoints)


class FakeDetector:
    """Finds what it is told."""

    def __init__(self) -> None:
        self.people: list[Detection] = []
        self.runs = 0

    def detect(self, image):
        self.runs += 1
        return list(self.people)


class FakeLandmarks:
    """Sees a person in a region where `where` holds a point near its centre, and moves on to that point."""

    def __init__(self) -> None:
        self.where: list[tuple[float, float]] = []
        self.broken = False
        self.runs = 0

    def estimate(self, image, region, stamp_ns):
        self.runs += 1
        if self.broken:
            return None
        for x, y in self.where:
            if np.hypot(x - region.x, y - region.y) < region.size / 4:
                found = landmarks(region, 0.9, stamp_ns, figure(x, y, 50.0))
                return found, np.array([[x, y], [x, y - 50.0]])
        return landmarks(region, 0.1, stamp_ns), np.array([[region.x, region.y], [region.x, region.y - 50.0]])


class FakeCapture:
    """A cv2.VideoCapture that grants what it likes and can be unplugged."""

    def __init__(self, granted: dict[int, float] | None = None, frames: int | None = None) -> None:
        self.properties = granted or {}
        self.asked: dict[int, float] = {}
        self.frames = frames
        self.plugged = True
        self.released = False
        self.count = 0
        self.position_ms: Callable[[], float] = lambda: 0.0

    def isOpened(self):  # noqa: N802
        return self.plugged

    def read(self):
        if not self.plugged or (self.frames is not None and self.count >= self.frames):
            return False, None
        self.count += 1
        return True, np.full((4, 6, 3), self.count % 256, np.uint8)

    def get(self, prop):
        if prop == cv2.CAP_PROP_POS_MSEC:
            return self.position_ms()
        return self.properties.get(prop, 0.0)

    def set(self, prop, value):
        self.asked[prop] = value
        return True

    def release(self):
        self.released = True


class FakeLiveSource:
    """A camera whose frames are given one by one by the test, and whose plug can be pulled."""

    name = "fake camera"
    live = True
    requested = CaptureMode(rate=200.0)
    granted = CaptureMode(rate=60.0)
    notes = ("requested 200 fps and got 60",)

    def __init__(self) -> None:
        self.allowed = threading.Semaphore(0)
        self.plugged = True
        self.opened = 0
        self.index = 0

    def open(self):
        if not self.plugged:
            raise SourceError("fake camera does not exist")
        self.opened += 1

    def read(self):
        self.allowed.acquire()
        if not self.plugged:
            raise SourceError("fake camera stopped delivering frames (unplugged?)")
        self.index += 1
        return make_frame(self.index)

    def close(self):
        pass


def make_frame(index: int) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), index * 1000, index, "fake")
