"""What the coach remembers of a set: what was wrong, what was said about it, and whether it helped."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from kinecue.coaching.facts import FORCE_UNITS, Trend
from kinecue.coaching.settings import CoachingSettings
from kinecue.exercise.results import (
    Fault,
    FormState,
    Phase,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    Severity,
)

_MOVING = frozenset({Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD, Phase.STAGE})
_SHORT_TAKES_NS = 1_000_000_000
"""A movement over sooner than that may be an error of tracking, and is not told to be too short."""
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
    """Movements with this danger, or warnings, whichever are more."""
    warned_ns: int | None = None
    warned_movement: int = -1
    warned_cue: str = ""
    praised: bool = False
    fixed: bool = False


class SetMemory:
    """Movements, faults and corrections of one set."""

    def __init__(self, settings: CoachingSettings) -> None:
        self.settings = settings
        self.faults: dict[str, FaultMemory] = {}
        self.movement = 0
        self.said_to_stop = ""
        self.machine_stop = ""
        """The same where it was the machine that has a fault."""
        """The cue in which the lifter was told to stop; empty if it was not told."""
        self.counted = 0
        """Valid repetitions."""
        self.short = 0
        """Movements in a row that turned round too early to count."""
        self.quiet = 0
        """Valid repetitions in a row after which nothing was said, counting aside."""
        self.efforts: dict[int, str] = {}
        """Cues in which a call of effort was said, by the call."""
        self.last_raised: frozenset[str] = frozenset()
        """Faults of the movement that ended last."""
        self._theme = ""
        self._theme_absent = 0
        self._last_end_ns: int | None = None
        self._frames = 0
        self._abstained: Counter[str] = Counter()
        self._raised: set[str] = set()
        self._corrected: defaultdict[int, set[str]] = defaultdict(set)
        """What was said in each movement, warnings included."""

    @property
    def stopped(self) -> bool:
        """The lifter was told to stop."""
        return bool(self.said_to_stop)

    @property
    def stopped_by_machine(self) -> bool:
        """The lifter was told to stop because of the machine."""
        return self.stopped and self.machine_stop == self.said_to_stop

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
        if known.said_cue and known.further_movements < self.settings.repeat_after:
            return f"said already; repeated after {self.settings.repeat_after} further repetitions with it"
        return ""

    def why_not_too_short(self) -> str:
        """Why it is not said that movements are too short to count; empty if it may be.

        Only at the beginning of a set: later, who turns round early is tired, and must not be urged on. And not
        where something else was raised: what is said then is about that.
        """
        after = self.settings.too_short_after
        if not after or self.short < after or self.short % after or self.short > 3 * after:
            return "not in a row" if after else "not wanted"
        if self.counted > after or self.efforts:
            return "the set is well under way, and the lifter may be tired"
        if self.stopped:
            return "the lifter was told to stop"
        if self.last_raised or self.movement in self._corrected or self.movement - 1 in self._corrected:
            return "something else is wrong"
        return ""

    def said_too_short(self) -> None:
        """Note that it was said: nothing else is corrected in the coming movement."""
        self._corrected[self.movement].add("")

    def why_off_theme(self, name: str, severity: Severity) -> str:
        """Why a correction of fault `name` must not be said before the theme of the set is fixed."""
        theme = self.faults.get(self._theme)
        if theme is not None and name != self._theme and severity <= theme.severity:
            return f"the theme of the set is {self._theme}"
        return ""

    def contradicted(self, correction: str, movement: int) -> bool:
        """Whether the opposite was said in this repetition or in that of the fault."""
        said = {key for number in (movement, self.movement) for key in self._corrected.get(number, ())}
        return any(self.settings.contradicts(key, correction) for key in said)

    def said(
        self, name: str, movement: int, cue_id: str, stamp_ns: int, phase: Phase, *, is_theme: bool
    ) -> None:
        """Note that fault `name` of `movement` was corrected aloud in `phase`."""
        known = self.faults[name]
        known.said_cue, known.said_stamp_ns, known.further_movements = cue_id, stamp_ns, 0
        movements = {movement, self.movement}
        if phase == Phase.TOP and self._frames:
            # The repetition is over, though it was not reported yet: this is for the next one.
            movements.add(self.movement + 1)
        for number in movements:
            self._corrected[number].add(known.correction)
        if is_theme:
            self._theme, self._theme_absent = name, 0

    def warned(self, name: str, movement: int, cue_id: str, now_ns: int) -> None:
        """Note that the lifter was warned of danger `name`, seen in `movement`."""
        known = self.faults[name]
        known.warnings += 1
        known.warned_ns, known.warned_movement, known.warned_cue = now_ns, movement, cue_id

    def why_no_warning(self, name: str, movement: int, now_ns: int) -> str:
        """Why a warning of danger `name`, seen in `movement`, must not be said; empty if it may.

        A danger that comes again in another movement brings the order to stop nearer, though it was warned of just now.
        """
        known = self.faults[name]
        if known.warned_ns is None or now_ns - known.warned_ns >= round(self.settings.danger_repeat_s * 1e9):
            return ""
        if movement > known.warned_movement:
            known.warnings += 1
            known.warned_movement = movement
        return "warned a moment ago"

    def must_stop(self, name: str, correction: str, movement: int) -> bool:
        """Whether a warning of danger `name` is not enough, or would contradict what was just said."""
        warned_enough = self.faults[name].warnings >= self.settings.danger_stop_after
        return self.stopped or warned_enough or self.contradicted(correction, movement)

    def severity(self, name: str) -> Severity:
        """Of fault `name`; one that nobody told of may be anything."""
        return self.faults[name].severity if name in self.faults else Severity.DANGER

    def unsaid(self, cue_id: str) -> None:
        """Note that a cue was not heard, or not to its end."""
        for known in self.faults.values():
            if known.said_cue == cue_id:
                known.said_cue = ""
            if known.warned_cue == cue_id:
                known.warned_cue, known.warned_ns, known.warnings = "", None, max(0, known.warnings - 1)
        if self.said_to_stop == cue_id:
            self.said_to_stop = ""
        self.efforts = {call: said for call, said in self.efforts.items() if said != cue_id}

    def finished(self, repetition: Repetition) -> list[FaultMemory]:
        """Note the end of a movement. The faults that it shows to be fixed after a correction."""
        raised = self._raised | set(repetition.faults)
        valid = repetition.status == RepetitionStatus.VALID
        self.quiet += valid
        self.counted += valid
        if valid:
            self.short = 0
        elif repetition.status == RepetitionStatus.PARTIAL:
            took_ns = repetition.end_ns - repetition.start_ns
            self.short += repetition.reason == RepetitionReason.RANGE_TOO_SMALL and took_ns >= _SHORT_TAKES_NS
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
        self.last_raised = frozenset(raised)
        if self._theme and valid:
            self._theme_absent = 0 if self._theme in raised else self._theme_absent + 1
            if self.faults[self._theme].fixed or self._theme_absent >= self.settings.theme_release_after:
                self._theme = ""
        self.movement += 1
        self._last_end_ns = repetition.end_ns
        self._frames, self._raised = 0, set()
        self._abstained.clear()
        return fixed

    def _judged(self, name: str) -> bool:
        return self._frames > 0 and self._abstained[name] <= self.settings.max_abstained_share * self._frames
