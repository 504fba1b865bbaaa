"""Recorded movement without pixels: landmark tracks, markers, skeletons and bags of messages become bodies."""

from kinecue.recordings.errors import RecordingError
from kinecue.recordings.opening import TRACK_SUFFIXES, is_track, open_track
from kinecue.recordings.track import ImageTrack, ReadOptions, SpaceTrack

__all__ = [
    "TRACK_SUFFIXES",
    "ImageTrack",
    "ReadOptions",
    "RecordingError",
    "SpaceTrack",
    "is_track",
    "open_track",
]
