"""Turns feature functions into straight code for one body, with their exact gradients.

A feature is written once, in numpy, for a batch of bodies. Live there is one body, and on arrays of three numbers numpy
spends its time on everything but arithmetic. So each function is called once with arrays of `Term`, which write down what
is done to them; from that follow the derivatives (reverse accumulation) and a Python function of plain floats in which
every common part is computed once. It gives the same numbers some ten times as fast.

What can be followed: ``+ - * /``, `numpy.sqrt`, `abs`, `arctan2`, sums, indexing, stacking. A choice between numbers
cannot; a `Term` has no truth value and says so.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError

Floats = Sequence[float]


class TracingError(KineCueError):
    """A function does something that cannot be followed."""


class Term:
    """A number that is not known yet: an operation and what it is applied to.

    Attributes:
        operation: ``input``, ``constant``, or one of `_CODE`.
        parts: what it is applied to.
        value: of a constant; number of an input.
    """

    __array_priority__ = 1000.0
    __slots__ = ("book", "operation", "parts", "rank", "value")

    def __init__(self, book: Book, operation: str, parts: tuple[Term, ...], value: float, rank: int) -> None:
        self.book = book
        self.operation = operation
        self.parts = parts
        self.value = value
        self.rank = rank

    def __bool__(self) -> bool:
        raise TracingError("a feature function may not choose by comparing positions: write it as arithmetic")

    __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: self.__bool__()

    def __add__(self, other: Term | float) -> Term:
        return self.book.add(self, other)

    def __radd__(self, other: float) -> Term:
        return self.book.add(other, self)

    def __sub__(self, other: Term | float) -> Term:
        return self.book.subtract(self, other)

    def __rsub__(self, other: float) -> Term:
        return self.book.subtract(other, self)

    def __mul__(self, other: Term | float) -> Term:
        return self.book.multiply(self, other)

    def __rmul__(self, other: float) -> Term:
        return self.book.multiply(other, self)

    def __truediv__(self, other: Term | float) -> Term:
        return self.book.divide(self, other)

    def __rtruediv__(self, other: float) -> Term:
        return self.book.divide(other, self)

    def __neg__(self) -> Term:
        return self.book.negative(self)

    def __abs__(self) -> Term:
        return self.book.operation("abs", self)

    def sqrt(self) -> Term:
        """What `numpy.sqrt` calls."""
        return self.book.operation("sqrt", self)

    def arctan2(self, other: Term | float) -> Term:
        """What `numpy.arctan2` calls."""
        return self.book.operation("atan2", self, other)


_CODE = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "negative": "-{0}",
    "abs": "abs({0})",
    "sign": "copysign(1.0, {0})",
    "sqrt": "sqrt({0})",
    "atan2": "atan2({0}, {1})",
}
"""How each operation is written."""

_WORKED: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negative": operator.neg,
    "abs": abs,
    "sign": lambda value: math.copysign(1.0, value),
    "sqrt": math.sqrt,
    "atan2": math.atan2,
}
"""What each operation is."""


class Book:
    """Every term once, however often it is asked for."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Term] = {}

    def inputs(self, name: str, shape: tuple[int, ...]) -> NDArray[np.object_]:
        """An array of unknown numbers; `name` tells it from other ones."""
        count = math.prod(shape)
        flat = np.empty(count, dtype=object)
        for i in range(count):
            flat[i] = self._term("input", (), float(i), name)
        return flat.reshape(shape)

    def constant(self, value: float) -> Term:
        """A number that is known."""
        return self._term("constant", (), float(value))

    def operation(self, name: str, *parts: Term | float) -> Term:
        """Applied to terms; of constants alone it is one."""
        if all(not isinstance(part, Term) or part.operation == "constant" for part in parts):
            values = [part.value if isinstance(part, Term) else part for part in parts]
            return self.constant(_WORKED[name](*values))
        return self._term(name, tuple(p if isinstance(p, Term) else self.constant(p) for p in parts), 0.0)

    def _term(self, operation: str, parts: tuple[Term, ...], value: float, name: str = "") -> Term:
        key = (operation, name, value, *(part.rank for part in parts))
        term = self._known.get(key)
        if term is None:
            term = self._known[key] = Term(self, operation, parts, value, len(self._known))
            if operation == "input":
                term.operation = f"input {name}"
        return term

    def add(self, a: Term | float, b: Term | float) -> Term:
        """Sum; 0 leaves the other as it is."""
        if _is(a, 0.0) and isinstance(b, Term):
            return b
        if _is(b, 0.0) and isinstance(a, Term):
            return a
        return self.operation("add", a, b)

    def subtract(self, a: Term | float, b: Term | float) -> Term:
        """Difference."""
        if _is(b, 0.0) and isinstance(a, Term):
            return a
        if _is(a, 0.0) and isinstance(b, Term):
            return self.negative(b)
        return self.operation("subtract", a, b)

    def multiply(self, a: Term | float, b: Term | float) -> Term:
        """Product; 0 and 1 are left out."""
        for one, other in ((a, b), (b, a)):
            if _is(one, 0.0):
                return self.constant(0.0)
            if isinstance(other, Term):
                if _is(one, 1.0):
                    return other
                if _is(one, -1.0):
                    return self.negative(other)
        return self.operation("multiply", a, b)

    def divide(self, a: Term | float, b: Term | float) -> Term:
        """Quotient."""
        if _is(a, 0.0):
            return self.constant(0.0)
        if _is(b, 1.0) and isinstance(a, Term):
            return a
        return self.operation("divide", a, b)

    def negative(self, a: Term) -> Term:
        """Minus it."""
        if a.operation == "negative":
            return a.parts[0]
        if a.operation == "constant":
            return self.constant(-a.value)
        return self.operation("negative", a)

    # -- derivatives

    def gradient(self, of: Term, name: str) -> dict[int, Term]:
        """Derivative of a term by each input `name` on which it depends, by number of the input."""
        towards: dict[int, Term] = {of.rank: self.constant(1.0)}
        result: dict[int, Term] = {}
        for term in sorted(_ancestors([of]), key=lambda t: -t.rank):
            way = towards.get(term.rank)
            if way is None:
                continue
            if term.operation == f"input {name}":
                result[int(term.value)] = way
            for part, share in zip(term.parts, self._partials(term, way), strict=True):
                if part.operation != "constant":
                    known = towards.get(part.rank)
                    towards[part.rank] = share if known is None else self.add(known, share)
        return result

    def _partials(self, term: Term, way: Term) -> tuple[Term, ...]:
        """`way` times the derivatives of an operation by its parts."""
        parts = term.parts
        match term.operation:
            case "add":
                return (way, way)
            case "subtract":
                return (way, self.negative(way))
            case "multiply":
                return (self.multiply(way, parts[1]), self.multiply(way, parts[0]))
            case "divide":
                first = self.divide(way, parts[1])
                return (first, self.negative(self.multiply(first, term)))
            case "negative":
                return (self.negative(way),)
            case "abs":
                return (self.multiply(way, self.operation("sign", parts[0])),)
            case "sqrt":
                return (self.divide(self.multiply(0.5, way), term),)
            case "atan2":
                y, x = parts
                square = self.add(self.multiply(x, x), self.multiply(y, y))
                share = self.divide(way, square)
                return (self.multiply(share, x), self.negative(self.multiply(share, y)))
            case _:
                return ()


def _is(term: Term | float, value: float) -> bool:
    if isinstance(term, Term):
        return term.operation == "constant" and term.value == value
    return float(term) == value


def _ancestors(terms: Iterable[Term]) -> list[Term]:
    """All that `terms` are made of, and they themselves."""
    found: dict[int, Term] = {}
    waiting = list(terms)
    while waiting:
        term = waiting.pop()
        if term.rank not in found:
            found[term.rank] = term
            waiting.extend(term.parts)
    return list(found.values())


@dataclass(frozen=True)
class Compiled:
    """Code for one body.

    Attributes:
        prepare: from the flat start positions to what `evaluate` needs of them.
        evaluate: from the flat positions and what `prepare` gave to a tuple: the values, then the entries of the
            gradient at `rows`, `columns`. Raises ZeroDivisionError or ValueError on degenerate positions.
        count: number of values.
        rows, columns: value and flat coordinate of each entry of the gradient.
    """

    prepare: Callable[[Floats], tuple[float, ...]]
    evaluate: Callable[[Floats, tuple[float, ...]], tuple[float, ...]]
    count: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]


def compiled(
    trace: Callable[[NDArray[np.object_], NDArray[np.object_]], Sequence[Term]], shape: tuple[int, int]
) -> Compiled:
    """Code for what `trace` does to positions and start positions, each an array of `shape`."""
    book = Book()
    now, start = book.inputs("now", shape), book.inputs("start", shape)
    values = [book.add(term, 0.0) for term in trace(now, start)]
    rows, columns, entries = [], [], []
    for row, value in enumerate(values):
        for column, entry in sorted(book.gradient(value, "now").items()):
            rows.append(row)
            columns.append(column)
            entries.append(entry)
    size = math.prod(shape)
    return Compiled(
        *_written([*values, *entries], size),
        len(values),
        np.array(rows, dtype=np.intp),
        np.array(columns, dtype=np.intp),
    )


def _written(
    outputs: list[Term], size: int
) -> tuple[Callable[[Floats], tuple[float, ...]], Callable[[Floats, tuple[float, ...]], tuple[float, ...]]]:
    """Two functions of floats: of the start positions alone, and of everything else."""
    terms = sorted(_ancestors(outputs), key=lambda term: term.rank)
    moving: set[int] = set()
    for term in terms:
        if term.operation == "input now" or any(part.rank in moving for part in term.parts):
            moving.add(term.rank)
    resting = [t for t in terms if t.rank not in moving and t.operation != "constant"]
    handed = sorted(
        {
            part.rank: part
            for term in [*(t for t in terms if t.rank in moving)]
            for part in term.parts
            if part.rank not in moving and part.operation != "constant"
        }.values(),
        key=lambda term: term.rank,
    )
    prepare = _function("prepare", [("start", [f"s{i}" for i in range(size)])], resting, handed)
    evaluate = _function(
        "evaluate",
        [("now", [f"n{i}" for i in range(size)]), ("prepared", [_name(term) for term in handed])],
        [t for t in terms if t.rank in moving],
        outputs,
    )
    return prepare, evaluate


def _name(term: Term) -> str:
    if term.operation == "constant":
        return repr(term.value) if term.value >= 0.0 else f"({term.value!r})"
    if term.operation == "input now":
        return f"n{int(term.value)}"
    if term.operation == "input start":
        return f"s{int(term.value)}"
    return f"t{term.rank}"


def _function(
    name: str, arguments: list[tuple[str, list[str]]], terms: list[Term], outputs: list[Term]
) -> Callable[..., tuple[float, ...]]:
    lines = [f"def {name}({', '.join(argument for argument, _ in arguments)}):"]
    lines += [f"    {', '.join(names)}, = {argument}" for argument, names in arguments if names]
    for term in terms:
        if term.parts:
            lines.append(f"    {_name(term)} = {_CODE[term.operation].format(*map(_name, term.parts))}")
    lines.append(f"    return ({''.join(_name(term) + ', ' for term in outputs)})")
    scope: dict[str, Any] = {"sqrt": math.sqrt, "atan2": math.atan2, "copysign": math.copysign}
    # every word of it was written above; nothing of it comes from a file or a person
    exec(compile("\n".join(lines), f"<features: {name}>", "exec"), scope)
    function: Callable[..., tuple[float, ...]] = scope[name]
    return function
