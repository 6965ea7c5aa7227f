# SPDX-License-Identifier: Apache-2.0
"""Devices of your own, written in Python: subclass `Dut`, wrap it with `tiptoe.Device`, run the suite on it.

    >>> class MyStack(tiptoe.Dut):
    ...     name = "my stack"
    ...     user_calls = False                 # level L0 only: cases that need user calls become inapplicable
    ...     def reset(self, settings, seed): ...
    ...     def inject(self, datagram): ...
    ...     def poll_output(self): ...
    ...     def advance(self, us): ...
    >>> with tiptoe.Device(MyStack()) as device:
    ...     tiptoe.run_case("hostile/option-length-zero", device)

The contract is that of harness/include/tiptoe/dut.hpp: the device owns the clock, time passes in `inject`, `settle`,
`run_until_output`, `advance` and user calls alone, and every user call returns when the device has answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._core import CallResult, Datagram, Handle, Notification, OpenArgs
from ._errors import DeviceNonsense, DeviceUnsupported


class Dut:
    """Base class. Level L0 is what raises `NotImplementedError` here; L1 are the user calls."""

    name: str = "python"
    user_calls: bool = False  #: True when the L1 methods are there
    #: Keys and values of a capability file (docs/plug-in.md), for a device that has none beside it.
    capabilities: Mapping[str, Any] | None = None

    @property
    def description(self) -> str:
        """One line, with parameters."""
        return self.name

    # ---- L0: datagrams and time
    def reset(self, settings: Mapping[str, int], seed: int) -> None:
        """As after power-on; time restarts at 0. A setting that the device lacks: raise `DeviceUnsupported`."""
        raise NotImplementedError

    def inject(self, datagram: bytes) -> None:
        """One IPv4 datagram towards the device, which has accepted it when this returns."""
        raise NotImplementedError

    def poll_output(self) -> Datagram | None:
        """The oldest datagram not taken yet; no time passes."""
        raise NotImplementedError

    def advance(self, us: int) -> None:
        """Lets exactly so many microseconds of device time pass; outputs queue up."""
        raise NotImplementedError

    @property
    def now_us(self) -> int:
        """Microseconds of device time since reset."""
        raise NotImplementedError

    @property
    def cycles(self) -> int:
        """Clock cycles since reset; 0 when that means nothing."""
        return 0

    def settle(self) -> None:
        """Lets the device finish what is due now. Override it when the device can tell; this waits one millisecond."""
        self.advance(1000)

    def run_until_output(self, us: int) -> Datagram | None:
        """Runs until a datagram is there, or so long. Override it when the device can do better than steps of 1 ms."""
        end = self.now_us + us
        while True:
            output = self.poll_output()
            if output is not None or self.now_us >= end:
                return output
            before = self.now_us
            self.advance(min(1000, end - before))
            if self.now_us <= before:
                raise DeviceNonsense(f"advance({min(1000, end - before)}) let no time pass, now_us is {self.now_us}")

    # ---- L1: user calls. What is not overridden is what the device lacks.
    def open_passive(self, args: OpenArgs) -> CallResult:
        """Listens."""
        raise DeviceUnsupported(f"{self.name} has no OPEN passive (listen)")

    def open_active(self, args: OpenArgs) -> CallResult:
        """Opens towards a peer."""
        raise DeviceUnsupported(f"{self.name} has no OPEN active (open)")

    def accept(self, listener: Handle) -> CallResult:
        """Takes a connection from a listener."""
        raise DeviceUnsupported(f"{self.name} has no ACCEPT")

    def send(self, handle: Handle, data: bytes) -> CallResult:
        """May take fewer octets than offered: `length` of the result."""
        raise DeviceUnsupported(f"{self.name} has no SEND")

    def receive(self, handle: Handle, max: int) -> CallResult:
        """Up to `max` octets that are ready."""
        raise DeviceUnsupported(f"{self.name} has no RECEIVE")

    def close(self, handle: Handle, half: bool) -> CallResult:
        """No more data to send."""
        raise DeviceUnsupported(f"{self.name} has no CLOSE")

    def abort(self, handle: Handle) -> CallResult:
        """Resets the connection."""
        raise DeviceUnsupported(f"{self.name} has no ABORT")

    def status(self, handle: Handle) -> CallResult:
        """State, readable octets, room."""
        raise DeviceUnsupported(f"{self.name} has no STATUS")

    def set_options(self, handle: Handle, nodelay: bool, keepalive: bool) -> CallResult:
        """Nagle off, keepalive on."""
        raise DeviceUnsupported(f"{self.name} has no options of a connection")

    def poll_notification(self) -> Notification | None:
        """The oldest indication not taken yet."""
        return None

    # ---- settings and counters
    def set(self, name: str, value: int) -> None:
        """Changes a setting, see docs/microarchitecture.md section 12."""
        raise DeviceUnsupported(f"{self.name} has no setting {name}")

    def counter(self, name: str) -> int:
        """Reads a counter."""
        raise DeviceUnsupported(f"{self.name} has no counter {name}")
