"""Samples of the machine and what follows from them, to messages and back."""

from __future__ import annotations

import math
from dataclasses import fields

from kinecue.body.measurement import Reason, Validity
from kinecue.exercise.results import RepetitionVelocity
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample
from kinecue.nodes.base import stamp_to_ns
from kinecue.nodes.message_parts import MessageError, enumerated, header
from kinecue.training.clock import ClockEstimate, ClockState
from kinecue_msgs import msg


def cable_to_msg(sample: CableSample, stamp_ns: int, frame_id: str) -> msg.CableLoad:
    """A force sample."""
    message = msg.CableLoad()
    message.header.frame_id = frame_id
    return fill_cable(message, sample, stamp_ns)


def fill_cable(message: msg.CableLoad, sample: CableSample, stamp_ns: int) -> msg.CableLoad:
    """Another sample in the same message: at 1,000 Hz, making a new one costs more than all else."""
    _stamp(message, stamp_ns)
    message.side = int(sample.side)
    message.tension = float(sample.tension_n)
    message.speed = float(sample.speed_m_s)
    message.load = float(sample.load_n)
    x, y, z = sample.pulley_m
    pulley = message.pulley
    pulley.x, pulley.y, pulley.z = float(x), float(y), float(z)
    message.flags = int(sample.flags)
    return message


def _stamp(message: msg.CableLoad | msg.RepEncoder, stamp_ns: int) -> None:
    stamp = message.header.stamp
    stamp.sec, stamp.nanosec = divmod(max(int(stamp_ns), 0), 1_000_000_000)


def cable_from_msg(message: msg.CableLoad) -> CableSample:
    """The force sample of a message.

    Raises:
        MessageError: an enumeration has a value that does not exist, or the tension is negative.
    """
    if message.tension < 0.0:
        raise MessageError(f"CableLoad.tension: is {message.tension}, allowed: 0 and up, or NaN")
    known = int(~CableFlag.NONE)
    return CableSample(
        stamp_to_ns(message.header.stamp),
        message.tension,
        message.speed,
        pulley_m=(message.pulley.x, message.pulley.y, message.pulley.z),
        load_n=message.load,
        side=enumerated(CableSide, message.side, "CableLoad.side"),
        flags=CableFlag(message.flags & known),
    )


def cable_side(message: msg.CableLoad) -> CableSide:
    """Which cable a message is about.

    Raises:
        MessageError: the value does not exist.
    """
    return enumerated(CableSide, message.side, "CableLoad.side")


def encoder_to_msg(sample: EncoderSample, stamp_ns: int) -> msg.RepEncoder:
    """An encoder sample."""
    return fill_encoder(msg.RepEncoder(), sample, stamp_ns)


def fill_encoder(message: msg.RepEncoder, sample: EncoderSample, stamp_ns: int) -> msg.RepEncoder:
    """Another sample in the same message."""
    _stamp(message, stamp_ns)
    message.side = int(sample.side)
    message.position = float(sample.position_m)
    message.speed = float(sample.speed_m_s)
    message.direction = int(sample.direction)
    message.count = int(sample.count)
    message.counts_per_metre = float(sample.counts_per_metre)
    message.validity = int(sample.validity)
    message.reason = int(sample.reason)
    return message


def encoder_from_msg(message: msg.RepEncoder) -> EncoderSample:
    """The encoder sample of a message.

    Raises:
        MessageError: an enumeration has a value that does not exist.
    """
    return EncoderSample(
        stamp_to_ns(message.header.stamp),
        message.position,
        message.speed,
        enumerated(Direction, message.direction, "RepEncoder.direction"),
        message.count,
        message.counts_per_metre,
        enumerated(CableSide, message.side, "RepEncoder.side"),
        enumerated(Validity, message.validity, "RepEncoder.validity"),
        enumerated(Reason, message.reason, "RepEncoder.reason"),
    )


_NUMBERS = tuple(f.name for f in fields(RepetitionVelocity) if f.name not in ("source", "cable"))


def velocity_to_msg(velocity: RepetitionVelocity | None) -> msg.RepetitionVelocity:
    """How the load was moved; nothing measured gives an empty source."""
    message = msg.RepetitionVelocity()
    if velocity is not None:
        message.source, message.side = velocity.source, velocity.cable
    for name in _NUMBERS:
        setattr(message, name, math.nan if velocity is None else float(getattr(velocity, name)))
    return message


def velocity_from_msg(message: msg.RepetitionVelocity) -> RepetitionVelocity | None:
    """The inverse of `velocity_to_msg`."""
    if not message.source:
        return None
    numbers = {name: getattr(message, name) for name in _NUMBERS}
    return RepetitionVelocity(source=message.source, cable=message.side, **numbers)


def clock_to_msg(clock: ClockEstimate, stamp_ns: int) -> msg.MachineClock:
    """What is known of the machine's clock at the camera time `stamp_ns`; of all cables together."""
    offset = clock.offset_s
    if math.isfinite(offset) and math.isfinite(clock.drift):
        # the offset holds at a machine time; the message tells that of its own stamp
        offset += clock.drift * (stamp_ns * 1e-9 - offset - clock.stamp_ns * 1e-9)
    return msg.MachineClock(
        header=header(stamp_ns),
        side=int(CableSide.NONE),
        state=int(clock.state),
        offset=float(offset),
        offset_std=float(clock.offset_std_s),
        drift=float(clock.drift),
        drift_std=float(clock.drift_std),
        correlation=float(clock.correlation),
        repetitions=int(clock.repetitions),
    )


def clock_from_msg(message: msg.MachineClock) -> ClockEstimate:
    """The estimate of a message; sign and scale of the movement are not in it.

    Raises:
        MessageError: the state does not exist.
    """
    stamp_ns = stamp_to_ns(message.header.stamp)
    known = math.isfinite(message.offset)
    return ClockEstimate(
        state=enumerated(ClockState, message.state, "MachineClock.state"),
        stamp_ns=stamp_ns - round(message.offset * 1e9) if known else 0,
        offset_s=message.offset,
        offset_std_s=message.offset_std,
        drift=message.drift,
        drift_std=message.drift_std,
        correlation=message.correlation,
        repetitions=message.repetitions,
        sign=0,
        scale_m=math.nan,
    )
