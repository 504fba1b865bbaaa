"""A cable machine that is not there: what is true of it, and what its sensors say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from kinecue.body.errors import KineCueError
from kinecue.body.measurement import Reason, Validity
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample
from kinecue.machine.simulated.draws import Draws
from kinecue.machine.simulated.flaws import SensorFlaws
from kinecue.machine.simulated.mechanics import Column, Mechanics
from kinecue.machine.simulated.model import MachineModel
from kinecue.machine.simulated.motion import LiveMotion, Motion
from kinecue.machine.simulated.sensors import Encoder, LoadCell, SampleClock
from kinecue.machine.simulated.stream import SampleStream
from kinecue.machine.simulated.truth_file import CableTrack

SPEED_WINDOW_NS = 20_000_000
"""The encoder's speed is the difference of its counts over this time."""
STILL_M_S = 0.02
SLACK_N = 3.0
"""A machine that reads less than that calls its cable slack."""
Samples = tuple[CableSample | None, EncoderSample | None]
"""Of both sensors; None for one that was lost."""


@dataclass(frozen=True)
class MachineTruth:
    """What is true of one cable at a time, without sensors.

    Attributes:
        stamp_ns: the time, by the clock of the camera.
        side: which cable.
        tension_n: of the cable at the handle, N.
        cable_m: cable between pulley and handle that is out of the rest position, m.
        speed_m_s: of the handle along the cable, positive when it is pulled out.
        acceleration_m_s2: the same way.
        slack_m: cable that hangs through, m.
        stack_m: height of the stack over its bumper, m; of a drive, what corresponds to it.
        stack_speed_m_s: upwards positive.
        wound_m: cable that has left the pulley, m: what an encoder without a flaw reads.
        wound_speed_m_s: positive when it leaves.
        resistance_n: load, curve, overload and speed limit, as felt at the handle, N.
        load_n: what the machine was set to, N.
        overloaded: the drive adds load on the way back.
        end_stop: the stack touches its bumper or the upper stop.
        work_j: done by the hand since the motion began, J.
        taken_j: of that, put into the resistance: a stack's potential energy, what a drive takes.
        lost_j: to friction, damping and bumpers.
        stored_j: in motion, stretched cable and bumpers now.
        pulley_m: where the cable leaves the machine, base frame, m; NaN if not known.
    """

    stamp_ns: int
    side: CableSide
    tension_n: float
    cable_m: float
    speed_m_s: float
    acceleration_m_s2: float
    slack_m: float
    stack_m: float
    stack_speed_m_s: float
    wound_m: float
    wound_speed_m_s: float
    resistance_n: float
    load_n: float
    overloaded: bool
    end_stop: bool
    work_j: float
    taken_j: float
    lost_j: float
    stored_j: float
    pulley_m: tuple[float, float, float]


class CableMachineSimulator:
    """One cable of a simulated machine with its sensors.

    On a recorded track truth and readings are functions of time: the same motion, model, flaws, seed and time give the
    same values, in whatever order and how often they are asked for. Led by a person (`LiveMotion`) it goes along with
    time; the last 12 s can be read.

    Args:
        motion: of the handle.
        model: of the machine.
        flaws: of its sensors.
        seed: of all chance; the two cables of a machine differ by their side.
    """

    def __init__(
        self,
        motion: Motion,
        model: MachineModel | None = None,
        flaws: SensorFlaws | None = None,
        seed: int = 0,
    ) -> None:
        self._motion = motion
        self.model = model or MachineModel()
        self.flaws = flaws or SensorFlaws()
        draws = Draws(seed, int(self.model.side))
        self._mechanics = Mechanics(motion, self.model)
        self._load_cell = LoadCell(self._mechanics, self.flaws.force, draws)
        self._encoder = Encoder(self._mechanics, self.flaws.encoder, draws)
        self.clock = SampleClock(self.flaws.clock, draws)

    def follow(self, progress: float, stamp_ns: int) -> None:
        """Tell a machine with a `LiveMotion` where the person in front of the camera is.

        Args:
            progress: 0 start position to 1 full range; NaN is ignored.
            stamp_ns: acquisition time of the frame it comes from.

        Raises:
            KineCueError: the machine follows a recorded track.
        """
        if not isinstance(self._motion, LiveMotion):
            raise KineCueError(
                "the simulated machine follows a recorded track; only one with LiveMotion can be led"
            )
        self._motion.follow(progress, stamp_ns)

    def truth(self, stamp_ns: int) -> MachineTruth | None:
        """What is true at a time; None while nobody leads the machine."""
        if not self._mechanics.reach(stamp_ns):
            return None
        row = self._mechanics.at(stamp_ns).tolist()
        model = self.model
        wound, speed, hand = row[Column.OUT], row[Column.SPEED], row[Column.HAND]
        over_bumper = wound + model.clearance_m
        return MachineTruth(
            stamp_ns=stamp_ns,
            side=model.side,
            tension_n=max(row[Column.TENSION], 0.0),
            cable_m=hand,
            speed_m_s=row[Column.HAND_SPEED],
            acceleration_m_s2=row[Column.HAND_ACCELERATION],
            slack_m=max(wound - hand - model.static_load(0.0) / model.stiffness_n_m, 0.0),
            stack_m=over_bumper / model.ratio,
            stack_speed_m_s=speed / model.ratio,
            wound_m=wound,
            wound_speed_m_s=speed,
            resistance_n=row[Column.RESISTANCE],
            load_n=model.load_n,
            overloaded=model.eccentric_overload > 0.0 and speed < -STILL_M_S,
            end_stop=not 0.0 < over_bumper < model.travel_m,
            work_j=row[Column.WORK],
            taken_j=row[Column.TAKEN],
            lost_j=row[Column.LOST],
            stored_j=row[Column.STORED],
            pulley_m=self._motion.pulley_m,
        )

    def true_samples(self, stamp_ns: int) -> tuple[CableSample, EncoderSample]:
        """The truth in the shape of samples, as sensors without a flaw and without steps would give them."""
        truth = self.truth(stamp_ns)
        if truth is None:
            return self._silence(stamp_ns)
        scale = self.flaws.encoder.counts_per_metre
        slack = truth.tension_n == 0.0
        cable = self._cable(
            truth, stamp_ns, truth.tension_n, truth.wound_speed_m_s, truth.wound_m, slack, False
        )
        encoder = EncoderSample(
            stamp_ns,
            truth.wound_m,
            truth.wound_speed_m_s,
            _direction(truth.wound_speed_m_s),
            math.floor(truth.wound_m * scale + 0.5),
            scale,
            self.model.side,
        )
        return cable, encoder

    def read(self, stamp_ns: int, key: int | None = None) -> Samples:
        """What both sensors say at a time, with the stamp that the machine's clock gives it; None = sample lost.

        Args:
            stamp_ns: the time, by the clock of the camera.
            key: number of the sample, on which noise depends; by default it depends on the time.
        """
        truth = self.truth(stamp_ns)
        if truth is None:
            return self._silence(stamp_ns)
        key = stamp_ns if key is None else key
        stamp = self.stamp(stamp_ns, key)
        count = self._encoder.count(stamp_ns)
        scale = self._encoder.reported_scale
        position = self._encoder.position(count)
        elapsed = SPEED_WINDOW_NS * 1e-9
        speed = (position - self._encoder.position(self._encoder.count(stamp_ns - SPEED_WINDOW_NS))) / elapsed
        force, cable_speed, saturated = self._load_cell.read(stamp_ns, key)
        cable = self._cable(truth, stamp, force, cable_speed, position, force < SLACK_N, saturated)
        encoder = EncoderSample(stamp, position, speed, _direction(speed), count, scale, self.model.side)
        return (
            cable if self._load_cell.arrives(stamp_ns, key) else None,
            encoder if self._encoder.arrives(stamp_ns, key) else None,
        )

    def stamp(self, stamp_ns: int, key: int) -> int:
        """What the machine's clock shows at a time, for the sample of a number."""
        began = self._mechanics.began_ns
        return self.clock.stamp(stamp_ns, stamp_ns if began is None else began, key)

    def samples(self, rate_hz: float, start_ns: int, duration_s: float) -> Iterator[Samples]:
        """What arrives of samples at a steady rate, in the order in which it arrives.

        Raises:
            KineCueError: the rate is outside 50 to 1000 Hz.
        """
        yield from SampleStream(self, rate_hz, start_ns).all(duration_s)

    def _cable(
        self,
        truth: MachineTruth,
        stamp_ns: int,
        tension_n: float,
        speed_m_s: float,
        position_m: float,
        slack: bool,
        saturated: bool,
    ) -> CableSample:
        flags = CableFlag.SIMULATED
        if slack:
            flags |= CableFlag.SLACK
        if truth.overloaded:
            flags |= CableFlag.ECCENTRIC_OVERLOAD
        if saturated:
            flags |= CableFlag.SATURATED
        return CableSample(
            stamp_ns,
            tension_n,
            speed_m_s,
            position_m,
            truth.pulley_m,
            self.model.load_n,
            self.model.side,
            flags,
        )

    def _silence(self, stamp_ns: int) -> tuple[CableSample, EncoderSample]:
        side, nan = self.model.side, math.nan
        cable = no_cable_sample(stamp_ns, self._motion.pulley_m, self.model.load_n, side)
        scale = self._encoder.reported_scale
        encoder = EncoderSample(
            stamp_ns, nan, nan, Direction.STILL, 0, scale, side, Validity.ABSTAINED, Reason.STALE
        )
        return cable, encoder


def _direction(speed_m_s: float) -> Direction:
    if abs(speed_m_s) <= STILL_M_S:
        return Direction.STILL
    return Direction.OUT if speed_m_s > 0.0 else Direction.BACK


def no_cable_sample(
    stamp_ns: int,
    pulley_m: tuple[float, float, float] = (math.nan, math.nan, math.nan),
    load_n: float = math.nan,
    side: CableSide = CableSide.NONE,
) -> CableSample:
    """A force sample without a reading."""
    nan = math.nan
    return CableSample(stamp_ns, nan, nan, nan, pulley_m, load_n, side, CableFlag.SIMULATED)


def unused(stamp_ns: int) -> tuple[CableSample, EncoderSample]:
    """What a machine says whose cable nobody holds: no reading, because there is nothing to sense."""
    nan = math.nan
    encoder = EncoderSample(
        stamp_ns,
        nan,
        nan,
        Direction.STILL,
        0,
        nan,
        validity=Validity.ABSTAINED,
        reason=Reason.NO_SENSOR,
    )
    return no_cable_sample(stamp_ns), encoder


def machines_of(
    tracks: Sequence[CableTrack],
    model: MachineModel | None = None,
    flaws: SensorFlaws | None = None,
    seed: int = 0,
) -> tuple[CableMachineSimulator, ...]:
    """A machine for each cable of a clip, alike but for their sides; none for a clip without cables."""
    model = model or MachineModel()
    return tuple(
        CableMachineSimulator(track.motion, replace(model, side=track.side), flaws, seed) for track in tracks
    )
