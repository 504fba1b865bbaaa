"""What the points of a file mean: pixels or metres, of which person's which joint."""

from __future__ import annotations

import math
import warnings

import numpy as np

from kinecue.body.body import FloatArray
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.recordings.errors import RecordingError
from kinecue.recordings.markers import MARKER_STD, is_markers, joint_centres
from kinecue.recordings.names import joints_of
from kinecue.recordings.space import leg_length, place, unit_of
from kinecue.recordings.track import METRES, ImageTrack, RawTrack, ReadOptions, SpaceTrack

_STD = {"camera": 0.03, "sensor": 0.025, "room": 0.012, "unknown": 0.02}
"""Of a joint in space, m: MediaPipe's world landmarks 3 cm across (GHUM Holistic 2021), Kinect 2 to 3 cm (Wang et al. 2015),
optical joint centres about 1 cm."""
_FORMATS = {(16, 9): 0.0, (9, 16): 0.0, (4, 3): 0.01, (3, 4): 0.01}
"""Usual pictures, and how much better than the others the less usual ones have to fit."""
_PROPORTIONS = (0.288, 0.245, 0.246)
"""Trunk, thigh and shank over stature (Winter)."""
_NEEDED = (L.LEFT_HIP, L.RIGHT_HIP, L.LEFT_SHOULDER, L.RIGHT_SHOULDER)
_IMAGE_RANGE = (-1.0, 2.0)
_GUESSED_HEIGHT = 720
_MEASURED_SPREAD = 0.03
"""Bones whose length varies by less than this share are as good as measured: skin moves by 1 to 2 cm on a thigh."""


def interpret(raw: RawTrack, options: ReadOptions) -> ImageTrack | SpaceTrack:
    """What a person did, in pictures or in space.

    Raises:
        RecordingError: there is no body in it, or units that nobody can tell.
    """
    if not len(raw.stamps_ns):
        raise RecordingError(raw.path, "", "holds no frames")
    if (np.diff(raw.stamps_ns) <= 0).any():
        raise RecordingError(raw.path, "time", "must rise from frame to frame")
    points, visibility = _on_blazepose(raw)
    with warnings.catch_warnings():
        # columns that are NaN throughout are points that the file does not have
        warnings.simplefilter("ignore", RuntimeWarning)
        units: str = options.units if options.units != "auto" else raw.units
        if units == "auto":
            units = _units(raw, points)
        if units in ("px", "normalized"):
            return _in_pictures(raw, options, points, visibility, units)
        return _in_space(raw, options, points, units)


def _on_blazepose(raw: RawTrack) -> tuple[FloatArray, FloatArray]:
    t, _, axes = raw.points.shape
    points = np.full((t, len(BLAZEPOSE_33), axes), np.nan)
    visibility = np.zeros((t, len(BLAZEPOSE_33)))
    if axes == 3 and is_markers(raw.names):
        scale = METRES.get(raw.units, 1.0)
        # regressions on bones need metres
        centres = joint_centres(raw.names, raw.points * scale)
        for mark, course in centres.items():
            points[:, BLAZEPOSE_33.index(mark)] = course / scale
        found = list(centres)
    else:
        places = joints_of(raw.names)
        for mark, i in places.items():
            if mark not in BLAZEPOSE_33:
                continue
            row = BLAZEPOSE_33.index(mark)
            points[:, row] = raw.points[:, i]
            seen = np.isfinite(raw.points[:, i, :2]).all(-1)
            visibility[:, row] = seen if raw.visibility is None else np.where(seen, raw.visibility[:, i], 0.0)
        found = [mark for mark in places if mark in BLAZEPOSE_33]
    missing = [mark.value for mark in _NEEDED if mark not in found]
    if missing:
        raise RecordingError(
            raw.path,
            "names of points",
            f"no {', '.join(missing)} among {', '.join(raw.names[:40])}; needed are both hips and shoulders, "
            "named as MediaPipe, COCO, OpenPose, Kinect, BVH or plug-in gait do",
        )
    # a point with one missing coordinate is a missing point
    points[np.isnan(points[..., :2]).any(-1)] = np.nan
    return points, np.nan_to_num(visibility)


def _units(raw: RawTrack, points: FloatArray) -> str:
    flat = points[..., :2]
    low, high = np.nanpercentile(flat, 1), np.nanpercentile(flat, 99)
    small = _IMAGE_RANGE[0] <= low and high <= _IMAGE_RANGE[1]
    spatial = points.shape[2] == 3
    if spatial and raw.visibility is None and (unit := unit_of(points)) and _rigid(points):
        return unit
    if spatial and small and _about_hips(points):
        return "m"
    if small and low >= -0.5 and high - low < 2.0 and (not spatial or unit_of(points) != "m"):
        return "normalized"
    if small and raw.visibility is not None:
        return "normalized"
    if high > 3.0 and (not spatial or raw.visibility is not None):
        return "px"
    if spatial and (unit := unit_of(points)):
        return unit
    raise RecordingError(
        raw.path,
        "units",
        f"cannot be told (values from {low:.3g} to {high:.3g}); give --units, allowed: px, normalized, m, cm, mm",
    )


def _rigid(points: FloatArray, share: float = 0.15) -> bool:
    """Thighs keep their length but for `share` of it: positions in space rather than depth guesses in pixels."""
    a, b = (points[:, BLAZEPOSE_33.index(mark)] for mark in (L.LEFT_HIP, L.LEFT_KNEE))
    length = np.linalg.norm(a - b, axis=-1)
    length = length[np.isfinite(length)]
    return bool(len(length)) and float(length.std()) < share * float(length.mean())


def _about_hips(points: FloatArray) -> bool:
    rows = BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)
    middle = np.linalg.norm(points[:, rows].mean(1), axis=-1)
    return bool(np.nanpercentile(middle, 95) < 0.03)


def _in_space(raw: RawTrack, options: ReadOptions, points: FloatArray, units: str) -> SpaceTrack:
    if points.shape[2] != 3:
        raise RecordingError(raw.path, "units", f"are {units}, but points have two coordinates")
    metres = points * METRES[units]
    kind = raw.kind
    centred = _about_hips(metres)
    if kind == "unknown" and centred:
        kind = "camera"
    up = options.up if options.up != "auto" else raw.up
    placed = place(metres, up, kind)
    std = np.full(len(BLAZEPOSE_33), MARKER_STD if is_markers(raw.names) else _STD[kind])
    leg = leg_length(metres)
    notes = list(raw.notes)
    if not 0.5 <= leg <= 1.2:
        notes.append(f"legs are {leg:.2f} m long: check --units ({units} assumed)")
    return SpaceTrack(
        raw.path,
        raw.stamps_ns,
        BLAZEPOSE_33,
        placed.positions,
        std,
        all_round=kind != "camera",
        rigid=_rigid(metres, _MEASURED_SPREAD),
        notes=(*notes, *placed.notes),
    )


def _in_pictures(
    raw: RawTrack, options: ReadOptions, points: FloatArray, visibility: FloatArray, units: str
) -> ImageTrack:
    size = options.image_size or raw.image_size
    notes = list(raw.notes)
    depth = points[..., 2] if points.shape[2] == 3 else np.full(points.shape[:2], np.nan)
    if units == "normalized":
        if size is None:
            size = _likely_size(points)
            notes.append(
                f"the file does not say how large the pictures are: {size[0]}x{size[1]} fits the body best; "
                "give --image-size"
            )
        pixels = points[..., :2] * size
        depth = depth * size[0]
    else:
        pixels = points[..., :2]
        if size is None:
            size = (max(int(np.nanmax(pixels[..., 0])) + 1, 2), max(int(np.nanmax(pixels[..., 1])) + 1, 2))
            notes.append(
                f"the file does not say how large the pictures are: {size[0]}x{size[1]} holds all points; "
                "give --image-size"
            )
    world = np.full((*pixels.shape[:2], 3), np.nan)
    if raw.world is not None:
        places = joints_of(raw.names)
        for mark, i in places.items():
            if mark in BLAZEPOSE_33:
                world[:, BLAZEPOSE_33.index(mark)] = raw.world[:, i]
    elif np.isfinite(depth).any():
        world = _world_of(pixels, depth)
    return ImageTrack(
        raw.path, raw.stamps_ns, BLAZEPOSE_33, pixels, depth, visibility, world, size, tuple(notes)
    )


def _world_of(pixels: FloatArray, depth: FloatArray) -> FloatArray:
    """(T, 33, 3) m about the hips: pixels and depth by one scale, so that the legs have a usual length."""
    whole = np.concatenate([pixels, depth[..., None]], -1)
    rows = BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)
    whole = whole - whole[:, rows].mean(1, keepdims=True)
    leg = leg_length(whole)
    if not (math.isfinite(leg) and leg > 0.0):
        trunk = np.linalg.norm(
            whole[:, BLAZEPOSE_33.indices(L.LEFT_SHOULDER, L.RIGHT_SHOULDER)].mean(1), axis=-1
        )
        leg = float(np.nanmedian(trunk)) * sum(_PROPORTIONS[1:]) / _PROPORTIONS[0]
    scale = sum(_PROPORTIONS[1:]) * 1.72 / leg if math.isfinite(leg) and leg > 0.0 else math.nan
    result: FloatArray = whole * scale
    return result


def _likely_size(points: FloatArray) -> tuple[int, int]:
    """The usual picture format in which trunk, thigh and shank have human proportions and keep their lengths."""
    best, least = (16, 9), math.inf
    for (wide, high), handicap in _FORMATS.items():
        # in the plane of the picture alone: a network's depth follows its own idea of a body
        cost = _strangeness(points[..., :2] * [wide, high]) + handicap
        if cost < least - 1e-6:
            best, least = (wide, high), cost
    unit = _GUESSED_HEIGHT / min(best)
    return round(best[0] * unit), round(best[1] * unit)


def _strangeness(points: FloatArray) -> float:
    """How far trunk, thigh and shank are from human proportions and from keeping their lengths; log units."""
    lengths = []
    for parts in (("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle")):
        per_side = [
            np.linalg.norm(
                points[:, BLAZEPOSE_33.index(L(f"{side}_{parts[0]}"))]
                - points[:, BLAZEPOSE_33.index(L(f"{side}_{parts[1]}"))],
                axis=-1,
            )
            for side in ("left", "right")
        ]
        lengths.append(np.nanmax(per_side, 0))
    relative = np.log(np.array(lengths)) - np.log(_PROPORTIONS)[:, None]
    relative -= np.nanmean(relative, 0)
    # foreshortening only ever makes bones shorter: the longest tell
    return float(
        np.nansum(np.nanpercentile(relative, 90, axis=1) ** 2) + np.nanmean(np.nanstd(relative, 1) ** 2)
    )
