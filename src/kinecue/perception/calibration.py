"""Camera calibration files as ROS's camera_calibration writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kinecue.body.errors import ConfigError
from kinecue.body.lens import COEFFICIENTS, PLUMB_BOB


@dataclass(frozen=True)
class Intrinsics:
    """A lens, as in sensor_msgs/CameraInfo.

    Attributes:
        width, height: px.
        matrix: 9 values of K, row-major, px.
        distortion: coefficients of `distortion_model`.
        distortion_model: as in sensor_msgs/CameraInfo; `kinecue.body.lens` says which there are.
    """

    width: int
    height: int
    matrix: tuple[float, ...]
    distortion: tuple[float, ...]
    distortion_model: str = PLUMB_BOB


def load_intrinsics(path: Path) -> Intrinsics:
    """Reads a calibration file.

    Raises:
        ConfigError: the file is missing, not YAML, or a field is missing or not allowed.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"is not a YAML file: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(path, "", "must hold the fields of a ROS camera calibration")
    model = data.get("distortion_model", PLUMB_BOB)
    if not isinstance(model, str) or model not in COEFFICIENTS:
        raise ConfigError(path, "distortion_model", f"is {model!r}, allowed: {', '.join(COEFFICIENTS)}")
    width, height = (_size(path, data, name) for name in ("image_width", "image_height"))
    matrix = _numbers(path, data, "camera_matrix", 9)
    if matrix[0] <= 0 or matrix[4] <= 0:
        raise ConfigError(
            path, "camera_matrix", f"focal lengths must be positive, got {matrix[0]} and {matrix[4]}"
        )
    distortion = _numbers(path, data, "distortion_coefficients", COEFFICIENTS[model])
    return Intrinsics(width, height, matrix, distortion, model)


def _size(path: Path, data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100_000:
        raise ConfigError(path, name, f"is {value!r}, allowed: an integer from 1 to 100000")
    return value


def _numbers(path: Path, data: dict[str, Any], name: str, count: int) -> tuple[float, ...]:
    block = data.get(name)
    values = block.get("data") if isinstance(block, dict) else None
    if not isinstance(values, list) or len(values) != count or not all(_is_number(v) for v in values):
        raise ConfigError(path, f"{name}.data", f"is {values!r}, allowed: {count} finite numbers")
    return tuple(float(v) for v in values)


def _is_number(value: object) -> bool:
    # comparing first keeps integers that no float can hold from raising
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300
