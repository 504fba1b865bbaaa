"""SVOX Pico: small and clear voices in six languages, Apache-2.0, in a process of its own.

It is C of 2009: a crash in it ends that process, and not the coach.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from kinecue.speech.errors import EngineUnavailableError
from kinecue.speech.installed import read_manifest
from kinecue.speech.line_engine import LineEngine
from kinecue.speech.programs import pico_speaker

SAMPLE_RATE = pico_speaker.SAMPLE_RATE
# The lingware that exists; en-GB is left out, since the phrases are American.
LINGWARE = {"en": "en-US", "es": "es-ES", "de": "de-DE", "fr": "fr-FR", "it": "it-IT"}
# Per cent of the voice's own pace: Pico reads faster than a coach.
SPEED = 90


@dataclass(frozen=True)
class PicoInstallation:
    """The shared library and the folder of voices."""

    library: Path
    lingware: Path
    version: str


def pico_folder(voice_dir: Path) -> Path:
    """Where the set-up puts Pico inside the voice folder."""
    return voice_dir / "pico"


def find_pico(voice_dir: Path, language: str) -> PicoInstallation:
    """The Pico that the set-up installed under `voice_dir`.

    Raises:
        EngineUnavailableError: it is not there, not complete, or has no voice for `language`.
    """
    if language not in LINGWARE:
        raise EngineUnavailableError(f"speaks {', '.join(LINGWARE)}, not '{language}'")
    folder = pico_folder(voice_dir)
    manifest = read_manifest(folder, "Pico")
    try:
        return PicoInstallation(
            folder / manifest["library"], folder / manifest["lingware"], str(manifest["version"])
        )
    except (KeyError, TypeError) as error:
        raise EngineUnavailableError(f"{folder}: the manifest is damaged: {error!r}") from error


class PicoEngine(LineEngine):
    """One voice of Pico; see `LineEngine` for what happens when it dies or stalls."""

    def __init__(
        self, installation: PicoInstallation, language: str, *, sentence_timeout_s: float = 2.0
    ) -> None:
        voice = LINGWARE[language]
        super().__init__(
            name="pico",
            voice=voice,
            version=f"{installation.version} speed {SPEED}",
            sample_rate=SAMPLE_RATE,
            language=language,
            command=[
                *(sys.executable, "-I", "-S", pico_speaker.__file__),
                *(str(installation.library), str(installation.lingware), voice, str(SPEED), "{folder}"),
            ],
            start_timeout_s=5.0,
            sentence_timeout_s=sentence_timeout_s,
            expected_start_s=0.3,
        )
