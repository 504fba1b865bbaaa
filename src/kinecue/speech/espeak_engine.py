"""eSpeak NG (GPL-3, so only ever run): instant and robotic, a hundred languages, the last resort."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kinecue.speech.audio import Utterance, read_wav
from kinecue.speech.engines import find_program, run_program, version_in
from kinecue.speech.errors import EngineDiedError, EngineTimeoutError, EngineUnavailableError
from kinecue.speech.installed import read_manifest
from kinecue.speech.line_engine import LineEngine
from kinecue.speech.programs import espeak_speaker
from kinecue.speech.text import speakable

SAMPLE_RATE = 22050
WORDS_PER_MINUTE = 155
# Where the voice of a language is not called as the language.
_VOICES = {"en": "en-us"}


def voice_of(language: str) -> str:
    """espeak-ng's name of the voice of a language."""
    return _VOICES.get(language, language)


class EspeakEngine:
    """The program `espeak-ng` where the system has it, one process for each sentence."""

    name = "espeak"
    speaks = True
    sample_rate = SAMPLE_RATE
    start_s = 0.0

    def __init__(self, language: str = "en", *, program: str = "espeak-ng") -> None:
        """Raises `EngineUnavailableError` where the program is missing, does not run, or lacks the language."""
        self._program = find_program(program)
        self.language, self.voice = language, voice_of(language)
        try:
            self.version = version_in(run_program([self._program, "--version"]))
            listed = run_program([self._program, f"--voices={language}"]).splitlines()[1:]
        except (EngineTimeoutError, EngineDiedError) as error:
            raise EngineUnavailableError(str(error)) from error
        if not listed:
            raise EngineUnavailableError(f"{self._program} has no voice for '{language}'")

    def start(self) -> None:
        """There is nothing to start: each sentence is a run of its own."""

    def synthesize(self, text: str) -> Utterance:
        """One run of espeak-ng."""
        line = speakable(text)
        with tempfile.TemporaryDirectory(prefix="kinecue-espeak-") as folder:
            target = Path(folder) / "speech.wav"
            command = [self._program, "-v", self.voice, "-s", str(WORDS_PER_MINUTE), "-w", str(target)]
            run_program([*command, "--stdin"], text=line + os.linesep)
            return read_wav(target, text)

    def close(self) -> None:
        """Nothing is kept between sentences."""


@dataclass(frozen=True)
class EspeakInstallation:
    """The shared library, and the folder that holds ``espeak-ng-data``."""

    library: Path
    data: Path
    version: str


def espeak_folder(voice_dir: Path) -> Path:
    """Where the set-up puts eSpeak NG inside the voice folder."""
    return voice_dir / "espeak"


def find_espeak(voice_dir: Path, language: str) -> EspeakInstallation:
    """The eSpeak NG that the set-up installed under `voice_dir`.

    Raises:
        EngineUnavailableError: it is not there, not complete, or lacks the language.
    """
    folder = espeak_folder(voice_dir)
    manifest = read_manifest(folder, "eSpeak NG")
    try:
        found = EspeakInstallation(
            folder / manifest["library"], folder / manifest["data"], str(manifest["version"])
        )
    except (KeyError, TypeError) as error:
        raise EngineUnavailableError(f"{folder}: the manifest is damaged: {error!r}") from error
    if not (found.data / "espeak-ng-data" / f"{language}_dict").is_file():
        raise EngineUnavailableError(f"has no voice for '{language}'")
    return found


class EspeakProcess(LineEngine):
    """The installed library in a process of its own; see `LineEngine` for what happens when that dies or stalls."""

    def __init__(
        self, installation: EspeakInstallation, language: str, *, sentence_timeout_s: float = 2.0
    ) -> None:
        voice = voice_of(language)
        super().__init__(
            name="espeak",
            voice=voice,
            version=installation.version,
            sample_rate=SAMPLE_RATE,
            language=language,
            command=[
                *(sys.executable, "-I", "-S", espeak_speaker.__file__),
                *(str(installation.library), str(installation.data), voice, str(WORDS_PER_MINUTE)),
                "{folder}",
            ],
            start_timeout_s=5.0,
            sentence_timeout_s=sentence_timeout_s,
            expected_start_s=0.2,
        )
