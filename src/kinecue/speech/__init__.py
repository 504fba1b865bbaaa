"""How it is said: engines that turn a text into sound, phrases kept ready, playback, interruption, recording.

Imports nothing else of KineCue. Start with `open_speech`.
"""

from kinecue.speech.audio import Utterance
from kinecue.speech.cache import PhraseCache
from kinecue.speech.choose import ALLOWED as ENGINE_NAMES
from kinecue.speech.choose import EngineChoice, choose_engine
from kinecue.speech.errors import SpeechError
from kinecue.speech.events import SpeechEvent, SpeechState
from kinecue.speech.music import Music, MusicDirector, MusicMode, MusicOrder
from kinecue.speech.player import Player
from kinecue.speech.quiet import QuietHours, Silence
from kinecue.speech.recorder import SessionRecorder
from kinecue.speech.service import NO_DEVICE, URGENT, Preparation, SpeechService, open_speech
from kinecue.speech.sinks import ClockSink, ManualSink, SinkStatus
from kinecue.speech.spoken import Piece
from kinecue.speech.voices import Voice, Voices

__all__ = [
    "ENGINE_NAMES",
    "NO_DEVICE",
    "URGENT",
    "ClockSink",
    "EngineChoice",
    "ManualSink",
    "Music",
    "MusicDirector",
    "MusicMode",
    "MusicOrder",
    "PhraseCache",
    "Piece",
    "Player",
    "Preparation",
    "QuietHours",
    "SessionRecorder",
    "Silence",
    "SinkStatus",
    "SpeechError",
    "SpeechEvent",
    "SpeechService",
    "SpeechState",
    "Utterance",
    "Voice",
    "Voices",
    "choose_engine",
    "open_speech",
]
