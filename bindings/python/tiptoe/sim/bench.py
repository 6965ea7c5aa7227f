# SPDX-License-Identifier: Apache-2.0
"""The cocotb test that every simulated device runs: does what the suite asks for until the suite is gone."""

from __future__ import annotations

import os
import socket
from typing import Any

import cocotb

from ..plug import load_class
from .adapter import Adapter, Hang, Unsupported
from .wire import Wire


async def _do(adapter: Adapter, request: dict[str, Any]) -> Any:
    what = request["do"]
    if what == "reset":
        adapter.outputs.clear()
        adapter.notes.clear()
        return await adapter.reset(request["settings"], request["seed"])
    if what == "inject":
        return await adapter.inject(bytes.fromhex(request["datagram"]))
    if what == "run":
        return await adapter.run(request["us"], request["until_output"])
    if what == "settle":
        return await adapter.settle()
    if what == "set":
        return await adapter.set(request["name"], request["value"])
    if what == "counter":
        return await adapter.counter(request["name"])
    arguments = request["arguments"]
    if "data" in arguments:
        arguments["data"] = bytes.fromhex(arguments["data"])
    return dict(await adapter.call(request["name"], arguments))


async def _serve(dut: Any) -> None:
    adapter: Adapter = load_class(os.environ["TIPTOE_SIM_ADAPTER"])(dut)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(os.environ["TIPTOE_SIM_SOCKET"])
        wire = Wire(connection)
        while (request := wire.receive()) is not None:
            answer: dict[str, Any]
            try:
                answer = {"result": await _do(adapter, request)}
            except (Unsupported, NotImplementedError) as lack:
                answer = {"unsupported": str(lack) or f"the adapter has no {request['do']}"}
            except Hang as hang:
                answer = {"hang": str(hang)}
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            answer |= {"now_us": adapter.now_us, "cycles": adapter.cycles}
            answer["outputs"], adapter.outputs = adapter.outputs, []
            answer["notes"], adapter.notes = adapter.notes, []
            wire.send(answer)


async def _device(dut: Any) -> None:
    """Lives as long as the suite wants it."""
    await _serve(dut)


device = cocotb.test(name="device")(_device)
