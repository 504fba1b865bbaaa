"""Effort, load advice and load-velocity profile, to messages."""

from __future__ import annotations

from kinecue.coaching.effort_news import EffortCall, EffortNews
from kinecue.nodes.base import stamp_to_ns
from kinecue.nodes.message_parts import enumerated, header
from kinecue.training.advice import LoadAdvice
from kinecue.training.effort import Effort
from kinecue.training.session import PersonProfile
from kinecue_msgs import msg


def effort_to_msg(effort: Effort) -> msg.Effort:
    """An estimate of effort."""
    return msg.Effort(
        header=header(effort.stamp_ns),
        body_id=effort.body_id,
        exercise=effort.exercise,
        repetition=effort.repetition,
        state=int(effort.state),
        signs=int(effort.signs),
        call=int(effort.call),
        probability=float(effort.probability),
        velocity_loss=float(effort.velocity_loss),
        reserve=float(effort.reserve),
        reserve_std=float(effort.reserve_std),
        source=effort.source,
        reason=effort.reason,
    )


def effort_news_from_msg(message: msg.Effort) -> EffortNews:
    """What coaching needs of an effort message.

    Raises:
        MessageError: the call has a value that does not exist.
    """
    return EffortNews(
        stamp_ns=stamp_to_ns(message.header.stamp),
        body_id=message.body_id,
        exercise=message.exercise,
        repetition=message.repetition,
        call=enumerated(EffortCall, message.call, "Effort.call"),
        probability=message.probability,
        reason=message.reason,
    )


def advice_to_msg(advice: LoadAdvice) -> msg.LoadAdvice:
    """What load the next set should have."""
    return msg.LoadAdvice(
        header=header(advice.stamp_ns),
        body_id=advice.body_id,
        exercise=advice.exercise,
        set_id=advice.set_id,
        advice=int(advice.advice),
        reason=int(advice.reason),
        load_kg=float(advice.load_kg),
        suggested_kg=float(advice.suggested_kg),
        change=float(advice.change),
        text=advice.text,
    )


def profile_to_msg(found: PersonProfile, stamp_ns: int) -> msg.LoadVelocityProfile:
    """A person's velocity over load."""
    profile = found.profile
    return msg.LoadVelocityProfile(
        header=header(stamp_ns),
        person_id=found.person_id,
        exercise=found.exercise,
        sets=len(profile.points),
        loads_kg=[float(point.load_kg) for point in profile.points],
        velocities=[float(point.velocity) for point in profile.points],
        intercept=float(profile.intercept),
        slope=float(profile.slope),
        r_squared=float(profile.r_squared),
        minimal_velocity=float(profile.minimal_velocity),
        one_rm_kg=float(profile.one_rm_kg),
        one_rm_low_kg=float(profile.one_rm_low_kg),
        one_rm_high_kg=float(profile.one_rm_high_kg),
    )
