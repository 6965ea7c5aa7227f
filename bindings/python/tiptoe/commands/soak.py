# SPDX-License-Identifier: Apache-2.0
"""`tiptoe soak`."""

from __future__ import annotations

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .. import _core
from ..report import terminal
from ..runner import DeviceSpec
from . import options

#: Cycles of one episode of the harness, which is one slice of work between two looks at the keyboard.
_EPISODE = 100_000


class _Cycles(click.ParamType):
    """A number of cycles; 20e6, 20M and 500k are numbers, too."""

    name = "N"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).replace("_", "")
        scale = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1:], 0)
        try:
            number = float(text[:-1]) * scale if scale else float(text)
            if not 1 <= number <= 1e15 or number != int(number):
                raise ValueError
            return int(number)
        except (ValueError, OverflowError):
            self.fail(f"'{value}' is not a number of cycles.", param, ctx)


@click.command(name="soak", short_help="Random traffic in lockstep until model and RTL differ.")
@click.option(
    "--cycles", type=_Cycles(), default="1M", show_default=True, help="Clock cycles; 20M and 20e6 are understood."
)
@options.seed
@options.parameters
@options.dut("lockstep", "rtl", "model", default="lockstep")
@click.option(
    "--first-episode", type=click.IntRange(0), default=0, help="Start there: repeats the end of a longer run."
)
@click.option("--fault", metavar="ID", default="", help="Arm a seeded fault of the model; it should be noticed.")
@click.option("--waves", metavar="FILE", default="", help="Write waves (FST); for a short run.")
def command(
    cycles: int, seed: int, width: int, connections: int | None, dut: str, first_episode: int, fault: str, waves: str
) -> int:
    """Random traffic, random back-pressure and a bad wire, until model and RTL differ or the cycles are used up.

    Exit code: 0 no difference, 1 a difference or violation (which is printed), 2 could not run.
    """
    options.check_fault(fault)
    spec = DeviceSpec.of(dut, width, connections)
    console = terminal.make_console()
    total: dict[str, int | float] = {}
    failure = ""
    last = 0
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(f"{dut} {width} bit, seed {seed}", total=cycles, rate="")
        episode, done = first_episode, 0
        while done < cycles and not failure:
            wanted = min(_EPISODE, cycles - done)
            result = _core.soak(
                dut,
                spec.parameters,
                cycles=wanted,
                seed=seed,
                first_episode=episode,
                fault=fault,
                waves=waves,
            )
            for key, value in result.items():
                if isinstance(value, int | float) and not isinstance(value, bool) and key != "digest":
                    total[key] = total.get(key, 0) + value
            total["digest"] = int(total.get("digest", 0)) * 31 + result["digest"] & (1 << 64) - 1
            done += wanted
            episode += 1
            if not result["passed"]:
                failure, last = str(result["failure"]), int(result["failed_episode"])
            rate = result["cycles"] / result["seconds"] if result["seconds"] else 0.0
            progress.update(task, completed=done, rate=f"{rate / 1000:,.0f} k cycles/s")
    seconds = float(total["seconds"])
    speed = f", {total['cycles'] / seconds / 1000:,.0f} k cycles/s" if seconds else ""
    words = [
        f"{dut}, {width} bit, {spec.connections} connections, seed {seed}: "
        f"{total['cycles']:,} cycles in {seconds:.1f} s{speed}",
        f"{total['episodes']} episodes, {total['device_us'] / 1e6:,.0f} s of device time",
        f"{total['datagrams_in']:,} datagrams in, {total['datagrams_out']:,} out",
        f"{total['commands']:,} commands, {total['retired']:,} events",
        f"{total['text_in']:,} octets to the host, {total['text_out']:,} to the peer",
        f"digest {total['digest']:016x}.",
    ]
    console.print("; ".join(words), soft_wrap=True)
    if not failure:
        console.print("No divergence." if dut == "lockstep" else "No violation.")
        return 0
    console.print(failure, markup=False, soft_wrap=True)
    again = (
        f"tiptoe soak --dut {dut} --width {width} --connections {spec.connections} --seed {seed} --first-episode {last}"
    )
    console.print(f"Repeat: {again} --cycles {_EPISODE}" + (f" --fault {fault}" if fault else ""), soft_wrap=True)
    return 1
