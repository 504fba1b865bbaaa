"""Velocity from acceleration, with the drift taken out that a rest or a return to the same height shows.

The error of an integrated velocity is modelled as what it consists of: a constant error of the vertical acceleration
(tilt, offset), white noise, and what sampling misses: where a slope changes by ``d2a`` from one sample to the next, a
jump may lie anywhere in ``dt``, which is wrong by up to ``d2a dt / 2``. An impact on the floor makes most of it, so that
an error seen after the impact is not spread over the lift before it. Everything is Gaussian, so velocity
given what is known at the end is a linear correction with a known standard deviation. With noise alone it is the usual
linear removal of drift between rests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

OFFSET_STD = 0.05
"""m/s^2, error of the vertical acceleration that stays over a repetition: 5 mg, the change of a sensor's offset (20 mg) as
it turns by 15 degrees, and 4 degrees of tilt."""
NOISE_DENSITY = 0.02
"""m/s^2 per root hertz: noise of the sensor and vibration that is aliased."""
JUMP_SHARE = 0.5
"""Of the change of slope: a jump at the beginning or the end of an interval instead of in its middle."""
REST_STD = 0.01
"""m/s, velocity at a rest."""
HEIGHT_STD = 0.03
"""m, where a repetition ends against where it began."""


@dataclass(frozen=True)
class VelocityTrack:
    """Vertical movement over one stretch between two moments at which something is known.

    Attributes:
        times_s: (N,) from the beginning of the stretch.
        velocity: (N,) m/s, up positive.
        velocity_std: (N,) m/s.
        position: (N,) m above the beginning.
        residual_m_s: velocity that was left at the end before the correction; NaN if nothing was known there.
    """

    times_s: Array
    velocity: Array
    velocity_std: Array
    position: Array
    residual_m_s: float


def integrate(
    times_s: Array,
    acceleration: Array,
    *,
    end_std: float | None = REST_STD,
    returned: bool = False,
    begin_std: float = REST_STD,
) -> VelocityTrack:
    """Velocity and position from vertical acceleration.

    Args:
        times_s: (N,) rising.
        acceleration: (N,) m/s^2, up positive, without gravity.
        end_std: the velocity at the end is zero within this, m/s; None = it is not known.
        returned: the end is at the height of the beginning.
        begin_std: of the velocity at the beginning, m/s.
    """
    t = times_s - times_s[0]
    dt = np.diff(t)
    velocity = _sum(0.5 * (acceleration[1:] + acceleration[:-1]) * dt)
    noise = step_variance(acceleration, dt)
    variance = _sum(noise) + (OFFSET_STD * t) ** 2 + begin_std**2
    position = _sum(0.5 * (velocity[1:] + velocity[:-1]) * dt)
    known, seen, std = [], [], []
    span = t[-1]
    if end_std is not None:
        known.append(_sum(noise) + OFFSET_STD**2 * t * span + begin_std**2)
        seen.append(velocity[-1])
        std.append(end_std)
    if returned:
        reach = span - t
        late = _sum(noise * 0.5 * (reach[1:] + reach[:-1]))
        known.append(late + OFFSET_STD**2 * t * 0.5 * span**2 + begin_std**2 * span)
        seen.append(position[-1])
        std.append(HEIGHT_STD)
    residual = float(velocity[-1]) if end_std is not None else float("nan")
    if known:
        together = _together(noise, t, begin_std, end_std is not None, returned) + np.diag(np.square(std))
        cover = np.stack(known)
        gain = np.linalg.solve(together, cover)
        velocity = velocity - gain.T @ np.array(seen)
        variance = np.maximum(variance - np.einsum("kn,kn->n", gain, cover), 0.0)
        position = _sum(0.5 * (velocity[1:] + velocity[:-1]) * dt)
    return VelocityTrack(t, velocity, np.sqrt(variance), position, residual)


def step_variance(acceleration: Array, dt: Array) -> Array:
    """(N - 1,) variance that each step of the integral adds, (m/s)^2, from (N,) accelerations and (N - 1,) seconds."""
    bend = np.zeros(len(dt))
    bend[1:] = acceleration[2:] - 2.0 * acceleration[1:-1] + acceleration[:-2]
    return NOISE_DENSITY**2 * dt + (JUMP_SHARE * bend * dt) ** 2


def _together(noise: Array, t: Array, begin_std: float, stopped: bool, returned: bool) -> Array:
    """(K, K) covariance of the errors of velocity and position at the end."""
    span = t[-1]
    reach = 0.5 * ((span - t)[1:] + (span - t)[:-1])
    v = float(np.sum(noise)) + (OFFSET_STD * span) ** 2 + begin_std**2
    p = float(np.sum(noise * reach**2)) + (OFFSET_STD * 0.5 * span**2) ** 2 + (begin_std * span) ** 2
    vp = float(np.sum(noise * reach)) + OFFSET_STD**2 * 0.5 * span**3 + begin_std**2 * span
    full = np.array([[v, vp], [vp, p]])
    keep = [i for i, used in enumerate((stopped, returned)) if used]
    return full[np.ix_(keep, keep)]


def _sum(steps: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(steps)])
