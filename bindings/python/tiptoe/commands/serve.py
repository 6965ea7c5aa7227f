# SPDX-License-Identifier: Apache-2.0
"""`tiptoe serve`."""

from __future__ import annotations

import ipaddress
import random
import secrets
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import click

from .. import _core
from .._errors import ServeError
from ..runner import DeviceSpec
from ..tun import Tun, host_address
from . import options


class _Address(click.ParamType):
    name = "A.B.C.D/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ipaddress.IPv4Interface:
        try:
            if "/" not in str(value):
                raise ValueError
            return ipaddress.IPv4Interface(value)
        except ValueError:
            self.fail(f"'{value}' is not an IPv4 address with prefix length, like 10.9.0.2/24.", param, ctx)


class _Peer(click.ParamType):
    name = "IP:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        host, colon, port = str(value).rpartition(":")
        try:
            if not colon or not 0 < int(port) < 65536:
                raise ValueError
            return str(ipaddress.IPv4Address(host)), int(port)
        except ValueError:
            self.fail(f"'{value}' is not an IPv4 address with port, like 10.9.0.1:8000.", param, ctx)


class _Stop:
    """Set by SIGINT and SIGTERM."""

    def __init__(self) -> None:
        self.wanted = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.wanted = True


@click.command(name="serve", short_help="Put the device behind a Linux TUN interface, in real time.")
@options.dut("model", "rtl", "lockstep")
@click.option("--tun", "tun_name", metavar="NAME", default="tiptoe0", show_default=True, help="Interface to make.")
@click.option("--address", type=_Address(), required=True, metavar="A.B.C.D/N", help="The device's address; the host "
              "takes the lowest other one of that subnet.")  # fmt: skip
@click.option("--echo", type=click.IntRange(1, 65535), metavar="PORT", help="Echo what is sent to this port.")
@click.option("--connect", type=_Peer(), metavar="IP:PORT", help="Open towards this server and echo what it says.")
@click.option("--send", "send_file", metavar="FILE", help="With --connect: send this file and close, like nc -N.")
@click.option("--receive", "receive_file", metavar="FILE", help="With --send: keep what the server answers.")
@options.parameters
@click.option(
    "--mtu", type=click.IntRange(296, 2048), default=1500, show_default=True, help="Of the interface and device."
)
@click.option("--msl", type=click.FloatRange(0.001, 240), default=120.0, show_default=True,
              help="Maximum segment lifetime in seconds; TIME_WAIT lasts twice as long.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Makes ISNs and ports repeatable (default: random).")
def command(
    dut: str,
    tun_name: str,
    address: ipaddress.IPv4Interface,
    echo: int | None,
    connect: tuple[str, int] | None,
    send_file: str | None,
    receive_file: str | None,
    width: int,
    connections: int | None,
    mtu: int,
    msl: float,
    seed: int | None,
) -> int:
    """Put the device behind a Linux TUN interface, in real time, at its own address. Needs root.

    It runs until SIGINT or SIGTERM, or, with --connect alone, until that connection has ended (exit code 1 when it
    failed).
    """
    if echo is None and connect is None:
        raise click.UsageError("nothing to do: give --echo PORT or --connect IP:PORT.")
    if (send_file and connect is None) or (receive_file and not send_file):
        raise click.UsageError("--send goes with --connect, --receive with --send.")
    host = host_address(address)
    data = Path(send_file).read_bytes() if send_file else b""
    if send_file and not data:
        raise click.UsageError(f"'{send_file}' is empty.")
    receive_path = options.output_file(receive_file, "--receive")
    seed = secrets.randbits(64) if seed is None else seed
    settings = {"LOCAL_IP0": int(address.ip), "MTU": mtu, "MSL": int(msl * 1_000_000)}
    stop = _Stop()
    begin = time.monotonic()
    with (
        DeviceSpec.of(dut, width, connections).make(seed, settings) as device,
        Tun(tun_name, host, mtu) as tun,
    ):
        server = _core.Server(device, tun.fd)
        words = []
        if echo is not None:
            server.listen(echo)
            words.append(f"echo on port {echo}")
        if connect is not None:
            local = random.Random(seed).randrange(49152, 65536)
            server.connect(connect[0], connect[1], local, data or None)
            words.append(f"open to {connect[0]}:{connect[1]}")
        print(f"{device.description}: {address.ip} behind {tun_name}, host {host}; {', '.join(words)}.", flush=True)
        received = bytearray()
        while not stop.wanted and (echo is not None or not server.result):
            server.run(100)
            received += server.take_received()
        result = server.result
        server.stop()
        counters = server.counters()
        wall = time.monotonic() - begin
        cycles = device.cycles
    if receive_path is not None:
        _keep(receive_path, bytes(received))
    print(
        f"{counters['opened']} connections, up to {counters['most_open']} at once, {counters['failed']} failed; "
        f"{counters['octets_in']} octets in, {counters['octets_out']} out; {counters['datagrams_in']} datagrams in, "
        f"{counters['datagrams_out']} out; {cycles} cycles in {wall:.1f} s.",
        flush=True,
    )
    if echo is None:
        assert connect is not None
        print(f"Connection to {connect[0]}:{connect[1]} {result or 'stopped'}.", flush=True)
        return 0 if result == "closed" else 1
    return 0


def _keep(path: Path, data: bytes) -> None:
    if str(path) == "-":
        sys.stdout.buffer.write(data)
        return
    try:
        path.write_bytes(data)
    except OSError as e:
        raise ServeError(f"{path}: {e.strerror}") from e
