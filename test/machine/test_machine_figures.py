"""How the figures of the machine are put together from those who measure them."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest
from rich.console import Console

from bench import machine
from bench.machine_tables import markdown

KEYS = {
    "rep_f1", "velocity_rmse_m_s", "clock_offset_error_ms", "grf_nrmse", "barbell_peak_velocity_rmse_m_s",
    "applift_rep_mae", "cpu_share_1khz", "known_answers",
}  # fmt: skip
GOOD = {
    "machine_drivers": {"cpu_share_1khz": 0.2, "reconnection": {"noticed_s": {"median": 0.1}}},
    "machine_graph": {"latency_ms": 80.0},
    "machine_repetitions": {"rep_f1": 0.999, "velocity_rmse_m_s": 0.01, "clock_offset_error_ms": 8.0},
    "machine_checks": {},
    "inertial": {"barbell_peak_velocity_rmse_m_s": 0.1, "applift_rep_mae": 0.6},
    "ground_reaction": {"grf_nrmse": {"total": 0.06, "left": 0.1, "right": 0.11}},
    "load_known_answers": {"known_answers": [{"case": "a", "expected": 1.0, "got": 1.01}]},
}


@pytest.fixture
def quiet():
    return Console(quiet=True)


def stand_in(monkeypatch, name, measure):
    module = ModuleType(f"bench.{name}")
    if measure is not None:
        module.measure = measure
    monkeypatch.setitem(sys.modules, f"bench.{name}", module)


@pytest.fixture
def helpers(monkeypatch):
    """Every module of figures, replaced by one that gives the figures above at once."""
    for name, found in GOOD.items():
        stand_in(monkeypatch, name, lambda console, quick, found=found: dict(found))
    monkeypatch.setattr(machine, "PARTS", {**machine.PARTS, "inertial": plain_inertial()})


def plain_inertial():
    return machine.PARTS["inertial"]


def run(tmp_path, *arguments):
    return machine.main(["--output", str(tmp_path / "machine.json"), *arguments])


def read(tmp_path):
    return json.loads((tmp_path / "machine.json").read_text(encoding="utf-8"))


def test_the_document_has_the_figures_that_the_issue_names(helpers, tmp_path):
    assert run(tmp_path) == 0
    document = read(tmp_path)
    assert set(document) >= KEYS
    assert document["grf_nrmse"] == {"total": 0.06, "left": 0.1, "right": 0.11}
    assert document["known_answers"] == [{"case": "a", "expected": 1.0, "got": 1.01}]
    assert document["problems"] == {}
    assert set(document["details"]) == set(machine.PARTS)
    assert "rep_f1" not in document["details"]["repetitions"]
    assert set(machine.KEYS) == KEYS


def test_a_part_that_fails_is_named_and_costs_the_others_nothing(helpers, monkeypatch, tmp_path):
    def broken(console, quick):
        raise ValueError("no such plate")

    stand_in(monkeypatch, "ground_reaction", broken)
    assert run(tmp_path) == 1
    document = read(tmp_path)
    assert document["problems"] == {"ground": "ValueError: no such plate"}
    assert document["rep_f1"] == 0.999
    assert "grf_nrmse" not in document


@pytest.mark.parametrize(
    ("name", "found", "part", "said"),
    [
        ("machine_repetitions", {"rep_f1": 0.9}, "repetitions", "velocity_rmse_m_s is missing"),
        (
            "machine_repetitions",
            {**GOOD["machine_repetitions"], "rep_f1": float("nan")},
            "repetitions",
            "rep_f1 is nan",
        ),
        ("ground_reaction", {"grf_nrmse": {"total": 0.1, "left": 0.1}}, "ground", "right is None"),
        ("ground_reaction", {"grf_nrmse": 0.1}, "ground", "expected total, left, right"),
        ("load_known_answers", {"known_answers": []}, "known", "no list of cases"),
        ("load_known_answers", {"known_answers": [{"case": "a"}]}, "known", "expected, got"),
        ("machine_drivers", {"cpu_share_1khz": True}, "drivers", "expected a finite number"),
        ("machine_checks", None, "checks", "expected a dict"),
    ],
)
def test_a_figure_that_is_missing_or_no_figure_is_told(
    helpers, monkeypatch, tmp_path, name, found, part, said
):
    stand_in(monkeypatch, name, lambda console, quick: found)
    assert run(tmp_path) == 1
    assert said in read(tmp_path)["problems"][part]


def test_a_module_without_measure_is_told(helpers, monkeypatch, tmp_path):
    stand_in(monkeypatch, "machine_checks", None)
    assert run(tmp_path) == 1
    assert "no measure" in read(tmp_path)["problems"]["checks"]


def test_a_module_that_is_absent_is_told(helpers, monkeypatch, tmp_path):
    parts = {"checks": machine.Part("nobody_wrote_this", {})}
    monkeypatch.setattr(machine, "PARTS", parts)
    assert run(tmp_path) == 1
    assert "cannot be imported" in read(tmp_path)["problems"]["checks"]


def test_one_part_again_leaves_the_others(helpers, monkeypatch, tmp_path):
    assert run(tmp_path) == 0
    asked = []
    stand_in(
        monkeypatch,
        "inertial",
        lambda console, quick: (
            asked.append(quick) or {"barbell_peak_velocity_rmse_m_s": 0.09, "applift_rep_mae": 0.5}
        ),
    )
    assert run(tmp_path, "--only", "inertial", "--quick") == 0
    document = read(tmp_path)
    assert asked == [True]
    assert document["applift_rep_mae"] == 0.5
    assert document["rep_f1"] == 0.999
    assert document["details"]["inertial"]["quick"] and not document["details"]["drivers"]["quick"]


def test_a_figure_of_before_does_not_outlive_a_failure(helpers, monkeypatch, tmp_path):
    assert run(tmp_path) == 0
    stand_in(monkeypatch, "inertial", lambda console, quick: {})
    assert run(tmp_path, "--only", "inertial") == 1
    document = read(tmp_path)
    assert "applift_rep_mae" not in document
    assert "inertial" not in document["details"]


def test_tables_tell_figures_and_what_is_missing(helpers, monkeypatch, tmp_path):
    stand_in(monkeypatch, "machine_checks", None)
    for name in ("inertial",):
        stand_in(monkeypatch, name, lambda console, quick: {})
    run(tmp_path)
    text = markdown(read(tmp_path))
    assert "0.999" in text and "ground reaction, left" in text
    assert "Not measured" in text and "no measure" in text


def test_what_json_has_no_word_for_becomes_null(quiet):
    assert machine.plain({"a": float("nan"), "b": (1, float("inf"))}) == {"a": None, "b": [1, None]}
