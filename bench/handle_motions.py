"""Motions of a handle in sets as people do them, with what is true of each movement.

    performed = perform(Plan.drawn(seed))       # times, way of the cable, movements
    performed.motion()                          # for CableMachineSimulator

Strokes are minimum-jerk (Flash and Hogan 1985) with sticking points (van den Tillaar 2010: the speed falls to nearly
nothing in mid-lift and rises again), explosive to slow. Around them: taking the handle and stepping back, a pull to try
the weight, a fidget between repetitions, pauses at both ends, fatigue, a start position that wanders, movements that turn
round early, lack the lock-out or fail, letting go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinecue.machine import TrackMotion

FloatArray = NDArray[np.float64]
STEP_S = 0.01
PULLEY = np.zeros(3)


@dataclass(frozen=True)
class TrueMovement:
    """A movement as it was done.

    Attributes:
        kind: valid, partial, no_lockout, failed or setup.
        start_s, turn_s, back_s, end_s: it leaves the start position, is at the turning point, leaves that, is back.
        range_m: way out.
    """

    kind: str
    start_s: float
    turn_s: float
    back_s: float
    end_s: float
    range_m: float


@dataclass(frozen=True)
class Performed:
    """A set.

    Attributes:
        load_direction: as in exercise files.
        times_s, out_m: (N,) cable that is out, m.
        movements: in the order of time.
    """

    load_direction: str
    times_s: FloatArray
    out_m: FloatArray
    movements: tuple[TrueMovement, ...]

    def motion(self, start_ns: int = 0) -> TrackMotion:
        """For the simulator, the pulley at the origin."""
        handle = np.zeros((len(self.times_s), 3))
        handle[:, 0] = 0.5 + self.out_m
        return TrackMotion(self.times_s, handle, PULLEY, start_ns)


@dataclass
class _Course:
    """Grows stroke by stroke."""

    rng: np.random.Generator
    values: list[float] = field(default_factory=lambda: [0.0])
    tremor_m: float = 0.0005

    @property
    def now(self) -> float:
        return (len(self.values) - 1) * STEP_S

    @property
    def level(self) -> float:
        return self.values[-1]

    def rest(self, seconds: float) -> None:
        self.values += [self.level] * max(round(seconds / STEP_S), 0)

    def go(self, to: float, seconds: float, sticking: float = 0.0) -> None:
        """A stroke; `sticking` 0 to 1: share of the speed that is lost in its middle."""
        n = max(round(seconds / STEP_S), 12)
        t = (np.arange(n * 4) + 0.5) / (n * 4)
        at, width = self.rng.uniform(0.35, 0.6), self.rng.uniform(0.06, 0.12)
        speed = t**2 * (1.0 - t) ** 2 * (1.0 - sticking * np.exp(-(((t - at) / width) ** 2)))
        way = np.cumsum(speed)[3::4] / speed.sum()
        begin = self.level
        self.values += (begin + (to - begin) * way).tolist()

    def finished(self) -> tuple[FloatArray, FloatArray]:
        x = np.array(self.values)
        noise = np.convolve(self.rng.normal(0.0, 1.0, len(x) + 20), np.hanning(21) / 7.0, "valid")[: len(x)]
        return np.arange(len(x)) * STEP_S, x + self.tremor_m * noise


def perform(seed: int, load_direction: str | None = None) -> Performed:
    """A set that the seed decides about."""
    rng = np.random.default_rng(seed)
    direction = load_direction or ("concentric_first", "eccentric_first")[int(rng.random() < 0.4)]
    course = _Course(rng, tremor_m=float(rng.choice([0.0003, 0.001, 0.002])))
    eccentric = direction == "eccentric_first"
    full = float(np.exp(rng.uniform(np.log(0.15), np.log(0.9))))
    out = -1.0 if eccentric else 1.0
    movements: list[TrueMovement] = []
    start = _get_ready(course, rng, full, eccentric, movements)
    repetitions = 1 if rng.random() < 0.04 else int(rng.integers(3, 16))
    # 0.5 to 10 s a repetition; a hand at a handle does not reach more than about 2.5 m/s
    whole = float(np.exp(rng.triangular(np.log(0.5), np.log(1.8), np.log(10.0))))
    share = float(rng.uniform(0.3, 0.5))
    fastest = 1.9 * full / 2.4
    lift, lower = max(share * whole, fastest, 0.22), max((1.0 - share) * whole, fastest, 0.22)
    pause_start = float(rng.choice([0.0, 0.1, 0.3, 0.8, 2.5]))
    pause_turn = float(rng.choice([0.0, 0.0, 0.1, 0.5, 1.2]))
    fatigue, sticking = float(rng.uniform(0.0, 0.15)), float(rng.choice([0.0, 0.3, 0.8, 0.97]))
    fails = rng.random() < 0.12 and repetitions > 3
    for number in range(repetitions):
        tired = number / max(repetitions - 1, 1)
        level = start + full * float(rng.normal(0.0, 0.015))
        way = full * (1.0 - fatigue * tired) * (1.0 + float(np.clip(rng.normal(0.0, 0.025), -0.06, 0.06)))
        slow = 1.0 + tired * float(rng.uniform(0.0, 1.0))
        kind = "valid"
        if repetitions > 1:
            chance = rng.random()
            kind = "partial" if chance < 0.06 else "no_lockout" if chance < 0.09 else "valid"
        if movements and movements[-1].kind == "no_lockout":
            kind = "valid"  # one that is short as well would be a slow way back, and nothing else
        if fails and number == repetitions - 1:
            _fail(course, rng, level, full, out, lift, lower, eccentric, movements)
            break
        if kind == "partial":
            way = full * float(rng.uniform(0.3, 0.52))
        there, home = (lower, lift * slow) if eccentric else (lift * slow, lower)
        stuck = sticking * tired
        begin = course.now
        course.go(level + out * way, there * (0.6 if kind == "partial" else 1.0), 0.0 if eccentric else stuck)
        turn = course.now
        course.rest(pause_turn * float(rng.uniform(0.5, 1.5)))
        back = course.now
        last = number == repetitions - 1
        if kind == "no_lockout" and not last:
            to = level + out * way * float(rng.uniform(0.45, 0.55))
            course.go(to, home * 0.5, stuck if eccentric else 0.0)
            movements.append(TrueMovement(kind, begin, turn, back, course.now, way))
            continue
        kind = "valid" if kind == "no_lockout" else kind
        course.go(start + full * float(rng.normal(0.0, 0.015)), home, stuck if eccentric else 0.0)
        movements.append(TrueMovement(kind, begin, turn, back, course.now, way))
        course.rest(pause_start * float(rng.uniform(0.5, 1.5)))
        if rng.random() < 0.08:
            _fidget(course, rng, full)
        if rng.random() < 0.05:
            start += full * float(rng.uniform(-0.08, 0.08))
            course.go(start, 0.8)
    _let_go(course, rng)
    times, values = course.finished()
    return Performed(direction, times, values, tuple(movements))


def _get_ready(
    course: _Course, rng: np.random.Generator, full: float, eccentric: bool, movements: list[TrueMovement]
) -> float:
    """Taking the handle; returns the start position, m."""
    course.rest(float(rng.uniform(0.8, 3.0)))
    if eccentric:
        start = full + float(rng.uniform(0.02, 0.5))
        if rng.random() < 0.4:
            # a bar with a linear encoder: it hangs in a rack near the start position, and is counted from there
            course.values = [start] * len(course.values)
            course.go(start + float(rng.uniform(0.02, 0.06)), 0.8)
            course.rest(float(rng.uniform(0.3, 2.0)))
            course.go(start, 0.8)
        else:
            course.go(start, float(rng.uniform(0.8, 2.0)))
        course.rest(float(rng.uniform(0.6, 2.5)))
        return start
    if rng.random() < 0.3:
        return 0.0
    start = float(rng.uniform(0.05, 0.8))
    if rng.random() < 0.2:
        begin = course.now
        reach = float(rng.uniform(0.3, 0.6)) * full
        course.go(reach, float(rng.uniform(0.4, 1.0)))
        turn = course.now
        course.rest(0.2)
        back = course.now
        course.go(0.0, float(rng.uniform(0.4, 1.0)))
        movements.append(TrueMovement("setup", begin, turn, back, course.now, reach))
        course.rest(float(rng.uniform(0.5, 2.0)))
    for share in sorted(rng.uniform(0.3, 0.9, int(rng.integers(0, 3)))):
        course.go(start * float(share), float(rng.uniform(0.4, 0.9)))
        course.rest(float(rng.uniform(0.0, 0.5)))
    course.go(start, float(rng.uniform(0.5, 1.2)))
    if rng.random() < 0.85:
        course.rest(float(rng.uniform(0.3, 2.5)))
    return start


def _fidget(course: _Course, rng: np.random.Generator, full: float) -> None:
    """Re-gripping."""
    level = course.level
    for _ in range(int(rng.integers(1, 4))):
        course.go(level + full * float(rng.uniform(-0.1, 0.1)), 0.3)
        course.rest(float(rng.uniform(0.0, 0.6)))
    course.go(level, 0.4)
    course.rest(float(rng.uniform(0.3, 1.5)))


def _fail(
    course: _Course,
    rng: np.random.Generator,
    level: float,
    full: float,
    out: float,
    lift: float,
    lower: float,
    eccentric: bool,
    movements: list[TrueMovement],
) -> None:
    """A last lift that does not arrive."""
    begin = course.now
    if eccentric:
        course.go(level + out * full, lower)
        turn = course.now
        course.rest(0.2)
        course.go(level + out * full * float(rng.uniform(0.72, 0.85)), 1.5 * lift + 0.5, 0.5)
        course.rest(float(rng.uniform(0.5, 1.5)))
        course.go(level + out * full, max(lift, 0.8))
        back = course.now
        course.rest(float(rng.uniform(0.5, 3.0)))
    else:
        course.go(level + out * full * float(rng.uniform(0.3, 0.5)), 2.0 * lift + 0.5, 0.8)
        turn = course.now
        course.rest(float(rng.uniform(0.5, 1.5)))
        back = course.now
        course.go(level, max(lower, 0.5))
    movements.append(TrueMovement("failed", begin, turn, back, course.now, full))


def _let_go(course: _Course, rng: np.random.Generator) -> None:
    course.rest(float(rng.uniform(0.0, 2.0)))
    if course.level > 0.02:
        course.go(0.0, max(float(rng.uniform(0.4, 1.5)), course.level / 1.0))
    course.rest(1.5)
