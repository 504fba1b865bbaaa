"""The client against a real server process that works, and against all the ways in which one does not."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from kinecue.body.errors import ConfigError
from kinecue.coaching.language.model import ModelError, ModelGoneError, ModelTimeoutError, Prompt
from kinecue.coaching.language.openai_server import OpenAIServer
from kinecue.coaching.language.settings import LanguageSettings, ServerSettings, load_language_settings

CONFIG = Path(__file__).resolve().parents[2] / "config"
PROMPT = Prompt(
    system="You are a coach.",
    examples=(("Correction: Sink your hips.", "Hips lower."),),
    user="Correction: Push your knees out.",
    seed=7,
)
SOON_S = 0.4


@dataclass
class Running:
    process: subprocess.Popen[str]
    port: int

    def client(self, how: str, **settings: Any) -> OpenAIServer:
        given = {"silence_s": 5.0, **settings}
        return OpenAIServer(ServerSettings(address=f"http://127.0.0.1:{self.port}/{how}/v1", **given))

    def saying(self, text: str) -> OpenAIServer:
        return self.client(f"say/{quote(text, safe='')}")

    def log(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/log", timeout=5) as answer:
            return json.load(answer)


def start() -> Running:
    path = Path(__file__).with_name("model_server.py")
    process = subprocess.Popen(
        [sys.executable, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return Running(process, int(process.stdout.readline()))


def end(running: Running) -> None:
    running.process.kill()
    running.process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    running = start()
    yield running
    end(running)


@pytest.mark.parametrize("how", ["good", "not_streamed"])
def test_a_reply_of_a_server_that_works(server, how):
    assert server.client(how).complete(PROMPT, 10.0) == "Push your knees out now."


@pytest.mark.parametrize(
    ("how", "reply"),
    [
        ("odd", "Größer, ¡más 1️⃣"),
        ("lines", "Push your knees out."),
        ("thinks", "Push your knees out."),
        ("no_done", "Push your knees out."),
    ],
)
def test_what_is_unusual_but_right_is_understood(server, how, reply):
    assert server.client(how).complete(PROMPT, 10.0) == reply


def test_the_server_gets_the_prompt_and_nothing_else(server, monkeypatch):
    monkeypatch.setenv("KINECUE_TEST_KEY", "secret-key")
    client = server.client("good", model="mine", key_variable="KINECUE_TEST_KEY", extra={"top_k": 1})
    client.complete(PROMPT, 10.0)
    asked = server.log()["asked"][-1]
    assert asked["body"] == {
        "model": "mine",
        "messages": [
            {"role": "system", "content": "You are a coach."},
            {"role": "user", "content": "Correction: Sink your hips."},
            {"role": "assistant", "content": "Hips lower."},
            {"role": "user", "content": "Correction: Push your knees out."},
        ],
        "max_tokens": 24,
        "temperature": 0.0,
        "seed": 7,
        "stream": True,
        "top_k": 1,
    }
    assert asked["headers"]["authorization"] == "Bearer secret-key"


def test_without_a_name_the_first_model_is_taken(server):
    client = server.client("good")
    client.complete(PROMPT, 10.0)
    assert server.log()["asked"][-1]["body"]["model"] == "tiny"
    assert client.name.startswith("tiny at http://127.0.0.1:")


def test_a_flood_of_small_pieces_is_too_long_well_before_its_bytes_are(server):
    with pytest.raises(ModelError, match="more than 512 KB"):
        server.client("floods").complete(PROMPT, 25.0)


@pytest.mark.parametrize("how", ["silent", "slow_headers", "drips", "stalls", "floods"])
def test_nothing_holds_it_longer_than_the_deadline(server, how):
    begin = time.monotonic()
    with pytest.raises((ModelTimeoutError, ModelError)):
        server.client(how, largest_reply_kb=16384).complete(PROMPT, SOON_S)
    assert time.monotonic() - begin < SOON_S + 3.0  # far from the half minute for which the server goes on


@pytest.mark.parametrize("how", ["silent", "stalls"])
def test_silence_is_noticed_before_the_deadline(server, how):
    with pytest.raises(ModelTimeoutError, match=r"nothing came for 0\.2 s"):
        server.client(how, silence_s=0.2).complete(PROMPT, 20.0)


@pytest.mark.parametrize("how", ["breaks_off", "ends_early", "short"])
def test_a_reply_that_breaks_off_is_no_reply(server, how):
    with pytest.raises(ModelError):
        server.client(how).complete(PROMPT, 10.0)


def test_a_server_that_dies_in_mid_reply_is_gone_and_another_one_is_found():
    running = start()
    client = running.client("dies")
    with pytest.raises(ModelGoneError):
        client.complete(PROMPT, 10.0)
    with pytest.raises(ModelGoneError):
        client.complete(PROMPT, 10.0)
    end(running)


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("rubbish", "UTF-8|no event|not JSON"),
        ("no_utf8", "UTF-8"),
        ("no_events", "no event"),
        ("no_json", "not JSON"),
        ("web_page", "not JSON"),
        ("odd_list", "not a JSON object"),
        ("odd_choices", "no choices"),
        ("odd_choice", "no object"),
        ("odd_content", "no text"),
        ("no_choices", "broke off|empty"),
        ("empty", "not JSON"),
        ("nothing_said", "empty"),
        ("only_thinks", "empty"),
        ("deep", "not JSON"),
        ("reports", "out of memory"),
        ("too_long", "greatest length"),
        ("packed", "packed form"),
    ],
)
def test_rubbish_is_an_error_that_says_what_is_wrong(server, how, problem):
    with pytest.raises(ModelError, match=problem):
        server.client(how).complete(PROMPT, 10.0)


@pytest.mark.parametrize("how", ["big_line", "big_events", "big_answer", "big_models"])
def test_ten_megabytes_are_not_read(server, how):
    with pytest.raises(ModelError, match="more than"):
        server.client(how).complete(PROMPT, 10.0)


def test_a_redirection_is_not_followed(server):
    before = server.log()["visits"]
    with pytest.raises(ModelError, match="not followed"):
        server.client("redirects").complete(PROMPT, 10.0)
    assert server.log()["visits"] == before


def test_proxies_of_the_environment_are_not_asked(server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.port}/elsewhere")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    before = len(server_visits(server))
    server.client("good").complete(PROMPT, 10.0)
    assert len(server_visits(server)) == before


def server_visits(server: Running) -> list[str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{server.port}/log", timeout=5) as answer:
        return json.load(answer)["visits"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, ModelError),
        (401, ModelGoneError),
        (404, ModelError),
        (429, ModelError),
        (500, ModelError),
        (503, ModelGoneError),
    ],
)
def test_an_error_of_the_server_is_told_in_one_clean_line_without_the_key(server, monkeypatch, code, kind):
    monkeypatch.setenv("KINECUE_TEST_KEY", "secret-key")
    with pytest.raises(kind) as told:
        server.client(str(code), key_variable="KINECUE_TEST_KEY").complete(PROMPT, 10.0)
    text = str(told.value)
    assert f"HTTP {code}: refused Bearer ***" in text
    assert "secret-key" not in text
    assert text.isprintable()
    assert ("key_variable" in text) == (code == 401)


def test_no_server_is_told_at_once():
    running = start()
    end(running)
    with pytest.raises(ModelGoneError, match="ConnectError"):
        running.client("good").complete(PROMPT, 20.0)


def test_a_server_without_models_says_so(server):
    with pytest.raises(ModelGoneError, match="lists no model"):
        server.client("no_models").complete(PROMPT, 10.0)


def test_close_ends_the_question_under_way_and_refuses_further_ones(server):
    client = server.client("silent", silence_s=25.0)
    timer = threading.Timer(0.3, client.close)
    timer.start()
    with pytest.raises(ModelGoneError, match="closed"):
        client.complete(PROMPT, 25.0)
    timer.join()
    client.close()
    with pytest.raises(ModelGoneError, match="closed"):
        client.complete(PROMPT, 1.0)


def test_it_cannot_tell_likelihoods(server):
    assert server.client("good").likelihood(PROMPT, ["a", "b"], 1.0) is None


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://192.168.1.20:8000/v1", "not this machine"),
        ("http://example.org/v1", "not this machine"),
        ("http://localhost.example.org/v1", "not this machine"),
        ("http://127.0.0.1.example.org/v1", "not this machine"),
        ("http://0.0.0.0:8000/v1", "not this machine"),
        ("http://[::ffff:8.8.8.8]/v1", "not this machine"),
        ("http://127.0.0.1@example.org/v1", "no user or password"),
        ("http://user:word@127.0.0.1/v1", "no user or password"),
        ("ftp://127.0.0.1/v1", "http://HOST"),
        ("127.0.0.1:8000", "http://HOST"),
        ("http:///v1", "http://HOST"),
        ("http://127.0.0.1:99999/v1", "(?i)port"),
        ("http://127.0.0.1/v1?key=1", "neither"),
    ],
)
def test_only_addresses_of_this_machine_are_allowed(address, problem):
    with pytest.raises(ValueError, match=problem):
        ServerSettings(address=address)


@pytest.mark.parametrize(
    "address", ["http://localhost:1/v1", "http://127.8.9.1/v1", "https://[::1]:8443/v1", "http://LOCALHOST/"]
)
def test_these_are_addresses_of_this_machine(address):
    assert ServerSettings(address=address).address == address


def test_another_machine_only_if_the_settings_say_so():
    assert ServerSettings(address="https://example.org/v1", elsewhere=True).elsewhere


def test_a_name_for_this_machine_that_leads_elsewhere_is_not_followed(monkeypatch):
    def found(*_: object, **__: object) -> list[tuple[Any, ...]]:
        return [(2, 1, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr("socket.getaddrinfo", found)
    client = OpenAIServer(ServerSettings(address="http://localhost:1/v1"))
    with pytest.raises(ModelGoneError, match=r"192\.0\.2\.1, which is not this machine"):
        client.complete(PROMPT, 5.0)


def test_a_missing_key_is_named(monkeypatch):
    monkeypatch.delenv("KINECUE_TEST_KEY", raising=False)
    with pytest.raises(ConfigError, match="KINECUE_TEST_KEY"):
        OpenAIServer(ServerSettings(key_variable="KINECUE_TEST_KEY"))
    monkeypatch.setenv("KINECUE_TEST_KEY", "two words")
    with pytest.raises(ConfigError, match="is no key") as told:
        OpenAIServer(ServerSettings(key_variable="KINECUE_TEST_KEY"))
    assert "two words" not in str(told.value)


def test_the_shipped_settings_are_the_defaults():
    assert load_language_settings(CONFIG / "language.yaml") == LanguageSettings()


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        ("model: gpt", "model", "builtin"),
        ("style: Über", "style", "pattern"),
        ("variants: 11", "variants", "less than or equal to 10"),
        ("reply_s: 0", "reply_s", "greater than 0"),
        ("server: {extra: {model: x}}", "server", "extra must not set model"),
        ("server: {key_variable: 'a b'}", "server.key_variable", "pattern"),
        ("server: {address: 'http://example.org'}", "server", "not this machine"),
        ("styles: {deutsch: brief}", "styles", "pattern"),
        ("sound: loud", "", "unknown field sound"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, field, problem):
    path = tmp_path / "language.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=problem) as told:
        load_language_settings(path)
    assert told.value.field.startswith(field)
    assert str(path) in str(told.value)


def test_the_style_of_a_language_goes_before_the_general_one():
    settings = LanguageSettings(style="brief", styles={"de": "strict"})
    assert [settings.style_for(one) for one in ("en", "de", "de-AT")] == ["brief", "strict", "strict"]
