"""Walking: a gait on a path over the floor, from standing to standing, as a function of time.

Feet land on footprints along the path and stay there: heel strike, roll over the heel, flat, roll over the ball, toe
off. Numbers are those of adults at a natural cadence: D. A. Winter, Biomechanics and Motor Control of Human Gait
(1991), and J. Perry, Gait Analysis (1992).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.ndimage import minimum_filter1d

from kinecue.body.errors import KineCueError
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.movement.figure import SIDES, Figure, Rig
from kinecue.simulation.movement.set_plan import smooth
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.rotations import reach

FloatArray = NDArray[np.float64]
Print = tuple[float, float, float]

SPEEDS = (0.4, 2.0)
"""Allowed speeds, m/s."""
_WALK_RATIO = 0.40
"""Step length over step frequency of a leg of `_LEG` at all speeds, m s (Sekiya and Nagasaki 1998: 0.0064 m/(steps/min))."""
_LEG = 0.89
"""Thigh and shank of the people of that study, m."""
_SWING = 0.8
"""Duration of swing over that of a step: 40 % of the stride (Perry 1992)."""
_LOADING = 0.22
"""From heel strike to foot flat, of a step (12 % of the stride: loading response, Perry 1992)."""
_HEEL_OFF = 0.66
"""From heel strike to heel off, of a step (31 to 34 % of the stride, Perry 1992)."""
_STRIKE = math.radians(20.0)
"""Foot over the floor at heel strike (Winter 1991: 20 to 25 degrees)."""
_HEEL_ROLL = math.radians(-5.0)
"""Roll over the heel below which the heel counts as holding."""
_TOE_OFF = math.radians(58.0)
"""Foot against the floor at toe off (Winter 1991: 60 degrees)."""
_FULL_STEP = 0.70
"""Length of a step with the full roll of the foot, m; shorter ones roll less."""
_SWAY = 0.021
"""Side to side, of the pelvis, to each side, m (Perry 1992: 4 cm in all); of the stock body."""
_LIST, _TURN = math.radians(3.5), math.radians(4.5)
"""Of the pelvis, to each side: drop on the side of the swinging leg, and turn forward with it (Perry 1992: 4 each)."""
_ARM = math.radians(17.0)
"""Swing of the upper arm to each side at 1.3 m/s (Perry 1992: 24 degrees of extension to 8 of flexion)."""
_WIDTH, _STAND_WIDTH = 0.050, 0.085
"""Ankle from the path in walking (Winter 1991: strides 8 to 10 cm wide) and in standing, m; of the stock body."""
_TOE_OUT = math.radians(7.0)
_KNEE = math.radians(5.0)
"""Least flexion of a knee."""
_AHEAD = 0.025
"""Hips ahead of the ankles in standing, m; of the stock body: centre of mass over the middle of the foot."""
_TURN_RADIUS = 0.72
"""Path that a turn on the spot is worth, m/rad: a step of 55 degrees takes as long as one forward."""
_CLEARANCE = 0.035
"""Rise of the swinging foot, m; of the stock body."""
_FILLET = 0.7
"""Most of a path's leg that is given to the rounding of its corner, m."""
_GRID_S = 0.01


def stand_controls(athlete: Athlete) -> dict[str, float]:
    """Controls of standing at ease at the origin, facing x, but for pelvis and feet."""
    return {
        "spine_flexion": math.radians(2.0),
        "shoulder_flexion": math.radians(1.0),
        "shoulder_abduction": math.radians(9.0),
        "shoulder_rotation": math.radians(-6.0),
        "elbow_flexion": math.radians(16.0),
        "grip": 0.35,
    }


def standing(athlete: Athlete, x: float = 0.0, y: float = 0.0, heading: float = 0.0) -> Figure:
    """One moment of standing at ease with the feet hip-wide.

    Args:
        athlete: who.
        x, y: middle between the ankles, m.
        heading: where the athlete looks, rad about the vertical.
    """
    return Walk(athlete, [(x, y)], heading=heading).figure([0.0])


@dataclass(frozen=True)
class _Stance:
    """A foot on its print.

    Attributes:
        place: x, y, yaw of the ankle of a flat foot.
        land_s, lift_s: from when to when.
        strike, push: roll of the foot at landing and lifting, 0 flat to 1.
        step_s: duration of a step, in which the roll is counted.
    """

    place: Print
    land_s: float
    lift_s: float
    strike: float
    push: float
    step_s: float


class _Route:
    """A path as a function of the way along it; turns on the spot at its ends count as way."""

    def __init__(
        self, path: Sequence[tuple[float, float]], heading: float | None, end_heading: float | None
    ) -> None:
        points = _rounded(np.array(path, dtype=np.float64).reshape(-1, 2))
        legs = np.diff(points, axis=0)
        directions = (
            np.unwrap(np.arctan2(legs[:, 1], legs[:, 0])) if len(legs) else np.array([heading or 0.0])
        )
        middle = np.concatenate([directions[:1], (directions[1:] + directions[:-1]) / 2.0, directions[-1:]])
        way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(legs, axis=1))])
        angle = middle[: len(points)]
        before = 0.0 if heading is None else _half_turn(angle[0] - heading)
        after = 0.0 if end_heading is None else _half_turn(end_heading - angle[-1])
        if before:
            points, angle = np.vstack([points[:1], points]), np.concatenate([[angle[0] - before], angle])
            way = np.concatenate([[0.0], way + abs(before) * _TURN_RADIUS])
        if after:
            points, angle = np.vstack([points, points[-1:]]), np.concatenate([angle, [angle[-1] + after]])
            way = np.concatenate([way, way[-1:] + abs(after) * _TURN_RADIUS])
        self._way, self._points, self._angle = way, points, angle
        self.length = float(way[-1])

    def at(self, way: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(N,) x, y and heading."""
        x, y = (np.interp(way, self._way, self._points[:, i]) for i in (0, 1))
        return x, y, np.interp(way, self._way, self._angle)


def _half_turn(angle: float) -> float:
    """The same direction by the shorter turn."""
    turn = (angle + math.pi) % (2.0 * math.pi) - math.pi
    return 0.0 if abs(turn) < 1e-6 else turn


def _rounded(points: FloatArray) -> FloatArray:
    """The path with its corners as parabolas."""
    if len(points) < 3:
        return points
    legs = np.linalg.norm(np.diff(points, axis=0), axis=1)
    parts = [points[:1]]
    share = np.linspace(0.0, 1.0, 24)[:, None]
    for i in range(1, len(points) - 1):
        # half a leg belongs to the corner at each of its ends
        before = min(_FILLET, 0.5 * legs[i - 1]) / legs[i - 1]
        after = min(_FILLET, 0.5 * legs[i]) / legs[i]
        a = points[i] + before * (points[i - 1] - points[i])
        b = points[i] + after * (points[i + 1] - points[i])
        parts.append((1 - share) ** 2 * a + 2 * share * (1 - share) * points[i] + share**2 * b)
    parts.append(points[-1:])
    joined = np.vstack(parts)
    keep = np.concatenate([[True], np.linalg.norm(np.diff(joined, axis=0), axis=1) > 1e-6])
    result: FloatArray = joined[keep]
    return result


class Walk:
    """Walking along a path once, beginning and ending with standing."""

    def __init__(
        self,
        athlete: Athlete,
        path: Sequence[tuple[float, float]],
        speed: float = 1.3,
        start_s: float = 0.0,
        heading: float | None = None,
        end_heading: float | None = None,
        first: str = "l",
    ) -> None:
        """Plan the steps.

        Args:
            athlete: who walks.
            path: x and y of its points, m; corners are rounded. One point: standing there, or turning.
            speed: between the first and the last step, m/s.
            start_s: until then the athlete stands.
            heading: where the athlete looks before, rad about the vertical; None: along the path.
            end_heading: the same after; a turn on the spot is made in steps.
            first: side that steps first, ``l`` or ``r``.

        Raises:
            KineCueError: no point, a point twice, or a speed that is no walking.
        """
        if not len(path) or any(math.dist(a, b) < 1e-3 for a, b in itertools.pairwise(path)):
            raise KineCueError("walk: path must have at least one point and none twice in a row")
        if not SPEEDS[0] <= speed <= SPEEDS[1]:
            raise KineCueError(f"walk: speed must be {SPEEDS[0]:g} to {SPEEDS[1]:g} m/s, got {speed}")
        self.athlete, self.speed, self.start_s = athlete, speed, start_s
        self._skeleton = Skeleton(athlete)
        self._route = _Route(path, heading, end_heading)
        self._first = 1.0 if first == "l" else -1.0
        lengths = athlete.lengths
        self._leg = reach(lengths.thigh, lengths.shank, _KNEE)
        length = math.sqrt(_WALK_RATIO * (lengths.thigh + lengths.shank) / _LEG * speed)
        # short ways are one step and the closing one
        count = max(1, round(self._route.length / length)) if self._route.length > 1e-6 else 0
        self.step_length = self._route.length / count if count else 0.0
        self.step_s = max(self.step_length, 0.35 * length) / speed
        self._land_s = [start_s]
        for k in range(1, count + 2 if count else 1):
            # the first and the closing step are slower (gait initiation takes two steps: Breniere and Do 1986)
            extra = 0.45 * self.step_s + 0.15 if k == 1 else 0.25 * self.step_s if k == count + 1 else 0.0
            self._land_s.append(self._land_s[-1] + self.step_s + extra)
        self.end_s = self._land_s[-1] + (0.4 if count else 0.0)
        self._count = count
        self._stances = {"l": self._prints("l", 1.0), "r": self._prints("r", -1.0)}
        self._courses()
        self._height = self._heights()

    @property
    def duration_s(self) -> float:
        """From the start to standing at the end, s."""
        return self.end_s - self.start_s

    def _prints(self, side: str, sign: float) -> list[_Stance]:
        n, length, scale = self._count, self.step_length, self.athlete.scale
        roll = min(length / _FULL_STEP, 1.0)
        # landings of this side: steps first, first + 2 ...; the closing step comes last
        own = [k for k in range(1, n + 2 if n else 1) if (k % 2 == 1) == (sign == self._first)]
        result: list[_Stance] = []
        way, landed, strike = 0.0, -math.inf, 0.0
        for k in [*own, None]:
            wide = _STAND_WIDTH if way in (0.0, n * length) else _WIDTH
            lift = math.inf if k is None else self._land_s[k] - _SWING * self.step_s
            target = n * length if k is None else min(k, n) * length
            # the first foot to go lifts from under the body
            push = roll * (0.5 if k == 1 else 1.0)
            result.append(
                _Stance(self._print(way, sign * wide * scale), landed, lift, strike, push, self.step_s)
            )
            if k is not None:
                way, landed, strike = target, self._land_s[k], roll * (0.3 if k == n + 1 else 1.0)
        return result

    def _print(self, way: float, left: float) -> Print:
        x, y, heading = (float(v[0]) for v in self._route.at(np.array([way])))
        toe = math.copysign(_TOE_OUT, left)
        return x - left * math.sin(heading), y + left * math.cos(heading), heading + toe

    def _courses(self) -> None:
        """Way of the pelvis, phase of the gait (pi per step) and how much gait there is, over time."""
        n, land = self._count, self._land_s
        if not n:
            return
        length = self.step_length
        times = [self.start_s - 1.0, self.start_s, *land[1:], self.end_s, self.end_s + 1.0]
        middle = [(k - 0.5) * length for k in range(1, n)]
        way = [0.0, 0.0, *middle, (n - 0.4) * length, (n - 0.04) * length, n * length, n * length]
        self._way = PchipInterpolator(times, way)
        phases = [0.0, 0.0, *(k * math.pi for k in range(1, n + 2)), (n + 1) * math.pi, (n + 1) * math.pi]
        self._phase = PchipInterpolator(times, phases)
        # the turn of the pelvis is full when the first foot lands and gone when the last one has
        self._gait_times = (self.start_s, land[1], land[n], self.end_s)

    def _gait(self, t: FloatArray) -> FloatArray:
        a, b, c, d = self._gait_times
        share: FloatArray = smooth((t - a) / (b - a)) * smooth((d - t) / (d - c))
        return share * min(self.step_length / _FULL_STEP, 1.0)

    def _foot(self, side: str, t: FloatArray) -> dict[str, FloatArray]:
        """Place of the flat foot, its yaw, its rise and its roll (positive about the ball), (N,) each."""
        stances = self._stances[side]
        x, y, turn = (np.full(len(t), v) for v in stances[0].place)
        rise, roll = np.zeros(len(t)), np.zeros(len(t))
        for i, stance in enumerate(stances):
            rows = np.where((t >= stance.land_s) & (t < stance.lift_s))[0]
            x[rows], y[rows], turn[rows] = stance.place
            since = (t[rows] - stance.land_s) / stance.step_s
            roll[rows] = -_STRIKE * stance.strike * (1.0 - smooth(since / _LOADING))
            if math.isfinite(stance.lift_s):
                # the heel leaves in the last part of the stance, the faster the later
                lasts = (2.0 - _SWING - _HEEL_OFF) * stance.step_s
                late = np.clip(1.0 - (stance.lift_s - t[rows]) / lasts, 0.0, 1.0)
                roll[rows] += _TOE_OFF * stance.push * late**2 * (1.7 - 0.7 * late)
            if i + 1 == len(stances):
                break
            to = stances[i + 1]
            rows = np.where((t >= stance.lift_s) & (t < to.land_s))[0]
            u = (t[rows] - stance.lift_s) / (to.land_s - stance.lift_s)
            # the foot starts and stops within a tenth of a second: the body under way does not wait for it
            moved = u * u * (3.0 - 2.0 * u)
            for value, a, b in zip((x, y, turn), stance.place, to.place, strict=True):
                value[rows] = a + (b - a) * moved
            push, strike = _TOE_OFF * stance.push, -_STRIKE * to.strike
            between = 0.15 * push + 0.2 * strike
            course = PchipInterpolator(
                [0.0, 0.10, 0.32, 0.58, 0.84, 1.0], [push, push, 0.66 * push, between, 0.9 * strike, strike]
            )
            roll[rows] = course(u)
            rise[rows] = (
                _CLEARANCE * self.athlete.scale * np.sin(np.pi * u**0.8) ** 2 * (0.6 + 0.4 * stance.push)
            )
        return {"x": x, "y": y, "yaw": turn, "rise": rise, "roll": roll}

    def controls(self, times_s: ArrayLike) -> dict[str, FloatArray]:
        """(N,) controls of `kinecue.simulation.movement.skeleton` by name."""
        t = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        given = self._without_height(t)
        given["pelvis_z"] = self._height(np.clip(t, self.start_s - 0.4, self.end_s + 0.4))
        return given

    def _without_height(self, t: FloatArray) -> dict[str, FloatArray]:
        n = len(t)
        result = {name: np.full(n, value) for name, value in stand_controls(self.athlete).items()}
        scale = self.athlete.scale
        ahead, aside, list_, turn, swing = (np.zeros(n) for _ in range(5))
        way = np.zeros(n)
        gait = np.zeros(n)
        if self._count:
            way = np.clip(self._way(t), 0.0, self._route.length)
            gait, phase = self._gait(t), self._phase(t)
            # stance is on the other side than the last foot to land before it
            stance = -self._first * np.sin(phase)
            shift = smooth((t - self.start_s) / 0.3) * smooth((self.end_s - t) / 0.3)
            # a first step from standing needs the weight over one foot
            aside = scale * stance * shift * (_SWAY + 0.03 * (1.0 - gait))
            list_ = _LIST * gait * stance
            turn = _TURN * self._first * gait * np.cos(phase)
            swing = _ARM * self._first * gait * np.cos(phase) * self.speed / 1.3
        x, y, heading = self._route.at(way)
        ahead = ahead + _AHEAD * scale
        result["pelvis_x"] = x + ahead * np.cos(heading) - aside * np.sin(heading)
        result["pelvis_y"] = y + ahead * np.sin(heading) + aside * np.cos(heading)
        result["pelvis_yaw"] = heading + turn
        result["pelvis_roll"] = list_
        result["pelvis_pitch"] = math.radians(2.0) * gait
        # the thorax turns the other way, and stays upright
        result["spine_axial"] = -1.9 * turn
        result["spine_lateral"] = 0.8 * list_
        result["neck_axial"] = 0.9 * turn
        for side, sign in SIDES:
            forward = sign * swing
            result[f"shoulder_flexion_{side}"] = result["shoulder_flexion"] + forward - 0.15 * _ARM * gait
            result[f"elbow_flexion_{side}"] = (
                result["elbow_flexion"] + gait * math.radians(8.0) + 0.6 * forward
            )
            foot = self._foot(side, t)
            result[f"foot_x_{side}"], result[f"foot_out_{side}"] = foot["x"], sign * foot["y"]
            result[f"foot_z_{side}"], result[f"heel_up_{side}"] = foot["rise"], foot["roll"]
            result[f"toe_out_{side}"] = sign * foot["yaw"]
        for name in ("shoulder_flexion", "elbow_flexion"):
            del result[name]
        return result

    def _heights(self) -> CubicSpline:
        """Height of the pelvis over time: as high as the legs let it, smoothly."""
        t = np.arange(self.start_s - 0.5, self.end_s + 0.5, _GRID_S)
        given = self._without_height(t)
        low = 0.5 * self._leg
        figure = self._skeleton.figure({**given, "pelvis_z": np.full(len(t), low)}, Rig())
        limit = np.full(len(t), np.inf)
        for side, _ in SIDES:
            hip, ankle = figure.points[f"hip_{side}"], figure.points[f"ankle_{side}"]
            across = (hip[:, 0] - ankle[:, 0]) ** 2 + (hip[:, 1] - ankle[:, 1]) ** 2
            height = np.sqrt(np.maximum(self._leg**2 - across, 0.2 * self._leg**2))
            limit = np.minimum(limit, ankle[:, 2] + height - (hip[:, 2] - low))
        stand = limit[0]
        if self._count:
            # knees of the stance give: 15 degrees after heel strike (Perry 1992) keep the body from vaulting
            level = stand - self._gait(t) * 0.022 * self.athlete.scale
            limit = np.minimum(limit, level)
        width = round(0.10 / _GRID_S) * 2 + 1
        lowest = minimum_filter1d(limit, width, mode="nearest")
        window = np.hanning(width + 2)[1:-1]
        padded = np.pad(lowest, width // 2, mode="edge")
        return CubicSpline(t, np.convolve(padded, window / window.sum(), "valid"))

    def figure(self, times_s: ArrayLike) -> Figure:
        """The body at (N,) times, in the frame of the path."""
        return self._skeleton.figure(self.controls(times_s), Rig())

    def contacts(self, times_s: ArrayLike) -> dict[str, NDArray[np.bool_]]:
        """(N,) whether ``heel_l``, ``ball_l``, ``heel_r``, ``ball_r`` are on the floor and at rest."""
        t = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        result: dict[str, NDArray[np.bool_]] = {}
        for side, _ in SIDES:
            planted = np.zeros(len(t), dtype=bool)
            for stance in self._stances[side]:
                planted |= (t >= stance.land_s) & (t <= stance.lift_s)
            roll = self._foot(side, t)["roll"]
            # the foot rolls over the back of the heel first, which is not the heel's landmark
            result[f"heel_{side}"] = planted & (roll <= 1e-6) & (roll >= _HEEL_ROLL)
            result[f"ball_{side}"] = planted & (roll >= -1e-6)
        return result
