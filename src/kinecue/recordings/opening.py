"""Any recording without pixels by its name and content."""

from __future__ import annotations

from pathlib import Path

from kinecue.body.errors import ConfigError
from kinecue.body.trc import load_trc
from kinecue.recordings.amc import read_amc
from kinecue.recordings.arrays import read_arrays
from kinecue.recordings.documents import read_document
from kinecue.recordings.errors import RecordingError
from kinecue.recordings.interpret import interpret
from kinecue.recordings.tables import read_table
from kinecue.recordings.times import evenly, stamps_of_times
from kinecue.recordings.track import ImageTrack, RawTrack, ReadOptions, SpaceTrack

_READERS = {
    ".csv": read_table,
    ".tsv": read_table,
    ".json": read_document,
    ".npz": read_arrays,
    ".amc": read_amc,
}
TRACK_SUFFIXES = (*_READERS, ".trc")
"""Of the files that `open_track` reads, each also gzipped (``.gz``) except .npz."""


def suffix_of(path: Path) -> str:
    """What kind of file it is, whether gzipped or not: ``squats.trc.gz`` is ``.trc``."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    return plain.suffix.lower()


def is_track(path: Path) -> bool:
    """Whether `open_track` reads such files."""
    return suffix_of(path) in TRACK_SUFFIXES


def open_track(path: Path, options: ReadOptions | None = None) -> ImageTrack | SpaceTrack:
    """A person over time from a table, a JSON document, an archive, markers or joint angles.

    Raises:
        RecordingError: it cannot be read, or holds nothing of a body; names the field and what is allowed.
    """
    options = options or ReadOptions()
    if not path.is_file():
        raise RecordingError(path, "", "no such file")
    suffix = suffix_of(path)
    if suffix == ".trc":
        return interpret(_read_trc(path, options), options)
    reader = _READERS.get(suffix)
    if reader is None:
        raise RecordingError(path, "", f"kind {suffix!r} is not read; allowed: {', '.join(TRACK_SUFFIXES)}")
    return interpret(reader(path, options), options)


def _read_trc(path: Path, options: ReadOptions) -> RawTrack:
    try:
        trial = load_trc(path)
    except ConfigError as error:
        raise RecordingError(path, error.field, error.problem) from error
    stamps = (
        evenly(len(trial.times), options.rate)
        if options.rate > 0
        else stamps_of_times(path, trial.times, 1000000000.0)
    )
    return RawTrack(path, stamps, trial.names, trial.positions, units="m", kind="room")
