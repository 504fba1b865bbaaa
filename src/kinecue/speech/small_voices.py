"""Installs Pico and eSpeak NG from the package index, without root: the voices of languages that piper's lacks.

`ttspico` carries the sources and voices of SVOX Pico (Apache-2.0), which are compiled here; `espeakng-loader` the library
and data of eSpeak NG (GPL-3), which is loaded by a program of its own only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from kinecue.speech.engines import Synthesizer
from kinecue.speech.errors import EngineUnavailableError, NoWheelError, VoiceSetupError
from kinecue.speech.espeak_engine import EspeakProcess, espeak_folder, find_espeak
from kinecue.speech.installed import write_manifest
from kinecue.speech.packages import Artifact, Progress, download, only_one, unpack
from kinecue.speech.pico_engine import PicoEngine, find_pico, pico_folder
from kinecue.speech.voice_setup import try_out

PICO = Artifact(
    "ttspico",
    "0.3.2",
    "Apache-2.0",
    5,
    frozenset({"743a280a8ced8523583665cb45797d730aceb2e145a04a212f82ebb0b5fac6c8"}),
    source=True,
)
ESPEAK = Artifact(
    "espeakng-loader",
    "0.2.4",
    "GPL-3.0-or-later",
    10,
    frozenset(
        {
            # manylinux x86_64, aarch64 (glibc 2.28); macOS x86_64, arm64
            "08721baf27d13d461f6be6eed9a65277e70d68234ff484fd8b9897b222cdcb6d",
            "d1e798141b46a050cdb75fcf3c17db969bb2c40394f3f4a48910655d547508b9",
            "b77477ae2ddf62a748e04e49714eabb2f3a24f344166200b00539083bd669904",
            "d27cdca31112226e7299d8562e889d3e38a1e48055c9ee381b45d669072ee59f",
        }
    ),
)
_COMPILERS = ("cc", "gcc", "clang")
_COMPILE_TIMEOUT_S = 300.0
# Its C is of 2009 and full of warnings; -fno-strict-aliasing because it reads its data through casts.
_FLAGS = ("-O1", "-fPIC", "-shared", "-w", "-fno-strict-aliasing")
_LIBRARY = "libttspico.so"
_NEEDED_MEGABYTES = 60


def fetch_pico(
    voice_dir: Path,
    *,
    progress: Progress = lambda _: None,
    artifact: Artifact = PICO,
    python: str = sys.executable,
) -> None:
    """Install Pico under `voice_dir` unless it is there, after it spoke a test sentence.

    Raises:
        NoWheelError: this machine has no C compiler, or cannot compile or run it.
        VoiceSetupError: anything else, with what to do about it.
    """
    try:
        if find_pico(voice_dir, "en").version == artifact.version:
            return
    except EngineUnavailableError:
        pass
    compiler = os.environ.get("CC") or next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        raise NoWheelError("Pico has to be compiled, and there is no C compiler (apt install gcc)")

    def arrange(unpacked: Path, final: Path) -> None:
        source = next(unpacked.glob("*/picopi/pico"), None)
        if source is None:
            raise VoiceSetupError(f"{artifact.name} holds no sources of Pico")
        final.mkdir()
        (source / "lang").rename(final / "lang")
        shutil.copy(source / "lib" / "NOTICE", final / "NOTICE")
        _compile(str(compiler), source / "lib", final / _LIBRARY)
        write_manifest(
            final,
            {
                "engine": artifact.name,
                "version": artifact.version,
                "licence": artifact.licence,
                "library": _LIBRARY,
                "lingware": "lang",
            },
        )

    _install(
        voice_dir,
        pico_folder(voice_dir),
        artifact,
        python,
        progress,
        arrange,
        lambda folder: PicoEngine(find_pico(folder, "en"), "en", sentence_timeout_s=60.0),
    )


def fetch_espeak(
    voice_dir: Path,
    *,
    progress: Progress = lambda _: None,
    artifact: Artifact = ESPEAK,
    python: str = sys.executable,
) -> None:
    """Install eSpeak NG under `voice_dir` unless it is there, after it spoke a test sentence.

    Raises:
        NoWheelError: there is no build for this system or processor.
        VoiceSetupError: anything else, with what to do about it.
    """
    try:
        if find_espeak(voice_dir, "en").version == artifact.version:
            return
    except EngineUnavailableError:
        pass

    def arrange(unpacked: Path, final: Path) -> None:
        (unpacked / "espeakng_loader").rename(final)
        library = next((path.name for path in sorted(final.glob("libespeak-ng.*")) if path.is_file()), None)
        if library is None:
            raise VoiceSetupError(f"{artifact.name} holds no library")
        write_manifest(
            final,
            {
                "engine": artifact.name,
                "version": artifact.version,
                "licence": artifact.licence,
                "library": library,
                "data": ".",
            },
        )

    _install(
        voice_dir,
        espeak_folder(voice_dir),
        artifact,
        python,
        progress,
        arrange,
        lambda folder: EspeakProcess(find_espeak(folder, "en"), "en", sentence_timeout_s=60.0),
    )


def _install(
    voice_dir: Path,
    target: Path,
    artifact: Artifact,
    python: str,
    progress: Progress,
    arrange: Callable[[Path, Path], None],
    engine_in: Callable[[Path], Synthesizer],
) -> None:
    try:
        voice_dir.mkdir(parents=True, exist_ok=True)
        with (
            only_one(voice_dir, progress),
            tempfile.TemporaryDirectory(prefix=".incoming-", dir=voice_dir) as temporary,
        ):
            free = shutil.disk_usage(voice_dir).free // 2**20
            if free < _NEEDED_MEGABYTES:
                raise VoiceSetupError(
                    f"{free} MB are free in {voice_dir}: {artifact.name} needs {_NEEDED_MEGABYTES} MB"
                )
            incoming = Path(temporary)
            progress(
                f"voice: {artifact.name} {artifact.version} ({artifact.megabytes} MB, {artifact.licence})"
            )
            unpack(download(artifact, incoming, python), incoming / "unpacked")
            arrange(incoming / "unpacked", incoming / target.name)
            try_out(engine_in(incoming), artifact.name)
            if target.exists():
                target.rename(incoming / "replaced")
            (incoming / target.name).rename(target)
    except OSError as error:
        raise VoiceSetupError(f"{artifact.name} cannot be installed in {voice_dir}: {error}") from error


def _compile(compiler: str, source: Path, library: Path) -> None:
    files = [str(path) for path in sorted(source.glob("*.c"))]
    try:
        run = subprocess.run(
            [*compiler.split(), *_FLAGS, *files, "-o", str(library), "-lm"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMPILE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoWheelError(f"Pico could not be compiled: {error}") from error
    if run.returncode != 0:
        words = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoWheelError(f"Pico could not be compiled: {words}")
