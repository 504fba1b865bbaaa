"""Where the time of a frame goes: exclusive CPU time of methods that call each other."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from typing import Any


class Stopwatch:
    """Times methods without those inside them that are watched too.

    Use as a context manager: on leaving, the watched methods are what they were.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        """Since the last `take`, by stage."""
        self._inner: list[float] = []
        self._watched: list[tuple[Any, str, Any]] = []

    def watch(self, owner: Any, method: str, stage: str) -> None:
        """Count calls of ``owner.method`` (a class or module, and the name of its function) as `stage`."""
        original = owner.__dict__[method]

        @functools.wraps(original)
        def timed(*arguments: Any, **named: Any) -> Any:
            self._inner.append(0.0)
            begun = time.process_time()
            try:
                return original(*arguments, **named)
            finally:
                took = time.process_time() - begun
                self.seconds[stage] += took - self._inner.pop()
                if self._inner:
                    self._inner[-1] += took

        self._watched.append((owner, method, original))
        setattr(owner, method, timed)

    def take(self) -> dict[str, float]:
        """Seconds by stage since the last call."""
        result = dict(self.seconds)
        self.seconds.clear()
        return result

    def __enter__(self) -> Stopwatch:
        return self

    def __exit__(self, *_: object) -> None:
        for owner, method, original in self._watched:
            setattr(owner, method, original)
