"""What the coach remembers of a set: what was wrong, what was said about it, and whether it helped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from kinecue.coaching.facts import FORCE_UNITS, Trend
from kinecue.coaching.settings import CoachingSettings
from kinecue.exercise.results import Fault, FormState, Phase, Repetition, RepetitionStatus, Severity

_MOVING = frozenset({Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD, Phase.STAGE})
_TREND_STEP = 0.25
"""Tolerances by which a fault must change to be called worse or better."""


@dataclass
class FaultMemory:
    """One kind of fault in this set. Movements are numbered by the coach, counted or not."""

    name: str
    correction: str
    body_part: str
    severity: Severity
    magnitude: float
    last_movement: int
    last_fault: Fault
    said_cue: str = ""
    said_stamp_ns: int = 0
    further_movements: int = 0
    """Movements with this fault since the one for which it was said."""
    warnings: int = 0
    warned_ns: int | None = None
    praised: bool = False
    fixed: bool = False


class SetMemory:
    """Movements, faults and corrections of one set."""

    def __init__(self, settings: CoachingSettings) -> None:
        self._settings = settings
        self.faults: dict[str, FaultMemory] = {}
        self.movement = 0
        self.stopped = False
        self.efforts: dict[int, str] = {}
        """Cues in which a call of effort was said, by the call."""
        self._theme = ""
        self._theme_absent = 0
        self._last_end_ns: int | None = None
        self._frames = 0
        self._abstained: Counter[str] = Counter()
        self._raised: set[str] = set()
        self._corrected: dict[int, str] = {}

    def frame(self, form: FormState) -> None:
        """Note what could be judged in a frame."""
        if form.phase in _MOVING:
            self._frames += 1
            self._abstained.update({abstention.fault for abstention in form.abstentions})

    def movement_of(self, fault: Fault) -> int:
        """The movement that a fault belongs to; its repetition may have ended before the fault arrived."""
        evidence_ns = fault.onset_ns if 0 < fault.onset_ns < fault.stamp_ns else fault.stamp_ns
        ended = self._last_end_ns is not None and evidence_ns <= self._last_end_ns
        return self.movement - 1 if ended else self.movement

    def raised(self, fault: Fault, magnitude: float) -> Trend:
        """Note a fault. Its trend against the last movement that had it."""
        movement = self.movement_of(fault)
        if movement == self.movement:
            self._raised.add(fault.name)
        known = self.faults.get(fault.name)
        if known is None:
            self.faults[fault.name] = FaultMemory(
                fault.name, fault.correction, fault.body_part, fault.severity, magnitude, movement, fault
            )
            return Trend.NEW
        change = magnitude - known.magnitude
        if movement > known.last_movement:
            known.further_movements += 1
            known.magnitude = magnitude
        known.last_movement = max(movement, known.last_movement)
        known.last_fault = fault
        known.severity = fault.severity
        known.fixed = False
        if abs(change) < _TREND_STEP:
            return Trend.SAME
        return Trend.WORSE if change > 0 else Trend.BETTER

    def why_silent(self, name: str, movement: int) -> str:
        """Why a correction of fault `name`, seen in `movement`, must not be said now; empty if it may."""
        if self.stopped:
            return "the lifter was told to stop"
        if self.movement - movement > 1:
            return "overtaken by the next repetition"
        if movement in self._corrected or self.movement in self._corrected:
            return "one correction per repetition"
        known = self.faults[name]
        if known.said_cue and known.further_movements < self._settings.repeat_after:
            return f"said already; repeated after {self._settings.repeat_after} further repetitions with it"
        return ""

    def why_off_theme(self, name: str, severity: Severity) -> str:
        """Why a correction of fault `name` must not be said before the theme of the set is fixed."""
        theme = self.faults.get(self._theme)
        if theme is not None and name != self._theme and severity <= theme.severity:
            return f"the theme of the set is {self._theme}"
        return ""

    def contradicted(self, correction: str, movement: int) -> bool:
        """Whether the opposite was said in this repetition or in that of the fault."""
        said = [self._corrected.get(number) for number in (movement, self.movement)]
        return any(key is not None and self._settings.contradicts(key, correction) for key in said)

    def said(
        self, name: str, movement: int, cue_id: str, stamp_ns: int, phase: Phase, *, is_theme: bool
    ) -> None:
        """Note that fault `name` of `movement` was corrected aloud in `phase`."""
        known = self.faults[name]
        known.said_cue, known.said_stamp_ns, known.further_movements = cue_id, stamp_ns, 0
        self._corrected[movement] = self._corrected[self.movement] = known.correction
        if phase == Phase.TOP and self._frames:
            # The repetition is over, though it was not reported yet: this is for the next one.
            self._corrected[self.movement + 1] = known.correction
        if is_theme:
            self._theme, self._theme_absent = name, 0

    def unsaid(self, cue_id: str) -> None:
        """Note that a cue was not heard, or not to its end."""
        for known in self.faults.values():
            if known.said_cue == cue_id:
                known.said_cue = ""
        self.efforts = {call: said for call, said in self.efforts.items() if said != cue_id}

    def finished(self, repetition: Repetition) -> list[FaultMemory]:
        """Note the end of a movement. The faults that it shows to be fixed after a correction."""
        raised = self._raised | set(repetition.faults)
        valid = repetition.status == RepetitionStatus.VALID
        fixed = [
            known
            for known in self.faults.values()
            if valid
            and known.said_cue
            and known.name not in raised
            and repetition.start_ns >= known.said_stamp_ns
            and self._judged(known.name)
            # a load is judged elsewhere: that nothing was raised does not prove that it was measured
            and known.last_fault.unit not in FORCE_UNITS
        ]
        for known in fixed:
            known.fixed = True
        if self._theme and valid:
            self._theme_absent = 0 if self._theme in raised else self._theme_absent + 1
            if self.faults[self._theme].fixed or self._theme_absent >= self._settings.theme_release_after:
                self._theme = ""
        self.movement += 1
        self._last_end_ns = repetition.end_ns
        self._frames, self._raised = 0, set()
        self._abstained.clear()
        return fixed

    def _judged(self, name: str) -> bool:
        return self._frames > 0 and self._abstained[name] <= self._settings.max_abstained_share * self._frames
