"""Which of the people in sight is the lifter: by zone, size, place in the picture and motion; or chosen by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark as L
from kinecue.body.landmarks import Topology
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.motion import MotionHistory, is_reflection
from kinecue.perception.zones import Zone

FloatArray = NDArray[np.float64]

AUTOMATIC = "auto"
_ROWS = (
    (L.LEFT_SHOULDER, L.RIGHT_SHOULDER),
    (L.LEFT_HIP, L.RIGHT_HIP),
    (L.LEFT_WRIST,),
    (L.RIGHT_WRIST,),
    (L.LEFT_KNEE,),
    (L.RIGHT_KNEE,),
)
"""Whose heights tell the motion: mid-shoulder, mid-hip, wrists and knees."""

_CENTRE_STD = 0.25
"""Distance from the middle of the picture, share of its width, at which the place counts for .6."""
_WEIGHTS = {"size": 0.35, "centre": 0.25, "exercise": 0.40}
_WALKING, _REFLECTION, _FORMER = 0.35, 0.1, 1.5
"""Factors of people who walk, are reflections, or were the lifter before."""
_LEAST = 0.02
"""A lower score is nobody's lifter."""
_IN_ZONE = 0.1
"""Share of the zone under which somebody is clearly out of it."""
_FARTHEST_PX = 1e6
_REMEMBERED_NS = 30_000_000_000
_STARTING_OVER_NS = 1_000_000_000
"""Stamps that go back further begin a new time."""


class LifterError(KineCueError):
    """Somebody was chosen who is not there."""


@dataclass(frozen=True)
class Seen:
    """Somebody in one picture.

    Attributes:
        id: who.
        centre: (2,) mid-hip, shares of the picture's width and height.
        size: torso, thigh and shin, share of the picture's height.
        heights: (6,) of mid-shoulder, mid-hip, left and right wrist, left and right knee, down, share of the picture's
            height; NaN unknown.
        floor: (2,) where they stand in the base frame, m; None unknown.
    """

    id: str
    centre: tuple[float, float]
    size: float
    heights: FloatArray
    floor: tuple[float, float] | None = None

    @staticmethod
    def of_landmarks(landmarks: Landmarks2D, identity: str, image_size: tuple[int, int]) -> Seen:
        """From landmarks in a picture of that width and height, px."""
        return _seen(identity, landmarks.topology, landmarks.pixels, image_size, None)

    @staticmethod
    def of_body(body: Body) -> Seen:
        """From a body; its mid-hip tells where on the floor it is."""
        rows = [body.topology.index(landmark) for landmark in _ROWS[1] if landmark in body.topology]
        floor = None
        if rows:
            x, y = (float(value) for value in body.positions[rows].mean(0)[:2])
            floor = (x, y) if math.isfinite(x) and math.isfinite(y) else None
        return _seen(body.id, body.topology, body.pixels, body.image_size, floor)

    @property
    def usable(self) -> bool:
        """Whether it says where they are."""
        values = (*self.centre, self.size)
        return all(math.isfinite(value) for value in values) and self.size > 0.0


def _seen(
    identity: str,
    topology: Topology,
    pixels: FloatArray,
    image_size: tuple[int, int],
    floor: tuple[float, float] | None,
) -> Seen:
    width, height = image_size
    # absurd numbers make somebody without a place, who does not count
    pixels = np.where(np.abs(pixels) < _FARTHEST_PX, pixels, np.nan)
    rows = [
        pixels[[topology.index(landmark) for landmark in group]].mean(0)
        if all(landmark in topology for landmark in group)
        else np.full(2, np.nan)
        for group in _ROWS
    ]
    shoulders, hips, *_ = rows
    length = float(np.linalg.norm(shoulders - hips))
    for upper, lower in (("hip", "knee"), ("knee", "ankle")):
        ends = [(L(f"{side}_{upper}"), L(f"{side}_{lower}")) for side in ("left", "right")]
        sides = [
            float(np.linalg.norm(pixels[topology.index(a)] - pixels[topology.index(b)]))
            for a, b in ends
            if a in topology and b in topology
        ]
        length += max(sides) if sides else math.nan
    return Seen(
        identity,
        (float(hips[0]) / width, float(hips[1]) / height),
        length / height,
        np.array([row[1] for row in rows]) / height,
        floor,
    )


@dataclass(frozen=True)
class ChoiceSettings:
    """How the lifter is chosen.

    Attributes:
        zone: where a lifter is; None: anywhere.
        gone_s: an established lifter who is not seen stays the lifter for so long, s.
        chosen_gone_s: the same for one chosen by hand, s.
        out_s: who is clearly out of the zone for so long is the lifter no more, s.
        established_s: after being seen for so long a lifter is established, s.
        lead_s: somebody better takes the place of a lifter who is not established after so long, s.
        takeover_s: of an established one who does not exercise, s.
    """

    zone: Zone | None = None
    gone_s: float = 3.0
    chosen_gone_s: float = 10.0
    out_s: float = 2.0
    established_s: float = 2.0
    lead_s: float = 0.5
    takeover_s: float = 5.0

    def __post_init__(self) -> None:
        for name in ("gone_s", "chosen_gone_s", "out_s", "established_s", "lead_s", "takeover_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise LifterError(f"lifter: {name} must be 0 or more, got {value:g}")


@dataclass
class _Lifter:
    id: str
    seen_ns: int
    for_ns: int = 0
    chosen: bool = False
    out_since: int | None = None


@dataclass
class _Lead:
    id: str = ""
    since_ns: int = 0


_LEAD_UNSETTLED, _LEAD_SETTLED = 1.3, 1.6
"""How much better somebody must be than a lifter who is not, or is, established."""
_EXERCISES = 0.3
"""A lifter who moves like that keeps their place whoever else is there."""
_BRIEF_S = 1.0
"""A lifter who is not established is given up after so long."""


@dataclass
class LifterChoice:
    """Chooses one of the people in sight, and stays with them.

    Never more than one is active; a lifter who is hidden for a moment is nobody for that moment, not somebody else. Pictures
    that are not newer than the last one change nothing. Deterministic.
    """

    settings: ChoiceSettings = field(default_factory=ChoiceSettings)
    _lifter: _Lifter | None = None
    _former: str | None = None
    _lead: _Lead = field(default_factory=_Lead)
    _histories: dict[str, MotionHistory] = field(default_factory=dict)
    _reflections: dict[str, int] = field(default_factory=dict)
    _last_seen: dict[str, int] = field(default_factory=dict)
    _last_ns: int | None = None

    @property
    def lifter(self) -> str | None:
        """Who is the lifter, also while they are hidden; None if nobody is."""
        return None if self._lifter is None else self._lifter.id

    @property
    def chosen(self) -> bool:
        """The lifter was chosen by hand."""
        return self._lifter is not None and self._lifter.chosen

    @property
    def known(self) -> list[str]:
        """Who may be chosen by hand: those in sight, and those who were lately."""
        now = self._last_ns or 0
        lately = round(self.settings.chosen_gone_s * 1e9)
        return sorted(name for name, seen in self._last_seen.items() if now - seen <= lately)

    def select(self, who: str) -> None:
        """Choose by hand; `AUTOMATIC` or an empty text goes back to choosing by itself, beginning with the lifter there is.

        Raises:
            LifterError: nobody of that name was in sight lately; names who was.
        """
        if who in ("", AUTOMATIC):
            if self._lifter is not None:
                self._lifter.chosen = False
            return
        if who not in self.known:
            there = ", ".join(self.known) or "nobody"
            raise LifterError(
                f"nobody is called {who!r}; allowed: {AUTOMATIC}, or one of those in sight: {there}"
            )
        self._lifter = _Lifter(who, self._last_ns or 0, chosen=True)
        self._lead = _Lead()

    def reset(self) -> None:
        """Forget everybody, also who was chosen by hand."""
        self._lifter, self._former, self._last_ns = None, None, None
        self._lead = _Lead()
        self._histories, self._reflections, self._last_seen = {}, {}, {}

    def update(self, people: Sequence[Seen], stamp_ns: int) -> str | None:
        """The active person in a picture: the lifter, if in sight.

        Args:
            people: in the picture; of several with one name the first counts, those without a place do not.
            stamp_ns: of the picture.
        """
        there: dict[str, Seen] = {}
        for person in people:
            if person.usable:
                there.setdefault(person.id, person)
        if self._last_ns is not None and stamp_ns <= self._last_ns:
            if self._last_ns - stamp_ns <= _STARTING_OVER_NS:
                return self.lifter if self.lifter in there else None
            self._start_over(stamp_ns)
        interval = 0 if self._last_ns is None else stamp_ns - self._last_ns
        self._last_ns = stamp_ns
        self._remember(there, stamp_ns)
        scores = self._scores(there, stamp_ns)
        if self._lifter is not None:
            self._keep_or_drop(there, stamp_ns, interval)
        if self._lifter is None:
            self._pick(scores, stamp_ns)
        elif not self._lifter.chosen and self._lifter.id in there:
            self._challenge(scores, stamp_ns)
        return self.lifter if self.lifter in there else None

    # -- what is known of people

    def _start_over(self, stamp_ns: int) -> None:
        self._histories, self._reflections = {}, {}
        self._last_seen = dict.fromkeys(self._last_seen, stamp_ns)
        self._lead = _Lead()
        self._last_ns = None
        if self._lifter is not None:
            self._lifter.seen_ns, self._lifter.out_since = stamp_ns, None

    def _remember(self, there: dict[str, Seen], stamp_ns: int) -> None:
        for name, person in there.items():
            self._last_seen[name] = stamp_ns
            history = self._histories.setdefault(name, MotionHistory())
            history.add(stamp_ns, person.centre[0], person.size, person.heights)
        for name in [n for n, seen in self._last_seen.items() if stamp_ns - seen > _REMEMBERED_NS]:
            del self._last_seen[name]
            self._histories.pop(name, None)
            self._reflections.pop(name, None)
        if len(there) < 2:
            return
        ordered = sorted(there.values(), key=lambda person: (-person.size, person.id))
        for k, larger in enumerate(ordered):
            for smaller in ordered[k + 1 :]:
                if is_reflection(self._histories[larger.id], self._histories[smaller.id], stamp_ns):
                    self._reflections[smaller.id] = stamp_ns

    def _scores(self, there: dict[str, Seen], stamp_ns: int) -> dict[str, float]:
        largest = max((person.size for person in there.values()), default=1.0)
        result = {}
        for name, person in there.items():
            history = self._histories[name]
            parts = {
                "size": person.size / largest,
                "centre": math.exp(-0.5 * ((person.centre[0] - 0.5) / _CENTRE_STD) ** 2),
                "exercise": history.exercise(stamp_ns),
            }
            score = sum(_WEIGHTS[key] * value for key, value in parts.items()) * self._zone_share(person)
            if history.walking(stamp_ns):
                score *= _WALKING
            if name in self._reflections:
                score *= _REFLECTION
            if name == self._former:
                score *= _FORMER
            if score >= _LEAST:
                result[name] = score
        return result

    def _zone_share(self, person: Seen) -> float:
        zone = self.settings.zone
        return 1.0 if zone is None else zone.share(person.centre, person.floor)

    # -- the choice

    def _keep_or_drop(self, there: dict[str, Seen], stamp_ns: int, interval: int) -> None:
        lifter, settings = self._lifter, self.settings
        if lifter is None:
            return
        person = there.get(lifter.id)
        if person is None:
            patience = settings.chosen_gone_s if lifter.chosen else settings.gone_s
            if not (lifter.chosen or self._established(lifter)):
                patience = min(patience, _BRIEF_S)
            if stamp_ns - lifter.seen_ns > patience * 1e9:
                self._drop(lifter)
            return
        lifter.seen_ns = stamp_ns
        # a gap between pictures is not time in which somebody was seen
        lifter.for_ns += min(interval, 200_000_000)
        if lifter.chosen or self._zone_share(person) >= _IN_ZONE:
            lifter.out_since = None
        elif lifter.out_since is None:
            lifter.out_since = stamp_ns
        if lifter.out_since is not None and stamp_ns - lifter.out_since >= settings.out_s * 1e9:
            self._drop(lifter)

    def _drop(self, lifter: _Lifter) -> None:
        if self._established(lifter):
            self._former = lifter.id
        self._lifter, self._lead = None, _Lead()

    def _established(self, lifter: _Lifter) -> bool:
        return lifter.for_ns >= self.settings.established_s * 1e9

    def _pick(self, scores: dict[str, float], stamp_ns: int) -> None:
        best = _best(scores)
        if best is not None:
            self._lifter = _Lifter(best, stamp_ns)

    def _challenge(self, scores: dict[str, float], stamp_ns: int) -> None:
        lifter = self._lifter
        if lifter is None:
            return
        best = _best({name: score for name, score in scores.items() if name != lifter.id})
        # a reflection that was there first is no lifter, however long it has been taken for one
        settled = self._established(lifter) and lifter.id not in self._reflections
        needed = (_LEAD_SETTLED if settled else _LEAD_UNSETTLED) * scores.get(lifter.id, 0.0)
        busy = settled and self._histories[lifter.id].exercise(stamp_ns) >= _EXERCISES
        if best is None or scores[best] <= needed or busy:
            self._lead = _Lead()
            return
        if self._lead.id != best:
            self._lead = _Lead(best, stamp_ns)
        wait = self.settings.takeover_s if settled else self.settings.lead_s
        if stamp_ns - self._lead.since_ns >= wait * 1e9:
            self._drop(lifter)
            self._former = None
            self._lifter = _Lifter(best, stamp_ns)


def _best(scores: dict[str, float]) -> str | None:
    return min(scores, key=lambda name: (-scores[name], name)) if scores else None
