# SPDX-License-Identifier: Apache-2.0
"""A run against a former one: what is worse, what is better. Documented in docs/cli.md (`tiptoe run --baseline`).

    former = baseline.read(Path("results.json"))         # a report of `tiptoe run --json`
    comparison = baseline.compare(former, run)
    comparison.regressions

A case is bad when it fails a MUST or breaks down. A regression is a case that is bad now and was not bad before, or
was not there.
"""

from __future__ import annotations

import collections
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._errors import UsageError
from .report.json_report import FORMAT
from .results import Outcome, Run

_BAD = {Outcome.FAILED, Outcome.ERROR}
_WAS_BAD = {*_BAD, Outcome.WAIVED}


@dataclass(frozen=True)
class Former:
    """A former run, as its report tells it."""

    path: Path
    outcomes: Mapping[str, Outcome]  #: by case id
    circumstances: Mapping[str, str]  #: what should be the same to compare
    interrupted: bool = False
    started: str = ""


@dataclass(frozen=True)
class Change:
    """A case and what came of it, then and now."""

    case: str
    before: str  #: outcome, or "new"
    now: str


@dataclass(frozen=True)
class Comparison:
    """A run against a former one."""

    path: Path
    started: str
    regressions: tuple[Change, ...] = ()
    fixed: tuple[Change, ...] = ()
    still_bad: tuple[Change, ...] = ()
    remarks: tuple[str, ...] = ()

    @functools.cached_property
    def words(self) -> dict[str, str]:
        """Case id -> "regression", "fixed" or "still failing"."""
        return {c.case: word for word, changes in self.columns() for c in changes}

    def columns(self) -> Iterator[tuple[str, tuple[Change, ...]]]:
        """The three lists with their names."""
        yield "regression", self.regressions
        yield "fixed", self.fixed
        yield "still failing", self.still_bad


def read(path: Path) -> Former:
    """Reads a report of `tiptoe run --json`. Raises `UsageError` when it is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise UsageError(f"baseline: {path}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise UsageError(f"baseline: {path}: not UTF-8 text") from e
    except json.JSONDecodeError as e:
        why = f"not JSON: {e.msg}" if e.doc.strip() else "it is empty"
        raise UsageError(f"baseline: {path}:{e.lineno}: {why}") from e
    except (RecursionError, ValueError) as e:  # brackets, digits without end
        raise UsageError(f"baseline: {path}: not a report of `tiptoe run --json`") from e
    if not isinstance(report, dict) or not isinstance(report.get("tool"), dict) or "cases" not in report:
        raise UsageError(f"baseline: {path}: not a report of `tiptoe run --json`")
    if report.get("format") != FORMAT:
        raise UsageError(
            f"baseline: {path}: report format {report.get('format')!r}, this tiptoe reads format {FORMAT}; make it anew"
        )
    try:
        outcomes = {str(c["id"]): Outcome(c["outcome"]) for c in report["cases"]}
        circumstances = {
            "suite version": str(report["tool"]["version"]),
            "device": str(report["device"]["description"]),
            "configuration": _flat(report["configuration"]),
            "profile": str(report["profile"]),
            "seed": str(report["seed"]),
        }
        return Former(path, outcomes, circumstances, bool(report["interrupted"]), str(report["started"]))
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        word = {KeyError: f"no {e}", ValueError: str(e)}.get(type(e), "a value of another kind than there should be")
        raise UsageError(f"baseline: {path}: not a whole report of `tiptoe run --json` ({word})") from e


def _flat(configuration: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(configuration.items()))


def compare(former: Former, run: Run) -> Comparison:
    """What is worse and what is better in a run."""
    regressions: list[Change] = []
    fixed: list[Change] = []
    still_bad: list[Change] = []
    silent: collections.Counter[str] = collections.Counter()
    for result in run.results:
        before = former.outcomes.get(result.id)
        change = Change(result.id, before.value if before else "new", result.outcome.value)
        if result.outcome in _BAD:
            (still_bad if before in _WAS_BAD else regressions).append(change)
        elif before in _WAS_BAD and result.outcome in (Outcome.PASSED, Outcome.WARNED, Outcome.UNEXPECTED):
            fixed.append(change)
        elif result.outcome is Outcome.INAPPLICABLE and before not in (None, Outcome.INAPPLICABLE):
            assert before is not None
            silent[before.value] += 1
    return Comparison(
        former.path,
        former.started,
        tuple(regressions),
        tuple(fixed),
        tuple(still_bad),
        tuple(_remarks(former, run, silent)),
    )


def _remarks(former: Former, run: Run, silent: Mapping[str, int]) -> Iterator[str]:
    now = {
        "suite version": run.info.tool_version,
        "device": run.info.description,
        "configuration": _flat(run.info.configuration),
        "profile": run.info.profile,
        "seed": str(run.info.seed),
    }
    for key, value in now.items():
        before = former.circumstances[key]
        if before != value:
            yield f"Not the same {key}: '{before}' in the baseline, '{value}' now."
    if former.interrupted:
        yield "The baseline is a run that was interrupted."
    new = sum(r.id not in former.outcomes for r in run.results)
    if new:
        yield f"{_cases(new)} not in the baseline."
    ran = {r.id for r in run.results}
    gone = sum(case not in ran for case in former.outcomes)
    if gone:
        yield f"{_cases(gone)} of the baseline did not run."
    for word, count in silent.items():
        yield f"{_cases(count)} that {'were' if count > 1 else 'was'} '{word}' in the baseline can't be judged now."


def _cases(count: int) -> str:
    return f"{count} cases" if count > 1 else "1 case"
