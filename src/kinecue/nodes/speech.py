"""Node `speech`: cues are heard."""

from __future__ import annotations

import time
from pathlib import Path

from kinecue.body.errors import KineCueError
from kinecue.body.paths import data_dir
from kinecue.nodes.base import (
    ERROR,
    EVENT_QOS,
    LATCHED_QOS,
    OK,
    WARN,
    KineCueNode,
    ns_to_stamp,
    run,
    stamp_to_ns,
)
from kinecue.nodes.parameters import ParameterSpec
from kinecue.speech import NO_DEVICE, Preparation, SpeechEvent, SpeechService, SpeechState, open_speech
from kinecue.speech.choose import ALLOWED, EngineChoice
from kinecue.speech.errors import SpeechError
from kinecue_msgs import msg

_STATUS = {
    SpeechState.QUEUED: msg.SpeechStatus.QUEUED,
    SpeechState.STARTED: msg.SpeechStatus.STARTED,
    SpeechState.FINISHED: msg.SpeechStatus.FINISHED,
    SpeechState.INTERRUPTED: msg.SpeechStatus.INTERRUPTED,
    SpeechState.EXPIRED: msg.SpeechStatus.EXPIRED,
    SpeechState.FAILED: msg.SpeechStatus.FAILED,
}
_DANGER_URGENCY = 3


class SpeechNode(KineCueNode):
    """Cues in; sound and what became of it out."""

    PARAMETERS = (
        ParameterSpec("engine", "auto", "Synthesiser.", choices=tuple(ALLOWED)),
        ParameterSpec(
            "device", "", "Sound device, part of its name; empty = the default one, none = no device."
        ),
        ParameterSpec("record_to", "", "WAV file for the whole session; empty = not recorded."),
        ParameterSpec("volume", 1.0, "Loudness.", low=0.0, high=1.0, live=True),
        ParameterSpec("voice_dir", "", "Folder of the voice; empty = the data folder's."),
        ParameterSpec("cache_dir", "", "Folder of prepared phrases; empty = the data folder's."),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("speech", **kwargs)
        self._service: SpeechService | None = None
        self._choice: EngineChoice | None = None
        self._preparation: Preparation | None = None
        self._created: dict[str, int] = {}
        self._counts = dict.fromkeys(SpeechState, 0)
        # the speech service runs on a steady clock that reads as system time, so its events need no conversion
        offset = time.time_ns() - time.monotonic_ns()
        self._speech_clock = lambda: time.monotonic_ns() + offset
        self._status = self.create_publisher(msg.SpeechStatus, "speech_status", EVENT_QOS)
        self.create_subscription(msg.Cue, "cues", self.guarded(self._on_cue), EVENT_QOS)
        self.create_subscription(
            msg.PhraseList, "phrases", self.guarded(self._on_phrases, latched=True), LATCHED_QOS
        )

    @property
    def service(self) -> SpeechService | None:
        """The speech service, for programs that compose the node and want to wait for its silence."""
        return self._service

    @property
    def preparation(self) -> Preparation | None:
        """Progress of the phrases of the selected exercise; None before they are known."""
        return self._preparation

    def configure(self) -> None:
        data = data_dir()
        record_to = self.parameters["record_to"]
        try:
            self._service, self._choice = open_speech(
                engine=self.parameters["engine"],
                voice_dir=Path(self.parameters["voice_dir"] or data / "voice"),
                cache_dir=Path(self.parameters["cache_dir"] or data / "phrases"),
                device=self.parameters["device"] or None,
                record_to=Path(record_to) if record_to else None,
                on_event=self._on_event,
                clock=self._speech_clock,
            )
        except SpeechError as error:
            raise KineCueError(str(error)) from error
        self.get_logger().info(self._choice.describe())

    def deactivate(self) -> None:
        if self._service is not None:
            self._service.stop()

    def cleanup(self) -> None:
        if self._service is not None:
            self._service.close()
        self._service = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        if self._service is None or self._choice is None:
            return ERROR, "no speech engine", {}
        device = self._service.status
        values: dict[str, object] = {state.value: count for state, count in self._counts.items()}
        values |= {
            "engine": self._choice.engine.name,
            "device": device.name,
            "audible": device.audible,
            "detail": device.detail,
        }
        if not self._choice.engine.speaks:
            return WARN, self._choice.describe(), values
        if self._counts[SpeechState.FAILED]:
            return WARN, f"{self._counts[SpeechState.FAILED]} utterances failed", values
        return OK, self._choice.describe(), values

    def _on_phrases(self, message: msg.PhraseList) -> None:
        if self._service is not None:
            self._preparation = self._service.prepare(message.phrases)

    def _on_cue(self, message: msg.Cue) -> None:
        if self._service is None:
            return
        self._service.player.volume = self.parameters["volume"]
        self._created[message.id] = stamp_to_ns(message.created)
        remaining = stamp_to_ns(message.expires) - self.now_ns()
        self._service.say(
            message.text,
            message.id,
            urgency=_DANGER_URGENCY if message.priority >= msg.Cue.PRIORITY_INTERRUPTING else 0,
            # expiry is in ROS time, which may be simulated
            expires_ns=self._speech_clock() + remaining if stamp_to_ns(message.expires) else None,
        )

    def _on_event(self, event: SpeechEvent) -> None:
        """Called in a thread of the service."""
        self._counts[event.state] += 1
        service = self._service
        message = msg.SpeechStatus(
            cue_id=event.cue_id, text=event.text, detail=event.detail, status=_STATUS[event.state]
        )
        message.header.stamp = ns_to_stamp(event.stamp_ns)
        message.engine = self._choice.engine.name if self._choice else ""
        message.device = service.status.name if service and service.status.audible else NO_DEVICE
        created = self._created.get(event.cue_id)
        if created:
            message.latency_ms = (event.stamp_ns - created) * 1e-6
        if event.state not in (SpeechState.QUEUED, SpeechState.STARTED):
            self._created.pop(event.cue_id, None)
        self._status.publish(message)


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(SpeechNode, args)
