"""Steps that are done once: each leaves a stamp with a hash of its inputs when it has succeeded.

A step whose stamp is missing (it was interrupted, or never ran) or holds another hash (an input changed) is
done again, and so is each step after it that builds on it, because a step's hash contains those of the
steps it needs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootstrap.errors import SetupError
from bootstrap.progress import StepLine


@dataclass(frozen=True)
class Step:
    """One step of the set-up."""

    name: str
    """Names the stamp and the log."""
    title: str
    """What a person reads."""
    action: Callable[[StepLine], None]
    inputs: Callable[[], Iterable[Path | str]] = tuple
    """Files, folders and texts that decide whether it has to be done again."""
    outputs: Callable[[], Iterable[Path]] = tuple
    """Files that must exist for it to count as done."""
    needs: Sequence[str] = field(default=())
    """Steps it builds on."""
    without: str = ""
    """What holds where it fails, for a step that can be gone without; it is tried again the next time."""


class Stamps:
    """The stamps in a folder: `name.json` with the hash of the inputs and the seconds it took."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def digest(self, name: str) -> str | None:
        """Hash of the inputs when the step last succeeded."""
        record = self._read(name)
        return str(record["inputs"]) if record else None

    def seconds(self, name: str) -> float:
        """Seconds the step takes from nothing: the most a success took; 0 if there was none."""
        record = self._read(name)
        return float(str(record["seconds"])) if record else 0.0

    def write(self, name: str, digest: str, seconds: float) -> None:
        """Records a success."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(
            self._folder / f"{name}.json", json.dumps({"inputs": digest, "seconds": round(seconds, 1)})
        )

    def remove(self, name: str) -> None:
        """Forgets a success, before the step is done again."""
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def _read(self, name: str) -> dict[str, object] | None:
        try:
            record = json.loads((self._folder / f"{name}.json").read_text())
        except (OSError, json.JSONDecodeError):
            return None
        return record if isinstance(record, dict) and {"inputs", "seconds"} <= record.keys() else None


def is_due(step: Step, digest: str, stamps: Stamps) -> bool:
    """Whether a step has to be done: never done, interrupted, other inputs, or an output is gone."""
    return stamps.digest(step.name) != digest or not all(path.exists() for path in step.outputs())


def digests_of(steps: Sequence[Step]) -> dict[str, str]:
    """Hash of the inputs of each step, by name, those of the steps it needs included."""
    digests: dict[str, str] = {}
    for step in steps:
        digests[step.name] = digest_of([*step.inputs(), *(digests[name] for name in step.needs)])
    return digests


def pending(steps: Sequence[Step], stamps: Stamps) -> list[str]:
    """Names of the steps that have to be done."""
    digests = digests_of(steps)
    return [step.name for step in steps if is_due(step, digests[step.name], stamps)]


def run(steps: Sequence[Step], stamps: Stamps) -> None:
    """Does what is pending. The error of a step that fails is passed on; its stamp is not written.

    The SetupError of a step that can be gone `without` is shown and passed over.
    Each step is looked at when its turn comes: the first one may take the stamps of the others away.
    """
    digests = digests_of(steps)
    for number, step in enumerate(steps, start=1):
        if not is_due(step, digests[step.name], stamps):
            continue
        longest = stamps.seconds(step.name)
        stamps.remove(step.name)
        line = StepLine(number, len(steps), step.title)
        try:
            step.action(line)
        except KeyboardInterrupt:
            line.end("interrupted")
            raise
        except SetupError as error:
            line.end("failed")
            if not step.without:
                raise
            print(f"{error}\n{step.without}")
            continue
        except BaseException:
            line.end("failed")
            raise
        seconds = line.elapsed()
        stamps.write(step.name, digests[step.name], max(seconds, longest))
        line.end(f"done in {seconds:.0f} s")


def digest_of(items: Iterable[Path | str]) -> str:
    """sha256 over texts and over the names and contents of files; a folder counts with everything in it."""
    total = hashlib.sha256()
    for item in items:
        if isinstance(item, str):
            total.update(f"text {len(item)} {item}\n".encode())
            continue
        files = sorted(path for path in item.rglob("*") if _counts(path)) if item.is_dir() else [item]
        for path in files:
            name = path.relative_to(item) if path != item else Path(path.name)
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"
            total.update(f"file {name} {content}\n".encode())
    return total.hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Writes a file in full or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts
