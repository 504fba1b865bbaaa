"""Simulated sets as a coach hears of them, and an athlete who listens: what `coaching_sets` counts.

A set is scored by the real scoring on what the simulated network sees (or, where nothing is stored and time is short, on
what a perfect one would), then played to the orchestrator with a speaker that takes as long as a voice does. The athlete who
listens keeps a fault until it was spoken about to the end, and does the repetitions that begin after that without it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from clean_sets import TEMPOS
from scored_sets import MadeSet, SetKey, Truth, make, perform, stored
from scored_sets import _repetitions as true_repetitions
from set_records import SetRecord, record

from kinecue.body.paths import share_dir
from kinecue.coaching.cue import CueKind, SpeechStatus
from kinecue.coaching.orchestrator import Orchestrator
from kinecue.coaching.phrasebook import PhraseBook, load_phrase_book
from kinecue.coaching.recorded import RecordedSet, SetRecorder
from kinecue.coaching.replay import Replay, ReplaySpeaker, Utterance, replay
from kinecue.coaching.settings import CoachingSettings, load_settings
from kinecue.exercise.exercise_file import find_exercise
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import ScoreUpdate, Severity
from kinecue.exercise.scorer import Scorer

REACTION_S = 0.4
"""From the end of a cue until somebody who heard it acts on it (choice reaction to speech, 0.3 to 0.5 s)."""
REPETITIONS = 7
FIRST = 2
"""Repetition in which the fault begins."""
_ROUNDS = 3
_ONCE = ("turkish_get_up", "plank")
_VIEWS = (45.0, 0.0, 90.0)


@dataclass(frozen=True)
class CoachedSet:
    """A set that was coached.

    Attributes:
        key: what was done.
        group: ``clean``, ``rising`` (a fault that grows), ``kept`` or ``corrected`` (a fault until it was spoken about).
        fault: the planted one; empty in clean sets.
        seen, true: records as the network and as a perfect one saw it; `true` is None in clean sets.
        recorded: what the coach was told.
        played: what it made of that.
        obeyed: first repetition in which the athlete had understood; 0 = never.
    """

    key: SetKey
    group: str
    fault: str
    seen: SetRecord
    true: SetRecord | None
    recorded: RecordedSet
    played: Replay
    obeyed: int = 0

    @property
    def heard(self) -> list[Utterance]:
        """Cues of which the lifter heard at least a part."""
        return [u for u in self.played.speaker.utterances if u.started_ns]

    @property
    def about_faults(self) -> list[Utterance]:
        """Corrections and warnings that were heard."""
        return [u for u in self.heard if u.cue.kind in (CueKind.CORRECTION, CueKind.DANGER) and u.cue.fact]

    @property
    def corrections(self) -> list[Utterance]:
        """The same, with those that name no fault: too short to count."""
        kinds = (CueKind.CORRECTION, CueKind.DANGER)
        return [u for u in self.heard if u.cue.kind in kinds and not u.cue.reason.startswith("effort")]

    def repetition_at(self, time_s: float) -> int:
        """Number of the repetition under way or just finished; 0 before the first."""
        return max((p.number for p in self.seen.planned if p.start_s <= time_s), default=0)

    def truly(self, fault: str) -> set[int]:
        """Repetitions in which a fault is there, as seen perfectly."""
        return set() if self.true is None else {r.number for r in self.true.raised if r.name == fault}

    @property
    def period_s(self) -> float:
        """From one repetition to the next; of a single one, its length."""
        starts = [p.start_s for p in self.seen.planned]
        if len(starts) > 1:
            return float(np.median(np.diff(starts)))
        return self.seen.planned[0].end_s - self.seen.planned[0].start_s


class Coaching:
    """Everything that coaches: one book and settings for all sets, a fresh orchestrator for each."""

    def __init__(self, language: str = "en", **changes: object) -> None:
        config = share_dir() / "config"
        self.book: PhraseBook = load_phrase_book(config / "phrases" / f"{language}.yaml")
        settings: CoachingSettings = load_settings(config / "coaching.yaml")
        self.settings = settings.model_copy(update=changes)

    def coach(self, recorded: RecordedSet) -> Replay:
        """The set through a fresh orchestrator and a speaker with the durations of a voice."""
        return replay(recorded, Orchestrator(self.book, self.settings), ReplaySpeaker())


@lru_cache(maxsize=64)
def model_of(exercise: str) -> ExerciseModel:
    """The exercise file."""
    return find_exercise(exercise)


def made_set(key: SetKey, network: bool) -> MadeSet:
    """The set; without `network`, one that is not stored is only seen perfectly, which takes no takes.

    Raises:
        KineCueError: this athlete cannot do it.
    """
    if network or stored(key):
        return make(key)
    movement = perform(key)
    truth = Truth(
        true_repetitions(movement.performance), movement.positions, movement.moments.progress, movement.camera
    )
    made = MadeSet(key, movement.stamps_ns.tolist(), [], truth)
    return replace(made, bodies=list(made.true_bodies()))


def scored(made: MadeSet, truth: bool = False) -> tuple[RecordedSet, list[ScoreUpdate]]:
    """What a coach is told of a set, and what the records are made of."""
    scorer = Scorer(model_of(made.key.exercise), session=made.key.name)
    recorder = SetRecorder()
    updates = []
    for body, stamp in zip(made.true_bodies() if truth else made.bodies, made.stamps_ns, strict=True):
        update = scorer.update(body, stamp)
        recorder.add(update, scorer.summary(), stamp)
        updates.append(update)
    last = made.stamps_ns[-1]
    summary = scorer.end_set(last)
    update = scorer.flush()
    recorder.end(update, summary, last)
    return recorder.finish(made.key.name, made.key.exercise), [*updates, update]


def coached(
    key: SetKey, group: str, fault: str, coaching: Coaching, network: bool, with_truth: bool
) -> CoachedSet:
    """One set, made, scored and coached.

    Raises:
        KineCueError: this athlete cannot do it.
    """
    made = made_set(key, network)
    told, updates = scored(made)
    true = record(made, scored(made, truth=True)[1], "truth") if with_truth else None
    return CoachedSet(key, group, fault, record(made, updates), true, told, coaching.coach(told))


def understood(done: CoachedSet) -> int:
    """The first repetition that begins after the planted fault was spoken about; 0 if it never was, or too late."""
    for heard in done.about_faults:
        same = heard.cue.fact is not None and heard.cue.fact.fault == done.fault
        if not same or heard.status != SpeechStatus.FINISHED:
            continue
        acts_s = heard.ended_ns * 1e-9 + REACTION_S
        return next((p.number for p in done.seen.planned if p.start_s >= acts_s), 0)
    return 0


def with_listener(kept: CoachedSet, coaching: Coaching, network: bool) -> CoachedSet | None:
    """The same set by an athlete who acts on what was said; None if nothing was that one could act on.

    The set is done again with the fault only until it was understood, until what is heard agrees with what is done.

    Raises:
        KineCueError: this athlete cannot do it.
    """
    until = understood(kept)
    for _ in range(_ROUNDS):
        if not until:
            return None
        name, size, side, numbers = (*kept.key.faults[0][:3], tuple(kept.key.faults[0][3]))
        key = replace(kept.key, faults=((name, size, side, tuple(n for n in numbers if n < until)),))
        done = coached(key, "corrected", kept.fault, coaching, network, with_truth=True)
        again = understood(done)
        if again == until:
            return replace(done, obeyed=until)
        until = again
    return None


def listener_keys(rising: Sequence[CoachedSet], each: int) -> list[SetKey]:
    """Sets in which a fault begins and stays, as large as it was seen in a rising set: for every exercise all dangers and
    `each` other faults, each from the first view in which it was raised."""
    by_exercise: dict[str, dict[str, CoachedSet]] = {}
    for view in _VIEWS:
        for done in rising:
            if done.key.view == view and any(r.name == done.fault for r in done.seen.raised):
                by_exercise.setdefault(done.key.exercise, {}).setdefault(done.fault, done)
    result = []
    for exercise, seen in by_exercise.items():
        if exercise in _ONCE:
            continue
        rules = model_of(exercise).faults
        names = sorted(seen, key=lambda name: zlib.crc32(f"{exercise} {name} listens".encode()))
        dangers = [n for n in names if rules[n].severity == Severity.DANGER]
        others = [n for n in names if n not in dangers]
        result += [_listener_key(seen[n], at) for at, n in enumerate([*dangers, *others[:each]])]
    return result


def _listener_key(rising: CoachedSet, at: int) -> SetKey:
    raised = {r.number for r in rising.seen.raised if r.name == rising.fault}
    sizes = [f for f in rising.key.faults if raised & set(f[3] if len(f) > 3 else ())] or [
        rising.key.faults[-1]
    ]
    name, size, side = sizes[-1][:3]
    tempo = TEMPOS[at % len(TEMPOS)]
    numbers = tuple(range(FIRST, REPETITIONS + 1))
    return replace(
        rising.key,
        faults=((name, size, side, numbers),),
        repetitions=REPETITIONS,
        tempo=1.0 if name.startswith("too_fast") else tempo,
        seed=500 + at,
    )
