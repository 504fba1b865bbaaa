"""Everything that the sensors of a real machine do wrong, as data, and named sets of it.

Defaults are a sensor without a flaw. Each number has a range; what lies outside is refused (`MachineError`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from kinecue.machine.simulated.bounds import MachineError, allowed, bounded, check


@dataclass(frozen=True)
class Outages:
    """What any sensor on a bus does wrong.

    Attributes:
        latency_s: age of a value at the time its stamp tells, s.
        loss: share of samples that never arrive, each by itself.
        burst_per_min: how often a minute all samples are lost for a while (plug, radio).
        burst_s: how long such a while is, s.
        freeze_per_min: how often a minute the value stands still although samples go on.
        freeze_s: for how long, s.
    """

    latency_s: float = bounded(0.0, 0.0, 0.5)
    loss: float = bounded(0.0, 0.0, 0.95)
    burst_per_min: float = bounded(0.0, 0.0, 60.0)
    burst_s: float = bounded(0.5, 0.0, 10.0)
    freeze_per_min: float = bounded(0.0, 0.0, 60.0)
    freeze_s: float = bounded(0.5, 0.0, 10.0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class ForceFlaws(Outages):
    """A strain-gauge load cell, its amplifier and converter; in the order in which the signal passes them.

    Attributes:
        cutoff_hz: -3 dB of the first-order low-pass, Hz; 0 = none.
        hysteresis_n: width of the loop between loading and unloading, N (a play operator).
        gain_error: share by which it reads too much.
        bias_n: reading without load, N.
        warm_up_k: temperature it gains after it is switched on, K.
        warm_up_s: time constant of that, s.
        bias_n_per_k: drift of the zero, N/K.
        gain_per_k: drift of the gain, 1/K.
        hum_n: amplitude of mains hum, N.
        hum_hz: its frequency, Hz: 50 or 60 in a building, 400 on a ship.
        noise_n: standard deviation of white noise, N.
        spike_share: share of samples with a spike.
        spike_n: height of a spike, N; up or down.
        resolution_n: smallest step, N; 0 = none.
        range_n: end of the range, N; a reading there is flagged as saturated.
        speed_noise_m_s: standard deviation of the drum's tachometer, which comes in the same sample, m/s.
    """

    cutoff_hz: float = bounded(0.0, 0.0, 1000.0)
    hysteresis_n: float = bounded(0.0, 0.0, 200.0)
    gain_error: float = bounded(0.0, -0.9, 1.0)
    bias_n: float = bounded(0.0, -500.0, 500.0)
    warm_up_k: float = bounded(0.0, -40.0, 60.0)
    warm_up_s: float = bounded(600.0, 1.0, 1e5)
    bias_n_per_k: float = bounded(0.0, -20.0, 20.0)
    gain_per_k: float = bounded(0.0, -0.02, 0.02)
    hum_n: float = bounded(0.0, 0.0, 200.0)
    hum_hz: float = bounded(50.0, 1.0, 1000.0)
    noise_n: float = bounded(0.0, 0.0, 200.0)
    spike_share: float = bounded(0.0, 0.0, 0.5)
    spike_n: float = bounded(300.0, 0.0, 5000.0)
    resolution_n: float = bounded(0.0, 0.0, 100.0)
    range_n: float = bounded(5000.0, 1.0, 20000.0)
    speed_noise_m_s: float = bounded(0.0, 0.0, 1.0)


@dataclass(frozen=True)
class EncoderFlaws(Outages):
    """An incremental encoder on a pulley, its counter, and the driver that turns counts into metres.

    Attributes:
        counts_per_metre: what the encoder really gives, signed, not 0.
        scale_error: share by which the scale that the driver believes in is too large; it then reads too little way.
        inverted: the two tracks are swapped and the driver does not know.
        missed_per_m: counts lost a metre of way (dirt, slip of the belt).
        extra_per_m: counts too many a metre of way.
        backlash_m: play between cable and encoder, m.
        counter_bits: the counter is signed and rolls over; 0 = it never does.
        first_count: what the counter shows at the rest position.
        power_dips_per_min: how often a minute the counter restarts at 0 where the cable then is: homing is lost.
    """

    counts_per_metre: float = bounded(5000.0, -1e6, 1e6)
    scale_error: float = bounded(0.0, -0.9, 9.0)
    inverted: bool = False
    missed_per_m: float = bounded(0.0, 0.0, 100.0)
    extra_per_m: float = bounded(0.0, 0.0, 100.0)
    backlash_m: float = bounded(0.0, 0.0, 0.1)
    counter_bits: int = bounded(0, 0, 64)
    first_count: int = bounded(0, -(2**31), 2**31 - 1)
    power_dips_per_min: float = bounded(0.0, 0.0, 60.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if abs(self.counts_per_metre) < 1.0:
            raise MachineError(
                "EncoderFlaws.counts_per_metre: must be 1 to 1e+06 or -1e+06 to -1, "
                f"got {self.counts_per_metre!r}"
            )
        if self.counter_bits not in (0, 8, 16, 24, 32, 64):
            raise MachineError(
                f"EncoderFlaws.counter_bits: must be one of 0, 8, 16, 24, 32, 64, got {self.counter_bits!r}"
            )


@dataclass(frozen=True)
class ClockFlaws:
    """The machine's clock and its way to the computer. What is offset 0 is the clock of the camera.

    Attributes:
        offset_s: stamps are so much later than the camera would stamp them, s.
        drift_ppm: the machine's clock runs so much too fast.
        jitter_s: standard deviation of stamps, s; cut at three of them.
        duplicate: share of samples that carry the stamp of the one before.
        late: share of samples that arrive after their followers.
        late_s: by how much they are late, s (0.5 to 1.5 times of it).
        transport_s: time from stamp to arrival, s.
    """

    offset_s: float = bounded(0.0, -3600.0, 3600.0)
    drift_ppm: float = bounded(0.0, -10000.0, 10000.0)
    jitter_s: float = bounded(0.0, 0.0, 0.1)
    duplicate: float = bounded(0.0, 0.0, 0.9)
    late: float = bounded(0.0, 0.0, 0.9)
    late_s: float = bounded(0.02, 0.0, 1.0)
    transport_s: float = bounded(0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class SensorFlaws:
    """The flaws of one machine: load cell, encoder and clock."""

    force: ForceFlaws = field(default_factory=ForceFlaws)
    encoder: EncoderFlaws = field(default_factory=EncoderFlaws)
    clock: ClockFlaws = field(default_factory=ClockFlaws)

    def override(self, text: str) -> SensorFlaws:
        """These flaws with some changed.

        Args:
            text: ``force.noise_n=2, encoder.inverted=true, clock.offset_s=0.1``; empty = no change.

        Raises:
            MachineError: a name or a value is not allowed; says what is.
        """
        changes: dict[str, dict[str, Any]] = {part.name: {} for part in dataclasses.fields(self)}
        for item in filter(None, (piece.strip() for piece in text.split(","))):
            name, equals, value = (piece.strip() for piece in item.partition("="))
            part, dot, key = name.partition(".")
            if not equals or not dot or part not in changes:
                raise MachineError(
                    f"flaws: {item!r} is not of the form part.name=value with part {', '.join(changes)}"
                )
            fields = {f.name: f for f in dataclasses.fields(getattr(self, part))}
            if key not in fields:
                raise MachineError(f"flaws: {part} has no {key!r}, allowed: {', '.join(sorted(fields))}")
            changes[part][key] = _parse(name, value, fields[key])
        return SensorFlaws(
            **{part: dataclasses.replace(getattr(self, part), **made) for part, made in changes.items()}
        )


def _parse(name: str, text: str, field: dataclasses.Field[Any]) -> Any:
    try:
        if isinstance(field.default, bool):
            return {"true": True, "false": False}[text.lower()]
        return int(text) if isinstance(field.default, int) else float(text)
    except (KeyError, ValueError) as error:
        raise MachineError(f"flaws: {name} must be {allowed(field)}, got {text!r}") from error


def named_flaws(name: str, overrides: str = "") -> SensorFlaws:
    """A named set from `FLAWS`, changed by `SensorFlaws.override`.

    Raises:
        MachineError: there is no such set; lists those that there are.
    """
    if name not in FLAWS:
        raise MachineError(f"flaws: must be one of {', '.join(FLAWS)}, got {name!r}")
    return FLAWS[name].override(overrides)


_TYPICAL = SensorFlaws(
    ForceFlaws(
        latency_s=0.004,
        cutoff_hz=100.0,
        hysteresis_n=0.5,
        gain_error=0.005,
        bias_n=1.5,
        warm_up_k=8.0,
        bias_n_per_k=0.1,
        noise_n=1.0,
        resolution_n=0.1,
        range_n=2000.0,
        speed_noise_m_s=0.004,
    ),
    EncoderFlaws(latency_s=0.001, backlash_m=0.0002),
    ClockFlaws(drift_ppm=20.0, jitter_s=0.0002, transport_s=0.002),
)

FLAWS: dict[str, SensorFlaws] = {
    "ideal": SensorFlaws(),
    "typical": _TYPICAL,
    "cheap": SensorFlaws(
        ForceFlaws(
            latency_s=0.04,
            loss=0.01,
            cutoff_hz=15.0,
            hysteresis_n=4.0,
            gain_error=0.03,
            bias_n=8.0,
            warm_up_k=15.0,
            bias_n_per_k=0.5,
            hum_n=2.0,
            noise_n=4.0,
            spike_share=0.001,
            resolution_n=1.0,
            range_n=1500.0,
            speed_noise_m_s=0.02,
        ),
        EncoderFlaws(latency_s=0.02, loss=0.01, counts_per_metre=500.0, missed_per_m=1.0, backlash_m=0.002),
        ClockFlaws(offset_s=0.05, drift_ppm=200.0, jitter_s=0.003, late=0.01, transport_s=0.02),
    ),
    "broken_encoder": _TYPICAL.override(
        "encoder.loss=0.2, encoder.burst_per_min=6, encoder.burst_s=0.7, encoder.freeze_per_min=6,"
        "encoder.freeze_s=1.5, encoder.missed_per_m=40, encoder.power_dips_per_min=2"
    ),
    "wrong_sign": _TYPICAL.override("encoder.inverted=true"),
    "wrong_scale": _TYPICAL.override("encoder.scale_error=0.25"),
    "slipping_encoder": _TYPICAL.override("encoder.missed_per_m=80, encoder.backlash_m=0.005"),
    "roll_over": _TYPICAL.override("encoder.counter_bits=16, encoder.first_count=32000"),
    "homing_lost": _TYPICAL.override("encoder.power_dips_per_min=10"),
    "bad_clock": _TYPICAL.override(
        "clock.offset_s=0.35, clock.drift_ppm=1500, clock.jitter_s=0.008, clock.duplicate=0.05,"
        "clock.late=0.05, clock.late_s=0.03"
    ),
    "drop_outs": _TYPICAL.override(
        "force.loss=0.1, force.burst_per_min=6, encoder.loss=0.1, encoder.burst_per_min=6"
    ),
    "frozen": _TYPICAL.override(
        "force.freeze_per_min=10, force.freeze_s=1, encoder.freeze_per_min=10, encoder.freeze_s=1"
    ),
    "noisy_force": _TYPICAL.override(
        "force.noise_n=10, force.hum_n=15, force.spike_share=0.01, force.spike_n=400"
    ),
    "drifting_force": _TYPICAL.override(
        "force.warm_up_k=25, force.warm_up_s=120, force.bias_n_per_k=2, force.gain_per_k=0.002"
    ),
    "weak_load_cell": _TYPICAL.override("force.range_n=150"),
    "slow": _TYPICAL.override("force.latency_s=0.15, force.cutoff_hz=5, encoder.latency_s=0.12"),
}
"""Named sets of flaws."""
