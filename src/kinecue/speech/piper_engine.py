"""piper: a neural voice, run as a program of its own.

piper-tts is GPL-3. It is never imported here: its own command line is started with the Python that runs us,
and text and WAV files are all that passes between the two.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kinecue.speech.errors import EngineUnavailableError
from kinecue.speech.installed import MANIFEST, SETUP_HINT, read_manifest
from kinecue.speech.language import primary
from kinecue.speech.line_engine import LineEngine

__all__ = ["MANIFEST", "SETUP_HINT", "PiperEngine", "PiperInstallation", "find_piper", "piper_folder"]

# Piper varies sound and rhythm at random, by 0.667 and 0.8 unless told. At those, a recogniser took one "push
# your knees in" in 20 for "out"; at a third, none in 40.
VARIATION = 0.333


@dataclass(frozen=True)
class PiperInstallation:
    """Where piper's program and voice are: `packages` goes to PYTHONPATH, `model` is the ONNX file."""

    packages: Path
    model: Path
    voice: str
    version: str
    sample_rate: int  # Hz
    language: str = "en"


def piper_folder(voice_dir: Path) -> Path:
    """Where the set-up puts piper and its English voice inside the voice folder."""
    return voice_dir / "piper"


def find_piper(voice_dir: Path, language: str = "en") -> PiperInstallation:
    """The piper under `voice_dir` that speaks `language`.

    That of the set-up is in ``piper``; voices of other languages go to folders ``piper-ANYTHING`` beside it, each with a
    manifest of its own, whose "packages" may be ``../piper/packages``.

    Raises:
        EngineUnavailableError: there is none, or it is not complete.
    """
    spoken = []
    for found in _installations(voice_dir):
        if found.language == language:
            return found
        spoken.append(found.language)
    raise EngineUnavailableError(f"speaks {', '.join(spoken)}, not '{language}'")


def _installations(voice_dir: Path) -> Iterator[PiperInstallation]:
    main = piper_folder(voice_dir)
    yield _installation(main)
    for folder in sorted(voice_dir.glob("piper-*")):
        if (folder / MANIFEST).is_file():
            yield _installation(folder)


def _installation(folder: Path) -> PiperInstallation:
    manifest = read_manifest(folder, "piper voice")
    try:
        voice = str(manifest["voice"])
        return PiperInstallation(
            packages=folder / manifest["packages"],
            model=folder / manifest["model"],
            voice=voice,
            version=str(manifest["version"]),
            sample_rate=int(manifest["sample_rate"]),
            language=primary(str(manifest.get("language", voice.split("-")[0]))) or "en",
        )
    except (ValueError, KeyError, TypeError) as error:
        raise EngineUnavailableError(f"{folder / MANIFEST} is damaged: {error!r} ({SETUP_HINT})") from error


class PiperEngine(LineEngine):
    """piper with its model loaded once; see `LineEngine` for what happens when it dies or stalls."""

    def __init__(self, installation: PiperInstallation, *, sentence_timeout_s: float = 2.0) -> None:
        environment = dict(os.environ)
        # onnxruntime and numpy come from the environment that runs us.
        inherited = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(installation.packages), *([inherited] if inherited else [])]
        )
        environment["PYTHONUNBUFFERED"] = "1"
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        # The set-up wrote the number of threads into the model, see model_options.py.
        environment["ORT_LOAD_CONFIG_FROM_MODEL"] = "1"
        super().__init__(
            name="piper",
            voice=installation.voice,
            version=f"{installation.version} variation {VARIATION}",
            sample_rate=installation.sample_rate,
            language=installation.language,
            command=[
                *(sys.executable, "-m", "piper", "--model", str(installation.model)),
                *("--output-dir", "{folder}"),
                *("--noise-scale", str(VARIATION), "--noise-w-scale", str(VARIATION)),
            ],
            environment=environment,
            sentence_timeout_s=sentence_timeout_s,
        )
