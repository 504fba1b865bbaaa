"""The built-in language model as the coach sees it: a process that is there when wanted and cannot hang it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from kinecue.coaching.language.installation import NAME, language_folder
from kinecue.coaching.language.model import ModelError, ModelGoneError, ModelTimeoutError, Prompt

_ENVIRONMENT = {
    # One thread each, or a word takes seconds while poses are estimated.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # What loading and reading took goes back to the system: 310 MB instead of 390 (glibc, mallopt(3)).
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "MALLOC_ARENA_MAX": "1",
}
_START_S = 30.0
"""Longest loading; about 1 s on an idle machine."""
_PAUSE_S = 30.0
"""After a start that failed, questions are refused for this long instead of starting again and again."""
_EXIT_S = 0.5
"""Between the end of the process's output and the end of the process."""
_LONGEST_S = 3600.0
"""A deadline later than that is that."""
_LONGEST_QUESTION = 60_000
"""Bytes; less than a pipe holds, so that writing it never waits. The model reads 1024 tokens, some 4000."""
_READ = 1 << 16


class _Worker:
    """One life of the process."""

    def __init__(self, command: Sequence[str], folder: Path, clock: Callable[[], float]) -> None:
        self.started = clock()
        self.ready = False
        self._pending = b""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        try:
            # A session of its own: Ctrl-C in the terminal ends us, and then its input ends.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, **_ENVIRONMENT},
                cwd=folder if folder.is_dir() else None,
                start_new_session=True,
                bufsize=0,
            )
        except OSError:
            self._errors.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, question: bytes) -> None:
        if self._process.stdin is None:
            raise BrokenPipeError("no input")
        self._process.stdin.write(question + b"\n")

    def line(self, seconds: float) -> bytes | None:
        """Its next line, empty if it has ended; None after `seconds`."""
        stream = self._process.stdout
        if stream is None:
            return b""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._pending:
            readable, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                return None
            data = os.read(stream.fileno(), _READ)
            if not data:
                return b""
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def kill(self) -> None:
        self._process.kill()

    def end(self, patience_s: float = 0.0) -> str:
        """Reap it, killed if it still runs after `patience_s`; how it ended, for a person."""
        stopped = False
        try:
            status = self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            stopped = True
            self._process.kill()
            status = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._errors.seek(0)
        said = self._errors.read()[-2000:].decode(errors="replace").strip().splitlines()
        self._errors.close()
        last = f": {said[-1][:300]}" if said else ""
        return "it was stopped" if stopped else f"it ended with status {status}{last}"


class BuiltinModel:
    """SmolLM2-135M in a process of its own, with one thread and low priority.

    The process is started by the first question (or `start`), killed when it misses a deadline, started again
    by the next question, and ends by itself when nothing is asked for a while. Safe to call from several
    threads; questions are answered one after the other.
    """

    name = f"{NAME} (built in)"

    def __init__(
        self,
        folder: Path | None = None,
        *,
        idle_s: float = 300.0,
        command: Sequence[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is started yet.

        Args:
            folder: of the installed model, `language_folder()` by default; need not exist.
            idle_s: seconds without a question after which the process ends; infinity: never.
            command: what to run instead of the worker.
            clock: seconds that only grow.
        """
        self.folder = folder or language_folder()
        waits = min(idle_s, 1e6)  # select() takes no infinity
        own = [sys.executable, "-m", "kinecue.coaching.language.worker", str(self.folder.resolve())]
        self._command = list(command) if command is not None else [*own, "--idle", f"{waits:g}"]
        self._clock = clock
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._closed = False
        self._refusing: tuple[float, str] = (float("-inf"), "")
        self.starts = 0
        self.work: Mapping[str, float] = {}
        """What the last reply took: the fields of `smollm.Work`."""

    @property
    def pid(self) -> int | None:
        """Process id of the worker, None where none was started."""
        worker = self._worker
        return worker.pid if worker is not None else None

    def start(self) -> None:
        """Begin loading without waiting for it, so that the first reply comes sooner.

        Raises:
            ModelGoneError: closed, or the process cannot be started.
        """
        with self._lock:
            self._running()

    def complete(self, prompt: Prompt, deadline_s: float) -> str:
        """See `LanguageModel`. The time for loading counts; a model that is still loading goes on doing so."""
        answer = self._answer({"task": "complete", "prompt": asdict(prompt)}, deadline_s)
        text = answer.get("text")
        if not isinstance(text, str):
            raise ModelError(f"{self.name} gave an answer without a text")
        return text

    def likelihood(
        self, prompt: Prompt, replies: Sequence[str], deadline_s: float
    ) -> tuple[float, ...] | None:
        """See `LanguageModel`."""
        question = {"task": "likelihood", "prompt": asdict(prompt), "replies": list(replies)}
        values = self._answer(question, deadline_s).get("likelihoods")
        if not isinstance(values, list) or len(values) != len(replies):
            raise ModelError(f"{self.name} did not judge every reply")
        return tuple(float(value) for value in values)

    def close(self) -> None:
        """End the process at once, also while another thread waits for a reply, which then raises."""
        self._closed = True
        worker = self._worker
        if worker is not None:
            worker.kill()
        with self._lock:
            self._end()

    def _answer(self, question: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        deadline_s = min(deadline_s, _LONGEST_S)
        deadline = self._clock() + deadline_s
        if not self._lock.acquire(timeout=max(0.0, deadline_s)):
            raise ModelTimeoutError(f"{self.name} is busy with another question")
        try:
            answer = self._exchange(question, deadline, deadline_s)
            if answer is None:  # it had just ended because nothing was asked
                answer = self._exchange(question, deadline, deadline_s)
            if answer is None:
                raise self._lost("it ended as soon as it was asked")
        finally:
            self._lock.release()
        self.work = answer.get("work", {})
        return _checked(answer, self.name)

    def _exchange(
        self, question: dict[str, Any], deadline: float, deadline_s: float
    ) -> dict[str, Any] | None:
        """The answer; None if the process has ended in order before it was asked."""
        worker = self._running()
        self._await_ready(worker, deadline)
        left = deadline - self._clock()
        # It stops by itself a little earlier, which keeps what it has read; killing is for when it does not.
        line = json.dumps({**question, "seconds": left - min(0.1, 0.2 * left)}).encode()
        if len(line) > _LONGEST_QUESTION:
            raise ModelError(f"the question has {len(line)} bytes, allowed: {_LONGEST_QUESTION}")
        try:
            worker.ask(line)
            answer = worker.line(deadline - self._clock())
        except OSError:
            answer = b""
        if answer is None:
            self._end()
            raise ModelTimeoutError(f"{self.name} took longer than {deadline_s:g} s and was stopped")
        if not answer:
            how = self._end(_EXIT_S)
            if how == _IDLE_END and not self._closed:
                return None
            raise self._lost(how)
        return self._decoded(answer)

    def _running(self) -> _Worker:
        if self._closed:
            raise ModelGoneError(f"{self.name} is closed")
        until, problem = self._refusing
        if self._clock() < until:
            raise ModelGoneError(problem)
        if self._worker is None:
            try:
                self._worker = _Worker(self._command, self.folder, self._clock)
            except OSError as error:
                raise self._refuse(f"{self.name} could not be started: {error}") from error
            self.starts += 1
        return self._worker

    def _await_ready(self, worker: _Worker, deadline: float) -> None:
        if worker.ready:
            return
        try:
            line = worker.line(deadline - self._clock())
        except OSError:
            line = b""
        if line is None:
            if self._clock() - worker.started > _START_S:
                self._end()
                raise self._refuse(f"{self.name} was not loaded within {_START_S:g} s and was stopped")
            raise ModelTimeoutError(f"{self.name} is still loading")
        if not line:
            raise self._refuse(f"{self.name} could not be started: {self._end(_EXIT_S)}")
        document = self._decoded(line)
        if "ready" not in document:
            self._end()
            raise self._refuse(f"{self.name}: {document.get('problem', 'it cannot be used')}")
        worker.ready = True

    def _decoded(self, line: bytes) -> dict[str, Any]:
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            self._end()
            raise ModelError(f"{self.name} answered something else than JSON and was stopped")
        return document

    def _refuse(self, problem: str) -> ModelGoneError:
        if self._closed:
            return ModelGoneError(f"{self.name} is closed")
        self._refusing = (self._clock() + _PAUSE_S, problem)
        return ModelGoneError(problem)

    def _lost(self, how: str) -> ModelGoneError:
        return ModelGoneError(f"{self.name} is closed" if self._closed else f"{self.name} died: {how}")

    def _end(self, patience_s: float = 0.0) -> str:
        worker, self._worker = self._worker, None
        return worker.end(patience_s) if worker is not None else "it was stopped"


_IDLE_END = "it ended with status 0"


def _checked(answer: dict[str, Any], name: str) -> dict[str, Any]:
    kind, problem = answer.get("error"), f"{name}: {answer.get('problem', 'no reason given')}"
    if kind == "timeout":
        raise ModelTimeoutError(problem)
    if kind is not None:
        raise ModelError(problem)
    return answer
