"""Every sample of a machine passes here: calibrated, held against what is possible, and marked if it must not be used."""

from __future__ import annotations

from collections.abc import Mapping

from kinecue.machine.calibration import MachineCalibration
from kinecue.machine.checking.agreement import Odometer
from kinecue.machine.checking.cable_watch import CableWatch
from kinecue.machine.checking.encoder_watch import EncoderWatch
from kinecue.machine.checking.findings import KINDS, CheckLimits, Finding, Ledger
from kinecue.machine.samples import CableSample, CableSide, EncoderSample

__all__ = ["KINDS", "CheckLimits", "Finding", "MachineChecks"]


class MachineChecks:
    """Checks the samples of one machine, of each cable for itself.

    Samples come in the order of arrival; of one time, the cable's before the encoder's. What must not be used is marked:
    an encoder sample abstains (`Reason.IMPLAUSIBLE`, or `Reason.STALE` if its stamp is not newer than those before), a cable
    sample carries `CableFlag.IMPLAUSIBLE`, ``FROZEN`` or ``SATURATED``. A cable's speed that cannot be is NaN. Not thread
    safe.

    Args:
        calibration: of each cable, from `kinecue.machine.calibration.load_calibration`; None or empty = the driver's
            own scales count.
        limits: what the machine can do.
    """

    def __init__(
        self,
        calibration: Mapping[CableSide, MachineCalibration] | None = None,
        limits: CheckLimits | None = None,
    ) -> None:
        self._calibration = dict(calibration or {})
        self._limits = limits or CheckLimits()
        self._ledger = Ledger()
        self._sides: dict[CableSide, tuple[CableWatch, EncoderWatch]] = {}

    def cable(self, sample: CableSample) -> CableSample:
        """A sample of the force sensor, calibrated and marked; itself if there is nothing to change."""
        return (self._sides.get(sample.side) or self._new(sample.side))[0].check(sample)

    def encoder(self, sample: EncoderSample) -> EncoderSample:
        """A sample of the encoder, calibrated and marked; itself if there is nothing to change."""
        return (self._sides.get(sample.side) or self._new(sample.side))[1].check(sample)

    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, or was in the last 12 s of the machine's time."""
        return self._ledger.findings()

    @property
    def totals(self) -> dict[tuple[str, CableSide], int]:
        """How often each kind of finding was seen on each cable since the beginning."""
        return self._ledger.totals

    def reset(self) -> None:
        """The driver was connected anew: clock, counter and handle may be anywhere."""
        self._sides.clear()
        self._ledger.forget()

    def _new(self, side: CableSide) -> tuple[CableWatch, EncoderWatch]:
        calibration, odometer = self._calibration.get(side), Odometer()
        encoder = EncoderWatch(side, calibration, self._limits, self._ledger, odometer)
        cable = CableWatch(side, calibration, self._limits, self._ledger, odometer, encoder)
        self._sides[side] = (cable, encoder)
        return cable, encoder
