"""Movements as courses of one number, and small exercise files to follow them with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from kinecue.exercise.exercise_file import parse_exercise
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import Movement, PhaseUpdate
from kinecue.exercise.phases import RepetitionMachine

BEND = """
format: 1
name: bend
title: Bend
{first}
progress: {{feature: knee_flexion, unit: deg, start: 0, full: 100, in_start: 20, left_start: 32, minimal: 60{learn}}}
start_position: {{hold_s: {hold}}}
in_position: {{hold_s: 0.4}}
tempo: {{shortest_s: 0.5, longest_s: 20, longest_pause_s: 5}}
features: [{{feature: knee_flexion, unit: deg, weight: 1, ideal: {{any: [{{at: 0, ideal: 0, tolerance: 10}}]}}}}]
sources: [test]
"""


def bend(load: str = "eccentric_first", learn: str = "", hold: float = 0.2) -> ExerciseModel:
    """A knee bend of 100 degrees."""
    return parse_exercise(
        BEND.format(first=f"load_direction: {load}", learn=f", learn: {learn}" if learn else "", hold=hold)
    )


Part = tuple[float, Callable[[float], float]]
"""Seconds, and progress by share of them."""


def rest(seconds: float, level: float = 0.0) -> Part:
    return seconds, lambda _: level


def rep(seconds: float = 2.0, depth: float = 1.0, pause: float = 0.0, top: float = 0.0) -> Part:
    """There and back."""

    def course(share: float) -> float:
        t, half = share * seconds, (seconds - pause) / 2
        s = t / half if t < half else 1.0 if t < half + pause else max(seconds - t, 0.0) / half
        return top + (depth - top) * (0.5 - 0.5 * math.cos(math.pi * s))

    return seconds, course


def ramp(seconds: float, start: float, end: float) -> Part:
    """From one level to another."""
    return seconds, lambda share: start + (end - start) * (0.5 - 0.5 * math.cos(math.pi * share))


def cut(part: Part, first: float, last: float = 1.0) -> Part:
    """Only from one share of the part to another."""
    return part[0] * (last - first), lambda share: part[1](first + share * (last - first))


def samples(
    parts: list[Part], fps: float, noise: float = 0.0, jitter: float = 0.0, seed: int = 0
) -> Iterator[tuple[float, float]]:
    """Times and progress; `jitter` is the irregularity of the stamps as a share of the interval."""
    random = np.random.default_rng(seed)
    total, n = sum(seconds for seconds, _ in parts), 0
    while n / fps < total:
        t = n / fps + jitter / fps * random.uniform(-0.5, 0.5)
        begin = 0.0
        for i, (seconds, course) in enumerate(parts):
            if t < begin + seconds or i == len(parts) - 1:
                share = min(max((t - begin) / seconds, 0.0), 1.0)
                yield t, course(share) + noise * random.normal()
                break
            begin += seconds
        n += 1


@dataclass
class Followed:
    """What a machine made of a course."""

    machine: RepetitionMachine
    updates: list[PhaseUpdate] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    counted: list[Movement] = field(default_factory=list)
    others: list[Movement] = field(default_factory=list)

    def take(self, update: PhaseUpdate) -> None:
        held = getattr(self, "_held", [])
        for movement in update.finished:
            if movement.provisional:
                held.append(movement)
            else:
                (self.others if movement.status else self.counted).append(movement)
        if update.verdict is not None:
            if update.verdict:
                self.counted += held
            held = []
        self._held = held


def follow(
    parts: list[Part],
    fps: float = 30.0,
    model: ExerciseModel | None = None,
    stop: bool = True,
    gaps: tuple[tuple[float, float], ...] = (),
    **disturbed: float,
) -> Followed:
    """The movements that a machine finds."""
    machine = RepetitionMachine(model or bend())
    result = Followed(machine)
    for t, progress in samples(parts, fps, **disturbed):
        if any(low < t < high for low, high in gaps):
            continue
        update = machine.update(t, math.radians(100.0 * progress), 0.01, True, True)
        result.updates.append(update)
        result.times.append(t)
        result.take(update)
    if stop:
        result.take(machine.stop())
    return result
