# SPDX-License-Identifier: Apache-2.0
"""Devices written in Python: here one that passes everything on to a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import tiptoe


class Wrapped(tiptoe.Dut):
    """A model in Python's clothes."""

    name = "wrapped"
    user_calls = True

    def __init__(self) -> None:
        self.inner = tiptoe.Device("model")

    def reset(self, settings: Mapping[str, int], seed: int) -> None:
        self.inner.reset(seed, **settings)

    def inject(self, datagram: bytes) -> None:
        self.inner.inject(datagram)

    def poll_output(self) -> tiptoe.Datagram | None:
        return self.inner.poll()

    def settle(self) -> None:
        self.inner.settle()

    def run_until_output(self, us: int) -> tiptoe.Datagram | None:
        return self.inner.run_until_output(us)

    def advance(self, us: int) -> None:
        self.inner.advance(us)

    @property
    def now_us(self) -> int:
        return self.inner.now_us

    @property
    def cycles(self) -> int:
        return self.inner.cycles

    def open_passive(self, args: tiptoe.OpenArgs) -> tiptoe.CallResult:
        return self.inner.open_passive(
            args.local_port,
            local_ip=args.local_ip,
            remote_ip=args.remote_ip,
            remote_port=args.remote_port,
            backlog=args.backlog,
        )

    def open_active(self, args: tiptoe.OpenArgs) -> tiptoe.CallResult:
        return self.inner.open_active(
            args.remote_ip,
            args.remote_port,
            local_port=args.local_port,
            local_ip=args.local_ip,
            nodelay=args.nodelay,
            keepalive=args.keepalive,
            from_listener=args.from_listener,
        )

    def accept(self, listener: tiptoe.Handle) -> tiptoe.CallResult:
        return self.inner.accept(listener)

    def send(self, handle: tiptoe.Handle, data: bytes) -> tiptoe.CallResult:
        return self.inner.send(handle, data)

    def receive(self, handle: tiptoe.Handle, max: int) -> tiptoe.CallResult:
        return self.inner.receive(handle, max)

    def close(self, handle: tiptoe.Handle, half: bool) -> tiptoe.CallResult:
        return self.inner.close(handle, half=half)

    def abort(self, handle: tiptoe.Handle) -> tiptoe.CallResult:
        return self.inner.abort(handle)

    def status(self, handle: tiptoe.Handle) -> tiptoe.CallResult:
        return self.inner.status(handle)

    def set_options(self, handle: tiptoe.Handle, nodelay: bool, keepalive: bool) -> tiptoe.CallResult:
        return self.inner.set_options(handle, nodelay=nodelay, keepalive=keepalive)

    def poll_notification(self) -> tiptoe.Notification | None:
        return self.inner.poll_notification()

    def set(self, name: str, value: int) -> None:
        self.inner.set(name, value)

    def counter(self, name: str) -> int:
        return self.inner.counter(name)


def test_the_suite_runs_on_it() -> None:
    with tiptoe.Device(Wrapped()) as device:
        assert device.description == "wrapped"
        for case in tiptoe.cases("textbook/*")[:40]:
            result = tiptoe.run_case(case, device)
            assert result, result.message


class Silent(tiptoe.Dut):
    """Never says anything; has no user calls."""

    name = "silent"
    time = 0

    def reset(self, settings: Mapping[str, int], seed: int) -> None:
        self.time = 0

    def inject(self, datagram: bytes) -> None:
        pass

    def poll_output(self) -> Any:
        return None

    def advance(self, us: int) -> None:
        self.time += us

    @property
    def now_us(self) -> int:
        return self.time


@tiptoe.case
def closed_port(t: tiptoe.Tester) -> None:
    """A SYN to a closed port draws a RST."""
    t.send_syn()
    t.expect_rst_ack(0, t.isn + 1)


@tiptoe.case
def listens(t: tiptoe.Tester) -> None:
    """Needs user calls."""
    t.reach(tiptoe.State.ESTABLISHED)


def test_datagrams_and_time_alone() -> None:
    with tiptoe.Device(Silent()) as device:
        assert closed_port.run(device).verdict is tiptoe.Verdict.FAIL
        assert listens.run(device).verdict is tiptoe.Verdict.INAPPLICABLE


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ZeroDivisionError("oops"), tiptoe.Verdict.ERROR),
        (tiptoe.DeviceError("no such thing"), tiptoe.Verdict.ERROR),
        (tiptoe.DeviceHang("sleeps"), tiptoe.Verdict.FAIL),
    ],
)
def test_a_device_that_raises(error: Exception, verdict: tiptoe.Verdict) -> None:
    class Broken(Silent):
        def inject(self, datagram: bytes) -> None:
            raise error

    with tiptoe.Device(Broken()) as device:
        result = closed_port.run(device)
        assert result.verdict is verdict
        assert str(error) in result.message


def test_a_device_that_returns_nonsense() -> None:
    class Broken(Silent):
        def poll_output(self) -> Any:
            return 17

    with tiptoe.Device(Broken()) as device, pytest.raises(tiptoe.DeviceError):
        device.poll()
