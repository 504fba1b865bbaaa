"""One fault of an exercise file: evidence for it, frame by frame.

The errors of landmarks are mostly bias, so a standard deviation is never shrunk by looking longer: `hold_s`
guards against glitches, the probability against bias. Each fault is raised once per repetition and side, when it has been
believed for `hold_s`, and then followed until it is over: believing needs `probability`, giving up needs `_RELEASE` less.
A danger is raised again while it stays or when it comes back: a repetition can be long (a get-up takes half a minute).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.blocks import Judge, Outside
from kinecue.exercise.course import interpolator
from kinecue.exercise.features import FEATURES, FeatureFrame
from kinecue.exercise.model import FaultRule
from kinecue.exercise.results import Phase, Severity, Side
from kinecue.exercise.signal import Signal

_NEAR_START = 0.5
"""Of how far a movement went: nearer to the start than this it comes to where the next one starts."""
_RELEASE = 0.2
"""Evidence is dropped when the probability falls this far below what is needed to believe."""
_EARLY_S = 0.2
"""How long before the beginning of a repetition its first fault may have started."""
_COARSEST = 2.5
"""A measurement whose standard deviation is this many tolerances of the fault is too coarse to judge it."""
_MISSED_SHARE = 0.25
"""The extreme of a movement is not known if the feature was hidden, or out of view, for more than this share of it."""
_MISSING_S = 0.15
"""Evidence survives frames without a measurement for this long (or two frames at low rates)."""
_DANGER_AGAIN_S = 3.5
"""A danger is raised again in the same repetition no sooner; the coach repeats a warning after 3 s."""
_COARSE = Measurement.abstained(Reason.UNCERTAIN)


def probability_outside(value: float, std: float, limit: float, outside: Outside) -> float:
    """Probability that the true value is outside `limit`, for a normal error of `std` (0 = exact)."""
    if outside is Outside.EITHER:
        value, limit = abs(value), abs(limit)
    beyond = limit - value if outside is Outside.BELOW else value - limit
    if std <= 0.0:
        return 1.0 if beyond > 0.0 else 0.0
    return 0.5 * math.erfc(-beyond / (std * math.sqrt(2.0)))


@dataclass(frozen=True)
class Moment:
    """A frame as a fault sees it.

    Attributes:
        t, dt: time and time since the frame before, s.
        phase, stage, progress: where in the movement.
        under_way: a repetition is known to have begun.
        leading: the side that leads, if one does.
    """

    t: float
    dt: float
    phase: Phase
    stage: str
    progress: float
    under_way: bool
    leading: Side = Side.NONE


@dataclass(frozen=True)
class Finding:
    """A fault that was found in a repetition; the scorer adds who, where and its number.

    Attributes:
        side: of the body.
        phase, stage: in which it was raised.
        onset: time of the first frame of the evidence, s.
        duration: from the onset to the frame in which it was raised, s.
        magnitude: how far outside the limit, in tolerances.
        again: it was raised in this repetition before, and is no further fault.
    """

    rule_name: str
    rule: FaultRule
    side: Side
    onset: float
    probability: float
    magnitude: float
    measured: Measurement
    limit: float
    unit: str
    duration: float = 0.0
    phase: Phase = Phase.UNKNOWN
    stage: str = ""
    again: bool = False


@dataclass(frozen=True)
class FaultSpan:
    """A fault over the whole of a repetition.

    Attributes:
        side: of the body.
        phase, stage: in which it was raised.
        onset: time of the first frame of the evidence, s.
        duration: for how long it was believed, s; 0 for a fault that is judged once.
        probability, magnitude: the largest.
    """

    rule_name: str
    rule: FaultRule
    side: Side
    phase: Phase
    stage: str
    onset: float
    duration: float
    probability: float
    magnitude: float


class _Evidence:
    """What speaks for a fault on one side."""

    __slots__ = (
        "believed_s",
        "extreme",
        "extreme_at",
        "finding",
        "last",
        "looked_s",
        "magnitude",
        "missed_s",
        "onset",
        "pending",
        "probability",
        "raised",
        "raised_at",
    )

    def __init__(self) -> None:
        self.onset = math.nan
        self.last = math.nan
        self.raised = False
        self.raised_at = math.nan
        self.pending: Finding | None = None
        self.finding: Finding | None = None
        self.extreme: Measurement | None = None
        self.extreme_at: Moment | None = None
        self.looked_s = self.missed_s = 0.0
        self.believed_s = 0.0
        self.probability = 0.0
        self.magnitude = 0.0

    def forget_extreme(self) -> None:
        """What was seen so far does not count any more."""
        self.extreme, self.looked_s, self.missed_s = None, 0.0, 0.0

    def look(self, dt: float, seen: bool) -> None:
        """A frame in which the extreme was looked for."""
        self.looked_s += dt
        self.missed_s += 0.0 if seen else dt

    @property
    def complete(self) -> bool:
        """Enough was seen that the extreme cannot have passed unseen."""
        return self.missed_s <= _MISSED_SHARE * self.looked_s

    def raise_(self, finding: Finding) -> Finding:
        """The fault is there."""
        self.raised, self.finding = True, finding
        self.raised_at = finding.onset + finding.duration
        self.believed_s = finding.duration
        self.probability, self.magnitude = finding.probability, finding.magnitude
        return finding

    def raise_again(self, finding: Finding) -> Finding:
        """It is still there, or came back."""
        self.raised_at = finding.onset + finding.duration
        return replace(finding, again=True)


class FaultJudge:
    """One fault of an exercise file, whose limit counts from zero (`kinecue.exercise.limits.resolve_limits`)."""

    def __init__(self, name: str, rule: FaultRule) -> None:
        self.name = name
        self.rule = rule
        self.signal = Signal(rule.feature, rule.side)
        self.of_movement = FEATURES[rule.feature].of_movement
        self._views = rule.views_deg
        self._phases = frozenset(rule.phases)
        self._stages = frozenset(rule.stages)
        self._low, self._high = rule.progress
        self._tolerance = rule.si(rule.tolerance)
        self._coarse = _COARSEST * self._tolerance
        self._release = rule.probability - _RELEASE
        knots = (
            [(knot.at, rule.si(knot.limit)) for knot in rule.limit]
            if isinstance(rule.limit, tuple)
            else [(0.0, rule.si(rule.limit))]
        )
        self._limit = interpolator(tuple(at for at, _ in knots), tuple(limit for _, limit in knots))
        self._farthest = -math.inf
        self._arrival = {side: _Evidence() for side in self.signal.sides}
        self._evidence = {side: _Evidence() for side in self.signal.sides}
        self._frame_s = 1.0 / 30.0

    @property
    def seen(self) -> bool:
        """There is an extreme to conclude from."""
        return any(evidence.extreme is not None for evidence in self._evidence.values())

    def reset(self) -> None:
        """A new repetition, or none: all evidence is void."""
        self._farthest = -math.inf
        self._arrival = {side: _Evidence() for side in self.signal.sides}
        for side in self.signal.sides:
            self._evidence[side] = _Evidence()

    def next(self) -> None:
        """A movement ended: how it came back is how the next one starts."""
        arrival = self._arrival
        self.reset()
        if self.rule.judge is Judge.START:
            self._evidence = arrival

    def read(self, frame: FeatureFrame, view: float) -> tuple[Measurement, ...]:
        """The feature of each side, abstained where the view does not allow it or the measurement is too coarse."""
        readings = self.signal.read(frame, view, self._views)
        for measured in readings:
            if measured.std > self._coarse:
                return tuple(_COARSE if m.usable and m.std > self._coarse else m for m in readings)
        return readings

    @staticmethod
    def abstention(readings: tuple[Measurement, ...]) -> Reason:
        """Why no side can be judged; `Reason.NONE` if one can."""
        for measured in readings:
            if measured.usable:
                return Reason.NONE
        return readings[0].reason or Reason.UNCERTAIN

    def begin(self, began: float) -> list[Finding]:
        """A repetition is now known to have begun at `began`; what was found since then is a fault of it."""
        if self.rule.judge is Judge.START:
            concluded = self.conclude()
            for evidence in self._evidence.values():
                evidence.forget_extreme()
            return concluded
        found: list[Finding] = []
        for evidence in self._evidence.values():
            finding, evidence.pending = evidence.pending, None
            evidence.raised, evidence.finding = False, None
            evidence.forget_extreme()
            if finding is not None and finding.onset >= began - _EARLY_S:
                found.append(evidence.raise_(finding))
        return found

    def observe(self, now: Moment, readings: tuple[Measurement, ...]) -> list[Finding]:
        """A frame; what was found in it. While no repetition is known to have begun, findings wait."""
        self._frame_s += 0.2 * (min(now.dt, 0.5) - self._frame_s)
        judge = self.rule.judge
        looked_for = (
            self._low <= now.progress <= self._high
            and (now.phase in self._phases or judge is Judge.START)
            and (not self._stages or now.stage in self._stages)
        )
        found: list[Finding] = []
        for side, measured in zip(self.signal.sides, readings, strict=True):
            evidence = self._evidence[side]
            if judge is Judge.START and now.under_way:
                if looked_for:
                    self._arrive(self._arrival[side], now, measured)
                continue
            if judge is not Judge.CONTINUOUS:
                if looked_for and now.under_way == (judge is Judge.END):
                    self._keep_extreme(evidence, now, measured)
                continue
            if not looked_for:
                evidence.onset = math.nan
                continue
            finding = self._accumulate(evidence, now, side, measured)
            if finding is None:
                continue
            if not now.under_way:
                evidence.pending = finding
                continue
            found.append(evidence.raise_again(finding) if evidence.raised else evidence.raise_(finding))
        return found

    def conclude(self, peak: Measurement | None = None, at: Moment | None = None) -> list[Finding]:
        """Judge from the extreme of the frames observed (`Judge.END`, `Judge.START`).

        `peak`, measured at `at`, replaces it if given.
        """
        found = []
        for side, evidence in self._evidence.items():
            extreme, when = peak or evidence.extreme, evidence.extreme_at or at
            if extreme is None or not extreme.usable or evidence.raised or not evidence.complete:
                continue
            limit = self._limit(1.0)
            probability = probability_outside(extreme.value, extreme.std, limit, self.rule.outside)
            if probability >= self.rule.probability:
                finding = self._finding(side, when, probability, extreme, limit)
                found.append(evidence.raise_(finding))
        return found

    def spans(self) -> list[FaultSpan]:
        """What was raised since `begin`, over its whole time."""
        return [
            FaultSpan(
                self.name,
                self.rule,
                evidence.finding.side,
                evidence.finding.phase,
                evidence.finding.stage,
                evidence.finding.onset,
                evidence.believed_s,
                evidence.probability,
                evidence.magnitude,
            )
            for evidence in self._evidence.values()
            if evidence.raised and evidence.finding is not None
        ]

    def _arrive(self, evidence: _Evidence, now: Moment, measured: Measurement) -> None:
        """On the way back: who does not rest between repetitions is in the start position for a moment only."""
        if now.progress > self._farthest:
            self._farthest = now.progress
            evidence.forget_extreme()
        elif now.progress < _NEAR_START * self._farthest:
            self._keep_extreme(evidence, now, measured)

    def _keep_extreme(self, evidence: _Evidence, now: Moment, measured: Measurement) -> None:
        evidence.look(now.dt, measured.usable)
        if not measured.usable:
            return
        known = evidence.extreme
        largest = self.rule.outside is Outside.BELOW
        if known is None or ((measured.value > known.value) == largest and measured.value != known.value):
            evidence.extreme, evidence.extreme_at = measured, now

    def _accumulate(
        self, evidence: _Evidence, now: Moment, side: Side, measured: Measurement
    ) -> Finding | None:
        missed = now.t - evidence.last > max(_MISSING_S, 2.5 * self._frame_s)
        if not measured.usable:
            if missed:
                evidence.onset = math.nan
            return None
        limit = self._limit(now.progress)
        probability = probability_outside(measured.value, measured.std, limit, self.rule.outside)
        if probability < self._release or missed:
            evidence.onset = math.nan
        since, evidence.last = now.t - evidence.last, now.t
        going_on = not math.isnan(evidence.onset)
        if evidence.raised:
            if going_on:
                evidence.believed_s += since
            elif probability >= self.rule.probability:
                evidence.onset = now.t
            if probability > evidence.probability:
                evidence.probability = probability
            evidence.magnitude = max(evidence.magnitude, self._beyond(measured.value, limit))
            due = now.under_way and now.t - evidence.raised_at >= _DANGER_AGAIN_S
            if self.rule.severity is not Severity.DANGER or not due:
                return None
            going_on = not math.isnan(evidence.onset)
        if probability < self.rule.probability:
            return None
        if not going_on:
            evidence.onset = now.t
            if self.rule.hold_s > 0.0:
                return None
        # a frame stands for the time until the next one: at 5 fps two frames last for 0.4 s, not for 0.2 s
        if now.t - evidence.onset + min(self._frame_s, 0.25) < self.rule.hold_s:
            return None
        return self._finding(side, now, probability, measured, limit, evidence.onset)

    def _beyond(self, value: float, limit: float) -> float:
        """How far outside the limit, in tolerances."""
        outside = self.rule.outside
        if outside is Outside.EITHER:
            beyond = abs(value) - abs(limit)
        else:
            beyond = limit - value if outside is Outside.BELOW else value - limit
        return max(beyond, 0.0) / self._tolerance

    def _finding(
        self,
        side: Side,
        now: Moment | None,
        probability: float,
        measured: Measurement,
        limit: float,
        onset: float = math.nan,
    ) -> Finding:
        rule = self.rule
        magnitude = self._beyond(measured.value, limit)
        if rule.outside is Outside.EITHER and measured.value < 0.0:
            limit = -limit
        side = self.signal.named(side, Side.NONE if now is None else now.leading)
        if FEATURES[rule.feature].mirrored and rule.outside is Outside.EITHER:
            # left minus right may be outside either way: the side is that of the sign
            side = Side.LEFT if measured.value > 0.0 else Side.RIGHT
        t = math.nan if now is None else now.t
        began = onset if math.isfinite(onset) else t
        return Finding(
            rule_name=self.name,
            rule=rule,
            side=side,
            onset=began,
            probability=probability,
            magnitude=magnitude,
            measured=measured,
            limit=limit,
            unit=self.signal.unit,
            duration=t - began if math.isfinite(began) else 0.0,
            phase=Phase.UNKNOWN if now is None else now.phase,
            stage="" if now is None else now.stage,
        )


def of_importance(found: list[Finding]) -> list[Finding]:
    """The most severe first, then the most certain, then the farthest outside."""
    return sorted(found, key=lambda item: (-item.rule.severity, -item.probability, -item.magnitude))
