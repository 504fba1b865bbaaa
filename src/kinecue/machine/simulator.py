"""A cable machine that is not there: force and encoder samples of a weight stack pulled by a known motion."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kinecue.body.errors import KineCueError
from kinecue.body.measurement import Reason, Validity
from kinecue.machine.motion import NANOSECONDS, CableState, LiveMotion, Motion
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample

GRAVITY = 9.80665
"""m/s^2, standard gravity."""
RATE_RANGE_HZ = (50.0, 1000.0)


@dataclass(frozen=True)
class MachineModel:
    """A weight stack on a cable and its sensors.

    Attributes:
        load_n: weight that hangs on the cable, N.
        friction_n: dry friction of pulleys and guides, N; against the motion.
        eccentric_overload: share of the load that a drive adds on the way back; 0 for a plain stack.
        force_noise_n: standard deviation of the force sensor, N.
        force_resolution_n: its smallest step, N; 0 for none.
        force_range_n: its end, N.
        speed_noise_m_s: standard deviation of the cable's speed.
        counts_per_metre: of the encoder, signed.
        side: which cable.
    """

    load_n: float = 200.0
    friction_n: float = 6.0
    eccentric_overload: float = 0.0
    force_noise_n: float = 1.0
    force_resolution_n: float = 0.1
    force_range_n: float = 2000.0
    speed_noise_m_s: float = 0.004
    counts_per_metre: float = 5000.0
    side: CableSide = CableSide.NONE

    def __post_init__(self) -> None:
        for name in ("load_n", "friction_n", "eccentric_overload", "force_noise_n", "force_resolution_n"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0.0:
                raise ValueError(f"MachineModel.{name}: must be finite and not negative, got {value}")
        if not math.isfinite(self.counts_per_metre) or self.counts_per_metre == 0.0:
            raise ValueError(
                f"MachineModel.counts_per_metre: must be finite and not 0, got {self.counts_per_metre}"
            )
        if not self.force_range_n > 0.0 or not self.speed_noise_m_s >= 0.0:
            raise ValueError("MachineModel: force_range_n must be positive and speed_noise_m_s not negative")

    def tension(self, state: CableState) -> float:
        """True tension, N: weight, inertia of the stack, dry friction, overload; never under 0."""
        # tanh instead of a sign: friction does not jump when the handle turns round
        way = math.tanh(state.speed_m_s / 0.02)
        inertia = self.load_n / GRAVITY * state.acceleration_m_s2
        overload = self.eccentric_overload * self.load_n * max(-way, 0.0)
        return max(self.load_n + inertia + self.friction_n * way + overload, 0.0)


class CableMachineSimulator:
    """Reads the sensors of a simulated machine, one time after the other.

    The same motion, model, seed and times give the same samples.
    """

    SPEED_WINDOW_S = 0.02
    """The encoder's speed is the difference of its counts over this time."""
    STILL_M_S = 0.02

    def __init__(self, motion: Motion, model: MachineModel | None = None, seed: int = 0) -> None:
        self._motion = motion
        self.model = model or MachineModel()
        self._rng = np.random.default_rng(seed)
        self._counts: deque[tuple[int, int]] = deque()

    def follow(self, progress: float, stamp_ns: int) -> None:
        """Tell a machine with a `LiveMotion` where the person in front of the camera is.

        Args:
            progress: 0 start position to 1 full range; NaN is ignored.
            stamp_ns: acquisition time of the frame it comes from.

        Raises:
            KineCueError: the machine follows a recorded track.
        """
        if not isinstance(self._motion, LiveMotion):
            raise KineCueError(
                "the simulated machine follows a recorded track; only one with LiveMotion can be led"
            )
        self._motion.follow(progress, stamp_ns)

    def read(self, stamp_ns: int) -> tuple[CableSample, EncoderSample]:
        """Both sensors at a time; times usually rise, going back restarts the encoder's speed."""
        noise = self._rng.normal(0.0, 1.0, 2)
        state = self._motion.at(stamp_ns)
        if state is None:
            return self._silence(stamp_ns)
        return self._cable(stamp_ns, state, noise[0], noise[1]), self._encoder(stamp_ns, state)

    def samples(
        self, rate_hz: float, start_ns: int, duration_s: float
    ) -> Iterator[tuple[CableSample, EncoderSample]]:
        """Both sensors at a steady rate.

        Raises:
            KineCueError: the rate is outside 50 to 1000 Hz.
        """
        low, high = RATE_RANGE_HZ
        if not low <= rate_hz <= high:
            raise KineCueError(f"machine: rate_hz must be {low:.0f} to {high:.0f}, got {rate_hz}")
        for i in range(int(duration_s * rate_hz)):
            yield self.read(start_ns + round(i * NANOSECONDS / rate_hz))

    def _cable(self, stamp_ns: int, state: CableState, force_noise: float, speed_noise: float) -> CableSample:
        model = self.model
        true = model.tension(state)
        flags = CableFlag.SIMULATED
        if true == 0.0:
            flags |= CableFlag.SLACK
        if model.eccentric_overload > 0.0 and state.speed_m_s < -self.STILL_M_S:
            flags |= CableFlag.ECCENTRIC_OVERLOAD
        read = true + model.force_noise_n * float(force_noise)
        if model.force_resolution_n > 0.0:
            read = round(read / model.force_resolution_n) * model.force_resolution_n
        if read >= model.force_range_n:
            flags |= CableFlag.SATURATED
        return CableSample(
            stamp_ns=stamp_ns,
            tension_n=min(max(read, 0.0), model.force_range_n),
            speed_m_s=state.speed_m_s + model.speed_noise_m_s * float(speed_noise),
            position_m=state.out_m,
            pulley_m=self._motion.pulley_m,
            load_n=model.load_n,
            side=model.side,
            flags=flags,
        )

    def _encoder(self, stamp_ns: int, state: CableState) -> EncoderSample:
        scale = self.model.counts_per_metre
        count = math.floor(state.out_m * scale + 0.5)
        window_ns = round(self.SPEED_WINDOW_S * NANOSECONDS)
        if self._counts and stamp_ns < self._counts[-1][0]:
            self._counts.clear()
        self._counts.append((stamp_ns, count))
        while len(self._counts) > 2 and stamp_ns - self._counts[1][0] >= window_ns:
            self._counts.popleft()
        first_ns, first = self._counts[0]
        elapsed = (stamp_ns - first_ns) / NANOSECONDS
        speed = (count - first) / scale / elapsed if elapsed > 0.0 else 0.0
        direction = Direction.STILL
        if abs(speed) > self.STILL_M_S:
            direction = Direction.OUT if speed > 0 else Direction.BACK
        return EncoderSample(stamp_ns, count / scale, speed, direction, count, scale, self.model.side)

    def _silence(self, stamp_ns: int) -> tuple[CableSample, EncoderSample]:
        nan = math.nan
        cable = CableSample(
            stamp_ns,
            nan,
            nan,
            nan,
            self._motion.pulley_m,
            self.model.load_n,
            self.model.side,
            CableFlag.SIMULATED,
        )
        count = self._counts[-1][1] if self._counts else 0
        encoder = EncoderSample(
            stamp_ns,
            nan,
            nan,
            Direction.STILL,
            count,
            self.model.counts_per_metre,
            self.model.side,
            Validity.ABSTAINED,
            Reason.STALE,
        )
        return cable, encoder
