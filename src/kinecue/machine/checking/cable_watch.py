"""The load cell and the tachometer of one cable: calibrated, and held against what a cable can do."""

from __future__ import annotations

import math

from kinecue.machine.calibration import MachineCalibration, units_of
from kinecue.machine.checking.agreement import Odometer
from kinecue.machine.checking.encoder_watch import CALIBRATE, EncoderWatch
from kinecue.machine.checking.findings import NANOSECONDS, CheckLimits, Ledger, Share
from kinecue.machine.checking.repeats import Repeats
from kinecue.machine.checking.stamps import StampWatch
from kinecue.machine.samples import CableFlag, CableSample, CableSide

STILL_NS = 300_000_000
REST_NS = NANOSECONDS
"""The handle counts as resting after so long."""
DRIFT_NS, STEADY_N = 5 * NANOSECONDS, 5.0
"""A tension that stays so steady at rest for so long is no hand's that waits with the cable taut."""
AT_REST_M = 0.03
LONG_NS = NANOSECONDS // 2
HELD = 3
"""A step of the tension is believed at the latest after so many samples."""
_SLACK_N = 20.0
"""A cable that is called slack does not pull with more."""
_PULLED_M, _PULLED_SHARE, _LEAST_LOAD_N = 0.3, 0.05, 50.0
"""A load of 50 N or more that is pulled out by 0.3 m is felt; slack to be taken up first is less."""


class CableWatch:
    """Follows the force sensor and the speed of one cable."""

    def __init__(
        self,
        side: CableSide,
        calibration: MachineCalibration | None,
        limits: CheckLimits,
        ledger: Ledger,
        odometer: Odometer,
        encoder: EncoderWatch,
    ) -> None:
        self._side, self._limits, self._ledger = side, limits, ledger
        self._odometer, self._encoder = odometer, encoder
        self._calibration = calibration if calibration is not None and calibration.has_force else None
        self._stamps = StampWatch("cable", side, limits, ledger)
        self._begin()

    def _begin(self) -> None:
        self._last = self._before_last = math.nan
        self._held: list[float] = []
        self._bend = self._slope = 0.0
        self._bends = 0
        self._spikes = Share(1500)
        self._force_repeats, self._repeats = Repeats(), Repeats()
        self._top = 0.0
        self._saturated = 0
        self._below_ns: int | None = None
        self._slack_ns: int | None = None
        self._out_from_m = math.nan
        self._rest_m: float | None = None
        self._resting: tuple[int, float, float] | None = None

    def check(self, sample: CableSample) -> CableSample:
        """The sample, calibrated and marked."""
        stamp = sample.stamp_ns
        if not self._stamps.fresh(stamp):
            return _with(sample, sample.tension_n, sample.speed_m_s, sample.flags | CableFlag.IMPLAUSIBLE)
        if self._stamps.restarted:
            self._begin()
            self._ledger.now_ns = stamp
        elif stamp > self._ledger.now_ns:
            self._ledger.now_ns = stamp
        flags = int(sample.flags)
        speed = self._speed(sample, stamp)
        tension = self._tension(sample, stamp)
        if tension == tension:
            flags |= self._judge(stamp, tension, speed, sample.load_n, flags)
        # a speed that stands still with the force would go on being added up
        self._odometer.add(stamp, math.nan if flags & _FROZEN else speed)
        if flags & _FAULT:
            self._note("fault", stamp, "the machine reports a fault of its own")
        if self._encoder.agreement.problem:
            speed = math.nan
        if flags == sample.flags and _same(tension, sample.tension_n) and _same(speed, sample.speed_m_s):
            return sample
        return _with(sample, tension, speed, CableFlag(flags))

    # -- values

    def _speed(self, sample: CableSample, stamp: int) -> float:
        speed = sample.speed_m_s
        if abs(speed) > self._limits.speed_m_s:
            self._note("impossible", stamp, f"the cable's speed says {speed:.1f} m/s; it is not used")
            speed = math.nan
        return speed

    def _tension(self, sample: CableSample, stamp: int) -> float:
        """N, not below 0."""
        if self._calibration is None:
            return sample.tension_n
        force = self._calibration.force(units_of(sample))
        if not force < -self._limits.zero_n:
            self._below_ns = None
        elif self._below_ns is None:
            self._below_ns = stamp
        elif stamp - self._below_ns > LONG_NS:
            self._note(
                "zero", stamp, f"the load cell says that the cable pushes with {-force:.0f} N; {CALIBRATE}"
            )
        return max(force, 0.0) if force == force else force

    # -- judgement

    def _judge(self, stamp: int, tension: float, speed: float, load: float, flags: int) -> int:
        """Flags to be added."""
        limits, added = self._limits, 0
        if tension > limits.tension_n:
            self._note("impossible", stamp, f"the load cell says {tension:.0f} N, which no cable carries")
            return _IMPLAUSIBLE
        added |= self._standing(stamp, tension, speed, flags)
        flags |= added
        if flags & _SATURATED:
            self._saturated += 1
            self._held.clear()
            self._last = math.nan
            if self._saturated >= HELD:
                self._note("saturated", stamp, f"the load cell is at the end of its range, {tension:.0f} N")
        else:
            self._saturated = 0
            if self._spiky(stamp, tension):
                added |= _IMPLAUSIBLE
        return added | self._contradicts(stamp, tension, load, flags)

    def _standing(self, stamp: int, tension: float, speed: float, flags: int) -> int:
        """A converter that repeats itself."""
        since = self._encoder.still_since_ns
        still = since is not None and stamp - since > STILL_NS
        both = self._repeats.add(stamp, tension if speed != speed else tension + 1e6 * speed, still)
        force = self._force_repeats.add(stamp, tension, still)
        if tension > self._top:
            self._top = tension
        if flags & _SATURATED or (tension == 0.0 and (speed != speed or speed == 0.0)):
            # at the ends of its range a sensor repeats itself anyway
            return 0
        if both or (self._repeats.same_ns > 0 and self._against_encoder(stamp, speed)):
            self._note("frozen", stamp, f"the load cell stands still at {tension:.0f} N")
            return _FROZEN
        if force and tension > 0.0 and speed == speed:
            return _SATURATED if tension >= 0.98 * self._top else _FROZEN
        return 0

    def _against_encoder(self, stamp: int, speed: float) -> bool:
        """Whether the encoder goes another way than force and speed that do not change."""
        encoder = self._encoder
        if self._repeats.begun_ns == stamp or self._rest_m is None or self._repeats.same_ns < 100_000_000:
            self._rest_m = encoder.course.position_m
            return False
        if speed != speed or encoder.agreement.problem:
            return False
        moved = encoder.course.position_m - self._rest_m
        expected = speed * self._repeats.same_ns * 1e-9
        return abs(moved - expected) > self._limits.still_m + 0.1 * abs(encoder.course.speed_m_s)

    def _spiky(self, stamp: int, tension: float) -> bool:
        """Whether a reading stands apart and the next one has to confirm it."""
        last, before = self._last, self._before_last
        if last != last:
            self._last = tension
            self._before_last = math.nan
            return False
        least = max(self._limits.spike_n, 0.2 * last, 8.0 * self.noise_n, 5.0 * self._slope)
        held = self._held
        if abs(tension - last) <= least:
            spike = bool(held)
            held.clear()
            self._learn(stamp, tension, last, before)
            self._note_spike(stamp, spike)
            return False
        if held:
            confirmed = abs(tension - held[-1]) <= least
            onward = (tension - held[-1]) * (held[-1] - last) > 0.0
            if confirmed or onward or len(held) >= HELD:
                held.clear()
                self._last, self._before_last = tension, math.nan
                self._note_spike(stamp, False)
                return False
        held.append(tension)
        return True

    def _learn(self, stamp: int, tension: float, last: float, before: float) -> None:
        self._slope += 0.05 * (abs(tension - last) - self._slope)
        if before == before:
            bend = abs(tension - 2.0 * last + before)
            self._bends += 1
            limit = 4.0 * self._bend + 1.0 if self._bends > 50 else math.inf
            self._bend += max(0.005, 1.0 / self._bends) * (min(bend, limit) - self._bend)
            if self._bends > 200 and self.noise_n > self._limits.noise_n:
                text = f"the load cell is noisy: {self.noise_n:.0f} N from sample to sample (a loose shield, mains hum)"
                self._note("noise", stamp, text)
        self._before_last, self._last = last, tension

    @property
    def noise_n(self) -> float:
        """Standard deviation of single readings, N: white noise of std s has second differences of mean 1.954 s."""
        return self._bend / 1.954

    def _note_spike(self, stamp: int, spike: bool) -> None:
        self._spikes.add(spike)
        if spike and self._spikes.value > self._limits.spike_share:
            share = 100 * self._spikes.value
            self._note(
                "spikes", stamp, f"{share:.1f} % of the load cell's readings are spikes; they are not used"
            )

    def _contradicts(self, stamp: int, tension: float, load: float, flags: int) -> int:
        """Tension where there can be none, and none where there must be."""
        encoder = self._encoder
        if flags & _SLACK and tension > _SLACK_N + 5.0 * self.noise_n:
            if self._slack_ns is None:
                self._slack_ns = stamp
            if stamp - self._slack_ns > LONG_NS:
                self._note("impossible", stamp, f"the cable is called slack and pulls with {tension:.0f} N")
                return _IMPLAUSIBLE
        else:
            self._slack_ns = None
        position = encoder.course.position_m
        sign_known = encoder.calibration is not None or (
            encoder.agreement.judged and not encoder.agreement.problem
        )
        going_out = sign_known and encoder.still_since_ns is None and encoder.course.speed_m_s > 0.0
        if not going_out or not load >= _LEAST_LOAD_N or tension > _PULLED_SHARE * load:
            self._out_from_m = math.nan
        elif self._out_from_m != self._out_from_m:
            self._out_from_m = position
        elif position - self._out_from_m > _PULLED_M:
            self._note(
                "impossible", stamp, f"the handle is pulled out and nothing of the {load:.0f} N is felt"
            )
            return _IMPLAUSIBLE
        since = encoder.still_since_ns
        if since is None or encoder.calibration is None or abs(position) >= AT_REST_M:
            self._resting = None
        elif stamp - since > REST_NS:
            self._watch_rest(stamp, tension)
        return 0

    def _watch_rest(self, stamp: int, tension: float) -> None:
        """A tension at rest that is steady, as no hand is, and not that of the calibration."""
        began, low, high = self._resting or (stamp, tension, tension)
        low, high = min(low, tension), max(high, tension)
        self._resting = began, low, high
        if stamp - began < DRIFT_NS or high - low > max(STEADY_N, 8.0 * self.noise_n):
            return
        rest, limit = self._rest_n, self._limits.zero_n
        if low > rest + limit or high < rest - limit:
            text = f"{0.5 * (low + high):.0f} N while the handle rests, {rest:.0f} when it was calibrated"
            self._note("zero", stamp, f"the load cell has drifted: {text}; {CALIBRATE}")

    @property
    def _rest_n(self) -> float:
        """Tension at rest when it was calibrated, N; NaN if not known, or if a load hung on the cable then."""
        if self._calibration is None:
            return math.nan
        rest = self._calibration.force(self._calibration.rest_units)
        return max(rest, 0.0) if rest < self._limits.zero_n else math.nan

    def _note(self, what: str, stamp: int, text: str) -> None:
        self._ledger.note(what, self._side, stamp, text)


_IMPLAUSIBLE, _FROZEN, _SATURATED, _FAULT, _SLACK = (
    int(flag)
    for flag in (
        CableFlag.IMPLAUSIBLE,
        CableFlag.FROZEN,
        CableFlag.SATURATED,
        CableFlag.FAULT,
        CableFlag.SLACK,
    )
)


def _same(value: float, other: float) -> bool:
    return value == other or (value != value and other != other)


def _with(sample: CableSample, tension: float, speed: float, flags: CableFlag) -> CableSample:
    return CableSample(
        sample.stamp_ns,
        tension,
        speed,
        sample.position_m,
        sample.pulley_m,
        sample.load_n,
        sample.side,
        flags,
        sample.raw,
    )
