# SPDX-License-Identifier: Apache-2.0
"""Waivers: failures that somebody has taken on until a day. Documented in docs/cli.md.

    - rule: RFC5961-3.2-3          # or case: 'transitions/ST-TIME-WAIT-*'
      reason: no challenge ACKs before release 2, ticket 12
      owner: Ada Lovelace
      expires: 2026-12-31          # the last day on which it holds

A case that fails and is covered has the verdict `waived`. A waiver must be true: one that has expired fails the run,
and so does a case that passes although a waiver covers it. Dates are compared with a day that the caller gives.
"""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import _yaml, catalogue
from ._enums import Verdict
from ._errors import UsageError

if TYPE_CHECKING:
    from .results import CaseInfo, CaseResult


@dataclass(frozen=True)
class Waiver:
    """A failure that somebody has taken on: of the cases of a glob, or of all cases that name a rule."""

    case: str = ""  #: glob on case ids, or empty
    rule: str = ""  #: identifier of the catalogue, or empty
    reason: str = ""
    owner: str = ""
    expires: str = ""  #: last day on which it holds, "2026-12-31"
    partly: bool = False  #: some of its cases pass, and may
    where: str = ""  #: "waivers.yaml:12"

    def __post_init__(self) -> None:
        if bool(self.case) == bool(self.rule):
            raise UsageError("a waiver names either a case or a rule")
        _day(self.expires)

    @property
    def subject(self) -> str:
        """ "case a/b" or "rule MUST-1"."""
        return f"case {self.case}" if self.case else f"rule {self.rule}"

    def covers(self, case: CaseInfo) -> bool:
        """Whether it is about that case."""
        return fnmatch.fnmatchcase(case.id, self.case) if self.case else self.rule in case.rules

    def expired(self, today: datetime.date) -> bool:
        """Whether its last day is over."""
        return _day(self.expires) < today


def _day(text: str) -> datetime.date:
    try:
        if len(text) != 10:
            raise ValueError
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is not a day like 2026-12-31") from None


def read(path: Path) -> tuple[Waiver, ...]:
    """Reads a file of waivers. Raises `UsageError`: not readable, not as the schema says, no such day, rule or case."""
    from . import suite

    entries, lines = _yaml.read(path, "waivers.schema.json", "waivers")
    everything = suite.cases()
    out: list[Waiver] = []
    for number, entry in enumerate(entries or []):
        for key in ("reason", "owner"):
            if not entry[key].strip():
                raise lines.error(f"'{key}' is empty", number, key)
        try:
            waiver = Waiver(**entry, where=f"{path}:{lines.of(number)}")
        except UsageError as e:
            raise lines.error(str(e), number, "expires") from None
        if not any(waiver.covers(c) for c in everything):
            if waiver.case:
                known = {f"{c.group}/*": None for c in everything} | {c.id: None for c in everything}
                near = catalogue.suggestion(waiver.case, known)
                raise lines.error(f"no case of the suite matches '{waiver.case}'{near}", number, "case")
            if catalogue.load().find(waiver.rule) is None:
                near = catalogue.suggestion(waiver.rule, catalogue.load().rules)
                raise lines.error(f"no rule '{waiver.rule}'{near}", number, "rule")
            raise lines.error(f"no case of the suite names rule {waiver.rule}", number, "rule")
        again = next((w for w in out if w.subject == waiver.subject), None)
        if again is not None:
            raise lines.error(
                f"a waiver for {waiver.subject} stands at {again.where} already; leave one of them", number
            )
        out.append(waiver)
    return tuple(out)


def today() -> datetime.date:
    """The day it is in UTC: the same everywhere."""
    return datetime.datetime.now(datetime.UTC).date()


def apply(result: CaseResult, waivers: Sequence[Waiver], day: datetime.date) -> CaseResult:
    """The result in the light of the waivers: a failure that is covered is waived; a pass that is covered was not
    expected. Other verdicts stay what they are."""
    if result.verdict not in (Verdict.FAIL, Verdict.PASS):
        return result
    covering = [w for w in waivers if w.covers(result.case)]
    valid = [w for w in covering if not w.expired(day)]
    if result.verdict is Verdict.PASS:
        strict = [w for w in valid if not w.partly]
        if not strict:
            return result
        w = strict[0]
        message = f"{result.id} passes, although {w.where or w.subject} waives it ({w.owner}: {w.reason}): "
        return dataclasses.replace(result, unexpected_pass=True, message=message + "remove the waiver.")
    if valid:
        w = valid[0]
        message = f"waived by {w.owner} until {w.expires}: {w.reason}. {result.message}"
        return dataclasses.replace(result, verdict=Verdict.WAIVED, message=message)
    remarks = [f"the waiver of {w.owner} ({w.reason}) ran out on {w.expires}" for w in covering]
    return dataclasses.replace(result, remarks=(*result.remarks, *remarks))


@dataclass(frozen=True)
class Use:
    """What became of a waiver in a run."""

    waiver: Waiver
    waived: tuple[str, ...] = ()  #: ids of cases whose failure it waived
    unexpected: tuple[str, ...] = ()  #: ids of cases that pass although it covers them
    problem: str = ""  #: why it fails the run, in a sentence; empty when it does not

    @property
    def word(self) -> str:
        """ "expired", "unexpected pass", "used" or "unused"."""
        if self.problem:
            return "unexpected pass" if self.unexpected else "expired"
        return "used" if self.waived else "unused"


def uses(waivers: Sequence[Waiver], results: Sequence[CaseResult], day: datetime.date) -> tuple[Use, ...]:
    """What became of each waiver, given all results of a run (after `apply`)."""
    from . import suite

    ran = {r.id: r for r in results}
    out = []
    for w in waivers:
        covered = [r for r in results if w.covers(r.case)]
        if w.expired(day):
            out.append(Use(w, problem=f"The waiver for {w.subject} of {w.owner} ({w.reason}) expired on {w.expires}: "
                           "repair what it excuses and remove it, or have it renewed."))  # fmt: skip
            continue
        waived = tuple(r.id for r in covered if r.verdict is Verdict.WAIVED)
        passed = tuple(r.id for r in covered if r.verdict is Verdict.PASS)
        whole = all(c.id in ran for c in suite.cases() if w.covers(c))
        if w.partly and (waived or not whole):  # whether nothing fails any more shows when all of its cases have run
            passed = ()
        problem = ""
        if passed:
            count = f"{len(passed)} cases pass" if len(passed) > 1 else f"{passed[0]} passes"
            narrow = f", or narrow it to what still fails ({_some(waived)})" if waived else ""
            problem = (
                f"The waiver for {w.subject} of {w.owner} ({w.reason}) covers what works, {count}: "
                f"remove the waiver{narrow}."
            )
        out.append(Use(w, waived, passed, problem))
    return tuple(out)


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
