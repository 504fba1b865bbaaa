"""What to say and when: priorities, timing, phrasing from a phrase book, and checks on the wording."""

from kinecue.coaching.cue import Cue, CueKind, Decision, Outcome, SpeechStatus, Words
from kinecue.coaching.effort_news import EffortCall, EffortNews
from kinecue.coaching.facts import CueFact, SummaryFacts
from kinecue.coaching.guard import Guard
from kinecue.coaching.machine_news import LoadCall, LoadNews
from kinecue.coaching.orchestrator import Answer, Orchestrator
from kinecue.coaching.phrasebook import PhraseBook, load_phrase_book
from kinecue.coaching.settings import CoachingSettings, Talk, load_settings

__all__ = [
    "Answer",
    "CoachingSettings",
    "Cue",
    "CueFact",
    "CueKind",
    "Decision",
    "EffortCall",
    "EffortNews",
    "Guard",
    "LoadCall",
    "LoadNews",
    "Orchestrator",
    "Outcome",
    "PhraseBook",
    "SpeechStatus",
    "SummaryFacts",
    "Talk",
    "Words",
    "load_phrase_book",
    "load_settings",
]
