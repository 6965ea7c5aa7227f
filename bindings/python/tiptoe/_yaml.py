# SPDX-License-Identifier: Apache-2.0
"""YAML files that people write, checked against a schema. What is wrong is said with file, line and nearest name.

    data, lines = read(Path("waivers.yaml"), "waivers.schema.json", "waivers")
    lines.of(2, "rule")      # line of that value, from 1

Dates stay strings. An unknown key is an error, and so is one that stands there twice.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from ._errors import UsageError
from .catalogue import suggestion

Key = str | int


class Lines:
    """Where the values of a file stand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._line: dict[tuple[Key, ...], int] = {(): 1}

    def put(self, where: tuple[Key, ...], line: int) -> None:
        """Line of a value, from 1."""
        self._line[where] = line

    def of(self, *where: Key) -> int:
        """Line of a value; of the nearest one around it, when it is not there."""
        while where not in self._line:
            where = where[:-1]
        return self._line[where]

    def error(self, text: str, *where: Key) -> UsageError:
        """An exception that names file and line."""
        return UsageError(f"{self.path}:{self.of(*where)}: {text}")


def read(path: Path, schema: str, what: str) -> tuple[Any, Lines]:
    """The content of a YAML file and the lines of its values. `what`: word for the file in messages.

    Raises `UsageError`: not readable, not YAML, not as the schema (a file of tiptoe/data) says.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as e:
        raise UsageError(f"{what}: {path}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise UsageError(f"{what}: {path}: not UTF-8 text") from e
    lines = Lines(path)
    data = _parse(text, lines)
    check(data, schema, lines)
    return data, lines


@functools.cache
def _schema(name: str) -> Mapping[str, Any]:
    schema: dict[str, Any] = json.loads((resources.files("tiptoe") / "data" / name).read_text(encoding="utf-8"))
    return schema


def check(data: Any, schema: str, lines: Lines) -> None:
    """Raises `UsageError` for the first thing (by line) that the schema does not allow."""
    import jsonschema

    found = [
        # A wrong key is likely the cause of one that is missing.
        (lines.of(*where), error.validator != "additionalProperties", text, where)
        for error in jsonschema.Draft7Validator(_schema(schema)).iter_errors(data)
        for text, where in _sentences(error)
    ]
    if found:
        _, _, text, where = min(found, key=lambda f: f[:2])
        raise lines.error(text, *where)


def _sentences(error: Any) -> Iterator[tuple[str, tuple[Key, ...]]]:
    """What an error of jsonschema says, for people, and where."""
    where: tuple[Key, ...] = tuple(error.absolute_path)
    name = f"'{where[-1]}' " if where and isinstance(where[-1], str) else ""
    match error.validator:
        case "additionalProperties" if isinstance(error.instance, dict):
            known = list(error.schema.get("properties", {}))
            for key in error.instance:
                if key not in known:
                    near = suggestion(str(key), known) or f"; there are {', '.join(known)}"
                    yield f"unknown key '{key}'{near}", (*where, key)
        case "required":
            for key in error.validator_value:
                if key not in error.instance:
                    yield f"{name}lacks '{key}'", where
        case "oneOf":
            names = [k for branch in error.validator_value for k in branch.get("required", [])]
            yield f"{name}needs exactly one of {', '.join(names)}", where
        case "type":
            wanted = error.validator_value
            words = " or ".join(_TYPES.get(w, w) for w in ([wanted] if isinstance(wanted, str) else wanted))
            yield f"{name}is not {words}: {_shown(error.instance)}", where
        case "enum":
            near = suggestion(str(error.instance), map(str, error.validator_value))
            choices = ", ".join(map(str, error.validator_value))
            yield f"{name}is not one of {choices}: {_shown(error.instance)}{near}", where
        case "pattern":
            form = error.schema.get("description", f"of the form {error.validator_value}")
            yield f"{name}is not what it should be ({form}): {_shown(error.instance)}", where
        case "minLength" | "minItems":
            yield f"{name}is empty", where
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            side = "less" if "inimum" in error.validator else "more"
            yield f"{name}is {side} than {error.validator_value}: {_shown(error.instance)}", where
        case _:
            yield f"{name}{error.message}", where


_TYPES = {
    "object": "a set of 'key: value' lines",
    "array": "a list ('- ...' lines)",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _parse(text: str, lines: Lines) -> Any:
    import yaml

    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            return None if node is None else _value(loader, node, (), lines)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        if mark is not None:
            lines.put((), mark.line + 1)
        raise lines.error(f"not YAML: {e.problem or e.context}") from e
    except yaml.YAMLError as e:
        raise lines.error(f"not YAML: {e}") from e


#: Scalars that are taken for what they look like; all others are text.
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null")}


def _value(loader: Any, node: Any, where: tuple[Key, ...], lines: Lines) -> Any:
    """The value of a node of the YAML tree; every value's line goes into `lines`."""
    import yaml

    lines.put(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in content:
                lines.put((*where, key), key_node.start_mark.line + 1)
                raise lines.error(f"key '{key}' stands there twice", *where, key)
            content[key] = _value(loader, value_node, (*where, key), lines)
            lines.put((*where, key), key_node.start_mark.line + 1)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, (*where, number), lines) for number, item in enumerate(node.value)]
    return loader.construct_object(node) if node.tag in _PLAIN else node.value
