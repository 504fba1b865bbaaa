"""Pictures in, bodies out: the network, then each person's kinematic fit, and who of them is the lifter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.person import Person
from kinecue.perception.blazepose import PoseNetwork
from kinecue.perception.body_fitter import BodyFitter, FitterSettings
from kinecue.perception.depth_image import DepthImage, DepthSensor, measure
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.lifter import ChoiceSettings, LifterChoice, Seen
from kinecue.perception.tracking import MEMORY_S

CameraFactory = Callable[[int, int], CameraModel]


def identity_name(number: int) -> str:
    """Transient identity in letters, as REP-155 wants it: 0 -> ``aaaaa``, 1 -> ``aaaab``."""
    letters = ""
    for _ in range(5):
        number, digit = divmod(number, 26)
        letters = chr(ord("a") + digit) + letters
    return letters


class BodyEstimator:
    """People of one camera over time. Deterministic: the same pictures give the same bodies.

    Args:
        network: finds landmarks.
        camera: makes the camera model for an image of a given width and height, px; called again when the size changes.
        settings: of the fit; a `Person` in it is the lifter, others are measured as they stand there.
        choice: how the lifter is chosen.
    """

    def __init__(
        self,
        network: PoseNetwork,
        camera: CameraFactory,
        settings: FitterSettings | None = None,
        choice: ChoiceSettings | None = None,
    ) -> None:
        self._network = network
        self._factory = camera
        self._settings = settings or FitterSettings()
        self._camera: CameraModel | None = None
        self._fitters: dict[int, BodyFitter] = {}
        self._seen_ns: dict[int, int] = {}
        self.lifter = LifterChoice(choice or ChoiceSettings())
        """Who is the lifter, and how to choose one by hand."""
        self.active: str | None = None
        """Identity of the lifter in the last picture; None if they were not in sight."""
        self.people: list[Landmarks2D] = []
        """What the network said of the newest picture, with measured depth where there was a depth image."""

    @property
    def camera(self) -> CameraModel | None:
        """The camera model in use; None before the first picture."""
        return self._camera

    @property
    def lifter_landmarks(self) -> Landmarks2D | None:
        """What the network said of the lifter in the newest picture; None if they were not in sight."""
        return next((p for p in self.people if identity_name(p.identity) == self.active), None)

    @property
    def lifter_camera(self) -> CameraModel | None:
        """The camera as it was found with the lifter who is in sight, in whose base frame their body is."""
        number = self._number(self.active)
        fitter = self._fitters.get(number) if number is not None else None
        if fitter is not None and fitter.standing is not None:
            return fitter.standing.camera
        return self._camera

    def process(
        self,
        image: NDArray[np.uint8],
        stamp_ns: int,
        depth: DepthImage | None = None,
        sensor: DepthSensor | None = None,
    ) -> list[Body]:
        """Bodies in an (H, W, 3) BGR picture acquired at `stamp_ns`; those followed longest first.

        Args:
            image: the picture.
            stamp_ns: when it was taken, ns.
            depth: registered to it, of the same moment; None = none.
            sensor: how the depth camera errs.

        Raises:
            DepthError: the depth image is not registered to a picture of that size.
        """
        height, width = image.shape[:2]
        if self._camera is None or (self._camera.width, self._camera.height) != (width, height):
            self.set_camera(self._factory)
            self._camera = self._factory(width, height)
        self.people = self._network.estimate(image, stamp_ns)
        if depth is not None:
            self.people = [measure(depth, person, width, height, sensor) for person in self.people]
        bodies = []
        for person in self.people:
            fitter = self._fitters.get(person.identity)
            if fitter is None:
                fitter = self._new_fitter(self._camera, person.identity)
            bodies.append(fitter.update(person))
            self._seen_ns[person.identity] = stamp_ns
        self.active = self.lifter.update([Seen.of_body(body) for body in bodies], stamp_ns)
        self._network.favour(self._number(self.lifter.lifter))
        self._forget(stamp_ns)
        return bodies

    def _new_fitter(self, camera: CameraModel, identity: int) -> BodyFitter:
        settings = self._settings
        lifter = self.lifter.lifter
        others = len(self._fitters) > 0 if lifter is None else identity_name(identity) != lifter
        if settings.person is not None and others:
            # the person who was measured is the lifter, not whoever walks by
            settings = replace(settings, person=None)
        fitter = BodyFitter(camera, identity_name(identity), settings)
        self._fitters[identity] = fitter
        return fitter

    def _number(self, name: str | None) -> int | None:
        return next((number for number in self._fitters if identity_name(number) == name), None)

    def _forget(self, stamp_ns: int) -> None:
        """Who does not come back in time gets a new identity from the network, so the old one's measures are of no use."""
        for number, seen_ns in list(self._seen_ns.items()):
            if abs(stamp_ns - seen_ns) > MEMORY_S * 1e9 and identity_name(number) != self.lifter.lifter:
                del self._seen_ns[number]
                self._fitters.pop(number, None)

    def set_camera(self, camera: CameraFactory) -> None:
        """Another camera, lens or mount: everybody is measured anew."""
        self._factory, self._camera = camera, None
        self.recalibrate()

    def set_posture(self, name: str) -> None:
        """What is known of the exercise from now on: name of an exercise or of a posture."""
        if name == self._settings.posture:
            return
        self._settings = replace(self._settings, posture=name)
        for fitter in self._fitters.values():
            fitter.set_posture(name)

    def set_person(self, person: Person | None) -> None:
        """Who the lifter is from now on; None: somebody who has not been measured before."""
        self._settings = replace(self._settings, person=person)
        self.recalibrate()

    def recalibrate(self) -> None:
        """Measures everybody anew."""
        self._fitters.clear()
        self._seen_ns.clear()
