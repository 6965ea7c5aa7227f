# SPDX-License-Identifier: Apache-2.0
"""`tiptoe new-dut`."""

from __future__ import annotations

from pathlib import Path

import click

from .. import new_dut

_KINDS = ", ".join(f"{kind}: {what}" for kind, what in new_dut.KINDS.items())


@click.command(name="new-dut", short_help="Write the folder of a new device.")
@click.argument("name")
@click.option("--kind", metavar="KIND", required=True, help=f"{_KINDS}.")
@click.option("--width", type=int, metavar="BITS", help="rtl: bits per beat, a multiple of 8 (default: 64).")
@click.option("--frames", metavar="|".join(new_dut.FRAMES), help="rtl: IPv4 datagrams (default), or frames, with ARP.")
@click.option("--into", metavar="DIR", default=".", help="Where the folder NAME is made (default: here).")
def command(name: str, kind: str, width: int | None, frames: str | None, into: str) -> None:
    """Write the folder NAME with a device that builds and runs at once: adapter with the functions to fill in,
    capability file, build, README, CI example. It answers as a host without open ports does (RFC 9293 3.10.7.1).

    The tutorial is docs/new-dut.md.
    """
    written = new_dut.write(name, kind, Path(into), width=width, frames=frames)
    click.echo(f"{written.path}: a device that answers as a host without open ports does.")
    click.echo("".join(f"  {file}\n" for file in written.files))
    click.echo("Next:")
    click.echo(f"  cd {written.path}")
    if written.builds:
        click.echo("  cmake -B build && cmake --build build")
    click.echo(f"  tiptoe run --dut {written.device} 'transitions/CLOSED/*'")
