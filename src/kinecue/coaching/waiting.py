"""Things that will be said when their moment comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from kinecue.coaching.cue import INTERRUPTING, CueKind, Words
from kinecue.coaching.facts import CueFact
from kinecue.exercise.results import Fault, FormState, Phase, Repetition, Side

SPEAKING_PHASES = frozenset(
    {Phase.TOP, Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD, Phase.STAGE}
)
"""Phases in which something is said about the movement."""
AFTER_REPETITION = frozenset({Phase.TOP})
BETWEEN_SETS = frozenset({Phase.TOP, Phase.REST, Phase.SETUP, Phase.UNKNOWN})
"""Phases in which nobody lifts, so that a longer sentence disturbs nobody."""
_PRIORITY = {
    CueKind.DANGER: INTERRUPTING,
    CueKind.CORRECTION: 50,
    CueKind.SYSTEM: 40,
    CueKind.PRAISE: 30,
    CueKind.SUMMARY: 20,
    CueKind.COUNT: 10,
    CueKind.ENCOURAGEMENT: 5,
}
_BEFORE_CORRECTIONS = 10


@dataclass(frozen=True)
class Waiting:
    """Something to be said in one of `phases` (empty = any), until `expires_ns` in the caller's clock.

    The words of a fault (`fact` is set) are chosen when it is said, and those of a summary; `movement` is the one that
    had the fault.
    """

    kind: CueKind
    subject: str
    stamp_ns: int
    expires_ns: int
    reason: str
    body_id: str = ""
    exercise: str = ""
    repetition: int = 0
    phases: frozenset[Phase] = frozenset()
    text: str = ""
    screen_text: str = ""
    fact: CueFact | None = None
    fault_ids: tuple[str, ...] = ()
    movement: int = 0
    effort: int = 0
    """What effort called for (`kinecue.coaching.effort_news`); 0 = it is not about effort."""
    words: Words = Words.BOOK
    not_before_ns: int = 0
    asked: bool = False
    """Somebody asked for it, so the user's preferences do not matter."""
    again: bool = False
    """A warning that was not heard, for the second time."""

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
        words: tuple[str, str] = ("", ""),
        fact: CueFact | None = None,
    ) -> Waiting:
        """Said after a repetition: a praise (`fact` is what was corrected), a count, or an encouragement.

        A number is still right when the next repetition has begun; all else is said at the top.
        """
        return Waiting(
            kind=kind,
            subject=subject,
            stamp_ns=repetition.end_ns,
            expires_ns=expires_ns,
            reason=reason,
            body_id=repetition.body_id,
            exercise=repetition.exercise,
            repetition=repetition.number,
            phases=SPEAKING_PHASES if kind == CueKind.COUNT else AFTER_REPETITION,
            text=words[0],
            screen_text=words[1],
            fact=fact,
        )

    @staticmethod
    def announcement(
        kind: CueKind,
        subject: str,
        form: FormState | None,
        expires_ns: int,
        reason: str,
        words: tuple[str, str] = ("", ""),
    ) -> Waiting:
        """What is not about a fault or a repetition: a summary, a sentence by request, news of the machine."""
        return Waiting(
            kind=kind,
            subject=subject,
            stamp_ns=form.stamp_ns if form else 0,
            expires_ns=expires_ns,
            reason=reason,
            body_id=form.body_id if form else "",
            exercise=form.exercise if form else "",
            text=words[0],
            screen_text=words[1],
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


def priority_of(kind: CueKind) -> int:
    """The priority of a cue of that kind about which no more is known."""
    return _PRIORITY[kind]


class WaitingRoom:
    """What waits to be said, in the order in which it came."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    def __iter__(self) -> Iterator[Waiting]:
        return iter(tuple(self._waiting))

    @property
    def by_priority(self) -> list[Waiting]:
        """The most urgent first."""
        return sorted(self._waiting, key=lambda one: one.order)

    def add(self, waiting: Waiting) -> Waiting | None:
        """Let it wait. The same fault of the same movement is one cue; one of an older movement is replaced and returned."""
        for index, other in enumerate(self._waiting):
            if not other.same_fault(waiting):
                continue
            if other.movement == waiting.movement:
                self._waiting[index] = other.merged(waiting)
                return None
            self._waiting[index] = waiting
            return other
        self._waiting.append(waiting)
        return None

    def replace(self, old: Waiting, new: Waiting) -> None:
        """`new` waits in the place of `old`."""
        self._waiting[self._waiting.index(old)] = new

    def remove(self, waiting: Waiting) -> None:
        """It waits no longer."""
        self._waiting.remove(waiting)

    def late(self, now_ns: int) -> list[Waiting]:
        """What expired, taken out."""
        return self._take(lambda one: now_ns > one.expires_ns)

    def of_set(self) -> list[Waiting]:
        """What belongs to a set under way, taken out; a summary and what is not about a set stay."""
        return self._take(lambda one: one.kind not in (CueKind.SUMMARY, CueKind.SYSTEM))

    def _take(self, gone: Callable[[Waiting], bool]) -> list[Waiting]:
        taken = [one for one in self._waiting if gone(one)]
        self._waiting = [one for one in self._waiting if not gone(one)]
        return taken
