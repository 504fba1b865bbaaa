"""What perception raises on purpose."""

from __future__ import annotations

from kinecue.body.errors import KineCueError


class ConversionError(KineCueError):
    """A network cannot be converted; the text names the operator or the property that is not supported."""


class ModelError(KineCueError):
    """A network is missing, damaged, or not the one it should be."""


class ProviderError(KineCueError):
    """An execution provider that was asked for is not there or does not start."""


class ImageError(KineCueError):
    """A picture is not what the pipeline takes; the text says what it got."""


class SourceError(KineCueError):
    """A camera, video or folder of pictures cannot be opened or read."""
