"""Handles that move in a known way, and what is measured on samples."""

from __future__ import annotations

import math

import numpy as np

from kinecue.machine import CableMachineSimulator, MachineModel, SensorFlaws, TrackMotion

SECOND = 1_000_000_000
PULLEY = np.array([0.0, 0.0, 0.1])
BARE = MachineModel(load_n=300.0, friction_n=0.0, viscous_n_s_m=0.0, rotating_kg=0.0)
"""A stack that loses nothing."""


def track(out: np.ndarray, rate: float = 30.0, start_ns: int = 0) -> TrackMotion:
    """A handle straight above the pulley, `out` metres over its lowest place."""
    handle = PULLEY + np.stack([np.zeros_like(out), np.zeros_like(out), 0.5 + out], 1)
    return TrackMotion(np.arange(len(out)) / rate, handle, PULLEY, start_ns)


def swinging(amplitude: float = 0.2, seconds: float = 4.0, period: float = 2.0) -> TrackMotion:
    """Goes out by twice the amplitude and back, once a period."""
    t = np.arange(round(seconds * 60.0) + 1) / 60.0
    return track(amplitude * (1.0 - np.cos(2.0 * math.pi * t / period)), 60.0)


def standing(seconds: float = 4.0) -> TrackMotion:
    return track(np.full(round(seconds * 30.0), 0.3))


def step(t: np.ndarray, begin: float, end: float) -> np.ndarray:
    """Smooth from 0 to 1 between two times: least jerk."""
    u = np.clip((t - begin) / (end - begin), 0.0, 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u * u)


def machine(motion: TrackMotion, overrides: str = "", seed: int = 1, **model: float) -> CableMachineSimulator:
    """A machine without losses and with only these flaws."""
    return CableMachineSimulator(
        motion, MachineModel(**{**vars(BARE), **model}), SensorFlaws().override(overrides), seed
    )


def lag(stamps_s: np.ndarray, values: np.ndarray, reference, reach: float = 0.6) -> float:
    """By how much stamps are later than the reference moved so, s: the shift with the least square difference."""
    shifts = np.arange(-reach, reach, 0.001)
    costs = np.array([np.mean((values - reference(stamps_s - shift)) ** 2) for shift in shifts])
    best = int(np.clip(np.argmin(costs), 1, len(costs) - 2))
    left, middle, right = costs[best - 1 : best + 2]
    return float(shifts[best] + 0.0005 * (left - right) / (left - 2.0 * middle + right))
