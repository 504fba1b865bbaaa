"""Registered depth images: how far away the skin is at each landmark.

A depth image gives surfaces, and at the edge of a limb two of them; a mean over a patch lies in the air between. So what
is taken is the nearest surface that fills enough of the patch and lies where the person can be. A landmark that another
limb covers has no depth of its own: what is measured there belongs to the limb.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import STATURE_MEAN, SegmentLengths
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark, Topology
from kinecue.perception.landmarks2d import Landmarks2D

FloatArray = NDArray[np.float64]
DepthArray = NDArray[np.float32]

ENCODINGS = ("16UC1", "mono16", "32FC1")
"""Known encodings: uint16 millimetres with 0 for unknown, or float32 metres with NaN or infinity (REP-118)."""
_FARTHEST = 20.0
"""Depths beyond are not of somebody in a gym, m."""


class DepthError(KineCueError):
    """A depth image that cannot be used; the text names the field and what is allowed."""


@dataclass(frozen=True)
class DepthSensor:
    """How a depth camera errs: ``std = floor + quadratic * depth^2``.

    The error of a depth from parallax grows with its square (Khoshelham and Oude Elberink 2012, Sensors 12:1437, eq. 9:
    1.4e-3 /m for a Kinect). Active stereo: 2.5e-3 /m, from 0.08 px of disparity at 640 px focal length and 50 mm
    baseline (Intel, Best-Known-Methods for Tuning D400: RMS = depth^2 * subpixel / (focal * baseline)).

    Attributes:
        floor: m.
        quadratic: 1/m.
        registration_std: how far depth and colour are shifted against each other, px.
    """

    floor: float = 0.004
    quadratic: float = 2.5e-3
    registration_std: float = 1.5

    def __post_init__(self) -> None:
        for name, value, high in (
            ("floor", self.floor, 0.5),
            ("quadratic", self.quadratic, 0.1),
            ("registration_std", self.registration_std, 20.0),
        ):
            if not (math.isfinite(value) and 0.0 <= value <= high):
                raise DepthError(f"depth sensor: {name} is {value!r}, allowed: 0 to {high:g}")

    def std(self, depth: FloatArray) -> FloatArray:
        """(...) standard deviation of one pixel at (...) depth, m."""
        return self.floor + self.quadratic * depth * depth


@dataclass(frozen=True)
class DepthImage:
    """Distances along the optical axis of the colour camera.

    Attributes:
        stamp_ns: acquisition time, ns.
        metres: (H, W) float32; NaN where unknown. Registered to the colour image, as large or scaled.
    """

    stamp_ns: int
    metres: DepthArray

    def scale(self, width: int, height: int) -> float:
        """Depth pixels per colour pixel.

        Raises:
            DepthError: it has another shape than a colour image of that size, so it is not registered to it.
        """
        rows, columns = self.metres.shape
        # a pixel more or less comes from rounding
        if abs(columns * height - rows * width) > max(width, height):
            raise DepthError(
                f"depth image: size is {columns}x{rows}, allowed: {width}x{height} or the same shape at another "
                "scale (registered to the colour image)"
            )
        return columns / width


def decode(
    data: bytes | memoryview | NDArray[np.uint8],
    width: int,
    height: int,
    encoding: str,
    step: int = 0,
    big_endian: bool = False,
) -> DepthArray:
    """(H, W) metres, NaN unknown, from the bytes of a depth image.

    Args:
        data: rows of pixels.
        width, height: px.
        encoding: one of `ENCODINGS`.
        step: bytes of a row; 0 = no padding.
        big_endian: byte order of the pixels.

    Raises:
        DepthError: unknown encoding, or bytes that do not make such an image.
    """
    if encoding not in ENCODINGS:
        raise DepthError(f"depth image: encoding is {encoding!r}, allowed: {', '.join(ENCODINGS)}")
    kind = np.dtype(np.float32 if encoding == "32FC1" else np.uint16).newbyteorder(">" if big_endian else "<")
    step = step or width * kind.itemsize
    raw = np.frombuffer(data, np.uint8)
    if width <= 0 or height <= 0 or step < width * kind.itemsize or len(raw) < height * step:
        raise DepthError(
            f"depth image: {len(raw)} bytes with step {step} are not a {width}x{height} {encoding} image"
        )
    rows = raw[: height * step].reshape(height, step)[:, : width * kind.itemsize]
    pixels = np.ascontiguousarray(rows).view(kind).astype(np.float32)
    metres = pixels if encoding == "32FC1" else pixels * np.float32(1e-3)
    with np.errstate(invalid="ignore"):
        known = (metres > 0) & (metres < _FARTHEST)
    result: DepthArray = np.where(known, metres, np.float32(np.nan))
    return result


_L = Landmark
_SIDES = ("left", "right")
_RADII = {"upper_arm": 0.055, "forearm": 0.045, "hand": 0.05, "thigh": 0.085, "shank": 0.06}
"""Half the thickness of limbs in clothes, m (mean adult girths over 2 pi, ANSUR II)."""
_LIMBS = tuple(
    (_L(f"{side}_{a}"), _L(f"{side}_{b}"), _RADII[name])
    for side in _SIDES
    for a, b, name in (
        ("shoulder", "elbow", "upper_arm"),
        ("elbow", "wrist", "forearm"),
        ("wrist", "index", "hand"),
        ("hip", "knee", "thigh"),
        ("knee", "ankle", "shank"),
    )
)
_POINTING = {
    (_L(f"{side}_{a}"), _L(f"{side}_{b}")): share
    for side in _SIDES
    for a, b, share in (
        ("hip", "knee", SegmentLengths.from_stature(1.0).thigh),
        ("knee", "ankle", SegmentLengths.from_stature(1.0).shank),
        ("shoulder", "elbow", SegmentLengths.from_stature(1.0).upper_arm),
        ("elbow", "wrist", SegmentLengths.from_stature(1.0).forearm),
    )
}
"""Limbs that cover the joint they begin at when they point at the camera, and their length over the stature."""
_FORESHORTENED = 0.8
"""Length in the picture over the expected one under which a limb points at the camera or away from it ..."""
_TOWARDS = 0.2
"""... and share of it by which its far end is nearer, by the network, that tells which of the two."""
_OUTLIER = 0.22
"""A surface that lies farther than this from where the network has the landmark is another one, m."""
_BEHIND = 0.06
"""A landmark that lies this much deeper than a limb's axis, less the limb's own radius, is behind it, m."""
_SEEN = 0.5
_PATCH = 0.022
"""Half the edge of a patch, m: less than a forearm's radius."""
_REACH = 0.8
"""No part of a person is farther than that from the middle of the trunk along the line of sight, m; an arm that points at
the camera is. It is then left out."""
_SHARE = 0.2
"""A surface fills at least this part of its patch."""
_FEWEST = 4
_LAYER = 0.04
"""Depths within this are one surface, m."""


def measure(
    image: DepthImage, landmarks: Landmarks2D, width: int, height: int, sensor: DepthSensor | None = None
) -> Landmarks2D:
    """The landmarks with the depth measured at each.

    Hidden landmarks (visibility under 0.5, or covered by a limb that is nearer) get none.

    Args:
        image: registered to the colour picture, taken at (nearly) the same time.
        landmarks: of one person in the colour picture.
        width, height: of the colour picture, px.
        sensor: how the camera errs.

    Raises:
        DepthError: the image is not registered to a colour picture of that size.
    """
    sensor = sensor or DepthSensor()
    scale = image.scale(width, height)
    n = len(landmarks.topology)
    depth, std = np.full(n, np.nan), np.full(n, np.nan)
    # centres of pixels: (u + 0.5) * scale - 0.5
    pixels = (landmarks.pixels + 0.5) * scale - 0.5
    per_metre = _pixels_per_metre(landmarks) * scale
    if math.isfinite(per_metre):
        radius = int(np.clip(round(_PATCH * per_metre), 1, 12))
        visible = np.nan_to_num(landmarks.visibility) >= _SEEN
        rows = np.nonzero(visible & ~_covered(landmarks))[0]
        patches = {int(i): _patch(image, landmarks, pixels[i], radius, scale) for i in rows}
        middle = _trunk_depth(landmarks.topology, patches)
        for i, patch in patches.items():
            found = _surface(patch, middle, sensor)
            if found is None:
                continue
            depth[i], scatter, count = found
            # neighbouring pixels share their errors: never better than a quarter of one pixel's
            noise = float(sensor.std(np.array(depth[i]))) * max(0.25, 1.0 / math.sqrt(count))
            slope = scatter / max(radius, 1) * sensor.registration_std * scale
            std[i] = math.sqrt(noise**2 + sensor.floor**2 + scatter**2 / 4.0 + slope**2)
        other = _elsewhere(depth, landmarks.world[:, 2])
        depth[other] = std[other] = np.nan
    return replace(landmarks, measured_depth=depth, measured_depth_std=std)


def _pixels_per_metre(landmarks: Landmarks2D) -> float:
    """Size of the person in the picture, by the network's own world landmarks; robust against single bad ones."""
    pixels, world = landmarks.pixels, landmarks.world[:, :2]
    good = np.isfinite(pixels).all(1) & np.isfinite(world).all(1)
    if int(good.sum()) < 4:
        return math.nan
    a, b = pixels[good] - np.median(pixels[good], axis=0), world[good] - np.median(world[good], axis=0)
    spread = float(np.median(np.abs(b).sum(1)))
    return float(np.median(np.abs(a).sum(1))) / spread if spread > 0.05 else math.nan


def _covered(landmarks: Landmarks2D) -> NDArray[np.bool_]:
    """(N,) landmarks that lie behind one of the person's own limbs, by the network's depths."""
    topology, pixels, world = landmarks.topology, landmarks.pixels, landmarks.world
    result = np.zeros(len(topology), dtype=bool)
    per_metre = _pixels_per_metre(landmarks)
    for a, b, radius in _LIMBS:
        if a not in topology or b not in topology:
            continue
        i, j = topology.index(a), topology.index(b)
        axis = pixels[j] - pixels[i]
        squared = float(axis @ axis)
        if not squared > 0:
            continue
        with np.errstate(invalid="ignore"):
            share = np.clip((pixels - pixels[i]) @ axis / squared, 0.0, 1.0)
            off = np.linalg.norm(pixels - (pixels[i] + share[:, None] * axis), axis=1)
            limb = world[i, 2] + share * (world[j, 2] - world[i, 2])
            hidden = (off < radius * per_metre) & (world[:, 2] > limb + radius + _BEHIND)
        hidden[[i, j]] = False
        result |= hidden & ~_attached(topology, a, b)
    for (a, b), share in _POINTING.items():
        if a not in topology or b not in topology:
            continue
        i, j = topology.index(a), topology.index(b)
        limb, flat = world[j] - world[i], float(np.linalg.norm(pixels[j] - pixels[i]))
        length = float(np.linalg.norm(limb))
        if length > 0 and flat < _FORESHORTENED * share * STATURE_MEAN * per_metre:
            result[i] |= bool(-limb[2] > _TOWARDS * length)
    return result


def _attached(topology: Topology, proximal: Landmark, distal: Landmark) -> NDArray[np.bool_]:
    """Landmarks that belong to the limb's own far end: fingers to the forearm, the foot to the shank."""
    side = distal.value.split("_")[0]
    ends = {
        "wrist": ("pinky", "index", "thumb"),
        "index": ("pinky", "thumb"),
        "ankle": ("heel", "foot_index"),
    }.get(distal.value.removeprefix(f"{side}_"), ())
    own = {f"{side}_{end}" for end in ends}
    return np.array([name.value in own for name in topology.landmarks])


def _elsewhere(depth: FloatArray, expected: FloatArray) -> NDArray[np.bool_]:
    """(N,) measured surfaces that are not the landmark's: they lie where the network has nothing of the kind."""
    off = depth - expected
    known = np.isfinite(off)
    if int(known.sum()) < 3:
        return np.zeros(len(depth), dtype=bool)
    off = off - float(np.median(off[known]))
    return np.asarray(known & (np.abs(np.where(known, off, 0.0)) > _OUTLIER))


def _patch(
    image: DepthImage, landmarks: Landmarks2D, centre: FloatArray, radius: int, scale: float
) -> FloatArray:
    """Known depths around a pixel, of the person where a mask says so, m; with the share that is known first."""
    rows, columns = image.metres.shape
    if not np.isfinite(centre).all():
        return np.zeros(0)
    u, v = (round(float(c)) for c in centre)
    if not (0 <= u < columns and 0 <= v < rows):
        return np.zeros(0)
    window = (
        slice(max(v - radius, 0), min(v + radius + 1, rows)),
        slice(max(u - radius, 0), min(u + radius + 1, columns)),
    )
    values = image.metres[window].astype(np.float64)
    mask = landmarks.mask
    if mask is not None:
        ys, xs = np.mgrid[window]
        places = (np.stack([xs, ys], -1) + 0.5) / scale - 0.5
        inside = mask.region.from_image(places) * mask.probability.shape[0]
        cells = np.clip(inside.astype(int), 0, mask.probability.shape[0] - 1)
        own = mask.probability[cells[..., 1], cells[..., 0]] > 0.5
        if own.any():
            values = np.where(own, values, np.nan)
    flat: FloatArray = np.sort(values[np.isfinite(values)])
    return flat


def _trunk_depth(topology: Topology, patches: dict[int, FloatArray]) -> float:
    """Depth of the trunk's front, m: the lower half of what is seen at shoulders and hips; NaN unknown."""
    values = []
    for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip"):
        landmark = Landmark(name)
        if landmark in topology:
            patch = patches.get(topology.index(landmark), np.zeros(0))
            if len(patch) >= _FEWEST:
                values.append(float(np.quantile(patch, 0.3)))
    if not values:
        every = [float(np.quantile(p, 0.3)) for p in patches.values() if len(p) >= _FEWEST]
        return float(np.median(every)) if every else math.nan
    return float(np.median(values))


def _surface(values: FloatArray, middle: float, sensor: DepthSensor) -> tuple[float, float, int] | None:
    """Depth, scatter and number of pixels of the nearest surface in a patch of sorted depths that can be the person."""
    if len(values) < _FEWEST:
        return None
    layer = _LAYER + 3.0 * float(sensor.std(np.array(values[0])))
    # breaks between neighbours in the sorted depths part the surfaces
    breaks = np.nonzero(np.diff(values) > layer)[0] + 1
    for part in np.split(values, breaks):
        if len(part) < max(_FEWEST, _SHARE * len(values)):
            continue
        depth = float(np.median(part))
        if math.isfinite(middle) and abs(depth - middle) > _REACH:
            continue
        scatter = 1.4826 * float(np.median(np.abs(part - depth)))
        return depth, scatter, len(part)
    return None


class DepthHistory:
    """The newest depth images, asked for by the stamp of a colour image.

    Args:
        size: images that are kept, 1 or more.
        nearest_s: an image farther away in time is not used, s.
    """

    def __init__(self, size: int = 6, nearest_s: float = 0.02) -> None:
        self._images: deque[DepthImage] = deque(maxlen=size)
        self.nearest_s = nearest_s

    def put(self, image: DepthImage) -> None:
        """Takes a new image; one with the same stamp is replaced."""
        known = [other for other in self._images if other.stamp_ns != image.stamp_ns]
        # a new one instead of a changed one: another thread may be reading
        self._images = deque([*known, image], maxlen=self._images.maxlen)

    def at(self, stamp_ns: int) -> DepthImage | None:
        """The image nearest to a time; None if all are too far away."""
        best = min(self._images, key=lambda image: abs(image.stamp_ns - stamp_ns), default=None)
        if best is None or abs(best.stamp_ns - stamp_ns) > self.nearest_s * 1e9:
            return None
        return best
