"""The encoder of one cable: calibrated, followed, and held against the cable."""

from __future__ import annotations

from dataclasses import replace

from kinecue.body.measurement import Reason, Validity
from kinecue.machine.calibration import MachineCalibration, counts_of
from kinecue.machine.checking.agreement import Agreement, Odometer
from kinecue.machine.checking.course import Course, Step
from kinecue.machine.checking.findings import NANOSECONDS, CheckLimits, Ledger, Share
from kinecue.machine.checking.stamps import StampWatch
from kinecue.machine.samples import CableSide, Direction, EncoderSample

STILL_M_S = 0.02
"""Slower than that is no direction."""
DRIVER_WINDOW_NS = 60_000_000
"""Speeds of a driver that differences counts are wrong for so long after a counter restarted."""
JUMP_SHARE = 0.002
"""Share of positions that jump from which it is told: once in 5 s at 100 Hz."""
BELOW_NS = NANOSECONDS // 2
CALIBRATE = "calibrate: kinecue machine calibrate"


class EncoderWatch:
    """Follows one encoder.

    A counter that rolls over, or restarts somewhere else (power dip), is followed: positions go on from where the handle
    was. What jumps and comes back, stands still against the cable's speed, or contradicts it, is marked.

    Attributes:
        agreement: of the encoder with the cable's speed.
        course: where the handle is.
        still_since_ns: stamp since which the handle stands still; None if it moves or that is not known.
    """

    def __init__(
        self,
        side: CableSide,
        calibration: MachineCalibration | None,
        limits: CheckLimits,
        ledger: Ledger,
        odometer: Odometer,
    ) -> None:
        self._side, self._limits, self._ledger, self._odometer = side, limits, ledger, odometer
        self.calibration = calibration if calibration is not None and calibration.has_encoder else None
        self._stamps = StampWatch("encoder", side, limits, ledger)
        self.agreement = Agreement(limits.scale)
        self.course = Course(limits, odometer, self.agreement)
        self._begin()

    def _begin(self) -> None:
        self.course.forget()
        self.agreement.clear()
        self.still_since_ns: int | None = None
        self._run: tuple[float, float, int] | None = None
        self._stands = False
        self._below_ns: int | None = None
        self._jumps = Share(1500)

    def check(self, sample: EncoderSample) -> EncoderSample:
        """The sample, calibrated and marked."""
        stamp = sample.stamp_ns
        if not self._stamps.fresh(stamp):
            return _marked(sample, Reason.STALE)
        if self._stamps.restarted:
            self._begin()
            self._ledger.now_ns = stamp
        elif stamp > self._ledger.now_ns:
            self._ledger.now_ns = stamp
        counts = counts_of(sample)
        calibration = self.calibration
        own = sample.position_m if calibration is None else calibration.position(counts)
        if own != own or (calibration is None and sample.validity == Validity.ABSTAINED):
            self._unknown()
            return sample
        scale = sample.counts_per_metre if calibration is None else calibration.counts_per_metre
        if scale == scale:
            self.course.unroll(stamp, counts, scale)
        out = self.course.within(own, scale)
        if not abs(out) <= self._limits.travel_m:
            self._note("impossible", stamp, f"the encoder says that {out:.1f} m of cable are out")
            self._unknown()
            return _marked(sample, Reason.IMPLAUSIBLE)
        if self._frozen(stamp, own):
            self._note(
                "frozen", stamp, "the encoder stands still although the cable's speed says that it goes"
            )
            self._unknown()
            return _marked(sample, Reason.IMPLAUSIBLE)
        step = self.course.take(stamp, own)
        if step is Step.HELD:
            self._unknown()
            return _marked(sample, Reason.IMPLAUSIBLE)
        self._jumps.add(step is Step.JUMPED)
        if step is Step.JUMPED and self._jumps.value > JUMP_SHARE:
            self._note(
                "jump", stamp, f"positions jump, {100 * self._jumps.value:.1f} % of them; they are not used"
            )
        if step is Step.RESTARTED:
            self.agreement.interrupt()
            jump = f"the encoder's counter jumped by {-self.course.last_shift_m:+.3f} m"
            self._note("counter_restarted", stamp, f"{jump}; positions carry on from before")
        return self._told(sample, stamp)

    def _unknown(self) -> None:
        self.still_since_ns = None
        self.agreement.interrupt()

    def _frozen(self, stamp: int, own: float) -> bool:
        """Whether the counter stands although the cable goes."""
        odometer, run = self._odometer, self._run
        if run is not None and own == run[0] and self._stands:
            return True
        if run is None or own != run[0] or odometer.epoch != run[2]:
            self._run, self._stands = (own, odometer.way_m, odometer.epoch), False
            return False
        # the two sensors need not be equally quick: a tenth of a second of way is left to them
        unseen = abs(odometer.way_m - run[1])
        self._stands = unseen > self._limits.still_m + 0.1 * abs(odometer.speed_m_s)
        if self._stands:
            self.course.stopped()
        return self._stands

    def _told(self, sample: EncoderSample, stamp: int) -> EncoderSample:
        course, limits, calibration = self.course, self._limits, self.calibration
        position, speed = course.position_m, sample.speed_m_s
        if abs(course.speed_m_s) > STILL_M_S:
            self.still_since_ns = None
        elif self.still_since_ns is None:
            self.still_since_ns = stamp
        self.agreement.encoder(stamp, position, self._odometer)
        if calibration is not None:
            self._watch_zero(stamp, position)
            speed *= sample.counts_per_metre / calibration.counts_per_metre
        spans_restart = stamp - course.shifted_ns < DRIVER_WINDOW_NS
        without = calibration is not None and speed != speed
        if spans_restart or without or abs(speed) > limits.speed_m_s:
            speed = course.speed_m_s
        validity, reason = Validity.VALID, Reason.NONE
        if self.agreement.problem:
            self._note("speed_contradicts", stamp, f"{self.agreement.problem}: {self._advice}")
            if calibration is None:
                validity, reason = Validity.ABSTAINED, Reason.IMPLAUSIBLE
        elif calibration is None and position == sample.position_m and speed == sample.speed_m_s:
            return sample
        direction = sample.direction
        if speed == speed:
            direction = Direction.STILL if abs(speed) <= STILL_M_S else Direction(1 if speed > 0.0 else -1)
        return EncoderSample(
            stamp,
            position,
            speed,
            direction,
            sample.count,
            sample.counts_per_metre if calibration is None else calibration.counts_per_metre,
            sample.side,
            validity,
            reason,
        )

    @property
    def _advice(self) -> str:
        if self.calibration is None:
            return f"neither is used; {CALIBRATE}"
        return "the encoder was calibrated, so the cable's speed is not used"

    def _watch_zero(self, stamp: int, position: float) -> None:
        """The handle cannot be further in than at rest."""
        if position >= -self._limits.zero_m:
            self._below_ns = None
            return
        if self._below_ns is None:
            self._below_ns = stamp
        if stamp - self._below_ns > BELOW_NS:
            text = f"the handle is {-100 * position:.0f} cm further in than at rest: its zero has moved; {CALIBRATE}"
            self._note("zero", stamp, text)

    def _note(self, what: str, stamp: int, text: str) -> None:
        self._ledger.note(what, self._side, stamp, text)


def _marked(sample: EncoderSample, reason: Reason) -> EncoderSample:
    if sample.validity == Validity.ABSTAINED:
        return sample
    return replace(sample, validity=Validity.ABSTAINED, reason=reason)
