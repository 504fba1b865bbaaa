"""People of one camera: a fit for each, the measured person's lengths for the lifter, a camera that may change."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from stick_figure import CAMERA, LENGTHS, seen, squatting

from kinecue.body import BLAZEPOSE_33, Body, CameraModel
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.person import Person
from kinecue.perception.body_fitter import FitterSettings
from kinecue.perception.estimator import BodyEstimator, identity_name
from kinecue.perception.landmarks2d import Landmarks2D

FRAME_NS = 33_333_333
PERSON = Person(
    "sample",
    1.75,
    LENGTHS,
    SegmentLengths.from_array(0.01 * LENGTHS.as_array()),
    "2026-05-01T18:30:00+02:00",
)


class Network:
    """Sees whom it is told."""

    topology = BLAZEPOSE_33
    provider = "none"

    def __init__(self) -> None:
        self.people: list[Landmarks2D] = []
        self.favoured: int | None = None

    def estimate(self, image: np.ndarray, stamp_ns: int) -> list[Landmarks2D]:
        return [replace(person, stamp_ns=stamp_ns) for person in self.people]

    def reset(self) -> None:
        pass

    def favour(self, identity: int | None) -> None:
        self.favoured = identity

    def want_mask(self, wanted: bool) -> None:
        pass


def somebody(identity: int, aside: float = 0.0, distance: float = 3.1, flexion: float = 1.4) -> Landmarks2D:
    """Somebody who squats (nobody is measured then), so many metres to the left."""
    points = squatting(flexion, 0.6, distance=distance) + [0.0, aside, 0.0]
    return replace(seen(points, 0), identity=identity)


class Scene:
    """An estimator and the network behind it."""

    def __init__(self, settings: FitterSettings | None = None) -> None:
        self.network = Network()
        self.estimator = BodyEstimator(self.network, self.camera, settings)
        self.stamp_ns = 0

    def camera(self, width: int, height: int) -> CameraModel:
        return replace(CAMERA, width=width, height=height)

    def see(self, *people: Landmarks2D, frames: int = 1, size: tuple[int, int] = (640, 480)) -> list[Body]:
        self.network.people = list(people)
        for _ in range(frames):
            self.stamp_ns += FRAME_NS
            bodies = self.estimator.process(np.zeros((size[1], size[0], 3), np.uint8), self.stamp_ns)
        return bodies


@pytest.mark.parametrize(
    ("number", "name"), [(0, "aaaaa"), (1, "aaaab"), (25, "aaaaz"), (26, "aaaba"), (26**5 - 1, "zzzzz")]
)
def test_identities_are_letters(number: int, name: str) -> None:
    assert identity_name(number) == name


def test_nobody_makes_no_body_and_no_lifter() -> None:
    scene = Scene()
    assert scene.estimator.camera is None and scene.estimator.lifter_camera is None
    assert scene.see() == []
    assert scene.estimator.active is None and scene.estimator.lifter_landmarks is None
    assert scene.estimator.camera == CAMERA


def test_each_person_keeps_a_body_of_their_own() -> None:
    scene = Scene()
    for _ in range(25):
        one, other = scene.see(somebody(3, 0.6), somebody(7, -0.6, 4.0))
    assert (one.id, other.id) == (identity_name(3), identity_name(7))
    assert one.positions[:, 1].mean() > 0.3 > -0.3 > other.positions[:, 1].mean()


def test_the_lifter_is_favoured_and_told_with_landmarks() -> None:
    scene = Scene()
    scene.see(somebody(3, 0.0, 2.8), somebody(7, -1.2, 4.5), frames=5)
    assert scene.estimator.active == identity_name(3)
    assert scene.network.favoured == 3
    assert scene.estimator.lifter_landmarks is not None
    assert scene.estimator.lifter_landmarks.identity == 3


def test_a_measured_person_is_the_first_who_is_seen_and_others_are_measured_as_they_stand() -> None:
    scene = Scene(FitterSettings(person=PERSON))
    one, other = scene.see(somebody(3, 0.0, 2.8), somebody(7, -1.2, 4.5))
    assert one.calibrated and not other.calibrated


def test_a_person_who_is_told_later_is_the_lifter_however_the_network_sorts_them() -> None:
    scene = Scene()
    scene.see(somebody(3, -1.2, 4.5), somebody(7, 0.0, 2.8), frames=5)
    assert scene.estimator.active == identity_name(7)
    scene.estimator.set_person(PERSON)
    other, lifter = scene.see(somebody(3, -1.2, 4.5), somebody(7, 0.0, 2.8))
    assert lifter.calibrated and not other.calibrated
    scene.estimator.set_person(None)
    assert not any(body.calibrated for body in scene.see(somebody(3), somebody(7, 1.0)))


def test_another_size_of_picture_makes_another_camera_and_everybody_anew() -> None:
    scene = Scene(FitterSettings(person=PERSON))
    assert np.isfinite(scene.see(somebody(0))[0].positions).all()
    scene.see(somebody(0), size=(800, 600))
    assert scene.estimator.camera is not None
    assert (scene.estimator.camera.width, scene.estimator.camera.height) == (800, 600)


def test_another_mount_is_used_from_the_next_picture() -> None:
    scene = Scene(FitterSettings(person=PERSON))
    before = scene.see(somebody(0))[0].positions[:, 2].mean()
    scene.estimator.set_camera(lambda width, height: replace(CAMERA, mount_height=2.1))
    assert scene.estimator.camera is None
    after = scene.see(somebody(0))[0].positions[:, 2].mean()
    assert after > before + 0.2


def test_a_posture_reaches_those_who_are_there_and_those_who_come() -> None:
    scene = Scene()
    scene.see(somebody(0), frames=20)
    scene.estimator.set_posture("goblet_squat")
    scene.see(somebody(0), somebody(1, 1.0), frames=2)
    names = {fitter._posture.name for fitter in scene.estimator._fitters.values()}
    assert names == {"standing_goblet"}


def test_who_stays_away_is_forgotten_but_for_the_lifter() -> None:
    scene = Scene()
    scene.see(somebody(3, 0.0, 2.8), somebody(7, -1.2, 4.5), frames=5)
    scene.see(somebody(3, 0.0, 2.8), frames=180)
    assert set(scene.estimator._fitters) == {3}


def test_the_lifters_camera_is_the_one_that_was_found_while_they_stood() -> None:
    scene = Scene()
    scene.estimator.set_camera(
        lambda width, height: replace(CAMERA, mount_height=1.0, tilt=0.0, mount_estimated=True)
    )
    scene.see(somebody(0, flexion=math.radians(6)), frames=20)
    found = scene.estimator.lifter_camera
    assert found is not None and scene.estimator.camera is not None
    assert found.mount_height != scene.estimator.camera.mount_height
    assert found.mount_height == pytest.approx(CAMERA.mount_height, abs=0.25)
