"""Stamps of one stream of samples: do they rise, and do they come as often as they should."""

from __future__ import annotations

from kinecue.machine.checking.findings import NANOSECONDS, CheckLimits, Ledger, Share
from kinecue.machine.samples import CableSide

RESTART_AFTER = 5
"""So many stamps in a row that rise but are older than the newest: the clock was set back, or one was from the future."""
WINDOW = 500
"""Samples over which rate and loss are taken: at 10 % loss known to 1.3 %."""
LONGEST_WINDOW_NS = 10 * NANOSECONDS
SLOWEST_HZ = 40.0
"""Fewer samples a second than that are told: 50 is the least that is asked of a machine."""


class StampWatch:
    """Order, gaps and losses of one stream.

    Attributes:
        newest_ns: stamp of the newest sample in order.
        gap_ns: from the one before to it; 0 for the first.
        restarted: this stamp begins a new time.
    """

    def __init__(self, name: str, side: CableSide, limits: CheckLimits, ledger: Ledger) -> None:
        self._name, self._side, self._limits, self._ledger = name, side, limits, ledger
        self._gap_limit_ns = round(limits.gap_s * NANOSECONDS)
        self._late_ns = round(limits.late_s * NANOSECONDS)
        self._late = Share(300)
        self._begun = False
        self.newest_ns = 0
        self._begin(0)

    def _begin(self, stamp_ns: int) -> None:
        self.gap_ns = 0
        self.restarted = False
        self._previous_ns = stamp_ns
        self._older = self._repeated = 0
        self._steps: list[int] = []
        self._received = 0
        self._window_ns = stamp_ns

    def fresh(self, stamp_ns: int) -> bool:
        """Whether a sample is newer than all before it; what is not cannot be used."""
        if not self._begun:
            self._begun = True
            self._begin(stamp_ns)
            self.newest_ns = stamp_ns
            return True
        self._received += 1
        step = stamp_ns - self.newest_ns
        self.restarted = False
        if step <= 0:
            return self._old(stamp_ns, step)
        self._late.add(False)
        self._older = self._repeated = 0
        self._previous_ns = self.newest_ns = stamp_ns
        self.gap_ns = step
        if step > self._gap_limit_ns:
            self._ledger.note(
                "gaps", self._side, stamp_ns, f"{self._name}: no sample for {step / NANOSECONDS:.2f} s"
            )
            self._steps.clear()
            self._received, self._window_ns = 0, stamp_ns
            return True
        self._steps.append(step)
        if len(self._steps) >= WINDOW or stamp_ns - self._window_ns > LONGEST_WINDOW_NS:
            self._judge_rate(stamp_ns)
        return True

    def _old(self, stamp_ns: int, step: int) -> bool:
        repeated = stamp_ns == self._previous_ns
        self._repeated = self._repeated + 1 if repeated else 0
        self._older = self._older + 1 if stamp_ns > self._previous_ns or self._older == 0 else 1
        self._previous_ns = stamp_ns
        self._late.add(repeated or step < -self._late_ns)
        if self._older >= RESTART_AFTER and not repeated:
            self._ledger.note(
                "stamps",
                self._side,
                stamp_ns,
                f"{self._name}: the machine's clock went back by {-step / NANOSECONDS:.3g} s; begun anew",
            )
            self._begin(stamp_ns)
            self.newest_ns = stamp_ns
            self.restarted = True
            return True
        if self._repeated >= RESTART_AFTER:
            self._ledger.note(
                "stamps",
                self._side,
                self.newest_ns,
                f"{self._name}: stamps stand still; samples are not used",
            )
        elif self._late.value > self._limits.late_share:
            self._ledger.note(
                "stamps",
                self._side,
                self.newest_ns,
                f"{self._name}: {100 * self._late.value:.0f} % of stamps repeat or go back; those are not used",
            )
        return False

    def _judge_rate(self, stamp_ns: int) -> None:
        steps = sorted(self._steps)
        usual = steps[len(steps) // 2]
        span = stamp_ns - self._window_ns
        lost = 1.0 - self._received * usual / span
        rate = self._received * NANOSECONDS / span
        if lost > self._limits.loss:
            text = f"{self._name}: {100 * lost:.0f} % of samples are lost, {rate:.0f} a second arrive"
            self._ledger.note("loss", self._side, stamp_ns, text)
        elif rate < SLOWEST_HZ:
            text = f"{self._name}: {rate:.0f} samples a second arrive, 50 are needed"
            self._ledger.note("loss", self._side, stamp_ns, text)
        self._steps.clear()
        self._received, self._window_ns = 0, stamp_ns
