"""A language model on an OpenAI-compatible server: Ollama, llama-server, vLLM and the like.

Nothing that the server does can hold the caller longer than the deadline, fill the memory or send the request
elsewhere: one clock runs over name look-up, connection, headers and every piece of the reply, the size of what
is read is bounded, redirections and proxies are not followed. Each question is a connection of its own, so that
a server that was started again is simply there.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from kinecue.body.errors import ConfigError
from kinecue.coaching.language.model import ModelError, ModelGoneError, ModelTimeoutError, Prompt
from kinecue.coaching.language.server_reply import ReplyReader, error_text, json_object, listed_models
from kinecue.coaching.language.settings import ServerSettings, is_this_machine

Result = TypeVar("Result")

_SOURCE = "language settings"
_PIECE_BYTES = 64
"""What a piece counts at least: a flood of single bytes would keep a core busy until the deadline."""
_ERROR_BYTES = 4096
"""How much of an error's text is read."""


class OpenAIServer:
    """Implements `LanguageModel`. May be closed from another thread, which ends the question under way."""

    def __init__(self, settings: ServerSettings) -> None:
        """Does not connect.

        Raises:
            ConfigError: the key's environment variable is missing or holds no key.
        """
        self._settings = settings
        self._base = settings.address.rstrip("/")
        self._key = _key_from(settings.key_variable)
        self._model = settings.model
        # Read once, it takes 30 ms; without TLS there is nothing to verify.
        secure = self._base.startswith("https:")
        self._certificates = httpx.create_ssl_context(trust_env=False) if secure else False
        self._lock = threading.Lock()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """Model and address."""
        return f"{self._model or 'the first model'} at {self._base}"

    def complete(self, prompt: Prompt, deadline_s: float) -> str:
        """See `LanguageModel.complete`. Must not be called from a running event loop."""
        return self._within(self._complete(prompt), deadline_s)

    def likelihood(
        self, prompt: Prompt, replies: Sequence[str], deadline_s: float
    ) -> tuple[float, ...] | None:
        """None: the chat interface tells no probabilities of given texts."""
        return None

    def close(self) -> None:
        """End the question under way with ModelGoneError, and refuse further ones."""
        with self._lock:
            self._closed = True
            if self._running is not None:
                loop, task = self._running
                loop.call_soon_threadsafe(task.cancel)

    def _within(self, work: Coroutine[Any, Any, Result], deadline_s: float) -> Result:
        # Not asyncio.run, which waits for the thread of a name look-up however long that takes.
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(self._watched(work, deadline_s))
        except asyncio.CancelledError:
            raise ModelGoneError(f"{self.name}: closed") from None
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _watched(self, work: Coroutine[Any, Any, Result], deadline_s: float) -> Result:
        task = asyncio.ensure_future(work)
        with self._lock:
            if self._closed:
                task.cancel()
            self._running = (asyncio.get_running_loop(), task)
        try:
            return await asyncio.wait_for(task, max(deadline_s, 0.0))
        except (asyncio.TimeoutError, httpx.PoolTimeout):
            raise ModelTimeoutError(f"{self.name}: no complete reply within {deadline_s:.1f} s") from None
        except httpx.ConnectTimeout:
            raise ModelGoneError(f"{self.name}: no connection within {self._settings.connect_s} s") from None
        except httpx.TimeoutException:
            raise ModelTimeoutError(f"{self.name}: nothing came for {self._settings.silence_s} s") from None
        except httpx.TransportError as error:
            raise ModelGoneError(f"{self.name}: {type(error).__name__}: {self._hidden(str(error))}") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise ModelError(f"{self.name}: {type(error).__name__}: {self._hidden(str(error))}") from None
        finally:
            with self._lock:
                self._running = None

    async def _complete(self, prompt: Prompt) -> str:
        if not self._settings.elsewhere:
            await _check_here(urlsplit(self._base).hostname or "")
        async with self._client() as client:
            name = self._model or await self._first_model(client)
            body = self._request(prompt, name)
            request = client.build_request("POST", f"{self._base}/chat/completions", json=body)
            return await self._asked(client, request, lambda response: self._reply(response, prompt.stop))

    async def _first_model(self, client: httpx.AsyncClient) -> str:
        async def name(response: httpx.Response) -> str:
            raw = b"".join([piece async for piece in self._pieces(response)])
            names = listed_models(json_object(raw))
            if not names:
                raise ModelGoneError(f"{self._base} lists no model; set server.model")
            return names[0]

        self._model = await self._asked(client, client.build_request("GET", f"{self._base}/models"), name)
        return self._model

    async def _asked(
        self,
        client: httpx.AsyncClient,
        request: httpx.Request,
        read: Callable[[httpx.Response], Coroutine[Any, Any, Result]],
    ) -> Result:
        response = await client.send(request, stream=True)
        try:
            if response.status_code != httpx.codes.OK:
                raise await self._refusal(response)
            if response.headers.get("content-encoding", "identity").casefold() != "identity":
                raise ModelError(f"{self.name}: replied in a packed form, which was not asked for")
            return await read(response)
        finally:
            await response.aclose()

    async def _reply(self, response: httpx.Response, stop: tuple[str, ...]) -> str:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().casefold()
        reader = ReplyReader(kind, stop)
        try:
            async for piece in self._pieces(response):
                reader.feed(piece)
                if reader.complete:
                    break
            return reader.finish()
        except ModelError as error:
            raise type(error)(f"{self.name}: {self._hidden(str(error))}") from None

    async def _refusal(self, response: httpx.Response) -> ModelError:
        code = response.status_code
        if 300 <= code < 400:
            return ModelError(
                f"{self.name}: sends the request elsewhere (HTTP {code}), which is not followed"
            )
        raw = b""
        async for piece in response.aiter_raw():
            raw += piece[: _ERROR_BYTES - len(raw)]
            if len(raw) >= _ERROR_BYTES:
                break
        told = self._hidden(error_text(raw))
        if code == httpx.codes.NOT_FOUND and not self._settings.model:
            self._model = ""
        wants_key = code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
        advice = "; set server.key_variable to the environment variable with its key" if wants_key else ""
        kind = ModelGoneError if wants_key or code == httpx.codes.SERVICE_UNAVAILABLE else ModelError
        return kind(f"{self.name}: HTTP {code}{': ' + told if told else ''}{advice}")

    async def _pieces(self, response: httpx.Response) -> AsyncIterator[bytes]:
        left = self._settings.largest_reply_kb * 1024
        async for piece in response.aiter_raw():
            left -= max(len(piece), _PIECE_BYTES)
            if left < 0:
                raise ModelError(f"{self.name}: the reply has more than {self._settings.largest_reply_kb} KB")
            yield piece
            # Pieces that are here already come without a wait; the deadline must see them, too.
            await asyncio.sleep(0)

    def _client(self) -> httpx.AsyncClient:
        given = self._settings
        headers = {"Accept-Encoding": "identity", "User-Agent": "kinecue"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        # trust_env=False: a proxy or .netrc of the environment would carry the request off this machine.
        return httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(given.silence_s, connect=given.connect_s),
            follow_redirects=False,
            trust_env=False,
            verify=self._certificates,
        )

    def _request(self, prompt: Prompt, model: str) -> dict[str, Any]:
        messages = [{"role": "system", "content": prompt.system}]
        for question, reply in prompt.examples:
            messages.append({"role": "user", "content": question})
            messages.append({"role": "assistant", "content": reply})
        messages.append({"role": "user", "content": prompt.user})
        # `stop` is not sent: a model that begins with an empty line would say nothing. The reader stops.
        return {
            "max_tokens": prompt.max_tokens + self._settings.thinking_tokens,
            "temperature": prompt.temperature,
            "seed": prompt.seed,
            **self._settings.extra,
            "model": model,
            "messages": messages,
            "stream": True,
        }

    def _hidden(self, text: str) -> str:
        """`text` without the key, which some servers repeat."""
        return text.replace(self._key, "***") if self._key else text


def _key_from(variable: str) -> str:
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfigError(_SOURCE, "server.key_variable", f"the environment has no {variable}")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(_SOURCE, "server.key_variable", f"what {variable} holds is no key")
    return key


async def _check_here(host: str) -> None:
    """`localhost` is a name, and somebody may have pointed it elsewhere."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ModelGoneError(f"{host}: {error}") from error
    strange = sorted({str(address[0]) for *_, address in found if not is_this_machine(str(address[0]))})
    if strange:
        raise ModelGoneError(f"{host} means {', '.join(strange)}, which is not this machine")
