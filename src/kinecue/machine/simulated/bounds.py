"""Numbers that say in which range they make sense, and are checked against it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from kinecue.body.errors import KineCueError


class MachineError(KineCueError, ValueError):
    """A value that no machine and no sensor has; the text names the field and what is allowed."""


def bounded(default: float | None, low: float, high: float) -> Any:
    """A dataclass field with an inclusive range; `check` refuses what lies outside.

    A default of None makes None an allowed value, a `high` of infinity makes infinity one.
    """
    return dataclasses.field(default=default, metadata={"low": low, "high": high})


def allowed(field: dataclasses.Field[Any]) -> str:
    """What a field may be, in words."""
    if "low" not in field.metadata:
        return "true or false" if isinstance(field.default, bool) else "see its class"
    low, high = field.metadata["low"], field.metadata["high"]
    kind = "a whole number " if isinstance(field.default, int) else ""
    limits = f"{low:g} or more (inf = no limit)" if math.isinf(high) else f"{low:g} to {high:g}"
    return kind + limits + (" or none" if field.default is None else "")


def check(instance: Any) -> None:
    """Check the fields of a dataclass that `bounded` made, and its booleans.

    Raises:
        MachineError: a value is not allowed.
    """
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        if "low" in field.metadata:
            good = (value is None and field.default is None) or _inside(value, field)
        else:
            good = not isinstance(field.default, bool) or isinstance(value, bool)
        if not good:
            raise MachineError(
                f"{type(instance).__name__}.{field.name}: must be {allowed(field)}, got {value!r}"
            )


def _inside(value: Any, field: dataclasses.Field[Any]) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if isinstance(field.default, int) and not isinstance(value, int):
        return False
    # NaN compares false
    return bool(field.metadata["low"] <= value <= field.metadata["high"])
