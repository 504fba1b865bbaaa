"""Reading settings files: strict YAML in, validated model out, errors that name file and field."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from kinecue.body.errors import ConfigError


class StrictModel(BaseModel):
    """Part of a file: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _name_the_known_fields(cls, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(str(key) for key in data if key not in cls.model_fields)
            if unknown:
                raise ValueError(
                    f"unknown field {', '.join(unknown)}; allowed: {', '.join(cls.model_fields)}"
                )
        return data


Model = TypeVar("Model", bound=StrictModel)


class _PlainLoader(yaml.SafeLoader):
    """YAML 1.1 without its two traps for authors.

    The words on, off, yes, no, y and n are words and no truth values, and a key that is given twice is an
    error instead of the last one counting.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key_node.value!r} is given twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


_PlainLoader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if first in "tTfF" or one[0] != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(path: Path, model: type[Model]) -> Model:
    """The validated content of a YAML file.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or a field is missing, unknown or not allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"cannot be read as UTF-8 text: {error}") from error
    try:
        data = yaml.load(text, Loader=_PlainLoader)
    except yaml.YAMLError as error:
        raise ConfigError(path, "", f"is not valid YAML: {error}") from error
    return validated(data, model, path)


def validated(data: object, model: type[Model], source: Path | str) -> Model:
    """`data` as `model`; errors name `source`.

    Raises:
        ConfigError: names the first wrong field, what is allowed, and how many more are wrong.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first, *more = error.errors()
        field = ".".join(str(part) for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        if not isinstance(first["input"], dict):
            problem += f" (is {first['input']!r})"
        if more:
            problem += f"; and {len(more)} more wrong fields"
        raise ConfigError(source, field, problem) from error
