# SPDX-License-Identifier: Apache-2.0
"""The suite on devices that live in a cocotb simulation under Icarus."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tiptoe
from tiptoe import plug, sim
from tiptoe.sim.device import missing

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "cocotb"
LOCAL = {"LOCAL_IP0": 0x0A000001}

if lack := missing():
    pytest.skip(lack, allow_module_level=True)

Closed: Any = plug.load_class(f"{EXAMPLES / 'closed.py'}:Closed")


@pytest.fixture(scope="module")
def host() -> Iterator[tiptoe.Device]:
    with tiptoe.Device(Closed(), settings=LOCAL) as device:
        yield device


def syn(**fields: Any) -> tiptoe.Segment:
    return tiptoe.Segment(src="10.0.1.1", dst="10.0.0.1", src_port=4000, dst_port=80, seq=1000, flags="SYN", **fields)


def verdicts(device: tiptoe.Device, pattern: str) -> dict[str, str]:
    return {case.id: str(tiptoe.run_case(case, device).verdict) for case in tiptoe.cases(pattern)}


def test_cases_run_in_the_simulation(host: tiptoe.Device) -> None:
    found = verdicts(host, "transitions/CLOSED/*/base")
    passed = [case for case, verdict in found.items() if verdict == "pass"]
    assert len(passed) >= 20, found
    assert set(found.values()) <= {"pass", "inapplicable"}
    assert host.cycles > 0


def test_time_stands_still_between_calls_and_jumps_when_nothing_happens(host: tiptoe.Device) -> None:
    host.reset(1, **LOCAL)
    before = host.now_us
    (answer,) = host.exchange(syn())
    assert answer.segment.flags == tiptoe.RST | tiptoe.ACK
    assert answer.time_us - before < 20
    now = host.now_us
    host.advance(3_600_000_000)
    assert host.now_us == now + 3_600_000_000


def test_a_mistake_in_the_design_is_found() -> None:
    class Wrong(Closed):  # type: ignore[misc]
        sources = (EXAMPLES / "closed.v",)
        build_args = ("-DMISTAKE",)

    with tiptoe.Device(Wrong(), settings=LOCAL) as device:
        assert verdicts(device, "transitions/CLOSED/SYN-IN/base") == {"transitions/CLOSED/SYN-IN/base": "fail"}
        assert verdicts(device, "transitions/CLOSED/ACK-NEW/base") == {"transitions/CLOSED/ACK-NEW/base": "pass"}


class Odd(sim.Adapter):
    """Does what its settings ask for."""

    async def reset(self, settings: Mapping[str, int], seed: int) -> None:
        if "MTU" in settings:
            raise sim.adapter.Unsupported("no setting MTU")

    async def inject(self, datagram: bytes) -> None:
        if len(datagram) == 1:
            raise sim.adapter.Hang("tready stays low")
        if len(datagram) == 2:
            raise ValueError("out of tune")
        os._exit(3)  # as a simulator that crashes

    async def run(self, us: int, until_output: bool) -> None:
        self.now_us += us


class OddDut(sim.SimulatedDut):
    name = "odd"
    sources = (EXAMPLES / "closed.v",)
    top = "closed"
    adapter = Odd


def test_what_goes_wrong_is_said() -> None:
    device = OddDut()
    assert not device.user_calls
    with pytest.raises(tiptoe.DeviceUnsupported, match="no setting MTU"):
        device.reset({"MTU": 500}, 1)
    with pytest.raises(tiptoe.DeviceUnsupported, match="no counter InSegs"):
        device.counter("InSegs")
    with pytest.raises(tiptoe.DeviceHang, match="tready stays low"):
        device.inject(b"1")
    with pytest.raises(tiptoe.DeviceError, match="odd: the adapter failed: ValueError: out of tune"):
        device.inject(b"12")
    device.advance(7)
    assert device.now_us == 7
    with pytest.raises(tiptoe.DeviceError, match="odd: the simulation has ended"):
        device.inject(b"123")
    device.reset({}, 1)  # a new one
    device.advance(5)
    assert device.now_us == 5


def test_a_design_that_does_not_compile_is_said() -> None:
    class Missing(OddDut):
        top = "open"

    with pytest.raises(tiptoe.DeviceError, match=r"(?s)odd: the simulation does not start:.*open"):
        Missing().reset({}, 1)


@pytest.mark.skipif("TIPTOE_COCOTB_ENGINE" not in os.environ, reason="takes two minutes; set TIPTOE_COCOTB_ENGINE")
def test_the_engine_under_icarus() -> None:
    engine = plug.load_class(f"{EXAMPLES / 'engine.py'}:Engine")
    with tiptoe.Device(engine()) as device:
        found = verdicts(device, "transitions/ESTABLISHED/*/base")
    assert len(found) > 15
    assert set(found.values()) == {"pass"}
