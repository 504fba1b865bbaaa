"""What goes wrong in a set-up, said in one paragraph."""

from __future__ import annotations


class SetupError(RuntimeError):
    """A set-up that cannot go on. The message names what is missing and how to get it."""
