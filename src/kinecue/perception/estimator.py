"""Pictures in, bodies out: the network, then each person's kinematic fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.perception.blazepose import PoseNetwork
from kinecue.perception.body_fitter import BodyFitter, FitterSettings

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
        settings: of the fit.
    """

    def __init__(
        self, network: PoseNetwork, camera: CameraFactory, settings: FitterSettings | None = None
    ) -> None:
        self._network = network
        self._factory = camera
        self._settings = settings or FitterSettings()
        self._camera: CameraModel | None = None
        self._fitters: dict[int, BodyFitter] = {}

    @property
    def camera(self) -> CameraModel | None:
        """The camera model in use; None before the first picture."""
        return self._camera

    def process(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Body]:
        """Bodies in an (H, W, 3) BGR picture acquired at `stamp_ns`; those followed longest first."""
        height, width = image.shape[:2]
        if self._camera is None or (self._camera.width, self._camera.height) != (width, height):
            self.set_camera(self._factory)
            self._camera = self._factory(width, height)
        people = self._network.estimate(image, stamp_ns)
        bodies = []
        for person in people:
            fitter = self._fitters.get(person.identity)
            if fitter is None:
                fitter = BodyFitter(self._camera, identity_name(person.identity), self._settings)
                self._fitters[person.identity] = fitter
            bodies.append(fitter.update(person))
        seen = {person.identity for person in people}
        # the network gives somebody who comes back a new identity, so who is not seen now is gone
        for gone in [identity for identity in self._fitters if identity not in seen]:
            del self._fitters[gone]
        return bodies

    def set_camera(self, camera: CameraFactory) -> None:
        """Another camera, lens or mount: everybody is measured anew."""
        self._factory, self._camera = camera, None
        self.recalibrate()

    def recalibrate(self) -> None:
        """Measures everybody anew."""
        self._fitters.clear()
