"""From the GGUF file of the package index to a folder that the built-in model runs from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from kinecue.coaching.language.gguf_to_onnx import CONTEXT, convert, gguf_field, read_gguf
from kinecue.coaching.language.gguf_tokenizer import tokenizer_of
from kinecue.coaching.language.installation import (
    CONVERSION,
    LICENCE_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    Installation,
    LanguageSetupError,
    digest,
)
from kinecue.coaching.language.model import ModelError, Prompt
from kinecue.coaching.language.smollm import SmolLM

Report = Callable[[str], None]

_QUESTION = Prompt("", (), "Say that the coffee is ready.")
_FLUENT, _SCRAMBLED = "The coffee is ready.", "Ready coffee is the."


def make_model(
    gguf: Path, licence_text: Path, folder: Path, *, name: str, source: str, licence: str, report: Report
) -> Installation:
    """Make the files of the built-in model in `folder`, which is empty.

    Args:
        gguf: the weights with their tokens.
        licence_text: of the weights; kept beside them.
        folder: where to.
        name: of the model.
        source: package and version, for the record.
        licence: of the weights, for the record.
        report: gets a line for each step.

    Raises:
        LanguageSetupError: the file is damaged or of another kind, or what was made cannot read.
        OSError: the disk is full, or `folder` cannot be written.
    """
    reader = read_gguf(gguf)
    report("language model: converting to ONNX")
    with (folder / MODEL_FILE).open("wb") as file:
        convert(reader, file)
    (folder / TOKENIZER_FILE).write_text(tokenizer_of(reader).to_str(), encoding="utf-8")
    shutil.copyfile(licence_text, folder / LICENCE_FILE)
    names = (MODEL_FILE, TOKENIZER_FILE, LICENCE_FILE)
    made = Installation(
        name=name,
        source=source,
        licence=licence,
        conversion=CONVERSION,
        start_token=int(gguf_field(reader, "tokenizer.ggml.bos_token_id")),
        end_token=int(gguf_field(reader, "tokenizer.ggml.eos_token_id")),
        context=CONTEXT,
        bytes={name: (folder / name).stat().st_size for name in names},
        sha256={name: digest(folder / name) for name in names},
    )
    made.save(folder)
    return made


def try_out(folder: Path, made: Installation) -> None:
    """See whether the model in `folder` tells a sentence from its words in disorder on this machine.

    Raises:
        LanguageSetupError: it does not run, or does not know the language.
    """
    try:
        fluent, scrambled = SmolLM(folder, made).likelihood(
            _QUESTION, (_FLUENT, _SCRAMBLED), deadline=float("inf")
        )
    except ModelError as error:
        raise LanguageSetupError(f"the language model was made but does not run here: {error}") from error
    if not fluent > scrambled:
        raise LanguageSetupError(
            f"the language model was made but cannot read: {_FLUENT!r} {fluent:.2f}, "
            f"{_SCRAMBLED!r} {scrambled:.2f}"
        )
