# SPDX-License-Identifier: Apache-2.0
"""The JSON report. Schema: `tiptoe/data/report.schema.json`, documented in docs/report-format.md."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..results import CaseResult, Run

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
        "cases": [case_object(r) for r in run.results],
    }


def save(path: Path, run: Run) -> None:
    """Writes the report to a file."""
    path.write_text(json.dumps(report(run), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
