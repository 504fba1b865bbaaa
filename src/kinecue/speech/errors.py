"""What can go wrong between a text and a loudspeaker."""

from __future__ import annotations

from collections.abc import Iterable


class SpeechError(RuntimeError):
    """Base class of every error that `kinecue.speech` raises."""


class UnspeakableTextError(SpeechError, ValueError):
    """The text has nothing to pronounce, or is too long for one utterance."""


class UnknownEngineError(SpeechError, ValueError):
    """An engine was asked for by a name that does not exist."""

    def __init__(self, name: str, allowed: Iterable[str]) -> None:
        super().__init__(f"unknown speech engine '{name}'; allowed: {', '.join(allowed)}")


class EngineUnavailableError(SpeechError):
    """The engine is not installed, or does not run on this machine; the message says why."""


class EngineError(SpeechError):
    """The engine did not turn this text into sound; the next text may work."""


class EngineTimeoutError(EngineError):
    """The engine took longer than allowed and was stopped."""


class EngineDiedError(EngineError):
    """The engine's process ended in the middle of a sentence; it is started again for the next one."""


class EngineOutputError(EngineError):
    """The engine answered with something that is not usable sound."""


class EngineLateError(EngineError):
    """The time in which the text could have been said was over before any engine had it."""


class QuietHoursError(SpeechError, ValueError):
    """The quiet hours are not written as they have to be; the message says how."""


class DeviceError(SpeechError):
    """The sound device is absent, or failed."""


class RecorderError(SpeechError):
    """The session cannot be recorded to the wanted file."""


class VoiceSetupError(SpeechError):
    """The voice could not be installed; nothing half-installed is left behind."""


class NoWheelError(VoiceSetupError):
    """The package index has no build of the engine for this Python, system or processor."""
