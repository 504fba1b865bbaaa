"""Where the built-in language model lies and what belongs to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kinecue.body.errors import KineCueError
from kinecue.body.paths import data_dir
from kinecue.coaching.language.model import ModelGoneError

CONVERSION = 1
"""Counts up when the graph or the tokenizer file is made in another way; older ones are made anew."""

NAME = "SmolLM2-135M-Instruct"
MODEL_FILE, TOKENIZER_FILE, LICENCE_FILE, MANIFEST = (
    "model.onnx",
    "tokenizer.json",
    "LICENSE",
    "manifest.json",
)
_BLOCK_BYTES = 1 << 20


class LanguageSetupError(KineCueError):
    """The built-in language model could not be installed; the text says why and what to do."""


@dataclass(frozen=True)
class Installation:
    """The built-in model on this machine.

    Attributes:
        name: of the model.
        source: package and version it was made from.
        licence: of the weights.
        conversion: `CONVERSION` when it was made.
        end_token: number of the token that ends a turn.
        start_token: number of the token that begins a turn.
        context: longest prompt with its reply, tokens.
        bytes: size of each file, by name.
        sha256: of each file, by name.
    """

    name: str
    source: str
    licence: str
    conversion: int
    start_token: int
    end_token: int
    context: int
    bytes: Mapping[str, int]
    sha256: Mapping[str, str]

    def save(self, folder: Path) -> None:
        """Write the manifest into `folder`.

        Raises:
            OSError: it cannot be written.
        """
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def language_folder(data: Path | None = None) -> Path:
    """Where the built-in model is installed: ``language/smollm2-135m/`` in the data folder."""
    return (data or data_dir()) / "language" / "smollm2-135m"


def installed(folder: Path) -> Installation:
    """The model in `folder`, its files being there in full length.

    Raises:
        ModelGoneError: it is not installed, or not whole; says what to run.
    """
    path = folder / MANIFEST
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = Installation(**document)
    except FileNotFoundError:
        raise ModelGoneError(
            f"the built-in language model is not installed in {folder}; run `kinecue models language`"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise ModelGoneError(f"{path} cannot be read: {error}; {_REPAIR}") from error
    if found.conversion != CONVERSION:
        raise ModelGoneError(
            f"the language model in {folder} was made by another version of KineCue; {_REPAIR}"
        )
    for name, size in found.bytes.items():
        file = folder / name
        actual = file.stat().st_size if file.is_file() else 0
        if actual != size:
            raise ModelGoneError(f"{file} has {actual} bytes, expected {size}; {_REPAIR}")
    return found


def verified(folder: Path) -> Installation:
    """As `installed`, with every byte checked.

    Raises:
        ModelGoneError: not installed, not whole, or changed.
    """
    found = installed(folder)
    for name, expected in found.sha256.items():
        if digest(folder / name) != expected:
            raise ModelGoneError(f"{folder / name} was changed; {_REPAIR}")
    return found


def digest(path: Path) -> str:
    """The sha256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    checksum = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            checksum.update(block)
    return checksum.hexdigest()


_REPAIR = "run `kinecue models language` to install it again"
