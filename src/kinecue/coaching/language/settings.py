"""Which language model words for the coach, and how: ``config/language.yaml``."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, model_validator

from kinecue.coaching.files import StrictModel, load_yaml

Style = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,30}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]

_OURS = frozenset({"model", "messages", "stream", "n", "tools", "functions"})
"""Fields of a request that settings must not replace."""


class ServerSettings(StrictModel):
    """A server that speaks OpenAI's chat interface: Ollama, llama-server, vLLM and others. Times in seconds."""

    address: str = "http://127.0.0.1:11434/v1"
    """Up to and including the version; ``/chat/completions`` is added."""
    model: str = Field(default="", max_length=200)
    """Name of the model as the server knows it; empty = the first that it lists."""
    key_variable: str = Field(default="", pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")
    """Environment variable that holds the key, if the server wants one. The key itself is in no file."""
    elsewhere: bool = False
    """Whether the address may be another machine. Then what was measured of the lifter leaves this one."""
    connect_s: float = Field(default=1.0, gt=0, le=30)
    """How long the server may take to accept a connection."""
    silence_s: float = Field(default=4.0, gt=0, le=120)
    """How long the server may say nothing: until the first piece of a reply, and between pieces."""
    thinking_tokens: int = Field(default=0, ge=0, le=8192)
    """How many tokens more a model may use that thinks aloud before it replies; the thoughts are dropped."""
    largest_reply_kb: int = Field(default=512, ge=1, le=16384)
    """A reply of more kilobytes, all markup counted, is refused while it comes."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of each request, as the server wants them."""

    @model_validator(mode="after")
    def _is_allowed(self) -> ServerSettings:
        parts = _address_parts(self.address)
        if not self.elsewhere and not is_this_machine(parts.hostname or ""):
            raise ValueError(
                f"the address {parts.hostname} is not this machine; allowed: localhost, 127.x.x.x and ::1, "
                "or any with `elsewhere: true`, which lets data leave this machine"
            )
        ours = sorted(_OURS & self.extra.keys())
        if ours:
            raise ValueError(f"extra must not set {', '.join(ours)}")
        return self


class BuiltinSettings(StrictModel):
    """The model that set-up fetches."""

    languages: tuple[Language, ...] = ("en",)
    """Languages that it can word; for others the phrase book speaks alone."""
    idle_s: float = Field(default=300.0, ge=0, le=86400)
    """Its process ends after this many seconds without a question; 0 = it stays."""


class LanguageSettings(StrictModel):
    """Who words, in which style, and how hard it tries. Times in seconds."""

    model: Literal["builtin", "server", "none"] = "builtin"
    """``none``: the phrase book alone."""
    style: Style = "friendly"
    """A style of ``config/prompts/<language>.yaml``."""
    styles: dict[Language, Style] = Field(default_factory=dict)
    """Styles for single languages, instead of `style`."""
    variants: int = Field(default=2, ge=0, le=10)
    """New phrases wanted for each correction and side, and for its praise; 0 = only summaries are worded."""
    tries: int = Field(default=4, ge=1, le=50)
    """Replies asked for to get them."""
    temperature: float = Field(default=0.6, ge=0, le=2)
    """How freely the model chooses once its likeliest replies are used up."""
    reply_s: float = Field(default=20.0, gt=0, le=120)
    """A reply that takes longer is given up. Nothing waits for it but the next one."""
    give_up_after: int = Field(default=3, ge=1, le=100)
    """Failures in a row (no answer, rubbish) that end a preparation; the next one starts afresh."""
    judge_fluency: bool = True
    """Let the model tell fluent sentences from broken ones, where it can; simple rules always apply."""
    builtin: BuiltinSettings = Field(default_factory=BuiltinSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)

    def style_for(self, language: str) -> str:
        """The style in which to speak a language."""
        return self.styles.get(language) or self.styles.get(language.split("-")[0]) or self.style


def is_this_machine(host: str) -> bool:
    """Whether `host` is a name or number that can only mean this machine."""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_language_settings(path: Path) -> LanguageSettings:
    """The settings in a file.

    Raises:
        ConfigError: names the file, the field and what is allowed.
    """
    return load_yaml(path, LanguageSettings)


def _address_parts(address: str) -> SplitResult:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address is http://HOST:PORT/v1 or https://HOST:PORT/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address has no user or password; a key comes from the variable in key_variable")
    if parts.query or parts.fragment:
        raise ValueError("an address has neither ? nor #")
    if parts.port == 0:
        raise ValueError("port 0 is no port")
    return parts
