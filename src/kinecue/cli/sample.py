"""Makes the sample clips (`kinecue sample`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kinecue.body.paths import data_dir
from kinecue.cli.rendering import Job, JobProgress, Report, render_all
from kinecue.simulation.clip import ClipError
from kinecue.simulation.programmes import PROGRAMMES

PROCESSES = 2
"""At most so many clips are rendered at once."""

SampleProgress = JobProgress


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
    folder = samples_dir()
    jobs = [Job(name, PROGRAMMES[name], folder) for name in dict.fromkeys(names)]
    problems = render_all(jobs, PROCESSES, report or (lambda progress: None))
    if problems:
        raise ClipError("; ".join(problems.values()))
    return [folder / f"{name}.mp4" for name in names]
