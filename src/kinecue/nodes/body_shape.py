"""The topic body_shape: the parametric body of the person who was measured, fitted while the pose node goes on."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace

from rclpy.node import Node

from kinecue.body import Body, CameraModel, KineCueError
from kinecue.body.person import Person, load_person, save_person
from kinecue.body.volume.shape import LENGTH_RANGES
from kinecue.body.volume.shape_fit import ShapeFit, fit_shape
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import LATCHED_QOS
from kinecue.nodes.volume import shape_to_msg
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.shape_capture import ShapeCapture, ShapeSight
from kinecue_msgs import msg

_NUMBERS = ("stature", "femininity", "build", "fatness", "mass_std", "widths")
"""Of a `BodyShape` that are stored with a person, besides mass and lengths."""
_STATURE_STD = 0.01


class BodyShapePublisher:
    """Fits and publishes the shape of one person at a time.

    Args:
        node: whose topic it is.
        base_frame: frame of the bodies.
        report: takes errors of the thread that fits.
    """

    def __init__(self, node: Node, base_frame: str, report: Callable[[Exception], None]) -> None:
        self._base_frame = base_frame
        self._report = report
        self._lock = threading.Lock()
        self._capture: ShapeCapture | None = None
        self._person: Person | None = None
        self._stored = False
        self._thread: threading.Thread | None = None
        self._publisher = node.create_publisher(msg.BodyShape, "body_shape", LATCHED_QOS)

    def begin(self, person: Person, stored: bool) -> None:
        """Somebody was measured, or loaded: the lifter from now on.

        Args:
            person: with the lengths that hold.
            stored: there is a file of the person, into which the shape belongs.
        """
        with self._lock:
            self._person, self._stored, self._capture = person, stored, ShapeCapture()

    def cancel(self) -> None:
        """Waits for nobody any more, but for a fit that was begun."""
        with self._lock:
            self._capture = None
            thread = self._thread
        if thread is not None:
            thread.join(10.0)

    @property
    def waits(self) -> bool:
        """Pictures are still needed."""
        return self._capture is not None

    @property
    def wants_mask(self) -> bool:
        """Whether the network is to deliver masks with the next picture."""
        capture = self._capture
        return capture is not None and capture.wants_mask

    def update(
        self, landmarks: Landmarks2D | None, body: Body | None, camera: CameraModel | None, stamp_ns: int
    ) -> None:
        """The lifter in one more picture, see `ShapeCapture.update`."""
        with self._lock:
            capture, person, stored = self._capture, self._person, self._stored
            busy = self._thread is not None and self._thread.is_alive()
        if capture is None or person is None or busy:
            return
        known = shape_of_person(person)
        if known is not None:
            if body is None:
                return
            known.header, known.id = parts.header(stamp_ns, self._base_frame), body.id
            self._end(capture)
            self._publisher.publish(known)
            return
        sight = capture.update(landmarks, body, camera, stamp_ns)
        if sight is None:
            return
        self._end(capture)
        # fitting takes a second; pictures do not wait for it
        self._thread = threading.Thread(
            target=self._fit, args=(person, stored, sight), name="kinecue-shape", daemon=True
        )
        self._thread.start()

    def _end(self, capture: ShapeCapture) -> None:
        with self._lock:
            if self._capture is capture:
                self._capture = None

    def _fit(self, person: Person, stored: bool, sight: ShapeSight) -> None:
        try:
            fit = fit_shape(
                person.lengths,
                person.stature,
                person.sex,
                sight.silhouettes,
                sight.body_id,
                _STATURE_STD if math.isnan(person.stature_std) else person.stature_std,
            )
            header = parts.header(sight.stamp_ns, self._base_frame)
            self._publisher.publish(shape_to_msg(header, sight.body_id, fit))
            if stored:
                # what is in the file by now: it may have been mended, or deleted to forget the person
                save_person(with_shape(load_person(person.id), fit))
        except (KineCueError, OSError) as error:
            self._report(error)


def with_shape(person: Person, fit: ShapeFit) -> Person:
    """The person with the shape that was fitted; a mass that somebody has weighed stays."""
    weighed = person.mass is not None and "mass_std" not in person.shape
    shape = {
        "stature": fit.shape.stature,
        "femininity": fit.femininity,
        "build": fit.shape.build,
        "fatness": fit.fatness,
        "mass_std": fit.mass_std,
        "widths": float(fit.widths),
        **fit.shape.given_lengths,
    }
    return replace(person, mass=person.mass if weighed else fit.mass, shape=shape)


def shape_of_person(person: Person) -> msg.BodyShape | None:
    """The shape that is stored with a person, without header and id; None if there is none."""
    stored = person.shape
    if person.mass is None or any(name not in stored for name in _NUMBERS):
        return None
    message = msg.BodyShape(mass=person.mass, widths=max(0, min(round(stored["widths"]), 65535)))
    for name in (*_NUMBERS[:-1], *LENGTH_RANGES):
        setattr(message, name, float(stored.get(name, 0.0)))
    return message
