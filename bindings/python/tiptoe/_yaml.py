# SPDX-License-Identifier: Apache-2.0
"""YAML files that people write. What is wrong is said with file and line.

    data, lines = load(Path("mine.yaml"), "capability file")
    data, lines = read(Path("waivers.yaml"), "waivers.schema.json", "waivers")     # and checks it against a schema
    lines.of(2, "rule")      # line of that value, from 1

Dates stay strings. A key that stands there twice is an error. Aliases are refused: nobody needs them here, and nine
lines of them can be gigabytes.
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

#: Octets of the largest file.
_LARGEST = 1 << 20


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


def load(path: Path, what: str) -> tuple[Any, Lines]:
    """The content of a YAML file and the lines of its values. `what`: word for the file in messages.

    Raises `UsageError`: not readable, not YAML.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(_LARGEST + 1)
        text = octets.decode("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no UTF-8 text"
        raise UsageError(f"{what} {path} cannot be read: {why}") from e
    if len(octets) > _LARGEST:
        raise UsageError(f"{what} {path} cannot be read: it is larger than {_LARGEST >> 20} MiB")
    lines = Lines(path)
    return _parse(text, lines), lines


def read(path: Path, schema: str, what: str) -> tuple[Any, Lines]:
    """The same, checked against a schema (a file of tiptoe/data). Raises `UsageError` for what that does not allow."""
    data, lines = load(path, what)
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
            form = f" ({error.schema['description']})" if "description" in error.schema else ""
            yield f"{name}is not {words}{form}: {_shown(error.instance)}", where
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
            return None if node is None else _value(loader, node, (), lines, set())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        if mark is not None:
            lines.put((), mark.line + 1)
        raise lines.error(f"this is not YAML: {e.problem or e.context}") from e
    except yaml.reader.ReaderError as e:
        lines.put((), text.count("\n", 0, e.position) + 1)
        code = ord(e.character) if isinstance(e.character, str) else e.character
        raise lines.error(f"this is not YAML: the character U+{code:04X} may not stand there") from e
    except yaml.YAMLError as e:
        raise lines.error(f"this is not YAML: {' '.join(str(e).split())}") from e
    except RecursionError as e:
        raise lines.error("this is nested too deeply") from e


#: Scalars that are taken for what they look like; all others are text.
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null")}


def _value(loader: Any, node: Any, where: tuple[Key, ...], lines: Lines, seen: set[int]) -> Any:
    """The value of a node of the YAML tree; every value's line goes into `lines`. `seen`: nodes that had their turn."""
    import yaml

    line = node.start_mark.line + 1
    if id(node) in seen:  # once more, by its alias
        raise lines.error(f"aliases (&, *) are not taken here: write the value of line {line} out", *where)
    seen.add(id(node))
    lines.put(where, line)
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            lines.put((*where, "?"), key_node.start_mark.line + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise lines.error("a key must be a word", *where, "?")
            key = str(key_node.value)
            if key in content:
                raise lines.error(f"the key `{key}` stands here a second time", *where, "?")
            lines.put((*where, key), key_node.start_mark.line + 1)
            content[key] = _value(loader, value_node, (*where, key), lines, seen)
            lines.put((*where, key), key_node.start_mark.line + 1)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, (*where, number), lines, seen) for number, item in enumerate(node.value)]
    if node.tag not in _PLAIN:
        return node.value
    try:
        return loader.construct_object(node)
    except ValueError as e:  # a number of thousands of digits, for one
        raise lines.error(f"'{node.value[:40]}' is no value", *where) from e
