"""Which exercise is being done, among those there are files of, or none of them.

Every file follows the person with a scorer of its own. What speaks for an exercise are repetitions that are valid by
its file, that meet its `recognition` conditions, and whose D is small: D is a distance in tolerances, so the same scale
holds for all. What speaks for the unknown is a constant distance `_UNKNOWN_D`: whoever is farther than that from every
ideal does something else. Nothing is said before repetitions were seen; a wrong exercise would give wrong cues.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from kinecue.body.body import Body
from kinecue.body.errors import ConfigError
from kinecue.body.person import Person
from kinecue.exercise.features import FeatureFrame
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.position import Checks
from kinecue.exercise.results import FormState, Recognised, Repetition
from kinecue.exercise.scorer import Scorer, ScoreUpdate

_UNKNOWN_D = 0.95
"""A movement this far (D) from the ideal is as likely some other movement: just under one tolerance off everywhere."""
_SPREAD_D = 0.4
"""Standard deviation of D over repetitions of the same exercise, good and bad ones."""
_MISSED = 1.0
"""What it costs (in log probability) not to see a repetition where another exercise sees one."""
_REVERSED = 4.0
"""What it costs to rest at the turning point instead of at the start: that is the exercise the other way round."""
_LONGER_S = 0.25
"""By so much the rest at the turning point has to be the longer one."""
_SURE = 0.9
"""Probability from which an exercise is believed."""
_NEEDED = 2
"""Repetitions that it takes while more may come."""
_WHOLE = 3
"""A hold or a get-up says as much as this many repetitions."""
_WINDOW_S = 40.0
"""Repetitions are forgotten after this time without having told the exercise."""
_NEAR_FULL = 0.8
"""Near the turning point: progress of at least this share of the peak."""
_NEAR_START = 0.3
"""Near the start position: progress of at most this share of the peak."""
_START_S = 1.0
"""How long before a repetition its start position is looked at."""
_MET = 0.6
"""A condition has to hold for this share of the time for which it can be measured."""
_REMEMBERED = 4000


@dataclass
class _Seen:
    """A frame as the conditions of a file see it."""

    t_ns: int
    progress: float
    start: bool | None
    full: bool | None


@dataclass
class _Candidate:
    """One exercise that may be the one."""

    scorer: Scorer
    start: Checks
    full: Checks
    has_start: bool
    has_full: bool
    frames: deque[_Seen] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    evidence: deque[tuple[int, float, int, float]] = field(default_factory=deque)
    """End of a repetition, its D, as how many repetitions it counts, and what else speaks against it."""
    repetitions: list[Repetition] = field(default_factory=list)
    holding: bool = False

    @property
    def model(self) -> ExerciseModel:
        return self.scorer.model

    def look(self, update: ScoreUpdate, frame: FeatureFrame | None, stamp_ns: int) -> bool:
        """A frame; whether there is new evidence."""
        self.repetitions += update.repetitions
        if update.form is not None and frame is not None and (self.has_start or self.has_full):
            start = self.start.known(frame) if self.has_start else None
            full = self.full.known(frame) if self.has_full else None
            self.frames.append(_Seen(stamp_ns, update.form.progress, start, full))
        new = False
        for repetition in update.repetitions:
            if repetition.number:
                new |= self._weigh(repetition)
            self.holding = False
        if self.model.kind == "held" and update.form is not None and not self.holding:
            new |= self._hold(update.form, stamp_ns)
        return new

    def _weigh(self, repetition: Repetition) -> bool:
        longest = self.model.recognition.longest_s
        if longest is not None and repetition.end_ns - repetition.start_ns > longest * 1e9:
            return False
        if self.holding or not self._met(repetition.start_ns, repetition.end_ns):
            return False
        d = repetition.d if math.isfinite(repetition.d) else _UNKNOWN_D
        if self.model.kind != "repetitions":
            self.evidence.append((repetition.end_ns, d, _WHOLE, 0.0))
            return True
        rest_s = (repetition.start_ns - self.evidence[-1][0]) * 1e-9 if self.evidence else math.inf
        cost = _REVERSED if repetition.pause_s > rest_s + _LONGER_S else 0.0
        self.evidence.append((repetition.end_ns, d, 1, cost))
        return True

    def _hold(self, form: FormState, stamp_ns: int) -> bool:
        """A hold says what it is as soon as it is long enough, not when it is over."""
        if not form.progress >= 1.0 or not self._met(stamp_ns - 5_000_000_000, stamp_ns):
            return False
        d = self.scorer.d_so_far
        self.evidence.append((stamp_ns, d if math.isfinite(d) else _UNKNOWN_D, _WHOLE, 0.0))
        self.holding = True
        return True

    def _met(self, start_ns: int, end_ns: int) -> bool:
        """The conditions of the block `recognition` held in this repetition; what is not seen does not count."""
        held = self.model.kind == "held"
        before = start_ns - round(_START_S * 1e9)
        window = [seen for seen in self.frames if before <= seen.t_ns <= end_ns]
        peak = max((seen.progress for seen in window if math.isfinite(seen.progress)), default=math.nan)
        near = [seen.start for seen in window if seen.progress <= _NEAR_START * peak]
        far = [seen.full for seen in window if held or seen.progress >= _NEAR_FULL * peak]
        return (not self.has_start or _mostly(near)) and (not self.has_full or _mostly(far))

    def forget(self, before_ns: int) -> None:
        """Evidence from before is too old."""
        while self.evidence and self.evidence[0][0] < before_ns:
            self.evidence.popleft()

    @property
    def weight(self) -> int:
        """Repetitions that speak for it."""
        return sum(count for _, _, count, _ in self.evidence)

    def log_probability(self, most: int) -> float:
        """Not normalised; `most` repetitions were seen by the exercise that saw most."""
        seen = sum(count * _log(d) - cost for _, d, count, cost in self.evidence)
        return seen + (most - self.weight) * (_log(_UNKNOWN_D) - _MISSED)


def _mostly(known: Iterable[bool | None]) -> bool:
    values = [value for value in known if value is not None]
    return bool(values) and sum(values) >= _MET * len(values)


def _log(d: float) -> float:
    return -0.5 * (d / _SPREAD_D) ** 2


class Recogniser:
    """Follows one person with every exercise at once until it is known which one it is.

    Args:
        models: of the files.
        session, extra_features, person: as of `Scorer`.

    Raises:
        ConfigError: there is no model.
    """

    def __init__(
        self,
        models: Iterable[ExerciseModel],
        session: str = "set",
        extra_features: tuple[str, ...] = (),
        person: Person | None = None,
    ) -> None:
        self._candidates = [
            _Candidate(
                Scorer(model, session, extra_features, person),
                Checks(model.recognition.start),
                Checks(model.recognition.full),
                bool(model.recognition.start),
                bool(model.recognition.full),
            )
            for model in models
        ]
        if not self._candidates:
            raise ConfigError("recognition", "exercises", "needs at least one exercise file")
        self._body_id = ""
        self._found: _Candidate | None = None
        self.recognised = Recognised(0, "", "", 0.0)
        """What is known now."""

    @property
    def scorer(self) -> Scorer | None:
        """Of the recognised exercise, with the set so far; None while it is unknown."""
        return None if self._found is None else self._found.scorer

    @property
    def repetitions(self) -> tuple[Repetition, ...]:
        """Movements seen before the exercise was recognised, by its file."""
        return () if self._found is None else tuple(self._found.repetitions)

    def update(self, body: Body | None, stamp_ns: int) -> bool:
        """A frame; whether `recognised` has changed.

        Args:
            body: the lifter in it, or None if not found.
            stamp_ns: acquisition time of the frame.
        """
        changed = False
        if body is not None and body.id != self._body_id:
            self._body_id = body.id
            for candidate in self._candidates:
                candidate.evidence.clear()
                candidate.repetitions.clear()
                candidate.frames.clear()
            self._found = None
            changed = self._judge(stamp_ns, _NEEDED)
        new = False
        for candidate in self._candidates:
            update = candidate.scorer.update(body, stamp_ns)
            new |= candidate.look(update, candidate.scorer.frame if body is not None else None, stamp_ns)
        if new:
            changed |= self._judge(stamp_ns, _NEEDED)
        return changed

    def finish(self, stamp_ns: int) -> bool:
        """No more frames will come: what is all but over counts, and one repetition has to do."""
        for candidate in self._candidates:
            candidate.scorer.end_set(stamp_ns)
            candidate.look(candidate.scorer.flush(), None, stamp_ns)
        return self._judge(stamp_ns, 1)

    def _judge(self, stamp_ns: int, needed: int) -> bool:
        before = self.recognised
        if self._found is not None:
            return False  # what was recognised stays: a set is of one exercise
        for candidate in self._candidates:
            candidate.forget(stamp_ns - round(_WINDOW_S * 1e9))
        most = max(candidate.weight for candidate in self._candidates)
        ranked: list[tuple[float, _Candidate]] = []
        if most:
            logs = [(c.log_probability(most), c) for c in self._candidates if c.weight]
            unknown = most * _log(_UNKNOWN_D)
            top = max(unknown, *(value for value, _ in logs))
            total = math.exp(unknown - top) + sum(math.exp(value - top) for value, _ in logs)
            ranked = [(math.exp(value - top) / total, c) for value, c in logs]
            ranked.sort(key=lambda item: (-item[0], item[1].model.name))
        best = ranked[0] if ranked else None
        self._found = best[1] if best and best[0] >= _SURE and best[1].weight >= needed else None
        self.recognised = Recognised(
            stamp_ns,
            self._body_id,
            self._found.model.name if self._found else "",
            best[0] if best else 0.0,
            tuple(c.model.name for _, c in ranked),
            tuple(probability for probability, _ in ranked),
        )
        return (before.exercise, before.candidates, before.probabilities) != (
            self.recognised.exercise,
            self.recognised.candidates,
            self.recognised.probabilities,
        )
