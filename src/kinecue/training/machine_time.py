"""Machine time to camera time: by the movement itself as soon as that is known, until then by when samples arrive."""

from __future__ import annotations

from collections import deque

from kinecue.training.clock import ClockEstimate, ClockEstimator, ClockState

_JUMP_NS = 1_000_000_000
"""An arrival that is off by more than this, and goes on so, is another clock."""
_BELIEVED_NS = 700_000_000
"""The movement's offset may differ from that of the arrivals by so much: sensors and networks are no later than this. A
cadence that is taken for the one next to it is off by a whole repetition."""
_SPACING_NS = 8_000_000
"""The clock needs no more than some hundred positions a second."""


class MachineTime:
    """Maps the stamps of machine samples to the time of the camera's stamps.

    A sample arrives a little after it was taken; so the smallest difference between the two clocks on arrival is the
    offset, to some tens of milliseconds, from the first sample on. That is enough to tell which repetitions belong
    together. Once `ClockEstimator` knows the offset from the movement, and does not contradict, that one is used.
    """

    def __init__(self) -> None:
        self._clock = ClockEstimator()
        self._arrivals: deque[int] = deque(maxlen=90)
        self._off = 0
        self._newest_fed = 0

    def reset(self) -> None:
        """Another machine."""
        self._clock.reset()
        self._arrivals.clear()
        self._off = self._newest_fed = 0

    def arrived(self, stamp_ns: int, now_ns: int) -> None:
        """A sample of machine time `stamp_ns` was there at the camera's time `now_ns`; once a batch, with the newest."""
        offset = now_ns - stamp_ns
        if self._arrivals and abs(offset - min(self._arrivals)) > _JUMP_NS:
            self._off += 1
            if self._off < 3:
                return
            self._arrivals.clear()
        self._off = 0
        self._arrivals.append(offset)

    def camera(self, stamp_ns: int, progress: float, progress_std: float) -> None:
        """Progress of a frame."""
        self._clock.camera(stamp_ns, progress, progress_std)

    def machine(self, stamp_ns: int, position_m: float) -> None:
        """Position of the handle; of both, their mean."""
        if stamp_ns - self._newest_fed >= _SPACING_NS or stamp_ns < self._newest_fed - _JUMP_NS:
            self._newest_fed = stamp_ns
            self._clock.machine(stamp_ns, position_m)

    @property
    def estimate(self) -> ClockEstimate:
        """What the movement says of the clocks."""
        return self._clock.estimate()

    @property
    def by_movement(self) -> bool:
        """The offset is that of the movement, good to some 20 ms."""
        estimate = self._clock.estimate()
        if estimate.state is not ClockState.KNOWN:
            return False
        if not self._arrivals:
            return True
        at = self._newest_fed
        return abs(self._clock.to_camera(at) - at - min(self._arrivals)) <= _BELIEVED_NS

    def to_camera(self, stamp_ns: int) -> int:
        """Camera time of a machine time."""
        if self.by_movement:
            return self._clock.to_camera(stamp_ns)
        return stamp_ns + (min(self._arrivals) if self._arrivals else 0)

    def to_machine(self, stamp_ns: int) -> int:
        """Machine time of a camera time."""
        if self.by_movement:
            return self._clock.to_machine(stamp_ns)
        return stamp_ns - (min(self._arrivals) if self._arrivals else 0)
