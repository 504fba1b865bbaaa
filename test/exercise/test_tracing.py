"""Code traced from numpy functions: the same numbers, exact gradients, nothing that cannot be followed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinecue.body import angles
from kinecue.exercise.tracing import Compiled, TracingError, compiled

Array = NDArray[np.float64]
Function = Callable[[Array, Array], Array]
POINTS = 4


def code(function: Function) -> Compiled:
    return compiled(lambda now, start: list(np.ravel(function(now, start))), (POINTS, 3))  # type: ignore[arg-type]


def mixture(now: Array, start: Array) -> Array:
    """Everything that can be followed, in one."""
    a, b, c, d = now[:, None]
    crossed = angles.cross(b - a, c - b)
    return np.concatenate(
        [
            angles.flexion(a, b, c),
            np.arctan2(crossed[:, 2], np.sqrt((crossed[:, :2] * crossed[:, :2]).sum(-1))),
            -np.abs(a[:, 0] - 2.0) / (1.0 + (d * d).sum(-1)) + 3.0,
            (a - start[0])[:, 1] * 2.0 - (1.0 - b[:, 2]),
            angles.dorsiflexion(a, b, c, d) - angles.dorsiflexion(*start[:, None]),
        ]
    )


TRACED = code(mixture)


def numeric(function: Function, now: Array, start: Array) -> Array:
    step, columns = 1e-6, []
    for i in range(now.size):
        there, back = now.copy().ravel(), now.copy().ravel()
        there[i] += step
        back[i] -= step
        columns.append(
            (function(there.reshape(now.shape), start) - function(back.reshape(now.shape), start))
            / (2 * step)
        )
    return np.stack(columns, 1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000))
def test_values_and_gradients_are_those_of_numpy(seed: int) -> None:
    random = np.random.default_rng(seed)
    now, start = random.normal(size=(POINTS, 3)), random.normal(size=(POINTS, 3))
    traced = TRACED
    numbers = traced.evaluate(now.ravel().tolist(), traced.prepare(start.ravel().tolist()))
    assert numbers[: traced.count] == pytest.approx(mixture(now, start).tolist(), abs=1e-12)
    gradient = np.zeros((traced.count, now.size))
    gradient[traced.rows, traced.columns] = numbers[traced.count :]
    expected = numeric(mixture, now, start)
    assert gradient == pytest.approx(expected, rel=1e-4, abs=1e-4 * max(1.0, float(np.abs(expected).max())))


def test_what_does_not_depend_on_a_coordinate_has_no_entry() -> None:
    traced = code(lambda now, start: now[1, 2] * now[1, 2] + start[0, 0])
    assert traced.columns.tolist() == [5]
    assert traced.evaluate([2.0] * 12, traced.prepare([7.0] * 12)) == (11.0, 4.0)


def test_a_nan_stays_where_it_is() -> None:
    traced = code(lambda now, start: np.stack([now[0, 0] * 2.0, np.sqrt(now[1, 0])]))
    numbers = traced.evaluate([math.nan, 0, 0, 4.0] + [0.0] * 8, ())
    assert math.isnan(numbers[0])
    assert numbers[1:] == (2.0, 2.0, 0.25)


def test_degenerate_positions_raise_for_the_caller_to_notice() -> None:
    with pytest.raises(ZeroDivisionError):
        TRACED.evaluate([0.0] * 12, TRACED.prepare(list(map(float, range(12)))))
    with pytest.raises(ValueError, match="math domain error"):
        code(lambda now, start: np.sqrt(now[0, 0])).evaluate([-1.0] * 12, ())


@pytest.mark.parametrize(
    "function",
    [
        lambda now, start: np.maximum(now[0], 0.0),
        lambda now, start: np.where(now[0, 0] > 0.0, now[0, 0], 0.0),
        lambda now, start: max(now[0, 0], now[1, 0]),
    ],
)
def test_a_choice_between_positions_is_refused(function: Function) -> None:
    with pytest.raises(TracingError, match="write it as arithmetic"):
        code(function)


def test_common_parts_are_computed_once() -> None:
    def length(now: Array, start: Array) -> Array:
        line = now[0] - now[1]
        return np.sqrt((line * line).sum())

    once, twice = code(length), code(lambda now, start: np.stack([length(now, start), length(now, start)]))
    sizes = [len(c.evaluate.__code__.co_code) for c in (once, twice)]
    assert sizes[1] < 1.35 * sizes[0]
