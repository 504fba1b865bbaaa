"""Clock, device, and what happens when the device comes and goes."""

from __future__ import annotations

import threading
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from speech_fakes import MS, RATE, EventLog, FakeClock, FakeDevice, tone, wait_until

from kinecue.speech.device import DeviceSink, FallbackSink, list_devices
from kinecue.speech.errors import DeviceError, RecorderError
from kinecue.speech.player import Player, SpeechState
from kinecue.speech.recorder import SessionRecorder, wav_header
from kinecue.speech.sinks import ClockSink, SinkStatus


class Asked:
    """Counts what a sink asks for."""

    def __init__(self, enough: int) -> None:
        self.calls: list[tuple[int, int]] = []
        self.enough = enough
        self.done = threading.Event()

    def __call__(self, frames: int, start_ns: int) -> np.ndarray:
        self.calls.append((frames, start_ns))
        if len(self.calls) >= self.enough:
            self.done.set()
        return np.zeros(frames, dtype=np.int16)


def test_clock_sink_asks_for_every_10_ms_once() -> None:
    asked, sink = Asked(20), ClockSink()
    sink.start(asked, 22050)
    assert asked.done.wait(10.0)
    sink.close()
    count = len(asked.calls)
    assert {frames for frames, _ in asked.calls} == {220}
    steps = np.diff([start for _, start in asked.calls[:20]])
    assert np.abs(steps - 220 * 1_000_000_000 / 22050).max() < 2
    assert sink.status.audible is False
    assert len(asked.calls) == count


def test_clock_sink_goes_on_from_now_after_a_long_sleep() -> None:
    times = iter([0, 0, 10 * MS, 5000 * MS, 5000 * MS, 5010 * MS])
    asked = Asked(3)
    last = [5010 * MS]

    def clock() -> int:
        last[0] = next(times, last[0])
        return last[0]

    sink = ClockSink(clock=clock)
    sink.start(asked, RATE)
    assert asked.done.wait(10.0)
    sink.close()
    assert [start // MS for _, start in asked.calls[:3]] == [0, 10, 5000]


class Statuses:
    def __init__(self) -> None:
        self.seen: list[SinkStatus] = []

    def __call__(self, status: SinkStatus) -> None:
        self.seen.append(status)


def test_without_a_device_the_clock_takes_the_sound_and_says_why() -> None:
    def no_device() -> FakeDevice:
        raise DeviceError("this machine has no playback device")

    asked, statuses = Asked(3), Statuses()
    sink = FallbackSink(open_device=no_device)
    sink.start(asked, RATE, statuses)
    assert asked.done.wait(10.0)
    wait_until(lambda: bool(statuses.seen))
    sink.close()
    assert statuses.seen == [SinkStatus("clock", False, "this machine has no playback device")]


def test_the_device_goes_and_comes_back(tmp_path: Path) -> None:
    devices: list[FakeDevice] = []

    def open_device() -> FakeDevice:
        if len(devices) == 1 and not devices[0].closed:
            raise DeviceError("still gone")
        devices.append(FakeDevice(f"speaker {len(devices) + 1}"))
        return devices[-1]

    statuses, log = Statuses(), EventLog()
    sink = FallbackSink(open_device=open_device, retry_s=0.05)
    recorder = SessionRecorder(tmp_path / "s.wav", RATE)
    player = Player(sink, RATE, on_event=log, on_status=statuses, taps=(recorder,))
    wait_until(lambda: sink.status.name == "speaker 1")
    player.play(tone(0.5), "cut by the cable")
    log.wait("cut by the cable", SpeechState.STARTED)
    devices[0].unplug()
    log.wait("cut by the cable", SpeechState.FINISHED)
    wait_until(lambda: sink.status.name == "speaker 2")
    player.play(tone(0.05), "heard again")
    log.wait("heard again", SpeechState.FINISHED)
    player.close()
    recorder.close()
    assert [status.name for status in statuses.seen] == ["speaker 1", "clock", "speaker 2"]
    assert statuses.seen[1].detail == "speaker 1: unplugged"
    assert all(device.closed for device in devices)
    with wave.open(str(tmp_path / "s.wav")) as file:
        spoken = np.count_nonzero(np.frombuffer(file.readframes(file.getnframes()), dtype="<i2"))
    assert spoken == round(0.55 * RATE)


def test_a_device_that_never_takes_sound_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinecue.speech.device.STEADY_TIMEOUT_S", 0.1)
    device, statuses = FakeDevice(steady=False), Statuses()
    sink = FallbackSink(open_device=lambda: device)
    sink.start(Asked(1), RATE, statuses)
    wait_until(lambda: device.closed)
    sink.close()
    assert "takes no sound" in statuses.seen[0].detail


def test_a_device_by_a_wrong_name_is_refused_with_the_names_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kinecue.speech.device._miniaudio", lambda: None)
    monkeypatch.setattr(
        "kinecue.speech.device._playbacks", lambda _: [{"name": "HDMI"}, {"name": "USB Audio"}]
    )
    with pytest.raises(DeviceError, match=r"no playback device 'bluetooth'; there are: HDMI, USB Audio"):
        DeviceSink("bluetooth").start(Asked(1), RATE)
    monkeypatch.setattr("kinecue.speech.device._playbacks", lambda _: [])
    with pytest.raises(DeviceError, match="has no playback device"):
        DeviceSink().start(Asked(1), RATE)


def test_without_miniaudio_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr("kinecue.speech.device.importlib.import_module", missing)
    with pytest.raises(DeviceError, match="pip install miniaudio"):
        DeviceSink().start(Asked(1), RATE)


def test_recording_maps_times_to_samples(tmp_path: Path) -> None:
    recorder = SessionRecorder(tmp_path / "deep" / "session.wav", RATE)
    assert recorder.sample_at(0) is None
    recorder.write(np.arange(1000, dtype=np.int16), 5000 * MS)
    recorder.write(np.arange(1000, dtype=np.int16), 5062 * MS)
    assert recorder.sample_at(5500 * MS) == RATE // 2
    assert not (tmp_path / "deep" / "session.wav").exists()
    assert recorder.close() == tmp_path / "deep" / "session.wav"
    assert recorder.close() == tmp_path / "deep" / "session.wav"
    recorder.write(np.ones(10, dtype=np.int16), 0)
    with wave.open(str(tmp_path / "deep" / "session.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        assert file.getnframes() == 2000
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["session.wav"]


def test_a_recording_is_readable_while_it_grows(tmp_path: Path) -> None:
    recorder = SessionRecorder(tmp_path / "s.wav", RATE)
    part = tmp_path / "s.wav.part"
    for number in range(3):
        recorder.write(np.ones(RATE, dtype=np.int16), number)
    wait_until(lambda: part.stat().st_size == len(wav_header(RATE, 0)) + 3 * 2 * RATE)

    def frames() -> int:
        with wave.open(str(part)) as file:
            return file.getnframes()

    wait_until(lambda: frames() == 3 * RATE)
    recorder.close()


def test_a_recording_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecorderError, match=r"cannot record to .*file/s\.wav"):
        SessionRecorder(tmp_path / "file" / "s.wav", RATE)


def test_a_full_disk_stops_the_recording_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = SessionRecorder(tmp_path / "s.wav", RATE)

    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder, "_write_header", full)
    recorder.write(np.ones(RATE, dtype=np.int16), 0)
    wait_until(lambda: recorder.problem is not None)
    recorder.write(np.ones(RATE, dtype=np.int16), 0)
    assert recorder.close() is None
    assert "No space left" in (recorder.problem or "")


class FakeMiniaudio:
    """As much of miniaudio as the sink uses; pulls when told."""

    class MiniaudioError(Exception):
        pass

    Backend = SimpleNamespace(PULSEAUDIO=1, ALSA=2, NULL=3)
    SampleFormat = SimpleNamespace(SIGNED16=2)

    def __init__(self, names: list[str], problem: str | None = None) -> None:
        self.names, self.problem = names, problem
        self.settings: dict[str, Any] = {}
        self.backend = "Fake"
        self.stop_callback: Any = None
        self.pull: Any = None
        self.closed = False

    def Devices(self, backends: list[int]) -> Any:  # noqa: N802, the name is miniaudio's
        assert 3 not in backends
        return SimpleNamespace(get_playbacks=lambda: [{"name": name, "id": name} for name in self.names])

    def PlaybackDevice(self, **settings: Any) -> Any:  # noqa: N802
        if self.problem:
            raise self.MiniaudioError(self.problem, -1)
        self.settings = settings
        return self

    def start(self, pull: Any) -> None:
        self.pull = pull

    def close(self) -> None:
        self.closed = True


def test_a_device_pulls_from_the_player(monkeypatch: pytest.MonkeyPatch) -> None:
    miniaudio, clock = (
        FakeMiniaudio(["HDMI", "Discard all samples (playback)", "USB Audio Device"]),
        FakeClock(),
    )
    monkeypatch.setattr("kinecue.speech.device._miniaudio", lambda: miniaudio)
    assert list_devices() == ["HDMI", "USB Audio Device"]
    asked, sink = Asked(1), DeviceSink("usb", clock=clock)
    sink.start(asked, RATE)
    assert (miniaudio.settings["device_id"], miniaudio.settings["sample_rate"]) == ("USB Audio Device", RATE)
    assert sink.status == SinkStatus("USB Audio Device", True, "Fake", 0.015)
    assert not sink.steady
    for _ in range(5):
        clock.now_ns += 20 * MS
        assert len(miniaudio.pull.send(320)) == 320
    assert asked.calls[-1] == (320, clock.now_ns)
    assert sink.steady
    assert sink.failed is None
    clock.now_ns += 1100 * MS
    assert sink.failed == "the device took nothing for 1 s"
    assert not sink.steady
    miniaudio.stop_callback()
    assert sink.failed == "the device stopped"
    sink.close()
    sink.close()
    assert miniaudio.closed


def test_a_device_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    miniaudio = FakeMiniaudio(["HDMI"], problem="failed to init device")
    monkeypatch.setattr("kinecue.speech.device._miniaudio", lambda: miniaudio)
    with pytest.raises(DeviceError, match="the default device: failed to init device"):
        DeviceSink().start(Asked(1), RATE)
