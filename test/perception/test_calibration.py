"""Camera calibration files, right and wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kinecue.body import ConfigError
from kinecue.perception.calibration import load_intrinsics

GOOD: dict[str, Any] = {
    "image_width": 640,
    "image_height": 480,
    "camera_name": "head",
    "camera_matrix": {"rows": 3, "cols": 3, "data": [500.0, 0, 320, 0, 501.0, 240, 0, 0, 1]},
    "distortion_model": "plumb_bob",
    "distortion_coefficients": {"rows": 1, "cols": 5, "data": [-0.1, 0.02, 0.0, 0.001, 0.0]},
}


def written(tmp_path: Path, **change: Any) -> Path:
    path = tmp_path / "camera.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **change}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("model", "coefficients"),
    [
        ("plumb_bob", [-0.1, 0.02, 0.0, 0.001, 0.0]),
        ("rational_polynomial", [0.9, 0.3, 0.0, 0.0, 0.02, 1.2, 0.5, 0.08]),
        ("equidistant", [-0.01, 0.004, -0.002, 0.0001]),
    ],
)
def test_every_model_of_the_calibrator_is_read(tmp_path: Path, model: str, coefficients: list[float]) -> None:
    known = load_intrinsics(
        written(tmp_path, distortion_model=model, distortion_coefficients={"data": coefficients})
    )
    assert (known.width, known.height, known.matrix[4]) == (640, 480, 501.0)
    assert (known.distortion_model, known.distortion) == (model, tuple(coefficients))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"distortion_model": "fov"},
            ("distortion_model", "'fov'", "plumb_bob, rational_polynomial, equidistant"),
        ),
        ({"distortion_model": ["plumb_bob"]}, ("distortion_model", "allowed")),
        ({"distortion_model": "equidistant"}, ("distortion_coefficients.data", "4 finite numbers")),
        (
            {"distortion_coefficients": {"data": [0, 0, 0, 0, True]}},
            ("distortion_coefficients.data", "5 finite"),
        ),
        ({"distortion_coefficients": {"data": [0, 0, 0, 0, 10**400]}}, ("distortion_coefficients.data",)),
        (
            {"distortion_coefficients": {"data": [0, 0, 0, 0, float("nan")]}},
            ("distortion_coefficients.data",),
        ),
        ({"camera_matrix": {"data": [0.0] * 9}}, ("camera_matrix", "positive")),
        ({"camera_matrix": 3}, ("camera_matrix.data", "9 finite numbers")),
        ({"image_width": 0}, ("image_width", "1 to 100000")),
    ],
)
def test_wrong_files_say_file_field_and_what_is_allowed(
    tmp_path: Path, change: dict[str, Any], said: tuple[str, ...]
) -> None:
    path = written(tmp_path, **change)
    with pytest.raises(ConfigError) as error:
        load_intrinsics(path)
    for word in (str(path), *said):
        assert word in str(error.value)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_intrinsics(tmp_path / "none.yaml")
    path = tmp_path / "list.yaml"
    path.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(ConfigError, match="fields of a ROS camera calibration"):
        load_intrinsics(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="not a YAML file"):
        load_intrinsics(path)
