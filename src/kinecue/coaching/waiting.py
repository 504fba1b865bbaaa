"""Things that will be said when their moment comes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kinecue.coaching.cue import INTERRUPTING, CueKind
from kinecue.coaching.facts import CueFact
from kinecue.exercise.results import Fault, FormState, Phase, Repetition, Side

AFTER_REPETITION = frozenset({Phase.TOP})
_PRIORITY = {
    CueKind.DANGER: INTERRUPTING,
    CueKind.CORRECTION: 50,
    CueKind.SYSTEM: 40,
    CueKind.PRAISE: 30,
    CueKind.SUMMARY: 20,
    CueKind.COUNT: 10,
}
_BEFORE_CORRECTIONS = 10


@dataclass(frozen=True)
class Waiting:
    """Something to be said in one of `phases` (empty = any), until `expires_ns` in the caller's clock.

    The words of a fault (`fact` is set) are chosen when it is said; `movement` is the one that had the fault.
    """

    kind: CueKind
    subject: str
    stamp_ns: int
    expires_ns: int
    reason: str
    body_id: str
    exercise: str
    repetition: int
    phases: frozenset[Phase] = frozenset()
    text: str = ""
    screen_text: str = ""
    fact: CueFact | None = None
    fault_ids: tuple[str, ...] = ()
    movement: int = 0
    effort: int = 0
    """What effort called for (`kinecue.coaching.effort_news`); 0 = it is not about effort."""

    @staticmethod
    def for_fault(kind: CueKind, fault: Fault, fact: CueFact, movement: int, expires_ns: int) -> Waiting:
        """A correction, held for the phases of the fault, or a warning, which can be said in any."""
        danger = kind == CueKind.DANGER
        return Waiting(
            kind=kind,
            subject=fault.id,
            stamp_ns=fault.stamp_ns,
            expires_ns=expires_ns,
            reason=f"{'danger: ' if danger else ''}{fault.name} in repetition {fault.repetition}",
            body_id=fault.body_id,
            exercise=fault.exercise,
            repetition=fault.repetition,
            phases=frozenset() if danger else frozenset(fault.say_in),
            fact=fact,
            fault_ids=(fault.id,),
            movement=movement,
        )

    @staticmethod
    def for_repetition(
        kind: CueKind,
        subject: str,
        reason: str,
        repetition: Repetition,
        expires_ns: int,
        words: str = "",
        fact: CueFact | None = None,
    ) -> Waiting:
        """Said after a repetition: a praise (`fact` is what was corrected) or a count (with its `words`)."""
        return Waiting(
            kind=kind,
            subject=subject,
            stamp_ns=repetition.end_ns,
            expires_ns=expires_ns,
            reason=reason,
            body_id=repetition.body_id,
            exercise=repetition.exercise,
            repetition=repetition.number,
            phases=AFTER_REPETITION,
            text=words,
            screen_text=str(repetition.number) if words else "",
            fact=fact,
        )

    @staticmethod
    def announcement(
        kind: CueKind,
        subject: str,
        form: FormState | None,
        expires_ns: int,
        reason: str,
        text: str,
        screen: str,
    ) -> Waiting:
        """What is not about a fault or a repetition: a summary, or a sentence by request."""
        return Waiting(
            kind=kind,
            subject=subject,
            stamp_ns=form.stamp_ns if form else 0,
            expires_ns=expires_ns,
            reason=reason,
            body_id=form.body_id if form else "",
            exercise=form.exercise if form else "",
            repetition=0,
            text=text,
            screen_text=screen,
        )

    @property
    def priority(self) -> int:
        """Higher goes first: the kind, then the severity of a correction."""
        if self.effort and self.kind == CueKind.CORRECTION:
            return _PRIORITY[self.kind] + _BEFORE_CORRECTIONS
        severity = int(self.fact.severity) if self.kind == CueKind.CORRECTION and self.fact else 0
        return _PRIORITY[self.kind] + severity

    @property
    def order(self) -> tuple[int, float, int, str]:
        """Smaller goes first: priority, then magnitude, then age; the subject makes it unique."""
        return (-self.priority, -self.fact.magnitude if self.fact else 0.0, self.stamp_ns, self.subject)

    def same_fault(self, other: Waiting) -> bool:
        """Both are about the same fault."""
        return (
            self.kind == other.kind
            and self.fact is not None
            and other.fact is not None
            and self.fact.fault == other.fact.fault
        )

    def merged(self, other: Waiting) -> Waiting:
        """One for the same fault in the same movement: the worse one's fact, the first one's times."""
        worse = min(self, other, key=lambda one: one.order).fact
        sides = {one.fact.side for one in (self, other) if one.fact}
        if worse is not None and len(sides) > 1:
            worse = replace(worse, side=Side.BOTH)
        return replace(self, fact=worse, fault_ids=(*self.fault_ids, *other.fault_ids))
