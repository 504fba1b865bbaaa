"""An inertial sensor as a repetition sensor: every lift with its velocity, at its end, and a position while it lasts."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from kinecue.body.errors import ConfigError
from kinecue.body.measurement import Reason, Validity
from kinecue.machine.inertial.drift import REST_STD, VelocityTrack, integrate
from kinecue.machine.inertial.gravity import GravityTracker, Handedness
from kinecue.machine.inertial.lifts import SHORTEST_LIFT_M, Lift, lifts_of
from kinecue.machine.inertial.rest import WINDOW_S, Rest, RestDetector
from kinecue.machine.inertial.sample import GRAVITY, InertialSample, Mount, Vector
from kinecue.machine.inertial.stretch import TURN_STD, Stretch
from kinecue.machine.samples import CableSide, Direction, EncoderSample

LARGEST = 50.0 * GRAVITY
"""m/s^2: above the range of such sensors (16 g, some 32 g) a value is no measurement."""
GAP_S = 0.4
"""Without samples for this long, velocity and direction are lost until the next rest: a lift is about as short."""
LONGEST_S = 30.0
"""Of a stretch without rest or turn; what is integrated for longer is drift."""
HELD_STD = 0.05
"""m/s, velocity of a load that is held still: tremor and sway."""
REST_SIGMAS = 3.0
"""A stillness at a velocity that is estimated this far from zero is a load that goes steadily, not a rest."""
DOUBTFUL_SIGMAS = 2.0
"""The same for a stillness in the middle of the way, where loads do not come to rest."""
DOUBTFUL_M_S = 0.25
"""However uncertain the velocity is: loads are lowered this fast, and a wrong rest is worse than none."""
SURE_REST_S = 1.0
"""A stillness of this length is a rest whatever was integrated: nobody moves a load that steadily for so long."""
LOST_M_S = 0.15
LOST_M = 0.10
"""Standard deviations from which the running speed and position are abstained from: a lift has 0.2 to 2 m/s, 0.1 to 1 m."""
STILL_M_S = 0.05
"""m/s, below it a load is told as still."""
TURN_SIGMAS = 4.0
"""How far velocity and height may be off at a touch and go, together."""
AGAIN_SHARE = 0.3
"""Of the speed of the way out: the next repetition has begun."""
LOOK_S = 0.05
"""How often a touch and go is looked for while one is possible, s."""
RETURN_M = 0.05
RETURN_SHARE = 0.2
"""A rest this near the height of the beginning, m or share of the way, is taken for the same place: floor, rack, stack
or straight joints."""


@dataclass(frozen=True)
class InertialSettings:
    """Of one sensor.

    Attributes:
        mount: what it is fixed to.
        handedness: +1 when gyroscope and accelerometer have the same right-handed axes, -1 when the gyroscope turns
            the other way, 0 = learned from the first turns.
        velocity_scale: factor from what is integrated to the velocity of a reference instrument, of this sensor on
            this machine, from a calibration; 1 = as integrated.
        upward: +1 when the sensor goes up as the load is lifted, -1 when it goes down (a handle that is pulled down).
        side: which cable the load hangs on.

    Raises:
        ConfigError: for values out of bounds.
    """

    mount: Mount = Mount.BAR
    handedness: int = 0
    velocity_scale: float = 1.0
    upward: int = 1
    side: CableSide = CableSide.NONE

    def __post_init__(self) -> None:
        if self.handedness not in (-1, 0, 1):
            raise ConfigError("inertial sensor", "handedness", f"is {self.handedness}, allowed: -1, 0, 1")
        if self.upward not in (-1, 1):
            raise ConfigError("inertial sensor", "upward", f"is {self.upward}, allowed: -1, 1")
        if not 0.5 <= self.velocity_scale <= 2.0:
            raise ConfigError(
                "inertial sensor", "velocity_scale", f"is {self.velocity_scale}, allowed: 0.5 to 2"
            )


@dataclass(frozen=True)
class InertialRepetition:
    """A lift and what it was measured over. Stamps by the sensor's clock, ns.

    Attributes:
        start_ns, peak_ns, end_ns: beginning of the lift, greatest velocity, end of the lift.
        told_ns: stamp of the sample that ended the stretch: a rest or the turn into the next lift.
        peak_velocity_m_s, peak_velocity_std_m_s: greatest upward velocity.
        mean_velocity_m_s, mean_velocity_std_m_s: over the lift.
        range_m, range_std_m: how far up.
        at_rest: it was ended by a rest; otherwise by a touch and go, which is less certain.
        times_ns, positions_m, velocities_m_s: (N,) of the whole stretch, the position from its beginning.
    """

    start_ns: int
    peak_ns: int
    end_ns: int
    told_ns: int
    peak_velocity_m_s: float
    peak_velocity_std_m_s: float
    mean_velocity_m_s: float
    mean_velocity_std_m_s: float
    range_m: float
    range_std_m: float
    at_rest: bool
    times_ns: np.ndarray[tuple[int], np.dtype[np.int64]]
    positions_m: np.ndarray[tuple[int], np.dtype[np.float64]]
    velocities_m_s: np.ndarray[tuple[int], np.dtype[np.float64]]


class InertialSensor:
    """Samples in, lifts out. Works from the first rest on; a set has to begin with a quarter of a second of stillness."""

    def __init__(self, settings: InertialSettings | None = None) -> None:
        self.settings = settings or InertialSettings()
        self._handedness = Handedness()
        self._detector = RestDetector()
        self._right, self._left = GravityTracker(1), GravityTracker(-1)
        self._gravity = GRAVITY
        self._rests: deque[tuple[int, Rest]] = deque()
        self._recent: deque[InertialSample] = deque()
        self._stretches: dict[int, Stretch] = {}
        self._newest: InertialSample | None = None
        self.dropped = 0
        """Samples that could not be used: not finite, out of range, not newer than the one before."""
        self.lost = 0
        """Stretches given up because samples were missing or no rest came."""
        self._lose()

    def reset(self) -> None:
        """Another set or exercise; what was learned of the sensor stays."""
        self._detector.reset()
        self._newest = None
        self._lose()

    def _lose(self) -> None:
        self._rests.clear()
        self._recent.clear()
        self._stretches = {}
        self._base = 0.0
        self._far = self._out = self._back = 0.0
        self._looked_ns = 0

    @property
    def sign(self) -> int:
        """Handedness of the gyroscope: configured, or the more likely one so far."""
        return self.settings.handedness or self._handedness.sign

    @property
    def ready(self) -> bool:
        """Up is known: there has been a rest and no gap since."""
        return bool(self._rests or self._stretches)

    @property
    def sound(self) -> bool:
        """Velocity can be had at all: a sensor that turns with a bar or a hand needs a gyroscope."""
        return self.settings.mount == Mount.STACK or (self._newest is not None and self._newest.turns)

    def update(self, sample: InertialSample) -> tuple[InertialRepetition, ...]:
        """One sample in the order of arrival; the lifts of which it tells the end."""
        if not sample.finite or math.hypot(*sample.acceleration) > LARGEST:
            self.dropped += 1
            return ()
        before = self._newest
        if before is not None and sample.stamp_ns <= before.stamp_ns:
            self.dropped += 1
            if before.stamp_ns - sample.stamp_ns > GAP_S * 1e9:  # the sensor's clock began anew
                self.reset()
                self._newest = sample
            return ()
        seconds = 0.0 if before is None else (sample.stamp_ns - before.stamp_ns) * 1e-9
        self._newest = sample
        if seconds > GAP_S:
            self.lost += bool(self._stretches)
            self._detector.reset()
            self._lose()
        if not self.sound:
            self._lose()
            return ()
        rest = self._detector.update(sample)
        if self._rests:
            self._recent.append(sample)
            self._turn(sample, seconds)
            if rest is not None:
                self._upright(rest)
            if rest is not None:
                self._stay(sample.stamp_ns, rest, seconds)
            else:
                self._leave()
            return ()
        self._move(sample, seconds)
        if rest is not None:
            self._upright(rest)
        if rest is not None and self._believed(rest, sample.stamp_ns):
            return self._arrive(rest, sample)
        return self._turned(sample.stamp_ns)

    def _trackers(self) -> tuple[GravityTracker, ...]:
        if self.settings.mount == Mount.STACK:
            return (self._right,) if self.sign > 0 else (self._left,)
        settled = self.settings.handedness or (self._handedness.sign if self._handedness.settled else 0)
        return tuple(t for t in (self._right, self._left) if settled in (0, t.sign))

    def _turn(self, sample: InertialSample, seconds: float) -> None:
        if self.settings.mount != Mount.STACK:
            for tracker in self._trackers():
                tracker.turn(sample, seconds, self._detector.offset)

    def _move(self, sample: InertialSample, seconds: float) -> None:
        if seconds > 0.0:
            self._turn(sample, seconds)
        for tracker in self._trackers():
            stretch = self._stretches.get(tracker.sign)
            if stretch is not None and tracker.up is not None:
                stretch.add(sample.stamp_ns, _dot(tracker.up, sample.acceleration) - self._gravity)
        stretch = self._stretches.get(self.sign)
        if stretch is None:
            return
        if stretch.seconds > LONGEST_S:
            self.lost += 1
            self._lose()
            return
        if abs(stretch.height) > abs(self._far):
            self._far, self._back = stretch.height, 0.0
            self._out = max(self._out, abs(stretch.velocity))
        self._back = max(self._back, -math.copysign(stretch.velocity, self._far * stretch.velocity))

    def _stay(self, stamp_ns: int, rest: Rest, seconds: float) -> None:
        self._trust(rest, seconds)
        self._rests.append((stamp_ns, rest))
        while stamp_ns - self._rests[0][0] > WINDOW_S * 1e9:
            self._rests.popleft()
        while self._recent[0].stamp_ns < self._rests[0][0]:
            self._recent.popleft()

    def _trust(self, rest: Rest, seconds: float) -> None:
        """A quiet rest shows gravity and offsets; a load that is held still only shows that it does not move."""
        if rest.quiet:
            self._detector.trust(rest, seconds)
            self._gravity = math.hypot(*rest.acceleration)

    def _upright(self, rest: Rest) -> None:
        """Even a load that moves steadily shows which way is up."""
        if self.settings.mount == Mount.STACK and self._stretches:
            return
        if not self.settings.handedness and self.settings.mount != Mount.STACK:
            self._handedness.learn(rest.acceleration, self._right.up, self._left.up)
        for tracker in (self._right, self._left):
            tracker.still(rest.acceleration)

    def _leave(self) -> None:
        """A movement begins: it is integrated from an earlier moment of the rest, which it has not touched."""
        quiet = self._rests[0][1].quiet
        samples = list(self._recent)
        self._rests.clear()
        self._recent.clear()
        self._stretches = {t.sign: Stretch(REST_STD if quiet else HELD_STD) for t in self._trackers()}
        self._far = self._out = self._back = 0.0
        for sample in samples:
            self._move(sample, 0.0)

    def _believed(self, rest: Rest, stamp_ns: int) -> bool:
        stretch = self._stretches.get(self.sign)
        if stretch is None or rest.quiet or stamp_ns - rest.since_ns >= SURE_REST_S * 1e9:
            return True
        way = min(abs(stretch.height), abs(stretch.height - self._far))
        at_end = way < max(RETURN_M, RETURN_SHARE * abs(self._far))
        sigmas = REST_SIGMAS if at_end else DOUBTFUL_SIGMAS
        return abs(stretch.velocity) < min(max(sigmas * stretch.velocity_std, STILL_M_S), DOUBTFUL_M_S)

    def _arrive(self, rest: Rest, sample: InertialSample) -> tuple[InertialRepetition, ...]:
        stretch = self._stretches.get(self.sign)
        found: tuple[InertialRepetition, ...] = ()
        if stretch is not None:
            last = int(np.searchsorted(stretch.stamps, rest.since_ns))
            found = self._lifts(
                stretch,
                min(last, len(stretch.stamps) - 1),
                sample.stamp_ns,
                REST_STD if rest.quiet else HELD_STD,
            )
        self._stretches = {}
        self._trust(rest, 0.0)
        self._rests.append((sample.stamp_ns, rest))
        self._recent.append(sample)
        return found

    def _turned(self, stamp_ns: int) -> tuple[InertialRepetition, ...]:
        """Looks for a touch and go: back at the height of the beginning, and off again."""
        stretch = self._stretches.get(self.sign)
        if stretch is None or abs(self._far) < SHORTEST_LIFT_M or stamp_ns - self._looked_ns < LOOK_S * 1e9:
            return ()
        away = math.copysign(1.0, self._far) * stretch.velocity
        if away + self._back < AGAIN_SHARE * self._out:
            return ()
        self._looked_ns = stamp_ns
        first = int(np.argmax(np.abs(stretch.heights())))
        turn, sigmas = stretch.turn(first)
        since = away - math.copysign(1.0, self._far) * stretch.velocities()[turn]
        if sigmas > TURN_SIGMAS or since < AGAIN_SHARE * self._out or turn <= first:
            return ()
        found = self._lifts(stretch, turn, stamp_ns, TURN_STD, turned=True)
        self._stretches = {sign: old.after(turn) for sign, old in self._stretches.items()}
        self._far = self._out = self._back = 0.0
        return found

    def _lifts(
        self, stretch: Stretch, last: int, told_ns: int, end_std: float, turned: bool = False
    ) -> tuple[InertialRepetition, ...]:
        """Lifts up to sample `last`, which is a rest, or a turn whose velocity is known so well."""
        if last < 2:
            return ()
        t = stretch.times()[: last + 1]
        a = np.asarray(stretch.accelerations[: last + 1])
        track = integrate(t, a, end_std=end_std, begin_std=stretch.begin_std)
        spread = float(np.max(np.abs(track.position)))
        if turned or abs(track.position[-1]) < max(RETURN_M, RETURN_SHARE * spread):
            track = integrate(t, a, end_std=end_std, returned=True, begin_std=stretch.begin_std)
        self._base += float(track.position[-1]) * self.settings.velocity_scale
        if abs(self._base) < RETURN_M:
            self._base = 0.0
        stamps = np.asarray(stretch.stamps[: last + 1], dtype=np.int64)
        scale = self.settings.velocity_scale
        return tuple(
            _told(lift, track, stamps, told_ns, not turned, scale)
            for lift in lifts_of(track, float(self.settings.upward), scale)
        )

    def reading(self) -> EncoderSample | None:
        """Position and speed now, as of an encoder: from the height of the first rest, up positive; None before a sample.

        Abstained from before the first rest and where drift has made it worthless.
        """
        if self._newest is None:
            return None
        stamp, side = self._newest.stamp_ns, self.settings.side
        if self._rests:
            return EncoderSample(stamp, self._base, 0.0, Direction.STILL, 0, math.nan, side)
        stretch = self._stretches.get(self.sign)
        if stretch is None or stretch.velocity_std > LOST_M_S or stretch.height_std > LOST_M:
            reason = Reason.NOT_CALIBRATED if stretch is None else Reason.UNCERTAIN
            nan = math.nan
            return EncoderSample(stamp, nan, nan, Direction.STILL, 0, nan, side, Validity.ABSTAINED, reason)
        scale = self.settings.velocity_scale
        speed = stretch.velocity * scale
        way = (
            Direction.STILL if abs(speed) < STILL_M_S else (Direction.OUT if speed > 0.0 else Direction.BACK)
        )
        return EncoderSample(stamp, self._base + stretch.height * scale, speed, way, 0, math.nan, side)


def _told(
    lift: Lift,
    track: VelocityTrack,
    stamps: np.ndarray[tuple[int], np.dtype[np.int64]],
    told_ns: int,
    at_rest: bool,
    scale: float,
) -> InertialRepetition:
    return InertialRepetition(
        start_ns=int(stamps[lift.first]),
        peak_ns=int(stamps[lift.top]),
        end_ns=int(stamps[lift.last]),
        told_ns=told_ns,
        peak_velocity_m_s=lift.peak_m_s,
        peak_velocity_std_m_s=lift.peak_std_m_s,
        mean_velocity_m_s=lift.mean_m_s,
        mean_velocity_std_m_s=lift.mean_std_m_s,
        range_m=lift.range_m,
        range_std_m=lift.range_std_m,
        at_rest=at_rest,
        times_ns=stamps,
        positions_m=track.position * scale,
        velocities_m_s=track.velocity * scale,
    )


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
