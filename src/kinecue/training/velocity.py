"""How fast the load was moved in a repetition: velocity, force, power and work of the concentric phase.

Definitions, so that figures can be compared:

- The concentric phase begins where the load's speed last rose through `STILL_M_S` before it had made a twentieth of
  its way, and ends where it first falls through it once a twentieth is left; both ends are carried on
  to zero with the acceleration there. In between it may stand still: a sticking point belongs to the lift.
- Mean velocity is the way over the time of that phase; peak velocity the largest in it.
- Mean propulsive velocity is that of the part in which the person pushes the load: until the acceleration falls below -9.81
  m/s^2, from where the load is braked (Sanchez-Medina, Perez and Gonzalez-Badillo, Int J Sports Med 31,
  2010, 123-129). That criterion says that the force on the load is not negative, and in that form it holds for every
  load: for free weights and a plain stack by the acceleration; where the cable's tension is measured, until it
  is gone. A cable cannot be pushed, so nobody brakes a stack: it brakes itself, and the phase ends when the
  cable goes slack. A drive has hardly any mass, its cable stays taut, and the propulsive phase is the whole lift: mean
  propulsive velocity then equals mean velocity, which is no error but what the machine is like.
- Force is what acts on the load: measured tension, or mass times (g + acceleration). The lifter's own body is not in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from kinecue.exercise.results import RepetitionVelocity
from kinecue.training.derivatives import Course, FloatArray, smooth_course

GRAVITY = 9.80665
"""m/s^2, standard gravity."""
STILL_M_S = 0.02
"""Slower than this the load counts as standing."""
_ENDS = 0.05
"""Share of the way at either end in which the phase may begin and end."""
FASTEST_M_S = 8.0
"""More than an arm does; such a mean velocity is a wrong reading."""
SHORTEST_WAY_M = 0.02
"""Less is no lift."""
_ENDS_STD = 0.02
"""Relative error of the mean velocity from where a movement is taken to begin and to end: measured on smooth and hard
starts of 0.4 to 2 s (test/training/test_velocity.py)."""
_LONGEST_TAIL_S = 0.15
"""By which either end is carried on."""
_GAP_SHARE = 0.3
"""Of the concentric phase, without readings: no peak can be told then."""
_FORCE_GAP_SHARE = 0.1
_SLACK_N = 3.0
"""A cable with less tension is slack."""


@dataclass(frozen=True)
class _Phase:
    """The concentric phase on a course: first and last index, and the times at which it really begins and ends."""

    first: int
    last: int
    start_s: float
    end_s: float


def velocity_of(
    times_s: FloatArray,
    positions_m: FloatArray,
    concentric: slice | None = None,
    *,
    forces_n: FloatArray | None = None,
    load_kg: float = math.nan,
    inertia_kg: float = math.nan,
    sigma_m: float = math.nan,
    scale_std: float = 0.0,
    source: str = "encoder",
    cable: int = 0,
) -> RepetitionVelocity | None:
    """Velocity, force, power and work of one repetition on one cable, bar or stack.

    Args:
        times_s: (N,) s, over the repetition; unsorted, repeated and missing (NaN) readings are put up with.
        positions_m: (N,) way of the load, m. Either sign: the concentric phase is where it goes on the whole,
            whichever direction that is.
        concentric: of `times_s` in the order given, in which the load is lifted; a little too wide does no harm.
            None = the first way that the track goes.
        forces_n: (N,) force on the load in its direction (the cable's tension), N; None = not measured.
        load_kg: mass of the load as the hand feels it, kg, where no force was measured; NaN = not known.
        inertia_kg: mass that is accelerated, as the hand feels it, kg; NaN = `load_kg` (a bar, a stack of ratio 1).
        sigma_m: standard deviation of one reading, m (of an encoder its step over the root of 12); NaN = from the readings.
        scale_std: relative standard deviation of metres a count; goes into `std`.
        source: ``encoder``, ``inertial`` or ``camera``.
        cable: 0 the only one, 1 left, 2 right.

    Returns:
        The figures; `loss` and `asymmetry` are NaN (see `VelocityLoss`, `both_cables`). None for too few readings,
        or no way worth the name.

    Raises:
        ValueError: shapes differ.
    """
    if forces_n is not None and forces_n.shape != times_s.shape:
        raise ValueError(f"velocity_of: forces_n must be {times_s.shape}, got {forces_n.shape}")
    course = smooth_course(times_s, positions_m, sigma_m)
    if course is None:
        return None
    window = _window(times_s, course, concentric)
    if window is None:
        return None
    way = float(course.position[window[1]] - course.position[window[0]])
    if way < 0.0:
        course = _turned(course)
    phase = _concentric(course, *window)
    if phase is None:
        return None
    part = slice(phase.first, phase.last + 1)
    moved = float(course.position[phase.last] - course.position[phase.first])
    moved += _tails(course, phase)
    duration = phase.end_s - phase.start_s
    if moved < SHORTEST_WAY_M or duration <= 0.0:
        return None
    mean = moved / duration
    if not mean <= FASTEST_M_S:
        return None
    force = _forces(course, times_s, forces_n, load_kg, inertia_kg)
    gap = float(np.diff(course.times_s[part]).max(initial=0.0))
    tells_peak = gap <= max(_GAP_SHARE * duration, 2.0 * course.half_width_s)
    peak = float(np.nanmax(course.speed[part])) if tells_peak else math.nan
    until = _propulsive_end(course, phase, force if forces_n is not None else None)
    result = RepetitionVelocity(
        source=source,
        range=moved,
        mean=mean,
        peak=max(peak, mean) if tells_peak else math.nan,
        mean_propulsive=_mean_until(course, phase, until, mean),
        std=_std_of_mean(course, mean, duration, gap, sigma_m, scale_std),
        eccentric_mean=_way_back(course, phase),
        cable=cable,
    )
    return _with_forces(result, course, phase, force) if force is not None else result


def both_cables(
    left: RepetitionVelocity | None, right: RepetitionVelocity | None
) -> RepetitionVelocity | None:
    """One figure of two cables that are pulled together: the mean of velocities, the sum of forces, power and work.

    `asymmetry` is left minus right over their mean, of the mean velocity. With one of them missing, the other stands alone
    and there is no asymmetry.
    """
    if left is None or right is None:
        return left or right
    middle = 0.5 * (left.mean + right.mean)
    return RepetitionVelocity(
        source=left.source if left.source == right.source else "encoder",
        range=0.5 * (left.range + right.range),
        mean=middle,
        peak=0.5 * (left.peak + right.peak),
        mean_propulsive=0.5 * (left.mean_propulsive + right.mean_propulsive),
        std=0.5 * math.hypot(left.std, right.std),
        mean_force=left.mean_force + right.mean_force,
        peak_force=left.peak_force + right.peak_force,
        mean_power=left.mean_power + right.mean_power,
        peak_power=left.peak_power + right.peak_power,
        work=left.work + right.work,
        eccentric_mean=0.5 * (left.eccentric_mean + right.eccentric_mean),
        asymmetry=(left.mean - right.mean) / middle if middle > 0.0 else math.nan,
        cable=0,
    )


class VelocityLoss:
    """Velocity loss in a set: what share of the fastest repetition's mean velocity has gone.

    After Sanchez-Medina and Gonzalez-Badillo (Med Sci Sports Exerc 43, 2011, 1725-1734), who take the fastest, usually the
    first, repetition of the set as the reference.
    """

    def __init__(self) -> None:
        self._fastest = math.nan

    @property
    def fastest(self) -> float:
        """Mean velocity of the fastest repetition so far, m/s; NaN before the first."""
        return self._fastest

    def restart(self) -> None:
        """A new set."""
        self._fastest = math.nan

    def add(self, velocity: RepetitionVelocity) -> RepetitionVelocity:
        """The same with `loss`, 0 for the fastest so far; NaN if its mean velocity is not known."""
        mean = velocity.mean
        if not (math.isfinite(mean) and mean > 0.0):
            return replace(velocity, loss=math.nan)
        if not self._fastest >= mean:
            self._fastest = mean
        return replace(velocity, loss=1.0 - mean / self._fastest)


def _window(times_s: FloatArray, course: Course, concentric: slice | None) -> tuple[int, int] | None:
    """First and last index on the course of where the load is lifted."""
    times = course.times_s
    if concentric is None:
        away = course.position - course.position[0]
        first = int(np.argmax(np.abs(away) > 0.5 * float(np.abs(away).max())))
        away = away * np.sign(away[first])
        return (0, int(np.argmax(away))) if away[first] > 0.0 else None
    inside = times_s[concentric]
    inside = inside[np.isfinite(inside)]
    if len(inside) < 2:
        return None
    first = int(np.searchsorted(times, inside.min() - 1e-9))
    last = int(np.searchsorted(times, inside.max() + 1e-9)) - 1
    return (first, last) if last - first >= 2 else None


def _concentric(course: Course, first: int, last: int) -> _Phase | None:
    """The concentric phase within a window in which the position rises on the whole."""
    position, times = course.position, course.times_s
    speed = np.nan_to_num(course.speed, nan=0.0)
    inside = position[first : last + 1]
    top = first + int(np.argmax(inside))
    bottom = first + int(np.argmin(inside[: top - first + 1]))
    way = position[top] - position[bottom]
    if way < SHORTEST_WAY_M:
        return None
    threshold = max(STILL_M_S, 3.0 * course.speed_std)
    rising = position[bottom : top + 1]
    begun = bottom + int(np.argmax(rising > position[bottom] + _ENDS * way))
    nearly = bottom + int(np.argmax(rising > position[top] - _ENDS * way))
    start = begun
    while start > bottom and speed[start - 1] >= threshold:
        start -= 1
    end = nearly
    while end < top and speed[end + 1] >= threshold:
        end += 1
    if end - start < 2:
        return None
    return _Phase(
        start,
        end,
        float(times[start]) - _to_zero(speed[start], course.acceleration[start], times, start, -1),
        float(times[end]) + _to_zero(speed[end], -course.acceleration[end], times, end, 1),
    )


def _to_zero(speed: float, change: float, times: FloatArray, index: int, step: int) -> float:
    """Time from the outermost reading of the phase to where its speed is zero, s.

    A hand sets off and stops smoothly: speed then goes with the square of time (minimum jerk, Flash and Hogan 1985), and
    zero is twice the speed over the acceleration away. Of a hard start that makes some milliseconds too many.
    """
    if not (math.isfinite(change) and change > 0.0 and speed > 0.0):
        return 0.0
    edge = 0 if step < 0 else len(times) - 1
    return min(2.0 * speed / change, _LONGEST_TAIL_S, abs(float(times[edge] - times[index])))


def _tails(course: Course, phase: _Phase) -> float:
    """Way within the two bits that `_to_zero` adds, at a third of the speed of their inner end, m."""
    speed = np.nan_to_num(course.speed, nan=0.0)
    before = max(float(speed[phase.first]), 0.0) * float(course.times_s[phase.first] - phase.start_s)
    after = max(float(speed[phase.last]), 0.0) * float(phase.end_s - course.times_s[phase.last])
    return (before + after) / 3.0


def _propulsive_end(course: Course, phase: _Phase, force: FloatArray | None) -> int:
    """Index at which the load is no longer pushed."""
    part = slice(phase.first, phase.last + 1)
    speed = course.speed[part]
    fastest = phase.first + (int(np.nanargmax(speed)) if np.isfinite(speed).any() else 0)
    rest = slice(fastest, phase.last + 1)
    if force is not None and np.isfinite(force[rest]).all():
        let_go = force[rest] < _SLACK_N
    else:
        let_go = course.acceleration[rest] < -GRAVITY
    return fastest + int(np.argmax(let_go)) if bool(let_go.any()) else phase.last


def _mean_until(course: Course, phase: _Phase, until: int, mean: float) -> float:
    if until >= phase.last:
        return mean
    speed = max(float(np.nan_to_num(course.speed[phase.first])), 0.0)
    early = float(course.times_s[phase.first]) - phase.start_s
    way = float(course.position[until] - course.position[phase.first]) + speed * early / 3.0
    return way / (float(course.times_s[until]) - phase.start_s)


def _std_of_mean(
    course: Course, mean: float, duration: float, gap: float, sigma_m: float, scale_std: float
) -> float:
    """Of the mean velocity: noise of both ends' positions, when they were, and the scale, m/s."""
    noise = sigma_m if math.isfinite(sigma_m) else 1e-4
    spacing = float(np.median(np.diff(course.times_s)))
    moment = math.hypot(spacing, 0.5 * gap) / math.sqrt(12.0) + 0.05 * course.half_width_s
    return math.hypot(
        math.sqrt(2.0) * noise / duration,
        math.sqrt(2.0) * mean * moment / duration,
        mean * scale_std,
        mean * _ENDS_STD,
    )


def _way_back(course: Course, phase: _Phase) -> float:
    """Mean velocity of the longer way back, before or after the lift, positive; NaN if there is none."""
    back = _turned(course)
    found: list[tuple[float, float]] = []
    for first, last in ((0, phase.first), (phase.last, len(course.times_s) - 1)):
        if last - first < 3:
            continue
        # from the highest place on, where the track begins or ends beyond it
        high = first + int(np.argmin(back.position[first : last + 1]))
        part = _concentric(back, high, last)
        if part is not None:
            way = float(back.position[part.last] - back.position[part.first]) + _tails(back, part)
            found.append((way, way / (part.end_s - part.start_s)))
    return max(found)[1] if found else math.nan


def _turned(course: Course) -> Course:
    """The same in the other direction."""
    return replace(course, position=-course.position, speed=-course.speed, acceleration=-course.acceleration)


def _forces(
    course: Course,
    times_s: FloatArray,
    forces_n: FloatArray | None,
    load_kg: float,
    inertia_kg: float,
) -> FloatArray | None:
    """(M,) force on the load at the course's times, N; NaN in gaps; None if nothing is known of it."""
    if forces_n is not None:
        good = np.isfinite(forces_n) & np.isfinite(times_s)
        if good.sum() < 2:
            return None
        order = np.argsort(times_s[good], kind="stable")
        times, forces = times_s[good][order], forces_n[good][order]
        at = np.interp(course.times_s, times, forces)
        behind = np.clip(np.searchsorted(times, course.times_s), 1, len(times) - 1)
        spacing = float(np.median(np.diff(times)))
        missing = times[behind] - times[behind - 1] > max(5.0 * spacing, 0.05)
        return np.where(missing, np.nan, at)
    if math.isfinite(load_kg) and load_kg > 0.0:
        inertia = inertia_kg if math.isfinite(inertia_kg) and inertia_kg > 0.0 else load_kg
        return np.asarray(load_kg * GRAVITY + inertia * course.acceleration)
    return None


def _with_forces(
    velocity: RepetitionVelocity, course: Course, phase: _Phase, force: FloatArray
) -> RepetitionVelocity:
    part = slice(phase.first, phase.last + 1)
    times, pull, speed = course.times_s[part], force[part], course.speed[part]
    good = np.isfinite(pull) & np.isfinite(speed)
    if (~good).mean() > _FORCE_GAP_SHARE or good.sum() < 3:
        return velocity
    times, pull, speed = times[good], pull[good], speed[good]
    duration = phase.end_s - phase.start_s
    span = float(times[-1] - times[0])
    power = pull * speed
    work = _integral(power, times)
    return replace(
        velocity,
        mean_force=_integral(pull, times) / span,
        peak_force=float(pull.max()),
        mean_power=work / duration,
        peak_power=float(power.max()),
        work=work,
    )


def _integral(values: FloatArray, times: FloatArray) -> float:
    """By trapezoids."""
    return float(np.sum(0.5 * (values[1:] + values[:-1]) * np.diff(times)))
