"""Which engine speaks a language: the wanted one, else the best that exists and can."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kinecue.speech.engines import FliteEngine, NullEngine, Synthesizer
from kinecue.speech.errors import EngineUnavailableError, UnknownEngineError
from kinecue.speech.espeak_engine import EspeakEngine, EspeakProcess, find_espeak
from kinecue.speech.installed import SETUP_HINT
from kinecue.speech.pico_engine import PicoEngine, find_pico
from kinecue.speech.piper_engine import PiperEngine, find_piper

# In the order of how well their cues were recognised, see docs/voice.md.
ENGINES = ("piper", "flite", "pico", "espeak", "null")
ALLOWED = ("auto", *ENGINES)
DEFAULT_LANGUAGE = "en"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineChoice:
    """The engine, and why those before it in the order are not it."""

    engine: Synthesizer
    preference: str
    unavailable: Mapping[str, str] = field(default_factory=dict)
    language: str = DEFAULT_LANGUAGE

    def describe(self) -> str:
        """One sentence for the log and the status."""
        engine = self.engine
        words = f"speech engine {engine.name} {engine.version}, voice {engine.voice}, for {self.language}"
        if not engine.speaks:
            words = f"no speech engine for {self.language}: cues are text only"
            if self.preference == "null":
                return words + ", as asked for"
        missing = "; ".join(f"{name}: {reason}" for name, reason in self.unavailable.items())
        return f"{words} (not available: {missing})" if missing else words


def engine_order(preference: str = "auto") -> tuple[str, ...]:
    """Names of engines, the preferred one first.

    Raises:
        UnknownEngineError: `preference` is not one of `ALLOWED`.
    """
    if preference not in ALLOWED:
        raise UnknownEngineError(preference, ALLOWED)
    return ENGINES if preference == "auto" else (preference, *(e for e in ENGINES if e != preference))


def choose_engine(
    preference: str = "auto", *, voice_dir: Path | None = None, language: str = DEFAULT_LANGUAGE
) -> EngineChoice:
    """Open the preferred engine if it speaks the language, else the first that does; else none speaks.

    `voice_dir` is the folder that the voice set-up filled. No sound is made here; piper loads its voice with
    the first sentence.

    Raises:
        UnknownEngineError: `preference` is not one of `ALLOWED`.
    """
    unavailable: dict[str, str] = {}
    for name in engine_order(preference):
        try:
            engine = open_engine(name, voice_dir, language)
        except EngineUnavailableError as error:
            unavailable[name] = str(error)
            continue
        choice = EngineChoice(engine, preference, unavailable, language)
        _LOG.info("%s", choice.describe())
        return choice
    return EngineChoice(NullEngine(), preference, unavailable, language)


def open_engine(name: str, voice_dir: Path | None, language: str) -> Synthesizer:
    """One engine by its name in `ENGINES`.

    Raises:
        EngineUnavailableError: it is not installed, does not run, or does not speak the language; says which.
    """
    if name == "null":
        return NullEngine()
    if name == "flite":
        if language != FliteEngine.language:
            raise EngineUnavailableError(f"speaks {FliteEngine.language}, not '{language}'")
        return FliteEngine()
    if name == "espeak":
        return _open_espeak(voice_dir, language)
    if voice_dir is None:
        raise EngineUnavailableError(f"no voice folder given ({SETUP_HINT})")
    if name == "pico":
        return PicoEngine(find_pico(voice_dir, language), language)
    return PiperEngine(find_piper(voice_dir, language))


def _open_espeak(voice_dir: Path | None, language: str) -> Synthesizer:
    """The system's program, else the one of the set-up."""
    try:
        return EspeakEngine(language)
    except EngineUnavailableError as error:
        if voice_dir is None:
            raise
        try:
            return EspeakProcess(find_espeak(voice_dir, language), language)
        except EngineUnavailableError as second:
            raise EngineUnavailableError(f"{error}; {second}") from second
