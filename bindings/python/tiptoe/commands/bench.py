# SPDX-License-Identifier: Apache-2.0
"""`tiptoe bench`: figures for the closing note. Ratios are taken within one run, from interleaved repeats (median)."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from .. import _core, suite
from .._errors import DeviceError
from .._version import __version__
from ..report import terminal
from ..results import Outcome
from ..runner import DeviceSpec, Job, Pool
from . import options

_KINDS = ("rtl", "model", "lockstep")
_SPEED_CYCLES = 200_000
_PEER, _DEVICE, _PORT = "10.0.1.1", "10.0.0.1", 80


@click.command(name="bench", short_help="Measure speeds.")
@click.option("--json", "json_file", metavar="FILE", help="Write the figures as JSON; - is standard output.")
@click.option("--repeats", type=click.IntRange(1, 100), default=5, show_default=True, help="Interleaved repeats.")
@click.option("--seconds", type=click.FloatRange(0.01, 60), default=0.5, show_default=True,
              help="Processor time of one comparison of Python and C++.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 1024), default=options.processors, show_default="processors",
              help="Worker processes for the suite.")  # fmt: skip
@click.option("--only", type=click.Choice(["speed", "segments", "python", "suite"]), multiple=True,
              help="Some of the measurements.")  # fmt: skip
def command(json_file: str | None, repeats: int, seconds: float, jobs: int, only: tuple[str, ...]) -> None:
    """Measure speeds: cycles per second, cycles per segment, Python against C++, wall time of the suite.

    What is not built in (verilated engines) is left out.
    """
    json_path = options.output_file(json_file, "--json")
    console = terminal.make_console(stderr=json_file == "-")
    report: dict[str, Any] = {
        "tool": {"name": "tiptoe", "version": __version__},
        "machine": {"processors": os.cpu_count(), "architecture": platform.machine(), "system": platform.system()},
        "load": os.getloadavg()[0],
        "repeats": repeats,
    }
    wanted = only or ("speed", "segments", "python", "suite")
    if "speed" in wanted:
        report["speed"] = _speed(console, repeats)
    if "segments" in wanted:
        report["segments"] = _segments(console)
    if "python" in wanted:
        report["python"] = _python(console, repeats, seconds)
    if "suite" in wanted:
        report["suite"] = _suite(console, jobs, min(repeats, 3))
    if json_file == "-":
        json.dump(report, sys.stdout, indent=1)
        sys.stdout.write("\n")
    elif json_path is not None:
        Path(json_path).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 else "right")
    return table


def _available(width: int) -> list[str]:
    """Kinds of device that exist at this width."""
    kinds = []
    for kind in _KINDS:
        try:
            with DeviceSpec.of(kind, width).make():
                kinds.append(kind)
        except DeviceError:
            pass
    return kinds


def _speed(console: Console, repeats: int) -> list[dict[str, Any]]:
    """Cycles per second of each kind on the same traffic."""
    table = _table(
        "Cycles per second, busy traffic", "width", "rtl", "model", "lockstep", "model / rtl", "rtl / lockstep"
    )
    figures = []
    for width in (64, 512):
        kinds = _available(width)
        parameters = DeviceSpec.of("model", width).parameters
        rates: dict[str, list[float]] = {kind: [] for kind in kinds}
        for repeat in range(repeats + 1):
            for kind in kinds:
                # The same number of cycles for all: the same traffic to the last bit.
                done, wall = _core.measure_speed(kind, parameters, cycles=_SPEED_CYCLES)
                if repeat > 0:  # the first one is a warm-up
                    rates[kind].append(done / wall)

        def ratio(a: str, b: str, rates: dict[str, list[float]] = rates) -> float | None:
            if not rates.get(a) or not rates.get(b):
                return None
            return statistics.median(x / y for x, y in zip(rates[a], rates[b], strict=True))

        figure: dict[str, Any] = {"width": width}
        for kind in kinds:
            figure[f"{kind}_cycles_per_second"] = statistics.median(rates[kind])
        figure["model_over_rtl"] = ratio("model", "rtl")
        figure["rtl_over_lockstep"] = ratio("rtl", "lockstep")
        figures.append(figure)

        def shown(value: float | None, form: str) -> str:
            return "-" if value is None else format(value, form)

        table.add_row(
            f"{width} bit",
            *(shown(figure.get(f"{kind}_cycles_per_second"), ",.0f") for kind in _KINDS),
            shown(figure["model_over_rtl"], ".2f"),
            shown(figure["rtl_over_lockstep"], ".2f"),
        )
    console.print(table)
    return figures


def _segments(console: Console) -> list[dict[str, Any]]:
    """Cycles per minimum-size segment, back to back. A property of the design: no repeats, no wall time."""
    table = _table(
        "Cycles per segment, one octet of text each, back to back", "device", "connections", "cycles per segment"
    )
    figures = []
    for width in (64, 512):
        kind = "rtl" if "rtl" in _available(width) else "model"
        for connections in (64, 1):
            segments, cycles = _core.measure_segment_rate(
                kind, DeviceSpec.of(kind, width).parameters, connections=connections, segments=4096
            )
            figure = {
                "device": kind,
                "width": width,
                "connections": connections,
                "segments": segments,
                "cycles_per_segment": cycles / segments,
            }
            figures.append(figure)
            table.add_row(f"{kind}, {width} bit", str(connections), f"{cycles / segments:.2f}")
    console.print(table)
    return figures


def _established(spec: DeviceSpec, text: int) -> tuple[_core.Device, list[bytes]]:
    """A device with one connection, and segments for it with so many octets of text: the same text again and again,
    which the device receives, checks, drops, and answers by an ACK each."""
    from .. import ACK, PSH, SYN, Segment

    device = spec.make(1, {"LOCAL_IP0": 0x0A000001})
    device.open_passive(_PORT)
    syn = Segment(src=_PEER, dst=_DEVICE, src_port=40000, dst_port=_PORT, flags=SYN, seq=1000, mss=1460)
    (answer,) = device.exchange(syn)
    ack = syn.replace(flags=ACK, seq=1001, ack=(answer.segment.seq or 0) + 1, options=None)
    device.exchange(ack)
    ping = ack.replace(flags=ACK | PSH, payload=bytes(text))
    device.exchange(ping)
    return device, [ping.build()] * 100


def _drive(device: _core.Device, prepared: list[bytes], rounds: int) -> tuple[int, float]:
    """One exchange per datagram, in Python: the same as _core.drive_packets."""
    answers = 0
    exchange = device.exchange
    begin = time.thread_time()
    for _ in range(rounds):
        for datagram in prepared:
            answers += len(exchange(datagram))
    return answers, time.thread_time() - begin


def _python(console: Console, repeats: int, seconds: float) -> list[dict[str, Any]]:
    """Packet-level driving: datagram in, settle, datagrams out, from C++ and from Python, in processor time."""
    table = _table("Packet-level driving, exchanges per second", "device", "text", "C++", "Python", "Python / C++")
    figures = []
    for width in (64, 512):
        for kind in [k for k in ("rtl", "model") if k in _available(width)]:
            for text in (1460, 1):
                device, prepared = _established(DeviceSpec.of(kind, width), text)
                with device:
                    _, first = _core.drive_packets(device, prepared, 1)
                    rounds = max(1, int(seconds / max(first, 1e-6) / 2))
                    native, python = [], []
                    for _ in range(repeats):
                        n, spent = _core.drive_packets(device, prepared, rounds)
                        native.append(n / spent)
                        n, spent = _drive(device, prepared, rounds)
                        python.append(n / spent)
                figure = {
                    "device": kind,
                    "width": width,
                    "text": text,
                    "native_exchanges_per_second": statistics.median(native),
                    "python_exchanges_per_second": statistics.median(python),
                    "python_over_native": statistics.median(p / n for p, n in zip(python, native, strict=True)),
                }
                figures.append(figure)
                table.add_row(
                    f"{kind}, {width} bit",
                    f"{text} octets",
                    f"{figure['native_exchanges_per_second']:,.0f}",
                    f"{figure['python_exchanges_per_second']:,.0f}",
                    f"{figure['python_over_native']:.3f}",
                )
    console.print(table)
    return figures


def _suite(console: Console, jobs: int, repeats: int) -> list[dict[str, Any]]:
    """Wall time of the whole suite, worker processes and all."""
    cases = suite.cases()
    table = _table(f"The suite, {len(cases)} cases, {jobs} workers", "device", "seconds", "cycles", "not passed")
    figures = []
    for spec in _suite_devices():
        walls, bad, cycles = [], 0, 0
        for _ in range(repeats if spec.kind == "model" else 1):
            begin = time.monotonic()
            with Pool(Job(spec, all_frames=False), jobs) as pool:
                results = [r for _, r in pool.run(cases)]
            walls.append(time.monotonic() - begin)
            bad = sum(r.outcome in (Outcome.FAILED, Outcome.ERROR) for r in results)
            cycles = sum(r.cycles for r in results)
        figure = {
            "device": spec.kind,
            "width": spec.width,
            "jobs": jobs,
            "cases": len(cases),
            "seconds": statistics.median(walls),
            "cycles": cycles,
            "not_passed": bad,
        }
        figures.append(figure)
        table.add_row(f"{spec.kind}, {spec.width} bit", f"{figure['seconds']:.2f}", f"{cycles:,}", str(bad))
    console.print(table)
    return figures


def _suite_devices() -> Iterator[DeviceSpec]:
    for width in (64, 512):
        for kind in ("model", "lockstep"):
            if kind in _available(width):
                yield DeviceSpec.of(kind, width)
