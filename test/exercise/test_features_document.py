"""`docs/features.md` lists what is registered, as it is registered."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinecue.exercise.features import FEATURES, SOURCES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "features.md"
ROWS = {
    cells[1].strip(" `"): [cell.strip() for cell in cells[2:-1]]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `") and (cells := line.split("|"))
}
SHOWN = {"rad": "deg", "m": "cm"}


def test_the_page_lists_the_registered_features_and_no_others() -> None:
    assert set(ROWS) == set(FEATURES), "run bench/feature_errors.py --document"


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_the_page_says_what_the_code_says(name: str) -> None:
    item, (unit, what, views, *errors) = FEATURES[name], ROWS[name]
    assert unit == SHOWN.get(item.unit, item.unit)
    assert what.startswith(item.definition)
    assert ("left positive" in what.lower()) >= (item.mirrored and not item.sided)
    assert views == item.views
    assert len(errors) == 4


def test_every_module_of_features_is_a_section() -> None:
    headings = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert len(headings) == len(SOURCES)
