"""The list of networks (``models/manifest.yaml``): where weights come from, what they must look like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from kinecue.body.errors import ConfigError
from kinecue.body.landmarks import TOPOLOGIES
from kinecue.body.paths import share_dir

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
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
    dtype: Literal["float32", "float16"] = "float32"


class ImageInput(TensorSpec):
    """A picture as a tensor: ``(value - mean) / std`` per channel with values 0 to 255, channels as in `colour`.

    Where all channels are treated alike, `range` says shorter what black and white become.
    """

    layout: Literal["NHWC", "NCHW"]
    colour: Literal["RGB", "BGR"]
    range: tuple[float, float] | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] | None = None

    @model_validator(mode="after")
    def _one_picture(self) -> ImageInput:
        if (self.range is None) == (self.mean is None) or (self.mean is None) != (self.std is None):
            raise ValueError("normalisation: give either range, or mean and std")
        channels = self.shape[-1 if self.layout == "NHWC" else 1] if len(self.shape) == 4 else 0
        if len(self.shape) != 4 or self.shape[0] != 1 or channels != 3:
            allowed = "[1, height, width, 3]" if self.layout == "NHWC" else "[1, 3, height, width]"
            raise ValueError(f"shape: must be {allowed} for layout {self.layout}, got {list(self.shape)}")
        return self

    @property
    def height(self) -> int:
        """Of the picture, px."""
        return self.shape[1 if self.layout == "NHWC" else 2]

    @property
    def width(self) -> int:
        """Of the picture, px."""
        return self.shape[2 if self.layout == "NHWC" else 3]


class Output(TensorSpec):
    """A result; an optional one is computed only when it is asked for."""

    optional: bool = False


class YoloPose(_Strict):
    """Everybody in a picture in one run, as YOLO11-pose gives it.

    Output (1, 5 + 3 K, N): box centre and size, score, K keypoints (x, y, confidence), input pixels; or, with
    `end_to_end`, (1, N, 6 + 3 K): box corners, score, class, keypoints, without duplicates.
    """

    kind: Literal["yolo_pose"]
    end_to_end: bool = False
    score_threshold: Share = 0.25
    """Boxes scored lower are nobody (the default of YOLO11's own prediction)."""
    overlap_threshold: Share = 0.7
    """Intersection over union from which two boxes are the same person (the default likewise)."""
    visible_from: Share = 0.5
    """Confidence of a keypoint from which it counts as visible."""

    def landmarks(self, outputs: Sequence[TensorSpec]) -> int:
        """How many landmarks outputs of these shapes carry; raises ValueError for other shapes."""
        (output,) = _expect(outputs, 1, 3, "yolo_pose")
        extent, before = (output.shape[2], 6) if self.end_to_end else (output.shape[1], 5)
        if extent <= before or (extent - before) % 3:
            form = "[1, N, 6 + 3 K]" if self.end_to_end else "[1, 5 + 3 K, N]"
            raise ValueError(f"outputs: expected shape {form}, got {list(output.shape)}")
        return (extent - before) // 3


class SimCC(_Strict):
    """One person in a box, as RTMPose gives it: outputs (1, K, bins) of x and of y, in this order."""

    kind: Literal["simcc"]
    split_ratio: PositiveFloat = 2.0
    """Bins per input pixel."""
    padding: PositiveFloat = 1.25
    """Extent of the picture's part over the person's box."""
    sigma: tuple[PositiveFloat, PositiveFloat] = (4.9, 5.66)
    """Standard deviations of the labels it was trained on, bins."""
    visible_from: Share = 0.3
    """Confidence of a keypoint from which it counts as visible (MMPose draws it from there on)."""

    def landmarks(self, outputs: Sequence[TensorSpec]) -> int:
        """How many landmarks outputs of these shapes carry; raises ValueError for other shapes."""
        x, y = _expect(outputs, 2, 3, "simcc")
        if x.shape[1] != y.shape[1]:
            raise ValueError(f"outputs: x and y differ in landmarks: {list(x.shape)} and {list(y.shape)}")
        return x.shape[1]


class Heatmaps(_Strict):
    """One person in a box, as ViTPose gives it: output (1, K, height, width), unbiased coordinates (UDP)."""

    kind: Literal["heatmaps"]
    padding: PositiveFloat = 1.25
    """Extent of the picture's part over the person's box."""
    sigma: PositiveFloat = 2.0
    """Standard deviation of the labels it was trained on, cells."""
    kernel: PositiveInt = 11
    """Cells of the blur before the refinement (DARK), per axis, odd."""
    visible_from: Share = 0.3
    """Confidence of a keypoint from which it counts as visible (ViTPose draws it from there on)."""

    @model_validator(mode="after")
    def _odd_kernel(self) -> Heatmaps:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel: must be odd, got {self.kernel}")
        return self

    def landmarks(self, outputs: Sequence[TensorSpec]) -> int:
        """How many landmarks outputs of these shapes carry; raises ValueError for other shapes."""
        (output,) = _expect(outputs, 1, 4, "heatmaps")
        return output.shape[1]


Decoding = Annotated[YoloPose | SimCC | Heatmaps, Field(discriminator="kind")]


def _expect(outputs: Sequence[TensorSpec], count: int, rank: int, kind: str) -> Sequence[TensorSpec]:
    if len(outputs) != count or any(len(output.shape) != rank or output.shape[0] != 1 for output in outputs):
        found = ", ".join(str(list(output.shape)) for output in outputs)
        raise ValueError(f"outputs: {kind} needs {count} of rank {rank} for one picture, got {found}")
    return outputs


class Interface(_Strict):
    """What a kind of network takes and gives.

    Attributes:
        decoding: how outputs become landmarks; None for the BlazePose family, which has code of its own.
    """

    input: ImageInput
    outputs: tuple[Output, ...] = Field(min_length=1)
    topology: str | None = None
    decoding: Decoding | None = None

    @model_validator(mode="after")
    def _known_topology(self) -> Interface:
        if self.topology is not None and self.topology not in TOPOLOGIES:
            raise ValueError(f"topology: {self.topology!r} is unknown; allowed: {', '.join(TOPOLOGIES)}")
        if self.decoding is not None:
            if self.topology is None:
                raise ValueError(f"topology: must be given; allowed: {', '.join(TOPOLOGIES)}")
            expected, found = len(TOPOLOGIES[self.topology]), self.decoding.landmarks(self.outputs)
            if expected != found:
                raise ValueError(
                    f"topology: {self.topology} has {expected} landmarks, the outputs carry {found}"
                )
        return self

    @property
    def always(self) -> tuple[str, ...]:
        """Names of the outputs that are not optional."""
        return tuple(output.name for output in self.outputs if not output.optional)


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


class SuppliedModel(_Strict):
    """A network whose ONNX file the user brings."""

    interface: str
    file: str
    """Path of the ONNX file; relative to the folder of the manifest."""
    onnx: FileDigest
    licence: str
    source: str
    """Where it comes from, for people."""


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
    packages: dict[str, Package] = Field(default_factory=dict)
    interfaces: dict[str, Interface] = Field(default_factory=dict)
    models: dict[FileName, Model] = Field(default_factory=dict)
    supplied: dict[FileName, SuppliedModel] = Field(default_factory=dict)
    test_files: dict[FileName, TestFile] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _references(self) -> Manifest:
        entries: dict[str, Model | TestFile] = {**self.models, **self.test_files}
        for name, entry in entries.items():
            if entry.package not in self.packages:
                raise ValueError(
                    f"{name}.package: {entry.package!r} is unknown; allowed: {', '.join(self.packages)}"
                )
        networks: dict[str, Model | SuppliedModel] = {**self.models, **self.supplied}
        for name, model in networks.items():
            if model.interface not in self.interfaces:
                allowed = ", ".join(self.interfaces)
                raise ValueError(f"{name}.interface: {model.interface!r} is unknown; allowed: {allowed}")
        names = [*self.models, *self.supplied, *self.test_files]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names used more than once: {', '.join(twice)}")
        return self

    def interface_of(self, model: str) -> Interface:
        """The interface of the model called `model`."""
        entry = self.models[model] if model in self.models else self.supplied[model]
        return self.interfaces[entry.interface]


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
    return _validated(source, _read(source))


def load_user_manifest(path: Path) -> Manifest:
    """Read a manifest of networks that the user supplies; it may use the interfaces of the shipped one by name.

    Raises:
        ConfigError: as :func:`load_manifest`, or it lists nothing under ``supplied``.
    """
    content = _read(path)
    if isinstance(content, dict) and isinstance(content.get("interfaces", {}), dict):
        shipped = _read(manifest_path())["interfaces"]
        content = {**content, "interfaces": {**shipped, **content.get("interfaces", {})}}
    manifest = _validated(path, content)
    if not manifest.supplied:
        raise ConfigError(path, "supplied", "lists no network")
    return manifest


def _read(source: Path) -> Any:
    try:
        return yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(source, "", f"cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(source, "", f"not valid YAML: {error}") from error


def _validated(source: Path, content: Any) -> Manifest:
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
