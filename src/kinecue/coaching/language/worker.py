"""The process that the built-in model runs in: ``python -m kinecue.coaching.language.worker FOLDER``.

A line of JSON with a question on standard input, a line of JSON with its answer on standard output:

    {"task": "complete", "prompt": {...}, "seconds": 0.4}            {"text": "...", "work": {...}}
    {"task": "likelihood", "prompt": {...}, "replies": [...], ...}   {"likelihoods": [...], "work": {...}}

or ``{"error": "timeout" | "refused" | "gone", "problem": "..."}``. The first line it writes, before any
question, is ``{"ready": NAME}`` or such an error. It ends when its input ends, or when nothing was asked for
as long as it was told to wait.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from kinecue.body.errors import KineCueError
from kinecue.coaching.language.installation import installed
from kinecue.coaching.language.model import ModelTimeoutError, Prompt

NICENESS = 10
"""Poses, cues and speech come first."""
_READ = 1 << 16

Answer = dict[str, Any]


class _Model(Protocol):
    """What the worker needs of `SmolLM`."""

    @property
    def work(self) -> Any: ...

    def complete(self, prompt: Prompt, deadline: float) -> str: ...

    def likelihood(self, prompt: Prompt, replies: list[str], deadline: float) -> tuple[float, ...]: ...


def answer_to(model: _Model, line: bytes, clock: Callable[[], float] = time.monotonic) -> Answer:
    """The answer to one line; what is wrong with a question is an answer as well."""
    try:
        question = json.loads(line)
        prompt = _prompt(question["prompt"])
        deadline = clock() + float(question["seconds"])
        task = question["task"]
        if task == "complete":
            answer: Answer = {"text": model.complete(prompt, deadline)}
        elif task == "likelihood":
            replies = [str(reply) for reply in question["replies"]]
            answer = {"likelihoods": model.likelihood(prompt, replies, deadline)}
        else:
            return _error("refused", f"task is {task!r}, allowed: complete, likelihood")
    except ModelTimeoutError as error:
        return _error("timeout", str(error))
    except KineCueError as error:
        return _error("refused", str(error))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return _error("refused", f"not a question: {type(error).__name__}: {error}")
    return {**answer, "work": asdict(model.work)}


def _prompt(document: dict[str, Any]) -> Prompt:
    examples = tuple((str(question), str(reply)) for question, reply in document["examples"])
    return Prompt(**{**document, "examples": examples, "stop": tuple(document["stop"])})


def _error(kind: str, problem: str) -> Answer:
    return {"error": kind, "problem": problem}


def _lines(source: int, idle_s: float) -> Iterator[bytes]:
    """Lines from a file descriptor, until it ends or is silent for `idle_s` seconds."""
    pending = b""
    while True:
        readable, _, _ = select.select([source], [], [], idle_s)
        data = os.read(source, _READ) if readable else b""
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        yield from lines


def main() -> None:
    """Answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--idle", type=float, required=True, help="seconds without a question, then it ends")
    arguments = parser.parse_args()
    os.nice(NICENESS)
    # Answers have standard output for themselves: what a library prints goes to standard error.
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        os.dup2(2, 1)

        def tell(answer: Answer) -> None:
            answers.write(json.dumps(answer).encode() + b"\n")

        try:
            found = installed(arguments.folder)
            from kinecue.coaching.language.smollm import SmolLM

            model = SmolLM(arguments.folder, found)
        except (KineCueError, ImportError) as error:
            tell(_error("gone", str(error)))
            return
        tell({"ready": found.name})
        for line in _lines(0, arguments.idle):
            try:
                tell(answer_to(model, line))
            except BrokenPipeError:
                return


if __name__ == "__main__":
    main()
