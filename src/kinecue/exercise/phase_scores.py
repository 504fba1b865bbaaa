"""D of a finished movement by phase and by feature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from kinecue.exercise.deviation import Deviation
from kinecue.exercise.results import FeatureShare, Phase, PhaseScore, Side

_GLIMPSE_S = 0.08
"""A phase that lasts no longer than this between two others is one of their frames."""
_LEAST_SHARE = 0.001
"""Smaller shares, of features that are about ideal, are not listed."""


@dataclass
class _Term:
    """One feature over some time: sums over seconds."""

    name: str
    side: Side
    part: float = 0.0
    deviation: float = 0.0
    seconds: float = 0.0


@dataclass
class _Run:
    """Some time in one phase."""

    phase: Phase
    stage: str
    start: float
    end: float
    d: float = 0.0
    seconds: float = 0.0
    hidden: float = 0.0
    terms: list[_Term] = field(default_factory=list)

    def add(self, other: _Run) -> None:
        """What the other one summed up."""
        self.start, self.end = min(self.start, other.start), max(self.end, other.end)
        self.d += other.d
        self.seconds += other.seconds
        self.hidden += other.hidden
        if not self.terms:
            self.terms = [_Term(term.name, term.side) for term in other.terms]
        for term, more in zip(self.terms, other.terms, strict=False):
            term.part += more.part
            term.deviation += more.deviation
            term.seconds += more.seconds

    @property
    def mean(self) -> float:
        return _mean(self.d, self.seconds, self.hidden)

    def shares(self) -> tuple[FeatureShare, ...]:
        total = sum(term.part for term in self.terms)
        if not total > 0.0:
            return ()
        found = [
            FeatureShare(term.name, term.side, term.part / total, term.deviation / term.seconds)
            for term in self.terms
            if term.seconds > 0.0 and term.part >= _LEAST_SHARE * total
        ]
        return tuple(sorted(found, key=lambda share: -share.share))


def _mean(total: float, seconds: float, hidden: float) -> float:
    """NaN where less was seen than was hidden: the seen part need not be like the rest."""
    return total / seconds if seconds > 0.0 and seconds >= hidden else math.nan


class MovementScores:
    """Gathers D of the frames of one movement: a slow and a fast one compare, because means are over time."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def add(self, t: float, dt: float, phase: Phase, stage: str, deviation: Deviation) -> None:
        """A frame at `t` that stands for `dt` seconds."""
        run = self._runs[-1] if self._runs else None
        if run is None or run.phase is not phase or run.stage != stage:
            run = _Run(phase, stage, t if run is None else run.end, t)
            run.terms = [_Term(term.name, term.side) for term in deviation.terms]
            self._runs.append(run)
        run.end = t
        if not math.isfinite(deviation.d) or dt <= 0.0:
            run.hidden += max(dt, 0.0) if deviation.reason else 0.0
            return
        run.d += deviation.d * dt
        run.seconds += dt
        squared = deviation.d * deviation.d * dt
        for term, now in zip(run.terms, deviation.terms, strict=True):
            if not now.measured.usable or math.isnan(now.ideal):
                continue
            term.seconds += dt
            if now.share > 0.0:  # a deviation that does not count has no share
                term.part += now.share * squared
                term.deviation += (now.measured.value - now.ideal) / now.tolerance * dt

    def mean(self, *phases: Phase) -> float:
        """Mean D over `phases`, or over all; NaN if there was nothing."""
        chosen = [run for run in self._runs if not phases or run.phase in phases]
        return _mean(
            sum(run.d for run in chosen),
            sum(run.seconds for run in chosen),
            sum(run.hidden for run in chosen),
        )

    def shares(self) -> tuple[FeatureShare, ...]:
        """Of all features over the movement, largest first."""
        whole = _Run(Phase.UNKNOWN, "", math.inf, -math.inf)
        for run in self._runs:
            whole.add(run)
        return whole.shares()

    def phases(self, start: float, end: float, nanoseconds: Callable[[float], int]) -> tuple[PhaseScore, ...]:
        """In the order of time, within `start` and `end` of the movement; `nanoseconds` turns times into stamps."""
        runs: list[_Run] = []
        for run in self._runs:
            last = runs[-1] if runs else None
            same = last is not None and (last.phase, last.stage) == (run.phase, run.stage)
            if last is not None and (same or run.end - run.start <= _GLIMPSE_S):
                last.add(run)
            else:
                copy = _Run(run.phase, run.stage, run.start, run.end)
                copy.add(run)
                runs.append(copy)
        result = []
        for i, run in enumerate(runs):
            begin = start if i == 0 else min(max(run.start, start), end)
            finish = end if i == len(runs) - 1 else min(max(run.end, begin), end)
            result.append(
                PhaseScore(
                    run.phase,
                    run.stage,
                    nanoseconds(begin),
                    nanoseconds(finish),
                    run.mean,
                    run.shares(),
                )
            )
        return tuple(result)
