"""The base of every error that KineCue raises on purpose."""

from __future__ import annotations

from pathlib import Path


class KineCueError(Exception):
    """Something a user, an integrator or an engineer can act on; the text says what."""


class ConfigError(KineCueError):
    """A file or parameter holds a value that is not allowed.

    The text names the file (or parameter source), the field and the allowed values.
    """

    def __init__(self, source: str | Path, field: str, problem: str) -> None:
        super().__init__(f"{source}: {field}: {problem}" if field else f"{source}: {problem}")
        self.source = str(source)
        self.field = field
        self.problem = problem
