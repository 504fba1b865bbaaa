"""What may be spoken about at all: measured well, of now, in a movement, and with words in the book."""

from __future__ import annotations

from collections.abc import Iterable

from kinecue.coaching.effort_news import EffortNews
from kinecue.coaching.facts import why_unusable
from kinecue.coaching.memory import SetMemory
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.coaching.present import Present
from kinecue.coaching.settings import CoachingSettings
from kinecue.coaching.waiting import SPEAKING_PHASES, Waiting
from kinecue.exercise.results import Fault, Phase, Severity

_ABOUT_THE_MACHINE = frozenset({"check_exercise"})
"""Corrections that are said to somebody who is not in position: who does another exercise never is in that of this one."""


def speaking_phases(correction: str) -> frozenset[Phase]:
    """Phases in which a correction may be said."""
    return SPEAKING_PHASES | {Phase.SETUP} if correction in _ABOUT_THE_MACHINE else SPEAKING_PHASES


def why_unsayable(fault: Fault, present: Present, book: PhraseBook, settings: CoachingSettings) -> str:
    """Why nothing may be said about `fault`; empty if something may."""
    problem = why_unusable(fault)
    if problem:
        return problem
    problem = _why_untrusted(fault.probability, fault.stamp_ns, present, settings)
    if problem:
        return problem
    if fault.correction not in book.corrections:
        return f"the {book.language} phrase book has no correction {fault.correction}"
    phase = fault.phase if fault.stamp_ns > present.stamp_ns or present.form is None else present.phase
    if fault.severity == Severity.DANGER and phase == Phase.UNKNOWN:
        # The lifter may have been lost from sight a moment ago; the danger was measured before.
        phase = fault.phase
    return "" if phase in speaking_phases(fault.correction) else _silent(phase)


def why_no_effort(
    news: EffortNews,
    present: Present,
    memory: SetMemory,
    waiting: Iterable[Waiting],
    settings: CoachingSettings,
) -> str:
    """Why nothing may be said about effort; empty if something may."""
    problem = _why_untrusted(news.probability, news.stamp_ns, present, settings)
    problem = problem or news.why_silent(present.exercise, memory, waiting)
    if problem:
        return problem
    return "" if present.phase in SPEAKING_PHASES else _silent(present.phase)


def _why_untrusted(probability: float, stamp_ns: int, present: Present, settings: CoachingSettings) -> str:
    if not settings.min_probability <= probability <= 1.0:
        return f"probability {probability:.2f}, needs {settings.min_probability:.2f} to 1"
    if present.is_late(stamp_ns):
        return f"late: its frame is not within {settings.max_fault_age_s} s of now"
    return ""


def _silent(phase: Phase) -> str:
    return f"nothing is said in phase {Phase(phase).name.lower()}"
