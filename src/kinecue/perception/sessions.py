"""Networks under onnxruntime: what runs them, and whether the file is the expected one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from kinecue.perception.errors import ModelError, ProviderError
from kinecue.perception.manifest import ImageInput, Interface, TensorSpec
from kinecue.perception.onnx_prune import pruned
from kinecue.perception.provider_choice import (
    HALF_TOLERANCE,
    TOLERANCE,
    ChoiceStore,
    ProviderChoice,
    Run,
    choice_key,
    measure,
)
from kinecue.perception.providers import CPU, PROVIDERS, available_providers, candidates, start

__all__ = ["PROVIDERS", "FloatImage", "Network", "available_providers", "open_network"]

FloatImage = NDArray[np.float32]


class Network:
    """An open network.

    Optional outputs of its interface cost nothing until they are asked for the first time; then the whole
    network is opened beside, which takes the time of a few pictures.

    Attributes:
        interface: its inputs and outputs.
        provider: the execution provider that really runs it (a key of `PROVIDERS`).
        choice: how the provider was chosen.
        metadata: what the file says of itself.
    """

    def __init__(self, loader: _Loader, choice: ProviderChoice, metadata: dict[str, str]) -> None:
        self.interface = loader.interface
        self.provider = choice.provider
        self.choice = choice
        self.metadata = metadata
        self._loader = loader
        self._always = frozenset(loader.interface.always)
        self._session = loader.session(choice.provider, loader.interface.always)
        self._whole: Any = self._session if len(self._always) == len(loader.interface.outputs) else None
        self._input = loader.interface.input.name
        self._shapes_known = False

    def run(self, image: FloatImage, outputs: Sequence[str]) -> tuple[NDArray[np.float32], ...]:
        """Run on one picture.

        Args:
            image: the input tensor, shape and scale as `interface.input` states.
            outputs: names of the outputs wanted.

        Returns:
            The outputs in the order asked for. They may hold NaN if the network went wrong.

        Raises:
            ModelError: at the first run, if sizes that the file leaves open are not the expected ones.
        """
        session = self._session
        if not self._always.issuperset(outputs):
            if self._whole is None:
                names = [output.name for output in self.interface.outputs]
                self._whole = self._loader.session(self.provider, names)
            session = self._whole
        results = tuple(session.run(list(outputs), {self._input: image}))
        if not self._shapes_known:
            self._check_shapes(outputs, results)
        return results

    def _check_shapes(self, names: Sequence[str], results: Sequence[FloatImage]) -> None:
        """Once: a file may leave sizes open."""
        for name, result in zip(names, results, strict=True):
            expected = next(output.shape for output in self.interface.outputs if output.name == name)
            if result.shape != expected:
                raise ModelError(
                    f"{self._loader.path}: not the expected kind of network: expected {name} {list(expected)}, "
                    f"found {list(result.shape)}"
                )
        self._shapes_known = True


class _Loader:
    """The file of a network, its interface, and how sessions on it are opened."""

    def __init__(self, path: Path, interface: Interface, threads: int, cache: Path | None) -> None:
        self.path = path
        self.interface = interface
        self._threads = threads
        self._cache = cache

    def session(self, provider: str, outputs: Sequence[str]) -> Any:
        """A session that computes `outputs` and what they need."""
        if len(outputs) == len(self.interface.outputs):
            return start(self.path, provider, self._threads, self._cache)
        return start(pruned(self.path.read_bytes(), outputs), provider, self._threads, self._cache)

    def start(self, provider: str) -> Run:
        """What a measurement runs."""
        outputs, name = self.interface.always, self.interface.input.name
        session = self.session(provider, outputs)
        return lambda tensor: tuple(session.run(list(outputs), {name: tensor}))


def inspect(path: Path) -> tuple[Sequence[Any], Sequence[Any], dict[str, str]]:
    """Inputs and outputs of an ONNX file as onnxruntime gives them, and what the file says of itself.

    Raises:
        ModelError: the file cannot be loaded.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[PROVIDERS[CPU].engine])
    except Exception as error:  # onnxruntime's exceptions share no base class
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{path}: onnxruntime cannot load this network: {reason}") from error
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    return session.get_inputs(), session.get_outputs(), metadata


def open_network(
    path: Path,
    interface: Interface,
    provider: str = "auto",
    threads: int = 1,
    choices: Path | None = None,
) -> Network:
    """Load an ONNX file and check it against the interface.

    Args:
        path: the file.
        interface: inputs and outputs it must have.
        provider: a key of `PROVIDERS`, or 'auto' for the fastest here that computes the same as the CPU. It
            is measured on first use, and again when the network, onnxruntime or the machine changes.
        threads: intra-op threads. One is faster than two on a machine that does anything else.
        choices: file in which measured choices are kept; None = measured each time. Providers keep what they
            compile beside it.

    Raises:
        ProviderError: the provider asked for is unknown, not there, or does not start; names those that
            exist.
        ModelError: the file cannot be loaded, or its inputs or outputs differ (expected and found are named).
        ValueError: `threads` is less than 1.
    """
    if threads < 1:
        raise ValueError(f"threads must be 1 or more, got {threads}")
    wanted = candidates(provider)
    loader = _Loader(path, interface, threads, choices.parent if choices else None)
    inputs, results, metadata = inspect(path)
    _check(path, interface, inputs, results)
    if provider != "auto":
        return Network(loader, ProviderChoice(provider), metadata)
    known = ChoiceStore(choices).read(choice_key(path.read_bytes(), threads))
    if known is not None and known.provider in available_providers():
        try:
            return Network(loader, known, metadata)
        except ProviderError:  # it did when it was measured
            pass
    if len(wanted) == 1:
        return Network(loader, ProviderChoice(wanted[0]), metadata)
    return Network(loader, _measured(loader, wanted, threads, choices), metadata)


def measure_providers(
    path: Path,
    interface: Interface,
    providers: Sequence[str],
    threads: int = 1,
    choices: Path | None = None,
) -> ProviderChoice:
    """Measure providers now, those too that 'auto' leaves out, and keep the choice for 'auto'.

    Args:
        path, interface, threads, choices: as :func:`open_network`.
        providers: keys of `PROVIDERS` that are available; TensorRT among them takes minutes.

    Raises:
        ModelError: as :func:`open_network`.
    """
    inputs, results, _ = inspect(path)
    _check(path, interface, inputs, results)
    loader = _Loader(path, interface, threads, choices.parent if choices else None)
    return _measured(loader, providers, threads, choices)


def _measured(
    loader: _Loader, providers: Sequence[str], threads: int, choices: Path | None
) -> ProviderChoice:
    spec = loader.interface.input
    tolerance = TOLERANCE if spec.dtype == "float32" else HALF_TOLERANCE
    choice = measure(loader.start, providers, _probe(spec), tolerance)
    ChoiceStore(choices).write(choice_key(loader.path.read_bytes(), threads), choice)
    return choice


def _probe(spec: ImageInput) -> NDArray[np.float32]:
    """A tensor to measure with: the same blurred noise each time, zero mean, unit spread."""
    coarse = np.random.default_rng(0).standard_normal((8, 8, 3))
    rows = np.linspace(0, 7, spec.height).astype(int)
    columns = np.linspace(0, 7, spec.width).astype(int)
    picture = coarse[rows][:, columns][None].astype(spec.dtype)
    return picture if spec.layout == "NHWC" else np.ascontiguousarray(picture.transpose(0, 3, 1, 2))


def _check(path: Path, interface: Interface, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    for kind, expected, found in (
        ("inputs", (interface.input,), inputs),
        ("outputs", interface.outputs, outputs),
    ):
        actual = {tensor.name: (element(tensor.type), tensor.shape) for tensor in found}
        if {tensor.name for tensor in expected} != set(actual) or not all(
            fits(tensor, *actual[tensor.name]) for tensor in expected
        ):
            wanted = {tensor.name: f"{_short(tensor.dtype)}{list(tensor.shape)}" for tensor in expected}
            raise ModelError(
                f"{path}: not the expected kind of network: expected {kind} {_listed(wanted)}, "
                f"found {_listed({name: f'{kind}{shape}' for name, (kind, shape) in actual.items()})}"
            )


def fits(expected: TensorSpec, kind: str, shape: Sequence[int | str | None]) -> bool:
    """Whether a tensor of a file is the expected one; sizes that the file leaves open may be anything."""
    if kind != _short(expected.dtype) or len(shape) != len(expected.shape):
        return False
    return all(not isinstance(b, int) or a == b for a, b in zip(expected.shape, shape, strict=True))


def element(kind: str) -> str:
    """Element type in onnxruntime's type of a tensor: of ``tensor(float)``, float."""
    return kind[len("tensor(") : -1]


def _short(dtype: str) -> str:
    """Name that onnxruntime gives an element type."""
    return {"float32": "float", "float16": "float16"}[dtype]


def _listed(tensors: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in tensors.items()) or "none"
