"""Phrases that were synthesised before they are needed, in memory and on disk."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from kinecue.speech.audio import Utterance, make_ready, read_wav, resample, write_wav
from kinecue.speech.engines import Synthesizer
from kinecue.speech.errors import EngineOutputError
from kinecue.speech.text import speakable

_LOG = logging.getLogger(__name__)

# Part of the key: raise it when `make_ready` changes what it does to the sound.
PROCESSING = 1
# 2,000 phrases of 2 s are 180 MB on disk; what was not used for longest goes first. A book has some 400 in each language.
LARGEST_ON_DISK = 2000
LARGEST_IN_MEMORY = 500


class PhraseCache:
    """Ready-to-play sound by text, for one engine. Safe to call from several threads."""

    def __init__(self, engine: Synthesizer, sample_rate: int, folder: Path | None = None) -> None:
        """Keep sound at `sample_rate` (Hz) in memory, and on disk in `folder` unless that is None.

        A folder that cannot be written is a warning in the log, no error: memory suffices to speak.
        """
        self.engine = engine
        self.sample_rate = sample_rate
        self._folder = folder
        self._ready: OrderedDict[str, Utterance] = OrderedDict()
        self._lock = threading.Lock()
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._prune(folder)
            except OSError as error:
                _LOG.warning("phrases are not kept on disk: %s", error)
                self._folder = None

    def key(self, text: str) -> str:
        """Name of the phrase for this engine, voice, version, rate and processing."""
        parts = [
            self.engine.name,
            self.engine.voice,
            self.engine.version,
            self.sample_rate,
            PROCESSING,
            speakable(text),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]

    def get(self, text: str) -> Utterance | None:
        """The phrase if it is in memory or on disk, else None. Raises `UnspeakableTextError`."""
        key = self.key(text)
        with self._lock:
            if key in self._ready:
                self._ready.move_to_end(key)
                return self._ready[key]
        found = self._load(key, text)
        if found is not None:
            self._remember(key, found)
        return found

    def make(self, text: str) -> Utterance:
        """The phrase, synthesised now unless it is there. Raises `EngineError` or `UnspeakableTextError`."""
        found = self.get(text)
        if found is not None:
            return found
        sound = self.engine.synthesize(text)
        made = resample(make_ready(sound) if self.engine.speaks else sound, self.sample_rate)
        made = replace(made, engine=self.engine.name)
        key = self.key(text)
        self._remember(key, made)
        if self.engine.speaks:
            self._store(key, made)
        return made

    def _remember(self, key: str, utterance: Utterance) -> None:
        with self._lock:
            self._ready[key] = utterance
            self._ready.move_to_end(key)
            while len(self._ready) > LARGEST_IN_MEMORY:
                self._ready.popitem(last=False)

    def _load(self, key: str, text: str) -> Utterance | None:
        if self._folder is None:
            return None
        path = self._folder / f"{key}.wav"
        if not path.exists():
            return None
        try:
            found = read_wav(path, text)
            if found.sample_rate != self.sample_rate:
                raise EngineOutputError(f"rate {found.sample_rate} Hz")
            os.utime(path)
        except (EngineOutputError, OSError) as error:
            _LOG.warning("%s is damaged and is made anew: %s", path, error)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return replace(found, engine=self.engine.name)

    def _store(self, key: str, utterance: Utterance) -> None:
        if self._folder is None:
            return
        temporary: Path | None = None
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
                temporary = Path(file.name)
                write_wav(file, utterance)
            temporary.replace(self._folder / f"{key}.wav")
        except OSError as error:
            _LOG.warning("the phrase '%s' is not kept on disk: %s", utterance.text, error)
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink()

    @staticmethod
    def _prune(folder: Path) -> None:
        """Remove the phrases beyond the limit, and what an interrupted write left more than a day ago."""
        phrases = sorted(folder.glob("*.wav"), key=lambda path: path.stat().st_mtime, reverse=True)
        newest = phrases[0].stat().st_mtime if phrases else 0.0
        abandoned = [path for path in folder.glob("*.part") if path.stat().st_mtime < newest - 86400.0]
        for path in [*phrases[LARGEST_ON_DISK:], *abandoned]:
            path.unlink(missing_ok=True)
