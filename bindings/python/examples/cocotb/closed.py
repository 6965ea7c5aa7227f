# SPDX-License-Identifier: Apache-2.0
"""A host without open ports in Verilog, under Icarus and cocotb, judged by the suite:

tiptoe run --dut ./closed.py:Closed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tiptoe
from tiptoe.sim import Adapter, SimulatedDut
from tiptoe.sim.adapter import Hang

CYCLES_PER_US = 10
CALLS = ["send", "receive", "close", "abort", "status"]
ADDRESSES = [f"LOCAL_IP{i}" for i in range(4)]


class Pins(Adapter):
    """Runs inside the simulator."""

    def __init__(self, dut: Any) -> None:
        super().__init__(dut)
        self.frame = bytearray()
        self.addresses = 0

    async def cycle(self) -> None:
        """One cycle of 10 ns. Pins are driven while the clock is low and read just before it rises."""
        from cocotb.triggers import Timer

        dut = self.dut
        await Timer(5, "ns")
        if dut.m_tvalid.value == 1:  # X before the reset
            self.frame.append(int(dut.m_tdata.value))
            if dut.m_tlast.value == 1:
                self.output(bytes(self.frame))
                self.frame.clear()
        dut.clk.value = 1
        await Timer(5, "ns")
        dut.clk.value = 0
        self.cycles += 1
        self.now_us = self.cycles // CYCLES_PER_US

    async def reset(self, settings: Mapping[str, int], seed: int) -> None:
        """It has an address, and no connection whose timers could differ from what is set."""
        dut = self.dut
        dut.clk.value, dut.rst.value, dut.s_tvalid.value, dut.m_tready.value = 0, 1, 0, 1
        self.addresses = 0
        for name, value in {"LOCAL_IP0": 0, **settings}.items():
            await self.set(name, value)
        self.frame.clear()
        await self.cycle()
        await self.cycle()
        dut.rst.value = 0
        self.cycles = self.now_us = 0
        self.outputs.clear()

    async def inject(self, datagram: bytes) -> None:
        """An octet per cycle."""
        dut = self.dut
        for at, octet in enumerate(datagram):
            dut.s_tdata.value, dut.s_tvalid.value, dut.s_tlast.value = octet, 1, int(at + 1 == len(datagram))
            for _ in range(100):
                ready = dut.s_tready.value == 1
                await self.cycle()
                if ready:
                    break
            else:
                raise Hang("s_tready stays low for 100 cycles")
        dut.s_tvalid.value = 0

    async def settle(self) -> None:
        """Nothing happens in it unless a datagram arrives, and an answer takes 40 cycles."""
        for _ in range(45):
            await self.cycle()

    async def run(self, us: int, until_output: bool) -> None:
        """Idle time need not be simulated."""
        end = self.cycles + us * CYCLES_PER_US
        await self.settle()
        if not (until_output and self.outputs):
            self.cycles = max(self.cycles, end)
            self.now_us = self.cycles // CYCLES_PER_US

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """RFC 9293 3.10: "If the state is CLOSED": the connection does not exist."""
        if name not in CALLS:
            return await super().call(name, arguments)  # it lacks that
        return {"status": int(tiptoe.CallStatus.NO_CONNECTION)}

    async def set(self, name: str, value: int) -> None:
        """See reset()."""
        if name.startswith("LOCAL_IP"):
            shift = 32 * int(name[-1])
            self.addresses = self.addresses & ~(0xFFFF_FFFF << shift) | value << shift
            self.dut.local_ip.value = self.addresses


class Closed(SimulatedDut):
    """Runs beside the suite."""

    name = "closed"
    sources = ("closed.v",)
    top = "closed"
    adapter = Pins
    capabilities = {  # noqa: RUF012
        "calls": CALLS,
        "settable": [*ADDRESSES, "RTO_INIT", "RTO_MIN", "SYN_RTO", "SYN_BACKOFF", "FEATURES"],
        "counters": [],
    }
