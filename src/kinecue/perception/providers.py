"""Execution providers of onnxruntime: names, what brings them, how each is started."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnxruntime

from kinecue.perception.errors import ModelError, ProviderError

CPU = "cpu"


@dataclass(frozen=True)
class Provider:
    """An execution provider.

    Attributes:
        engine: onnxruntime's own name of it.
        package: what brings it, for people.
        automatic: whether 'auto' tries it. TensorRT builds engines for minutes and QNN wants quantised
            networks: those by name only.
        options: its options, as onnxruntime's documentation of it names them.
    """

    engine: str
    package: str
    automatic: bool = True
    options: dict[str, str] = field(default_factory=dict)


_OPENVINO = "onnxruntime-openvino"

PROVIDERS = {
    CPU: Provider("CPUExecutionProvider", "onnxruntime"),
    "openvino": Provider("OpenVINOExecutionProvider", _OPENVINO, options={"device_type": "CPU"}),
    "openvino_gpu": Provider("OpenVINOExecutionProvider", _OPENVINO, options={"device_type": "GPU"}),
    "openvino_npu": Provider("OpenVINOExecutionProvider", _OPENVINO, False, {"device_type": "NPU"}),
    "cuda": Provider(
        "CUDAExecutionProvider",
        "onnxruntime-gpu",
        options={"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"},
    ),
    "tensorrt": Provider(
        "TensorrtExecutionProvider", "onnxruntime-gpu and tensorrt", False, {"trt_engine_cache_enable": "1"}
    ),
    "coreml": Provider(
        "CoreMLExecutionProvider", "onnxruntime for macOS", options={"ModelFormat": "MLProgram"}
    ),
    "qnn": Provider("QNNExecutionProvider", "onnxruntime-qnn", False, {"backend_type": "htp"}),
    "directml": Provider("DmlExecutionProvider", "onnxruntime-directml"),
    "migraphx": Provider("MIGraphXExecutionProvider", "onnxruntime-migraphx"),
    "xnnpack": Provider("XnnpackExecutionProvider", "onnxruntime built with --use_xnnpack"),
}
"""Providers by the names that parameters use.

A provider that sends pictures to a service is left out on purpose.
"""


def available_providers() -> tuple[str, ...]:
    """Providers that this onnxruntime was built with and may be used, the CPU first."""
    built = set(onnxruntime.get_available_providers())
    return tuple(name for name, provider in PROVIDERS.items() if provider.engine in built)


def candidates(wanted: str) -> tuple[str, ...]:
    """Providers to choose from for the parameter `wanted`: itself, or for 'auto' all that start quickly.

    Raises:
        ProviderError: unknown, or not part of the installed onnxruntime; says what is installed, and what
            brings the one wanted.
    """
    existing = available_providers()
    if wanted == "auto":
        return tuple(name for name in existing if PROVIDERS[name].automatic)
    if wanted not in PROVIDERS:
        raise ProviderError(f"unknown execution provider {wanted!r}; allowed: auto, {', '.join(PROVIDERS)}")
    if wanted not in existing:
        raise ProviderError(
            f"execution provider {wanted!r} is not part of the installed onnxruntime "
            f"{onnxruntime.__version__} ({', '.join(installed_packages()) or 'package unknown'}); "
            f"available: {', '.join(existing)}; {wanted} comes with {PROVIDERS[wanted].package}, "
            f"which replaces the package that is there"
        )
    return (wanted,)


def installed_packages() -> tuple[str, ...]:
    """Packages that provide onnxruntime here, as name==version; more than one is a broken installation."""
    names = {name for name, modules in _modules().items() if "onnxruntime" in modules}
    return tuple(f"{name}=={importlib.metadata.version(name)}" for name in sorted(names))


def _modules() -> dict[str, set[str]]:
    packages: dict[str, set[str]] = {}
    for module, names in importlib.metadata.packages_distributions().items():
        for name in names:
            packages.setdefault(name, set()).add(module)
    return packages


def start(model: Path | bytes, provider: str, threads: int, cache: Path | None = None) -> Any:
    """An onnxruntime session on exactly this provider.

    Args:
        model: the ONNX file or its bytes.
        provider: a key of `PROVIDERS` that is available.
        threads: intra-op threads.
        cache: folder where providers may keep what they compile; None = nowhere.

    Raises:
        ProviderError: it did not start; onnxruntime would have gone on with the CPU and said nothing.
        ModelError: the network cannot be loaded.
    """
    wanted = PROVIDERS[provider]
    options, settings = session_options(provider, threads), dict(wanted.options)
    if provider == "tensorrt" and cache is not None:
        settings["trt_engine_cache_path"] = str(cache / "tensorrt")
    if provider == "openvino":
        # it would take bfloat16 where the processor can, and all cores
        device = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": str(threads),
            "NUM_STREAMS": "1",
        }
        settings["load_config"] = json.dumps({"CPU": device})
    if provider == "xnnpack":
        settings["intra_op_num_threads"] = str(threads)
    source = model if isinstance(model, bytes) else str(model)
    name = "network" if isinstance(model, bytes) else str(model)
    try:
        session = onnxruntime.InferenceSession(
            source, options, providers=[(wanted.engine, settings) if settings else wanted.engine]
        )
    except Exception as error:  # onnxruntime's exceptions share no base class
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if provider == CPU:
            raise ModelError(f"{name}: onnxruntime cannot load this network: {reason}") from error
        raise ProviderError(f"execution provider {provider!r} did not start: {reason}") from error
    if session.get_providers()[0] != wanted.engine:
        others = ", ".join(other for other in available_providers() if other != provider)
        raise ProviderError(
            f"execution provider {provider!r} is part of onnxruntime but did not start "
            f"(driver or libraries missing); available: {others}"
        )
    return session


def session_options(provider: str, threads: int) -> onnxruntime.SessionOptions:
    """Options of a session by provider."""
    options = onnxruntime.SessionOptions()
    # XNNPACK brings a thread pool of its own
    options.intra_op_num_threads = 1 if provider == "xnnpack" else threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # problems are raised here, once
    if threads > 1 or provider == "xnnpack":
        # waiting threads that spin take the processor from the rest of the robot
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if provider == "directml":  # it can do neither
        options.enable_mem_pattern = False
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return options
