"""Renders programmes, several at once in processes of their own."""

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
from threadpoolctl import threadpool_limits

from kinecue.body.errors import KineCueError
from kinecue.cli.machine_truth import cable_forces, machine_digest, machines_at, write_samples
from kinecue.machine.simulated.simulator import CableMachineSimulator
from kinecue.simulation.clip import is_current, write_clip
from kinecue.simulation.gym import Gym
from kinecue.simulation.programmes import Programme
from kinecue.simulation.request import Request
from kinecue.simulation.truth import Tension

_TELL_EVERY_S = 0.2


@dataclass(frozen=True)
class Job:
    """A programme to be rendered.

    Attributes:
        name: by which it is reported; of its own.
        what: the programme, or what asks for one.
        folder: where to.
        kind: of the truth file.
        again: render it even if it is there.
    """

    name: str
    what: Programme | Request
    folder: Path
    kind: str = "json"
    again: bool = False


@dataclass(frozen=True)
class JobProgress:
    """How far one job is; `skipped` if its clips were there already."""

    name: str
    frames_done: int
    frames_total: int
    skipped: bool = False


@dataclass(frozen=True)
class JobEnd:
    """A job is over: the problem that ended it, or the empty text."""

    name: str
    problem: str = ""


Report = Callable[[JobProgress], None]


def render(job: Job, tell: Report) -> None:
    """Render one job in this process.

    Raises:
        KineCueError: it cannot be done.
    """
    programme = job.what.programme() if isinstance(job.what, Request) else job.what
    salt = machine_digest()
    if not job.again and is_current(programme, job.folder, job.kind, salt):
        tell(JobProgress(job.name, 1, 1, skipped=True))
        return
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last > _TELL_EVERY_S:
            last = now
            tell(JobProgress(job.name, done, total))

    performed: list[tuple[Gym, tuple[CableMachineSimulator, ...]]] = []

    def sensors(gym: Gym) -> Tension:
        machines = machines_at(gym)
        performed.append((gym, machines))
        return cable_forces(machines)

    # threads that share such small matrices only wait for each other
    with threadpool_limits(1, user_api="blas"):
        write_clip(programme, job.folder, progress, job.kind, sensors, salt)
    for gym, machines in performed:
        if machines:
            write_samples(gym, machines, job.folder / f"{programme.name}.machine.json")


def render_all(jobs: Sequence[Job], processes: int, tell: Report) -> dict[str, str]:
    """Render jobs; the problem by name of those that could not be done.

    An interruption leaves finished clips and nothing half-written under a clip's name.

    Args:
        jobs: each with a name of its own.
        processes: at most so many at once; 1 renders in this process.
        tell: how far each is.
    """
    problems: dict[str, str] = {}
    missing = [job for job in jobs if not _there(job, tell)]
    if min(processes, len(missing)) > 1:
        return _in_processes(missing, processes, tell)
    for job in missing:
        try:
            render(job, tell)
        except KineCueError as error:
            problems[job.name] = str(error)
    return problems


def _there(job: Job, tell: Report) -> bool:
    """Whether a ready-made programme was rendered before; spares a process to find out."""
    if job.again or isinstance(job.what, Request):
        return False
    if not is_current(job.what, job.folder, job.kind, machine_digest()):
        return False
    tell(JobProgress(job.name, 1, 1, skipped=True))
    return True


def _worker(job: Job, results: ProcessQueue[JobProgress | JobEnd]) -> None:
    cv2.setNumThreads(1)
    # terminated by its parent it leaves as it does on Ctrl-C: with its half-written files removed
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parent = multiprocessing.parent_process()

    def tell(progress: JobProgress) -> None:
        if parent is not None and not parent.is_alive():
            raise KeyboardInterrupt
        results.put(progress)

    try:
        render(job, tell)
        results.put(JobEnd(job.name))
    except KineCueError as error:
        results.put(JobEnd(job.name, str(error)))
    except KeyboardInterrupt:
        results.cancel_join_thread()


def _in_processes(waiting: list[Job], processes: int, tell: Report) -> dict[str, str]:
    # spawned, not forked: the caller may hold threads (rclpy, OpenCV)
    context = multiprocessing.get_context("spawn")
    results: ProcessQueue[JobProgress | JobEnd] = context.Queue()
    running: dict[str, multiprocessing.process.BaseProcess] = {}
    problems: dict[str, str] = {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                job = waiting.pop(0)
                running[job.name] = context.Process(
                    target=_worker, args=(job, results), name=f"render-{job.name}"
                )
                running[job.name].start()
            try:
                message = results.get(timeout=1.0)
            except queue.Empty:
                for name in [n for n, p in running.items() if p.exitcode not in (None, 0)]:
                    running.pop(name).join()
                    problems[name] = f"{name}: the rendering process ended early (out of memory?)"
                continue
            if isinstance(message, JobProgress):
                tell(message)
                continue
            running.pop(message.name).join()
            if message.problem:
                problems[message.name] = message.problem
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.join()
    return problems
