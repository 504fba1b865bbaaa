"""What can be wrong with a recording."""

from __future__ import annotations

from kinecue.body.errors import ConfigError


class RecordingError(ConfigError):
    """A recording cannot be read; the text names file, field and what is allowed."""
