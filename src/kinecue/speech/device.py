"""A real sound device, through miniaudio, with the clock sink behind it for when there is none."""

from __future__ import annotations

import ctypes
import importlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Protocol

import numpy as np

from kinecue.speech.audio import Samples
from kinecue.speech.errors import DeviceError
from kinecue.speech.sinks import NS, Clock, ClockSink, Render, Sink, SinkStatus, StatusCallback, hurry

_LOG = logging.getLogger(__name__)

# A block is asked for while the one before it plays, so a new sample waits for at most a block and is heard a block later.
# Of 10, 15 and 20 ms, 15 left the fewest gaps in a tone while 11 programs ran on two cores.
BUFFER_MS = 15
PERIODS = 2
RETRY_S = 5.0
# A device that asks for nothing for so long is gone.
STALLED_S = 1.0
# PulseAudio takes up to 2 s until an idle device asks regularly; until then the clock goes on.
STEADY_ASKS, STEADY_WITHIN_S, STEADY_TIMEOUT_S = 5, 0.5, 5.0
WATCH_EVERY_S = 0.1

_BACKENDS = ("PULSEAUDIO", "ALSA", "JACK", "COREAUDIO", "WASAPI")
# ALSA lists a device that plays nothing on every machine.
_ALSA_NULL = "Discard all samples"
_alsa_handler: Any = None


def _miniaudio() -> Any:
    try:
        module = importlib.import_module("miniaudio")
    except ImportError as error:
        raise DeviceError(f"no sound output library: {error} (pip install miniaudio)") from error
    _quiet_alsa()
    return module


def _quiet_alsa() -> None:
    """ALSA prints to stderr for every device that is not there; the error we get says the same."""
    global _alsa_handler
    if _alsa_handler is not None:
        return
    try:
        library = ctypes.CDLL("libasound.so.2")
    except OSError:
        return
    kind = ctypes.CFUNCTYPE(
        None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
    )
    _alsa_handler = kind(lambda *_: None)
    library.snd_lib_error_set_handler(_alsa_handler)


def _backends(miniaudio: Any) -> list[Any]:
    """Every real back end; miniaudio's null device would pass for one."""
    return [getattr(miniaudio.Backend, name) for name in _BACKENDS if hasattr(miniaudio.Backend, name)]


def list_devices() -> list[str]:
    """Names of the playback devices of this machine. Raises `DeviceError` where there is no sound system."""
    return [str(device["name"]) for device in _playbacks(_miniaudio())]


def _playbacks(miniaudio: Any) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = miniaudio.Devices(_backends(miniaudio)).get_playbacks()
    except miniaudio.MiniaudioError as error:
        raise DeviceError(f"no sound system here ({error.args[0] if error.args else error})") from error
    return [device for device in found if not str(device["name"]).startswith(_ALSA_NULL)]


class Device(Sink, Protocol):
    """A sink that may fail, and that needs a moment until it takes sound steadily."""

    @property
    def steady(self) -> bool:
        """Whether it asks for samples regularly by now."""
        ...

    @property
    def failed(self) -> str | None:
        """Why it plays no more, or None while it does."""
        ...


class DeviceSink:
    """One opened device. `start` raises `DeviceError`; `failed` tells later that it is gone."""

    def __init__(self, name: str | None = None, *, clock: Clock = time.monotonic_ns) -> None:
        """Use the device whose name contains `name` (case does not matter), else the default one."""
        self._wanted, self._clock = name, clock
        self._device: Any = None
        self._status = SinkStatus(name or "default", True)
        self._asked_ns = 0
        self._asks: deque[int] = deque(maxlen=STEADY_ASKS)
        self._stopped = False

    @property
    def status(self) -> SinkStatus:
        """Audible."""
        return self._status

    @property
    def steady(self) -> bool:
        """Whether it asked several times within the last moment."""
        asks = list(self._asks)
        return len(asks) == STEADY_ASKS and self._clock() - asks[0] < STEADY_WITHIN_S * NS

    @property
    def failed(self) -> str | None:
        """Why it plays no more, or None while it does."""
        if self._stopped:
            return "the device stopped"
        if self._clock() - self._asked_ns > STALLED_S * NS:
            return f"the device took nothing for {STALLED_S:g} s"
        return None

    def start(self, render: Render, sample_rate: int, on_status: StatusCallback | None = None) -> None:
        """Open the device and begin to play."""
        miniaudio = _miniaudio()
        chosen = self._choose(_playbacks(miniaudio))
        try:
            self._device = miniaudio.PlaybackDevice(
                output_format=miniaudio.SampleFormat.SIGNED16,
                nchannels=1,
                sample_rate=sample_rate,
                buffersize_msec=BUFFER_MS,
                callback_periods=PERIODS,
                device_id=chosen["id"] if chosen is not None else None,
                backends=_backends(miniaudio),
                app_name="KineCue",
            )
            self._device.stop_callback = self._on_stop
            pull = self._pull(render)
            next(pull)
            self._asked_ns = self._clock()
            self._device.start(pull)
        except miniaudio.MiniaudioError as error:
            self.close()
            raise DeviceError(f"{self._wanted or 'the default device'}: {error.args[0]}") from error
        name = str(chosen["name"]) if chosen is not None else "default"
        self._status = SinkStatus(name, True, str(self._device.backend), BUFFER_MS * (PERIODS - 1) / 1000.0)

    def _choose(self, devices: list[dict[str, Any]]) -> dict[str, Any] | None:
        if not devices:
            raise DeviceError("this machine has no playback device")
        if self._wanted is None:
            return None
        for device in devices:
            if self._wanted.lower() in str(device["name"]).lower():
                return device
        raise DeviceError(
            f"no playback device '{self._wanted}'; there are: {', '.join(str(d['name']) for d in devices)}"
        )

    def _pull(self, render: Render) -> Generator[Samples, int, None]:
        frames = yield np.zeros(0, dtype=np.int16)
        hurry()
        while True:
            self._asked_ns = self._clock()
            self._asks.append(self._asked_ns)
            frames = yield render(frames, self._asked_ns)

    def _on_stop(self) -> None:
        self._stopped = True

    def close(self) -> None:
        """Give the device back."""
        device, self._device = self._device, None
        if device is not None:
            device.stop_callback = None
            device.close()


class FallbackSink:
    """The wanted device while it works, else the clock sink; an absent device is tried again.

    It opens devices in a thread of its own, so that a sound server which does not answer delays nothing.
    """

    def __init__(
        self,
        device_name: str | None = None,
        *,
        open_device: Callable[[], Device] | None = None,
        clock: Clock = time.monotonic_ns,
        retry_s: float = RETRY_S,
    ) -> None:
        self._open_device = open_device or (lambda: DeviceSink(device_name, clock=clock))
        self._clock, self._retry_s = clock, retry_s
        self._status = SinkStatus("clock", False, "the device is being opened")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._active: Sink | None = None
        self._on_status: StatusCallback | None = None
        self._switch = threading.Lock()

    @property
    def status(self) -> SinkStatus:
        """What takes the sound now, and why it is not the device."""
        return self._status

    def start(self, render: Render, sample_rate: int, on_status: StatusCallback | None = None) -> None:
        """Begin with the clock, look for the device meanwhile."""
        self._on_status = on_status
        self._use_clock(render, sample_rate, self._status.detail)
        self._thread = threading.Thread(
            target=self._watch, args=(render, sample_rate), name="kinecue-sound-device", daemon=True
        )
        self._thread.start()

    def _watch(self, render: Render, sample_rate: int) -> None:
        while not self._stop.is_set():
            gate = _Gate(render)
            try:
                device = self._open_device()
                device.start(gate, sample_rate)
            except DeviceError as error:
                self._announce(SinkStatus("clock", False, str(error)))
            else:
                self._use_while_it_works(device, gate, render, sample_rate)
            self._stop.wait(self._retry_s)

    def _use_while_it_works(self, device: Device, gate: _Gate, render: Render, sample_rate: int) -> None:
        try:
            if not self._wait_steady(device):
                self._announce(
                    SinkStatus("clock", False, f"{device.status.name} was opened but takes no sound")
                )
                return
            with self._switch:
                if self._stop.is_set():
                    return
                if self._active is not None:
                    self._active.close()
                gate.open()
                self._active = None
            self._announce(device.status)
            while device.failed is None and not self._stop.wait(WATCH_EVERY_S):
                pass
            gate.close()
            reason = f"{device.status.name}: {device.failed or 'closed'}"
            with self._switch:
                if self._stop.is_set():
                    return
                self._use_clock(render, sample_rate, reason)
            self._announce(SinkStatus("clock", False, reason))
        finally:
            gate.close()
            device.close()

    def _wait_steady(self, device: Device) -> bool:
        limit = time.monotonic() + STEADY_TIMEOUT_S
        while time.monotonic() < limit and not self._stop.wait(WATCH_EVERY_S / 2):
            if device.steady:
                return True
        return False

    def _use_clock(self, render: Render, sample_rate: int, reason: str) -> None:
        self._active = ClockSink(reason, clock=self._clock)
        self._active.start(render, sample_rate)

    def _announce(self, status: SinkStatus) -> None:
        if status == self._status:
            return
        self._status = status
        _LOG.info("sound goes to %s%s", status.name, f" ({status.detail})" if status.detail else "")
        if self._on_status is not None:
            self._on_status(status)

    def close(self) -> None:
        """End the thread and what it opened. A device that hangs is left behind after a second."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)
        with self._switch:
            active, self._active = self._active, None
        if active is not None:
            active.close()


class _Gate:
    """Silence for a device that is not in use yet or no more: only one sink takes from the player."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._is_open = False

    def open(self) -> None:
        self._is_open = True

    def close(self) -> None:
        self._is_open = False

    def __call__(self, frames: int, start_ns: int) -> Samples:
        return self._render(frames, start_ns) if self._is_open else np.zeros(frames, dtype=np.int16)
