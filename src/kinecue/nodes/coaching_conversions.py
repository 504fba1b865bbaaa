"""Cues, their facts and decisions to messages; what the coach hears of training from messages."""

from __future__ import annotations

from kinecue.coaching.cue import Cue, Decision
from kinecue.coaching.facts import Change, CueFact, Trend
from kinecue.coaching.machine_news import LoadCall, LoadNews
from kinecue.nodes.base import ns_to_stamp
from kinecue.nodes.message_parts import enumerated, header
from kinecue.training.advice import AdviceReason
from kinecue_msgs import msg

_CHANGES = {Change.MORE: msg.CueFact.CHANGE_MORE, Change.LESS: msg.CueFact.CHANGE_LESS}
_TRENDS = {
    Trend.NEW: msg.CueFact.TREND_NEW,
    Trend.SAME: msg.CueFact.TREND_SAME,
    Trend.WORSE: msg.CueFact.TREND_WORSE,
    Trend.BETTER: msg.CueFact.TREND_BETTER,
}
_LARGEST_BYTE = 255
_LARGEST_FLOAT = 3.4e38


def cue_to_msg(cue: Cue) -> msg.Cue:
    """A cue as a message."""
    message = msg.Cue(header=header(cue.trigger_stamp_ns), id=cue.id, kind=int(cue.kind))
    message.priority = _byte(cue.priority)
    message.text, message.screen_text, message.language = cue.text, cue.screen_text, cue.language
    message.body_part, message.correction = cue.body_part, cue.correction
    message.body_id, message.exercise, message.repetition = cue.body_id, cue.exercise, cue.repetition
    message.fault_ids = list(cue.fault_ids)
    message.fault_stamp = ns_to_stamp(cue.fault_stamp_ns)
    message.created, message.expires = ns_to_stamp(cue.created_ns), ns_to_stamp(cue.expires_ns)
    message.words, message.reason = int(cue.words), cue.reason
    if cue.fact is not None:
        message.fact = fact_to_msg(cue.fact)
    return message


def fact_to_msg(fact: CueFact) -> msg.CueFact:
    """A measured fault as a message."""
    return msg.CueFact(
        fault=fact.fault,
        feature=fact.feature,
        phase=int(fact.phase),
        side=int(fact.side),
        measured=fact.measured,
        std=fact.std,
        limit=fact.limit,
        unit=fact.unit,
        change=_CHANGES[fact.change],
        trend=_TRENDS[fact.trend],
        severity=int(fact.severity),
        magnitude=min(max(fact.magnitude, -_LARGEST_FLOAT), _LARGEST_FLOAT),
    )


def decision_to_msg(decision: Decision, newest_stamp_ns: int) -> msg.CueDecision:
    """A decision as a message; `newest_stamp_ns` stands in where no frame is behind it."""
    return msg.CueDecision(
        header=header(decision.stamp_ns or newest_stamp_ns),
        outcome=int(decision.outcome),
        kind=int(decision.kind),
        priority=_byte(decision.priority),
        subject=decision.subject,
        cue_id=decision.cue.id if decision.cue is not None else "",
        reason=decision.reason,
    )


def load_news_from_msg(message: msg.LoadAdvice) -> LoadNews:
    """What coaching needs of advice on the load.

    Raises:
        MessageError: an enumeration has a value that does not exist.
    """
    call = enumerated(LoadCall, message.advice, "LoadAdvice.advice")
    reason = enumerated(AdviceReason, message.reason, "LoadAdvice.reason")
    return LoadNews(
        set_id=message.set_id,
        # "keep" because too little is known is no advice
        call=None if reason == AdviceReason.NOT_ENOUGH else call,
        load_kg=message.load_kg,
        suggested_kg=message.suggested_kg,
    )


def _byte(value: int) -> int:
    return min(max(value, 0), _LARGEST_BYTE)
