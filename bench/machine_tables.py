"""The figures of the machine as Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FIGURES = (
    ("rep_f1", "repetitions of simulated sets, F1"),
    ("velocity_rmse_m_s", "mean velocity of a repetition, RMSE, m/s"),
    ("clock_offset_error_ms", "offset between the clocks, error, ms"),
    ("barbell_peak_velocity_rmse_m_s", "barbell_vbt, peak velocity, scale from other files, RMSE, m/s"),
    ("applift_rep_mae", "applift, repetitions per set, participants left out, MAE"),
    ("cpu_share_1khz", "machine node, two cables at 1,000 Hz, share of a core"),
)
TITLES = {
    "repetitions": "Simulated sets",
    "drivers": "Drivers",
    "checks": "Checks of the samples",
    "graph": "The graph",
    "ground": "Ground reaction",
}


def markdown(document: Mapping[str, Any]) -> str:
    """All tables for which there are figures."""
    details = document.get("details") or {}
    parts = [("Figures of the issue", _figures(document))]
    if document.get("known_answers"):
        parts.append(("Known answers", _known(document["known_answers"])))
    if "inertial" in details:
        parts += [
            ("Peak velocity of deadlifts (barbell_vbt), m/s", _barbell(details["inertial"]["barbell_vbt"])),
            ("Repetitions per set at 8 Hz (applift)", _applift(details["inertial"]["applift"])),
        ]
    parts += [
        (TITLES.get(name, name), _leaves(found))
        for name, found in details.items()
        if name not in ("inertial", "known")
    ]
    parts.append(("Not measured", rows(("part", "reason"), (document.get("problems") or {}).items())))
    return "\n".join(f"**{title}**\n\n{table}" for title, table in parts if table)


def rows(header: Sequence[str], body: Iterable[Sequence[Any]]) -> str:
    """A table; empty without rows."""
    lines = [f"| {' | '.join(shown(cell) for cell in row)} |" for row in body]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(header)} |", f"| {' | '.join('---' for _ in header)} |", *lines]) + "\n"


def shown(value: Any) -> str:
    """A cell."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "/")


def _figures(document: Mapping[str, Any]) -> str:
    body = [(title, document[key]) for key, title in FIGURES if document.get(key) is not None]
    ground = document.get("grf_nrmse") or {}
    body += [(f"ground reaction, {side}, normalised RMSE", ground[side]) for side in ground]
    return rows(("figure", "value"), body)


def _known(cases: Sequence[Mapping[str, Any]]) -> str:
    return rows(("case", "expected", "got"), [(c["case"], c["expected"], c["got"]) for c in cases])


def _barbell(found: Mapping[str, Any]) -> str:
    head = ("file", "labelled", "found", "bias", "RMSE", "with scale of others: bias", "RMSE", "range, m")
    keys = ("bias_m_s", "rmse_m_s", "calibrated_bias_m_s", "calibrated_rmse_m_s", "range_m")
    body = [
        (row["file"], row["labelled"], row["found"], *(_fixed(row.get(key), 3) for key in keys))
        for row in found["files"]
    ]
    one, other, counted = found["integrated"], found["calibrated"], found["repetitions"]
    values = (one["bias_m_s"], one["rmse_m_s"], other["bias_m_s"], other["rmse_m_s"])
    body.append(("all", counted["labelled"], counted["found"], *(_fixed(v, 3) for v in values), "-"))
    return rows(head, body)


def _applift(found: Mapping[str, Any]) -> str:
    groups = [("participants left out", found["left_out"])]
    groups += [(name.replace("_", " "), row) for group in found["by"].values() for name, row in group.items()]
    groups += [
        ("default thresholds", found["default"]),
        ("counted live", found["live"]),
        ("without the gyroscope", found["accelerations_only"]),
    ]
    keys = ("mae", "exact", "within_one", "bias")
    return rows(
        ("", "sets", "MAE", "exact", "within one", "bias"),
        [(name, row["sets"], *(_fixed(row[key], 2) for key in keys)) for name, row in groups],
    )


def _fixed(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _leaves(found: Mapping[str, Any]) -> str:
    """Every number of a part with its name; lists are told by their length."""
    return rows(("figure", "value"), list(_flat("", found)))


def _flat(prefix: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{prefix} {str(key).replace('_', ' ')}".strip(), inner)
    elif isinstance(value, list):
        yield (
            prefix,
            f"{len(value)} entries" if any(isinstance(v, (Mapping, list)) for v in value) else _listed(value),
        )
    else:
        yield prefix, value


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(shown(v) for v in values[:8]) + (" ..." if len(values) > 8 else "")
