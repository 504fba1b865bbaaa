"""From the clock of a microcontroller, which counts since it was switched on, to stamps that others can use."""

from __future__ import annotations

from kinecue.machine.drivers.base import DriverCounts

SETTLE_NS = 100_000_000
"""Samples of so long are compared for the least delay before the first is handed on."""
LIMIT_NS = 1_000_000_000
"""No sample is stamped so far from its arrival: the device's clock began anew, or this computer's was set."""
BACK_NS = 50_000_000
"""A device's clock that steps back so far began anew; two cables read one after the other are closer."""
WINDOW_NS = 5_000_000_000
"""So long all samples have to be late before that is believed; a computer that stood still catches up sooner."""


class DeviceClock:
    """Adds one constant to the device's time, so that stamps keep the device's even spacing and drift.

    The constant is the least delay of the first samples (Cristian 1989: the fastest message bounds the offset best).
    What remains of offset and drift is found later from the movement itself (`MachineClock`); a constant that followed
    arrivals would hide the one and shake the other.

    Args:
        wrap_ns: the device's clock starts at 0 again after so long.
        counts: where restarts are added.
    """

    def __init__(self, wrap_ns: int, counts: DriverCounts) -> None:
        self._wrap = wrap_ns
        self._counts = counts
        self._device: int | None = None
        self._first_ns = self._first_device = self._newest_ns = 0
        self._least = 0
        self._offset: int | None = None
        self._window_ns = 0
        self._window_least = 0

    def forget(self) -> None:
        """The device was opened anew and may have been switched off."""
        self._device = self._offset = None

    @property
    def offset_ns(self) -> int | None:
        """What is added to the device's time; None while it is not known yet."""
        return self._offset

    def take(self, device_ns: int, received_ns: int) -> int:
        """The device's time without wrapping, ns, of a sample that arrived now.

        Args:
            device_ns: what the device's clock shows, 0 up to `wrap_ns`.
            received_ns: when it arrived, by this computer's clock.
        """
        if self._device is not None:
            ahead = (device_ns - self._device) % self._wrap
            back = ahead > self._wrap // 2
            device = self._device + (ahead - self._wrap if back else ahead)
            if self._device - device <= BACK_NS and self._plausible(device, received_ns):
                self._device = max(device, self._device)
                return device
            self._counts.restarts += 1
        self._device = device_ns
        self._first_ns, self._first_device, self._newest_ns = received_ns, device_ns, received_ns
        self._window_ns = received_ns
        self._least = self._window_least = received_ns - device_ns
        self._offset = None
        return device_ns

    def _plausible(self, device: int, received_ns: int) -> bool:
        delay = received_ns - device
        if self._offset is None:
            # a device that restarts, or a clock that is set, in the very first moment
            if abs(delay - self._least) > LIMIT_NS:
                return False
            self._least = min(self._least, delay)
            # lines that waited in a buffer come at once; the newest of them tell the least delay
            later, self._newest_ns = received_ns > self._newest_ns, received_ns
            if later and max(received_ns - self._first_ns, device - self._first_device) >= SETTLE_NS:
                self._offset = self._least
                self._window_ns, self._window_least = received_ns, delay
            return True
        late = delay - self._offset
        if late < -LIMIT_NS:
            return False
        self._window_least = min(self._window_least, delay)
        if received_ns - self._window_ns < WINDOW_NS:
            return True
        always_late = self._window_least - self._offset > LIMIT_NS
        self._window_ns, self._window_least = received_ns, delay
        return not always_late
