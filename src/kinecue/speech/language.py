"""Languages by their BCP 47 tags, as far as choosing a voice needs it."""

from __future__ import annotations

import re

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")


def primary(tag: str) -> str:
    """The language of a tag, lower case: "de" of "de-AT"; empty where the text is no tag."""
    tag = tag.strip()
    return re.split("[-_]", tag)[0].lower() if _TAG.fullmatch(tag) else ""
