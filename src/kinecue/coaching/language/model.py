"""What a language model is to the coach: something that words, within a deadline, or says that it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kinecue.body.errors import ConfigError, KineCueError

_SOURCE = "prompt"


class ModelError(KineCueError):
    """The language model did not do what was asked; the text says why. Asking again may work."""


class ModelTimeoutError(ModelError):
    """The deadline passed before the reply was complete."""


class ModelGoneError(ModelError):
    """There is no model: not installed, not reachable, died, or closed."""


@dataclass(frozen=True)
class Prompt:
    """What a model is asked.

    Prompts that share `system` and `examples` are cheap one after the other: the built-in model keeps what
    it has read of them.

    Attributes:
        system: how to answer.
        examples: exchanges (question, reply) that show what is wanted.
        user: the question.
        max_tokens: longest reply, in tokens of the model, at least 1.
        temperature: 0 for the likeliest reply; above it, how freely to choose.
        seed: the same seed, prompt and temperature give the same reply of the built-in model.
        stop: texts that end the reply, which does not contain them.

    Raises:
        ConfigError: a value that is not allowed.
    """

    system: str
    examples: tuple[tuple[str, str], ...]
    user: str
    max_tokens: int = 24
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ("\n",)

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ConfigError(_SOURCE, "max_tokens", f"is {self.max_tokens}, allowed: 1 or more")
        if not 0.0 <= self.temperature <= 2.0:
            raise ConfigError(_SOURCE, "temperature", f"is {self.temperature}, allowed: 0 to 2")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(_SOURCE, "seed", f"is {self.seed}, allowed: 0 to 2^63 - 1")
        if "" in self.stop:
            raise ConfigError(_SOURCE, "stop", "has an empty text, which would end every reply")


class LanguageModel(Protocol):
    """A model, wherever it runs. One caller at a time."""

    @property
    def name(self) -> str:
        """What it is, for the log."""
        ...

    def complete(self, prompt: Prompt, deadline_s: float) -> str:
        """The reply to `prompt`, without markup of the chat and without surrounding white space.

        Args:
            prompt: what is asked.
            deadline_s: seconds from now within which this call returns or raises.

        Raises:
            ModelTimeoutError: the reply was not complete in time; a half reply is not given.
            ModelGoneError: there is no model to ask.
            ModelError: the model answered with an error.
        """
        ...

    def likelihood(
        self, prompt: Prompt, replies: Sequence[str], deadline_s: float
    ) -> tuple[float, ...] | None:
        """How likely each of `replies` is: mean natural logarithm of the probability per token, at most 0.

        Fluent text scores higher than the same words in disorder; it says nothing about being right.
        None: this model cannot tell. Raises as `complete` does.
        """
        ...

    def close(self) -> None:
        """End what runs for the model. Repeated calls do nothing; later questions raise ModelGoneError."""
        ...
