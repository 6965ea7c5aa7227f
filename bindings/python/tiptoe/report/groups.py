# SPDX-License-Identifier: Apache-2.0
"""Verdicts that have the same cause, as far as their sentences show: one defect of a device fails many cases.

>>> [(g.what, len(g.results)) for g in alike(failures)]
[('SYN,ACK expected, ACK came', 35), ('ACK expected, nothing came', 34)]
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..results import CaseResult

_NUMBER = re.compile(r"\b\d+(\.\d+)*\b")
_EXPECTED = re.compile(r"expected: (?P<expected>.*?)(?: within [^;]*)?; (?:came: (?P<came>.*?) to |nothing came)")


@dataclass
class Group:
    """Verdicts for one reason."""

    what: str
    results: list[CaseResult] = field(default_factory=list)

    @property
    def example(self) -> CaseResult:
        """One of them, from the plainest group of cases that there is."""
        order = ("textbook/", "transitions/", "protocol/", "hostile/")
        return min(self.results, key=lambda r: next((i for i, o in enumerate(order) if r.id.startswith(o)), len(order)))


def alike(results: Iterable[CaseResult]) -> list[Group]:
    """Results that did not pass, by what was expected and what came; the largest group first."""
    return _grouped((_difference(r.message), r) for r in results)


def reasons(results: Iterable[CaseResult]) -> list[Group]:
    """Inapplicable results by their reasons. Numbers count where all of a group have the same."""
    groups = _grouped((_NUMBER.sub("N", _first(r.message)), r) for r in results)
    for group in groups:
        exact = {_first(r.message) for r in group.results}
        if len(exact) == 1:
            group.what = exact.pop()
    return groups


def _grouped(keyed: Iterable[tuple[str, CaseResult]]) -> list[Group]:
    groups: dict[str, Group] = {}
    for what, result in keyed:
        groups.setdefault(what, Group(what)).results.append(result)
    return sorted(groups.values(), key=lambda g: -len(g.results))


def _first(message: str) -> str:
    return message.partition("\n")[0].rstrip(".")


def _difference(message: str) -> str:
    """What was expected and what came, without numbers."""
    line = _first(message)
    found = _EXPECTED.search(line)
    if found is None:
        return _NUMBER.sub("N", line.rpartition(": ")[2])[:100]
    if found["came"] is None:
        return f"{_shape(found['expected'])} expected, nothing came"
    expected, came = _shape(found["expected"]), _shape(found["came"])
    wrong = [f for f in ("SEQ", "ACK") if _differs(f, found["expected"], found["came"])] if expected == came else []
    return f"{expected} expected, {came} came" + (f" with another {' and '.join(wrong)} number" if wrong else "")


def _differs(field: str, expected: str, came: str) -> bool:
    """All that was expected has another value there."""
    wanted = re.findall(rf"<{field}=(\d+)>", expected)
    return bool(wanted) and not set(wanted) & set(re.findall(rf"<{field}=(\d+)>", came))


def _shape(segments: str) -> str:
    """<SEQ=1><ACK=2><DATA=3><CTL=ACK>: ACK with text."""
    flags = dict.fromkeys(re.findall(r"CTL=([A-Z,]+)", segments))
    if not flags:
        return _NUMBER.sub("N", segments)[:80] or "a certain segment"
    return " or ".join(flags) + (" with text" if "DATA=" in segments else "")
