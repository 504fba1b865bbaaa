"""Sets of repetitions as scoring and fusion would tell them: fresh, slow on purpose, crooked, dropped in load, and to failure.

Speeds of a set to failure go down with the root of the repetitions that are left, to the velocity at one repetition maximum
(`kinecue.training.reserve`); form breaks down in the last third in one of several ways, or not at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from kinecue.body.measurement import Measurement
from kinecue.exercise.results import (
    FeatureShare,
    Phase,
    Repetition,
    RepetitionFault,
    RepetitionReason,
    RepetitionStatus,
    RepetitionVelocity,
    Severity,
    Side,
)

S = 1_000_000_000
EXERCISE = "squat"


def fault(name: str, severity: Severity = Severity.RISK, probability: float = 0.9) -> RepetitionFault:
    return RepetitionFault(name, Side.BOTH, Phase.BOTTOM, "", severity, 0, 0.3, probability, 1.0)


def repetition(number: int, start_ns: int, speed: float, **changes: object) -> Repetition:
    """A valid repetition of a metre's progress at `speed` m/s over 0.6 m of way, also told by the camera."""
    concentric = 0.6 / max(speed, 1e-3)
    end_ns = start_ns + round((1.2 + concentric) * S)
    made = Repetition(
        number=number,
        status=RepetitionStatus.VALID,
        reason=RepetitionReason.NONE,
        body_id="a",
        exercise=EXERCISE,
        start_ns=start_ns,
        bottom_ns=start_ns + S,
        end_ns=end_ns,
        range=1.0,
        feature="knee_flexion",
        feature_peak=Measurement(1.8, 0.05),
        unit="rad",
        eccentric_s=1.0,
        pause_s=0.2,
        concentric_s=concentric,
        mean_speed=1.0 / concentric,
        peak_speed=1.6 / concentric,
        asymmetry=Measurement(0.02, 0.04),
        d=0.5,
        d_eccentric=0.5,
        d_concentric=0.5,
        source="fused",
        velocity=RepetitionVelocity("encoder", 0.6, speed, 1.6 * speed, std=0.01),
    )
    return replace(made, **changes)


def by_camera(one: Repetition, random: np.random.Generator) -> Repetition:
    """The same without a machine: the camera's speed has its own error."""
    speed = one.mean_speed * (1.0 + 0.10 * random.normal())
    return replace(one, velocity=None, source="camera", mean_speed=speed)


@dataclass
class Made:
    """A set, what load it had before each repetition, and how long the load stood still in each."""

    repetitions: list[Repetition] = field(default_factory=list)
    loads_kg: list[float] = field(default_factory=list)
    stalls_s: list[float] = field(default_factory=list)
    kind: str = ""
    now_ns: int = 10 * S

    def add(
        self, speed: float, pause_s: float, load_kg: float, stall_s: float = 0.0, **changes: object
    ) -> None:
        self.now_ns += round(pause_s * S)
        one = repetition(len(self.repetitions) + 1, self.now_ns, speed, **changes)
        self.now_ns = one.end_ns
        self.repetitions.append(one)
        self.loads_kg.append(load_kg)
        self.stalls_s.append(stall_s)


def clean_set(kind: str, random: np.random.Generator) -> Made:
    """A set in which nothing is to be called."""
    made = Made(kind=kind)
    count = int(random.integers(5, 13))
    first = float(random.uniform(0.45, 0.95))
    d, spread = float(random.uniform(0.3, 0.9)), 0.12
    pause, load = float(random.uniform(0.3, 2.0)), 60.0
    half = count // 2
    for n in range(count):
        # a set with three and more repetitions left loses up to a fifth
        speed = first * (1.0 - 0.18 * n / count)
        score, stall, wait, faults = d, 0.0, pause, []
        if kind == "slow":
            speed = float(0.12 + 0.2 * (first - 0.45))
        elif kind == "slow_half":
            speed *= 1.0 if n < half else 0.5
        elif kind == "paused":
            stall = float(random.uniform(0.8, 2.0))
        elif kind == "dropped":
            load = 60.0 if n < half else 45.0
            speed = first * (1.0 - 0.3 * (n % max(half, 1)) / max(half, 1))
        elif kind == "heavier":
            load = 40.0 if n < half else 60.0
            speed = first * (1.0 if n < half else 0.6)
        elif kind == "rest_pause":
            wait = pause if n < half else 12.0
        elif kind == "crooked":
            score, faults = 1.4, [fault("knees_in")]
        elif kind == "careless":
            score = d + (0.0 if n < half else 1.2)
            faults = [] if n < half else [fault("knees_in")]
        elif kind == "shaky_camera":
            spread = 0.35
        elif kind == "slow_half_shaky":
            speed, spread = speed * (1.0 if n < half else 0.5), 0.3
        if random.random() < (0.15 if kind.endswith("shaky") else 0.06):
            faults = [*faults, fault("heels_up", Severity.RISK, 0.75)]
        made.add(
            speed * (1.0 + 0.05 * random.normal()),
            wait * (1.0 + 0.2 * random.normal()),
            load,
            max(stall, 0.0),
            d=max(score + spread * random.normal(), 0.05),
            range=1.0 + 0.03 * random.normal(),
            asymmetry=Measurement(0.02 + 0.03 * random.normal(), 0.05),
            fault_details=tuple(faults),
        )
    return made


CLEAN = (
    "plain",
    "slow",
    "slow_half",
    "paused",
    "dropped",
    "heavier",
    "rest_pause",
    "crooked",
    "careless",
    "shaky_camera",
    "slow_half_shaky",
)


def set_to_failure(random: np.random.Generator, form_breaks: bool = True) -> Made:
    """A set in which the last repetition fails; form breaks down before, or stays as it is."""
    made = Made(kind="failure")
    count = int(random.integers(5, 15))
    first = float(random.uniform(0.55, 0.95))
    slowest = 0.32 + 0.03 * random.normal()
    d = float(random.uniform(0.3, 0.8))
    rise, range_loss = random.uniform(0.3, 1.5), random.uniform(0.0, 0.2)
    shift = random.uniform(0.0, 2.0)
    for n in range(count + 1):
        left = max(count - 1 - n, 0)
        speed = slowest + (first - slowest) * math.sqrt(left / (count - 1))
        late = max(0.0, 1.0 - left / max(0.35 * count, 2.0)) if form_breaks else 0.0
        faults = (fault("knees_in"),) if late > 0.4 and random.random() < 0.5 else ()
        failed = n == count
        made.add(
            speed * (1.0 + 0.05 * random.normal()),
            0.8 + 2.5 * late,
            60.0,
            0.9 * late * random.random() + (2.0 if failed else 0.0),
            d=max(d + rise * late + 0.12 * random.normal(), 0.05),
            range=0.5 if failed else 1.0 - range_loss * late + 0.03 * random.normal(),
            asymmetry=Measurement(0.02 + 0.03 * random.normal(), 0.05),
            shares=(FeatureShare("hip_shift", Side.NONE, 0.2, shift * late + 0.2 * random.normal()),),
            fault_details=faults,
            status=RepetitionStatus.FAILED if failed else RepetitionStatus.VALID,
        )
    return made
