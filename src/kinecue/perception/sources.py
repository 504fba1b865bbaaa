"""Everything that delivers frames, and how they change threads."""

from kinecue.perception.camera import V4l2Camera
from kinecue.perception.frames import CaptureMode, Frame, FrameSource
from kinecue.perception.grabber import FrameGrabber, GrabberState, GrabberStatistics, LatestFrame
from kinecue.perception.recordings import ImageFolder, VideoFile

__all__ = [
    "CaptureMode",
    "Frame",
    "FrameGrabber",
    "FrameSource",
    "GrabberState",
    "GrabberStatistics",
    "ImageFolder",
    "LatestFrame",
    "V4l2Camera",
    "VideoFile",
]
