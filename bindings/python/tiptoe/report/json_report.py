# SPDX-License-Identifier: Apache-2.0
"""The JSON report. Schema: `tiptoe/data/report.schema.json`, documented in docs/report-format.md."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..results import CaseResult, Run

if TYPE_CHECKING:
    from ..baseline import Comparison
    from ..waivers import Use

#: Rises when a reader of older reports would misunderstand a new one. New keys alone do not raise it.
FORMAT = 1


def case_object(result: CaseResult) -> dict[str, Any]:
    """One entry of "cases"."""
    return {
        "id": result.id,
        "title": result.case.title,
        "rules": list(result.case.rules),
        "level": result.case.level.value,
        "profile": result.case.profile,
        "verdict": result.verdict.value,
        "outcome": result.outcome.value,
        "message": result.message,
        "remarks": list(result.remarks),
        "ladder": result.ladder,
        "repeat": result.repeat,
        "wall_seconds": round(result.wall_seconds, 6),
        "cycles": result.cycles,
        "virtual_us": result.virtual_us,
        "seed": result.seed,
    }


def _waiver_object(use: Use) -> dict[str, Any]:
    """One entry of "waivers"."""
    w = use.waiver
    return {
        **({"case": w.case} if w.case else {"rule": w.rule}),
        "reason": w.reason,
        "owner": w.owner,
        "expires": w.expires,
        "partly": w.partly,
        "where": w.where,
        "state": use.word,
        "waived": list(use.waived),
        "unexpected": list(use.unexpected),
        "problem": use.problem,
    }


def _baseline_object(comparison: Comparison) -> dict[str, Any]:
    return {
        "file": str(comparison.path),
        "started": comparison.started,
        "remarks": list(comparison.remarks),
        "regressions": [asdict(c) for c in comparison.regressions],
        "fixed": [asdict(c) for c in comparison.fixed],
        "still_failing": [asdict(c) for c in comparison.still_bad],
    }


def report(run: Run) -> dict[str, Any]:
    """The whole report as JSON-ready data."""
    info = asdict(run.info)
    return {
        "format": FORMAT,
        "tool": {"name": "tiptoe", "version": info["tool_version"]},
        "started": run.started,
        "device": {"kind": info["device"], "description": info["description"]},
        "configuration": info["configuration"],
        "profile": info["profile"],
        "seed": info["seed"],
        "selection": {"patterns": list(info["patterns"]), "level": run.info.level.value},
        "wall_seconds": round(run.wall_seconds, 3),
        "interrupted": run.interrupted,
        "exit_code": run.exit_code,
        "summary": run.summary,
        "waivers": [_waiver_object(use) for use in run.waivers],
        "baseline": None if run.baseline is None else _baseline_object(run.baseline),
        "cases": [case_object(r) for r in run.results],
    }


def save(path: Path, run: Run) -> None:
    """Writes the report to a file."""
    path.write_text(json.dumps(report(run), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
