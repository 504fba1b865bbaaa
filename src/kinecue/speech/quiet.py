"""When the coach keeps silent: muted, or in quiet hours."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from kinecue.speech.errors import QuietHoursError

_WINDOW = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")
HOW_TO_WRITE = 'times of day as "22:00-06:30" or "13:00-15:00, 22:00-06:30", or nothing'
_DAY_MIN = 24 * 60

DANGER = "danger"
KINDS = (DANGER, "correction", "praise", "count", "summary", "system", "encouragement")
"""Kinds of cues that quiet hours know."""


def local_minute() -> int:
    """Minutes of the day that the clock on this machine's wall shows."""
    now = time.localtime()
    return now.tm_hour * 60 + now.tm_min


@dataclass(frozen=True)
class QuietHours:
    """Windows of the local day, in minutes from midnight, [from, to); one may go over midnight."""

    windows: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> QuietHours:
        """Read them; see `HOW_TO_WRITE`.

        Raises:
            QuietHoursError: they are written otherwise, or a window is empty.
        """
        windows = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            found = _WINDOW.fullmatch(part)
            if found is None:
                raise QuietHoursError(f"'{part}' is no time, allowed: {HOW_TO_WRITE}")
            hours = [int(number) for number in found.groups()]
            first, last = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
            if first == last:
                raise QuietHoursError(f"'{part}' begins when it ends, allowed: {HOW_TO_WRITE}")
            windows.append((first, last))
        return cls(tuple(windows))

    def window_at(self, minute: int) -> str:
        """The window that a minute of the day is in, as it is written; empty = none."""
        for first, last in self.windows:
            inside = first <= minute < last if first < last else minute >= first or minute < last
            if inside:
                return f"{first // 60:02}:{first % 60:02}-{last // 60:02}:{last % 60:02}"
        return ""


def parse_kinds(text: str) -> frozenset[str]:
    """Kinds of cues, separated by commas; danger is always among them.

    Raises:
        QuietHoursError: a kind does not exist.
    """
    kinds = {part.strip() for part in text.split(",")} - {""}
    for kind in sorted(kinds - set(KINDS)):
        raise QuietHoursError(f"'{kind}' is no kind of cue, allowed: {', '.join(KINDS)}")
    return frozenset(kinds | {DANGER})


@dataclass(frozen=True)
class Silence:
    """What the user wants to hear. Who mutes hears nothing; in quiet hours `kinds` are said, at `quiet_volume`."""

    muted: bool = False
    volume: float = 1.0
    hours: QuietHours = QuietHours()
    kinds: frozenset[str] = frozenset({DANGER})
    quiet_volume: float = 0.6
    minute: Callable[[], int] = local_minute

    def reason(self, kind: str) -> str:
        """Why a cue of that kind is not said now; empty = it is said."""
        if self.muted:
            return "muted"
        if self.volume <= 0.0:
            return "the volume is 0"
        window = self.hours.window_at(self.minute())
        return f"quiet hours {window}" if window and kind not in self.kinds else ""

    def volume_now(self) -> float:
        """Factor on every sample."""
        return self.volume * (self.quiet_volume if self.hours.window_at(self.minute()) else 1.0)
