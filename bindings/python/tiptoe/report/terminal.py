# SPDX-License-Identifier: Apache-2.0
"""What `tiptoe run` shows, and the progress bar of all runs: rich tables in a terminal, plain lines elsewhere."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..results import CaseResult, Outcome, Run, Tally, by_rfc, worst_first
from . import groups

if TYPE_CHECKING:
    from ..baseline import Comparison
    from ..waivers import Use

T = TypeVar("T")

STYLE = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.WARNED: "yellow",
    Outcome.INAPPLICABLE: "dim",
    Outcome.WAIVED: "cyan",
    Outcome.UNEXPECTED: "bold yellow",
    Outcome.ERROR: "bold magenta",
}


#: Cases that are told at length.
STORIES = 20

#: Lines of a table of groups.
GROUPS = 12

#: Lines of a ladder that are shown; the end is where it went wrong.
LADDER_LINES = 50


def make_console(stderr: bool = False) -> Console:
    """A console that neither wraps nor colours when its output is no terminal."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=10_000, no_color=True)


def word(result: CaseResult) -> str:
    """The verdict as shown: a SHOULD that was not followed is a warning."""
    words = {Outcome.WARNED: "warn", Outcome.UNEXPECTED: "unexpected"}
    return words.get(result.outcome, result.verdict.value)


def seconds(value: float) -> str:
    """Wall time for people."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def virtual(us: int) -> str:
    """Device time for people."""
    if us < 1000:
        return f"{us} us"
    return f"{us / 1000:.1f} ms" if us < 1_000_000 else f"{us / 1_000_000:.1f} s"


def verdict_table(console: Console, results: Iterable[CaseResult]) -> None:
    """One line per case."""
    if not console.is_terminal:
        for r in results:
            rules = ",".join(r.case.rules)
            console.print(f"{word(r):<13}{r.id:<56} {r.case.level.value:<7}{rules}", markup=False, soft_wrap=True)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("verdict", no_wrap=True)
    table.add_column("case", overflow="fold", min_width=20)
    table.add_column("level", no_wrap=True)
    table.add_column("rules", overflow="fold", min_width=8)
    wide = console.width >= 110
    if wide:
        table.add_column("device time", justify="right", no_wrap=True)
        table.add_column("cycles", justify="right", no_wrap=True)
        table.add_column("wall", justify="right", no_wrap=True)
    for r in results:
        more = f" +{len(r.case.rules) - 2}" if len(r.case.rules) > 2 else ""
        figures = [virtual(r.virtual_us), f"{r.cycles:,}", seconds(r.wall_seconds)] if wide else []
        table.add_row(
            f"[{STYLE[r.outcome]}]{word(r)}[/]",
            escape(r.id),
            r.case.level.value,
            escape(" ".join(r.case.rules[:2])) + more,
            *figures,
        )
    console.print(table)


_COLUMNS = [
    (Outcome.PASSED, "passed"),
    (Outcome.FAILED, "failed"),
    (Outcome.WARNED, "warned"),
    (Outcome.INAPPLICABLE, "inapplicable"),
    (Outcome.WAIVED, "waived"),
    (Outcome.UNEXPECTED, "unexpected"),
    (Outcome.ERROR, "error"),
]

#: Columns that are shown when there is something in them.
_RARE = {Outcome.UNEXPECTED}


def rfc_table(console: Console, tallies: list[Tally]) -> None:
    """Summary by RFC. A case that checks rules of several RFCs counts in each."""
    columns = [(o, name) for o, name in _COLUMNS if o not in _RARE or any(o in t.outcomes for t in tallies)]
    rows = [[t.rfc, str(len(t.rules)), str(t.cases), *(str(t.outcomes.get(o, 0)) for o, _ in columns)] for t in tallies]
    header = ["RFC", "rules", "cases", *(name for _, name in columns)]
    if not console.is_terminal:
        console.print()
        for row in [header, *rows]:
            console.print("".join(f"{cell:<14}" if i == 0 else f"{cell:>13}" for i, cell in enumerate(row)))
        return
    table = Table(title="By RFC", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(header[0])
    for name in header[1:]:
        table.add_column(name, justify="right")
    for row, tally in zip(rows, tallies, strict=True):
        cells = row[:3] + [
            f"[{STYLE[o]}]{cell}[/]" if tally.outcomes.get(o) else f"[dim]{cell}[/]"
            for (o, _), cell in zip(columns, row[3:], strict=True)
        ]
        table.add_row(*cells)
    console.print(table)


def group_table(console: Console, title: str, found: Sequence[groups.Group], examples: bool) -> None:
    """How many cases end alike, and how; with a case of each group."""
    header = ["cases", title, *(["for example"] if examples else [])]
    rows = [[str(len(g.results)), g.what, *([g.example.id] if examples else [])] for g in found[:GROUPS]]
    if not console.is_terminal:
        console.print(f"\n{header[0]:>6}  {'  '.join(header[1:])}", markup=False)
        for number, *words in rows:
            console.print(f"{number:>6}  {'  '.join(words)}", markup=False, soft_wrap=True)
    else:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column(header[0], justify="right", no_wrap=True)
        for name in header[1:]:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*map(escape, row))
        console.print(table)
    if len(found) > GROUPS:
        rest = sum(len(g.results) for g in found[GROUPS:])
        console.print(f"... and {rest} more for {len(found) - GROUPS} other reasons, which are in the JSON report.")


def _told(run: Run, failures: Sequence[groups.Group]) -> list[CaseResult]:
    """What is told at length: one of each group of failures first, then the others, the worst first."""
    told = [r for r in worst_first(run.results) if r.outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.WARNED)]
    if run.baseline is not None:  # what is new first
        new = {c.case for c in run.baseline.regressions}
        told.sort(key=lambda r: r.id not in new)
    elif len(told) > STORIES:
        examples = [g.example.id for g in failures]
        told.sort(key=lambda r: examples.index(r.id) if r.id in examples else len(examples))
    return told


def story(console: Console, result: CaseResult, ladder: bool = True) -> None:
    """Why a case did not pass, in sentences."""
    console.print()
    rules = f" ({', '.join(result.case.rules)})" if result.case.rules else ""
    console.print(f"[{STYLE[result.outcome]}]{word(result).upper()}[/] [bold]{escape(result.id)}[/]{escape(rules)}")
    console.print(f"  {escape(result.case.title)}")
    for line in result.message.splitlines():
        console.print("  " + line, markup=False)
    if ladder and result.ladder:
        console.print()
        lines = result.ladder.splitlines()
        if len(lines) > LADDER_LINES:
            left_out = len(lines) - LADDER_LINES
            console.print(f"    ... {left_out} earlier lines, which are in the JSON report", style="dim")
            lines = lines[left_out:]
        for line in lines:
            console.print("    " + line, markup=False, style="dim")
    if result.repeat:
        console.print("  Repeat: ", end="")
        console.print(result.repeat, markup=False, style="cyan", soft_wrap=True)


def summary_line(run: Run) -> str:
    """One line: how many cases, what came of them, on what, how long."""
    counts = ", ".join(f"{n} {name}" for name, n in run.summary.items() if n)
    info = run.info
    words = [f"{len(run.results)} cases: {counts or 'none ran'}", info.description, f"seed {info.seed}"]
    return "; ".join([*words, seconds(run.wall_seconds)])


def waivers(console: Console, uses: Sequence[Use]) -> None:
    """How the waivers were used, and which of them fail the run."""
    if not uses:
        return
    counts = collections.Counter(use.word for use in uses)
    console.print()
    console.print("Waivers: " + ", ".join(f"{n} {word}" for word, n in sorted(counts.items())) + ".")
    for use in uses:
        if use.problem:
            console.print(
                f"  [{STYLE[Outcome.FAILED]}]{use.word.upper()}[/] {escape(use.waiver.where)}", soft_wrap=True
            )
            console.print("    " + use.problem, markup=False, soft_wrap=True)


#: Lines of a list against a baseline; the JSON report has all.
CHANGES = 40

_CHANGE_STYLE = {"regression": "bold red", "fixed": "green", "still failing": "dim"}


def baseline(console: Console, comparison: Comparison) -> None:
    """What is worse and what is better than in a former run."""
    console.print()
    title = f"Against the baseline {comparison.path} of {comparison.started}"
    shown = [(word, c) for word, changes in comparison.columns() for c in changes[:CHANGES]]
    if not console.is_terminal:
        console.print(title, markup=False)
        for word, c in shown:
            console.print(f"{word:<15}{c.case:<56} {c.before} -> {c.now}", markup=False)
    elif shown:
        table = Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for name in ("", "case", "before", "now"):
            table.add_column(name, overflow="fold" if name == "case" else "ellipsis", no_wrap=name != "case")
        for word, c in shown:
            table.add_row(f"[{_CHANGE_STYLE[word]}]{word}[/]", escape(c.case), c.before, c.now)
        console.print(table)
    else:
        console.print(title, markup=False)
    for word, changes in comparison.columns():
        if len(changes) > CHANGES:
            console.print(f"... and {len(changes) - CHANGES} more of '{word}', which are in the JSON report.")
    for remark in comparison.remarks:
        console.print(remark, markup=False, soft_wrap=True)
    console.print(
        f"{len(comparison.regressions)} regressions, {len(comparison.fixed)} fixed, "
        f"{len(comparison.still_bad)} still failing."
    )


def _last_word(run: Run) -> str:
    if run.interrupted:
        return "[bold magenta]The run was interrupted.[/]"
    if run.baseline is not None:
        if run.baseline.regressions:
            return "The device [bold red]is worse than the baseline[/]."
        return "[bold green]No regression[/] against the baseline."
    if run.count(Outcome.FAILED):
        return "The device [bold red]violates[/]."
    if run.count(Outcome.ERROR):
        return "The device [bold magenta]could not be judged[/]."
    if run.nothing_judged:
        return "The device [bold magenta]was not judged[/]: no case applies. See why above, and its capability file."
    left_out = run.count(Outcome.INAPPLICABLE)
    rest = f" in the {len(run.results) - left_out} cases that apply" if left_out else ""
    return f"The device [bold green]conforms[/]{rest}."


def show(console: Console, run: Run, rfc_of: dict[str, str], quiet: bool = False) -> None:
    """The whole report."""
    silent = (Outcome.PASSED, Outcome.INAPPLICABLE) if quiet else ()
    verdict_table(console, [r for r in run.results if r.outcome not in silent])
    rfc_table(console, by_rfc(run.results, rfc_of))
    inapplicable = groups.reasons(r for r in run.results if r.outcome is Outcome.INAPPLICABLE)
    if inapplicable:
        group_table(console, "inapplicable, because", inapplicable, examples=False)
    failures = groups.alike(r for r in run.results if r.outcome is Outcome.FAILED)
    told = _told(run, failures)
    if len(told) > STORIES and failures:
        group_table(console, "failed, and how", failures, examples=True)
    for result in told[:STORIES]:
        story(console, result)
    if len(told) > STORIES:
        console.print(f"\n... and {len(told) - STORIES} more, which are in the JSON and JUnit reports.")
    waivers(console, run.waivers)
    if run.baseline is not None:
        baseline(console, run.baseline)
    console.print()
    console.print(escape(summary_line(run)), soft_wrap=True)
    console.print(_last_word(run))
    if any(use.problem for use in run.waivers):
        console.print("The run [bold red]fails[/]: a waiver is not true, see above.")


def follow(
    console: Console, name: str, total: int, numbered: Iterable[tuple[int, T]], bad: Callable[[T], bool]
) -> tuple[list[T], bool]:
    """A progress bar while results come. Returns them by their numbers, and whether the user stopped it (Ctrl-C)."""
    results: dict[int, T] = {}
    count = 0
    interrupted = False
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[bad]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(name, total=total, bad="")
        try:
            for number, result in numbered:
                results[number] = result
                count += bad(result)
                progress.update(task, advance=1, bad=f"[red]{count} not passed[/]" if count else "")
        except KeyboardInterrupt:
            interrupted = True
    return [results[n] for n in sorted(results)], interrupted
