"""A second process for nodes that no cue waits for, so that they do not hold up those that lead to one.

Threads of one Python process take turns; a second core helps only another process. `Aside` is the side of the
composed graph: it starts the process, hands over the parameters, and starts it again should it end. The process
(`python -m kinecue.nodes.aside`) reads requests from its standard input, a JSON object a line, answers each with a
line, and ends with its input, so that it never outlives the graph.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

import rclpy
from rclpy.parameter import Parameter

from kinecue.body.errors import KineCueError
from kinecue.nodes.base import (
    KineCueNode,
    Spinner,
    init,
    limit_threads,
    shutdown,
    start_nodes,
)

NODES = ("machine", "training", "loads")
"""Its nodes."""
_POLITE = ("training", "loads")
"""Those that work through what came, when there is time; a machine's samples are stamped on arrival."""
_PATIENCE_S = 60.0
_END_S = 5.0
_AGAIN_S = (1.0, 30.0)
"""First and longest pause before a process that ended is started again."""


class Aside:
    """The nodes of the second process, as the composed graph sees them.

    Args:
        parameters: node name -> parameter -> value.
        namespace: of all nodes.
        arguments: ROS arguments of the command line.
    """

    def __init__(
        self,
        parameters: Mapping[str, Mapping[str, Any]],
        namespace: str,
        arguments: Sequence[str],
    ) -> None:
        self._command = [sys.executable, "-m", "kinecue.nodes.aside", *arguments]
        self._greeting = {
            "parameters": {name: dict(values) for name, values in parameters.items()},
            "namespace": namespace,
            "log_level": int(rclpy.logging.get_logger_effective_level("")),
        }
        self._log = rclpy.logging.get_logger("kinecue.aside")
        self._lock = threading.Lock()
        self._started: dict[str, None] = {}
        self._closing = threading.Event()
        self._ready = False
        self._process, self._answers = self._launched()
        self._watcher = threading.Thread(target=self._watch, name="aside", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._process.pid

    def wait(self) -> None:
        """Until its nodes exist; the process starts while the graph makes its own.

        Raises:
            KineCueError: a parameter is wrong, or the process ended.
        """
        answer = self._answer(self._answers)
        if "error" in answer:
            raise KineCueError(answer["error"])
        self._ready = True

    def start(self, names: Sequence[str]) -> list[str]:
        """Configures and activates those of its nodes that start themselves; returns those that could not."""
        if not names:
            return []
        self._started.update(dict.fromkeys(names))
        with self._lock:
            return self._start(names)

    def close(self) -> None:
        """Ends the process."""
        self._closing.set()
        _end(self._process)
        self._watcher.join(_END_S)

    def _start(self, names: Sequence[str]) -> list[str]:
        try:
            _say(self._process.stdin, {"start": list(names)})
            return [str(name) for name in self._answer(self._answers)["failed"]]
        except (KineCueError, OSError, KeyError):
            return list(names)

    def _launched(self) -> tuple[subprocess.Popen[str], queue.SimpleQueue[str]]:
        process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(process, answers), name="aside-answers", daemon=True).start()
        with contextlib.suppress(OSError):
            _say(process.stdin, self._greeting)
        return process, answers

    def _answer(self, answers: queue.SimpleQueue[str]) -> dict[str, Any]:
        try:
            line = answers.get(timeout=_PATIENCE_S)
        except queue.Empty:
            raise KineCueError(f"the process of {', '.join(NODES)} does not answer") from None
        if not line:
            raise KineCueError(f"the process of {', '.join(NODES)} ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _watch(self) -> None:
        """A process that ends is started again, and its nodes with it."""
        pause = _AGAIN_S[0]
        while True:
            begun = time.monotonic()
            code = self._process.wait()
            if self._closing.is_set() or not self._ready:
                return
            self._log.error(
                f"the process of {', '.join(NODES)} ended with {code}; it starts again in {pause:.0f} s"
            )
            if self._closing.wait(pause):
                return
            # one that lasted is no endless loop of failures
            lasted = time.monotonic() - begun > 2 * _AGAIN_S[1]
            pause = _AGAIN_S[0] if lasted else min(2 * pause, _AGAIN_S[1])
            with self._lock:
                _end(self._process)
                self._process, self._answers = self._launched()
                if self._closing.is_set():
                    _end(self._process)
                    return
                with contextlib.suppress(KineCueError):
                    self._answer(self._answers)
                    self._start(list(self._started))


def _say(stream: IO[str] | None, message: Mapping[str, Any]) -> None:
    assert stream is not None
    stream.write(json.dumps(message) + "\n")
    stream.flush()


def _read(process: subprocess.Popen[str], answers: queue.SimpleQueue[str]) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        for line in stream:
            answers.put(line)
    answers.put("")


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# -- the process


def _made(greeting: Mapping[str, Any]) -> list[KineCueNode]:
    from kinecue.nodes.loads import LoadsNode
    from kinecue.nodes.machine import MachineNode
    from kinecue.nodes.training import TrainingNode

    made: list[KineCueNode] = []
    try:
        for name, factory in zip(NODES, (MachineNode, TrainingNode, LoadsNode), strict=True):
            given = greeting["parameters"].get(name, {})
            overrides = [Parameter(key, value=value) for key, value in given.items()]
            made.append(factory(namespace=greeting["namespace"] or None, parameter_overrides=overrides))
    except Exception:
        for node in made:
            node.destroy_node()
        raise
    return made


def _serve(requests: IO[str], answers: IO[str], greeting: Mapping[str, Any]) -> int:
    try:
        nodes = _made(greeting)
    except KineCueError as error:
        _say(answers, {"error": str(error)})
        return 2
    spinners = [Spinner(node, polite=node.get_name() in _POLITE) for node in nodes]
    try:
        for spinner in spinners:
            spinner.start()
        _say(answers, {"ready": [node.get_name() for node in nodes]})
        for line in requests:
            _say(answers, {"failed": start_nodes(nodes, json.loads(line)["start"])})
    finally:
        for node in reversed(nodes):
            node.close()
        for spinner in spinners:
            spinner.stop()
        for node in reversed(nodes):
            node.destroy_node()
    return 0


def main() -> int:
    """The process; ROS arguments as of any node."""
    # the graph ends it by closing its input; an interrupt from the terminal is the graph's to answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anything prints is not an answer
    limit_threads()
    greeting = json.loads(sys.stdin.readline() or "null")
    if greeting is None:
        return 2
    init(None)
    try:
        rclpy.logging.set_logger_level("", rclpy.logging.LoggingSeverity(greeting["log_level"]))
        return _serve(sys.stdin, answers, greeting)
    finally:
        shutdown()


if __name__ == "__main__":
    sys.exit(main())
