"""What is known of a body before it is seen, as data: contacts, habits and limits of a family of exercises.

A posture file (``config/postures/*.yaml``) lists lines that all have the same form: a sum of segment directions or
points, along an axis, is about a value. `docs/perception.md` explains the fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.landmarks import Landmark as L
from kinecue.body.paths import share_dir
from kinecue.perception.skeleton import (
    CENTRE_OF_MASS,
    JOINT_INDEX,
    NJ,
    NS,
    NY,
    SEGMENT_INDEX,
    SEGMENTS,
    SIDES,
)

FloatArray = NDArray[np.float64]

FORMAT = 1
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same in C where PyYAML was built with it: ten times as fast."""
FREE = "free"
"""The posture of which nothing is known."""
_UP = np.array([0.0, 0.0, 1.0])
_VIRTUAL = ("centre_of_mass", "ankles", "hips", "shoulders", "wrists")
_POINTS = (*(joint.value for joint in JOINT_INDEX), *_VIRTUAL)
_GIRDLES = tuple(f"{side}_girdle" for side in SIDES)
_AXES = ("up", "left", "forward", "body_up", "body_left", "body_forward")
_FRONTS = tuple(
    f"{axis}_of_{name}"
    for axis in ("front", "line")
    for name in SEGMENTS
    if name not in ("pelvis", "shoulders")
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PriorLine(_Strict):
    """``sum of terms`` along an axis is about ``value`` +- ``std``; with ``limit`` only below or above counts.

    Attributes:
        segments: factor by segment (or ``left_girdle``: m); ``{side}`` and ``{other}`` in a
            name make one line for each side.
        points: factor by point, m.
        along: an axis: ``up``; ``left`` and ``forward`` of where the person looks, level; ``body_left``, ``body_up`` and
            ``body_forward`` of the trunk; ``front_of_`` a segment, across it and to where the person's front is;
            ``line_of_`` a segment, along it.
        value: target; dimensionless for segments, m for points.
        std: standard deviation.
        limit: ``below``: the target is a least value; ``above``: a greatest; None: it counts both ways.
    """

    segments: dict[str, float] = Field(default_factory=dict)
    points: dict[str, float] = Field(default_factory=dict)
    along: str
    value: float = 0.0
    std: Annotated[float, Field(gt=0.0)]
    limit: Literal["below", "above"] | None = None

    @model_validator(mode="after")
    def _known(self) -> PriorLine:
        if bool(self.segments) == bool(self.points):
            raise ValueError("needs either segments or points")
        for line in self.sides():
            for name in line.segments:
                if name not in SEGMENTS and name not in _GIRDLES:
                    raise ValueError(
                        f"segment {name!r}, allowed: {', '.join((*SEGMENTS, *_GIRDLES))}, with {{side}} for both"
                    )
            for name in line.points:
                if name not in _POINTS:
                    raise ValueError(f"point {name!r}, allowed: {', '.join(_POINTS)}, with {{side}} for both")
            if line.along not in _AXES and line.along not in _FRONTS:
                raise ValueError(f"along {line.along!r}, allowed: {', '.join((*_AXES, *_FRONTS))}")
        return self

    @property
    def absolute(self) -> bool:
        """It speaks of a height over the floor, which has to be known."""
        return self.along == "up" and abs(sum(self.points.values())) > 1e-6

    def sides(self) -> tuple[PriorLine, ...]:
        """The line itself, or one for each side."""
        text = " ".join((*self.segments, *self.points, self.along))
        if "{" not in text:
            return (self,)
        result = []
        for side, other in (SIDES, SIDES[::-1]):

            def named(name: str, side: str = side, other: str = other) -> str:
                return name.replace("{side}", side).replace("{other}", other)

            result.append(
                PriorLine.model_construct(
                    segments={named(k): v for k, v in self.segments.items()},
                    points={named(k): v for k, v in self.points.items()},
                    along=named(self.along),
                    value=self.value,
                    std=self.std,
                    limit=self.limit,
                )
            )
        return tuple(result)


class ContactLine(_Strict):
    """A point that rests on something that does not move, while it rests.

    Attributes:
        point: with ``{side}`` for both.
        rests_on: ``floor``: at `height` over it; ``fixed``: wherever it comes to rest.
        height: of the point over the floor, m; of an ankle or toe None: that of a flat foot.
        std: how firmly it is held, m.
        leave_s: how long it has to be seen elsewhere before it counts as having moved, s.
    """

    point: str
    rests_on: Literal["floor", "fixed"]
    height: float | None = None
    std: Annotated[float, Field(gt=0.0)] = 0.012
    leave_s: Annotated[float, Field(gt=0.0)] = 0.1

    @model_validator(mode="after")
    def _known(self) -> ContactLine:
        for name in self.names:
            if name not in _POINTS or (name in _VIRTUAL and name != "hips"):
                raise ValueError(f"point {name!r}, allowed: {', '.join(JOINT_INDEX)} or hips")
            if (
                self.rests_on == "floor"
                and self.height is None
                and not name.endswith(("ankle", "foot_index"))
            ):
                raise ValueError(f"height of {name} over the floor is missing")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Without ``{side}``."""
        if "{side}" not in self.point:
            return (self.point,)
        return tuple(self.point.replace("{side}", side) for side in SIDES)


class _File(_Strict):
    format: Literal[1]
    name: str
    description: str
    exercises: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    upright: bool = False
    doubt: Annotated[float, Field(ge=0.3, le=10.0)] = 1.0
    contacts: tuple[ContactLine, ...] = ()
    priors: tuple[PriorLine, ...] = ()


_FIELDS = {
    "contacts": ", ".join(ContactLine.model_fields),
    "priors": ", ".join(PriorLine.model_fields),
    "": ", ".join(_File.model_fields),
}


@dataclass(frozen=True)
class Posture:
    """A family of exercises, as far as the fit of the body is concerned.

    Attributes:
        name: of the file.
        exercises: whose names it answers to.
        upright: the person stands: facing and contacts can be taken from standing still.
        doubt: factor on all standard deviations, so that intervals hold what they say in these exercises too (measured on
            the tuning takes); not taken over from included postures.
        contacts: by point, those of included postures first.
        priors: lines without ``{side}``.
    """

    name: str
    exercises: tuple[str, ...]
    upright: bool
    doubt: float
    contacts: dict[str, ContactLine]
    priors: tuple[PriorLine, ...]


def read_posture(path: Path, included_by: tuple[str, ...] = ()) -> Posture:
    """Reads a posture file and what it includes from the same folder.

    Raises:
        ConfigError: names file, field and what is allowed.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"is not a YAML file: {error}") from error
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        said = first["msg"]
        if first["type"] == "extra_forbidden":
            said = f"is not known; allowed: {_FIELDS.get(str(first['loc'][0]), _FIELDS[''])}"
        raise ConfigError(path, ".".join(map(str, first["loc"])), said) from error
    contacts: dict[str, ContactLine] = {}
    priors: list[PriorLine] = []
    for name in file.include:
        if name in (file.name, *included_by):
            raise ConfigError(path, "include", f"{name} includes itself")
        part = path.with_name(f"{name}.yaml")
        if not part.is_file():
            there = sorted(p.stem for p in path.parent.glob("*.yaml"))
            raise ConfigError(path, "include", f"there is no {name}, allowed: {', '.join(there)}")
        other = read_posture(part, (*included_by, file.name))
        contacts |= other.contacts
        priors += other.priors
    contacts |= {name: line for line in file.contacts for name in line.names}
    priors += [line for both in file.priors for line in both.sides()]
    return Posture(file.name, file.exercises, file.upright, file.doubt, contacts, tuple(priors))


@lru_cache(maxsize=4)
def postures(folder: Path | None = None) -> dict[str, Posture]:
    """All postures of a folder (``config/postures`` of the package if None) by name.

    Raises:
        ConfigError: a file is wrong.
    """
    folder = folder or share_dir() / "config" / "postures"
    found = [read_posture(path) for path in sorted(folder.glob("*.yaml"))]
    return {posture.name: posture for posture in found}


def posture_for(name: str, folder: Path | None = None) -> Posture:
    """The posture of that name, or that of an exercise of that name; `FREE` for an exercise that none lists."""
    known = postures(folder)
    if name in known:
        return known[name]
    for posture in known.values():
        if name in posture.exercises:
            return posture
    if FREE not in known:
        raise KineCueError(f"config/postures has no {FREE}.yaml; there are: {', '.join(known) or 'none'}")
    return known[FREE]


@dataclass(frozen=True)
class Rows:
    """Residuals (a . y - b) / std of many lines at once, already divided by std.

    Attributes:
        a: (R, 48), b: (R,) that count both ways.
        a_limits: (L, 48), b_limits: (L,) that count while ``a . y < b``.
        metric: (R,) places rather than directions, so that wrong segment lengths change them.
        metric_limits: (L,).
    """

    a: FloatArray
    b: FloatArray
    a_limits: FloatArray
    b_limits: FloatArray
    metric: NDArray[np.bool_]
    metric_limits: NDArray[np.bool_]


class Axes:
    """The axes that lines speak of, of one predicted body."""

    def __init__(self, y: FloatArray, left: FloatArray) -> None:
        """`y` (48,) the body; `left` (3,) horizontal unit vector to the left of where the person looks."""
        self._u = y[3 : 3 + 3 * NS].reshape(NS, 3)
        self._left = left
        trunk, pelvis = self._u[SEGMENT_INDEX["trunk"]], self._u[SEGMENT_INDEX["pelvis"]]
        forward = _cross(pelvis, trunk)
        norm = float(np.sqrt(forward @ forward))
        self._forward = forward / norm if norm > 1e-3 else _cross(left, _UP)
        self._pelvis = pelvis

    def __call__(self, name: str) -> FloatArray:
        """(3,) unit vector of an axis."""
        if name == "up":
            return _UP
        if name == "left":
            return self._left
        if name == "forward":
            return _cross(self._left, _UP)
        if name == "body_up":
            up: FloatArray = self._u[SEGMENT_INDEX["trunk"]]
            return up
        if name == "body_left":
            pelvis: FloatArray = self._pelvis
            return pelvis
        if name == "body_forward":
            return self._forward
        along: FloatArray = self._u[SEGMENT_INDEX[name.split("_of_", 1)[1]]]
        if name.startswith("line_of_"):
            return along
        # trunk and pelvis point up and left, limbs down: front is left x up
        sign = 1.0 if name == "front_of_trunk" else -1.0
        front: FloatArray = sign * _cross(self._pelvis, along)
        norm = float(np.sqrt(front @ front))
        if norm < 1e-3:
            return self._forward
        front /= norm
        return front


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    ax, ay, az = a.tolist()
    bx, by, bz = b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def point_rows(joint_map: FloatArray, name: str) -> FloatArray:
    """(3, 48) from y to a point, virtual ones included."""
    if name == "centre_of_mass":
        centre: FloatArray = np.tensordot(CENTRE_OF_MASS, joint_map, 1)
        return centre
    if name in _VIRTUAL:
        both = [JOINT_INDEX[L(f"{side}_{name[:-1]}")] for side in SIDES]
        result: FloatArray = joint_map[both].mean(0)
        return result
    one: FloatArray = joint_map[JOINT_INDEX[L(name)]]
    return one


class CompiledPriors:
    """The lines of a posture as matrices; only what depends on the axes is filled in again each frame."""

    def __init__(self, posture: Posture, floor: bool = True) -> None:
        """`floor`: whether it is known where the floor is."""
        priors = [line for line in posture.priors if floor or not line.absolute]
        self._lines = [line for line in priors if line.limit is None]
        self._limits = [line for line in priors if line.limit is not None]
        self._axes = tuple(dict.fromkeys(line.along for line in priors))
        self._both = _Block(self._lines, self._axes)
        self._one = _Block(self._limits, self._axes)

    def rows(self, joint_map: FloatArray, axes: Axes) -> Rows:
        """The residuals for a body predicted to be as `axes` say, with (16, 3, 48) `joint_map`."""
        vectors = np.array([axes(name) for name in self._axes]).reshape(-1, 3)
        a, b = self._both.matrices(joint_map, vectors)
        a_limits, b_limits = self._one.matrices(joint_map, vectors)
        return Rows(a, b, a_limits, b_limits, self._both.metric, self._one.metric)


class _Block:
    def __init__(self, lines: list[PriorLine], axes: tuple[str, ...]) -> None:
        self._axis = np.array([axes.index(line.along) for line in lines], dtype=int)
        sign = np.array([-1.0 if line.limit == "above" else 1.0 for line in lines])
        self._gain = sign / np.array([line.std for line in lines]) if lines else sign
        self._target = np.array([line.value for line in lines]) * self._gain
        # factors of the blocks of y (segments, then girdles) and of the points
        self._blocks = np.zeros((len(lines), NS + 2))
        self._points = np.zeros((len(lines), NJ))
        self.metric = np.array([bool(line.points) for line in lines], dtype=bool)
        for i, line in enumerate(lines):
            for name, factor in line.segments.items():
                k = NS + _GIRDLES.index(name) if name in _GIRDLES else SEGMENT_INDEX[name]
                self._blocks[i, k] = factor
            for name, factor in line.points.items():
                self._points[i] += factor * _point_weights(name)

    def matrices(self, joint_map: FloatArray, vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
        n = len(self._axis)
        if n == 0:
            return np.zeros((0, NY)), np.zeros(0)
        axis = vectors[self._axis] * self._gain[:, None]
        a = np.zeros((n, NY))
        a[:, 3:] = (self._blocks[:, :, None] * axis[:, None, :]).reshape(n, -1)
        rows = np.flatnonzero(self.metric)
        if len(rows):
            along = np.tensordot(self._points[rows], joint_map, 1)
            a[rows] = (along * axis[rows][:, :, None]).sum(1)
        return a, self._target


def _point_weights(name: str) -> FloatArray:
    if name == "centre_of_mass":
        return CENTRE_OF_MASS
    weights = np.zeros(NJ)
    if name in _VIRTUAL:
        for side in SIDES:
            weights[JOINT_INDEX[L(f"{side}_{name[:-1]}")]] = 0.5
    else:
        weights[JOINT_INDEX[L(name)]] = 1.0
    return weights
