# SPDX-License-Identifier: Apache-2.0
"""The catalogue of rules: what the RFCs ask, with level, section, observability and a hint for a test.

    >>> import tiptoe
    >>> rule = tiptoe.catalogue.rule("MUST-15")
    >>> rule.level, rule.rfc, rule.section
    ('MUST', 'RFC9293', '3.7.1')

The data is `conformance/requirements/catalogue.yaml`, converted to JSON when the package is built. Besides the rules
of the RFC texts it holds one rule for every pair of state and event, with its outcomes (identifiers `ST-...`).
"""

from __future__ import annotations

import difflib
import functools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from ._errors import TiptoeError, UsageError

#: Names a catalogue to use instead of the packaged one (YAML or JSON); for people who edit the catalogue.
ENVIRONMENT_VARIABLE = "TIPTOE_CATALOGUE"


@dataclass(frozen=True)
class Outcome:
    """One allowed outcome of a state x event rule."""

    profile: str
    next_state: str
    send: tuple[str, ...] = ()
    when: str = ""
    data: str = ""
    api: str = ""
    tcb: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule of the catalogue."""

    id: str
    rfc: str  #: for example "RFC9293"
    section: str  #: section of that RFC
    level: str  #: "MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY" or "INFO"
    text: str  #: the requirement in the cataloguer's words
    test: str = ""  #: how it may be tested
    observable: tuple[str, ...] = ()  #: "wire", "api", "timing" or "not externally observable"
    scope: str = "protocol"
    feature: str = ""
    condition: str = ""  #: applies only under this condition
    note: str = ""
    level_basis: str = ""  #: why this level, where the text has no key word
    state: str = ""  #: state x event rules: the state ...
    event: str = ""  #: ... and the event
    outcomes: tuple[Outcome, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def severity(self) -> str:
        """ "must", "should", "may" or "info": the level without its negation."""
        return self.level.split()[0].lower()


class Catalogue:
    """All rules by identifier."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.meta: Mapping[str, Any] = data.get("meta", {})
        self.states: Mapping[str, Mapping[str, str]] = {s["name"]: s for s in data.get("states", [])}
        self.events: Mapping[str, Mapping[str, str]] = {e["id"]: e for e in data.get("events", [])}
        self.rules: dict[str, Rule] = {}
        for entry in data.get("requirements", []):
            self._add(_requirement(entry))
        for entry in data.get("transitions", []):
            self._add(_transition(entry))

    def _add(self, rule: Rule) -> None:
        if rule.id in self.rules:
            raise TiptoeError(f"the catalogue holds {rule.id} twice")
        self.rules[rule.id] = rule

    def __len__(self) -> int:
        return len(self.rules)

    def __contains__(self, name: object) -> bool:
        return name in self.rules

    def rule(self, name: str) -> Rule:
        """The rule of that name, in any letter case. Raises `UsageError` with the nearest names."""
        found = self.find(name)
        if found is None:
            raise UsageError(f"no rule '{name}'" + suggestion(name, self.rules))
        return found

    def find(self, name: str) -> Rule | None:
        """The rule of that name, in any letter case, or None."""
        if name in self.rules:
            return self.rules[name]
        wanted = name.casefold()
        return next((rule for key, rule in self.rules.items() if key.casefold() == wanted), None)


def suggestion(name: str, known: Iterable[str]) -> str:
    """ "; did you mean A, B?" or the empty string."""
    by_fold = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=3, cutoff=0.6)
    if not close and name.strip():
        close = [k for k in by_fold if name.casefold() in k][:3]
    return f"; did you mean {', '.join(by_fold[c] for c in close)}?" if close else ""


def _strings(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(v) for v in value) if isinstance(value, list) else (str(value),)


_RULE_KEYS = {
    "id", "rfc", "section", "level", "keyword", "requirement", "test", "observable", "scope", "feature", "condition",
    "note", "level_basis",
}  # fmt: skip


def _requirement(entry: Mapping[str, Any]) -> Rule:
    return Rule(
        id=str(entry["id"]),
        rfc=str(entry["rfc"]),
        section=str(entry.get("section", "")),
        level=str(entry.get("keyword") or entry["level"]),
        text=str(entry["requirement"]),
        test=str(entry.get("test", "")),
        observable=_strings(entry.get("observable")),
        scope=str(entry.get("scope", "protocol")),
        feature=str(entry.get("feature", "")),
        condition=str(entry.get("condition", "")),
        note=str(entry.get("note", "")),
        level_basis=str(entry.get("level_basis", "")),
        extra={k: v for k, v in entry.items() if k not in _RULE_KEYS},
    )


def _transition(entry: Mapping[str, Any]) -> Rule:
    reference = str(entry.get("ref", "-"))
    rfc, _, section = ("RFC9293 3.10" if reference == "-" else reference).partition(" ")
    outcomes = tuple(
        Outcome(
            profile=str(o.get("profile", "")),
            next_state=str(o.get("next_state", "")),
            send=_strings(o.get("send")),
            when=str(o.get("when", "")),
            data=str(o.get("data", "")),
            api=str(o.get("api", "")),
            tcb=str(o.get("tcb", "")),
        )
        for o in entry.get("outcomes", [])
    )
    text = f"In state {entry['state']}, event {entry['event']}"
    if entry.get("stimulus"):
        text += f" ({entry['stimulus']})"
    return Rule(
        id=str(entry["id"]),
        rfc=rfc,
        section=section,
        level=str(entry.get("keyword") or entry.get("level") or "INFO"),
        text=text + ".",
        test=str(entry.get("test", "")),
        observable=_strings(entry.get("observable")),
        condition=str(entry.get("condition", "")),
        note="; ".join(filter(None, ["cannot happen" * bool(entry.get("not_applicable")), str(entry.get("note", ""))])),
        level_basis=str(entry.get("level_basis", "")),
        state=str(entry["state"]),
        event=str(entry["event"]),
        outcomes=outcomes,
    )


def _read(path: Path) -> Mapping[str, Any]:
    if path.suffix == ".json":
        data = json.loads(path.read_text(encoding="utf-8"))
    else:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    if not isinstance(data, dict):
        raise TiptoeError(f"{path}: not a catalogue")
    return data


@functools.cache
def load(path: str | None = None) -> Catalogue:
    """The packaged catalogue, or the one in a file (YAML or JSON)."""
    path = path or os.environ.get(ENVIRONMENT_VARIABLE)
    try:
        if path:
            return Catalogue(_read(Path(path)))
        with resources.as_file(resources.files("tiptoe") / "data" / "catalogue.json") as packaged:
            return Catalogue(_read(packaged))
    except OSError as e:
        raise TiptoeError(f"the catalogue of rules cannot be read: {e.strerror}: {e.filename}") from e


def rule(name: str) -> Rule:
    """The rule of that name. Raises `UsageError` with the nearest names."""
    return load().rule(name)


def rules() -> list[Rule]:
    """All rules, in the catalogue's order."""
    return list(load().rules.values())
