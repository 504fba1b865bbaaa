"""The voice of each language: its engines, best first, with their phrases, and what happens when one fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from kinecue.speech.audio import Utterance
from kinecue.speech.cache import PhraseCache
from kinecue.speech.choose import DEFAULT_LANGUAGE, EngineChoice, choose_engine, engine_order, open_engine
from kinecue.speech.engines import Synthesizer
from kinecue.speech.errors import (
    EngineDiedError,
    EngineError,
    EngineLateError,
    EngineUnavailableError,
    UnspeakableTextError,
)
from kinecue.speech.language import primary

_LOG = logging.getLogger(__name__)

Monotonic = Callable[[], float]
"""Seconds."""

# A process that was killed is started again for the same sentence; what fails again is said by the next engine.
TRIES = 2
# An engine that fails so often in a row costs each sentence its time: it rests.
FAILURES_UNTIL_REST = 3
REST_S = 30.0
FOREVER_S = 3600.0


class Voice:
    """One language. One thread at a time calls `make`; `get` may come from any."""

    def __init__(
        self,
        caches: Iterable[PhraseCache],
        *,
        more: Callable[[], PhraseCache | None] = lambda: None,
        clock: Monotonic = time.monotonic,
    ) -> None:
        """`caches` hold the engines, best first; `more` opens the next one when it is needed, None where there is none."""
        self._caches = list(caches)
        self._more, self._clock = more, clock
        self._failures = 0
        self._rests_until = float("-inf")

    @property
    def engine(self) -> Synthesizer:
        """The preferred engine."""
        return self._caches[0].engine

    @property
    def caches(self) -> Sequence[PhraseCache]:
        """Of all engines that were opened so far."""
        return tuple(self._caches)

    def get(self, text: str) -> Utterance | None:
        """The phrase where an engine has said it before, the best one's first. Raises `UnspeakableTextError`."""
        for cache in self._caches:
            found = cache.get(text)
            if found is not None:
                return found
        return None

    def make(self, text: str, time_left_s: Callable[[], float] = lambda: FOREVER_S) -> Utterance:
        """The phrase, synthesised now unless the preferred engine has it.

        An engine that dies is started again for the same sentence, and one that does not run for the first one, if there is
        time left for that; if there is not, or it fails again, the next engine says it.

        Args:
            text: plain words.
            time_left_s: until the phrase is of no use any more, s.

        Raises:
            EngineLateError: there was no time left.
            EngineError: no engine said it.
            UnspeakableTextError: there is nothing to say in it.
        """
        problems: list[str] = []
        number = 0
        while (cache := self._cache(number)) is not None:
            if number > 0 or not self._preferred_rests():
                made = self._try(cache, text, time_left_s, problems)
                self._count(number, made is not None)
                if made is not None:
                    if problems:
                        _LOG.warning("'%s' is said by %s: %s", text, cache.engine.name, "; ".join(problems))
                    return made
            number += 1
        raise EngineError("; ".join(problems) or "no engine")

    def close(self) -> None:
        """End the engines."""
        for cache in self._caches:
            cache.engine.close()

    def _cache(self, number: int) -> PhraseCache | None:
        if number == len(self._caches):
            opened = self._more()
            if opened is None:
                return None
            self._caches.append(opened)
        return self._caches[number]

    def _preferred_rests(self) -> bool:
        return self._clock() < self._rests_until and self._cache(1) is not None

    def _count(self, number: int, worked: bool) -> None:
        if number > 0:
            return
        self._failures = 0 if worked else self._failures + 1
        if self._failures >= FAILURES_UNTIL_REST and self._cache(1) is not None:
            self._failures = 0
            self._rests_until = self._clock() + REST_S
            _LOG.warning(
                "%s failed %d times in a row: another engine speaks for %.0f s",
                self.engine.name,
                FAILURES_UNTIL_REST,
                REST_S,
            )

    def _try(
        self, cache: PhraseCache, text: str, time_left_s: Callable[[], float], problems: list[str]
    ) -> Utterance | None:
        engine = cache.engine
        for _ in range(TRIES):
            left = time_left_s()
            if left <= 0.0:
                raise EngineLateError(
                    "could not be synthesised in time" + "".join(f"; {p}" for p in problems)
                )
            if left < engine.start_s and self._cache(1) is not None:
                engine.start()  # for the next sentence
                problems.append(f"no time to start {engine.name}")
                return None
            try:
                return cache.make(text)
            except UnspeakableTextError:
                raise
            except EngineDiedError as error:
                problems.append(str(error))
            except EngineError as error:
                problems.append(str(error))
                return None
            except Exception as error:
                # An engine is an extension point: what it raises must not silence the coach.
                _LOG.exception("the engine %s failed on '%s'", engine.name, text)
                problems.append(f"{type(error).__name__}: {error}")
                return None
        return None


class Voices:
    """The voice of each language, chosen when it is first needed. Safe to call from several threads."""

    def __init__(
        self,
        preference: str = "auto",
        *,
        voice_dir: Path | None = None,
        cache_dir: Path | None = None,
        language: str = DEFAULT_LANGUAGE,
        on_choice: Callable[[EngineChoice], None] = lambda _: None,
    ) -> None:
        """Choose the voice of `language`, whose rate becomes that of all; `on_choice` hears of every choice.

        Raises:
            UnknownEngineError: no engine is called as `preference`.
        """
        self._preference, self._voice_dir, self._cache_dir = preference, voice_dir, cache_dir
        self._order = engine_order(preference)
        self._on_choice = on_choice
        self._lock = threading.Lock()
        self._voices: dict[str, Voice] = {}
        self._choices: dict[str, EngineChoice] = {}
        self._closed = False
        self.language = primary(language) or DEFAULT_LANGUAGE
        first = choose_engine(preference, voice_dir=voice_dir, language=self.language)
        self.sample_rate = first.engine.sample_rate
        self._add(first)

    @classmethod
    def of_engines(
        cls,
        engines: Sequence[Synthesizer],
        sample_rate: int,
        cache_dir: Path | None = None,
        *,
        clock: Monotonic = time.monotonic,
    ) -> Voices:
        """These engines, best first, and no others, for English; other languages are silent."""
        made = cls("null")
        made.sample_rate = sample_rate
        voice = Voice([PhraseCache(engine, sample_rate, cache_dir) for engine in engines], clock=clock)
        made._voices[made.language] = voice
        made._choices[made.language] = EngineChoice(engines[0], "auto")
        return made

    @property
    def choices(self) -> dict[str, EngineChoice]:
        """What was chosen so far, by language."""
        return dict(self._choices)

    def of(self, language: str = "") -> Voice:
        """The voice of a language; of the first one for what is no language."""
        wanted = primary(language) or self.language
        voice = self._voices.get(wanted)
        if voice is None:
            with self._lock:
                voice = self._voices.get(wanted) or self._add(
                    choose_engine(
                        "null" if self._closed else self._preference,
                        voice_dir=self._voice_dir,
                        language=wanted,
                    )
                )
        return voice

    def close(self) -> None:
        """End all engines."""
        with self._lock:
            self._closed = True
            voices = list(self._voices.values())
        for voice in voices:
            voice.close()

    def _add(self, choice: EngineChoice) -> Voice:
        def more() -> PhraseCache | None:
            opened = {cache.engine.name for cache in voice.caches} | set(choice.unavailable)
            for name in self._order:
                if name in opened or name == "null" or self._closed:
                    continue
                try:
                    return self._cache(open_engine(name, self._voice_dir, choice.language))
                except EngineUnavailableError as error:
                    _LOG.info("%s does not help: %s", name, error)
            return None

        # What does not speak has nothing behind it: it was wanted, or all else was tried.
        speaks = choice.engine.speaks
        voice = Voice([self._cache(choice.engine)], more=more if speaks else lambda: None)
        self._voices[choice.language] = voice
        self._choices[choice.language] = choice
        self._on_choice(choice)
        return voice

    def _cache(self, engine: Synthesizer) -> PhraseCache:
        return PhraseCache(engine, self.sample_rate, self._cache_dir)
