"""The simulated machine of a simulated set: the true force in its cables, and what its sensors say."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import kinecue.machine
from kinecue.body.errors import KineCueError
from kinecue.machine.samples import CableSample, EncoderSample
from kinecue.machine.simulated.flaws import FLAWS, named_flaws
from kinecue.machine.simulated.model import GRAVITY, MACHINES, MachineModel
from kinecue.machine.simulated.motion import NANOSECONDS, TrackMotion
from kinecue.machine.simulated.simulator import CableMachineSimulator
from kinecue.machine.simulated.truth_file import SIDES
from kinecue.simulation.gym import Gym
from kinecue.simulation.programmes import MachinePart
from kinecue.simulation.surroundings import one_of
from kinecue.simulation.truth import Tension

FORMAT = "kinecue_machine"
VERSION = 1
RATE_HZ = 100.0
"""Of the track that the machine follows, and of the samples that are written."""


def check_machine(machine: MachinePart) -> None:
    """Refuse names that the machine does not know.

    Raises:
        KineCueError: naming what is allowed.
    """
    one_of("machine", "model", machine.model, MACHINES)
    one_of("machine", "flaws", machine.flaws, FLAWS)


def machine_digest() -> str:
    """Changes with the code of the machine."""
    digest = hashlib.sha256()
    for source in sorted(Path(kinecue.machine.__path__[0]).rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def machines_at(gym: Gym) -> tuple[CableMachineSimulator, ...]:
    """A machine for each cable of the set, led by the true handle; time 0 is the clip's start.

    Raises:
        KineCueError: model or flaws do not exist.
    """
    part = gym.programme.machine
    check_machine(part)
    cables = gym.equipment.cables
    if not cables:
        return ()
    model: MachineModel = replace(MACHINES[part.model], load_n=part.load_kg * GRAVITY)
    times = np.arange(0.0, gym.duration_s + 1.0 / RATE_HZ, 1.0 / RATE_HZ)
    handles = gym.handles(times)
    return tuple(
        CableMachineSimulator(
            TrackMotion(times, handles[:, i], gym.pulleys[i]),
            replace(model, side=SIDES[cable.side]),
            named_flaws(part.flaws),
            gym.programme.plan.seed,
        )
        for i, cable in enumerate(cables)
    )


def cable_forces(machines: tuple[CableMachineSimulator, ...]) -> Tension:
    """The true force in each cable."""

    def tension(cable: int, time_s: float) -> float:
        truth = machines[cable].truth(round(time_s * NANOSECONDS))
        return 0.0 if truth is None else truth.tension_n

    return tension


def write_samples(gym: Gym, machines: tuple[CableMachineSimulator, ...], path: Path) -> None:
    """What is true of the machine and what its sensors say over the clip, as JSON.

    Raises:
        KineCueError: the file cannot be written.
    """
    part = gym.programme.machine
    document = {
        "format": FORMAT,
        "version": VERSION,
        "name": gym.programme.name,
        "model": part.model,
        "flaws": part.flaws,
        "load_kg": part.load_kg,
        "rate_hz": RATE_HZ,
        "truth_columns": [
            "time_s", "tension_n", "cable_m", "speed_m_s", "acceleration_m_s2", "stack_m", "slack_m",
        ],
        "cable_columns": ["stamp_ns", "tension_n", "speed_m_s", "position_m", "flags"],
        "encoder_columns": ["stamp_ns", "position_m", "speed_m_s", "direction", "count"],
        "cables": [_cable(machine, gym.duration_s) for machine in machines],
    }  # fmt: skip
    partial = path.with_name(f".{path.name.split('.')[0]}.{os.getpid()}.machine")
    try:
        partial.write_text(json.dumps(document, separators=(",", ":"), allow_nan=False), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise KineCueError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _cable(machine: CableMachineSimulator, duration_s: float) -> dict[str, Any]:
    truths = []
    for n in range(int(duration_s * RATE_HZ)):
        t = machine.truth(round(n / RATE_HZ * NANOSECONDS))
        if t is not None:
            numbers = (t.tension_n, t.cable_m, t.speed_m_s, t.acceleration_m_s2, t.stack_m, t.slack_m)
            truths.append([round(n / RATE_HZ, 6), *(_number(v) for v in numbers)])
    cables: list[list[Any]] = []
    encoders: list[list[Any]] = []
    for cable, encoder in machine.samples(RATE_HZ, 0, duration_s):
        if cable is not None:
            cables.append(_cable_row(cable))
        if encoder is not None:
            encoders.append(_encoder_row(encoder))
    return {"side": machine.model.side.name.lower(), "truth": truths, "cable": cables, "encoder": encoders}


def _cable_row(s: CableSample) -> list[Any]:
    return [s.stamp_ns, _number(s.tension_n), _number(s.speed_m_s), _number(s.position_m), int(s.flags)]


def _encoder_row(s: EncoderSample) -> list[Any]:
    return [s.stamp_ns, _number(s.position_m), _number(s.speed_m_s), int(s.direction), int(s.count)]


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return round(float(value), 5) if math.isfinite(value) else None
