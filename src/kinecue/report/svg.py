"""Small drawings as SVG text, styled by the classes of the page they stand in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape


@dataclass
class Scale:
    """Values to positions.

    Attributes:
        low, high: values at the ends.
        first, last: positions of the ends, px.
    """

    low: float
    high: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        """Position of a value, px."""
        span = self.high - self.low
        return self.first + (value - self.low) / (span if span else 1.0) * (self.last - self.first)

    def ticks(self, wanted: int = 5) -> list[float]:
        """About `wanted` round numbers within the scale."""
        span = abs(self.high - self.low)
        if not (span > 0.0 and math.isfinite(span)):
            return [self.low]
        raw = span / max(wanted, 1)
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * m for m in (1.0, 2.0, 5.0, 10.0) if power * m >= raw * 0.999)
        start = math.ceil(min(self.low, self.high) / step - 1e-9)
        end = math.floor(max(self.low, self.high) / step + 1e-9)
        return [k * step for k in range(start, end + 1)]


@dataclass
class Drawing:
    """A drawing of a given size, px.

    Attributes:
        label: what it shows, for those who do not see it.
    """

    width: float
    height: float
    label: str
    _parts: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        """A straight line of the class `style`."""
        self._parts.append(f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        style: str,
        title: str = "",
        radius: float = 0.0,
    ) -> None:
        """A rectangle; `title` is shown when it is pointed at."""
        tip = f"<title>{escape(title)}</title>" if title else ""
        self._parts.append(
            f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.0):.1f}" '
            f'height="{max(height, 0.0):.1f}" rx="{radius:.1f}">{tip}</rect>'
        )

    def text(self, x: float, y: float, words: str, style: str = "label", anchor: str = "start") -> None:
        """Words with their baseline at `y`."""
        self._parts.append(
            f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def curve(self, points: Sequence[tuple[float, float]], style: str, title: str = "") -> None:
        """A line through points; one that is NaN interrupts it."""
        pieces: list[str] = []
        pen_up = True
        for x, y in points:
            if not (math.isfinite(x) and math.isfinite(y)):
                pen_up = True
                continue
            pieces.append(f"{'M' if pen_up else 'L'}{x:.1f} {y:.1f}")
            pen_up = False
        if pieces:
            tip = f"<title>{escape(title)}</title>" if title else ""
            self._parts.append(f'<path class="{style}" d="{"".join(pieces)}">{tip}</path>')

    def band(
        self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], style: str, title: str = ""
    ) -> None:
        """The area between two curves; left out where either is NaN."""
        run: list[tuple[float, float, float]] = []
        for x, a, b in [*zip(xs, low, high, strict=True), (math.nan, math.nan, math.nan)]:
            if math.isfinite(x) and math.isfinite(a) and math.isfinite(b):
                run.append((x, a, b))
                continue
            if len(run) > 1:
                forth = "L".join(f"{x:.1f} {a:.1f}" for x, a, _ in run)
                back = "L".join(f"{x:.1f} {b:.1f}" for x, _, b in reversed(run))
                tip = f"<title>{escape(title)}</title>" if title else ""
                self._parts.append(f'<path class="{style}" d="M{forth}L{back}Z">{tip}</path>')
            run = []

    def dot(self, x: float, y: float, radius: float, style: str, title: str = "") -> None:
        """A filled circle."""
        tip = f"<title>{escape(title)}</title>" if title else ""
        self._parts.append(
            f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">{tip}</circle>'
        )

    def render(self) -> str:
        """The SVG element."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-label="{escape(self.label, quote=True)}">{"".join(self._parts)}</svg>'
        )
