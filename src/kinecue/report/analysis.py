"""Everything that scoring said about a recording, gathered frame by frame."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from kinecue.body.measurement import Reason
from kinecue.exercise import ExerciseModel, Fault, FormState, Phase, Repetition, ScoreUpdate, SetSummary
from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.features import FEATURES
from kinecue.exercise.results import Recognised
from kinecue.exercise.scorer import JointAngle

_UNDER_WAY = (Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD, Phase.STAGE)


@dataclass(frozen=True)
class FrameRecord:
    """A frame.

    Attributes:
        form: as scored.
        drive: the feature that drives progress, SI; NaN where it is not measured or the exercise has none.
    """

    form: FormState
    drive: float


@dataclass(frozen=True)
class Unjudged:
    """A fault that could not be judged for part of the time that movements took.

    Attributes:
        fault: name.
        reason: the most frequent one.
        share: of the frames of movements, 0 to 1.
    """

    fault: str
    reason: Reason
    share: float


@dataclass(frozen=True)
class Analysis:
    """A recording, scored.

    Attributes:
        file: name of the recording, without folders.
        kind: of it: ``video``, ``pictures``, ``landmarks``, ``positions``, ``bodies``.
        model: the exercise, made this person's where the person is known.
        person: id of a stored person; empty = measured on the recording.
        start_ns, end_ns: stamps of the first and last frame.
        frames: all frames.
        repetitions: all movements, counted or not, in order of time.
        faults: in order of time.
        summary: of the set.
        unjudged: what could not be judged, most first.
        guess: how the exercise was recognised; None if it was given.
        notes: what a person should know of the recording.
    """

    file: str
    kind: str
    model: ExerciseModel
    person: str
    start_ns: int
    end_ns: int
    frames: tuple[FrameRecord, ...]
    repetitions: tuple[Repetition, ...]
    faults: tuple[Fault, ...]
    summary: SetSummary
    unjudged: tuple[Unjudged, ...]
    guess: Recognised | None = None
    notes: tuple[str, ...] = ()

    def seconds(self, stamp_ns: int) -> float:
        """Time since the first frame, s."""
        return (stamp_ns - self.start_ns) * 1e-9

    @property
    def duration(self) -> float:
        """First to last frame, s."""
        return self.seconds(self.end_ns)


class AnalysisRecorder:
    """Gathers what `Scorer.update` answers.

    Args:
        model: the exercise that is scored.
    """

    def __init__(self, model: ExerciseModel) -> None:
        self._model = model
        self._frames: list[FrameRecord] = []
        self._repetitions: list[Repetition] = []
        self._faults: list[Fault] = []
        self._reasons: dict[str, Counter[Reason]] = {}
        self._judged = 0
        self._first: int | None = None
        self._last = 0

    def add(self, stamp_ns: int, update: ScoreUpdate) -> None:
        """Take what a frame brought."""
        self._first = stamp_ns if self._first is None else self._first
        self._last = max(self._last, stamp_ns)
        self._repetitions += update.repetitions
        self._faults += update.faults
        form = update.form
        if form is None:
            return
        self._frames.append(FrameRecord(form, self._drive(update.angles)))
        if form.phase in _UNDER_WAY:
            self._judged += 1
            for item in form.abstentions:
                self._reasons.setdefault(item.fault, Counter())[item.reason] += 1

    def close(self, update: ScoreUpdate) -> None:
        """Take what came after the last frame: what ended with the set."""
        self._repetitions += update.repetitions
        self._faults += update.faults

    def finish(
        self,
        file: str,
        kind: str,
        summary: SetSummary,
        person: str = "",
        guess: Recognised | None = None,
        notes: tuple[str, ...] = (),
        model: ExerciseModel | None = None,
    ) -> Analysis:
        """All of it; `model`: the exercise as it was made this person's, if it was."""
        unjudged = [
            Unjudged(name, reasons.most_common(1)[0][0], sum(reasons.values()) / self._judged)
            for name, reasons in self._reasons.items()
        ]
        unjudged.sort(key=lambda item: (-item.share, item.fault))
        return Analysis(
            file=file,
            kind=kind,
            model=model or self._model,
            person=person,
            start_ns=self._first or 0,
            end_ns=self._last,
            frames=tuple(self._frames),
            repetitions=tuple(sorted(self._repetitions, key=lambda r: (r.start_ns, r.end_ns))),
            faults=tuple(self._faults),
            summary=summary,
            unjudged=tuple(unjudged),
            guess=guess,
            notes=notes,
        )

    def _drive(self, angles: tuple[JointAngle, ...]) -> float:
        progress = self._model.progress
        if progress is None:
            return math.nan
        found = [
            (a.side, a.measured.value) for a in angles if a.name == progress.feature and a.measured.usable
        ]
        if not found:
            return math.nan
        if not FEATURES[progress.feature].sided or len(found) == 1:
            return found[0][1]
        values = [value for _, value in found]
        if progress.side is SidePolicy.LARGER:
            return max(values)
        named = [value for side, value in found if side.name.lower() == progress.side.value]
        return named[0] if named else sum(values) / len(values)
