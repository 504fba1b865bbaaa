"""piper: a neural voice, run as a program of its own.

piper-tts is GPL-3. It is never imported here: its own command line is started with the Python that runs us,
and text and WAV files are all that passes between the two.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from kinecue.speech.errors import EngineUnavailableError
from kinecue.speech.line_engine import LineEngine

MANIFEST = "manifest.json"
# Piper varies sound and rhythm at random, by 0.667 and 0.8 unless told. At those, a recogniser took one "push
# your knees in" in 20 for "out"; at a third, none in 40.
VARIATION = 0.333
SETUP_HINT = "install it with 'kinecue voice fetch'"


@dataclass(frozen=True)
class PiperInstallation:
    """Where piper's program and voice are: `packages` goes to PYTHONPATH, `model` is the ONNX file."""

    packages: Path
    model: Path
    voice: str
    version: str
    sample_rate: int  # Hz


def piper_folder(voice_dir: Path) -> Path:
    """Where the set-up puts piper inside the voice folder."""
    return voice_dir / "piper"


def find_piper(voice_dir: Path) -> PiperInstallation:
    """The piper that the set-up installed under `voice_dir`.

    Raises:
        EngineUnavailableError: it is not there, or not complete.
    """
    folder = piper_folder(voice_dir)
    manifest_path = folder / MANIFEST
    if not manifest_path.is_file():
        raise EngineUnavailableError(f"no piper voice in {voice_dir} ({SETUP_HINT})")
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        sizes: dict[str, int] = manifest["files"]
        wrong = [name for name, size in sizes.items() if _size(folder / name) != size]
        found = PiperInstallation(
            packages=folder / manifest["packages"],
            model=folder / manifest["model"],
            voice=str(manifest["voice"]),
            version=str(manifest["version"]),
            sample_rate=int(manifest["sample_rate"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineUnavailableError(f"{manifest_path} is damaged: {error!r} ({SETUP_HINT})") from error
    if wrong:
        raise EngineUnavailableError(f"{folder / wrong[0]} is missing or damaged ({SETUP_HINT})")
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


class PiperEngine(LineEngine):
    """piper with its model loaded once; see `LineEngine` for what happens when it dies or stalls."""

    def __init__(self, installation: PiperInstallation, *, sentence_timeout_s: float = 8.0) -> None:
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
            command=[
                *(sys.executable, "-m", "piper", "--model", str(installation.model)),
                *("--output-dir", "{folder}"),
                *("--noise-scale", str(VARIATION), "--noise-w-scale", str(VARIATION)),
            ],
            environment=environment,
            sentence_timeout_s=sentence_timeout_s,
        )
