# SPDX-License-Identifier: Apache-2.0
"""Options that several subcommands share, and checks of their values."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import _core, catalogue

F = TypeVar("F", bound=Callable[..., Any])

WIDTHS = ["64", "128", "256", "512"]
CONNECTIONS = ["16", "32", "64", "128", "256", "512", "1024"]


class Number(click.ParamType):
    """A choice of numbers."""

    name = "number"

    def __init__(self, choices: list[str]) -> None:
        self.choices = choices

    def get_metavar(self, param: click.Parameter) -> str:
        return "|".join(self.choices)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if str(value) not in self.choices:
            self.fail(f"{value!r} is not one of {', '.join(self.choices)}.", param, ctx)
        return int(value)


def dut(*kinds: str, default: str | None = "model") -> Callable[[F], F]:
    """--dut."""
    return click.option(
        "--dut",
        type=click.Choice(kinds),
        default=default,
        required=default is None,
        show_default=default is not None,
        help="The device.",
    )


def any_dut(function: F) -> F:
    """--dut with devices of your own, --dut-args, --capabilities."""
    function = click.option(
        "--capabilities",
        metavar="FILE",
        default="",
        help="Capability file of the device (default: the .yaml beside it).",
    )(function)
    function = click.option("--dut-args", metavar="TEXT", default="", help="Text for a device of your own.")(function)
    return click.option(
        "--dut",
        metavar="DEVICE",
        default="model",
        show_default=True,
        help="model, rtl, lockstep; ./mine.so; ./mine.py:Class.",
    )(function)


def parameters(function: F) -> F:
    """--width, --connections."""
    function = click.option(
        "--connections",
        type=Number(CONNECTIONS),
        help="Connections of the engine (default: those of the built-in set of that width).",
    )(function)
    return click.option("--width", type=Number(WIDTHS), default="64", show_default=True, help="Data width in bits.")(
        function
    )


def seed(function: F) -> F:
    """--seed."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**64 - 1),
        default=1,
        show_default=True,
        help="Seed of every random choice.",
    )(function)


def output_file(value: str | None, option: str) -> Path | None:
    """Checks before the work starts that the file can be written; "-" is standard output (None is no file)."""
    if value is None:
        return None
    path = Path(value)
    if value == "-":
        return path
    if path.is_dir():
        raise click.BadParameter(f"'{value}' is a directory.", param_hint=f"'{option}'")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        existed = path.exists()
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as e:
        raise click.BadParameter(f"'{value}' cannot be written: {e.strerror}.", param_hint=f"'{option}'") from e
    return path


def output_directory(value: str | None, option: str) -> Path | None:
    """Makes the directory, or says why not."""
    if value is None:
        return None
    path = Path(value)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise click.BadParameter(f"'{value}' cannot be made: {e.strerror}.", param_hint=f"'{option}'") from e
    if not os.access(path, os.W_OK | os.X_OK):
        raise click.BadParameter(f"'{value}' cannot be written.", param_hint=f"'{option}'")
    return path


def check_fault(fault: str) -> None:
    """Refuses a seeded fault that does not exist, with the nearest names."""
    known = [name for name, _, _ in _core.faults()]
    if fault and fault not in known:
        raise click.BadParameter(f"no fault '{fault}'{catalogue.suggestion(fault, known)}", param_hint="'--fault'")


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def show_notes(notes: Iterable[str]) -> None:
    """What a run has to say besides its results, on standard error."""
    for note in notes:
        click.echo(f"tiptoe: {note}", err=True)
