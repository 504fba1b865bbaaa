"""Inertial sensors on a bar, a handle or a weight stack: lifts and their velocities, repetitions of slow sensors."""

from kinecue.machine.inertial.cycles import CycleCounter, Cycles, CycleSettings, count_cycles
from kinecue.machine.inertial.sample import InertialSample, InertialUnits, Mount
from kinecue.machine.inertial.sensor import InertialRepetition, InertialSensor, InertialSettings

__all__ = [
    "CycleCounter",
    "CycleSettings",
    "Cycles",
    "InertialRepetition",
    "InertialSample",
    "InertialSensor",
    "InertialSettings",
    "InertialUnits",
    "Mount",
    "count_cycles",
]
