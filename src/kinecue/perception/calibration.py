"""Camera calibration files as ROS's camera_calibration writes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kinecue.body.errors import ConfigError


@dataclass(frozen=True)
class Intrinsics:
    """A lens, as in sensor_msgs/CameraInfo.

    Attributes:
        width, height: px.
        matrix: 9 values of K, row-major, px.
        distortion: k1 k2 p1 p2 k3 (plumb bob).
    """

    width: int
    height: int
    matrix: tuple[float, ...]
    distortion: tuple[float, ...]


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
    model = data.get("distortion_model", "plumb_bob")
    if model != "plumb_bob":
        raise ConfigError(path, "distortion_model", f"is {model!r}, allowed: plumb_bob")
    width, height = (_size(path, data, name) for name in ("image_width", "image_height"))
    matrix = _numbers(path, data, "camera_matrix", 9)
    if matrix[0] <= 0 or matrix[4] <= 0:
        raise ConfigError(
            path, "camera_matrix", f"focal lengths must be positive, got {matrix[0]} and {matrix[4]}"
        )
    return Intrinsics(width, height, matrix, _numbers(path, data, "distortion_coefficients", 5))


def _size(path: Path, data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100_000:
        raise ConfigError(path, name, f"is {value!r}, allowed: an integer from 1 to 100000")
    return value


def _numbers(path: Path, data: dict[str, Any], name: str, count: int) -> tuple[float, ...]:
    block = data.get(name)
    values = block.get("data") if isinstance(block, dict) else None
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(isinstance(v, (int, float)) for v in values)
    ):
        raise ConfigError(path, f"{name}.data", f"is {values!r}, allowed: {count} numbers")
    result = tuple(float(v) for v in values)
    if not all(math.isfinite(v) for v in result):
        raise ConfigError(path, f"{name}.data", "must be finite")
    return result
