"""A process that serves OpenAI's chat interface, well or badly: the first part of the path says how.

``python model_server.py`` prints its port. ``http://127.0.0.1:PORT/good/v1`` works, ``.../say/TEXT/v1`` replies TEXT,
``.../elsewhere`` counts visits, ``.../log`` tells what was asked, the other names are those of the methods below.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

LOG: list[dict[str, Any]] = []
VISITS: list[str] = []
LOCK = threading.Lock()
FOREVER_S = 30.0


def event(content: str | None, reason: str | None = None) -> bytes:
    delta = {} if content is None else {"content": content}
    found = {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }
    return b"data: " + json.dumps(found, ensure_ascii=False).encode() + b"\n\n"


def whole(content: str, reason: str = "stop") -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": reason}]}).encode()


def paraphrase(asked: str) -> str:
    """Right words for a question: the sentence of the book, and a filler."""
    told = re.sub(r"^\w+: ", "", asked).rstrip(".")
    return f"{told} now."


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        how, *_ = self.path.strip("/").split("/")
        if how == "log":
            return self.answer(json.dumps({"asked": LOG, "visits": VISITS}).encode())
        if how == "elsewhere":
            VISITS.append(self.path)
            return self.answer(whole("Push your knees out."))
        if how == "no_models":
            return self.answer(b'{"data": []}')
        if how == "big_models":
            return self.answer(json.dumps({"data": [{"id": "x" * 100}] * 20000}).encode())
        return self.answer(b'{"object": "list", "data": [{"id": "tiny"}, {"id": "other"}]}')

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self.body = json.loads(self.rfile.read(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with LOCK:
            LOG.append({"path": self.path, "headers": headers, "body": self.body})
        how, *rest = self.path.strip("/").split("/")
        if how == "elsewhere":
            VISITS.append(self.path)
        if how == "say":
            self.stream(event(unquote(rest[0])), event(None, "stop"), b"data: [DONE]\n\n")
        elif how.isdigit():
            message = {
                "error": {"message": f"refused {headers.get('authorization', '')}\nwith \x1b[31mcolours"}
            }
            self.answer(json.dumps(message).encode(), int(how))
        else:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                getattr(self, how)()
        self.close_connection = True

    # How to answer.

    def good(self) -> None:
        text = paraphrase(self.body["messages"][-1]["content"])
        pieces = [event(piece) for piece in re.findall(r"\s*\S+", text)]
        usage = b'data: {"choices": [], "usage": {"total_tokens": 9}}\n\n'
        self.stream(b": hello\n\n", event(None), *pieces, event(None, "stop"), usage, b"data: [DONE]\n\n")

    def odd(self) -> None:
        """Correct, in the oddest way: CRLF, one byte at a time, letters of several bytes, data in two lines."""
        found = json.dumps({"choices": [{"delta": {"content": "Größer, ¡más"}}]}, ensure_ascii=False)
        head, tail = found.split(" ", 1)
        text = f"event: message\r\nid: 1\r\ndata:{head}\r\ndata: {tail}\r\n\r\n"
        text += event(" 1️⃣", "stop").decode().replace("\n", "\r") + "data:[DONE]\r\n\r\n"
        self.stream(*(bytes([one]) for one in text.encode()))

    def not_streamed(self) -> None:
        self.answer(whole(paraphrase(self.body["messages"][-1]["content"])))

    def lines(self) -> None:
        self.stream(
            event("\n\n Push"),
            event(" your knees out.\nAnd"),
            *([event(" more")] * 50),
            event(None, "length"),
        )

    def thinks(self) -> None:
        self.stream(
            event("<think>\nKnees in?\n"),
            event("No.</th"),
            event("ink>\n\nPush your knees out."),
            event("", "stop"),
        )

    def only_thinks(self) -> None:
        self.stream(event("<think>\nKnees in"), event(None, "stop"))

    def no_done(self) -> None:
        self.stream(event("Push your knees out."), event(None, "stop"))

    def silent(self) -> None:
        time.sleep(FOREVER_S)

    def slow_headers(self) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 10000:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.02)

    def drips(self) -> None:
        self.start("text/event-stream")
        while True:
            self.chunk(event("a"))
            time.sleep(0.02)

    def stalls(self) -> None:
        self.start("text/event-stream")
        self.chunk(event("Push your"))
        time.sleep(FOREVER_S)

    def floods(self) -> None:
        """Pieces of a byte, as fast as it can: nobody ever waits for them."""
        self.start("text/event-stream")
        pieces = b"1\r\n:\r\n" * 5000
        while True:
            self.wfile.write(pieces)

    def breaks_off(self) -> None:
        self.start("text/event-stream")
        self.chunk(event("Push your knees out"))

    def ends_early(self) -> None:
        self.stream(event("Push your knees out"))

    def short(self) -> None:
        self.answer(whole("Push your knees out.")[:-5], length=500)

    def dies(self) -> None:
        self.start("text/event-stream")
        self.chunk(event("Push your knees"))
        os._exit(1)

    def rubbish(self) -> None:
        self.stream(bytes(range(256)) * 4)

    def no_utf8(self) -> None:
        self.stream(b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n')

    def no_events(self) -> None:
        self.stream(b"<html><body>Push your knees out.</body></html>\n\n")

    def no_json(self) -> None:
        self.stream(b"data: {'choices': [\n\n")

    def web_page(self) -> None:
        self.answer(b"<html>Push your knees out.</html>", kind="text/html")

    def odd_list(self) -> None:
        self.answer(b'["Push your knees out."]')

    def odd_choices(self) -> None:
        self.answer(b'{"choices": "Push your knees out."}')

    def odd_choice(self) -> None:
        self.answer(b'{"choices": ["Push your knees out."]}')

    def odd_content(self) -> None:
        self.stream(b'data: {"choices": [{"delta": {"content": ["Push your knees out."]}}]}\n\n')

    def no_choices(self) -> None:
        self.answer(b'{"choices": []}')

    def empty(self) -> None:
        self.answer(b"")

    def nothing_said(self) -> None:
        self.stream(event("  \n "), event(None, "stop"))

    def deep(self) -> None:
        self.answer(b"[" * 100_000)

    def reports(self) -> None:
        self.stream(event("Push"), b'data: {"error": {"message": "out of memory"}}\n\n')

    def too_long(self) -> None:
        self.stream(event("Push your knees out and then"), event(None, "length"))

    def big_line(self) -> None:
        self.stream(*([b"data: " + b"x" * 100_000] * 100))

    def big_events(self) -> None:
        self.stream(*([event("x " * 5000)] * 1000))

    def big_answer(self) -> None:
        self.answer(whole("x " * 5_000_000))

    def packed(self) -> None:
        data = gzip.compress(b"\0" * 50_000_000)
        self.answer(data, extra={"Content-Encoding": "gzip"})

    def redirects(self) -> None:
        place = f"http://127.0.0.1:{self.server.server_address[1]}/elsewhere/v1/chat/completions"
        self.answer(b"", 307, extra={"Location": place})

    # What it needs for that.

    def answer(
        self,
        data: bytes,
        code: int = 200,
        kind: str = "application/json",
        extra: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def start(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def stream(self, *pieces: bytes) -> None:
        self.start("text/event-stream")
        for piece in pieces:
            self.chunk(piece)
        self.chunk(b"")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Whoever asked has gone."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()
