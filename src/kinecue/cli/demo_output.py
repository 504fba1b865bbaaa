"""What the demo leaves behind: video, sound, plot, and the report with every cue's way."""

from __future__ import annotations

import json
import os
import platform
import statistics
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kinecue.body.errors import KineCueError
from kinecue.coaching.recorded_file import to_document
from kinecue.display import plot_set
from kinecue.exercise import RepetitionStatus, find_exercise
from kinecue.nodes.session_log import SessionLog


class VideoWriter:
    """Overlay pictures to an MP4 at a constant rate: a picture that was skipped repeats the one before."""

    def __init__(self, path: Path, rate: float) -> None:
        self._path, self._rate = path, rate
        self._partial = path.with_name(f".{path.stem}.partial{path.suffix}")
        self._writer: cv2.VideoWriter | None = None
        self._first_ns = 0
        self._last: NDArray[np.uint8] | None = None
        self.frames = 0

    def __call__(self, picture: NDArray[np.uint8], stamp_ns: int) -> None:
        if self._writer is None:
            size = (picture.shape[1], picture.shape[0])
            self._writer = cv2.VideoWriter(
                str(self._partial), cv2.VideoWriter_fourcc(*"mp4v"), self._rate, size
            )
            if not self._writer.isOpened():
                raise KineCueError(f"{self._path}: OpenCV cannot write an MP4 file there")
            self._first_ns = stamp_ns
        due = round((stamp_ns - self._first_ns) * 1e-9 * self._rate)
        while self._last is not None and self.frames < due:
            self._write(self._last)
        self._write(picture)
        self._last = picture

    def _write(self, picture: NDArray[np.uint8]) -> None:
        if self._writer is not None:
            self._writer.write(picture)
            self.frames += 1

    def close(self) -> None:
        """Finishes the file and puts it in its place."""
        if self._writer is not None:
            self._writer.release()
            self._partial.replace(self._path)
        self._writer = None


def start_with_the_picture(path: Path, wav_zero_ns: int | None, start_ns: int) -> int | None:
    """Cuts what was recorded before the first frame, so that sound and video begin together; the new time zero."""
    if not path.is_file() or wav_zero_ns is None or start_ns <= wav_zero_ns:
        return wav_zero_ns
    partial = path.with_name(f".{path.stem}.partial.wav")
    with wave.open(str(path), "rb") as old, wave.open(str(partial), "wb") as new:
        new.setparams(old.getparams())
        skipped = min(round((start_ns - wav_zero_ns) * 1e-9 * old.getframerate()), old.getnframes())
        old.setpos(skipped)
        new.writeframes(old.readframes(old.getnframes() - skipped))
        zero = wav_zero_ns + round(skipped / old.getframerate() * 1e9)
    partial.replace(path)
    return zero


@dataclass
class Run:
    """Figures of a run.

    Attributes:
        wall_s, cpu_s: from the first frame to the last.
        frames, overwritten: captured, and of these skipped because the graph was busy.
        processing_ms: of each frame's bodies.
    """

    wall_s: float
    cpu_s: float
    frames: int
    overwritten: int
    processing_ms: list[float]


def percentiles(values: list[float]) -> dict[str, float | None]:
    """Median and 99th percentile."""
    if not values:
        return {"median": None, "p99": None}
    return {"median": round(statistics.median(values), 2), "p99": round(float(np.percentile(values, 99)), 2)}


def write_report(
    console: Console,
    source: str,
    exercise: str,
    log: SessionLog,
    run: Run,
    wav_zero_ns: int | None,
    paths: dict[str, Path],
) -> int:
    """Writes cues.json and the plot, shows the summary; the exit status: 0 if repetitions were counted and a cue spoken.

    Args:
        console: where the summary goes.
        source: what was watched, as told in the report.
        exercise: name of its file.
        log: what the graph said.
        run: figures of the run.
        wav_zero_ns: time of the WAV's first sample, ns; None if there is none.
        paths: of what is written, by file name.
    """
    session = log.session
    cues = log.cue_records(wav_zero_ns)
    spoken = [cue for cue in cues if cue["status"] == "spoken"]
    counted = sum(r.status == RepetitionStatus.VALID for r in session.repetitions)
    document = {
        "exercise": exercise,
        "source": source,
        "start_stamp_ns": session.start_ns,
        "wav_start_s": (wav_zero_ns - session.start_ns) * 1e-9 if wav_zero_ns and session.start_ns else None,
        "repetitions": {
            "counted": counted,
            "not_counted": [
                r.status.name.lower() for r in session.repetitions if r.status != RepetitionStatus.VALID
            ],
        },
        "cues": cues,
        "faults": [log.fault_record(fault) for fault in session.faults],
        "decisions": [
            {"outcome": ("spoken", "held", "dropped")[d.outcome], "subject": d.subject, "reason": d.reason}
            for d in session.decisions
        ],
        "set": to_document(log.recorded_set(source, exercise)),
        "latency_ms": {
            "frame_to_cue": percentiles([c["frame_to_cue_ms"] for c in cues if c["kind"] != "summary"]),
            "cue_to_sample": percentiles(
                [c["cue_to_sample_ms"] for c in cues if c["cue_to_sample_ms"] is not None]
            ),
            "frame_to_body": percentiles(run.processing_ms),
        },
        "frames": {
            "captured": run.frames,
            "processed": len(session.stamps),
            "overwritten": run.overwritten,
            "per_second": round(len(session.stamps) / run.wall_s, 2) if run.wall_s > 0 else 0.0,
        },
        "cpu_share": round(run.cpu_s / run.wall_s / (os.cpu_count() or 1), 3) if run.wall_s > 0 else None,
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
    }
    _write_json(paths["cues.json"], document)
    if session.traces:
        told = [(c["first_sample_time_s"], c["text"]) for c in cues if c["first_sample_time_s"] is not None]
        shown = _main_traces(log, exercise)
        title = f"{exercise.replace('_', ' ')}: {counted} repetitions, {len(session.faults)} faults, {len(spoken)} cues"
        plot_set(
            paths["angles.png"],
            shown,
            session.d,
            session.repetitions,
            session.faults,
            told,
            session.start_ns,
            title,
        )
    _summary(console, document, counted, spoken, paths)
    if counted and spoken:
        return 0
    missing = [
        word
        for word, there in (("no repetition was counted", counted), ("no cue was spoken", spoken))
        if not there
    ]
    console.print(Text(f"{' and '.join(missing)}: exit status 1", style="yellow"))
    return 1


def _main_traces(log: SessionLog, exercise: str) -> dict[str, Any]:
    """What the exercise's progress and faults look at; everything would be unreadable."""
    model = find_exercise(exercise)
    wanted = {fault.feature for fault in model.faults.values()}
    if model.progress is not None:
        wanted.add(model.progress.feature)
    return {
        name: trace
        for name, trace in log.session.traces.items()
        if name.removesuffix(" left").removesuffix(" right") in wanted
    }


def _write_json(path: Path, document: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def _summary(
    console: Console, document: dict[str, Any], counted: int, spoken: list[Any], paths: dict[str, Path]
) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))

    def both(values: dict[str, float | None]) -> str:
        return (
            "-"
            if values["median"] is None
            else f"median {values['median']:.0f} ms, p99 {values['p99']:.0f} ms"
        )

    latency, frames = document["latency_ms"], document["frames"]
    table.add_row("repetitions", str(counted))
    table.add_row(
        "said", "; ".join(f'{c["first_sample_time_s"]:.1f} s "{c["text"]}"' for c in spoken) or "nothing"
    )
    table.add_row("frame to cue", both(latency["frame_to_cue"]))
    table.add_row("cue to first sample", both(latency["cue_to_sample"]))
    table.add_row(
        "frames",
        f"{frames['processed']} of {frames['captured']} processed, {frames['per_second']:.1f} per second",
    )
    if document["cpu_share"] is not None:
        table.add_row(
            "processor", f"{100 * document['cpu_share']:.0f} % of {document['machine']['cores']} cores"
        )
    table.add_row("written", ", ".join(str(path) for path in paths.values() if path.exists()))
    console.print()
    console.print(table)
