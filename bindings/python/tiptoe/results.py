# SPDX-License-Identifier: Apache-2.0
"""What a run says: cases and their results, as plain dataclasses.

Times are microseconds of device time since reset ("virtual" time) unless a name says `wall`; cycles are clock cycles of
the device since reset.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._enums import Level, Verdict

if TYPE_CHECKING:
    import numpy as np

    from ._core import Datagram
    from .baseline import Comparison
    from .waivers import Use


class Outcome(enum.StrEnum):
    """Verdict and level together: the columns of a summary."""

    PASSED = "passed"
    FAILED = "failed"  #: a MUST was violated
    WARNED = "warned"  #: a SHOULD or MAY was not followed
    INAPPLICABLE = "inapplicable"
    WAIVED = "waived"
    UNEXPECTED = "unexpected"  #: passed although a waiver covers it
    ERROR = "error"  #: inconclusive, or broken down


@dataclass(frozen=True)
class CaseInfo:
    """A case of the suite."""

    id: str  #: "group/name"
    title: str  #: one line
    rules: tuple[str, ...]  #: identifiers of the catalogue
    description: str  #: what is sent and what must come
    level: Level
    profile: str  #: named settings under which the case runs
    settings: Mapping[str, int] = field(default_factory=dict)  #: settings of the device, on top of the profile

    @property
    def group(self) -> str:
        """Family of the case: its id up to the first slash."""
        return self.id.partition("/")[0] if "/" in self.id else ""


@dataclass(frozen=True)
class CaseResult:
    """What one case found on one device."""

    case: CaseInfo
    verdict: Verdict
    message: str = ""  #: in sentences; empty for a pass that was expected
    remarks: tuple[str, ...] = ()  #: worth knowing, without influence on the verdict
    ladder: str = ""  #: the exchange, one line per datagram, user call and indication; reports leave it out of a pass
    repeat: str = ""  #: the command that repeats this run
    frames: tuple[Datagram, ...] = ()  #: both directions, in order
    wall_seconds: float = 0.0
    cycles: int = 0  #: clock cycles of the device
    virtual_us: int = 0  #: microseconds of device time
    seed: int = 1
    unexpected_pass: bool = False  #: it passed although a waiver covers it

    @property
    def id(self) -> str:
        """Identifier of the case."""
        return self.case.id

    @property
    def outcome(self) -> Outcome:
        """Column of the summary."""
        match self.verdict:
            case Verdict.PASS:
                return Outcome.UNEXPECTED if self.unexpected_pass else Outcome.PASSED
            case Verdict.FAIL:
                return Outcome.FAILED if self.case.level is Level.MUST else Outcome.WARNED
            case Verdict.INAPPLICABLE:
                return Outcome.INAPPLICABLE
            case Verdict.WAIVED:
                return Outcome.WAIVED
            case _:
                return Outcome.ERROR

    @property
    def trace(self) -> np.ndarray[Any, np.dtype[np.void]]:
        """The frames as a NumPy structured array, see `tiptoe.trace`."""
        from .trace import to_array

        return to_array(self.frames)

    def __bool__(self) -> bool:
        """True when the device conforms as far as this case can tell."""
        return self.outcome not in (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True)
class RunInfo:
    """The circumstances of a run: everything that is needed to repeat it."""

    tool_version: str
    device: str  #: "model", "rtl", "lockstep"
    description: str  #: the device in one line, with parameters
    configuration: dict[str, int | str | bool]  #: parameter set and settings of the device
    profile: str
    seed: int
    jobs: int = 1
    patterns: tuple[str, ...] = ()
    level: Level = Level.MAY


@dataclass(frozen=True)
class Run:
    """A whole run."""

    info: RunInfo
    results: tuple[CaseResult, ...]
    wall_seconds: float = 0.0
    interrupted: bool = False
    started: str = ""  #: ISO 8601, UTC
    waivers: tuple[Use, ...] = ()  #: what became of every waiver
    baseline: Comparison | None = None  #: against a former run

    def count(self, outcome: Outcome) -> int:
        """Number of cases with that outcome."""
        return sum(r.outcome is outcome for r in self.results)

    @property
    def summary(self) -> dict[str, int]:
        """Number of cases per outcome."""
        return {o.value: self.count(o) for o in Outcome}

    @property
    def nothing_judged(self) -> bool:
        """No case applied."""
        return bool(self.results) and self.count(Outcome.INAPPLICABLE) == len(self.results)

    @property
    def exit_code(self) -> int:
        """0 conforms, 1 violates a MUST (with a baseline: is worse than it was) or a waiver is not true, 2 some case
        could not run, or none applied."""
        if any(use.problem for use in self.waivers):
            return 1
        if self.baseline is not None:
            return 1 if self.baseline.regressions else 2 if self.interrupted else 0
        if self.count(Outcome.FAILED) or self.count(Outcome.UNEXPECTED):
            return 1
        return 2 if self.count(Outcome.ERROR) or self.interrupted or self.nothing_judged else 0


@dataclass
class Tally:
    """Cases of one RFC per outcome; a case that checks rules of two RFCs counts in both."""

    rfc: str
    rules: set[str] = field(default_factory=set)
    cases: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)


def by_rfc(results: Iterable[CaseResult], rfc_of: dict[str, str]) -> list[Tally]:
    """Summary by RFC, in the order of their numbers. `rfc_of` maps a rule to its RFC; textbook scenarios
    (TB-...) and other identifiers get lines of their own."""
    tallies: dict[str, Tally] = {}
    for result in results:
        rfcs: dict[str, list[str]] = {}
        for rule in result.case.rules or ("",):
            rfcs.setdefault(rfc_of.get(rule) or _other(rule), []).append(rule)
        for rfc, rules in rfcs.items():
            tally = tallies.setdefault(rfc, Tally(rfc))
            tally.rules.update(rules)
            tally.cases += 1
            tally.outcomes[result.outcome] = tally.outcomes.get(result.outcome, 0) + 1

    def key(tally: Tally) -> tuple[bool, int, str]:
        number = tally.rfc.removeprefix("RFC")
        return (not number.isdigit(), int(number) if number.isdigit() else 0, tally.rfc)

    return sorted(tallies.values(), key=key)


def _other(rule: str) -> str:
    return "textbook" if rule.startswith("TB-") else "other"


def worst_first(results: Sequence[CaseResult]) -> list[CaseResult]:
    """Violations, breakdowns, warnings, then the rest; the order of the suite within each."""
    order = [Outcome.FAILED, Outcome.ERROR, Outcome.UNEXPECTED, Outcome.WARNED, Outcome.WAIVED, Outcome.INAPPLICABLE,
             Outcome.PASSED]  # fmt: skip
    return sorted(results, key=lambda r: order.index(r.outcome))
