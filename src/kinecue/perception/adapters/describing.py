"""Describes an ONNX file as a manifest that KineCue takes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from kinecue.perception.errors import ModelError
from kinecue.perception.manifest import Interface, Manifest, load_manifest
from kinecue.perception.sessions import element, fits, inspect


def describe(path: Path, licence: str, source: str) -> str:
    """The manifest of one supplied network, as YAML.

    Its interface is the shipped one with the same shapes; where only names of tensors differ, a copy with the file's
    names is written beside it.

    Args:
        path: the ONNX file.
        licence: of the weights.
        source: where they come from, for people.

    Raises:
        ModelError: no ONNX file, or its shapes are none of those known; says what it has and what is known.
    """
    inputs, outputs, _ = inspect(path)
    manifest = load_manifest()
    known = {name: one for name, one in manifest.interfaces.items() if one.decoding is not None}
    for name, interface in known.items():
        order = _matching(interface, inputs, outputs)
        if order is not None:
            return _text(path, name, interface, [inputs[0].name, *order], licence, source)
    found = ", ".join(f"{t.name} {element(t.type)}{t.shape}" for t in (*inputs, *outputs))
    allowed = "; ".join(
        f"{name}: {list(one.input.shape)} to {', '.join(str(list(o.shape)) for o in one.outputs)}"
        for name, one in known.items()
    )
    raise ModelError(
        f"{path}: no shipped interface has these inputs and outputs: found {found}; known: {allowed}. "
        "Write an interface of your own (models/README.md)"
    )


def _matching(interface: Interface, inputs: Sequence[Any], outputs: Sequence[Any]) -> list[str] | None:
    """Names of the file's outputs in the interface's order if all shapes fit, else None."""
    if len(inputs) != 1 or not fits(interface.input, element(inputs[0].type), inputs[0].shape):
        return None
    if len(outputs) != len(interface.outputs):
        return None
    by_name = {output.name: output for output in outputs}
    same_names = all(wanted.name in by_name for wanted in interface.outputs)
    ordered = [by_name[wanted.name] for wanted in interface.outputs] if same_names else list(outputs)
    pairs = zip(interface.outputs, ordered, strict=True)
    if not all(fits(wanted, element(found.type), found.shape) for wanted, found in pairs):
        return None
    return [found.name for found in ordered]


def _text(path: Path, name: str, interface: Interface, names: list[str], licence: str, source: str) -> str:
    content = path.read_bytes()
    result: dict[str, Any] = {"format": 1}
    shipped = [interface.input.name, *(output.name for output in interface.outputs)]
    if names != shipped:
        own = interface.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        for tensor, own_name in zip((own["input"], *own["outputs"]), names, strict=True):
            tensor["name"] = own_name
        name = f"{name}_renamed"
        result["interfaces"] = {name: own}
    result["supplied"] = {
        path.stem: {
            "interface": name,
            "file": path.name,
            "onnx": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()},
            "licence": licence,
            "source": source,
        }
    }
    shipped_interfaces = load_manifest().interfaces
    Manifest.model_validate({**result, "interfaces": {**shipped_interfaces, **result.get("interfaces", {})}})
    return yaml.safe_dump(result, sort_keys=False)
