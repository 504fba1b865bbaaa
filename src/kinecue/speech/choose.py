"""Which engine speaks: the wanted one, else the best that exists."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kinecue.speech.engines import EspeakEngine, FliteEngine, NullEngine, Synthesizer
from kinecue.speech.errors import EngineUnavailableError, UnknownEngineError
from kinecue.speech.piper_engine import SETUP_HINT, PiperEngine, find_piper

ENGINES = ("piper", "flite", "espeak", "null")
ALLOWED = ("auto", *ENGINES)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineChoice:
    """The engine, and why those before it in the order are not it."""

    engine: Synthesizer
    preference: str
    unavailable: Mapping[str, str] = field(default_factory=dict)

    def describe(self) -> str:
        """One sentence for the log and the status."""
        words = f"speech engine {self.engine.name} {self.engine.version}, voice {self.engine.voice}"
        if not self.engine.speaks:
            words = "no speech engine: cues are text only"
            if self.preference == "null":
                return words + ", as asked for"
        missing = "; ".join(f"{name}: {reason}" for name, reason in self.unavailable.items())
        return f"{words} (not available: {missing})" if missing else words


def choose_engine(preference: str = "auto", *, voice_dir: Path | None = None) -> EngineChoice:
    """Open the preferred engine, else the first that exists of piper, flite, espeak-ng; else none speaks.

    `voice_dir` is the folder that the voice set-up filled. No sound is made here; piper loads its voice with
    the first sentence.

    Raises:
        UnknownEngineError: `preference` is not one of `ALLOWED`.
    """
    if preference not in ALLOWED:
        raise UnknownEngineError(preference, ALLOWED)
    order = list(ENGINES) if preference == "auto" else [preference, *(e for e in ENGINES if e != preference)]
    unavailable: dict[str, str] = {}
    for name in order:
        try:
            choice = EngineChoice(_open(name, voice_dir), preference, unavailable)
        except EngineUnavailableError as error:
            unavailable[name] = str(error)
            continue
        _LOG.info("%s", choice.describe())
        return choice
    return EngineChoice(NullEngine(), preference, unavailable)


def _open(name: str, voice_dir: Path | None) -> Synthesizer:
    if name == "piper":
        if voice_dir is None:
            raise EngineUnavailableError(f"no voice folder given ({SETUP_HINT})")
        return PiperEngine(find_piper(voice_dir))
    if name == "flite":
        return FliteEngine()
    if name == "espeak":
        return EspeakEngine()
    return NullEngine()
