"""Joint angles of the CMU motion capture library (AMC): positions by forward kinematics.

The skeleton is that of the ASF file beside it (``13.asf`` for ``13_29.amc``) where there is one, else the library's usual
one with segment lengths of an average adult. http://mocap.cs.cmu.edu; the format: J. Lander 1998, "Working with motion
capture file formats".
"""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import STATURE_MEAN, SegmentLengths
from kinecue.recordings.errors import RecordingError
from kinecue.recordings.times import evenly
from kinecue.recordings.track import RawTrack, ReadOptions

FloatArray = NDArray[np.float64]

RATE = 120.0
"""Frames per second of the library; the files do not say."""
_INCHES = 0.0254
_LENGTH_UNIT = 0.45
"""``:units length`` of the library: a length of 0.45 is an inch."""


@dataclass(frozen=True)
class Bone:
    """A bone of an ASF skeleton.

    Attributes:
        parent: name of the bone before it, ``root`` at the first.
        vector: (3,) from its beginning to its end where all angles are 0, m.
        axis: (3,) rad, rotation of its own axes, about x, then y, then z.
        dof: which of ``rx ry rz`` the AMC gives, in its order.
    """

    parent: str
    vector: FloatArray
    axis: FloatArray
    dof: tuple[str, ...]


_POINTS = {
    "lfemur": ("left_hip", "left_knee"),
    "ltibia": (None, "left_ankle"),
    "lfoot": (None, "left_toe"),
    "rfemur": ("right_hip", "right_knee"),
    "rtibia": (None, "right_ankle"),
    "rfoot": (None, "right_toe"),
    "lhumerus": ("left_shoulder", "left_elbow"),
    "lradius": (None, "left_wrist"),
    "rhumerus": ("right_shoulder", "right_elbow"),
    "rradius": (None, "right_wrist"),
    "head": (None, "head"),
}
"""Names of where a bone begins and ends."""


def read_amc(path: Path, options: ReadOptions) -> RawTrack:
    """An AMC file, also gzipped.

    Raises:
        RecordingError: it cannot be read, or names bones that the skeleton does not have.
    """
    frames = _frames(path)
    asf = _asf_beside(path)
    bones = usual_skeleton() if asf is None else read_asf(asf)
    courses, root = _courses(path, frames, bones)
    points = _positions(bones, courses, root)
    rate = options.rate if options.rate > 0 else RATE
    notes = [] if asf else ["no ASF file beside it: segment lengths of an average adult"]
    if not options.rate > 0:
        notes.append(f"{RATE:g} frames per second, as the CMU library has; the file does not say")
    names = tuple(points)
    return RawTrack(
        path,
        evenly(len(root), rate),
        names,
        np.stack([points[name] for name in names], 1),
        units="m",
        up="y",
        kind="room",
        notes=tuple(notes),
    )


def usual_skeleton(stature: float = STATURE_MEAN) -> dict[str, Bone]:
    """The library's usual skeleton, legs spread and arms aside where all angles are 0, with lengths of an average adult."""
    lengths = SegmentLengths.from_stature(stature)
    back, neck = lengths.trunk / 3.0, 0.05 * stature
    three = ("rx", "ry", "rz")
    bones: dict[str, Bone] = {}

    def bone(
        name: str, parent: str, vector: list[float], axis: tuple[float, float, float], dof: tuple[str, ...]
    ) -> None:
        bones[name] = Bone(parent, np.array(vector), np.radians(np.array(axis, float)), dof)

    for name, parent in (("lowerback", "root"), ("upperback", "lowerback"), ("thorax", "upperback")):
        bone(name, parent, [0.0, back, 0.0], (0, 0, 0), three)
    for name, parent in (("lowerneck", "thorax"), ("upperneck", "lowerneck"), ("head", "upperneck")):
        bone(name, parent, [0.0, neck, 0.0], (0, 0, 0), three)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        half, spread = 0.5 * lengths.pelvis * sign, math.radians(20.0)
        down = np.array([sign * math.sin(spread), -math.cos(spread), 0.0])
        # the pelvis' root is over the line of the hips by about a hip's drop of the library's skeletons
        bone(f"{side}hipjoint", "root", [half, -0.6 * lengths.pelvis, 0.0], (0, 0, 0), ())
        bone(f"{side}femur", f"{side}hipjoint", list(lengths.thigh * down), (0, 0, 20 * sign), three)
        bone(f"{side}tibia", f"{side}femur", list(lengths.shank * down), (0, 0, 20 * sign), ("rx",))
        foot = 0.11 * stature * np.array([0.08 * sign, -0.22, 0.972])
        bone(f"{side}foot", f"{side}tibia", list(foot), (-90, 0, 20 * sign), ("rx", "rz"))
        bone(f"{side}toes", f"{side}foot", [0.0, 0.0, 0.03 * stature], (-90, 0, 20 * sign), ("rx",))
        # clavicles begin at the neck's base and end at the shoulders, a little lower than the thorax does
        bone(f"{side}clavicle", "thorax", [0.5 * lengths.shoulders * sign, 0.0, 0.0], (0, 0, 0), ("ry", "rz"))
        arm = (180.0, 30.0 * -sign, 90.0 * -sign)
        bone(f"{side}humerus", f"{side}clavicle", [lengths.upper_arm * sign, 0.0, 0.0], arm, three)
        bone(f"{side}radius", f"{side}humerus", [lengths.forearm * sign, 0.0, 0.0], arm, ("rx",))
    return bones


def read_asf(path: Path) -> dict[str, Bone]:
    """The bones of an ASF file.

    Raises:
        RecordingError: a bone's numbers are missing or are none.
    """
    text = _text(path)
    scale, degrees, block = _INCHES / _LENGTH_UNIT, True, ""
    bones: dict[str, Bone] = {}
    parents: dict[str, str] = {}
    entry: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(":"):
            block = words[0]
        elif block == ":units" and words[0] == "length":
            scale = _INCHES / _number(path, number, words[-1])
        elif block == ":units" and words[0] == "angle":
            degrees = words[-1].startswith("deg")
        elif block == ":bonedata" and words[0] == "end":
            try:
                vector = (
                    np.array([float(v) for v in entry["direction"][:3]]) * float(entry["length"][0]) * scale
                )
                axis = np.array([float(v) for v in entry["axis"][:3]])
                bones[entry["name"][0]] = Bone(
                    "root", vector, np.radians(axis) if degrees else axis, tuple(entry.get("dof", ()))
                )
            except (KeyError, IndexError, ValueError) as error:
                raise RecordingError(
                    path, f"line {number}", f"the bone before is not whole: {error}"
                ) from error
            entry = {}
        elif block == ":bonedata":
            entry[words[0]] = words[1:]
        elif block == ":hierarchy" and words[0] not in ("begin", "end"):
            parents.update(dict.fromkeys(words[1:], words[0]))
    if not bones:
        raise RecordingError(path, ":bonedata", "holds no bones")
    ordered: dict[str, Bone] = {}
    waiting = [child for child in parents if child in bones]
    while waiting:
        ready = [name for name in waiting if parents[name] == "root" or parents[name] in ordered]
        if not ready:
            raise RecordingError(path, ":hierarchy", f"does not lead from root to {', '.join(waiting)}")
        for name in ready:
            bone = bones[name]
            ordered[name] = Bone(parents[name], bone.vector, bone.axis, bone.dof)
        waiting = [name for name in waiting if name not in ordered]
    return ordered


def _asf_beside(path: Path) -> Path | None:
    stem = path.name.split(".")[0]
    for name in (f"{stem}.asf", f"{stem.split('_')[0]}.asf"):
        if (path.parent / name).is_file():
            return path.parent / name
    return None


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("ascii")
    except OSError as error:
        raise RecordingError(path, "", f"cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RecordingError(path, "", f"is not a text file: {error}") from error


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RecordingError(path, f"line {line}", f"is {text!r}, expected a number")
    return value


def _frames(path: Path) -> list[dict[str, list[float]]]:
    frames: list[dict[str, list[float]]] = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        words = line.split()
        if not words or words[0][0] in "#:":
            continue
        if len(words) == 1 and words[0].isdigit():
            frames.append({})
        elif not frames:
            raise RecordingError(path, f"line {number}", "comes before the first frame's number")
        else:
            frames[-1][words[0]] = [_number(path, number, word) for word in words[1:]]
    if not frames:
        raise RecordingError(path, "", "holds no frames")
    return frames


def _courses(
    path: Path, frames: list[dict[str, list[float]]], bones: dict[str, Bone]
) -> tuple[dict[str, FloatArray], FloatArray]:
    """(T, 3) angles of each bone about x, y and z, rad, and (T, 6) position (m) and angles (rad) of the root."""
    courses: dict[str, FloatArray] = {}
    try:
        root = np.array([frame["root"] for frame in frames])
        for name, bone in bones.items():
            angles = np.zeros((len(frames), 3))
            if bone.dof and name in frames[0]:
                values = np.array([frame[name] for frame in frames])
                for k, dof in enumerate(bone.dof):
                    if dof in ("rx", "ry", "rz"):
                        angles[:, "xyz".index(dof[1])] = np.radians(values[:, k])
            courses[name] = angles
    except (KeyError, ValueError, IndexError) as error:
        raise RecordingError(path, "frames", f"do not all have the same numbers: {error}") from error
    if root.ndim != 2 or root.shape[1] != 6:
        raise RecordingError(path, "root", "needs six numbers: tx ty tz rx ry rz")
    root[:, :3] *= _INCHES / _LENGTH_UNIT
    root[:, 3:] = np.radians(root[:, 3:])
    return courses, root


def _rotation(angles: FloatArray) -> FloatArray:
    """(..., 3, 3) about x, then y, then z, of (..., 3) rad."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles).T, np.sin(angles).T
    rows = [
        [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
        [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
        [-sy, sx * cy, cx * cy],
    ]
    result: FloatArray = np.moveaxis(np.array(rows), (0, 1), (-2, -1))
    return result


def _positions(
    bones: dict[str, Bone], courses: dict[str, FloatArray], root: FloatArray
) -> dict[str, FloatArray]:
    """(T, 3) of each named point, m."""
    turns = {"root": _rotation(root[:, 3:])}
    ends = {"root": root[:, :3]}
    points: dict[str, FloatArray] = {}
    for name, bone in bones.items():
        own = _rotation(bone.axis)
        turns[name] = turns[bone.parent] @ (own @ _rotation(courses[name]) @ own.T)
        ends[name] = ends[bone.parent] + turns[name] @ bone.vector
        begin, end = _POINTS.get(name, (None, None))
        if begin is not None:
            points[begin] = ends[bone.parent]
        if end is not None:
            points[end] = ends[name]
    return points
