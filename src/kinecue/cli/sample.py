"""Makes the sample clips (`kinecue sample`)."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue as ProcessQueue
from pathlib import Path

import cv2

from kinecue.body.paths import data_dir
from kinecue.simulation.clip import ClipError, is_current, write_clip
from kinecue.simulation.programmes import PROGRAMMES

PROCESSES = 2
"""At most so many clips are rendered at once."""


@dataclass(frozen=True)
class SampleProgress:
    """How far one clip is; `skipped` if it was there already."""

    name: str
    frames_done: int
    frames_total: int
    skipped: bool = False


Report = Callable[[SampleProgress], None]


def samples_dir() -> Path:
    """Where the sample clips are kept."""
    return data_dir() / "samples"


def make_samples(names: Sequence[str], report: Report | None = None) -> list[Path]:
    """Render the named sample clips that are not there yet; returns all videos in the order of `names`.

    Several clips are rendered in up to two processes. An interruption leaves finished clips and nothing
    half-written under a clip's name.

    Raises:
        ClipError: a name is unknown, or a clip could not be written.
    """
    unknown = [name for name in names if name not in PROGRAMMES]
    if unknown:
        raise ClipError(f"sample: {', '.join(unknown)} is not one of {', '.join(PROGRAMMES)}")
    tell = report or (lambda progress: None)
    folder = samples_dir()
    missing = []
    for name in dict.fromkeys(names):
        if is_current(PROGRAMMES[name], folder):
            tell(SampleProgress(name, 1, 1, skipped=True))
        else:
            missing.append(name)
    if len(missing) == 1:
        _render(missing[0], folder, tell)
    elif missing:
        _render_in_processes(missing, folder, tell)
    return [folder / f"{name}.mp4" for name in names]


def _render(name: str, folder: Path, tell: Report) -> None:
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last > 0.2:
            last = now
            tell(SampleProgress(name, done, total))

    write_clip(PROGRAMMES[name], folder, progress)


def _worker(name: str, folder: Path, results: ProcessQueue[SampleProgress | tuple[str, str]]) -> None:
    cv2.setNumThreads(1)
    # terminated by its parent it leaves as it does on Ctrl-C: with its half-written files removed
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parent = multiprocessing.parent_process()

    def tell(progress: SampleProgress) -> None:
        if parent is not None and not parent.is_alive():
            raise KeyboardInterrupt
        results.put(progress)

    try:
        _render(name, folder, tell)
        results.put((name, ""))
    except ClipError as error:
        results.put((name, str(error)))
    except KeyboardInterrupt:
        results.cancel_join_thread()


def _render_in_processes(names: list[str], folder: Path, tell: Report) -> None:
    # spawned, not forked: the caller may hold threads (rclpy, OpenCV)
    context = multiprocessing.get_context("spawn")
    results: ProcessQueue[SampleProgress | tuple[str, str]] = context.Queue()
    waiting = list(names)
    running: dict[str, multiprocessing.process.BaseProcess] = {}
    try:
        while waiting or running:
            while waiting and len(running) < PROCESSES:
                name = waiting.pop(0)
                running[name] = context.Process(
                    target=_worker, args=(name, folder, results), name=f"sample-{name}"
                )
                running[name].start()
            try:
                message = results.get(timeout=1.0)
            except queue.Empty:
                dead = [n for n, p in running.items() if p.exitcode not in (None, 0)]
                if dead:
                    raise ClipError(
                        f"sample {dead[0]}: the rendering process ended early (out of memory?)"
                    ) from None
                continue
            if isinstance(message, SampleProgress):
                tell(message)
                continue
            name, problem = message
            running.pop(name).join()
            if problem:
                raise ClipError(problem)
    finally:
        for process in running.values():
            process.terminate()
            process.join()
