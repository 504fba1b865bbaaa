"""Language models that word facts: one interface, a small one built in, any server on the machine."""

from kinecue.coaching.language.model import (
    LanguageModel,
    ModelError,
    ModelGoneError,
    ModelTimeoutError,
    Prompt,
)

__all__ = ["LanguageModel", "ModelError", "ModelGoneError", "ModelTimeoutError", "Prompt"]
