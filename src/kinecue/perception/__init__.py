"""Pixels to bodies: frame sources, networks under onnxruntime, landmarks of people, and the kinematic fit."""

from kinecue.perception.blazepose import BlazePose, PoseNetwork
from kinecue.perception.errors import ConversionError, ImageError, ModelError, ProviderError, SourceError
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.models import ModelStore
from kinecue.perception.sessions import available_providers
from kinecue.perception.sources import (
    CaptureMode,
    Frame,
    FrameGrabber,
    FrameSource,
    GrabberState,
    GrabberStatistics,
    ImageFolder,
    LatestFrame,
    V4l2Camera,
    VideoFile,
)

__all__ = [
    "BlazePose",
    "CaptureMode",
    "ConversionError",
    "Frame",
    "FrameGrabber",
    "FrameSource",
    "GrabberState",
    "GrabberStatistics",
    "ImageError",
    "ImageFolder",
    "Landmarks2D",
    "LatestFrame",
    "ModelError",
    "ModelStore",
    "PoseNetwork",
    "ProviderError",
    "SourceError",
    "V4l2Camera",
    "VideoFile",
    "available_providers",
]
