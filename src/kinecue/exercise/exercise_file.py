"""Reading exercise files, with errors that name file, line, field and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from kinecue.body.errors import ConfigError
from kinecue.body.paths import share_dir
from kinecue.exercise.model import ExerciseModel

_LARGEST = 256 * 1024
"""An exercise file is a few kilobytes; anything larger is something else."""
_DEEPEST = 20
"""Levels of nesting; an exercise file has five."""

FieldPath = tuple[str | int, ...]


class ExerciseError(ConfigError):
    """An exercise file is missing, unreadable or holds something that is not allowed.

    Attributes:
        line: where, from 1; 0 if not known.
    """

    def __init__(self, path: Path | str, line: int, field: str, problem: str) -> None:
        super().__init__(f"{path}:{line}" if line else str(path), field, problem)
        self.line = line


def exercises_dir() -> Path:
    """Folder of the exercise files that KineCue ships."""
    return share_dir() / "config" / "exercises"


def available_exercises(directory: Path | None = None) -> dict[str, Path]:
    """Exercise files by name (the file name without ``.yaml``), sorted; of `exercises_dir` by default.

    Raises:
        ExerciseError: the folder does not exist.
    """
    folder = exercises_dir() if directory is None else Path(directory)
    if not folder.is_dir():
        raise ExerciseError(folder, 0, "", "is not a folder with exercise files")
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_exercise(name: str, directory: Path | None = None) -> ExerciseModel:
    """The exercise called `name`.

    Raises:
        ExerciseError: there is none (the text lists those there are), or its file is wrong.
    """
    known = available_exercises(directory)
    if name not in known:
        folder = exercises_dir() if directory is None else directory
        raise ExerciseError(
            folder, 0, "exercise", f"{name!r} is not an exercise; allowed: {', '.join(known) or 'none'}"
        )
    return load_exercise(known[name])


def load_exercise(path: Path | str) -> ExerciseModel:
    """Read and check an exercise file.

    Raises:
        ExerciseError: naming file, line, field and allowed values; all problems of the file in one text.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise ExerciseError(
                path, 0, "", f"is larger than {_LARGEST // 1024} kB; this is no exercise file"
            )
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ExerciseError(path, 0, "", f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ExerciseError(path, 0, "", "is not UTF-8 text") from error
    model = parse_exercise(text, path)
    if model.name != path.stem:
        raise ExerciseError(
            path,
            _line_of(_lines(_compose(text, path), path), ("name",)),
            "name",
            f"{model.name!r} must equal the file name; allowed: {path.stem}",
        )
    return model


def parse_exercise(text: str, source: Path | str = "<text>") -> ExerciseModel:
    """As `load_exercise`, from text; `source` is what errors call it."""
    root = _compose(text, source)
    lines = _lines(root, source)
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ExerciseError(source, 0, "", f"is not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ExerciseError(source, 1, "", "must be a mapping of fields (name: ..., progress: ...)")
    try:
        return ExerciseModel.model_validate(data)
    except ValidationError as error:
        raise _translate(error, lines, source) from error


def exercise_schema() -> dict[str, Any]:
    """JSON schema of exercise files, for editors."""
    return ExerciseModel.model_json_schema()


def _compose(text: str, source: Path | str) -> yaml.Node | None:
    try:
        _check_events(text, source)
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ExerciseError(source, line, "", f"is not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ExerciseError(source, 0, "", f"is not valid YAML: {error}") from error


def _check_events(text: str, source: Path | str) -> None:
    """Refuse what could make reading endless before anything is built from it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise ExerciseError(source, line, "", "anchors and aliases (& and *) are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise ExerciseError(source, line, "", f"is nested more than {_DEEPEST} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _lines(node: yaml.Node | None, source: Path | str) -> dict[FieldPath, int]:
    """Line of every field, from 1."""
    found: dict[FieldPath, int] = {}

    def walk(node: yaml.Node, path: FieldPath) -> None:
        found.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, str(key.value))
                line = key.start_mark.line + 1
                if inner in found:
                    raise ExerciseError(
                        source, line, _dotted(inner), f"given twice, first in line {found[inner]}"
                    )
                found[inner] = line
                walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                walk(value, (*path, i))

    if node is not None:
        walk(node, ())
    return found


def _line_of(lines: dict[FieldPath, int], path: FieldPath) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def _dotted(path: FieldPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _translate(error: ValidationError, lines: dict[FieldPath, int], source: Path | str) -> ExerciseError:
    problems: list[tuple[int, str, str]] = []
    for item in error.errors(include_url=False):
        context = item.get("ctx", {})
        path = _existing(tuple(item["loc"]), item["type"] == "missing", lines)
        if "key" in context:
            path = (*path, str(context["key"]))
        elif "field" in context:
            path = (*path, *(int(p) if p.isdigit() else p for p in str(context["field"]).split(".")))
        problems.append((_line_of(lines, path), _dotted(path), _wording(item)))
    # a field that may be one of two types complains once for each: the first says enough
    first_of = {(line, field): text for line, field, text in reversed(problems)}
    (line, field), text = min(first_of.items(), key=lambda item: item[0][0])
    further = "".join(
        f"\n{source}:{at}: {name}: {what}" for (at, name), what in first_of.items() if name != field
    )
    return ExerciseError(source, line, field, text + further)


def _existing(loc: FieldPath, missing: bool, lines: dict[FieldPath, int]) -> FieldPath:
    """`loc` without pydantic's names of union members, which stand in no file.

    A missing field stands in none either.
    """
    path: FieldPath = ()
    for i, part in enumerate(loc):
        if (*path, part) in lines or (missing and i == len(loc) - 1):
            path = (*path, part)
    return path


def _wording(item: Any) -> str:
    message = str(item["msg"])
    kind, context = item["type"], item.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind in ("literal_error", "enum"):
        allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return f"{item['input']!r} is not allowed; allowed: {allowed}"
    if kind == "string_pattern_mismatch":
        return f"{item['input']!r} is not allowed; allowed: a to z, 0 to 9 and _, starting with a letter"
    if kind in ("unknown_key", "name", "feature", "unit", "order", "side"):
        return message
    return f"{message[0].lower()}{message[1:]}, got {item['input']!r:.80}"
