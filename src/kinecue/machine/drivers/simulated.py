"""The simulated machine as a driver: it goes after a person, a recorded track, or the hands of the simulated gym."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kinecue.machine.drivers.base import GATHER_S, READ_S, DriverCounts, Sample
from kinecue.machine.samples import CableSample, CableSide, EncoderSample
from kinecue.machine.simulated.flaws import SensorFlaws
from kinecue.machine.simulated.model import MachineModel
from kinecue.machine.simulated.motion import LiveMotion
from kinecue.machine.simulated.simulator import CableMachineSimulator, machines_of, unused
from kinecue.machine.simulated.stream import SampleStream
from kinecue.machine.simulated.truth_file import CableTrack


@dataclass(frozen=True)
class SimulatedSettings:
    """What is simulated.

    Attributes:
        model: of each cable; the sides are set here.
        flaws: of the sensors.
        rate_hz: samples a second, 50 to 1000.
        seed: of all chance.
    """

    model: MachineModel
    flaws: SensorFlaws
    rate_hz: float = 100.0
    seed: int = 0


class SimulatedDriver:
    """A machine that is not there. All but `open`, `read` and `close` may be called from any thread.

    Args:
        settings: what is simulated.
        travel_m: with `sides`: cable that is out at full range, m.
        sides: of a machine that goes after a person (`follow`).
        tracks: of one that goes along recorded tracks, once `begin` says when; () = its cables hang unused.
    """

    def __init__(
        self,
        settings: SimulatedSettings,
        travel_m: float = 0.5,
        sides: Sequence[CableSide] = (),
        tracks: Sequence[CableTrack] | None = None,
    ) -> None:
        self.name = "simulated machine"
        self.patience_s = math.inf
        self.counts = DriverCounts()
        self._settings = settings
        self._lock = threading.Lock()
        self._recorded = not sides
        self._machines: tuple[CableMachineSimulator, ...] | None = None
        self._begin_ns: int | None = None
        self._streams: list[SampleStream] = []
        self._due_ns: int | None = None
        if sides:
            self._machines = tuple(
                CableMachineSimulator(
                    LiveMotion(travel_m), replace(settings.model, side=side), settings.flaws, settings.seed
                )
                for side in sides
            )
        elif tracks is not None:
            self._machines = self._of(tracks)

    def _of(self, tracks: Sequence[CableTrack]) -> tuple[CableMachineSimulator, ...]:
        settings = self._settings
        return machines_of(tracks, settings.model, settings.flaws, settings.seed)

    @property
    def cables(self) -> int | None:
        """How many there are; None before the tracks are known."""
        return None if self._machines is None else len(self._machines)

    def open(self) -> None:
        """Begin the streams anew."""
        with self._lock:
            self._streams, self._due_ns = [], None

    def close(self) -> None:
        """Nothing is held."""

    def follow(self, progress: float, stamp_ns: int) -> None:
        """Where the person is whom the machine goes after: 0 start position to 1 full range."""
        with self._lock:
            for machine in self._machines or ():
                machine.follow(progress, stamp_ns)

    def begin(self, start_ns: int) -> None:
        """When the recorded tracks begin. The first word counts; an earlier one means a clock that was set back."""
        with self._lock:
            if self._begin_ns is None or start_ns < self._begin_ns:
                self._begin_ns, self._streams = start_ns, []

    def perform(self, tracks: Sequence[CableTrack], start_ns: int) -> None:
        """Go along other tracks, from a time on."""
        machines = self._of(tracks)
        with self._lock:
            self._machines, self._begin_ns, self._streams = machines, start_ns, []

    def read(self, now_ns: int) -> list[Sample]:
        """What has arrived; up to 125 Hz one sample of each sensor at a time."""
        now_ns += self._wait(now_ns)
        with self._lock:
            return self._arrived(now_ns)

    def truth(self, now_ns: int) -> list[tuple[CableSample, EncoderSample]]:
        """What is true of each cable, stamped with the time that it is asked for."""
        with self._lock:
            if self._recorded and self._begin_ns is None:
                return []
            begin = self._begin_ns or 0
            return [
                (replace(cable, stamp_ns=now_ns), replace(encoder, stamp_ns=now_ns))
                for cable, encoder in (m.true_samples(now_ns - begin) for m in self._machines or ())
            ]

    def _wait(self, now_ns: int) -> int:
        """Wait for the next sample; how long that took, ns."""
        period = round(1e9 * max(1.0 / self._settings.rate_hz, GATHER_S))
        due = self._due_ns
        if due is None or due - now_ns > period:
            # the first sample, or a clock that was set back
            due = now_ns
        behind = max(now_ns - due, 0)
        self._due_ns = due + (behind // period + 1) * period
        wait = min(due - now_ns, round(READ_S * 1e9))
        if wait <= 0:
            return 0
        begun = time.monotonic_ns()
        time.sleep(wait * 1e-9)
        return time.monotonic_ns() - begun

    def _arrived(self, now_ns: int) -> list[Sample]:
        if self._machines == ():
            return list(unused(now_ns))
        if self._machines is None or (self._recorded and self._begin_ns is None):
            return []
        begin = self._begin_ns or 0 if self._recorded else 0
        if not self._streams:
            self._streams = [
                SampleStream(machine, self._settings.rate_hz, now_ns - begin) for machine in self._machines
            ]
        samples: list[Sample] = []
        for stream in self._streams:
            for pair in stream.due(now_ns - begin):
                for sample in pair:
                    if sample is not None:
                        shifted = replace(sample, stamp_ns=sample.stamp_ns + begin) if begin else sample
                        samples.append(shifted)
        return samples
