"""An engine that stays running: one line of text in, the name of one finished WAV file out."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from kinecue.speech.audio import Utterance, read_wav
from kinecue.speech.engines import CHARACTERS_PER_SECOND
from kinecue.speech.errors import (
    EngineDiedError,
    EngineError,
    EngineOutputError,
    EngineTimeoutError,
)
from kinecue.speech.text import speakable

_WROTE = re.compile(r"\bWrote (.+\.wav)$")
_LONGEST_LINE = 8192
# Speech is prepared while poses are estimated: the engine yields to them.
_NICENESS = 5
# Until it was measured: piper loads its voice in 0.7 s.
EXPECTED_START_S = 1.0
# A program whose output has ended is about to end; on busy cores it may take a moment until it has.
_END_PATIENCE_S = 2.0


class _Process:
    """One life of the engine's program, with a thread that reads what it says."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.last_words: deque[str] = deque(maxlen=3)
        # A session of its own, so that Ctrl-C in the terminal reaches us alone and we end it in order.
        # When we die without that, its input closes and it ends by itself.
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
        try:
            os.setpriority(os.PRIO_PROCESS, self._popen.pid, _NICENESS)
        except OSError:
            self.last_words.append("its priority could not be lowered")
        self._reader = threading.Thread(target=self._read, name="kinecue-voice-reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def _read(self) -> None:
        stream = self._popen.stderr
        if stream is None:  # cannot be: it was asked for
            self.lines.put(None)
            return
        try:
            while data := stream.readline(_LONGEST_LINE):
                line = data.decode(errors="replace").rstrip()
                self.lines.put(line)
                if line:
                    self.last_words.append(line[:200])
        except (OSError, ValueError) as error:
            self.last_words.append(f"its output cannot be read: {error}")
        self.lines.put(None)

    def write(self, line: str) -> None:
        if self._popen.stdin is None:
            raise BrokenPipeError("no input")
        self._popen.stdin.write(line.encode() + b"\n")
        self._popen.stdin.flush()

    def end(self, patience_s: float) -> int:
        """Let it finish, then terminate, then kill; it is reaped in every case. Returns its exit status."""
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError):  # what was not yet written has no reader any more
                self._popen.stdin.close()
        for end in (None, self._popen.terminate, self._popen.kill):
            if end is not None:
                end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(patience_s)
                break
        status = self._popen.wait()
        self._reader.join(1.0)
        if not self._reader.is_alive() and self._popen.stderr is not None:
            self._popen.stderr.close()
        return status


class LineEngine:
    """Runs a program that takes a line on its input and answers ``... Wrote FOLDER/NAME.wav`` on stderr.

    The model is loaded once. A program that dies or stalls costs the sentence in hand and is started anew
    for the next one. Safe to call from several threads; sentences are done one after the other.
    """

    speaks = True

    def __init__(
        self,
        name: str,
        voice: str,
        version: str,
        sample_rate: int,
        command: Sequence[str],
        *,
        language: str = "en",
        environment: Mapping[str, str] | None = None,
        start_timeout_s: float = 20.0,
        sentence_timeout_s: float = 2.0,
        expected_start_s: float = EXPECTED_START_S,
    ) -> None:
        """`command` may hold ``{folder}``, which becomes the folder for its WAV files.

        A sentence may take `sentence_timeout_s`, and as long again as it would take to say it. `expected_start_s` is
        what a start takes, until it was measured.
        """
        self.name, self.voice, self.version, self.sample_rate = name, voice, version, sample_rate
        self.language, self._usual_start_s = language, expected_start_s
        self._started = float("-inf")
        self._folder = Path(tempfile.mkdtemp(prefix="kinecue-voice-"))
        self._remove_folder = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._command = [part.replace("{folder}", str(self._folder)) for part in command]
        self._environment = dict(os.environ if environment is None else environment)
        self._start_timeout_s, self._sentence_timeout_s = start_timeout_s, sentence_timeout_s
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._proven = False
        self._closed = False
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Process id of the running program, or None where none runs."""
        process = self._process
        return process.pid if process is not None and process.alive else None

    @property
    def start_s(self) -> float:
        """What is left of the start, s: 0 while the program runs, all of it where it does not."""
        if self.pid is None:
            return self._usual_start_s
        return 0.0 if self._proven else max(0.0, self._started + self._usual_start_s - time.monotonic())

    def start(self) -> None:
        """Start the program if it does not run. One that cannot be started is told with the next sentence."""
        if self._lock.acquire(blocking=False):  # else a sentence is in work, which starts it as well
            try:
                if not self._closed:
                    with contextlib.suppress(EngineDiedError):
                        self._running()
            finally:
                self._lock.release()

    def synthesize(self, text: str) -> Utterance:
        """One sentence; the first of a process may take `start_timeout_s` more."""
        line = speakable(text)
        with self._lock:
            if self._closed:
                raise EngineDiedError(f"{self.name} is closed")
            asked = time.monotonic()
            process = self._running()
            limit_s = self._sentence_timeout_s + len(line) / CHARACTERS_PER_SECOND
            limit_s += 0.0 if self._proven else self._start_timeout_s
            begun = time.monotonic()
            try:
                process.write(line)
                path = self._answer(process, begun + limit_s, limit_s)
                if not self._proven:
                    self._proven = True
                    if self._started >= asked:
                        self._usual_start_s = time.monotonic() - self._started
                return self._take(path, text)
            except BrokenPipeError as error:
                raise self._dead(process) from error
            except EngineTimeoutError:
                self._end(0.0)
                raise

    def close(self) -> None:
        """End the program (within about a second) and remove its files. May be called twice."""
        self._closed = True
        if not self._lock.acquire(timeout=0.5):
            # A sentence is in work in another thread: ending the program ends that wait as well.
            process = self._process
            if process is not None:
                process.end(0.3)
            self._lock.acquire()
        try:
            self._end(0.5)
            self._remove_folder()
        finally:
            self._lock.release()

    def _running(self) -> _Process:
        if self._process is not None and not self._process.alive:
            self._end(0.0)
        if self._process is None:
            try:
                self._process = _Process(self._command, self._environment, self._folder)
            except OSError as error:
                raise EngineDiedError(f"{self.name} could not be started: {error}") from error
            self._proven, self._started = False, time.monotonic()
            self.starts += 1
        return self._process

    def _answer(self, process: _Process, deadline: float, limit_s: float) -> Path:
        while True:
            try:
                line = process.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty as error:
                raise EngineTimeoutError(
                    f"{self.name} took longer than {limit_s:.1f} s and was stopped"
                ) from error
            if line is None:
                raise self._dead(process)
            if found := _WROTE.search(line):
                return Path(found.group(1))

    def _take(self, path: Path, text: str) -> Utterance:
        path = self._folder / path
        try:
            if path.resolve().parent != self._folder.resolve():
                raise EngineOutputError(f"{self.name} wrote to '{path}', outside its folder")
            return read_wav(path, text)
        except EngineError:
            # What else it would say belongs to this sentence: a fresh process cannot mix up the next one.
            self._end(0.0)
            raise
        finally:
            if path.parent == self._folder:
                path.unlink(missing_ok=True)

    def _dead(self, process: _Process) -> EngineDiedError:
        status = process.end(_END_PATIENCE_S)
        words = next((words for words in reversed(process.last_words)), "")
        self._process = None
        return EngineDiedError(
            f"{self.name} ended (status {status}) in the middle of a sentence. {words}".strip()
        )

    def _end(self, patience_s: float) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end(patience_s)
