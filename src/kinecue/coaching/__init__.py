"""What to say and when: priorities, timing, phrasing from a phrase book, and checks on the wording."""

from kinecue.coaching.cue import Cue, CueKind, Decision, Outcome, SpeechStatus
from kinecue.coaching.effort_news import EffortCall, EffortNews
from kinecue.coaching.facts import CueFact
from kinecue.coaching.guard import Guard
from kinecue.coaching.orchestrator import Orchestrator
from kinecue.coaching.phrasebook import PhraseBook, load_phrase_book
from kinecue.coaching.settings import CoachingSettings, load_settings

__all__ = [
    "CoachingSettings",
    "Cue",
    "CueFact",
    "CueKind",
    "Decision",
    "EffortCall",
    "EffortNews",
    "Guard",
    "Orchestrator",
    "Outcome",
    "PhraseBook",
    "SpeechStatus",
    "load_phrase_book",
    "load_settings",
]
