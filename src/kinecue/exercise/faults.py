"""Faults: raised when the probability that a feature is outside its limit is high for long enough.

The errors of landmarks are mostly bias, so a standard deviation is never shrunk by looking longer: `hold_s`
guards against glitches, the probability against bias. Each fault is raised once per repetition and side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.blocks import Judge, Outside
from kinecue.exercise.course import Interpolator, interpolator
from kinecue.exercise.features import FEATURES, FeatureFrame
from kinecue.exercise.model import ExerciseModel, FaultRule
from kinecue.exercise.results import Abstention, Phase, Side
from kinecue.exercise.signal import Signal, Views

_RELEASE = 0.2
"""Evidence is dropped when the probability falls this far below what is needed to believe."""
_EARLY_S = 0.2
"""How long before the beginning of a repetition its first fault may have started."""
_COARSEST = 2.5
"""A measurement whose standard deviation is this many tolerances of the fault is too coarse to judge it."""
_MISSING_S = 0.15
"""Evidence survives frames without a measurement for this long (or two frames at low rates)."""


def probability_outside(value: float, std: float, limit: float, outside: Outside) -> float:
    """Probability that the true value is outside `limit`, for a normal error of `std` (0 = exact)."""
    if outside is Outside.EITHER:
        value, limit = abs(value), abs(limit)
    beyond = limit - value if outside is Outside.BELOW else value - limit
    if std <= 0.0:
        return 1.0 if beyond > 0.0 else 0.0
    return 0.5 * math.erfc(-beyond / (std * math.sqrt(2.0)))


@dataclass(frozen=True)
class Finding:
    """A fault that was found in a repetition; the scorer adds who, where and its number.

    Attributes:
        onset: time of the first frame of the evidence, s.
        magnitude: how far outside the limit, in tolerances.
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


@dataclass
class _Evidence:
    """What speaks for a fault on one side."""

    onset: float = math.nan
    last: float = math.nan
    raised: bool = False
    pending: Finding | None = None
    extreme: Measurement | None = None
    extreme_at: float = math.nan


class FaultJudge:
    """One fault of an exercise file."""

    def __init__(self, name: str, rule: FaultRule) -> None:
        self.name = name
        self.rule = rule
        self.signal = Signal(rule.feature, rule.side)
        self._views: Views = rule.views_deg
        self._phases = frozenset(rule.phases)
        self._tolerance = rule.si(rule.tolerance)
        if isinstance(rule.limit, tuple):
            at = tuple(knot.at for knot in rule.limit)
            self._limit: Interpolator = interpolator(at, tuple(rule.si(knot.limit) for knot in rule.limit))
        else:
            self._limit = interpolator((0.0,), (rule.si(rule.limit),))
        self._evidence = {side: _Evidence() for side in self.signal.sides}
        self._frame_s = 1.0 / 30.0

    @property
    def seen(self) -> bool:
        """There is an extreme to conclude from."""
        return any(evidence.extreme is not None for evidence in self._evidence.values())

    def reset(self) -> None:
        """A new repetition, or none: all evidence is void."""
        for side in self.signal.sides:
            self._evidence[side] = _Evidence()

    def abstention(self, readings: tuple[Measurement, ...]) -> Reason:
        """Why no side can be judged; `Reason.NONE` if one can."""
        if any(measured.usable for measured in readings):
            return Reason.NONE
        return readings[0].reason or Reason.UNCERTAIN

    def read(self, frame: FeatureFrame, view: float) -> tuple[Measurement, ...]:
        """The feature of each side, abstained where the view does not allow it or the measurement is too coarse."""
        readings = self.signal.read(frame, view, self._views)
        coarse = _COARSEST * self._tolerance
        return tuple(
            Measurement.abstained(Reason.UNCERTAIN) if m.usable and m.std > coarse else m for m in readings
        )

    def begin(self, began: float) -> list[Finding]:
        """A repetition is now known to have begun at `began`; what was found since then is a fault of it."""
        found: list[Finding] = []
        for evidence in self._evidence.values():
            finding, evidence.pending = evidence.pending, None
            evidence.raised = finding is not None and finding.onset >= began - _EARLY_S
            evidence.extreme = None
            if finding is not None and evidence.raised:
                found.append(finding)
        return found

    def observe(
        self,
        t: float,
        dt: float,
        phase: Phase,
        progress: float,
        readings: tuple[Measurement, ...],
        under_way: bool,
    ) -> list[Finding]:
        """A frame; what was found in it. While no repetition is known to have begun, findings wait."""
        self._frame_s += 0.2 * (min(dt, 0.5) - self._frame_s)
        low, high = self.rule.progress
        judge = self.rule.judge
        looked_for = low <= progress <= high and (phase in self._phases or judge is Judge.START)
        found: list[Finding] = []
        for side, measured in zip(self.signal.sides, readings, strict=True):
            evidence = self._evidence[side]
            if judge is not Judge.CONTINUOUS:
                if looked_for and measured.usable and under_way == (judge is Judge.END):
                    self._keep_extreme(evidence, t, measured)
            elif not looked_for:
                evidence.onset = math.nan
            elif not evidence.raised:
                finding = self._accumulate(evidence, t, side, progress, measured)
                if finding and under_way:
                    evidence.raised = True
                    found.append(finding)
                elif finding:
                    evidence.pending = finding
        return found

    def conclude(self, peak: Measurement | None = None) -> list[Finding]:
        """Judge from the extreme of the frames observed (`Judge.END`, `Judge.START`).

        `peak` replaces it if given.
        """
        found = []
        for side, evidence in self._evidence.items():
            extreme = peak or evidence.extreme
            if extreme is None or evidence.raised:
                continue
            probability = probability_outside(extreme.value, extreme.std, self._limit(1.0), self.rule.outside)
            if probability >= self.rule.probability:
                evidence.raised = True
                found.append(self._finding(side, evidence.extreme_at, probability, extreme, self._limit(1.0)))
        return found

    def _keep_extreme(self, evidence: _Evidence, t: float, measured: Measurement) -> None:
        known = evidence.extreme
        largest = self.rule.outside is Outside.BELOW
        if known is None or ((measured.value > known.value) == largest and measured.value != known.value):
            evidence.extreme, evidence.extreme_at = measured, t

    def _accumulate(
        self, evidence: _Evidence, t: float, side: Side, progress: float, measured: Measurement
    ) -> Finding | None:
        if not measured.usable:
            if t - evidence.last > max(_MISSING_S, 2.5 * self._frame_s):
                evidence.onset = math.nan
            return None
        limit = self._limit(progress)
        probability = probability_outside(measured.value, measured.std, limit, self.rule.outside)
        if probability < self.rule.probability - _RELEASE or t - evidence.last > max(
            _MISSING_S, 2.5 * self._frame_s
        ):
            evidence.onset = math.nan
        evidence.last = t
        if probability < self.rule.probability:
            return None
        if math.isnan(evidence.onset):
            evidence.onset = t
            if self.rule.hold_s > 0.0:
                return None
        # a frame stands for the time until the next one: at 5 fps two frames last for 0.4 s, not for 0.2 s
        if t - evidence.onset + min(self._frame_s, 0.25) < self.rule.hold_s:
            return None
        return self._finding(side, evidence.onset, probability, measured, limit)

    def _finding(
        self, side: Side, onset: float, probability: float, measured: Measurement, limit: float
    ) -> Finding:
        rule = self.rule
        if rule.outside is Outside.EITHER and measured.value < 0.0:
            limit = -limit
        beyond = (
            abs(measured.value) - abs(limit) if rule.outside is Outside.EITHER else measured.value - limit
        )
        if rule.outside is Outside.BELOW:
            beyond = -beyond
        return Finding(
            rule_name=self.name,
            rule=rule,
            side=side,
            onset=onset,
            probability=probability,
            magnitude=max(beyond, 0.0) / self._tolerance,
            measured=measured,
            limit=limit,
            unit=self.signal.unit,
        )


def _sided(found: list[Finding]) -> list[Finding]:
    """The side of left-minus-right features that may be outside either way: that of the sign."""
    return [
        replace(item, side=Side.LEFT if item.measured.value > 0.0 else Side.RIGHT)
        if FEATURES[item.rule.feature].mirrored and item.rule.outside is Outside.EITHER
        else item
        for item in found
    ]


class FaultFinder:
    """All faults of an exercise."""

    def __init__(self, model: ExerciseModel) -> None:
        rules = model.faults
        self.judges = tuple(FaultJudge(name, rule) for name, rule in rules.items())
        progress = model.progress
        farthest = Outside.BELOW if progress.full > progress.start else Outside.ABOVE
        self._from_peak = frozenset(
            name
            for name, rule in rules.items()
            if (rule.feature, rule.side, rule.outside) == (progress.feature, progress.side, farthest)
        )
        self._judging_s: dict[str, float] = dict.fromkeys(rules, 0.0)
        self._hidden_s: dict[str, dict[Reason, float]] = {name: {} for name in rules}

    def reset(self) -> None:
        """A new set, person or time."""
        for judge in self.judges:
            judge.reset()
        self._judging_s = dict.fromkeys(self._judging_s, 0.0)
        self._hidden_s = {name: {} for name in self._hidden_s}

    def begin(self, began: float) -> list[Finding]:
        """A repetition is known to have begun at the time `began`: what was wrong with its start."""
        found: list[Finding] = []
        for judge in self.judges:
            if judge.rule.judge is Judge.START:
                found += judge.conclude()
            found += judge.begin(began)
        return _sided(found)

    def observe(
        self,
        t: float,
        dt: float,
        phase: Phase,
        progress: float,
        under_way: bool,
        frame: FeatureFrame,
        view: float,
    ) -> tuple[list[Finding], tuple[Abstention, ...]]:
        """A frame: the faults that became certain in it, and those that it does not show."""
        found: list[Finding] = []
        abstentions: list[Abstention] = []
        for judge in self.judges:
            readings = judge.read(frame, view)
            reason = judge.abstention(readings)
            if reason:
                abstentions.append(Abstention(judge.name, reason))
            if under_way:
                self._judging_s[judge.name] += dt
                if reason:
                    hidden = self._hidden_s[judge.name]
                    hidden[reason] = hidden.get(reason, 0.0) + dt
            found += judge.observe(t, dt, phase, progress, readings, under_way)
        return _sided(found), tuple(abstentions)

    def end(self, valid: bool, peak: Measurement) -> list[Finding]:
        """A movement ended; `peak` is the progress feature at its peak."""
        found: list[Finding] = []
        for judge in self.judges:
            if valid and judge.rule.judge is Judge.END:
                found += judge.conclude(peak if judge.name in self._from_peak and judge.seen else None)
            judge.reset()
        return _sided(found)

    def hidden(self) -> tuple[Abstention, ...]:
        """Faults that could not be judged for most of the time in movement, with the main reason."""
        result = []
        for name, total in self._judging_s.items():
            hidden = self._hidden_s[name]
            if total > 0.0 and sum(hidden.values()) > 0.5 * total:
                result.append(Abstention(name, max(hidden, key=lambda reason: hidden[reason])))
        return tuple(result)
