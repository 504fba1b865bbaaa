"""When a load on the spine is said to be a danger: rarely, and only with something that the lifter can do about it.

All of this has to hold, in every frame, for `HOLD_S`:

- the whole 90 % interval of the compression at L5/S1 is above the limit of this person's experience;
- a posture that the lifter can change is off by more than its tolerance, with 95 % probability: the load hangs further in
  front than it has to, or the trunk leans more than the ideal of this person, or either differs so much from how the same
  person did the same lift with the same load a few repetitions ago;
- that posture makes up at least `WORTH` of the moment: less than the model errs by is not worth to interrupt a lift for.

So a heavy lift that is done as it should be is no danger, whatever it weighs, and neither is a poor posture under a light
load: that is a matter of form, which scoring judges. Nothing is said about shear, or about knees: their intervals do not
support it (docs/loads.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from scipy.special import ndtr

from kinecue.body.measurement import Measurement
from kinecue.loads.interval import Interval

HOLD_S = 0.25
"""As long as a posture has to be held to be one and not a twitch of a landmark."""
LONGEST_GAP_S = 0.35
"""Frames further apart than this do not prove that something lasted between them."""
SURE = 0.95
WORTH = 0.15
OWN_REPETITIONS = 3
"""Repetitions that make somebody's own normal."""
OWN_REACH = 0.05
"""Change of the load's distance against the own normal that counts, m: a third of a foot, twice what a bar path varies."""
OWN_LEAN = math.radians(9.0)
"""Change of the lean against the own normal that counts: 2 to 3 standard deviations of a lifter's own repetitions."""
_SAME_LOAD = 0.05
_PARTS = 8
"""Of the full range, within which repetitions are compared."""
_REMEMBERED = 12


class Posture(Enum):
    """What the lifter can change."""

    REACH = "load_far_from_body"
    """Horizontal distance of a hanging load in front of where it would hang over the feet, m."""
    LEAN = "trunk_too_bent_for_load"
    """Forward lean of the trunk, rad."""


CORRECTIONS = {Posture.REACH: ("load_closer", "hands"), Posture.LEAN: ("chest_up", "chest")}
"""What to do about each: key of the phrase book, and the body part that it names."""


@dataclass(frozen=True)
class PostureNow:
    """One changeable posture in one frame.

    Attributes:
        posture: which.
        measured: value with its standard deviation.
        needed: what this person needs for this lift here; NaN = not known: only the own normal counts.
        tolerance: beyond `needed` that is still right.
        lever: N m of extension moment for each metre or radian that could be saved.
    """

    posture: Posture
    measured: Measurement
    needed: float
    tolerance: float
    lever: float


@dataclass(frozen=True)
class LoadNow:
    """The load on the spine in one frame, and how it came about.

    Attributes:
        stamp_ns: acquisition time.
        set_id, exercise: which set; own normals are kept by exercise and load.
        load_kg: NaN = not known.
        repetition: under way, from 1; 0 before the first.
        moving: the load is being moved or held, so that something said can still help.
        upwards: the way back of the movement, for comparing the same moment.
        progress: 0 to 1; NaN = not known.
        extension: net extension moment at L5/S1, N m; NaN = abstained.
        compression: at L5/S1; None = abstained.
        limit: N; NaN = none.
        postures: that could be changed.
    """

    stamp_ns: int
    set_id: str
    exercise: str
    load_kg: float
    repetition: int
    moving: bool
    upwards: bool
    progress: float
    extension: float
    compression: Interval | None
    limit: float
    postures: tuple[PostureNow, ...] = ()


@dataclass(frozen=True)
class Danger:
    """A load beyond the limit because of a posture.

    Attributes:
        posture: what to change.
        stamp_ns: of the frame in which it was decided. onset_ns: of the first frame of the evidence.
        repetition: from 1; 0 before the first.
        compression: at L5/S1, N. limit: N.
        probability: that all of it is so, 0 to 1.
        share: of the moment that the posture adds.
        excess: beyond what is needed or usual, m or rad.
        own: judged against the person's own repetitions.
    """

    posture: Posture
    stamp_ns: int
    onset_ns: int
    repetition: int
    compression: Interval
    limit: float
    probability: float
    share: float
    excess: float
    own: bool


@dataclass
class _Own:
    """The worst of a posture, by part of the movement and repetition, of one exercise with one load."""

    worst: dict[int, dict[tuple[bool, int], float]] = field(default_factory=dict)

    def add(self, number: int, upwards: bool, part: int, value: float) -> None:
        if number not in self.worst and len(self.worst) >= _REMEMBERED:
            del self.worst[min(self.worst)]
        parts = self.worst.setdefault(number, {})
        key = (upwards, part)
        parts[key] = max(value, parts.get(key, -math.inf))

    def normal(self, number: int, upwards: bool, part: int) -> tuple[float, float] | None:
        """Median and spread of other repetitions here and just before and after; None until there are enough.

        The neighbours are in it because a posture changes within a part, and progress itself is uncertain.
        """
        others = []
        for other, parts in self.worst.items():
            near = [parts[key] for k in (-1, 0, 1) if (key := (upwards, part + k)) in parts]
            if other != number and near:
                others.append(max(near))
        if len(others) < OWN_REPETITIONS:
            return None
        middle = float(np.median(others))
        return middle, 1.4826 * float(np.median(np.abs(np.array(others) - middle)))


class DangerWatch:
    """Watches one person's lifts; every posture is said at most once in a repetition. Another person needs another one."""

    def __init__(self) -> None:
        self._since: dict[Posture, int] = {}
        self._last_ns = 0
        self._told: set[tuple[str, int, Posture]] = set()
        self._own: dict[tuple[str, int, Posture], _Own] = {}
        self._number, self._key = 0, ("", 0)

    def update(self, now: LoadNow) -> tuple[Danger, ...]:
        """One frame on; what became a danger in it. A frame that is not newer than the last is ignored."""
        if now.stamp_ns <= self._last_ns:
            return ()
        if now.stamp_ns - self._last_ns > LONGEST_GAP_S * 1e9:
            self._since.clear()
        self._last_ns = now.stamp_ns
        if now.set_id != self._key[0]:
            self._told.clear()
        if (now.set_id, now.repetition) != self._key:
            self._key, self._number = (now.set_id, now.repetition), self._number + 1
        found = []
        for posture in now.postures:
            danger = self._judge(now, posture)
            if danger is not None:
                found.append(danger)
        seen = {posture.posture for posture in now.postures}
        for gone in set(self._since) - seen:
            del self._since[gone]
        return tuple(found)

    def _judge(self, now: LoadNow, posture: PostureNow) -> Danger | None:
        excess, likely, own = self._beyond(now, posture)
        share = posture.lever * excess / now.extension if now.extension > 1.0 else 0.0
        above = now.compression.probability_above(now.limit) if now.compression is not None else 0.0
        if not (now.moving and min(above, likely) >= SURE and share >= WORTH):
            self._since.pop(posture.posture, None)
            return None
        onset = self._since.setdefault(posture.posture, now.stamp_ns)
        told = (now.set_id, now.repetition, posture.posture)
        if now.stamp_ns - onset < HOLD_S * 1e9 or told in self._told or now.compression is None:
            return None
        self._told.add(told)
        return Danger(
            posture.posture,
            now.stamp_ns,
            onset,
            now.repetition,
            now.compression,
            now.limit,
            min(above, likely),
            min(share, 1.0),
            excess,
            own,
        )

    def _beyond(self, now: LoadNow, posture: PostureNow) -> tuple[float, float, bool]:
        """How far beyond what is needed or usual, how probably beyond the tolerance of it, and which of both."""
        measured = posture.measured
        if not measured.usable:
            return 0.0, 0.0, False
        best = (0.0, 0.0, False)
        if math.isfinite(posture.needed):
            best = (
                measured.value - posture.needed,
                _above(measured.value, posture.needed + posture.tolerance, measured.std),
                False,
            )
        normal = self._usual(now, posture)
        if normal is not None:
            tolerance = OWN_REACH if posture.posture is Posture.REACH else OWN_LEAN
            # what a camera errs by alike in all repetitions drops out; half of the error is taken to remain
            std = math.hypot(normal[1], 0.5 * measured.std)
            likely = _above(measured.value, normal[0] + tolerance, std)
            if likely > best[1]:
                best = (measured.value - normal[0], likely, True)
        return best

    def _usual(self, now: LoadNow, posture: PostureNow) -> tuple[float, float] | None:
        """The own normal here; this frame is added to it."""
        if not (math.isfinite(now.progress) and math.isfinite(now.load_kg) and now.moving and now.repetition):
            return None
        level = round(math.log(max(now.load_kg, 1.0)) / math.log1p(_SAME_LOAD))
        own = self._own.setdefault((now.exercise, level, posture.posture), _Own())
        part = math.floor(min(max(now.progress, -2.0), 3.0) * _PARTS)
        normal = own.normal(self._number, now.upwards, part)
        own.add(self._number, now.upwards, part, posture.measured.value)
        return normal


def _above(value: float, limit: float, std: float) -> float:
    return float(ndtr((value - limit) / max(std, 1e-6)))


def most_probable(dangers: Sequence[Danger]) -> Danger | None:
    """The one to say where there are several: the posture that adds the most."""
    return max(dangers, key=lambda d: d.share, default=None)
