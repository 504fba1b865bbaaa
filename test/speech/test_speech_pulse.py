"""A real sound server with a speaker that is plugged in and out: PulseAudio with a null sink, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from speech_fakes import RATE, EventLog, tone, wait_until

from kinecue.speech import Player, SpeechState
from kinecue.speech.device import FallbackSink, list_devices


class Server:
    """PulseAudio without root, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "native"
        self._process = subprocess.Popen(
            [
                *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, *words: str) -> str:
        run = subprocess.run(
            ["pactl", "-s", f"unix:{self.socket}", *words], capture_output=True, text=True, check=False
        )
        return run.stdout.strip()

    def plug_in(self, name: str) -> str:
        return self.ask(
            "load-module",
            "module-null-sink",
            f"sink_name={name}",
            f"sink_properties=device.description={name}",
        )

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(10.0)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if shutil.which("pulseaudio") is None or shutil.which("pactl") is None:
        pytest.skip("PulseAudio (apt install pulseaudio) is not installed")
    pytest.importorskip("miniaudio", reason="miniaudio is not installed")
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("PULSE_RUNTIME_PATH", str(tmp_path / "run"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = Server(tmp_path / "run")
    monkeypatch.setenv("PULSE_SERVER", f"unix:{made.socket}")
    wait_until(lambda: bool(made.ask("info")))
    yield made
    made.end()


def test_a_speaker_by_part_of_its_name_is_unplugged_in_mid_sentence_and_comes_back(server: Server) -> None:
    server.plug_in("HDMI_Screen")
    plugged = server.plug_in("Gym_Speaker")
    assert list_devices() == ["HDMI_Screen", "Gym_Speaker"]
    log = EventLog()
    player = Player(FallbackSink("gym", retry_s=0.2), RATE, on_event=log)
    wait_until(lambda: player.status.name == "Gym_Speaker", 15.0)
    player.play(tone(2.0), "unplugged")
    log.wait("unplugged", SpeechState.STARTED)
    server.ask("unload-module", plugged)
    log.wait("unplugged", SpeechState.FINISHED)
    wait_until(lambda: not player.status.audible, 15.0)
    wait_until(lambda: "no playback device 'gym'" in player.status.detail, 15.0)
    server.plug_in("Gym_Speaker")
    wait_until(lambda: player.status.name == "Gym_Speaker", 15.0)
    player.play(tone(0.2), "again")
    log.wait("again", SpeechState.FINISHED)
    player.close()


def test_a_sound_server_that_ends_silences_nothing_but_itself(server: Server) -> None:
    server.plug_in("Gym_Speaker")
    log = EventLog()
    player = Player(FallbackSink(retry_s=0.2), RATE, on_event=log)
    wait_until(lambda: player.status.audible, 15.0)
    player.play(tone(1.0), "cut")
    log.wait("cut", SpeechState.STARTED)
    server.end()
    log.wait("cut", SpeechState.FINISHED)
    wait_until(lambda: not player.status.audible, 15.0)
    begun = time.monotonic()
    player.play(tone(0.2), "after")
    log.wait("after", SpeechState.FINISHED)
    assert time.monotonic() - begun < 10.0
    player.close()
