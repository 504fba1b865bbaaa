"""Node `session_log`: listens to the graph and remembers a session, for programs that report on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from kinecue.body.errors import KineCueError
from kinecue.coaching.recorded import Event, Recorded, RecordedSet
from kinecue.display import AngleTrace
from kinecue.exercise.results import Fault, FormState, Phase, Repetition, SetSummary, Side
from kinecue.nodes import score_conversions as scores
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, SENSOR_QOS, stamp_to_ns
from kinecue_msgs import msg

Listener = Callable[[str, Any], None]


@dataclass
class SpokenCue:
    """A cue and what became of it; times in ns, 0 = did not happen."""

    message: msg.Cue
    received_ns: int
    first_sample_ns: int = 0
    finished_ns: int = 0
    status: str = "not spoken"
    engine: str = ""
    device: str = ""
    detail: str = ""


@dataclass
class Session:
    """Everything that the graph said, in the order of arrival."""

    stamps: list[int] = field(default_factory=list)
    """Of the scored frames."""
    start_ns: int = 0
    """Stamp of the first of them; 0 if there was none."""
    faults: list[Fault] = field(default_factory=list)
    repetitions: list[Repetition] = field(default_factory=list)
    cues: dict[str, SpokenCue] = field(default_factory=dict)
    decisions: list[msg.CueDecision] = field(default_factory=list)
    summary: SetSummary | None = None
    form: FormState | None = None
    traces: dict[str, AngleTrace] = field(default_factory=dict)
    d: AngleTrace = field(default_factory=lambda: AngleTrace("1"))
    abstained: dict[tuple[str, int], int] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)
    """What scoring said and when it arrived, so that the set can be coached again."""


class SessionLog(Node):
    """Subscribes to the topics of the graph.

    Args:
        listener: called with a kind (``phase``, ``repetition``, ``fault``, ``cue``, ``speech``, ``decision``) and the thing.
    """

    def __init__(self, listener: Listener | None = None, **kwargs: Any) -> None:
        super().__init__("session_log", **kwargs)
        self.session = Session()
        self._listener = listener or (lambda kind, thing: None)
        self._phase: Phase | None = None
        self._listen(msg.JointAngles, "joint_angles", self._on_angles, SENSOR_QOS)
        self._listen(msg.FormState, "form", self._on_form, SENSOR_QOS)
        self._listen(msg.FormFault, "faults", self._on_fault, EVENT_QOS)
        self._listen(msg.Repetition, "repetitions", self._on_repetition, EVENT_QOS)
        self._listen(msg.SetSummary, "set", self._on_set, LATCHED_QOS)
        self._listen(msg.Cue, "cues", self._on_cue, EVENT_QOS)
        self._listen(msg.CueDecision, "cue_decisions", self._on_decision, EVENT_QOS)
        self._listen(msg.SpeechStatus, "speech_status", self._on_speech, EVENT_QOS)

    def _listen(self, kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile) -> None:
        def call(message: Any) -> None:
            try:
                callback(message)
            except (KineCueError, ValueError) as error:
                self.get_logger().error(f"{topic}: {error}", throttle_duration_sec=1.0)

        self.create_subscription(kind, topic, call, qos)

    def _seconds(self, stamp_ns: int) -> float:
        return (stamp_ns - self.session.start_ns) * 1e-9

    def _keep(self, what: Event) -> None:
        self.session.recorded.append(Recorded(self.get_clock().now().nanoseconds, what))

    def _on_angles(self, message: msg.JointAngles) -> None:
        stamp = stamp_to_ns(message.header.stamp)
        self.session.start_ns = self.session.start_ns or stamp
        when = self._seconds(stamp)
        for angle in message.angles:
            side = {Side.LEFT: " left", Side.RIGHT: " right"}.get(Side(angle.side), "")
            trace = self.session.traces.setdefault(f"{angle.name}{side}", AngleTrace(angle.unit))
            trace.times.append(when)
            trace.values.append(angle.value)
            trace.stds.append(angle.std)

    def _on_form(self, message: msg.FormState) -> None:
        form = scores.form_from_msg(message)
        self._keep(replace(form, deviations=()))
        self.session.form = form
        self.session.start_ns = self.session.start_ns or form.stamp_ns
        self.session.stamps.append(form.stamp_ns)
        self.session.d.times.append(self._seconds(form.stamp_ns))
        self.session.d.values.append(form.d)
        for item in form.abstentions:
            key = (item.fault, int(item.reason))
            self.session.abstained[key] = self.session.abstained.get(key, 0) + 1
        if form.phase != self._phase:
            self._phase = form.phase
            self._listener("phase", form)

    def _on_fault(self, message: msg.FormFault) -> None:
        fault = scores.fault_from_msg(message)
        self._keep(fault)
        self.session.faults.append(fault)
        self._listener("fault", fault)

    def _on_repetition(self, message: msg.Repetition) -> None:
        repetition = scores.repetition_from_msg(message)
        self._keep(repetition)
        self.session.repetitions.append(repetition)
        self._listener("repetition", repetition)

    def _on_set(self, message: msg.SetSummary) -> None:
        self.session.summary = scores.set_from_msg(message)
        self._keep(self.session.summary)

    def _on_decision(self, message: msg.CueDecision) -> None:
        self.session.decisions.append(message)
        self._listener("decision", message)

    def _on_cue(self, message: msg.Cue) -> None:
        cue = SpokenCue(message, self.get_clock().now().nanoseconds)
        self.session.cues[message.id] = cue
        self._listener("cue", cue)

    def _on_speech(self, message: msg.SpeechStatus) -> None:
        cue = self.session.cues.get(message.cue_id)
        if cue is None:
            return
        stamp = stamp_to_ns(message.header.stamp)
        status = msg.SpeechStatus
        cue.engine, cue.device = message.engine, message.device
        cue.detail = message.detail or cue.detail
        if message.status == status.STARTED:
            cue.first_sample_ns, cue.status = stamp, "started"
        elif message.status == status.FINISHED:
            cue.finished_ns, cue.status = stamp, "spoken"
        elif message.status in (status.INTERRUPTED, status.EXPIRED, status.FAILED):
            names = {status.INTERRUPTED: "interrupted", status.EXPIRED: "expired", status.FAILED: "failed"}
            cue.status = names[message.status]
        self._listener("speech", cue)

    # -- reports

    def recorded_set(self, source: str, exercise: str) -> RecordedSet:
        """The session, to be coached again."""
        # before its first frame there is only the news that there is no set yet
        begun = dropwhile(lambda event: not isinstance(event.what, FormState), self.session.recorded)
        return RecordedSet(source, exercise, self.session.start_ns, tuple(begun))

    def cue_records(self, wav_zero_ns: int | None) -> list[dict[str, Any]]:
        """Each cue with its times, s since the first frame and ms between steps, and the measurement behind it."""
        faults = {fault.id: fault for fault in self.session.faults}
        records = []
        for cue in self.session.cues.values():
            message = cue.message
            trigger, created = stamp_to_ns(message.header.stamp), stamp_to_ns(message.created)
            record: dict[str, Any] = {
                "id": message.id,
                "kind": _KINDS.get(message.kind, str(message.kind)),
                "text": message.text,
                "status": cue.status,
                "engine": cue.engine,
                "device": cue.device,
                "repetition": message.repetition,
                "body_part": message.body_part,
                "correction": message.correction,
                "reason": message.reason,
                "frame_time_s": self._seconds(trigger),
                "fault_time_s": self._seconds(stamp_to_ns(message.fault_stamp))
                if message.fault_ids
                else None,
                "cue_time_s": self._seconds(created),
                "first_sample_time_s": self._seconds(cue.first_sample_ns) if cue.first_sample_ns else None,
                "frame_to_cue_ms": (created - trigger) * 1e-6,
                "cue_to_sample_ms": (cue.first_sample_ns - created) * 1e-6 if cue.first_sample_ns else None,
                "wav_offset_s": (cue.first_sample_ns - wav_zero_ns) * 1e-9
                if cue.first_sample_ns and wav_zero_ns
                else None,
                "faults": [self.fault_record(faults[i]) for i in message.fault_ids if i in faults],
            }
            if cue.detail:
                record["detail"] = cue.detail
            records.append(record)
        return records

    def fault_record(self, fault: Fault) -> dict[str, Any]:
        """A fault with the measurement behind it; times in s since the first frame."""
        return {
            "id": fault.id,
            "name": fault.name,
            "repetition": fault.repetition,
            "phase": fault.phase.name.lower(),
            "side": fault.side.name.lower(),
            "severity": fault.severity.name.lower(),
            "frame_stamp_ns": fault.stamp_ns,
            "frame_time_s": self._seconds(fault.stamp_ns),
            "onset_time_s": self._seconds(fault.onset_ns),
            "probability": _finite(fault.probability),
            "feature": fault.feature,
            "unit": fault.unit,
            "measured": _finite(fault.measured.value),
            "std": _finite(fault.measured.std),
            "limit": _finite(fault.limit),
        }


_KINDS = {
    msg.Cue.KIND_CORRECTION: "correction",
    msg.Cue.KIND_DANGER: "danger",
    msg.Cue.KIND_PRAISE: "praise",
    msg.Cue.KIND_COUNT: "count",
    msg.Cue.KIND_SUMMARY: "summary",
    msg.Cue.KIND_SYSTEM: "system",
}


def _finite(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None
