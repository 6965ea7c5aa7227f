# SPDX-License-Identifier: Apache-2.0
"""`tiptoe pair`."""

from __future__ import annotations

import ipaddress
import json
import shlex
import sys
from collections.abc import Callable
from typing import Any

import click
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from .. import _core, plug
from .._errors import DeviceError, UsageError
from ..report import terminal
from ..runner import DeviceSpec
from . import options

_ADDRESSES = ("10.0.0.1", "10.0.0.2")
_NUMBERS = (0x0A000001, 0x0A000002)

#: Milliseconds of wall time between two looks at the keyboard.
_SLICE = 100


class _Count(click.ParamType):
    """A number; 10M, 10Mi, 64Ki and 10e6 are numbers, too."""

    name = "N"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).replace("_", "")
        scales = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 10**3, "M": 10**6, "G": 10**9}
        digits, scale = next(((text[: -len(s)], n) for s, n in scales.items() if text.endswith(s)), (text, 1))
        try:
            number = float(digits) * scale
            if not 0 <= number <= 1e12 or number != int(number):
                raise ValueError
            return int(number)
        except (ValueError, OverflowError):
            self.fail(f"'{value}' is not a number like 5000, 64Ki or 10M.", param, ctx)


def _percent(name: str, text: str) -> Callable[[options.F], options.F]:
    return click.option(f"--{name}", type=click.FloatRange(0, 90), default=0.0, metavar="PERCENT", help=text)


@click.command(name="pair", short_help="Two devices as each other's peers over an impaired link.")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--bytes", "octets", type=_Count(), default="0", help="Octets of bulk transfer each way: 64Ki, 10M.")
@click.option("--opens", type=_Count(), default="0", help="Connections to open and close after that.")
@click.option("--size", type=_Count(), default="512", show_default=True, help="Octets each way of one of those.")
@click.option("--side-by-side", type=click.IntRange(1, 4096), metavar="N",
              help="Connections at once (default: what the tables hold).")  # fmt: skip
@_percent("loss", "Of the datagrams, so many are lost.")
@_percent("duplicate", "Come twice.")
@_percent("reorder", "Are held back by up to four delays.")
@_percent("corrupt", "Have one bit flipped.")
@click.option("--delay", type=click.IntRange(1, 10_000_000), default=1000, show_default=True, metavar="US",
              help="Microseconds from one end to the other.")  # fmt: skip
@click.option("--jitter", type=click.IntRange(0, 10_000_000), default=0, metavar="US", help="Added to it at random.")
@click.option("--msl", type=click.FloatRange(0.001, 240), default=1.0, show_default=True,
              help="Seconds; the engine's TIME_WAIT lasts twice as long.")  # fmt: skip
@click.option("--a-args", metavar="TEXT", default="", help="Text for A, a device of your own.")
@click.option("--b-args", metavar="TEXT", default="", help="Text for B, a device of your own.")
@click.option("--a-capabilities", metavar="FILE", default="", help="What A has, instead of the file beside it.")
@click.option("--b-capabilities", metavar="FILE", default="", help="What B has, instead of the file beside it.")
@options.seed
@options.parameters
@click.option("--json", "json_file", metavar="FILE", help="Write all figures; '-' is standard output.")
def command(
    a: str,
    b: str,
    octets: int,
    opens: int,
    size: int,
    side_by_side: int | None,
    loss: float,
    duplicate: float,
    reorder: float,
    corrupt: float,
    delay: int,
    jitter: int,
    msl: float,
    a_args: str,
    b_args: str,
    a_capabilities: str,
    b_capabilities: str,
    seed: int,
    width: int,
    connections: int | None,
    json_file: str | None,
) -> int:
    """Two devices as each other's peers: A and B are model, rtl, lockstep, lwip, linux or ./mine.so.

    First --bytes octets go each way at once, then --opens connections are opened and closed, from both ends and closed
    by either end first. Every octet is compared, every connection must end in order, and both tables must be empty (or
    in TIME_WAIT) at the end.

    Exit code: 0 all of that is so, 1 it is not, 2 could not run.
    """
    if octets == 0 and opens == 0:
        raise click.UsageError("nothing to do: give --bytes N, --opens N, or both.")
    if not 4 <= size <= 1 << 30:
        raise click.BadParameter("a connection carries at least 4 octets (which one it is) and at most 1Gi.",
                                 param_hint="'--size'")  # fmt: skip
    json_path = options.output_file(json_file, "--json")
    link = {
        "loss_ppm": round(loss * 10_000),
        "duplicate_ppm": round(duplicate * 10_000),
        "reorder_ppm": round(reorder * 10_000),
        "corrupt_ppm": round(corrupt * 10_000),
        "delay_us": delay,
        "jitter_us": jitter,
    }
    specs = [
        DeviceSpec.of(kind, width, connections, dut_args=text, capabilities=file)
        for kind, text, file in ((a, a_args, a_capabilities), (b, b_args, b_capabilities))
    ]
    _check(specs)
    console = terminal.make_console(stderr=json_file == "-")
    with (
        _make(specs[0], 0, seed, msl) as one,
        _make(specs[1], 1, seed, msl) as two,
    ):
        pair = _core.Pair(
            one,
            two,
            a_ip=_address(one, 0),
            b_ip=_address(two, 1),
            bytes=octets,
            opens=opens,
            size=size,
            side_by_side=side_by_side or 0,
            seed=seed,
            a_tables=specs[0].connections if specs[0].built_in else 0,
            b_tables=specs[1].connections if specs[1].built_in else 0,
            **link,
        )
        words = [one.description, two.description]
        result = _run(console, pair, f"{a} and {b}, seed {seed}", octets, opens)
        real_time = pair.real_time
    _show(console, specs, words, result, opens=opens, octets=octets, real_time=real_time)
    if json_path is not None:
        text = json.dumps(
            {
                "format": "tiptoe-pair-1",
                "a": {"device": a, "description": words[0]},
                "b": {"device": b, "description": words[1]},
                "bytes": octets,
                "opens": opens,
                "size": size,
                "seed": seed,
                "msl_us": int(msl * 1_000_000),
                "link": link,
                "real_time": real_time,
                "result": result | {"digest": None if real_time else f"{result['digest']:016x}"},
            },
            indent=2,
        )
        if json_file == "-":
            sys.stdout.write(text + "\n")
        else:
            json_path.write_text(text + "\n")
    if not result["failures"]:
        console.print("Everything arrived, every connection ended in order.")
        return 0
    for line in result["failures"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if real_time:
        console.print(
            "A device in real time took part: the seed repeats link and text, not the timing.", soft_wrap=True
        )
    again = f"tiptoe pair {shlex.quote(a)} {shlex.quote(b)} --bytes {octets} --opens {opens} --size {size}"
    for name, value, default in (
        ("loss", loss, 0.0),
        ("duplicate", duplicate, 0.0),
        ("reorder", reorder, 0.0),
        ("corrupt", corrupt, 0.0),
        ("delay", delay, 1000),
        ("jitter", jitter, 0),
        ("msl", msl, 1.0),
        ("side-by-side", side_by_side, None),
        ("a-args", shlex.quote(a_args), "''"),
        ("b-args", shlex.quote(b_args), "''"),
        ("a-capabilities", shlex.quote(a_capabilities), "''"),
        ("b-capabilities", shlex.quote(b_capabilities), "''"),
        ("width", width, 64),
        ("connections", connections, None),
    ):
        if value != default:
            again += f" --{name} {value}"
    console.print(f"Repeat: {again} --seed {seed}", markup=False, highlight=False, soft_wrap=True)
    return 1


def _check(specs: list[DeviceSpec]) -> None:
    for spec in specs:
        if ":" in spec.kind and not plug.is_shared_object(spec.kind):
            raise UsageError(f"{spec.kind}: a pair takes model, rtl, lockstep, a shipped device or a shared object.")


def _make(spec: DeviceSpec, side: int, seed: int, msl: float) -> _core.Device:
    settings = {"LOCAL_IP0": _NUMBERS[side]}
    if spec.built_in:
        settings["MSL"] = int(msl * 1_000_000)
    try:
        return spec.make(seed + side, settings if spec.built_in or _takes_address(spec) else {})
    except DeviceError as e:
        raise DeviceError(f"{'AB'[side]}: {e}") from e


def _takes_address(spec: DeviceSpec) -> bool:
    return not plug.find(spec.kind, spec.dut_args, spec.capabilities or None).capabilities.get("addresses")


def _address(device: _core.Device, side: int) -> str:
    own = device.capabilities.get("addresses") or []
    return str(ipaddress.IPv4Address(own[0])) if own else _ADDRESSES[side]


def _run(console: Any, pair: _core.Pair, name: str, octets: int, opens: int) -> dict[str, Any]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[what]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        # An open costs about as much as 4 KiB.
        task = progress.add_task(name, total=2 * octets + 4096 * opens, what="")
        more = True
        while more:
            more = pair.run(_SLICE)
            result = pair.result()
            moved = min(result["a"]["octets"] + result["b"]["octets"], 2 * octets)
            progress.update(
                task,
                completed=moved + 4096 * min(result["connections"], opens),
                what=f"{result['connections']:,} connections, {result['device_us'] / 1e6:,.1f} s of device time",
            )
    return pair.result()


def _show(
    console: Any,
    specs: list[DeviceSpec],
    words: list[str],
    result: dict[str, Any],
    *,
    opens: int,
    octets: int,
    real_time: bool,
) -> None:
    a, b = result["a"], result["b"]
    if console.is_terminal:
        table = Table(title=escape(f"A: {words[0]}\nB: {words[1]}"), title_justify="left")
        table.add_column("")
        table.add_column(f"A ({specs[0].kind})", justify="right")
        table.add_column(f"B ({specs[1].kind})", justify="right")
        for label, key in _ROWS:
            table.add_row(label, f"{a[key]:,}", f"{b[key]:,}")
        console.print(table)
    else:
        console.print(f"A: {words[0]}", markup=False, highlight=False, soft_wrap=True)
        console.print(f"B: {words[1]}", markup=False, highlight=False, soft_wrap=True)
        for label, key in _ROWS:
            console.print(f"{label:34} {a[key]:>14,} {b[key]:>14,}", highlight=False, soft_wrap=True)
    tail = [
        f"{result['connections']:,} connections, {result['failed']:,} failed",
        f"up to {result['most_open']:,} side by side",
        f"{result['device_us'] / 1e6:,.3f} s of device time, {result['seconds']:.1f} s of wall time",
    ]
    if octets and result["bulk_us"]:
        rate = 2 * octets / result["bulk_us"]
        tail.append(f"bulk: {result['bulk_us'] / 1e6:,.3f} s of device time, {rate:,.3f} MB/s both ways together")
    if not real_time:
        tail.append(f"digest {result['digest']:016x}")
    console.print("; ".join(tail) + ".", highlight=False, soft_wrap=True)


_ROWS = (
    ("octets received, all compared", "octets"),
    ("opened", "opened"),
    ("accepted", "accepted"),
    ("datagrams sent", "datagrams"),
    ("of those retransmissions", "retransmissions"),
    ("of those RST", "resets"),
    ("of those lost by the link", "lost"),
    ("of those duplicated by the link", "duplicated"),
    ("of those reordered by the link", "reordered"),
    ("of those corrupted by the link", "corrupted"),
    ("opens put off (table, ports)", "refused_calls"),
    ("accepted, ended before a word", "ghosts"),
    ("reset after the last word", "late_resets"),
    ("still in TIME_WAIT", "time_wait"),
)
