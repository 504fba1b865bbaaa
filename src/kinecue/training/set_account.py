"""The count of a set when two sensors count: one number for each repetition, in every message that names it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

from kinecue.exercise.results import Fault, FormState, Repetition, RepetitionStatus, SetSummary
from kinecue.training.velocity import VelocityLoss


class SetAccount:
    """Numbers repetitions, and puts the numbers of the camera's scoring right where they differ.

    As long as only the camera counts, its numbers are left as they are.
    """

    def __init__(self) -> None:
        self.begin("")

    def begin(self, set_id: str) -> None:
        """A new set."""
        self.set_id = set_id
        self.counted = 0
        """Valid repetitions told."""
        self._not_counted: Counter[RepetitionStatus] = Counter()
        self._ds: list[float] = []
        self._faults: Counter[str] = Counter()
        self._scored = 0
        self._held = 0
        self._own = False
        self._loss = VelocityLoss()
        self._raised = 0

    # --- what is told ---

    def tell(self, repetition: Repetition) -> Repetition:
        """The repetition with its number."""
        if repetition.status is not RepetitionStatus.VALID:
            self._not_counted[repetition.status] += 1
            return replace(repetition, number=0) if repetition.number else repetition
        self.counted += 1
        if math.isfinite(repetition.d):
            self._ds.append(repetition.d)
        if repetition.velocity is not None:
            repetition = replace(repetition, velocity=self._loss.add(repetition.velocity))
        if repetition.source != "camera" or repetition.number != self.counted:
            self._own = self._own or repetition.number != self.counted
            repetition = replace(repetition, number=self.counted)
        return repetition

    def own_fault(self, fault: Fault, exercise: str, body_id: str, number: int) -> Fault:
        """A fault that the machine shows, with its number and whose it is."""
        self._raised += 1
        self._faults[fault.name] += 1
        return replace(
            fault,
            id=f"{exercise}/{number}/{fault.name}/m{self._raised}",
            body_id=body_id,
            exercise=exercise,
            repetition=number,
        )

    # --- what the camera's scoring says ---

    def scored(self, repetitions: tuple[Repetition, ...]) -> None:
        """Repetitions that the scorer counted, told or not yet."""
        for repetition in repetitions:
            if repetition.number:
                self._scored = repetition.number

    def holds(self, waiting: int) -> None:
        """So many repetitions of the camera wait for the handle."""
        self._held = waiting

    @property
    def _shift(self) -> int:
        return self.counted + self._held - self._scored

    def form(self, form: FormState) -> FormState:
        """The form with the count of both sensors."""
        if form.counted == self.counted and not self._shift:
            return form
        under_way = form.repetition - form.counted
        return replace(
            form,
            counted=self.counted,
            repetition=max(self.counted + self._held + under_way, 0) if form.repetition else 0,
        )

    def fault(self, fault: Fault) -> Fault:
        """A fault of the camera with the number of its repetition."""
        if not self._shift or not fault.repetition:
            return fault
        number = max(fault.repetition + self._shift, 1)
        head, _, rest = fault.id.partition("/")
        tail = rest.partition("/")[2]
        return replace(fault, repetition=number, id=f"{head}/{number}/{tail}" if tail else fault.id)

    def summary(self, summary: SetSummary) -> SetSummary:
        """The set with the count of both."""
        if summary.set_id != self.set_id:
            return summary
        faults = dict(Counter(summary.faults) + self._faults) if self._faults else summary.faults
        not_counted = {status: n for status, n in self._not_counted.items() if n}
        if self.counted == summary.counted and not self._own:
            same = not_counted == {status: n for status, n in summary.not_counted.items() if n}
            if same:
                return replace(summary, faults=faults) if self._faults else summary
        return replace(
            summary,
            counted=self.counted,
            not_counted=not_counted,
            d=sum(self._ds) / len(self._ds) if self._ds else math.nan,
            faults=faults,
        )
