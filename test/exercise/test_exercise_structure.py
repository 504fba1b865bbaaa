"""Kinds, sides, stages and references of an exercise file: what is refused, and in which words."""

from __future__ import annotations

import json

import pytest
from joint_athlete import exercise
from signal_course import BEND
from test_holds import HELD
from test_sides import LUNGE
from test_stages import STAGES

from kinecue.exercise import ExerciseError, Phase
from kinecue.exercise.exercise_file import exercise_schema, exercises_dir, parse_exercise
from kinecue.exercise.features import FEATURES

FILE = {
    "bend": BEND.format(first="load_direction: eccentric_first", learn="", hold=0.2),
    "held": HELD,
    "stages": STAGES.format(back="back: reverse"),
    "lunge": LUNGE.format(leading="", side="leading"),
}


@pytest.mark.parametrize("name", FILE)
def test_each_kind_is_read(name):
    model = parse_exercise(FILE[name])
    assert (model.progress is None) == (name in ("held", "stages"))
    assert model.feature_names()
    assert {model.outward, model.homeward} == {Phase.ECCENTRIC, Phase.CONCENTRIC}


def test_what_others_have_no_progress_for_says_so():
    with pytest.raises(Exception, match="kind held has none"):
        _ = parse_exercise(HELD).movement


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (
            "bend",
            "load_direction: eccentric_first",
            "",
            ("load_direction", "is missing", "kind: repetitions needs"),
        ),
        (
            "bend",
            "load_direction: eccentric_first",
            "kind: hold",
            ("kind", "allowed: repetitions, held, stages"),
        ),
        ("bend", "title: Bend", "title: Bend\nhold: {least_s: 3}", ("hold", "only for kind: held")),
        ("bend", "title: Bend", "title: Bend\nback: none", ("back", "only for kind: stages")),
        ("held", "hold: {least_s: 10, bridge_s: 2}", "", ("hold", "is missing")),
        ("held", "least_s: 10", "least_s: -1", ("hold.least_s", "greater than 0")),
        (
            "held",
            ", conditions: [{feature: knee_flexion, unit: deg, max: 30}]",
            "",
            ("in_position", "conditions"),
        ),
        ("stages", "name: hand", "name: elbow", (":10:", "stages[1].name", "given twice")),
        ("stages", "name: hand", "name: bottom", ("stages[1].name", "is a phase")),
        (
            "stages",
            "ideal: {stand:",
            "ideal: {sit:",
            ("features[0].ideal.sit", "allowed: any, top", "elbow, hand, stand"),
        ),
        ("stages", "back: reverse", "back: home", ("back", "allowed: reverse, none")),
        ("stages", "back: reverse", "sides: alternating", ("leading", "is missing")),
        ("lunge", "sides: alternating", "sides: both", ("progress.side", "only for sides: alternating")),
        (
            "lunge",
            "side: leading, unit: deg, start",
            "side: each, unit: deg, start",
            ("progress", "needs one number"),
        ),
        ("lunge", "side: leading\n", "side: trailings\n", ("faults.deep.side", "allowed: each, mean")),
        ("lunge", "limit: 118", "limit: 118\n    safety: 90", ("faults.deep.safety", "not be stricter")),
        (
            "lunge",
            "limit: 118",
            "limit: 118\n    stages: [stand]",
            ("faults.deep.stages", "stand is no stage"),
        ),
        (
            "lunge",
            "    side: leading\n    unit: deg\n    outside: above",
            "    side: larger\n    relative_to_ideal: true\n    unit: deg\n    outside: above",
            ("faults.deep.relative_to_ideal", "needs an ideal course"),
        ),
        (
            "lunge",
            "sides: alternating",
            "sides: alternating\nleading: {feature: trunk_lean, unit: deg, margin: 5}",
            ("leading.feature", "does not tell left from right"),
        ),
        (
            "lunge",
            "sides: alternating",
            "sides: both\nleading: {feature: knee_flexion, unit: deg, margin: 5}",
            ("leading", "only for sides: alternating"),
        ),
    ],
)
def test_errors_name_field_and_what_is_allowed(name, old, new, words):
    assert old in FILE[name]
    with pytest.raises(ExerciseError) as caught:
        parse_exercise(FILE[name].replace(old, new, 1), "x.yaml")
    text = str(caught.value)
    assert text.startswith("x.yaml:")
    for word in words:
        assert word in text


def test_own_range_has_limits():
    for wrong in ("{least: 0.2}", "{most: 0.9}", "{least: 1.1}"):
        with pytest.raises(ExerciseError, match="learn"):
            parse_exercise(
                BEND.format(first="load_direction: eccentric_first", learn=f", learn: {wrong}", hold=0.2)
            )


def test_files_of_before_stay_valid_and_the_schema_knows_the_new_blocks():
    assert exercise("squat").kind == "repetitions"
    schema = exercise_schema()
    assert {"kind", "hold", "stages", "back", "sides", "leading", "recognition"} <= set(schema["properties"])


def test_the_schema_for_editors_is_the_one_of_the_loader_and_every_file_names_it():
    """Not compared word for word: other versions of pydantic describe the same in other words."""
    folder = exercises_dir()
    kept = json.loads((folder.parent / "exercise.schema.json").read_text(encoding="utf-8"))
    now = exercise_schema()
    assert set(kept["properties"]) == set(now["properties"])
    assert set(kept["$defs"]) == set(now["$defs"])
    for name, block in now["$defs"].items():
        assert set(kept["$defs"][name].get("properties", ())) == set(block.get("properties", ())), name
        assert kept["$defs"][name].get("enum") == block.get("enum"), name
    rule = kept["$defs"]["FaultRule"]["properties"]
    assert rule["feature"]["enum"] == sorted(FEATURES)
    for path in folder.glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=../exercise.schema.json", path
