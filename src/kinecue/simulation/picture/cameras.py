"""Synthetic cameras of the gym: projection, schedule of frames, calibration, and ready-made ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.simulation.picture.camera_parts import CameraError, Lens, Mount, Sensor, Stream, check_range
from kinecue.simulation.picture.lens import View
from kinecue.simulation.rotations import yaw as yaw_matrix

FloatArray = NDArray[np.float64]

NANOSECONDS = 1_000_000_000

__all__ = [
    "CAMERAS",
    "CameraError",
    "Lens",
    "Mount",
    "Sensor",
    "Shot",
    "Stream",
    "SyntheticCamera",
    "around",
    "calibration",
]


@dataclass(frozen=True)
class Shot:
    """One frame of the schedule.

    Attributes:
        index: number of the frame since the start, lost ones counted.
        time_s: true middle of the exposure.
        exposure_s: how long the shutter is open around it.
        stamp_ns: what the driver writes, ns; never smaller than the frame before.
        arrival_s: true time at which the frame reaches the computer.
        dropped: the frame is lost and never arrives.
    """

    index: int
    time_s: float
    exposure_s: float
    stamp_ns: int
    arrival_s: float
    dropped: bool


@dataclass(frozen=True)
class SyntheticCamera:
    """A camera of the gym.

    Attributes:
        name: by which a rig tells its cameras apart.
        mount, lens, sensor, stream: see there.
        seed: of noise, jitter and lost frames.
    """

    name: str = "camera"
    mount: Mount = field(default_factory=Mount)
    lens: Lens = field(default_factory=Lens)
    sensor: Sensor = field(default_factory=Sensor)
    stream: Stream = field(default_factory=Stream)
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.name:
            raise CameraError("camera: name must not be empty")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise CameraError(f"camera: seed must be a whole number, 0 or more, got {self.seed}")

    @staticmethod
    def of_model(
        model: CameraModel, name: str = "camera", sensor: Sensor | None = None, seed: int = 0
    ) -> SyntheticCamera:
        """A camera with a given model at the gym's origin, looking along x.

        Raises:
            CameraError: the model is none that a `Lens` can have (square pixels, optical axis in the middle).
        """
        fov = _fov(model)
        k1, k2, p1, p2, k3 = model.distortion
        result = SyntheticCamera(
            name,
            Mount(height=model.mount_height, tilt=model.tilt, roll=model.roll),
            Lens(model.width, model.height, fov, (k1, k2, p1, p2, k3)),
            Sensor() if sensor is None else sensor,
            seed=seed,
        )
        if not np.allclose(result.model.matrix, model.matrix, atol=1e-3):
            raise CameraError("camera: model must have square pixels and its optical axis in the middle")
        return result

    @cached_property
    def model(self) -> CameraModel:
        """Projection from this camera's own base frame."""
        lens, mount = self.lens, self.mount
        return CameraModel(
            lens.width,
            lens.height,
            lens.focal,
            lens.focal,
            (lens.width - 1) / 2.0,
            (lens.height - 1) / 2.0,
            distortion=lens.distortion,
            mount_height=mount.height,
            tilt=mount.tilt,
            roll=mount.roll,
        )

    @cached_property
    def rotation(self) -> FloatArray:
        """(3, 3) from the gym frame to this camera's base frame."""
        return yaw_matrix(-self.mount.yaw)

    @cached_property
    def translation(self) -> FloatArray:
        """(3,) gym frame to base frame, m: ``base = rotation @ gym + translation``."""
        result: FloatArray = -self.rotation @ np.array([self.mount.x, self.mount.y, 0.0])
        return result

    @cached_property
    def view(self) -> View:
        """Projection from the gym frame."""
        return View(self.model, self.rotation, self.translation)

    @property
    def centre(self) -> FloatArray:
        """(3,) optical centre in the gym frame, m."""
        return self.view.centre

    def to_base(self, points: FloatArray) -> FloatArray:
        """(..., 3) gym frame to this camera's base frame, m."""
        result: FloatArray = np.asarray(points) @ self.rotation.T + self.translation
        return result

    def project(self, points: FloatArray) -> FloatArray:
        """(..., 3) gym frame to (..., 2) pixels; NaN for what is behind the camera or beyond the lens."""
        return self.view.project(points)

    def in_frame(self, pixels: FloatArray) -> NDArray[np.bool_]:
        """(...,) whether (..., 2) pixels lie on the picture."""
        u, v = pixels[..., 0], pixels[..., 1]
        inside: NDArray[np.bool_] = (
            (u >= -0.5) & (u <= self.lens.width - 0.5) & (v >= -0.5) & (v <= self.lens.height - 0.5)
        )
        return inside

    def schedule(self, duration_s: float, start_s: float = 0.0) -> tuple[Shot, ...]:
        """Every frame whose exposure is centred in ``start_s <= t < start_s + duration_s``.

        Frame i is taken at ``start_s + i / rate``. A longer schedule begins with the shorter one.
        """
        check_range("schedule", "duration_s", duration_s, 0.0, 1e6, "s")
        rate, stream = self.sensor.rate, self.stream
        count = math.ceil(duration_s * rate - 1e-9)
        index = np.arange(count)
        times = start_s + index / rate
        # one stream of numbers for each thing, so that what is drawn does not depend on the length
        jitter = np.random.default_rng((self.seed, 1)).normal(size=count) * stream.jitter_s
        single = np.random.default_rng((self.seed, 2)).random(count) < stream.drop_probability
        begins = np.random.default_rng((self.seed, 3)).random(count) < stream.burst_probability
        recent = np.cumsum(begins)
        recent = recent - np.concatenate([np.zeros(stream.burst_length, dtype=int), recent])[:count]
        dropped = single | (recent > 0)
        stamps = times + jitter + stream.clock_offset_s
        if stream.stamped_on_arrival:
            stamps = stamps + stream.latency_s
        stamps = np.maximum.accumulate(stamps)
        return tuple(
            Shot(
                int(i),
                float(times[i]),
                self.sensor.exposure_s,
                round(float(stamps[i]) * NANOSECONDS),
                float(times[i]) + stream.latency_s,
                bool(dropped[i]),
            )
            for i in index
        )


def _fov(model: CameraModel) -> float:
    """Angle between the rays of the left and right edge of the middle row, rad."""
    view = View(model, np.eye(3), np.zeros(3))
    edges = np.array([[model.cx - model.width / 2.0, model.cy], [model.cx + model.width / 2.0, model.cy]])
    left, right = view.rays(edges)
    return math.acos(float(np.clip(left @ right, -1.0, 1.0)))


def around(
    view: float,
    distance: float,
    target: tuple[float, float] = (3.0, 0.0),
    facing: float = math.pi,
    height: float = 1.05,
    tilt: float = math.radians(3.0),
    roll: float = 0.0,
) -> Mount:
    """A place from which an athlete is seen at a given view.

    Args:
        view: 0 sees the face, pi/2 the person's left side, -pi/2 the right side, pi the back, rad.
        distance: between camera and athlete along the floor, m.
        target: where the athlete stands, gym frame, m.
        facing: where the athlete looks, about the vertical, 0 along the gym's x, rad.
        height, tilt, roll: as in `Mount`.
    """
    check_range("around", "distance", distance, 0.1, 50.0, "m")
    towards = facing + view
    return Mount(
        target[0] + distance * math.cos(towards),
        target[1] + distance * math.sin(towards),
        height,
        math.remainder(towards + math.pi, 2.0 * math.pi),
        tilt,
        roll,
    )


def calibration(rig: Sequence[SyntheticCamera]) -> dict[str, Any]:
    """The exact calibration of a rig, ready for JSON or YAML.

    Per camera the keys of ROS's camera_calibration files (``image_width``, ``camera_matrix``, ...), and under
    ``mount`` and ``gym_to_base`` how it hangs: rad and m, row-major matrices.

    Raises:
        CameraError: two cameras have one name.
    """
    names = [camera.name for camera in rig]
    if len(set(names)) != len(names):
        raise CameraError(f"rig: every camera must have a name of its own, got {', '.join(names)}")
    return {"cameras": [_calibration(camera) for camera in rig]}


def _calibration(camera: SyntheticCamera) -> dict[str, Any]:
    model, mount = camera.model, camera.mount
    projection = np.concatenate([model.matrix, np.zeros((3, 1))], 1)

    def table(matrix: FloatArray) -> dict[str, Any]:
        rows, columns = matrix.shape
        return {"rows": rows, "cols": columns, "data": [float(v) for v in matrix.ravel()]}

    return {
        "image_width": model.width,
        "image_height": model.height,
        "camera_name": camera.name,
        "camera_matrix": table(model.matrix),
        "distortion_model": "plumb_bob",
        "distortion_coefficients": table(np.array([model.distortion])),
        "rectification_matrix": table(np.eye(3)),
        "projection_matrix": table(projection),
        "mount": {
            "x_m": mount.x,
            "y_m": mount.y,
            "height_m": mount.height,
            "yaw_rad": mount.yaw,
            "tilt_rad": mount.tilt,
            "roll_rad": mount.roll,
        },
        "gym_to_base": {
            "rotation": [[float(v) for v in row] for row in camera.rotation],
            "translation_m": [float(v) for v in camera.translation],
        },
    }


CAMERAS: dict[str, SyntheticCamera] = {
    "webcam": SyntheticCamera("webcam", sensor=Sensor(exposure_s=0.010, jpeg_quality=85)),
    "wide": SyntheticCamera(
        "wide",
        lens=Lens(640, 480, math.radians(120.0), (-0.165, 0.0222, 0.0, 0.0, -0.0011)),
        sensor=Sensor(exposure_s=0.008),
    ),
    "machine": SyntheticCamera(
        "machine",
        Mount(height=1.3, tilt=math.radians(6.0)),
        Lens(1280, 720, math.radians(78.0), (-0.060, 0.012, 0.0004, -0.0003, 0.0)),
        Sensor(rate=60.0, exposure_s=0.005),
    ),
    "highspeed": SyntheticCamera(
        "highspeed",
        lens=Lens(640, 480, math.radians(70.0), (-0.04, 0.0, 0.0, 0.0, 0.0)),
        sensor=Sensor(rate=200.0, exposure_s=0.002, shot_noise=5.0, read_noise=3.0),
    ),
}
"""Ready-made cameras at the gym's origin; `dataclasses.replace` moves or changes them."""
