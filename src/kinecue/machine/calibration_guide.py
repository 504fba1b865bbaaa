"""Leads a person through the calibration of one cable, step by step, and says no where the readings do not hold it.

guide = CalibrationGuide("rack_3", CableSide.LEFT, length_m=1.0, weights_kg=(10.0,))
while (step := guide.step) is not None:
    ...  # show step.text; when the person is ready: guide.begin(); guide.take(sample) of step.seconds; guide.finish()
save_calibration([guide.calibration(now)])
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from kinecue.machine.calibration import CalibrationError, MachineCalibration, check_name, counts_of, units_of
from kinecue.machine.samples import CableSample, CableSide, EncoderSample
from kinecue.machine.simulated.model import GRAVITY
from kinecue.machine.still import Reading, read_still, unrolled

SECONDS = 3.0
PULLS = 3
LENGTHS_M = (0.2, 3.0)
"""A tape measure read to 3 mm gives 0.2 m within 1.5 %; no cable is pulled out further by an arm."""
TAPE_STD_M = 0.003
"""A tape measure between two handles, read by eye."""
WEIGHTS_KG = (1.0, 300.0)
WEIGHT_STD = 0.015
"""Of a plate: cast plates are sold within 2 to 3 %, calibrated ones within 0.1."""
LEAST_COUNTS = 20.0
"""Fewer steps over the measured length are no scale."""
LOOSE = 0.03
"""Share by which pulls of one length may differ; the handle is held by a hand."""
LOST = 0.01
"""Share of the length by which the count at rest may change from one pull to the next."""
SWINGS = 0.02
"""Share of a weight by which the reading may wander while it hangs."""
SIGMAS = 4.0
_BELIEVED_STILL_M = 0.005
_UNKNOWN_STILL = 200.0
"""Counts by which an encoder of unknown scale may wander at rest: 4 cm of a coarse one, 2 mm of a fine one."""


class Kind(Enum):
    """What is measured in a step."""

    REST = "rest"
    OUT = "out"
    BACK = "back"
    EMPTY = "empty"
    WEIGHT = "weight"


@dataclass(frozen=True)
class Step:
    """What the person has to do.

    Attributes:
        kind: what is measured.
        text: for the person.
        seconds: for how long to stay so.
        weight_kg: that hangs, for `Kind.WEIGHT`.
    """

    kind: Kind
    text: str
    seconds: float = SECONDS
    weight_kg: float = 0.0


class CalibrationGuide:
    """One cable: the encoder's zero, sign and scale; the load cell's zero and scale.

    Samples go to `take` all the time, so that a counter that rolls over is followed; what comes between `begin` and `finish`
    is measured. A step that is refused stays; it can be tried again. Samples must not have passed a calibration.

    Args:
        machine: its name.
        side: which cable.
        length_m: way by which the person pulls the handle out; None = the encoder is not calibrated.
        weights_kg: that are hung on the handle one after the other; () = the load cell is not calibrated.
        pulls: how often the handle is pulled out.

    Raises:
        CalibrationError: a value is not allowed, or nothing is to be calibrated.
    """

    def __init__(
        self,
        machine: str,
        side: CableSide = CableSide.NONE,
        length_m: float | None = None,
        weights_kg: Sequence[float] = (),
        pulls: int = PULLS,
    ) -> None:
        self._machine, self._side, self._length = check_name(machine), side, length_m
        if length_m is None and not weights_kg:
            raise CalibrationError(
                "nothing is to be calibrated: give a length for the encoder or a weight for the load cell"
            )
        if length_m is not None and not LENGTHS_M[0] <= length_m <= LENGTHS_M[1]:
            raise CalibrationError(f"length is {length_m!r} m, allowed: {LENGTHS_M[0]:g} to {LENGTHS_M[1]:g}")
        if not 1 <= pulls <= 10:
            raise CalibrationError(f"pulls is {pulls!r}, allowed: 1 to 10")
        for weight in weights_kg:
            if not WEIGHTS_KG[0] <= weight <= WEIGHTS_KG[1]:
                raise CalibrationError(
                    f"weight is {weight!r} kg, allowed: {WEIGHTS_KG[0]:g} to {WEIGHTS_KG[1]:g}"
                )
        self._steps = _steps(length_m, pulls, tuple(weights_kg))
        self._number = 0
        self._recording = False
        self._counts: list[tuple[int, float]] = []
        self._units: list[tuple[int, float]] = []
        self._rolled = 0.0
        self._last_count: float | None = None
        self._believed = math.nan
        self._rests: list[Reading] = []
        self._outs: list[Reading] = []
        self._rest_units: Reading | None = None
        self._loads: list[tuple[float, Reading]] = []
        self._scale: tuple[float, float] | None = None
        self._force: tuple[float, float, float, float] | None = None
        self.notes: list[str] = []

    @property
    def step(self) -> Step | None:
        """What is to be done now; None at the end."""
        return self._steps[self._number] if self._number < len(self._steps) else None

    @property
    def progress(self) -> tuple[int, int]:
        """Steps that are done, and all of them."""
        return self._number, len(self._steps)

    def begin(self) -> None:
        """The person is ready."""
        self._counts.clear()
        self._units.clear()
        self._recording = True

    def take(self, sample: CableSample | EncoderSample) -> None:
        """A sample, of whichever cable."""
        if sample.side != self._side:
            return
        if isinstance(sample, CableSample):
            if self._recording:
                self._units.append((sample.stamp_ns, units_of(sample)))
            return
        count = counts_of(sample)
        if not math.isfinite(count):
            return
        self._believed = sample.counts_per_metre
        if self._last_count is not None:
            self._rolled += count - self._last_count - unrolled(self._last_count, count)
        self._last_count = count
        if self._recording:
            self._counts.append((sample.stamp_ns, count - self._rolled))

    def finish(self) -> str:
        """The step is over; what was measured, in words.

        Raises:
            CalibrationError: it does not hold; the step is to be done again.
        """
        step, self._recording = self.step, False
        if step is None:
            raise CalibrationError("the calibration is at its end")
        of_force = step.kind in (Kind.EMPTY, Kind.WEIGHT)
        text = self._finish_force(step) if of_force else self._finish_encoder(step)
        self._number += 1
        return text

    def restart(self) -> None:
        """All of it again, after readings that contradict each other."""
        self._number = 0
        self._rests, self._outs, self._loads = [], [], []
        self._rest_units, self._scale, self._force = None, None, None
        self.notes.clear()

    def calibration(self, at: str) -> MachineCalibration:
        """What was measured.

        Args:
            at: date, ISO 8601 with the offset from UTC.

        Raises:
            CalibrationError: not all steps are done, or the readings contradict each other.
        """
        if self.step is not None:
            raise CalibrationError(f"step {self._number + 1} of {len(self._steps)} is still to be done")
        values: dict[str, float | str] = {}
        if self._scale is not None:
            scale, scale_std = self._scale
            zero = float(np.median([rest.value for rest in self._rests])) + self._rolled
            spread = float(np.std([rest.value for rest in self._rests]))
            values |= {
                "counts_per_metre": scale,
                "zero_count": zero,
                "counts_per_metre_std": scale_std,
                "zero_std": math.hypot(self._rests[0].std, spread),
                "encoder_at": at,
            }
        if self._force is not None:
            newton, newton_std, offset, offset_std = self._force
            values |= {
                "newton_per_unit": newton,
                "newton_per_unit_std": newton_std,
                "offset_units": offset,
                "offset_std": offset_std,
                "noise_units": self._loads[0][1].noise,
                "force_at": at,
            }
            if self._rest_units is not None:
                values["rest_units"] = self._rest_units.value
        return MachineCalibration(self._machine, self._side, **values)  # type: ignore[arg-type]

    # -- encoder

    def _finish_encoder(self, step: Step) -> str:
        if not self._counts:
            raise CalibrationError("the encoder sends nothing: is it connected, and is this the right cable?")
        stamps, counts = zip(*self._counts, strict=True)
        length = self._length or 0.0
        if step.kind is Kind.OUT:
            # a hand trembles
            way = abs(float(np.median(counts)) - self._rests[-1].value)
            reading = read_still("the handle", stamps, counts, max(0.005 * way, 2.0))
            self._outs.append(reading)
            return self._judge_out(reading, length)
        allowed = abs(self._believed) * _BELIEVED_STILL_M if math.isfinite(self._believed) else _UNKNOWN_STILL
        if self._outs:
            allowed = max(LOST * abs(self._outs[-1].value - self._rests[-1].value), 2.0)
        reading = read_still("the encoder", stamps, counts, max(allowed, 2.0))
        if step.kind is Kind.BACK:
            self._judge_back(reading)
        elif self._units and self._rest_units is None and any(math.isfinite(u) for _, u in self._units):
            times, units = zip(*self._units, strict=True)
            self._rest_units = read_still("the load cell at rest", times, units, math.inf)
        self._rests.append(reading)
        done = len(self._rests) - 1 == sum(each.kind is Kind.BACK for each in self._steps)
        if done and step.kind is Kind.BACK:
            return self._judge_scale(length)
        return f"count at rest {reading.value:.0f} +- {max(reading.std, 0.3):.1f}"

    def _judge_out(self, reading: Reading, length: float) -> str:
        moved = reading.value - self._rests[-1].value
        if abs(moved) < LEAST_COUNTS:
            self._outs.pop()
            raise CalibrationError(
                f"the encoder counted {abs(moved):.0f} over {length:g} m, needed: {LEAST_COUNTS:.0f} or more; "
                "was the handle pulled out, and is this the right cable?"
            )
        if len(self._outs) > 1:
            first = self._outs[0].value - self._rests[0].value
            if moved * first < 0.0:
                self._outs.pop()
                raise CalibrationError(
                    "the encoder counted the other way than in the first pull; was the handle pulled out?"
                )
            if abs(moved / first - 1.0) > LOOSE:
                self._outs.pop()
                raise CalibrationError(
                    f"this pull gave {abs(moved):.0f} counts, the first one {abs(first):.0f}: pull out the same length, "
                    "or begin again if the first was wrong"
                )
        return f"{abs(moved):.0f} counts for {length:g} m"

    def _judge_back(self, reading: Reading) -> None:
        moved = self._outs[-1].value - self._rests[-1].value
        lost = reading.value - self._rests[-1].value
        if abs(lost) > max(LOST * abs(moved), 3.0):
            raise CalibrationError(
                f"the counter is {lost:+.0f} off where it was at rest: either the handle is not all the way back, or the "
                "encoder slips or loses counts; that has to be mended first"
            )

    def _judge_scale(self, length: float) -> str:
        ways = [
            out.value - 0.5 * (before.value + after.value)
            for out, before, after in zip(self._outs, self._rests[:-1], self._rests[1:], strict=True)
        ]
        way = float(np.median(ways))
        spread = float(np.std(ways, ddof=1)) / abs(way) if len(ways) > 1 else LOOSE / 2.0
        share = math.hypot(spread / math.sqrt(len(ways)), TAPE_STD_M / length, 0.3 / abs(way))
        scale = way / length
        self._scale = scale, abs(scale) * share
        if math.isfinite(self._believed):
            off = scale / self._believed
            if off < 0.0:
                self.notes.append("the driver's sign is the wrong way round; it is put right from now on")
            if abs(abs(off) - 1.0) > max(0.03, 3.0 * share):
                self.notes.append(
                    f"the driver's scale is off: it believes {abs(self._believed):.5g} counts per metre"
                )
        return f"{scale:.5g} +- {abs(scale) * share:.2g} counts per metre ({100 * share:.1f} %)"

    # -- load cell

    def _finish_force(self, step: Step) -> str:
        if not any(math.isfinite(units) for _, units in self._units):
            raise CalibrationError(
                "the load cell sends nothing: is it connected, and is this the right cable?"
            )
        stamps, units = zip(*self._units, strict=True)
        if step.kind is Kind.EMPTY:
            known = np.asarray(units, dtype=np.float64)
            wander = 0.02 * abs(float(np.nanmedian(known))) if np.isfinite(known).any() else 0.0
            reading = read_still("the load cell", stamps, units, wander)
            self._loads = [(0.0, reading)]
            return f"{reading.value:.5g} units with nothing hanging, noise {reading.noise:.2g}"
        empty = self._loads[0][1]
        change = float(np.nanmedian(np.asarray(units, dtype=np.float64))) - empty.value
        reading = read_still("the weight", stamps, units, SWINGS * abs(change))
        doubt = SIGMAS * math.hypot(reading.std, empty.std)
        if abs(change) <= max(doubt, 5.0 * reading.noise / math.sqrt(reading.samples)):
            raise CalibrationError(
                f"the load cell reads {reading.value:.5g} units, with nothing hanging {empty.value:.5g}: it does not feel "
                f"the {step.weight_kg:g} kg"
            )
        self._loads.append((step.weight_kg * GRAVITY, reading))
        if len(self._loads) - 1 < sum(each.kind is Kind.WEIGHT for each in self._steps):
            return f"{reading.value:.5g} units with {step.weight_kg:g} kg"
        try:
            return self._judge_force()
        except CalibrationError:
            self._loads.pop()
            raise

    def _judge_force(self) -> str:
        # a driver that shows nothing below zero hides where its zero is
        clipped = self._loads[0][1].constant and self._loads[0][1].value == 0.0
        points = self._loads[1:] if clipped and len(self._loads) > 2 else self._loads
        if clipped:
            self.notes.append(
                "with nothing hanging the load cell shows exactly 0, which hides an offset below zero"
                + (
                    ": the line is that of the weights"
                    if points is not self._loads
                    else "; give two weights to find it"
                )
            )
        newtons = np.array([newton for newton, _ in points])
        units = np.array([reading.value for _, reading in points])
        readings = np.array([max(reading.std, 1e-9) for _, reading in points])
        rough = (newtons[-1] - newtons[0]) / (units[-1] - units[0]) if units[-1] != units[0] else math.nan
        if not math.isfinite(rough):
            raise CalibrationError("the load cell reads the same with both weights")
        # doubt of each point in newtons, the plate's own and the reading's
        std = np.hypot(WEIGHT_STD * newtons, np.abs(rough) * readings)
        design = np.stack([units, np.ones_like(units)], 1) / std[:, None]
        covariance = np.linalg.inv(design.T @ design)
        slope, shift = covariance @ design.T @ (newtons / std)
        misses = newtons - (slope * units + shift)
        worst = int(np.argmax(np.abs(misses) / std))
        if abs(misses[worst]) > SIGMAS * std[worst]:
            raise CalibrationError(
                f"the weights do not lie on one line: {newtons[worst] / GRAVITY:.4g} kg is off by "
                f"{abs(misses[worst]) / GRAVITY:.2g} kg; is one of them not what it says, or did it touch something?"
            )
        offset = -shift / slope
        at_offset = np.array([offset, 1.0])
        offset_std = math.sqrt(float(at_offset @ covariance @ at_offset)) / abs(slope)
        slope_std = math.sqrt(float(covariance[0, 0]))
        self._force = float(slope), slope_std, float(offset), offset_std
        if points is self._loads and len(points) == 2:
            self._force = float(slope), slope_std, self._loads[0][1].value, self._loads[0][1].std
        share = 100 * slope_std / abs(slope)
        return f"{slope:.5g} +- {slope_std:.2g} N per unit ({share:.1f} %), zero at {offset:.5g} units"


def _steps(length_m: float | None, pulls: int, weights_kg: tuple[float, ...]) -> tuple[Step, ...]:
    steps: list[Step] = []
    if length_m is not None:
        steps.append(Step(Kind.REST, "Let the handle rest where it rests by itself, and let go of it."))
        for number in range(pulls):
            again = "" if number == 0 else " again"
            steps.append(
                Step(
                    Kind.OUT,
                    f"Pull the handle out by {length_m:g} m{again}, by a tape measure, and hold it still.",
                )
            )
            steps.append(Step(Kind.BACK, "Lead the handle all the way back, and let go of it."))
    if weights_kg:
        steps.append(Step(Kind.EMPTY, "Take everything off the handle: nothing may pull at the cable."))
        for weight in weights_kg:
            steps.append(
                Step(
                    Kind.WEIGHT,
                    f"Hang {weight:g} kg on the handle, freely, and wait until it does not swing.",
                    weight_kg=weight,
                )
            )
    return tuple(steps)
