"""The list of networks (``models/manifest.yaml``): where weights come from, what they must look like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from kinecue.body.errors import ConfigError
from kinecue.body.landmarks import TOPOLOGIES
from kinecue.body.paths import share_dir

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PositiveInt = Annotated[int, Field(gt=0)]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileDigest(_Strict):
    """What a file must be, byte for byte."""

    bytes: PositiveInt
    sha256: Sha256


class WheelTags(_Strict):
    """Tags of the wheel to ask pip for, whatever Python asks."""

    python: str
    implementation: str
    abi: str
    platform: str


class Package(FileDigest):
    """An archive of a public package registry."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    file: FileName
    licence: str
    wheel: WheelTags | None = None

    @model_validator(mode="after")
    def _wheel_for_pypi(self) -> Package:
        if (self.registry == "pypi") != (self.wheel is not None):
            raise ValueError("wheel: must be given for registry pypi and only there")
        return self


class TensorSpec(_Strict):
    """Name and fixed shape of an input or output."""

    name: str
    shape: tuple[PositiveInt, ...]


class ImageInput(TensorSpec):
    """A picture as a float32 tensor; `range` is what black and white become."""

    layout: Literal["NHWC", "NCHW"]
    colour: Literal["RGB", "BGR"]
    range: tuple[float, float]


class Interface(_Strict):
    """What a kind of network takes and gives."""

    input: ImageInput
    outputs: tuple[TensorSpec, ...] = Field(min_length=1)
    topology: str | None = None

    @model_validator(mode="after")
    def _known_topology(self) -> Interface:
        if self.topology is not None and self.topology not in TOPOLOGIES:
            raise ValueError(f"topology: {self.topology!r} is unknown; allowed: {', '.join(TOPOLOGIES)}")
        return self


class Model(_Strict):
    """A network: the file in a package, what it is converted to, and its interface."""

    interface: str
    package: str
    member: tuple[str, ...] = Field(min_length=1)
    """Path in the archive; further entries are paths in archives inside it."""
    tflite: FileDigest
    onnx: FileDigest
    licence: str
    default: bool
    """Whether set-up installs it unasked."""


class TestFile(_Strict):
    """A file that only tests and benchmarks need, taken out of a package as it is."""

    __test__ = False  # not a test class, whatever its name makes pytest think

    package: str
    member: tuple[str, ...] = Field(min_length=1)
    file: FileName
    content: FileDigest
    licence: str


class Manifest(_Strict):
    """The whole file."""

    format: Literal[1]
    packages: dict[str, Package]
    interfaces: dict[str, Interface]
    models: dict[FileName, Model]
    test_files: dict[FileName, TestFile] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _references(self) -> Manifest:
        entries: dict[str, Model | TestFile] = {**self.models, **self.test_files}
        for name, entry in entries.items():
            if entry.package not in self.packages:
                raise ValueError(
                    f"{name}.package: {entry.package!r} is unknown; allowed: {', '.join(self.packages)}"
                )
        for name, model in self.models.items():
            if model.interface not in self.interfaces:
                allowed = ", ".join(self.interfaces)
                raise ValueError(f"{name}.interface: {model.interface!r} is unknown; allowed: {allowed}")
        both = set(self.models) & set(self.test_files)
        if both:
            raise ValueError(f"names used both in models and test_files: {', '.join(sorted(both))}")
        return self

    def interface_of(self, model: str) -> Interface:
        """The interface of the model called `model`."""
        return self.interfaces[self.models[model].interface]


def manifest_path() -> Path:
    """The manifest that is shipped."""
    return share_dir() / "models" / "manifest.yaml"


def load_manifest(path: Path | None = None) -> Manifest:
    """Read and check a manifest, the shipped one by default.

    Raises:
        ConfigError: unreadable, not YAML, or a field is missing, unknown or not allowed; names file and
            field.
    """
    source = path or manifest_path()
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(source, "", f"cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(source, "", f"not valid YAML: {error}") from error
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        problem = (
            first["msg"] if first["type"] == "missing" else f"{first['msg']}, got {first['input']!r:.80}"
        )
        raise ConfigError(source, field, problem + more) from error
