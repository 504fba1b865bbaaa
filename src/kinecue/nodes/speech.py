"""Node `speech`: cues are heard."""

from __future__ import annotations

import threading
import time
from array import array
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
from kinecue.speech import (
    NO_DEVICE,
    EngineChoice,
    Music,
    MusicDirector,
    MusicMode,
    MusicOrder,
    Piece,
    Preparation,
    QuietHours,
    Silence,
    SpeechEvent,
    SpeechService,
    SpeechState,
    open_speech,
)
from kinecue.speech.choose import ALLOWED
from kinecue.speech.errors import QuietHoursError, SpeechError
from kinecue.speech.quiet import DANGER, KINDS, parse_kinds
from kinecue.speech.sinks import hurry
from kinecue_msgs import msg

_STATUS = {
    SpeechState.QUEUED: msg.SpeechStatus.QUEUED,
    SpeechState.STARTED: msg.SpeechStatus.STARTED,
    SpeechState.FINISHED: msg.SpeechStatus.FINISHED,
    SpeechState.INTERRUPTED: msg.SpeechStatus.INTERRUPTED,
    SpeechState.EXPIRED: msg.SpeechStatus.EXPIRED,
    SpeechState.FAILED: msg.SpeechStatus.FAILED,
}
_MUSIC = {
    MusicMode.PLAY: msg.MusicControl.PLAY,
    MusicMode.DUCK: msg.MusicControl.DUCK,
    MusicMode.PAUSE: msg.MusicControl.PAUSE,
}
_WHILE_SPEAKING = {"duck": MusicMode.DUCK, "pause": MusicMode.PAUSE, "play": MusicMode.PLAY}
_KINDS = {
    msg.Cue.KIND_CORRECTION: "correction",
    msg.Cue.KIND_DANGER: DANGER,
    msg.Cue.KIND_PRAISE: "praise",
    msg.Cue.KIND_COUNT: "count",
    msg.Cue.KIND_SUMMARY: "summary",
    msg.Cue.KIND_SYSTEM: "system",
    msg.Cue.KIND_ENCOURAGEMENT: "encouragement",
}
_DANGER_URGENCY = 3


def _wrong_hours(text: str) -> str | None:
    try:
        QuietHours.parse(text)
    except QuietHoursError as error:
        return str(error)
    return None


def _wrong_kinds(text: str) -> str | None:
    try:
        parse_kinds(text)
    except QuietHoursError as error:
        return str(error)
    return None


class SpeechNode(KineCueNode):
    """Cues in; sound and what became of it out."""

    PARAMETERS = (
        ParameterSpec("engine", "auto", "Synthesiser.", choices=tuple(ALLOWED)),
        ParameterSpec(
            "language", "en", "Language of cues that name none; its voice is opened first (BCP 47)."
        ),
        ParameterSpec(
            "device", "", "Sound device, part of its name; empty = the default one, none = no device."
        ),
        ParameterSpec("record_to", "", "WAV file for the whole session; empty = not recorded."),
        ParameterSpec("publish_audio", False, "What is said goes to the topic speech_audio as well."),
        ParameterSpec("volume", 1.0, "Loudness; 0 is as muted.", low=0.0, high=1.0, live=True),
        ParameterSpec("mute", False, "Nothing is said, not even a danger.", live=True),
        ParameterSpec(
            "quiet_hours",
            "",
            "Local times of day as 22:00-06:30, several with commas; empty = none.",
            live=True,
            check=_wrong_hours,
        ),
        ParameterSpec(
            "quiet_kinds",
            DANGER,
            f"What is still said then: of {', '.join(KINDS)}; danger always is.",
            live=True,
            check=_wrong_kinds,
        ),
        ParameterSpec("quiet_volume", 0.6, "Factor on the volume then.", low=0.0, high=1.0, live=True),
        ParameterSpec(
            "music",
            "duck",
            "What the topic music asks of players while a cue is spoken.",
            choices=tuple(_WHILE_SPEAKING),
            live=True,
        ),
        ParameterSpec(
            "music_gain", 0.25, "Of the music's own volume, while ducked.", low=0.0, high=1.0, live=True
        ),
        ParameterSpec("voice_dir", "", "Folder of the voices; empty = the data folder's."),
        ParameterSpec("cache_dir", "", "Folder of prepared phrases; empty = the data folder's."),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("speech", **kwargs)
        self._service: SpeechService | None = None
        self._choices: dict[str, EngineChoice] = {}
        self._preparation: Preparation | None = None
        self._cues: dict[str, msg.Cue] = {}
        self._counts = dict.fromkeys(SpeechState, 0)
        self._silence = Silence()
        self._hurried = 0
        self._director: MusicDirector | None = None
        self._audio = None
        # the speech service runs on a steady clock that reads as system time, so its events need no conversion
        offset = time.time_ns() - time.monotonic_ns()
        self._speech_clock = lambda: time.monotonic_ns() + offset
        self._status = self.create_publisher(msg.SpeechStatus, "speech_status", EVENT_QOS)
        self._music = self.create_publisher(msg.MusicControl, "music", LATCHED_QOS)
        self.create_subscription(msg.Cue, "cues", self.guarded(self._on_cue), EVENT_QOS)
        self.create_subscription(
            msg.PhraseList, "phrases", self.guarded(self._on_phrases, latched=True), LATCHED_QOS
        )
        self.add_post_set_parameters_callback(lambda _: self._apply())

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
        values = self.parameters
        self._choices.clear()
        if values["publish_audio"]:
            self._audio = self.create_publisher(msg.SpeechAudio, "speech_audio", EVENT_QOS)
        self._director = MusicDirector(Music(), self._on_music)
        try:
            self._service, _ = open_speech(
                engine=values["engine"],
                language=values["language"],
                voice_dir=Path(values["voice_dir"] or data / "voice"),
                cache_dir=Path(values["cache_dir"] or data / "phrases"),
                device=values["device"] or None,
                record_to=Path(values["record_to"]) if values["record_to"] else None,
                on_event=self._on_event,
                on_choice=self._on_choice,
                on_piece=self._on_piece if values["publish_audio"] else None,
                clock=self._speech_clock,
            )
        except SpeechError as error:
            raise KineCueError(str(error)) from error
        self._apply()

    def activate(self) -> None:
        self._on_music(MusicOrder(MusicMode.PLAY))

    def deactivate(self) -> None:
        if self._service is not None:
            self._service.stop("the node was deactivated")
        if self._director is not None:
            self._director.release()

    def cleanup(self) -> None:
        if self._service is not None:
            self._service.close()
        self._service = None
        if self._director is not None:
            self._director.close()
        self._director = None
        if self._audio is not None:
            self.destroy_publisher(self._audio)
        self._audio = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        service, choices = self._service, list(self._choices.values())
        if service is None or not choices:
            return ERROR, "no speech engine", {}
        device = service.status
        values: dict[str, object] = {state.value: count for state, count in self._counts.items()}
        values |= {
            "engine": choices[0].engine.name,
            "voices": ", ".join(f"{c.language}: {c.engine.name} {c.engine.voice}" for c in choices),
            "device": device.name,
            "audible": device.audible,
            "detail": device.detail,
            "silent": self._silence.reason("correction"),
        }
        silent = [choice for choice in choices if not choice.engine.speaks]
        if silent:
            return WARN, "; ".join(choice.describe() for choice in silent), values
        if self._counts[SpeechState.FAILED]:
            return WARN, f"{self._counts[SpeechState.FAILED]} utterances failed", values
        return OK, "; ".join(choice.describe() for choice in choices), values

    def _apply(self) -> None:
        """Takes over the live parameters, in the middle of a sentence if there is one."""
        values, before = self.parameters, self._silence.reason(DANGER)
        self._silence = Silence(
            muted=values["mute"],
            volume=values["volume"],
            hours=QuietHours.parse(values["quiet_hours"]),
            kinds=parse_kinds(values["quiet_kinds"]),
            quiet_volume=values["quiet_volume"],
        )
        if self._director is not None:
            self._director.want(_WHILE_SPEAKING[values["music"]], values["music_gain"])
        if self._service is None:
            return
        silent = self._silence.reason(DANGER)
        if silent and not before:
            self._service.stop(silent)
        else:
            self._service.player.volume = self._silence.volume_now()

    def _on_choice(self, choice: EngineChoice) -> None:
        self._choices[choice.language] = choice
        log = self.get_logger()
        if choice.engine.speaks or choice.preference == "null":
            log.info(choice.describe())
        else:
            log.warning(choice.describe())

    def _on_phrases(self, message: msg.PhraseList) -> None:
        if self._service is not None:
            self._preparation = self._service.prepare(message.phrases, message.language)

    def _on_cue(self, message: msg.Cue) -> None:
        if self._service is None:
            return
        if threading.get_native_id() != self._hurried:
            # cues are rare and short, and nothing may come before them
            self._hurried = threading.get_native_id()
            hurry()
        danger = message.priority >= msg.Cue.PRIORITY_INTERRUPTING
        self._cues[message.id] = message
        reason = self._silence.reason(DANGER if danger else _KINDS.get(message.kind, "system"))
        if reason:
            self._service.drop(message.text, message.id, reason)
            return
        self._service.player.volume = self._silence.volume_now()
        remaining = stamp_to_ns(message.expires) - self.now_ns()
        self._service.say(
            message.text,
            message.id,
            language=message.language,
            urgency=_DANGER_URGENCY if danger else 0,
            # expiry is in ROS time, which may be simulated
            expires_ns=self._speech_clock() + remaining if stamp_to_ns(message.expires) else None,
        )

    def _on_event(self, event: SpeechEvent) -> None:
        """Called in a thread of the service."""
        self._counts[event.state] += 1
        service, cue = self._service, self._cues.get(event.cue_id)
        heard = self._audio is not None or (service is not None and service.status.audible)
        if self._director is not None and (
            event.state is not SpeechState.STARTED or self._sounds(event, heard)
        ):
            self._director.on_event(event)
        message = msg.SpeechStatus(
            cue_id=event.cue_id,
            text=event.text,
            detail=event.detail,
            status=_STATUS[event.state],
            prepared=event.prepared,
        )
        message.header.stamp = ns_to_stamp(event.stamp_ns)
        message.engine = event.engine
        if not event.engine and service is not None:
            message.engine = service.voices.of(cue.language if cue else "").engine.name
        message.device = service.status.name if service and service.status.audible else NO_DEVICE
        if cue is not None and stamp_to_ns(cue.created):
            message.latency_ms = (event.stamp_ns - stamp_to_ns(cue.created)) * 1e-6
        if event.state not in (SpeechState.QUEUED, SpeechState.STARTED):
            self._cues.pop(event.cue_id, None)
        self._status.publish(message)

    @staticmethod
    def _sounds(event: SpeechEvent, heard: bool) -> bool:
        return heard and event.engine != "null"

    def _on_music(self, order: MusicOrder) -> None:
        message = msg.MusicControl(
            mode=_MUSIC[order.mode], gain=order.gain, longest=order.longest_s, cue_id=order.cue_id
        )
        message.header.stamp = ns_to_stamp(self._speech_clock())
        self._music.publish(message)

    def _on_piece(self, piece: Piece) -> None:
        """Called in a thread of the service."""
        publisher = self._audio
        if publisher is None:
            return
        message = msg.SpeechAudio(cue_id=piece.cue_id, sample_rate=piece.sample_rate, last=piece.last)
        message.header.stamp = ns_to_stamp(piece.start_ns)
        message.samples = array("h", piece.samples.tobytes())
        publisher.publish(message)


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(SpeechNode, args)
