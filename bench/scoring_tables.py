"""The figures of scoring as Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def markdown(document: dict[str, Any]) -> str:
    """All tables for which there are figures."""
    parts = [
        ("Clean sets: what was raised or counted although nothing was wrong", _clean(document.get("clean"))),
        ("D of good repetitions", _d(document.get("clean"))),
        ("Event times of simulated sets, s", _timing(document.get("phase_timing"))),
        ("Planted faults, %", _faults(document.get("fault_detection"))),
        ("Faults of the simulation that no file judges", _not_judged(document.get("faults_not_judged"))),
        ("Repetitions on recordings", _repetitions(document)),
        ("UI-PRMD, area under the curve of D", _prmd(document.get("ui_prmd_auc"))),
        ("Ideal for this person", _ideal(document)),
        ("Deadlifts of kinect_deadlift, good against bad", _quality(document.get("deadlift_quality"))),
        ("Exercise recognised, none selected", _recognition(document.get("recognition"))),
        ("Scorer on one core", _speed(document.get("scoring_speed"))),
        (
            "Not measured",
            _rows(("part", "reason"), [[k, v] for k, v in (document.get("skipped") or {}).items()]),
        ),
    ]
    return "\n".join(f"**{title}**\n\n{table}" for title, table in parts if table)


def _rows(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    body = [f"| {' | '.join('-' if c is None else str(c) for c in row)} |" for row in rows]
    if not body:
        return ""
    return "\n".join([f"| {' | '.join(header)} |", f"| {' | '.join('---' for _ in header)} |", *body]) + "\n"


def _title(name: str) -> str:
    return name.replace("_", " ")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}"


def _clean(found: dict[str, Any] | None) -> str:
    if not found:
        return ""
    rows = [
        (
            _title(name),
            row["sets"],
            row["repetitions"],
            row["missed"],
            row["false"],
            row["false_faults"],
            row["false_faults_per_1000"],
            ", ".join(f"{_title(k)} {v}" for k, v in row["by_fault"].items()),
        )
        for name, row in [*found["by_exercise"].items(), ("all", found["all"])]
    ]
    header = ("exercise", "sets", "repetitions", "missed", "false", "false faults", "per 1,000", "which")
    return _rows(header, rows)


def _d(found: dict[str, Any] | None) -> str:
    rows = []
    for name, groups in (found or {}).get("d", {}).items():
        if "all" not in groups:
            continue
        d = groups["all"]
        worst = max(((v["p95"], k) for k, v in groups.items() if k != "all"), default=(d["p95"], ""))
        rows.append(
            (_title(name), d["n"], *(f"{d[f'p{q}']:.2f}" for q in (50, 90, 95, 99)), f"{100 * d['over_1']:.1f} %",
             f"{worst[0]:.2f} ({worst[1]})")
        )  # fmt: skip
    return _rows(
        ("exercise", "n", "median", "90 %", "95 %", "99 %", "over 1", "95 % of the worst view (degrees)"),
        rows,
    )


def _timing(found: dict[str, Any] | None) -> str:
    if not found:
        return ""
    rows = []
    for name, cells in [*found["by_exercise"].items(), ("all", found["all"])]:
        texts = [
            "-"
            if cells[e] is None
            else f"{cells[e]['bias']:+.2f} / {cells[e]['median']:.2f} / {cells[e]['p95']:.2f}"
            for e in ("start", "bottom", "end")
        ]
        rows.append((_title(name), *texts))
    return _rows(("exercise", "start: bias / median / 95 %", "turning point", "end"), rows)


def _faults(found: dict[str, Any] | None) -> str:
    rows = []
    for exercise, faults in (found or {}).items():
        for fault, cells in faults.items():
            every = cells["all"]
            views = []
            for view in ("front", "45", "90"):
                c = cells.get(view)
                hidden = f" ({_percent(c['abstained'])} not judged)" if c and c["abstained"] else ""
                views.append("" if c is None else f"{_percent(c['rate'])}{hidden}")
            sizes = " / ".join(_percent(c["rate"]) for c in every["by_magnitude"].values())
            truly = " / ".join(_percent(c["truly"]) for c in every["by_magnitude"].values())
            rows.append(
                (_title(exercise), _title(fault), *views, sizes, truly, _percent(every["false_alarms"]))
            )
    header = (
        "exercise", "fault", "found, front", "45", "90", "raised at 25 / 50 / 75 / 100 %", "truly beyond the limit",
        "false others",
    )  # fmt: skip
    return _rows(header, rows)


def _not_judged(found: Mapping[str, Sequence[str]] | None) -> str:
    return _rows(
        ("exercise", "faults"), [(_title(k), ", ".join(map(_title, v))) for k, v in (found or {}).items()]
    )


def _repetitions(document: dict[str, Any]) -> str:
    found = document.get("repetitions") or []
    table = _rows(
        ("recording", "expected", "counted", "false"),
        [(f"`{r.get('file')}`", r.get("expected"), r.get("counted"), r.get("false")) for r in found],
    )
    if table and document.get("event_error_s") is not None:
        table += f"\nEvent times, s: {document['event_error_s']}\n"
    return table


def _prmd(found: dict[str, Any] | None) -> str:
    return _rows(
        ("movement", "area"), [(_title(k), f"{v:.3f}") for k, v in (found or {}).items() if _number(v)]
    )


def _ideal(document: dict[str, Any]) -> str:
    rows = [
        (title, f"{document[key]['max_d']:.2f}")
        for title, key in (("own ideal", "personal_ideal"), ("one ideal for all", "universal_ideal"))
        if isinstance(document.get(key), Mapping) and "max_d" in document[key]
    ]
    return _rows(("courses", "largest D of athletes who squat well for their build"), rows)


def _speed(found: dict[str, Any] | None) -> str:
    if not found:
        return ""
    table = _rows(("exercise", "frames/s"), [(_title(k), v) for k, v in found["frames_per_second"].items()])
    growth = ", ".join(f"{n}: {us:.0f}" for n, us in found["microseconds_by_bodies"].items())
    return f"{table}\nMicroseconds a frame by number of bodies ({_title(found['exercise_of_bodies'])}): {growth}.\n"


def _quality(found: dict[str, Any] | None) -> str:
    rows = [
        (name, f"{value:.3f}")
        for name, value in (
            ("learned, leave one out", (found or {}).get("learned")),
            ("deadlift.yaml", (found or {}).get("shipped")),
        )
        if _number(value)
    ]
    return _rows(("model", "area under the curve of D"), rows)


def _recognition(found: dict[str, Any] | None) -> str:
    if not found:
        return ""
    keys = ("recordings", "right", "wrong", "unknown", "taken_for_another_without_own_file")
    return _rows([_title(k) for k in keys], [[found[k] for k in keys]])


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
