"""What an OpenAI-compatible server sends, read piece by piece: a stream of events, or one JSON object."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kinecue.coaching.language.model import ModelError, ModelGoneError

EVENT_STREAM = "text/event-stream"
_LONGEST_TEXT = 64_000
"""Characters of one reply, thoughts included."""
_LONGEST_TOLD = 200
_END_OF_LINE = re.compile(r"\r\n|\n|\r")
_THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL)


class ReplyReader:
    """Takes the body of a reply in pieces and tells when its text is complete.

    Args:
        kind: media type that the server gave; an event stream is read as such, all else as JSON.
        stop: texts that end the reply. White space before the reply is none of it, so a leading line break
            does not end it.
    """

    def __init__(self, kind: str, stop: Sequence[str]) -> None:
        self._is_stream = kind == EVENT_STREAM
        self._stop = tuple(stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._open_line = ""
        self._event: list[str] = []
        self._text = ""
        self._ended = False
        self.complete = False

    def feed(self, piece: bytes) -> None:
        """The next piece.

        Raises:
            ModelError: it is no UTF-8, no JSON, not what such a server sends, an error that it reports, or too
                long.
        """
        self._read(self._decoded(piece, final=False))

    def finish(self) -> str:
        """The text, after the last piece.

        Raises:
            ModelError: there is no text, it broke off at the greatest length, or what came is not a reply.
            ModelGoneError: the stream broke off.
        """
        if not self.complete:
            self._read(self._decoded(b"", final=True))
            if self._is_stream:
                self._line(self._open_line)
                self._line("")
            else:
                self._object(json_object(self._open_line.encode()))
        if not (self.complete or self._ended):
            raise ModelGoneError("the reply broke off")
        text = self._reply()[0]
        if not text:
            raise ModelError("the reply is empty")
        return text

    def _decoded(self, piece: bytes, final: bool) -> str:
        try:
            return self._decoder.decode(piece, final)
        except UnicodeDecodeError:
            raise ModelError("the reply is not UTF-8 text") from None

    def _read(self, text: str) -> None:
        self._open_line += text
        if not self._is_stream:
            return
        if len(self._open_line) > _LONGEST_TEXT and not _END_OF_LINE.search(text):
            raise ModelError(f"the stream has a line of more than {_LONGEST_TEXT} characters")
        # A carriage return at the end may be the first half of a line's end.
        whole, held = (
            (self._open_line[:-1], "\r") if self._open_line.endswith("\r") else (self._open_line, "")
        )
        *lines, rest = _END_OF_LINE.split(whole)
        self._open_line = rest + held
        for line in lines:
            if self.complete:
                return
            self._line(line)

    def _line(self, line: str) -> None:
        line = line.rstrip("\r")
        if line:
            field, _, value = line.partition(":")
            if field == "data":
                self._event.append(value.removeprefix(" "))
            elif field not in ("", "event", "id", "retry"):
                raise ModelError(f"the stream has a line that is no event: {told(line)}")
            return
        data, self._event = "\n".join(self._event), []
        if data.strip() == "[DONE]":
            self._ended = self.complete = True
        elif data:
            self._object(json_object(data.encode()))

    def _object(self, found: Mapping[str, Any]) -> None:
        if found.get("error"):
            raise ModelError(f"the server reports: {told(_message(found['error']))}")
        choices = found.get("choices")
        if not isinstance(choices, list):
            raise ModelError(f"the reply has no choices: {told(json.dumps(found))}")
        if not choices:
            return  # the event that tells how many tokens were used
        choice = choices[0]
        part = choice.get("delta" if self._is_stream else "message") if isinstance(choice, dict) else None
        content = part.get("content") if isinstance(part, dict) else None
        if (part is not None and not isinstance(part, dict)) or not isinstance(content, (str, type(None))):
            raise ModelError(f"the reply's content is no text: {told(json.dumps(choice))}")
        if not isinstance(choice, dict):
            raise ModelError("the reply's choice is no object")
        self._text += content or ""
        if len(self._text) > _LONGEST_TEXT:
            raise ModelError(f"the reply has more than {_LONGEST_TEXT} characters")
        self.complete = self.complete or self._reply()[1]
        reason = choice.get("finish_reason")
        if reason == "length" and not self.complete:
            raise ModelError("the reply broke off at its greatest length")
        self._ended = self._ended or reason is not None or not self._is_stream

    def _reply(self) -> tuple[str, bool]:
        """The text without thoughts up to the first stop, and whether there was one."""
        text = _THOUGHTS.sub("", self._text, count=1).lstrip()
        if text.startswith("<think>"):
            return "", False
        ends = [at for at in (text.find(stop) for stop in self._stop) if at >= 0]
        return (text[: min(ends)].rstrip(), True) if ends else (text.rstrip(), False)


def json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`.

    Raises:
        ModelError: it is none.
    """
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise ModelError(f"the reply is not JSON: {told(raw[:400].decode('utf-8', 'replace'))}") from None
    if not isinstance(found, dict):
        raise ModelError("the reply is not a JSON object")
    return found


def listed_models(found: Mapping[str, Any]) -> list[str]:
    """Names of the models in the answer to ``/models``."""
    models = found.get("data")
    if not isinstance(models, list):
        return []
    names = [one.get("id") for one in models if isinstance(one, dict)]
    return [name for name in names if isinstance(name, str) and 0 < len(name) <= 200]


def error_text(raw: bytes) -> str:
    """What the body of an error says, for a log."""
    try:
        found = json_object(raw)
    except ModelError:
        return told(raw.decode("utf-8", "replace"))
    return told(_message(found.get("error", found)))


def told(text: str) -> str:
    """`text` of a stranger as one short line for a log."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(line.split())[:_LONGEST_TOLD]


def _message(error: Any) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else json.dumps(error)
