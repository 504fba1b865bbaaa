"""Engines that turn a text into sound, behind one small interface."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from kinecue.speech.audio import Utterance, read_wav
from kinecue.speech.errors import EngineDiedError, EngineTimeoutError, EngineUnavailableError
from kinecue.speech.text import speakable

SENTENCE_TIMEOUT_S = 8.0
# English at the pace of a coach: about 2.6 words, or 15 characters, a second.
CHARACTERS_PER_SECOND = 15.0


@runtime_checkable
class Synthesizer(Protocol):
    """A voice. One thread at a time calls `synthesize`; `close` may come from another."""

    name: str
    voice: str
    version: str
    language: str  # as `language.primary` gives it; empty = any
    sample_rate: int  # Hz, nominal; each utterance carries its own
    speaks: bool  # False where it only stands in for a voice

    @property
    def start_s(self) -> float:
        """How much longer a sentence takes because a process has to be started for it first, s; 0 where none has."""
        ...

    def start(self) -> None:
        """Begin to start what sentences need, without waiting for it."""
        ...

    def synthesize(self, text: str) -> Utterance:
        """Turn the text into sound. Raises `EngineError` or `UnspeakableTextError`."""
        ...

    def close(self) -> None:
        """Give back processes and files; nothing is synthesised afterwards."""
        ...


class NullEngine:
    """No voice: silence as long as the text would take, so that timing and status stay plausible."""

    name = "null"
    voice = "silence"
    version = "1"
    language = ""
    sample_rate = 22050
    speaks = False
    start_s = 0.0

    def start(self) -> None:
        """There is nothing to start."""

    def synthesize(self, text: str) -> Utterance:
        """Silence of the length of the text."""
        line = speakable(text)
        length = round(max(0.3, len(line) / CHARACTERS_PER_SECOND) * self.sample_rate)
        return Utterance(text, np.zeros(length, dtype=np.int16), self.sample_rate)

    def close(self) -> None:
        """Nothing to give back."""


def run_program(
    command: Sequence[str],
    *,
    text: str = "",
    timeout_s: float = SENTENCE_TIMEOUT_S,
    good_status: tuple[int, ...] = (0,),
) -> str:
    """Run a program to its end with `text` on its input; its output is returned.

    Raises:
        EngineTimeoutError: it took longer than `timeout_s` and was killed.
        EngineDiedError: it could not be started, or ended with an error.
    """
    program = Path(command[0]).name
    try:
        finished = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EngineTimeoutError(f"{program} took longer than {timeout_s:g} s") from error
    except OSError as error:
        raise EngineDiedError(f"{program} could not be run: {error}") from error
    if finished.returncode not in good_status:
        words = finished.stderr.decode(errors="replace").strip().splitlines()
        raise EngineDiedError(
            f"{program} ended with status {finished.returncode}" + (f": {words[-1]}" if words else "")
        )
    return finished.stdout.decode(errors="replace")


def find_program(name: str) -> str:
    """Full path of a program.

    Raises:
        EngineUnavailableError: it is not on PATH.
    """
    path = shutil.which(name)
    if path is None:
        raise EngineUnavailableError(
            f"no program '{name}' on PATH (on Debian and Ubuntu: apt install {name})"
        )
    return path


def version_in(output: str) -> str:
    """The first version number in what a program said, or "unknown"."""
    found = re.search(r"\d+(?:\.\d+)+", output)
    return found.group() if found else "unknown"


class FliteEngine:
    """The program `flite` (BSD-like licence): small, quick and clear, one process for each sentence."""

    name = "flite"
    language = "en"
    speaks = True
    sample_rate = 16000
    start_s = 0.0
    # In the order of how well the cues were recognised; the rest of flite's voices follow as they are listed.
    preferred_voices = ("rms", "slt", "awb", "kal16", "kal")

    def __init__(self, voice: str | None = None, *, program: str = "flite") -> None:
        """Use `voice`, else the best that this flite has.

        Raises:
            EngineUnavailableError: no flite here, or it has no such voice.
        """
        self._program = find_program(program)
        try:
            listed = run_program([self._program, "-lv"]).partition(":")[2].split()
            self.version = version_in(run_program([self._program, "--version"], good_status=(0, 1)))
        except (EngineTimeoutError, EngineDiedError) as error:
            raise EngineUnavailableError(str(error)) from error
        ranked = [name for name in self.preferred_voices if name in listed]
        ranked += [name for name in listed if name not in ranked]
        if voice is not None and voice not in ranked:
            raise EngineUnavailableError(f"flite has no voice '{voice}'; it has: {', '.join(ranked)}")
        if not ranked:
            raise EngineUnavailableError("flite has no voice")
        self.voice = voice or ranked[0]

    def start(self) -> None:
        """There is nothing to start: each sentence is a run of its own."""

    def synthesize(self, text: str) -> Utterance:
        """One run of flite."""
        line = speakable(text)
        with tempfile.TemporaryDirectory(prefix="kinecue-flite-") as folder:
            target = Path(folder) / "speech.wav"
            run_program([self._program, "-voice", self.voice, "-t", line, "-o", str(target)])
            return read_wav(target, text)

    def close(self) -> None:
        """Nothing is kept between sentences."""
