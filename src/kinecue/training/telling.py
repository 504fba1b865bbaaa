"""What fusion has to tell, until it is fetched: repetitions with their numbers, faults of the machine, disagreements."""

from __future__ import annotations

import math

from kinecue.body.measurement import Measurement
from kinecue.exercise.results import Fault, Phase, Repetition, Side
from kinecue.training.body_trace import Watched
from kinecue.training.disagreement import (
    MOVES,
    SHORT_WAY,
    SURE,
    WRONG_EXERCISE,
    Disagreement,
    ExerciseWatch,
    Notice,
    Notices,
    RangeWatch,
    slack_fault,
)
from kinecue.training.pairing import HandleMovement
from kinecue.training.set_account import SetAccount


class Telling:
    """Collects for one set after the other."""

    def __init__(self) -> None:
        self.account = SetAccount()
        self.notices = Notices()
        self.exercise, self.body_id = "", ""
        self.now_ns = 0
        self.phase = Phase.TOP
        """Of the lifter, as far as it can be spoken in."""
        self._told: list[Repetition] = []
        self._faults: list[Fault] = []
        self.restart()

    def restart(self) -> None:
        """A new set."""
        self.ranges = RangeWatch()
        self.others = ExerciseWatch()
        self._of_camera: set[str] = set()

    def repetition(self, repetition: Repetition) -> None:
        """It is over."""
        self._told.append(self.account.tell(repetition))

    def camera_faults(self, faults: tuple[Fault, ...]) -> None:
        """Of this frame."""
        self._faults = [*(self.account.fault(fault) for fault in faults), *self._faults]
        self._of_camera |= {fault.feature for fault in faults}

    def note(self, kind: Disagreement, detail: str = "") -> None:
        """The sensors disagree."""
        self.notices.add(Notice(kind, self.now_ns, self.account.counted, detail))

    def take(self) -> tuple[tuple[Repetition, ...], tuple[Fault, ...], tuple[Notice, ...]]:
        """All since the last call."""
        told, self._told = tuple(self._told), []
        faults, self._faults = tuple(self._faults), []
        return told, faults, self.notices.take()

    # --- faults of the machine ---

    def _raise(self, fault: Fault) -> None:
        if self.exercise:
            number = max(self.account.counted, 1)
            self._faults.append(self.account.own_fault(fault, self.exercise, self.body_id, number))

    def range_of(self, movement: HandleMovement, feature: str) -> None:
        """A counted repetition: a fault where the way shrinks, unless the camera said so of the same feature already."""
        short = self.ranges.counted(movement.range_m)
        told, self._of_camera = bool(feature) and feature in self._of_camera, set()
        if short is None:
            return
        measured, limit, magnitude, probability = short
        self.note(Disagreement.RANGE_SHRINKS, f"{movement.range_m:.2f} m, own {self.ranges.own_m:.2f} m")
        if told:
            return
        side = movement.side if movement.side is not Side.NONE else Side.BOTH
        onset = movement.start_ns
        self._raise(
            SHORT_WAY.raised(measured, limit, magnitude, probability, self.now_ns, onset, self.phase, side)
        )

    def slack(self, share: float, onset_ns: int, side: Side) -> None:
        """The cable hung through with `share` of its usual tension."""
        self._raise(slack_fault(share, self.now_ns, onset_ns, self.phase, side))
        self.note(Disagreement.CABLE_SLACK, f"{100 * share:.0f} % of the usual tension")

    def another_exercise(self, movement: HandleMovement, watched: Watched, phase: Phase) -> None:
        """The lifter moved the handle in another way than the exercise; a fault at the second time alike."""
        if not self.others.foreign(movement.range_m):
            return
        known = math.isfinite(watched.excursion)
        measured = Measurement(
            min(watched.excursion, 0.9 * MOVES) if known else 0.0, watched.progress_std if known else SURE
        )
        now = self.now_ns
        self._raise(WRONG_EXERCISE.raised(measured, MOVES, 1.0, 0.95, now, now, phase))
