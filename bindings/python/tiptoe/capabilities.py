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

from . import _core, _yaml, catalogue
from ._errors import UsageError

FEATURES = ("RST5961", "SYN5961", "ACK5961", "RFC1337", "TW_REUSE", "DELACK", "DF", "FIXED_ISS")
"""Bits of the register FEATURES, lowest first. Each is a setting of its own."""


def read(path: Path) -> dict[str, Any]:
    """Reads and checks a capability file. The result is what `tiptoe.Device` takes: all keys of the file with their
    values converted (addresses are numbers), and what follows from them."""
    value, lines = _yaml.load(path, "capability file")
    return check({} if value is None else value, str(path), lines)


@functools.cache
def _validator() -> Any:
    schema = json.loads((resources.files("tiptoe") / "data" / "capabilities.schema.json").read_text())
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


def check(value: Any, source: str, lines: _yaml.Lines | None = None) -> dict[str, Any]:
    """The same for keys and values that come from elsewhere; `source` is how mistakes begin."""

    def mistake(where: tuple[str | int, ...], text: str) -> UsageError:
        end = "" if text.endswith("?") else "."
        return UsageError(f"{source}: {text}{end}") if lines is None else lines.error(text + end, *where)

    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise mistake((), f"a key must be a word, not {_shown(key)}")
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
    _no_strangers(value, mistake)
    return out


def _no_strangers(value: Mapping[str, Any], mistake: Any) -> None:
    """Addresses of the device and of the tester: each of one host, and each once."""
    taken: dict[str, str] = {}
    for key in ("addresses", "peers"):
        for i, text in enumerate(value.get(key, ())):
            address = ipaddress.IPv4Address(text)
            if address.is_unspecified or address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
                raise mistake((key, i), f"`{key}[{i}]` must be the address of one host, not {text}")
            if text in taken:
                raise mistake(
                    (key, i), f"`{key}[{i}]` is {text}, as `{taken[text]}` is; every address is somebody's own"
                )
            taken[text] = f"{key}[{i}]"


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
    return (
        where,
        f"`{_name(where)}` must be {_phrase(schema, error.validator)}{meaning}, not {_shown(error.instance)}{near}",
    )


#: Limits from here on are told to those alone who are beyond them.
_MANY = (1 << 32) - 1


def _phrase(schema: Mapping[str, Any], broken: str) -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    match schema.get("type"):
        case "integer":
            if broken == "maximum" and schema["maximum"] >= _MANY:
                return f"a whole number of at most {schema['maximum']}"
            if schema.get("maximum", _MANY) < _MANY:
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
            return f"'{value if len(value) <= 60 else value[:57] + '...'}'"
        case int() if abs(value) >= 10**40:
            return "a number of more than 40 digits"
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a block of keys"
    return str(value)
