# SPDX-License-Identifier: Apache-2.0
"""What `tiptoe pkt` shows, and its JSON report (docs/pkt.md)."""

from __future__ import annotations

import collections
import os
import re
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .._enums import Level, Verdict
from .._version import __version__
from ..report.terminal import LADDER_LINES, STORIES, seconds, virtual
from ..results import CaseInfo, CaseResult, Run, RunInfo
from .result import PktResult

_STYLE = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.INAPPLICABLE: "dim", Verdict.ERROR: "bold magenta"}
_WORDS = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.INAPPLICABLE: "not applicable",
    Verdict.ERROR: "error",
}
_ORDER = (Verdict.PASS, Verdict.FAIL, Verdict.INAPPLICABLE, Verdict.ERROR)


def exit_code(results: Sequence[PktResult], interrupted: bool) -> int:
    """0 everything that applies holds, 1 a script failed, 2 a script could not be run."""
    if any(r.verdict is Verdict.FAIL for r in results):
        return 1
    return 2 if interrupted or any(r.verdict is Verdict.ERROR for r in results) else 0


def summary(results: Sequence[PktResult]) -> dict[str, int]:
    """Number of scripts per verdict."""
    count = collections.Counter(r.verdict for r in results)
    return {_WORDS[v]: count[v] for v in _ORDER}


def names(paths: Sequence[str]) -> dict[str, str]:
    """What scripts are called in a table: the path without what all of them have in common."""
    if len(paths) < 2:
        return {p: os.path.basename(p) for p in paths}
    common = os.path.commonpath([os.path.dirname(os.path.abspath(p)) for p in paths])
    return {p: os.path.relpath(os.path.abspath(p), common) for p in paths}


def _short(r: PktResult) -> str:
    if r.verdict is not Verdict.PASS:
        return r.reason.splitlines()[0] if r.reason else ""
    left_out = f"not compared: {', '.join(r.left_out)}" if r.left_out else ""
    return "; ".join(filter(None, (left_out, r.trailing)))


def verdict_table(console: Console, results: Sequence[PktResult]) -> None:
    """One line per script."""
    if not console.is_terminal:
        for r in results:
            where = r.path if r.line is None else f"{r.path}:{r.line}"
            console.print(f"{_WORDS[r.verdict]:<15} {where}  {_short(r)}".rstrip(), markup=False, soft_wrap=True)
        return
    called = names([r.path for r in results])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("verdict", no_wrap=True)
    table.add_column("script", overflow="fold", min_width=24)
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold", min_width=20)
    wide = console.width >= 110
    if wide:
        table.add_column("device time", justify="right", no_wrap=True)
        table.add_column("wall", justify="right", no_wrap=True)
    for r in results:
        figures = [virtual(r.virtual_us), seconds(r.wall_seconds)] if wide else []
        line = "" if r.line is None or r.verdict is Verdict.PASS else str(r.line)
        verdict = f"[{_STYLE[r.verdict]}]{_WORDS[r.verdict]}[/]"
        table.add_row(verdict, escape(called[r.path]), line, escape(_short(r)), *figures)
    console.print(table)


def story(console: Console, r: PktResult) -> None:
    """Why a script did not pass: the line, what came instead, what had happened."""
    console.print()
    where = r.path if r.line is None else f"{r.path}:{r.line}"
    console.print(f"[{_STYLE[r.verdict]}]{_WORDS[r.verdict].upper()}[/] [bold]{escape(where)}[/]", soft_wrap=True)
    for line in r.source.splitlines():
        console.print("    " + line, markup=False, style="cyan", soft_wrap=True)
    console.print("  " + r.reason, markup=False, soft_wrap=True)
    for what, text in (("expected", r.expected), ("got", r.got)):
        if text:
            console.print(f"  {what + ':':<10}{text}", markup=False, soft_wrap=True)
    for difference in r.differences:
        console.print("    " + difference, markup=False, soft_wrap=True)
    for number, reason in r.all_reasons[1:]:
        console.print(f"  line {number}: {reason}", markup=False, soft_wrap=True)
    for note in r.notes[:10]:
        console.print("  note: " + note, markup=False, style="dim", soft_wrap=True)
    if r.ladder:
        console.print()
        lines = r.ladder
        if len(lines) > LADDER_LINES:
            console.print(
                f"    ... {len(lines) - LADDER_LINES} earlier lines, which are in the JSON report", style="dim"
            )
            lines = lines[-LADDER_LINES:]
        for line in lines:
            console.print("    " + line, markup=False, style="dim", soft_wrap=True)


def reasons_table(console: Console, results: Sequence[PktResult]) -> None:
    """Why scripts do not apply: each kind of reason once, with the number of scripts."""
    alike: dict[str, list[str]] = {}  # the same but for numbers
    for r in results:
        if r.verdict is Verdict.INAPPLICABLE:
            alike.setdefault(re.sub(r"\d+", "0", _short(r)), []).append(_short(r))
    if not alike:
        return
    console.print("\nNot applicable:")
    for texts in sorted(alike.values(), key=len, reverse=True):
        console.print(f"  {len(texts):>4}  {texts[0]}", markup=False, soft_wrap=True)


def show(
    console: Console,
    results: Sequence[PktResult],
    description: str,
    wall_seconds: float,
    interrupted: bool,
    quiet: bool = False,
) -> None:
    """The whole report."""
    if quiet:
        verdict_table(console, [r for r in results if r.verdict in (Verdict.FAIL, Verdict.ERROR)])
    else:
        verdict_table(console, results)
    if len(results) > 1:
        reasons_table(console, results)
    told = [r for r in results if r.verdict is Verdict.FAIL] + [r for r in results if r.verdict is Verdict.ERROR]
    told += [r for r in results if r.verdict is Verdict.INAPPLICABLE] if len(results) == 1 else []
    if len(results) == 1 and results[0].verdict is Verdict.PASS:
        for note in results[0].notes[:20]:
            console.print("  note: " + note, markup=False, style="dim", soft_wrap=True)
    for r in told[:STORIES]:
        story(console, r)
    if len(told) > STORIES:
        console.print(f"\n... and {len(told) - STORIES} more, which are in the JSON report.")
    counts = ", ".join(f"{n} {word}" for word, n in summary(results).items() if n)
    reduced = sum(bool(r.left_out) for r in results if r.verdict in (Verdict.PASS, Verdict.FAIL))
    played = [r for r in results if r.virtual_us]
    times = f"{virtual(sum(r.virtual_us for r in played))} of device time in {seconds(wall_seconds)}"
    words = [f"{len(results)} scripts: {counts or 'none ran'}"]
    if reduced:
        words.append(f"{reduced} of them without options that the device lacks (--exact takes none such)")
    console.print()
    console.print(escape("; ".join([*words, description, times])), soft_wrap=True)
    if interrupted:
        console.print("[bold magenta]The run was interrupted.[/]")


def to_run(results: Sequence[PktResult], info: RunInfo, wall_seconds: float, interrupted: bool) -> Run:
    """The same as a run of cases, for reports of that kind (JUnit)."""
    called = names([r.path for r in results])

    def case(r: PktResult) -> CaseResult:
        where = CaseInfo(called[r.path], "packetdrill script", (), r.path, Level.MUST, r.profile or info.profile)
        story = "\n".join([r.message, *r.differences]) if r.verdict is not Verdict.PASS else ""
        return CaseResult(
            where,
            r.verdict,
            story,
            ladder="\n".join(r.ladder),
            wall_seconds=r.wall_seconds,
            cycles=r.cycles,
            virtual_us=r.virtual_us,
            seed=info.seed,
        )

    return Run(info, tuple(case(r) for r in results), wall_seconds=wall_seconds, interrupted=interrupted)


def to_json(
    results: Sequence[PktResult],
    description: str,
    configuration: dict[str, Any],
    wall_seconds: float,
    interrupted: bool,
) -> dict[str, Any]:
    """The report as plain data. Times: device time in microseconds, wall time in seconds."""
    scripts = []
    for r in results:
        entry: dict[str, Any] = {
            "path": r.path,
            "verdict": r.verdict.value,
            "profile": r.profile,
            "virtual_us": r.virtual_us,
            "wall_seconds": round(r.wall_seconds, 6),
            "cycles": r.cycles,
        }
        if r.line is not None:
            entry["line"] = r.line
        for key in ("reason", "source", "expected", "got", "differences", "ladder", "notes", "trailing"):
            value = getattr(r, key)
            if value:
                entry[key] = value
        if r.left_out:
            entry["left_out"] = list(r.left_out)
        if r.all_reasons:
            entry["reasons"] = [{"line": line, "text": text} for line, text in r.all_reasons]
        scripts.append(entry)
    return {
        "format": "tiptoe-pkt",
        "format_version": 1,
        "tool_version": __version__,
        "device": description,
        "configuration": configuration,
        "interrupted": interrupted,
        "exit_code": exit_code(results, interrupted),
        "summary": {v.value: sum(r.verdict is v for r in results) for v in _ORDER},
        "virtual_us": sum(r.virtual_us for r in results),
        "wall_seconds": round(wall_seconds, 3),
        "scripts": scripts,
    }
