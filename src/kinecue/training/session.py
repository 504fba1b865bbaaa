"""Training as it goes on: effort after every repetition, advice after every set, the profile of a known person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from kinecue.exercise.results import Fault, FormState, Repetition, RepetitionStatus, SetSummary
from kinecue.machine.samples import CableSample, EncoderSample
from kinecue.training.advice import AdviceSettings, DoneSet, LoadAdvice, advise
from kinecue.training.effort import Call, Effort, EffortLimits, EffortWatch
from kinecue.training.effort_signs import SAME_LOAD, comparable
from kinecue.training.exercise_velocities import minimal_velocity
from kinecue.training.load_velocity import LoadPoint, Profile, load_velocity_profile
from kinecue.training.reserve import OwnVelocities, own_minimal_velocity
from kinecue.training.velocity import GRAVITY


class PastSets(Protocol):
    """What is known of a person's earlier sets."""

    def points(self, person_id: str, exercise: str) -> Sequence[LoadPoint]:
        """Fastest repetition of each set with a load."""

    def sets_to_failure(self, person_id: str, exercise: str) -> Sequence[Sequence[float]]:
        """Mean velocities of the counted repetitions of each set that ended with a failed one, m/s."""


@dataclass(frozen=True)
class PersonProfile:
    """The load-velocity profile of a person in an exercise."""

    person_id: str
    exercise: str
    profile: Profile


@dataclass(frozen=True)
class TrainingNews:
    """What a message brought.

    Attributes:
        efforts: estimates, in order.
        advice: of a load; None = nothing new.
        profile: None = nothing new, or nobody in particular.
    """

    efforts: tuple[Effort, ...] = ()
    advice: LoadAdvice | None = None
    profile: PersonProfile | None = None


NO_NEWS = TrainingNews()


class TrainingSession:
    """Follows the sets in front of one machine.

    Args:
        settings: what is wanted of a set.
        limits: when the lifter is told to stop.
        past: earlier sets; None = nothing is kept.
    """

    def __init__(
        self,
        settings: AdviceSettings | None = None,
        limits: EffortLimits | None = None,
        past: PastSets | None = None,
    ) -> None:
        self._settings = settings or AdviceSettings()
        self._past = past
        self._watch = EffortWatch(limits)
        self._set: SetSummary | None = None
        self._over = ""
        self._faults: list[Fault] = []
        self._worst = Call.NONE
        self._stopped = False
        self._profile: PersonProfile | None = None
        self._cable_loads: dict[int, float] = {}
        self._best_today: list[tuple[str, str, float, float]] = []

    @property
    def effort(self) -> Effort | None:
        """The newest estimate."""
        return self._watch.newest

    @property
    def profile(self) -> PersonProfile | None:
        """Of the person and exercise of this set; None for nobody in particular."""
        return self._profile

    def set_summary(self, summary: SetSummary) -> TrainingNews:
        """A set is under way or over."""
        old = self._set
        if not summary.set_id or summary.set_id == self._over:
            return NO_NEWS
        profile: PersonProfile | None = None
        if old is None or summary.set_id != old.set_id:
            self._begin()
        if old is None or (old.person_id, old.exercise) != (summary.person_id, summary.exercise):
            profile = self._look_up(summary)
        self._set = summary
        if not self._cable_loads:
            self._watch.load(summary.load_kg)
        if summary.active:
            return TrainingNews(profile=profile)
        return replace(self._end(summary), profile=profile)

    def repetition(self, repetition: Repetition) -> TrainingNews:
        """A movement ended, counted or not."""
        effort = self._watch.repetition(repetition)
        return self._heard(effort)

    def form(self, form: FormState) -> TrainingNews:
        """A frame was scored."""
        effort = self._watch.form(form)
        return NO_NEWS if effort is None else self._heard(effort)

    def fault(self, fault: Fault) -> TrainingNews:
        """A fault was raised, by whatever node."""
        self._faults.append(fault)
        self._watch.fault(fault)
        return self._stop_at_once(fault.stamp_ns)

    def cable(self, sample: CableSample) -> None:
        """A sample of the force."""
        self._watch.cable(sample)
        if math.isfinite(sample.load_n) and sample.load_n > 0.0:
            known = self._cable_loads.get(int(sample.side))
            if known != sample.load_n:
                self._cable_loads[int(sample.side)] = sample.load_n
                self._watch.load(sum(self._cable_loads.values()) / GRAVITY)

    def encoder(self, sample: EncoderSample) -> None:
        """A sample of the handle's way."""
        self._watch.encoder(sample)

    def recorded(self) -> PersonProfile | None:
        """The history has the last set now: the profile anew; None for nobody in particular."""
        return None if self._set is None else self._look_up(self._set)

    # -- inner

    def _begin(self) -> None:
        self._watch.restart()
        self._faults.clear()
        self._worst, self._stopped = Call.NONE, False

    def _look_up(self, summary: SetSummary) -> PersonProfile | None:
        general = minimal_velocity(summary.exercise)
        if not summary.person_id or self._past is None:
            self._watch.knows(OwnVelocities())
            self._profile = None
            return None
        own = OwnVelocities(self._past.sets_to_failure(summary.person_id, summary.exercise))
        self._watch.knows(own)
        points = self._past.points(summary.person_id, summary.exercise)
        profile = load_velocity_profile(points, general, own_minimal_velocity(general, own.last))
        self._profile = PersonProfile(summary.person_id, summary.exercise, profile)
        return self._profile

    def _heard(self, effort: Effort) -> TrainingNews:
        self._worst = max(self._worst, effort.call)
        news = self._stop_at_once(effort.stamp_ns)
        return replace(news, efforts=(effort,))

    def _stop_at_once(self, stamp_ns: int) -> TrainingNews:
        """Advice within a set is given once, and only to stop it."""
        summary = self._set
        if summary is None or not summary.active or self._stopped:
            return NO_NEWS
        advice = advise(self._done(summary, stamp_ns, over=False), self._settings)
        if advice.advice != advice.advice.STOP:
            return NO_NEWS
        self._stopped = True
        return TrainingNews(advice=advice)

    def _done(self, summary: SetSummary, stamp_ns: int, over: bool) -> DoneSet:
        return DoneSet(
            exercise=summary.exercise,
            body_id=summary.body_id,
            set_id=summary.set_id,
            stamp_ns=stamp_ns,
            load_kg=summary.load_kg,
            lifts=self._watch.lifts,
            effort=self._watch.newest,
            worst=self._worst,
            faults=tuple(self._faults),
            profile=self._profile.profile if self._profile is not None else None,
            best_today=self._best(summary),
            over=over,
        )

    def _end(self, summary: SetSummary) -> TrainingNews:
        self._over = summary.set_id
        if not any(lift.repetition.status != RepetitionStatus.SETUP for lift in self._watch.lifts):
            return NO_NEWS
        advice = advise(self._done(summary, summary.end_ns, over=True), self._settings)
        speeds = [lift.speed(True)[0] for lift in comparable(self._watch.lifts)]
        fastest = max((speed for speed in speeds if math.isfinite(speed)), default=math.nan)
        if math.isfinite(fastest) and summary.load_kg > 0.0:
            self._best_today.append((summary.person_id, summary.exercise, summary.load_kg, fastest))
        return TrainingNews(advice=advice)

    def _best(self, summary: SetSummary) -> float:
        """Fastest mean velocity of the day at this load; only of a known person: others may have used the machine."""
        if not summary.person_id:
            return math.nan
        return max(
            (
                speed
                for person, exercise, load, speed in self._best_today
                if (person, exercise) == (summary.person_id, summary.exercise)
                and abs(load - summary.load_kg) <= SAME_LOAD * load
            ),
            default=math.nan,
        )
