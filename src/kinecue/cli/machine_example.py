"""A simulated machine with somebody at the handle, to see what `kinecue machine watch` shows without a machine."""

from __future__ import annotations

import math
import time

import numpy as np

from kinecue.machine.drivers.simulated import SimulatedDriver, SimulatedSettings
from kinecue.machine.samples import CableSide
from kinecue.machine.simulated.flaws import named_flaws
from kinecue.machine.simulated.model import MACHINES
from kinecue.machine.simulated.motion import TrackMotion
from kinecue.machine.simulated.truth_file import CableTrack

_MINUTES, _RATE_HZ = 10.0, 30.0
_PERIOD_S, _REACH_M = 2.5, 0.5


def example_driver(flaws: str) -> SimulatedDriver:
    """Repetitions of half a metre without an end.

    Raises:
        MachineError: there is no such set of flaws.
    """
    times = np.arange(round(60.0 * _MINUTES * _RATE_HZ)) / _RATE_HZ
    handle = np.zeros((len(times), 3))
    handle[:, 2] = 0.5 + 0.5 * _REACH_M * (1.0 - np.cos(2.0 * math.pi * times / _PERIOD_S))
    track = CableTrack(CableSide.NONE, TrackMotion(times, handle, np.zeros(3)))
    settings = SimulatedSettings(MACHINES["stack"], named_flaws(flaws))
    driver = SimulatedDriver(settings, tracks=(track,))
    driver.begin(time.time_ns())
    return driver
