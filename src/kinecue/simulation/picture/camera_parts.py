"""The parts of a synthetic camera, each checked: where it hangs, its lens, its sensor, its stream of frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kinecue.body.camera import DEFAULT_HORIZONTAL_FOV
from kinecue.body.errors import KineCueError
from kinecue.simulation.picture.lens import radial, widest_radius

Five = tuple[float, float, float, float, float]


class CameraError(KineCueError):
    """A synthetic camera that cannot be; the text names the field and what is allowed."""


def check_range(owner: str, name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a value outside of its range."""
    if not (isinstance(value, (int, float)) and math.isfinite(value) and low <= value <= high):
        raise CameraError(
            f"{owner}: {name} must be {low:g} to {high:g}{' ' if unit else ''}{unit}, got {value}"
        )


@dataclass(frozen=True)
class Mount:
    """Where a camera is in the gym frame.

    Attributes:
        x, y: on the floor, m.
        height: of the optical centre over the floor, m.
        yaw: direction it looks, about the vertical, 0 along x, rad.
        tilt: positive looks down, rad.
        roll: about the optical axis, positive turns the image clockwise, rad.
    """

    x: float = 0.0
    y: float = 0.0
    height: float = 1.05
    yaw: float = 0.0
    tilt: float = math.radians(3.0)
    roll: float = 0.0

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            check_range("mount", name, getattr(self, name), -50.0, 50.0, "m")
        check_range("mount", "height", self.height, 0.02, 10.0, "m")
        check_range("mount", "yaw", self.yaw, -4 * math.pi, 4 * math.pi, "rad")
        check_range("mount", "tilt", self.tilt, -math.pi / 2, math.pi / 2, "rad")
        check_range("mount", "roll", self.roll, -math.pi, math.pi, "rad")


@dataclass(frozen=True)
class Lens:
    """Image size and optics.

    Attributes:
        width, height: px.
        horizontal_fov: angle that the image spans along its width, distortion included, rad.
        distortion: plumb bob coefficients k1 k2 p1 p2 k3, as in sensor_msgs/CameraInfo.
    """

    width: int = 640
    height: int = 480
    horizontal_fov: float = DEFAULT_HORIZONTAL_FOV
    distortion: Five = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 16 <= value <= 4096:
                raise CameraError(f"lens: {name} must be a whole number of 16 to 4096 px, got {value}")
        check_range("lens", "horizontal_fov", self.horizontal_fov, math.radians(5), math.radians(150), "rad")
        if len(self.distortion) != 5:
            raise CameraError(f"lens: distortion must be k1 k2 p1 p2 k3, got {len(self.distortion)} values")
        for name, value in zip(("k1", "k2", "p1", "p2", "k3"), self.distortion, strict=True):
            check_range("lens", f"distortion {name}", value, -2.0, 2.0)
        edge = math.tan(self.horizontal_fov / 2.0)
        widest = widest_radius(self.distortion)
        bent = float(radial(self.distortion, np.array(edge)))
        corner = bent * math.hypot(1.0, self.height / self.width)
        reach = np.linspace(0.0, min(widest, 12.0), 4096)
        if edge >= widest or corner > float(radial(self.distortion, reach).max()):
            raise CameraError(
                "lens: distortion must keep radii growing up to the image's corners; "
                f"k1 k2 p1 p2 k3 = {self.distortion} folds back at {math.degrees(math.atan(widest)):.0f} degrees "
                "from the optical axis: less distortion or a smaller horizontal_fov is needed"
            )

    @property
    def focal(self) -> float:
        """Focal length, px."""
        return (self.width / 2.0) / float(
            radial(self.distortion, np.array(math.tan(self.horizontal_fov / 2.0)))
        )


@dataclass(frozen=True)
class Sensor:
    """What turns light into numbers.

    The level of a picture does not depend on the exposure time: a camera's automatic brings it back.

    Attributes:
        rate: frames per second, 30 to 200.
        exposure_s: time the shutter is open, at most a frame's time; what moves meanwhile is blurred.
        shot_noise: standard deviation of the light's own noise at full white and gain 1, grey levels of 255; it
            falls with the square root of the level.
        read_noise: standard deviation of the electronics' noise at gain 1, grey levels.
        gain: amplification of picture and noise.
        white_balance: factors of blue, green, red.
        jpeg_quality: 1 to 100 of the compression between camera and computer; None for none.
    """

    rate: float = 30.0
    exposure_s: float = 0.004
    shot_noise: float = 2.5
    read_noise: float = 1.2
    gain: float = 1.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    jpeg_quality: int | None = None

    def __post_init__(self) -> None:
        check_range("sensor", "rate", self.rate, 30.0, 200.0, "frames/s")
        check_range("sensor", "exposure_s", self.exposure_s, 0.0, 1.0 / self.rate, "s (a frame's time)")
        check_range("sensor", "shot_noise", self.shot_noise, 0.0, 60.0)
        check_range("sensor", "read_noise", self.read_noise, 0.0, 60.0)
        check_range("sensor", "gain", self.gain, 0.05, 20.0)
        if len(self.white_balance) != 3:
            raise CameraError("sensor: white_balance must be three factors: blue, green, red")
        for name, value in zip(("blue", "green", "red"), self.white_balance, strict=True):
            check_range("sensor", f"white_balance {name}", value, 0.1, 4.0)
        quality = self.jpeg_quality
        if quality is not None and (not isinstance(quality, int) or not 1 <= quality <= 100):
            raise CameraError(
                f"sensor: jpeg_quality must be a whole number of 1 to 100 or None, got {quality}"
            )


@dataclass(frozen=True)
class Stream:
    """What happens to frames on their way.

    Attributes:
        drop_probability: of a single frame to get lost.
        burst_probability: of a frame to begin a burst of lost ones.
        burst_length: frames lost in a burst.
        jitter_s: standard deviation of the stamps; they never go backwards.
        latency_s: from the middle of the exposure to the frame's arrival.
        clock_offset_s: of the camera's clock, added to every stamp.
        stamped_on_arrival: the stamp is taken when the frame arrives, as cheap drivers do, and contains the
            latency.
    """

    drop_probability: float = 0.0
    burst_probability: float = 0.0
    burst_length: int = 5
    jitter_s: float = 0.0
    latency_s: float = 0.0
    clock_offset_s: float = 0.0
    stamped_on_arrival: bool = False

    def __post_init__(self) -> None:
        check_range("stream", "drop_probability", self.drop_probability, 0.0, 1.0)
        check_range("stream", "burst_probability", self.burst_probability, 0.0, 1.0)
        if not isinstance(self.burst_length, int) or not 1 <= self.burst_length <= 1000:
            raise CameraError(
                f"stream: burst_length must be a whole number of 1 to 1000, got {self.burst_length}"
            )
        check_range("stream", "jitter_s", self.jitter_s, 0.0, 1.0, "s")
        check_range("stream", "latency_s", self.latency_s, 0.0, 5.0, "s")
        check_range("stream", "clock_offset_s", self.clock_offset_s, -3600.0, 3600.0, "s")
