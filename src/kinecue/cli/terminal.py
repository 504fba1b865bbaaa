"""What a person sees while the demo runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.text import Text

from kinecue.exercise import Fault, FormState, Phase, Repetition, RepetitionStatus
from kinecue.nodes.session_log import SpokenCue


class Terminal:
    """What a person sees while it runs: a line per event, and a line with the state below them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.start_ns: Callable[[], int] = lambda: 0
        self._form: FormState | None = None

    def __call__(self, kind: str, thing: Any) -> None:
        if kind == "phase":
            self._form = thing
        elif kind == "repetition":
            self._repetition(thing)
        elif kind == "fault":
            self._fault(thing)
        elif kind == "cue":
            self._line(thing.message.header.stamp, "cue", f'"{thing.message.text}"', "bold cyan")
        elif kind == "speech":
            self._speech(thing)

    def _line(self, stamp: Any, kind: str, text: str, style: str = "") -> None:
        when = stamp if isinstance(stamp, int) else stamp.sec * 1_000_000_000 + stamp.nanosec
        seconds = max((when - self.start_ns()) * 1e-9, 0.0)
        self._console.print(Text(f"{seconds:6.2f} s  {kind:<6}  {text}", style=style))

    def _repetition(self, rep: Repetition) -> None:
        peak = rep.feature_peak
        measured = (
            f"{rep.feature.replace('_', ' ')} {math.degrees(peak.value):.0f} deg" if rep.unit == "rad" else ""
        )
        d = f"D {rep.d:.2f}" if math.isfinite(rep.d) else "D -"
        if rep.status == RepetitionStatus.VALID:
            tempo = f"down {rep.eccentric_s:.1f} s, up {rep.concentric_s:.1f} s"
            self._line(rep.end_ns, "rep", f"{rep.number}: {measured}, {tempo}, {d}", "green")
        else:
            why = rep.reason.name.lower().replace("_", " ")
            self._line(
                rep.end_ns, "rep", f"not counted: {rep.status.name.lower()} ({why}) {measured}", "yellow"
            )

    def _fault(self, fault: Fault) -> None:
        value, limit = fault.measured.value, fault.limit
        if fault.unit == "rad":
            value, limit, std = (math.degrees(v) for v in (value, limit, fault.measured.std))
            figures = f"{value:.0f} +- {std:.0f} deg, limit {limit:.0f}"
        else:
            unit = "" if fault.unit == "1" else f" {fault.unit}"
            figures = f"{value:.2f} +- {fault.measured.std:.2f}{unit}, limit {limit:.2f}"
        name = fault.name.replace("_", " ")
        feature = fault.feature.replace("_", " ")
        text = f"{name} in repetition {fault.repetition} ({fault.phase.name.lower()}): {feature} {figures}"
        self._line(fault.stamp_ns, "fault", text, "red")

    def _speech(self, cue: SpokenCue) -> None:
        if cue.status == "started":
            created = cue.message.created
            delay = (cue.first_sample_ns - created.sec * 1_000_000_000 - created.nanosec) * 1e-6
            where = "no sound device, recorded" if cue.device == "none" else cue.device
            self._line(
                cue.first_sample_ns,
                "voice",
                f"first sample {delay:.0f} ms after the cue ({cue.engine}; {where})",
                "dim",
            )
        elif cue.status in ("expired", "failed"):
            self._line(cue.message.header.stamp, "voice", f"{cue.status}: {cue.detail}", "yellow")

    def state(self, form: FormState | None, note: str) -> Text:
        """The live line."""
        if form is None:
            return Text(f"         {note}", style="dim")
        d = f"{form.d:.2f}" if math.isfinite(form.d) else "-"
        phase = form.stage if form.phase == Phase.STAGE else form.phase.name.lower()
        progress = form.progress if math.isfinite(form.progress) else 0.0
        bar = "#" * round(20 * min(max(progress, 0.0), 1.0))
        return Text(f"         {form.exercise} {form.counted}  {phase:<10} [{bar:<20}] D {d}   {note}")
