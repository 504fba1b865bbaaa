"""Networks under onnxruntime: what runs them, and whether the file is the expected one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from kinecue.perception.errors import ModelError, ProviderError
from kinecue.perception.manifest import Interface

FloatImage = NDArray[np.float32]

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "qnn": "QNNExecutionProvider",
    "directml": "DmlExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
}
"""Names of providers as parameters spell them.

A provider that sends pictures to a service is left out on purpose.
"""

_AUTOMATIC = ("cuda", "coreml", "openvino", "cpu")
"""Order of 'auto'.

TensorRT builds engines for minutes and QNN wants quantised networks: those by name only.
"""


def available_providers() -> tuple[str, ...]:
    """Providers that this onnxruntime was built with and may be used, best for 'auto' first."""
    built = set(onnxruntime.get_available_providers())
    order = sorted(
        PROVIDERS, key=lambda name: _AUTOMATIC.index(name) if name in _AUTOMATIC else len(_AUTOMATIC)
    )
    return tuple(name for name in order if PROVIDERS[name] in built)


class Network:
    """An open network.

    Attributes:
        interface: its inputs and outputs.
        provider: the execution provider that really runs it (a key of `PROVIDERS`).
    """

    def __init__(self, session: Any, interface: Interface, provider: str) -> None:
        self.interface = interface
        self.provider = provider
        self._session = session

    def run(self, image: FloatImage, outputs: tuple[str, ...]) -> tuple[NDArray[np.float32], ...]:
        """Run on one picture.

        Args:
            image: the input tensor, shape and scale as `interface.input` states.
            outputs: names of the outputs wanted.

        Returns:
            The outputs in the order asked for. They may hold NaN if the network went wrong.
        """
        return tuple(self._session.run(list(outputs), {self.interface.input.name: image}))


def open_network(path: Path, interface: Interface, provider: str = "auto", threads: int = 1) -> Network:
    """Load an ONNX file and check it against the interface.

    Args:
        path: the file.
        interface: inputs and outputs it must have.
        provider: a key of `PROVIDERS`, or 'auto' for the first of `available_providers` that starts.
        threads: intra-op threads. One is faster than two on a machine that does anything else.

    Raises:
        ProviderError: the provider asked for is unknown, not there, or does not start; names those that
            exist.
        ModelError: the file cannot be loaded, or its inputs or outputs differ (expected and found are named).
        ValueError: `threads` is less than 1.
    """
    if threads < 1:
        raise ValueError(f"threads must be 1 or more, got {threads}")
    existing = available_providers()
    if provider == "auto":
        candidates = [name for name in existing if name in _AUTOMATIC]
    elif provider not in PROVIDERS:
        raise ProviderError(f"unknown execution provider {provider!r}; allowed: auto, {', '.join(PROVIDERS)}")
    elif provider not in existing:
        raise ProviderError(
            f"execution provider {provider!r} is not part of the installed onnxruntime "
            f"{onnxruntime.__version__}; available: {', '.join(existing)}"
        )
    else:
        candidates = [provider]
    for candidate in candidates:
        session = _session(path, candidate, threads)
        if session.get_providers()[0] == PROVIDERS[candidate]:
            _check(path, session, interface)
            return Network(session, interface, candidate)
    # onnxruntime falls back to the CPU on its own and says so only in its log
    raise ProviderError(
        f"execution provider {provider!r} is part of onnxruntime but did not start "
        f"(driver or libraries missing); "
        f"available: {', '.join(name for name in existing if name != provider)}"
    )


def _session(path: Path, provider: str, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # problems are raised here, once
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[PROVIDERS[provider]])
    except Exception as error:  # onnxruntime's exceptions share no base class
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{path}: onnxruntime cannot load this network: {reason}") from error


def _check(path: Path, session: Any, interface: Interface) -> None:
    for kind, expected, found in (
        ("inputs", (interface.input,), session.get_inputs()),
        ("outputs", interface.outputs, session.get_outputs()),
    ):
        wanted = {tensor.name: f"float{list(tensor.shape)}" for tensor in expected}
        actual = {tensor.name: f"{tensor.type[len('tensor(') : -1]}{tensor.shape}" for tensor in found}
        if wanted != actual:
            raise ModelError(
                f"{path}: not the expected kind of network: expected {kind} {_listed(wanted)}, "
                f"found {_listed(actual)}"
            )


def _listed(tensors: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in tensors.items()) or "none"
