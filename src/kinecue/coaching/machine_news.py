"""What the coach hears about the machine: that it has a fault of its own, and what load the next set should have.

Measuring either is the business of `kinecue.machine` and `kinecue.training`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum


class LoadCall(IntEnum):
    """What load the next set should have. Values equal ``kinecue_msgs/LoadAdvice``."""

    KEEP = 0
    HEAVIER = 1
    LIGHTER = 2
    STOP = 3
    """No further set of this exercise today."""


@dataclass(frozen=True)
class LoadNews:
    """Advice on the load.

    Attributes:
        set_id: the set that it rests on.
        call: what to do; None = too little is known to say anything.
        load_kg: of that set; NaN = not known.
        suggested_kg: for the next one; NaN = no figure.
    """

    set_id: str
    call: LoadCall | None
    load_kg: float = math.nan
    suggested_kg: float = math.nan


class MachineWatch:
    """Whether the machine has a fault of which the lifter was not told; once for each time that it has one.

    A flag that flickers is one fault: it counts when it was there for a while, and is over when it was gone for as long.

    Attributes:
        cue_id: the cue in which it was told; empty if it was not.
        waits: it was decided to wait with it.
    """

    def __init__(self) -> None:
        self.cue_id = ""
        self.waits = False
        self._faulty = False
        self._differs_since_ns: int | None = None

    def reading(self, fault: bool, now_ns: int, holds_ns: int) -> bool:
        """The machine tells its state; whether there is a fault that is to be told."""
        if self._differs_since_ns is not None and now_ns < self._differs_since_ns:
            self._differs_since_ns = None
        if fault == self._faulty:
            self._differs_since_ns = None
        else:
            if self._differs_since_ns is None:
                self._differs_since_ns = now_ns
            if now_ns - self._differs_since_ns >= holds_ns:
                self._faulty, self._differs_since_ns = fault, None
                self.cue_id, self.waits = "", False
        return self._faulty and not self.cue_id
