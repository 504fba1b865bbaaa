"""The folder of converted networks: verified before use, replaced only as a whole."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kinecue.body.paths import data_dir
from kinecue.perception.errors import ModelError
from kinecue.perception.manifest import FileDigest, Interface, Manifest, load_manifest
from kinecue.perception.sessions import Network, open_network

_CHUNK = 1 << 20


def digest_problem(path: Path, expected: FileDigest) -> str | None:
    """What is wrong with a file, or None if size and sha256 are as expected."""
    size = path.stat().st_size
    if size != expected.bytes:
        return f"expected {expected.bytes} bytes, found {size}"
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != expected.sha256:
        return f"expected sha256 {expected.sha256}, found {digest.hexdigest()}"
    return None


class ModelStore:
    """The networks of the manifest as ONNX files in one folder.

    Args:
        folder: where the files are, ``data_dir()/models`` by default; need not exist.
        manifest: what they must be, the shipped manifest by default.
    """

    def __init__(self, folder: Path | None = None, manifest: Manifest | None = None) -> None:
        self.folder = folder if folder is not None else data_dir() / "models"
        self.manifest = manifest if manifest is not None else load_manifest()

    @property
    def choices(self) -> Path:
        """Where measured choices of execution providers are kept."""
        return self.folder / "providers.json"

    def interface(self, name: str) -> Interface:
        """Inputs and outputs of a network.

        Raises:
            ModelError: the manifest has no such network.
        """
        if name not in self.manifest.models:
            raise ModelError(f"unknown model {name!r}; allowed: {', '.join(self.manifest.models)}")
        return self.manifest.interface_of(name)

    def path(self, name: str) -> Path:
        """The verified ONNX file of a network.

        Raises:
            ModelError: unknown name, missing file (says how to get it), or a file that is not the expected
                one.
        """
        self.interface(name)
        path = self.location(name)
        if not path.is_file():
            raise ModelError(
                f"model {name} is not installed: {path} does not exist; run `make setup` or "
                f"`kinecue models fetch {name}`"
            )
        problem = digest_problem(path, self.manifest.models[name].onnx)
        if problem:
            raise ModelError(
                f"model {name} is damaged: {path}: {problem}; run `kinecue models fetch {name}` to replace it"
            )
        return path

    def open(self, name: str, provider: str = "auto", threads: int = 1) -> Network:
        """A network ready to run; see :func:`kinecue.perception.sessions.open_network` for what it raises."""
        return open_network(self.path(name), self.interface(name), provider, threads, self.choices)

    def test_file(self, name: str) -> Path:
        """A verified file that tests read; raises ModelError as :meth:`path` does."""
        if name not in self.manifest.test_files:
            raise ModelError(f"unknown test file {name!r}; allowed: {', '.join(self.manifest.test_files)}")
        path = self.location(name)
        if not path.is_file():
            raise ModelError(
                f"{name} is not installed: {path} does not exist; run `kinecue models fetch {name}`"
            )
        problem = digest_problem(path, self.manifest.test_files[name].content)
        if problem:
            raise ModelError(f"{name} is damaged: {path}: {problem}; run `kinecue models fetch {name}`")
        return path

    def location(self, name: str) -> Path:
        """Where a network or test file of the manifest is kept, whether it is there or not."""
        if name in self.manifest.test_files:
            return self.folder / "test" / self.manifest.test_files[name].file
        return self.folder / f"{name}.onnx"

    def problem(self, name: str) -> str | None:
        """Why a network or test file cannot be used, or None."""
        try:
            if name in self.manifest.test_files:
                self.test_file(name)
            else:
                self.path(name)
        except ModelError as error:
            return str(error)
        return None

    def install(self, name: str, content: bytes) -> Path:
        """Put a file in place at once: readers see the old one or the whole new one.

        Raises:
            ModelError: `content` is not what the manifest states; nothing is written.
            OSError: the folder cannot be written.
        """
        is_test_file = name in self.manifest.test_files
        expected = self.manifest.test_files[name].content if is_test_file else self.manifest.models[name].onnx
        actual = hashlib.sha256(content).hexdigest()
        if len(content) != expected.bytes or actual != expected.sha256:
            raise ModelError(
                f"{name}: expected {expected.bytes} bytes with sha256 {expected.sha256}, "
                f"got {len(content)} bytes with sha256 {actual}; nothing was installed"
            )
        target = self.location(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(target.parent) as temporary:
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        return target


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix=".part-", dir=folder)
    os.close(handle)
    Path(name).chmod(0o644)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
