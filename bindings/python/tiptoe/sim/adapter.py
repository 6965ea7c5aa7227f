# SPDX-License-Identifier: Apache-2.0
"""The part that knows the design's pins. It runs inside the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Unsupported(Exception):
    """The design lacks that; the case becomes inapplicable with this sentence."""


class Hang(Exception):
    """The design stopped answering; the case fails with this sentence."""


class Adapter:
    """Derive from it and write three coroutines. `self.dut` is cocotb's handle of the top module.

    Give every datagram that comes out to `output()`, and keep `now_us` (and `cycles`) true. The design owns the clock:
    when a coroutine returns, the simulation stands still. Bound every wait, and raise `Hang` at its end.
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.now_us = 0  #: microseconds since reset
        self.cycles = 0  #: clock cycles since reset, 0 when that means nothing
        self.outputs: list[tuple[bytes, int, int]] = []
        self.notes: list[tuple[int, int, int]] = []

    def output(self, datagram: bytes) -> None:
        """The design has sent this (IPv4 header first), now."""
        self.outputs.append((bytes(datagram), self.now_us, self.cycles))

    def notify(self, handle: int, flags: int) -> None:
        """The design has told its user something (bits of `tiptoe.Notify`)."""
        self.notes.append((handle, flags, self.now_us))

    # ---- L0
    async def reset(self, settings: Mapping[str, int], seed: int) -> None:
        """As after power-on; `now_us` restarts at 0. A setting that the design lacks: raise `Unsupported`."""
        raise NotImplementedError

    async def inject(self, datagram: bytes) -> None:
        """One IPv4 datagram towards the design, which has accepted it when this returns."""
        raise NotImplementedError

    async def run(self, us: int, until_output: bool) -> None:
        """Lets exactly so many microseconds pass, or less when `until_output` and a datagram came out."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Lets the design finish what is due now. Override it when the design can tell; this waits a millisecond."""
        await self.run(1000, False)

    # ---- L1
    async def call(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """A user call: `name` is a method of `tiptoe.Dut` (`open_passive`, `open_active`, `accept`, `send`, `receive`,
        `close`, `abort`, `status`, `set_options`), `arguments` what it takes: numbers, and `data` as bytes.

        Returns what `tiptoe.CallResult` has, without what is 0: `status`, `handle`, `length`, `state`, `readable`,
        `room` as numbers, `data` as bytes.
        """
        raise Unsupported(f"the adapter has no {name}")

    async def set(self, name: str, value: int) -> None:
        """Changes a setting (docs/microarchitecture.md section 12)."""
        raise Unsupported(f"the adapter has no setting {name}")

    async def counter(self, name: str) -> int:
        """Reads a counter."""
        raise Unsupported(f"the adapter has no counter {name}")
