# SPDX-License-Identifier: Apache-2.0
"""Devices that live in a simulation under cocotb: the suite drives them through an adapter of a few coroutines.

    # mine.py
    from tiptoe.sim import Adapter, SimulatedDut

    class Pins(Adapter):                       # runs inside the simulator, may await triggers
        async def reset(self, settings, seed): ...
        async def inject(self, datagram): ...
        async def run(self, us, until_output): ...

    class Mine(SimulatedDut):                  # runs beside the suite, starts the simulator
        sources = ["mine.sv"]
        top = "mine"
        adapter = Pins

    $ tiptoe run --dut ./mine.py:Mine

The simulation is a process of its own. It stands still between two calls of the suite, so that time passes inside calls
alone, and a run is the same every time. cocotb is not needed until such a device is made (docs/cocotb.md).
"""

from __future__ import annotations

from .adapter import Adapter
from .device import SimulatedDut

__all__ = ["Adapter", "SimulatedDut"]
