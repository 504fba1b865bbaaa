"""Measures the coach: latencies, failures, what is understood of the voice, guard, language model, whole sets.

Prints tables and writes bench_output/coaching.json, each part as soon as it is measured. ``--only PART`` measures parts
again and leaves the others as they are in the file. A part that cannot be measured is named under ``problems`` with the
reason; the exit status is then 1. The main figures are at the top of the document, everything else is
under ``details``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    # benchmarks that tests import, too, name each other as bench.NAME
    sys.path.append(str(ROOT))

from bench.machine import Check, PartError, keep, number, plain, this_machine  # noqa: E402
from bench.machine import Part as Module  # noqa: E402
from bench.machine import measured as measured_by  # noqa: E402

RESULT = ROOT / "bench_output" / "coaching.json"
FORMAT = 1


def quantiles(value: Any) -> str | None:
    """None if it has a number for median and p99."""
    if not isinstance(value, Mapping):
        return f"is {type(value).__name__}, expected median and p99"
    wrong = [f"{name} {problem}" for name in ("median", "p99") if (problem := number(value.get(name)))]
    return "; ".join(wrong) or None


def rates(value: Any) -> str | None:
    """None if it is [engine][language] with shares."""
    if not isinstance(value, Mapping) or not value:
        return "has no engine"
    for engine, by in value.items():
        if not isinstance(by, Mapping) or not by:
            return f"{engine} has no language"
        for language, share in by.items():
            if number(share) or not 0.0 <= share <= 1.0:
                return f"{engine} {language} is {share!r}, expected 0 to 1"
    return None


@dataclass(frozen=True)
class Part:
    """One module of figures with ``measure(console, quick) -> dict``.

    Attributes:
        module: its name in bench/.
        keys: figures that it has to give, and what they have to look like.
        under: where they go in the document; empty = its top.
    """

    module: str
    keys: Mapping[str, Check]
    under: str = ""


PARTS: dict[str, Part] = {
    "latency": Part("cue_latency", {"fault_to_cue_ms": quantiles, "cue_to_sample_ms": quantiles}),
    "model": Part("language_model", {"ms_per_choice": number, "rss_mb": number}, "model"),
    "failures": Part("voice_failures", {}),
    "guard": Part("guard", {"tried": number, "unsafe_passed": number, "good_refused": number}, "guard"),
    "sets": Part(
        "coaching_sets",
        {
            "cues_per_min": number,
            "dangers_in_time": number,
            "corrections_in_clean_sets": number,
            "late_spoken": number,
        },
        "sets",
    ),
    "recognition": Part("speech_recognised", {"recognised_rate": rates}),
}
"""Times first, while nothing else runs; the longest last."""

KEYS = tuple(part.under or key for part in PARTS.values() for key in part.keys)
"""Of the top of the document, as the issue names them."""


def joined(document: dict[str, Any], name: str, part: Part, console: Console, quick: bool) -> None:
    """Measures a part and puts it into the document; its old figures go if it fails."""
    problems = document.setdefault("problems", {})
    details = document.setdefault("details", {})
    for key in part.keys:
        document.pop(part.under or key, None)
    details.pop(name, None)
    try:
        found = measured_by(Module(part.module, part.keys), console, quick)
    except PartError as reason:
        problems[name] = str(reason)
        console.print(f"[red]{name}: {reason}", highlight=False)
        return
    problems.pop(name, None)
    figures = {key: found.pop(key) for key in part.keys}
    if part.under:
        document[part.under] = figures
    else:
        document |= figures
    details[name] = {"quick": quick, **found}


def summary(document: Mapping[str, Any], console: Console) -> None:
    """The figures of the issue, and what is missing."""
    table = Table("figure", "value", title="coaching")
    for key in dict.fromkeys(KEYS):
        value = document.get(key)
        table.add_row(key, "missing" if value is None else _shown(value))
    console.print(table)
    for name, reason in (document.get("problems") or {}).items():
        console.print(f"[red]{name}: {reason}", highlight=False)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = (f"{k}: {_shown(v)}" for k, v in value.items())
        return "\n".join(inner) if any(isinstance(v, Mapping) for v in value.values()) else ", ".join(inner)
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if a part could not be measured, or, after a whole run, a figure of the issue is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="little of everything, for development")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART", help=f"{', '.join(PARTS)}")
    parser.add_argument("--output", type=Path, default=RESULT, help="the document")
    options = parser.parse_args(arguments)
    console = Console(width=160)
    document: dict[str, Any] = {}
    if options.only and options.output.is_file():
        document = json.loads(options.output.read_text(encoding="utf-8"))
    document |= {"format": FORMAT, "machine": this_machine()}
    seconds = document.setdefault("seconds", {})
    for name in options.only or PARTS:
        console.rule(name)
        begun = time.monotonic()
        joined(document, name, PARTS[name], console, options.quick)
        seconds[name] = round(time.monotonic() - begun)
        keep(document, options.output)
    summary(plain(document), console)
    if options.only:
        return 1 if set(options.only) & set(document["problems"]) else 0
    return 1 if document.get("problems") or any(key not in document for key in KEYS) else 0


if __name__ == "__main__":
    raise SystemExit(main())
