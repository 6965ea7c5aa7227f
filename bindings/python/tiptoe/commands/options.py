# SPDX-License-Identifier: Apache-2.0
"""Options that several subcommands share, and checks of their values."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import _core, catalogue, plug

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


def jobs(function: F) -> F:
    """--jobs."""
    return click.option(
        "--jobs",
        type=click.IntRange(1, 1024),
        default=processors,
        show_default="processors",
        help="Worker processes.",
    )(function)


def reports(what: str) -> Callable[[F], F]:
    """--json, --junit, --pcap, as `json_file`, `junit_file`, `pcap_directory`; `what` is a case or a script."""

    def add(function: F) -> F:
        function = click.option(
            "--pcap", "pcap_directory", metavar="DIR", help=f"Write one pcapng capture per {what}."
        )(function)
        function = click.option("--junit", "junit_file", metavar="FILE", help="Write a JUnit XML report.")(function)
        return click.option("--json", "json_file", metavar="FILE", help="Write a JSON report; - is standard output.")(
            function
        )

    return add


def model_options(function: F) -> F:
    """--fault, --random-stalls."""
    function = click.option(
        "--random-stalls", is_flag=True, help="Random back-pressure on every channel of the device."
    )(function)
    return click.option("--fault", metavar="ID", default="", help="Arm a seeded fault of the model.")(function)


#: Settings are 32 bits wide, as the registers are.
_LARGEST_SETTING = 2**32 - 1


def _settings(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        name, equals, text = value.partition("=")
        try:
            number = int(text, 0) if equals and name else -1
        except ValueError:
            number = -1
        if not 0 <= number <= _LARGEST_SETTING:
            raise click.BadParameter(f"'{value}' is not NAME=NUMBER, with a number from 0 to {_LARGEST_SETTING}.")
        found[name] = number
    return found


def settings(base: str) -> Callable[[F], F]:
    """--set, as a dictionary `settings`; `base`: what they come on top of."""
    return click.option(
        "--set",
        "settings",
        metavar="NAME=NUMBER",
        multiple=True,
        callback=_settings,
        help=f"A setting of the device, on top of {base}. May be repeated.",
    )


def check_settings(given: Iterable[str], kind: str) -> None:
    """Refuses settings that a built-in device does not have, with the nearest names; others speak for themselves."""
    known = [name for name, _, _ in _core.registers()]
    for name in given:
        if kind in plug.BUILT_IN and name not in known:
            raise click.BadParameter(f"no setting '{name}'{catalogue.suggestion(name, known)}", param_hint="'--set'")


class _Seconds(click.FloatRange):
    """A number of seconds; neither nan nor inf is one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return seconds


def watch(what: str) -> Callable[[F], F]:
    """--hang-seconds as `timeout`, --memory-mb; `what` is a case or a script."""

    def add(function: F) -> F:
        function = click.option(
            "--memory-mb",
            type=click.IntRange(0, 1 << 30),
            default=2048,
            show_default=True,
            help="MiB of memory that a process of a device of your own may use; 0: no limit.",
        )(function)
        return click.option(
            "--hang-seconds",
            "--timeout",
            "timeout",
            type=_Seconds(0.1, 1e6),
            default=120.0,
            show_default=True,
            help=f"Seconds of wall time that a {what} may take; then its process is stopped.",
        )(function)

    return add


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
