"""Where the cameras of a rig stand: a versioned file that people can read and write."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kinecue.body.camera import CameraModel
from kinecue.body.errors import ConfigError

FORMAT = 1
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_/]*$")]
"""Of a camera; the name of its namespace in the graph."""


@dataclass(frozen=True)
class PoseStd:
    """Standard deviations of where a camera stands: m and rad. NaN unknown."""

    x: float = math.nan
    y: float = math.nan
    height: float = math.nan
    yaw: float = math.nan
    tilt: float = math.nan
    roll: float = math.nan


@dataclass(frozen=True)
class Rig:
    """Calibrated cameras of one scene.

    Attributes:
        cameras: name -> camera in the base frame of the first one.
        std: name -> how well its place is known; missing = not told.
        calibrated_at: ISO 8601; empty if not told.
        residual_px: root mean square of the calibration's reprojection errors, px; NaN if not told.
    """

    cameras: Mapping[str, CameraModel]
    std: Mapping[str, PoseStd] = field(default_factory=dict)
    calibrated_at: str = ""
    residual_px: float = math.nan

    def __post_init__(self) -> None:
        if not self.cameras:
            raise ValueError("Rig.cameras: at least one camera is needed")
        first = next(iter(self.cameras.values()))
        if (first.x, first.y, first.yaw) != (0.0, 0.0, 0.0):
            raise ValueError(
                f"Rig.cameras: the first must be at x 0, y 0, yaw 0, got {first.x:g}, {first.y:g}, {first.yaw:g}"
            )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Std(_Strict):
    x_m: float | None = Field(None, ge=0)
    y_m: float | None = Field(None, ge=0)
    height_m: float | None = Field(None, ge=0)
    yaw_deg: float | None = Field(None, ge=0)
    tilt_deg: float | None = Field(None, ge=0)
    roll_deg: float | None = Field(None, ge=0)


class _Camera(_Strict):
    width: int = Field(gt=0, le=20_000)
    height: int = Field(gt=0, le=20_000)
    fx: float = Field(gt=0)
    fy: float = Field(gt=0)
    cx: float
    cy: float
    distortion_model: str = "plumb_bob"
    distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    x_m: float = Field(ge=-50, le=50)
    y_m: float = Field(ge=-50, le=50)
    height_m: float = Field(gt=0, le=10)
    yaw_deg: float = Field(ge=-360, le=360)
    tilt_deg: float = Field(ge=-90, le=90)
    roll_deg: float = Field(ge=-180, le=180)
    std: _Std | None = None

    @model_validator(mode="after")
    def _possible(self) -> _Camera:
        self.model()
        return self

    def model(self) -> CameraModel:
        return CameraModel(
            self.width,
            self.height,
            self.fx,
            self.fy,
            self.cx,
            self.cy,
            self.distortion,
            self.height_m,
            math.radians(self.tilt_deg),
            math.radians(self.roll_deg),
            x=self.x_m,
            y=self.y_m,
            yaw=math.radians(self.yaw_deg),
            distortion_model=self.distortion_model,
        )


class _File(_Strict):
    format: Literal[1]
    calibrated_at: str = ""
    residual_px: float | None = Field(None, ge=0)
    cameras: dict[Name, _Camera] = Field(min_length=1)

    @model_validator(mode="after")
    def _first_at_the_origin(self) -> _File:
        name, first = next(iter(self.cameras.items()))
        if (first.x_m, first.y_m, first.yaw_deg) != (0.0, 0.0, 0.0):
            raise ValueError(
                f"cameras.{name}: the first camera must have x_m 0, y_m 0 and yaw_deg 0 (the base frame is its own)"
            )
        return self


_ANGLES = ("yaw", "tilt", "roll")


def load_rig(path: Path) -> Rig:
    """Reads a file.

    Raises:
        ConfigError: unreadable, not YAML, or a field is missing, unknown or not allowed; names file and field.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(path, "", f"not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(path, "", "must hold the fields format and cameras")
    if content.get("format") != FORMAT:
        raise ConfigError(path, "format", f"is {content.get('format')!r}, allowed: {FORMAT}")
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        value = "" if first["type"] == "missing" else f", got {first['input']!r:.80}"
        raise ConfigError(path, place, f"{first['msg']}{value}{more}") from error
    std = {}
    for name, camera in file.cameras.items():
        if camera.std is not None:
            s = {key: math.nan if v is None else v for key, v in camera.std.model_dump().items()}
            std[name] = PoseStd(
                s["x_m"], s["y_m"], s["height_m"], *(math.radians(s[f"{angle}_deg"]) for angle in _ANGLES)
            )
    return Rig(
        {name: camera.model() for name, camera in file.cameras.items()},
        std,
        file.calibrated_at,
        math.nan if file.residual_px is None else file.residual_px,
    )


def save_rig(rig: Rig, path: Path) -> None:
    """Writes a file, whole or not at all; folders are made.

    Raises:
        ConfigError: it cannot be written.
    """
    cameras = {}
    for name, camera in rig.cameras.items():
        entry: dict[str, Any] = {
            key: getattr(camera, key) for key in ("width", "height", "fx", "fy", "cx", "cy")
        }
        entry |= {"distortion_model": camera.distortion_model, "distortion": list(camera.distortion)}
        entry |= {"x_m": camera.x, "y_m": camera.y, "height_m": camera.mount_height}
        entry |= {f"{angle}_deg": math.degrees(getattr(camera, angle)) for angle in _ANGLES}
        std = rig.std.get(name)
        if std is not None:
            known = {"x_m": std.x, "y_m": std.y, "height_m": std.height}
            known |= {f"{angle}_deg": math.degrees(getattr(std, angle)) for angle in _ANGLES}
            entry["std"] = {key: round(value, 5) for key, value in known.items() if math.isfinite(value)}
        cameras[name] = {
            key: round(float(value), 6) if isinstance(value, float) else value for key, value in entry.items()
        }
    content: dict[str, Any] = {"format": FORMAT, "calibrated_at": rig.calibrated_at}
    if math.isfinite(rig.residual_px):
        content["residual_px"] = round(rig.residual_px, 3)
    content["cameras"] = cameras
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise ConfigError(path, "", f"cannot be written: {error.strerror}") from error
