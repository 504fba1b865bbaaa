"""Where the machine and the camera do not agree, and what of it the lifter should hear."""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass
from enum import Enum
from statistics import median

from kinecue.body.measurement import Measurement
from kinecue.exercise.results import Fault, Phase, Severity, Side
from kinecue.machine.samples import CableFlag, CableSample


class Disagreement(Enum):
    """What does not fit. The values are the words of the diagnostics."""

    CAMERA_MISSED = "the handle made a repetition that the camera did not see"
    CAMERA_LATE = "the camera saw a repetition that was counted by the encoder already"
    CAMERA_TWICE = "the camera saw two movements in one of the handle"
    ENCODER_MISSED = "the camera saw a repetition of which the encoder has none, though the handle moved"
    ENCODER_LATE = "the encoder told of a repetition that was counted by the camera already"
    ENCODER_TWICE = "the handle made two movements in one repetition of the lifter"
    ENCODER_DOUBTED = (
        "a repetition of the encoder alone, which has not proved itself since it failed, was not counted"
    )
    WITHOUT_MACHINE = "the lifter makes repetitions while the handle rests"
    OTHER_PERSON = "somebody else moves the handle while the lifter does not"
    WRONG_EXERCISE = "the lifter moves the handle, but not in the selected exercise"
    VERDICT = "one sensor sees a full repetition and the other a part of one"
    RANGE_SHRINKS = "the handle goes less far than in the first repetitions"
    CABLE_SLACK = "the cable hangs slack on the way back"
    CLOCK_LOST = "the movements of handle and lifter no longer fit together in time"


@dataclass(frozen=True)
class Notice:
    """A disagreement.

    Attributes:
        kind: which.
        stamp_ns: camera time.
        repetition: number of the repetition it is about; 0 = none.
        detail: with the numbers; empty if there are none.
    """

    kind: Disagreement
    stamp_ns: int
    repetition: int = 0
    detail: str = ""


class Notices:
    """Keeps disagreements for the diagnostics."""

    def __init__(self) -> None:
        self.counts: Counter[Disagreement] = Counter()
        """How often, since the set began."""
        self.newest: Notice | None = None
        self._fresh: list[Notice] = []

    def clear(self) -> None:
        """A new set."""
        self.counts.clear()
        self.newest = None

    def add(self, notice: Notice) -> None:
        """It was found."""
        self.counts[notice.kind] += 1
        self.newest = notice
        self._fresh.append(notice)

    def take(self) -> tuple[Notice, ...]:
        """Those since the last call."""
        fresh, self._fresh = tuple(self._fresh), []
        return fresh


# --- what the lifter hears ---

_ANY = (Phase.TOP, Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD)


@dataclass(frozen=True)
class MachineFault:
    """A fault that the machine shows: its place in the phrase book and in a `Fault`."""

    name: str
    feature: str
    unit: str
    severity: Severity
    correction: str
    body_part: str
    say_in: tuple[Phase, ...]

    def raised(
        self,
        measured: Measurement,
        limit: float,
        magnitude: float,
        probability: float,
        stamp_ns: int,
        onset_ns: int,
        phase: Phase,
        side: Side = Side.BOTH,
    ) -> Fault:
        """The fault; whose it is and its number are for fusion to say."""
        return Fault(
            id="",
            name=self.name,
            stamp_ns=stamp_ns,
            onset_ns=onset_ns,
            body_id="",
            exercise="",
            phase=phase,
            stage="",
            repetition=0,
            side=side,
            severity=self.severity,
            probability=probability,
            magnitude=magnitude,
            feature=self.feature,
            measured=measured,
            limit=limit,
            unit=self.unit,
            correction=self.correction,
            body_part=self.body_part,
            say_in=self.say_in,
            duration=max(stamp_ns - onset_ns, 0) * 1e-9,
        )


SHORT_WAY = MachineFault(
    "handle_way_short", "handle_way", "m", Severity.EFFICIENCY, "full_handle_way", "handle", _ANY
)
SLACK = MachineFault(
    "cable_slack", "cable_tension", "1", Severity.EFFICIENCY, "cable_tight", "cable", (*_ANY, Phase.SETUP)
)
WRONG_EXERCISE = MachineFault(
    "wrong_exercise",
    "progress",
    "1",
    Severity.EFFICIENCY,
    "check_exercise",
    "exercise",
    (*_ANY, Phase.SETUP),
)
MACHINE_FAULTS = (SHORT_WAY, SLACK, WRONG_EXERCISE)


# --- the range ---

_FIRST = 3
"""Repetitions that make the person's own range."""
_SHORT = 0.8
"""Less than this share of it is cut short. Trained people's ways differ by some 3 to 5 % within a set, tired or not; what
is a fifth less is another repetition."""
_SPREAD = 0.04
"""Relative standard deviation of one way against the own range: that of people, which is much more than an encoder's."""
_IN_A_ROW = 2
"""One short repetition may have been a slip; the second is a habit, and there is still time to say so."""


class RangeWatch:
    """Whether the handle's way shrinks against the person's own first repetitions of the set."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new set."""
        self._first: list[float] = []
        self._short = 0

    @property
    def own_m(self) -> float:
        """The person's own way in this set, m; NaN before there is one."""
        return median(self._first) if self._first else math.nan

    def counted(self, range_m: float) -> tuple[Measurement, float, float, float] | None:
        """A counted repetition; measurement, limit, magnitude and probability where it is one of several short ones."""
        if len(self._first) < _FIRST:
            self._first.append(range_m)
            return None
        own = self.own_m
        limit, std = _SHORT * own, _SPREAD * own
        if range_m >= limit:
            self._short = 0
            return None
        self._short += 1
        if self._short < _IN_A_ROW:
            return None
        probability = 0.5 * (1.0 + math.erf((limit - range_m) / (std * math.sqrt(2.0))))
        tolerance = (1.0 - _SHORT) * own
        return Measurement(range_m, std), limit, (limit - range_m) / tolerance, probability


# --- slack ---

_SLACK_SHARE = 0.1
"""Of the usual tension on the way out, less is slack: friction and the mass of the cable alone make that."""
_LEAST_N = 30.0
"""Below this usual tension, some 3 kg, a cell's bias and its noise could be the whole of it."""
_SLACK_S = 0.15
"""Shorter gaps come with every quick turn: the stack flies for a moment when the hand stops."""
_AWAY = 0.2
"""Share of the way at which the handle is away from its rest, where the stack may stand on its stops."""
_BACK_M_S = 0.05
"""Slower than this the handle is not on its way back."""
_SLACK_NOISE = 0.02


class SlackWatch:
    """Whether the load falls faster than the hand gives way, or lies on its stops with the handle still out.

    Only the way back counts: at the end of a quick lift the stack flies on by itself, which is its inertia and no fault.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new set."""
        self._usual: deque[float] = deque(maxlen=400)
        self._since: int | None = None
        self._told = False
        self._level = math.nan

    def sample(self, sample: CableSample, out_m: float, way_m: float, speed_m_s: float) -> float | None:
        """A force sample; its share of the usual tension when the cable has been slack long enough, once a repetition.

        Args:
            sample: a usable one.
            out_m: how far the handle is from where it rests, m, positive; NaN unknown.
            way_m: of a repetition, m; NaN unknown.
            speed_m_s: of the handle, positive away from its rest.
        """
        if not (math.isfinite(out_m) and way_m > 0.0):
            self._since = None
            return None
        if out_m < _AWAY * way_m:
            self._since, self._told = None, False
            return None
        tension = sample.tension_n
        if speed_m_s > _BACK_M_S:
            self._usual.append(tension)
        if len(self._usual) < 20:
            return None
        if len(self._usual) < 100 or not math.isfinite(self._level):
            self._level = median(self._usual)
        usual = self._level
        slack = tension < _SLACK_SHARE * usual or bool(sample.flags & CableFlag.SLACK)
        if usual < _LEAST_N or not slack or speed_m_s > -_BACK_M_S:
            self._since = None
            return None
        if self._since is None or sample.stamp_ns < self._since:
            self._since = sample.stamp_ns
        if self._told or sample.stamp_ns - self._since < round(_SLACK_S * 1e9):
            return None
        self._told = True
        return tension / usual


def slack_fault(share: float, stamp_ns: int, onset_ns: int, phase: Phase, side: Side) -> Fault:
    """The cable was slack with `share` of its usual tension."""
    measured = Measurement(share, _SLACK_NOISE)
    magnitude = (_SLACK_SHARE - share) / _SLACK_SHARE
    return SLACK.raised(measured, _SLACK_SHARE, max(magnitude, 0.0), 0.95, stamp_ns, onset_ns, phase, side)


# --- another exercise ---

MOVES = 0.25
"""Of the range of the exercise: who moves less than that makes no repetition of it."""
SURE = 0.1
"""Standard deviation of progress up to which the camera can say that somebody did not move."""
STILL = 0.3
"""Part of the handle's way: if no point of the body goes that far, somebody else holds the handle."""
_ALIKE = 0.75


class ExerciseWatch:
    """Whether the lifter moves the handle again and again in another way than the selected exercise."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new set."""
        self._last_m = math.nan

    def fits(self) -> None:
        """A repetition of the exercise."""
        self._last_m = math.nan

    def foreign(self, range_m: float) -> bool:
        """A movement of the handle by the lifter that is none of the exercise; whether it is the second one alike.

        One may be getting into position or putting the handle away.
        """
        alike = math.isfinite(self._last_m) and min(range_m, self._last_m) >= _ALIKE * max(
            range_m, self._last_m
        )
        self._last_m = range_m
        return alike
