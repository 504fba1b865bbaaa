"""Text made safe and regular for every engine."""

from __future__ import annotations

import re
import unicodedata

from kinecue.speech.errors import UnspeakableTextError

LONGEST_TEXT = 400
_PHONEME_MARKUP = re.compile(r"\[\[|\]\]|[<>\\^_`{|}~]")


def speakable(text: str) -> str:
    """One line of plain text that ends in a full stop, question or exclamation mark.

    Control characters, and the markup by which piper and espeak-ng take phonemes or commands, are removed, so
    that a text can only ever be read aloud.

    Raises:
        UnspeakableTextError: no letter or digit is left, or it is longer than `LONGEST_TEXT` characters.
    """
    plain = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    plain = " ".join(_PHONEME_MARKUP.sub(" ", plain).split())
    if not any(char.isalnum() for char in plain):
        raise UnspeakableTextError(f"nothing to pronounce in {text[:40]!r}")
    if len(plain) > LONGEST_TEXT:
        raise UnspeakableTextError(f"text of {len(plain)} characters, longer than {LONGEST_TEXT}")
    return plain if plain[-1] in ".!?" else plain.rstrip(" ,;:-") + "."
