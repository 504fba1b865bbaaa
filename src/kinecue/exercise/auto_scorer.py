"""Scoring when no exercise was selected: waits until the exercise is recognised, then scores it, what was seen included."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from kinecue.body.body import Body
from kinecue.body.measurement import Reason
from kinecue.body.person import Person
from kinecue.exercise.build import Build
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.recognition import Recogniser
from kinecue.exercise.results import FormState, Phase, Recognised, SetSummary
from kinecue.exercise.scorer import Scorer, ScoreUpdate

_CLOCK_JUMP_NS = 1_000_000_000


class AutoScorer:
    """Scores one person in whatever exercise is recognised. Used like a `Scorer`.

    Each set, and each person, is recognised anew.

    Args:
        models: of the files among which it is recognised.
        session, extra_features, person: as of `Scorer`.
    """

    def __init__(
        self,
        models: tuple[ExerciseModel, ...],
        session: str = "set",
        extra_features: tuple[str, ...] = (),
        person: Person | None = None,
    ) -> None:
        self._number = 0
        self._new: Callable[[], Recogniser] = lambda: Recogniser(
            models, f"{session}.{self._number}", extra_features, person
        )
        self._session = session
        self._recogniser = self._new()
        self._scorer: Scorer | None = None
        self._build: Build | None = None
        self._body_id = ""
        self._newest_ns: int | None = None
        self._resting = False
        self._left: ScoreUpdate | None = None
        self._told = Recognised(0, "", "", 0.0)
        self.dropped = 0
        """Frames dropped because their stamp was not newer than the newest."""

    @property
    def model(self) -> ExerciseModel | None:
        """The recognised exercise."""
        return None if self._scorer is None else self._scorer.model

    @property
    def recognised(self) -> Recognised:
        """What is known of the exercise."""
        return self._told

    def update(self, body: Body | None, stamp_ns: int) -> ScoreUpdate:
        """Score a frame; as `Scorer.update`.

        The update of the frame in which the exercise is recognised holds the repetitions that were seen before. Faults
        of that time are in their repetitions only: it is too late for a cue.
        """
        newest = self._newest_ns
        if newest is not None and newest - _CLOCK_JUMP_NS <= stamp_ns <= newest:
            self.dropped += 1
            return ScoreUpdate(None)
        self._newest_ns = stamp_ns
        if body is not None and body.id != self._body_id:
            if self._body_id and self._scorer is not None:
                self._left = self._end(stamp_ns)
                self._anew()
            self._body_id = body.id
        left, self._left = self._left, None
        update = self._follow(body, stamp_ns)
        if left is None:
            return update
        return replace(
            update, faults=left.faults + update.faults, repetitions=left.repetitions + update.repetitions
        )

    def _follow(self, body: Body | None, stamp_ns: int) -> ScoreUpdate:
        if self._scorer is not None:
            return self._scorer.update(body, stamp_ns)
        if self._resting:
            return ScoreUpdate(self._unknown(stamp_ns, Phase.REST))
        self._recogniser.update(body, stamp_ns)
        self._told = self._recogniser.recognised
        if self._recogniser.scorer is None:
            return ScoreUpdate(self._unknown(stamp_ns, Phase.UNKNOWN))
        self._adopt(self._recogniser.scorer)
        return ScoreUpdate(self._unknown(stamp_ns, Phase.UNKNOWN), (), (), self._recogniser.repetitions)

    def _adopt(self, scorer: Scorer) -> None:
        self._scorer = scorer
        if self._build is not None:
            scorer.set_build(self._build)

    def _unknown(self, stamp_ns: int, phase: Phase) -> FormState:
        nan = math.nan
        return FormState(stamp_ns, self._body_id, "", phase, "", nan, nan, nan, 0, 0, nan, Reason.UNSUPPORTED)

    def _anew(self) -> None:
        self._number += 1
        self._recogniser = self._new()
        self._scorer = None
        self._told = self._recogniser.recognised

    def set_build(self, build: Build | None) -> None:
        """As `Scorer.set_build`."""
        self._build = build
        if self._scorer is not None:
            self._scorer.set_build(build)

    def start_set(self, stamp_ns: int) -> SetSummary:
        """A new set, of an exercise that is to be recognised."""
        self._anew()
        self._resting = False
        return self.summary()

    def end_set(self, stamp_ns: int) -> SetSummary:
        """The set ends. One repetition is then enough to recognise the exercise by: no more will come."""
        self._left = self._end(stamp_ns)
        self._resting = True
        return self.summary()

    def _end(self, stamp_ns: int) -> ScoreUpdate | None:
        if self._scorer is not None:
            self._scorer.end_set(stamp_ns)
            return self._scorer.flush()
        self._recogniser.finish(stamp_ns)
        self._told = self._recogniser.recognised
        if self._recogniser.scorer is None:
            return None
        self._adopt(self._recogniser.scorer)
        return ScoreUpdate(None, (), (), self._recogniser.repetitions)

    def flush(self) -> ScoreUpdate:
        """What `end_set` brought, where no further frame will report it."""
        left, self._left = self._left, None
        return left if left is not None else ScoreUpdate(None)

    def summary(self) -> SetSummary:
        """The set so far, or the one that ended; of no exercise while it is unknown."""
        if self._scorer is not None:
            return self._scorer.summary()
        newest = self._newest_ns or 0
        return SetSummary(
            f"{self._session}.{self._number}", self._body_id, "", not self._resting, newest, newest, 0
        )
