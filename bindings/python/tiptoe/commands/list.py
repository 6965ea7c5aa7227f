# SPDX-License-Identifier: Apache-2.0
"""`tiptoe list`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from .. import suite
from ..report import terminal


@click.command(name="list", short_help="List the cases with the rules they check.")
@click.argument("patterns", metavar="[CASE-PATTERN]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(patterns: tuple[str, ...], as_json: bool) -> None:
    """List the cases with the rules they check."""
    chosen = suite.cases(patterns)
    if as_json:
        click.echo(json.dumps([asdict(c) for c in chosen], indent=1, ensure_ascii=False))
        return
    console = terminal.make_console()
    if not console.is_terminal:
        for c in chosen:
            click.echo(f"{c.id:<56} {c.level.value:<7}{c.profile:<12}{','.join(c.rules)}")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("case", overflow="fold", min_width=20)
    table.add_column("level", no_wrap=True)
    table.add_column("profile", no_wrap=True)
    table.add_column("rules", overflow="fold", min_width=8)
    wide = console.width >= 140
    if wide:
        table.add_column("what")
    for c in chosen:
        title = [escape(c.title)] if wide else []
        table.add_row(escape(c.id), c.level.value, c.profile, escape(" ".join(c.rules)), *title)
    console.print(table)
    console.print(f"{len(chosen)} cases")
