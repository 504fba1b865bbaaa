"""People of coloured paper who walk past each other, and networks that are fooled by crossings as real ones are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from perception_fakes import detection, figure, landmarks

from kinecue.perception.tracking import RegionTracker

WIDTH, HEIGHT = 640, 480
FRAME_NS = 66_000_000
RED, GREEN, BLUE, GREY = (40, 40, 200), (60, 160, 60), (190, 90, 30), (120, 120, 120)


@dataclass
class Walker:
    """Somebody of paper.

    Attributes:
        way: time in s to x, y of the mid-hip, px; None while not there.
        radius: half the stature, px; larger is nearer to the camera.
        shirt, trousers: blue, green, red.
        face: the detector knows them for a person.
    """

    way: Callable[[float], tuple[float, float] | None]
    radius: float = 100.0
    shirt: tuple[int, int, int] = RED
    trousers: tuple[int, int, int] = BLUE
    face: bool = True


@dataclass
class PaperGym:
    """The pictures, the detector and the landmark network of people of paper.

    In a region the network finds the nearest person of those about the middle; who is behind somebody nearer is not seen.
    """

    walkers: list[Walker]
    now: float = 0.0
    runs: int = 0
    detections: int = 0
    log: list[list[tuple[int, int | None]]] = field(default_factory=list)

    def places(self) -> dict[int, tuple[float, float, float]]:
        result = {}
        for k, walker in enumerate(self.walkers):
            place = walker.way(self.now)
            if place is not None:
                result[k] = (*place, walker.radius)
        return result

    def hidden(self, who: int) -> bool:
        there = self.places()
        x, _, radius = there[who]
        return any(
            r > radius and abs(x - ox) < 0.25 * (r + radius) / 2
            for k, (ox, _, r) in there.items()
            if k != who
        )

    def picture(self) -> np.ndarray:
        image = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
        for k, (x, y, r) in sorted(self.places().items(), key=lambda item: item[1][2]):
            walker = self.walkers[k]
            for colour, top, bottom in ((walker.shirt, -0.6, 0.0), (walker.trousers, 0.0, 1.0)):
                corners = [(x - 0.25 * r, y + top * r), (x + 0.25 * r, y + bottom * r)]
                (left, up), (right, down) = np.array(corners).round().astype(int).tolist()
                cv2.rectangle(image, (left, up), (right, down), colour, -1)
        return image

    def detect(self, image):
        self.detections += 1
        return [
            detection(x, y, r)
            for k, (x, y, r) in self.places().items()
            if self.walkers[k].face and not self.hidden(k) and 0 <= x < WIDTH
        ]

    def estimate(self, image, region, stamp_ns):
        self.runs += 1
        near = [
            (r, x, y)
            for k, (x, y, r) in self.places().items()
            if abs(x - region.x) < region.size / 5
            and abs(y - region.y) < region.size / 4
            and not self.hidden(k)
        ]
        if not near:
            return landmarks(region, 0.1, stamp_ns, figure(region.x, region.y, 50)), np.ones((2, 2))
        r, x, y = max(near)
        return landmarks(region, 0.9, stamp_ns, figure(x, y, r)), np.array([[x, y], [x, y - r]])

    def run(self, tracker: RegionTracker, seconds: float, begin: float = 0.0):
        """Time, and identity by walker; an answer that is nobody has the walker None."""
        for n in range(round(seconds * 1e9 / FRAME_NS)):
            self.now = begin + n * FRAME_NS * 1e-9
            people = tracker.update(self.picture(), round(self.now * 1e9))
            yield self.now, [(self.who(person), person.identity) for person in people]

    def who(self, person) -> int | None:
        hips = person.pixels[[23, 24]].mean(0)
        for k, (x, y, r) in self.places().items():
            if np.hypot(hips[0] - x, hips[1] - y) < 1.0 and abs(np.ptp(person.pixels[:, 1]) - 1.85 * r) < 2.0:
                return k
        return None


def still(x: float, y: float = 240.0):
    """Stands there."""
    return lambda time: (x, y)


def walk(start: float, speed: float, begin: float = 0.0, end: float = 1e9, y: float = 240.0):
    """Walks sideways, px/s, between two times."""
    return lambda time: (start + speed * (time - begin), y) if begin <= time <= end else None
