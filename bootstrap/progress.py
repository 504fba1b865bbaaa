"""What a person sees of a set-up: one line per step, alive on a terminal; everything else is in a log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from bootstrap.diagnosis import explain
from bootstrap.errors import SetupError

HEARTBEAT_S = 0.5
_TAIL_BYTES = 4096


class StepLine:
    """The line `[2/7] what ... done in 12 s` of one step."""

    def __init__(self, number: int, count: int, title: str, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._live = self._stream.isatty()
        self._head = f"[{number}/{count}] {title} ..."
        self._start = time.monotonic()
        self._stream.write(self._head)
        self._stream.flush()

    def beat(self, detail: str = "") -> None:
        """Shows that the step is alive: seconds so far and what it does at the moment (terminals only)."""
        if self._live:
            width = max(20, shutil.get_terminal_size().columns - 1)
            text = f"{self._head} {self.elapsed():.0f} s" + (f"  {detail}" if detail else "")
            self._stream.write(f"\r\x1b[2K{text[:width]}")
            self._stream.flush()

    def end(self, word: str) -> None:
        """Closes the line, for example with `done in 12 s`."""
        self._stream.write(f"\r\x1b[2K{self._head} {word}\n" if self._live else f" {word}\n")
        self._stream.flush()

    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._start


def run_logged(
    command: Sequence[str],
    log: Path,
    line: StepLine,
    what: str,
    environment: Mapping[str, str],
    folder: Path,
) -> None:
    """Runs a command with its output in a log file, appended.

    Raises:
        SetupError: it failed; the message explains what is known about the cause, names the log and shows
        its end.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        begin = output.tell()
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
        try:
            while True:
                try:
                    status = process.wait(HEARTBEAT_S)
                    break
                except subprocess.TimeoutExpired:
                    line.beat(_last_line(log))
        except BaseException:
            _end_group(process)
            raise
    if status != 0:
        with log.open("rb") as written:
            written.seek(begin)
            text = written.read().decode(errors="replace")
        raise SetupError(explain(what, status, text, log))


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(5)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").replace("\r", "\n").splitlines()
    return next((text.strip() for text in reversed(lines) if text.strip()), "")
