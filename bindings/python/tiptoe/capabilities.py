# SPDX-License-Identifier: Apache-2.0
"""Capability files: what a device has, in YAML, checked against `data/capabilities.schema.json`.

    >>> from pathlib import Path
    >>> from tiptoe import capabilities
    >>> capabilities.read(Path("mine.yaml"))["calls"]
    ['listen', 'accept', 'send', 'receive', 'close']

Every key is explained in docs/plug-in.md. A mistake raises `UsageError` with one sentence: file and line, what is
wrong, what to write instead.
"""

from __future__ import annotations

import functools
import ipaddress
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from . import _core, catalogue
from ._errors import UsageError

#: Path of a value inside the file, ("service", "port") or ("calls", 2), -> line number.
_Lines = dict[tuple[str | int, ...], int]

FEATURES = ("RST5961", "SYN5961", "ACK5961", "RFC1337", "TW_REUSE", "DELACK", "DF", "FIXED_ISS")
"""Bits of the register FEATURES, lowest first. Each is a setting of its own."""


def read(path: Path) -> dict[str, Any]:
    """Reads and checks a capability file. The result is what `tiptoe.Device` takes: all keys of the file with their
    values converted (addresses are numbers), and what follows from them."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no UTF-8 text"
        raise UsageError(f"capability file {path} cannot be read: {why}.") from e
    lines: _Lines = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = {} if node is None else _value(node, (), lines, path)
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 1
        raise UsageError(f"{path}:{line}: this is not YAML: {e.problem}.") from e
    return check(value, str(path), lines)


def _value(node: Any, where: tuple[str | int, ...], lines: _Lines, path: Path) -> Any:
    """The value of a node; notes where everything stands. A key that stands twice is a mistake."""
    lines[where] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*where, i), lines, path) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in out:
                raise UsageError(f"{path}:{key_node.start_mark.line + 1}: the key `{key}` stands here a second time.")
            out[key] = _value(value_node, (*where, key), lines, path)
            lines[(*where, key)] = key_node.start_mark.line + 1
        return out
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except ValueError as e:  # 2026-13-45
        raise UsageError(f"{path}:{node.start_mark.line + 1}: '{node.value}' is not a value: {e}.") from e
    finally:
        loader.dispose()


@functools.cache
def _validator() -> Any:
    schema = json.loads((resources.files("tiptoe") / "data" / "capabilities.schema.json").read_text())
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


def check(value: Any, source: str, lines: _Lines | None = None) -> dict[str, Any]:
    """The same for keys and values that come from elsewhere; `source` is how mistakes begin."""
    places = lines or {}

    def mistake(where: tuple[str | int, ...], text: str) -> UsageError:
        line = next((places[where[:n]] for n in range(len(where), -1, -1) if where[:n] in places), None)
        return UsageError(f"{source}{f':{line}' if line else ''}: {text}{'' if text.endswith('?') else '.'}")

    errors = sorted(_validator().iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path])
    for error in errors:
        raise mistake(*_sentence(error))
    out = dict(value)
    names = {name for name, _, _ in _core.registers()}
    writable = {name for name, can, _ in _core.registers() if can}
    for key in ("settable", "counters"):
        listed = value.get(key, "all")
        known = writable if key == "settable" else names - writable
        for i, name in enumerate(() if listed == "all" else listed):
            _known(name, known, "setting" if key == "settable" else "counter", functools.partial(mistake, (key, i)))
    for name in value.get("fixed", {}):
        _known(name, writable, "setting", functools.partial(mistake, ("fixed", name)))
    answers = {name: legal for name, legal, _ in _core.choices()}
    for name, answer in value.get("choices", {}).items():
        _known(name, answers, "question", functools.partial(mistake, ("choices", name)))
        if answer not in answers[name]:
            near = catalogue.suggestion(answer, answers[name])
            text = f"`choices.{name}` must be one of {', '.join(answers[name])}, not {_shown(answer)}{near}"
            raise mistake(("choices", name), text)
    calls = value.get("calls", ())
    for call, needs in (("state", "status"), ("half_close", "close"), ("accept", "listen")):
        if call in calls and needs not in calls:
            raise mistake(("calls",), f"`calls` has `{call}` without `{needs}`, which it is a part of; add `{needs}`")
    settable = value.get("settable", "all")
    out["all_settings"] = settable == "all"
    out["settable"] = [] if settable == "all" else _bits(settable)
    out["fixed"] = _fixed(value.get("fixed", {}))
    both = set(out["settable"]) & set(out["fixed"])
    if both:
        raise mistake(("fixed",), f"{min(both)} is under `fixed` and under `settable`; it can be only one of them")
    counters = value.get("counters", "all")
    out["all_counters"] = counters == "all"
    out["counters"] = [] if counters == "all" else list(counters)
    out["calls_promised"] = "calls" in value
    out["ethernet"] = out.pop("link", "ip") == "ethernet"
    for key in ("addresses", "peers"):
        out[key] = [int(ipaddress.IPv4Address(a)) for a in value.get(key, ())]
    return out


def _known(name: str, known: Iterable[str], what: str, mistake: Any) -> None:
    plain = {*known, *(FEATURES if what == "setting" else ())}
    if name not in plain:
        raise mistake(f"there is no {what} {name}{catalogue.suggestion(name, plain)}")


def _bits(names: Iterable[str]) -> list[str]:
    """FEATURES means all its bits; FEATURES.DF is DF."""
    out: list[str] = []
    for name in names:
        out += FEATURES if name == "FEATURES" else [name.removeprefix("FEATURES.")]
    return out


def _fixed(values: Mapping[str, int]) -> dict[str, int]:
    out: dict[str, int] = {}
    for name, value in values.items():
        if name == "FEATURES":
            out.update({bit: value >> i & 1 for i, bit in enumerate(FEATURES)})
        else:
            out[name.removeprefix("FEATURES.")] = value
    return out


# ---- sentences


def _name(where: Iterable[str | int]) -> str:
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text


def _sentence(error: Any) -> tuple[tuple[str | int, ...], str]:
    """Where, and what is wrong with it."""
    where = tuple(error.absolute_path)
    schema = error.schema
    if error.validator == "additionalProperties":
        known = schema["properties"]
        key = next(k for k in error.instance if k not in known)
        near = catalogue.suggestion(key, known)
        inside = f" in `{_name(where)}`" if where else ""
        return (*where, key), f"unknown key `{key}`{inside}{near or '; there are ' + ', '.join(known)}"
    if error.validator == "required":
        key = next(k for k in schema["required"] if k not in error.instance)
        return where, f"`{_name(where)}` needs the key `{key}`: {schema['properties'][key]['description']}"
    if not where:
        return where, f"a capability file is a list of `key: value` lines, not {_shown(error.instance)}"
    meaning = f" ({schema['description']})" if "description" in schema else ""
    near = catalogue.suggestion(str(error.instance), schema["enum"]) if "enum" in schema else ""
    return where, f"`{_name(where)}` must be {_phrase(schema)}{meaning}, not {_shown(error.instance)}{near}"


def _phrase(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    match schema.get("type"):
        case "integer":
            if "maximum" in schema:
                return f"a whole number from {schema['minimum']} to {schema['maximum']}"
            return f"a whole number of at least {schema['minimum']}"
        case "boolean":
            return "true or false"
        case "array":
            least, most = schema.get("minItems"), schema.get("maxItems")
            return f"a list of {least} to {most} entries" if least else "a list"
        case "object":
            return "a block of `key: value` lines"
        case "string":
            return "an IPv4 address such as 10.0.0.1" if "format" in schema else "a text"
    return '"all" or a list of names'


def _shown(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "nothing"
        case str():
            return f"'{value}'"
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a block of keys"
    return str(value)
