"""Keeps a driver running: opens it, reads it in a thread of its own, and opens it again when it went away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from kinecue.body.errors import KineCueError
from kinecue.machine.drivers.base import Driver, DriverError, DriverLost, Sample
from kinecue.machine.drivers.tally import StreamState, Tally

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 0.5
"""Between two tries to open, doubling: a bumped plug is back at once, and a missing one costs two looks a second."""
STEADY_S = 5.0
"""A source that stayed for so long is tried quickly again when it goes; one that comes and goes is not."""
_STOP_S = 6.0
"""pyserial tries for 5 s to reach a gateway in the network."""


class Link(Enum):
    """How a driver is."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"


@dataclass(frozen=True)
class LinkState:
    """State of a driver and what happened to it.

    Attributes:
        link: how it is now.
        connections: how often it was opened.
        lost: how often it went away again.
        tries: to open it that failed since it was last open.
        error: why it went or does not open; empty while it is connected.
        outage_s: how long it was away in all since it was first open, s, without an outage that goes on.
        last_outage_s: the newest of these, s; 0 without one.
        streams: of each sensor of each cable.
    """

    link: Link = Link.STOPPED
    connections: int = 0
    lost: int = 0
    tries: int = 0
    error: str = ""
    outage_s: float = 0.0
    last_outage_s: float = 0.0
    streams: tuple[StreamState, ...] = ()

    @property
    def reconnections(self) -> int:
        """How often it came back."""
        return max(self.connections - 1, 0)


class Supervisor:
    """Runs one driver.

    Args:
        driver: to be run.
        deliver: called with what was read, in the driver's thread. An error of it is handed to `report` and does no harm.
        clock: ns, by which samples without a clock of their own are stamped.
        on_link: called in the same thread when the state changes.
        report: called with errors that are nobody's plan.
        first_wait_s, longest_wait_s: between two tries to open.
    """

    def __init__(
        self,
        driver: Driver,
        deliver: Callable[[Sequence[Sample]], None],
        clock: Callable[[], int] = time.time_ns,
        on_link: Callable[[LinkState], None] | None = None,
        report: Callable[[BaseException], None] | None = None,
        first_wait_s: float = FIRST_WAIT_S,
        longest_wait_s: float = LONGEST_WAIT_S,
    ) -> None:
        self.driver = driver
        self._deliver = deliver
        self._clock = clock
        self._on_link = on_link
        self._report = report
        self._waits = (first_wait_s, longest_wait_s)
        self._tally = Tally()
        self._state = LinkState()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; returns at once, whether there is a device or not."""
        if self._thread is not None:
            return
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="machine-driver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the driver; harmless if it never started.

        Raises:
            DriverError: the driver does not come back from a call.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stop.set()
        thread.join(_STOP_S)
        if thread.is_alive():
            raise DriverError(f"{self.driver.name}: does not answer, its thread could not be ended")

    @property
    def state(self) -> LinkState:
        """How it is going, with rates since the last call."""
        return replace(self._state, streams=self._tally.read())

    # -- in the thread

    def _run(self) -> None:
        wait = self._waits[0]
        lost_at: float | None = None
        try:
            while not self._stop.is_set():
                if not self._connect(lost_at):
                    self._stop.wait(wait)
                    wait = min(2.0 * wait, self._waits[1])
                    continue
                begun = time.monotonic()
                error = self._read()
                if error is None:
                    return
                self._close()
                lost_at = time.monotonic()
                if lost_at - begun > STEADY_S:
                    wait = self._waits[0]
                self._change(link=Link.LOST, lost=self._state.lost + 1, error=error)
                self._stop.wait(wait)
                wait = min(2.0 * wait, self._waits[1])
        finally:
            self._close()
            self._change(link=Link.STOPPED, error="")

    def _connect(self, lost_at: float | None) -> bool:
        if self._state.link != Link.LOST:
            self._change(link=Link.CONNECTING)
        try:
            self.driver.open()
        except Exception as error:
            self._tell_unplanned(error)
            self._close()
            self._change(tries=self._state.tries + 1, error=str(error))
            return False
        away = 0.0 if lost_at is None else time.monotonic() - lost_at
        self._change(
            link=Link.CONNECTED,
            connections=self._state.connections + 1,
            tries=0,
            error="",
            outage_s=self._state.outage_s + away,
            last_outage_s=away if lost_at is not None else 0.0,
        )
        return True

    def _read(self) -> str | None:
        """Read until it is stopped (None) or the source is lost (why)."""
        heard = time.monotonic()
        patience = self.driver.patience_s
        while not self._stop.is_set():
            try:
                samples = self.driver.read(self._clock())
            except Exception as error:
                self._tell_unplanned(error)
                return str(error)
            now = time.monotonic()
            if samples:
                heard = now
                self._tally.add(samples, now)
                try:
                    self._deliver(samples)
                except Exception as error:
                    if self._report is not None:
                        self._report(error)
            elif now - heard > patience:
                return f"{self.driver.name}: nothing came for {patience:g} s"
        return None

    def _close(self) -> None:
        try:
            self.driver.close()
        except Exception as error:
            self._tell_unplanned(error)

    def _tell_unplanned(self, error: BaseException) -> None:
        """A driver of somebody else that fails in its own way is opened again like any other, and it is told."""
        if not isinstance(error, (DriverError, DriverLost, KineCueError)) and self._report is not None:
            self._report(error)

    def _change(self, **changes: object) -> None:
        before = self._state
        self._state = replace(before, **changes)  # type: ignore[arg-type]
        if self._on_link is not None and self._state != before:
            try:
                self._on_link(self._state)
            except Exception as error:
                if self._report is not None:
                    self._report(error)
