"""How it is said: engines that turn a text into sound, phrases kept ready, playback, interruption, recording.

Imports nothing else of KineCue. Start with `open_speech`.
"""

from kinecue.speech.audio import Utterance
from kinecue.speech.cache import PhraseCache
from kinecue.speech.choose import ALLOWED as ENGINE_NAMES
from kinecue.speech.choose import EngineChoice, choose_engine
from kinecue.speech.errors import SpeechError
from kinecue.speech.player import Player, SpeechEvent, SpeechState
from kinecue.speech.recorder import SessionRecorder
from kinecue.speech.service import NO_DEVICE, URGENT, Preparation, SpeechService, open_speech
from kinecue.speech.sinks import ClockSink, ManualSink, SinkStatus

__all__ = [
    "ENGINE_NAMES",
    "NO_DEVICE",
    "URGENT",
    "ClockSink",
    "EngineChoice",
    "ManualSink",
    "PhraseCache",
    "Player",
    "Preparation",
    "SessionRecorder",
    "SinkStatus",
    "SpeechError",
    "SpeechEvent",
    "SpeechService",
    "SpeechState",
    "Utterance",
    "choose_engine",
    "open_speech",
]
