# SPDX-License-Identifier: Apache-2.0
"""Control messages of recvmsg() and Linux' error queue: what became of octets that were sent without copying
(MSG_ZEROCOPY), when they left and were acknowledged (SO_TIMESTAMPING), how much is left to read (TCP_INQ).

    notices.written(socket, length=4000, zerocopy=True)
    notices.update(sent=4000, acked=4000, time_us=100_000)
    notices.queue[0]                    # Report(origin='SO_EE_ORIGIN_ZEROCOPY', ...)

All of it follows from what the device sends and frees: octets count as acknowledged when it has given up their room.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from .symbols import Symbols
from .syntax import Anything, Array, Either, Expression, Name, Struct, show

#: What SO_TIMESTAMPING may ask for here; others would need time stamps of a network card, or of received segments.
STAMPS = {
    "SOF_TIMESTAMPING_TX_SOFTWARE", "SOF_TIMESTAMPING_SOFTWARE", "SOF_TIMESTAMPING_OPT_ID",
    "SOF_TIMESTAMPING_TX_SCHED", "SOF_TIMESTAMPING_TX_ACK", "SOF_TIMESTAMPING_OPT_TSONLY",
}  # fmt: skip
#: Types of control messages that recvmsg() gives here.
TYPES = {"SCM_TIMESTAMPING", "IP_RECVERR", "IPV6_RECVERR", "TCP_CM_INQ"}
#: Buffers that Linux puts into one segment without copying; more make it cut there.
FRAGMENTS = 17

Control: TypeAlias = list[dict[str, str | int]]


@dataclass(frozen=True)
class Report:
    """An entry of the error queue."""

    origin: str
    errno: int
    code: int
    info: int
    data: int
    when_us: int | None = None  #: a time stamp
    has_text: bool = False  #: a copy of the segment comes with it


@dataclass
class Notices:
    """What one socket wants to be told."""

    symbols: Symbols
    stamps: frozenset[str] = frozenset()
    zerocopy: bool = False
    queue: collections.deque[Report] = field(default_factory=collections.deque)
    _next_id: int = 0
    _origin: int = 0  # place in the stream from which time stamps count
    _copies: collections.deque[tuple[int, int]] = field(default_factory=collections.deque)  # (end, number)
    _to_send: collections.deque[int] = field(default_factory=collections.deque)  # last octets
    _to_ack: collections.deque[int] = field(default_factory=collections.deque)

    def set_stamps(self, names: frozenset[str], written: int) -> None:
        """SO_TIMESTAMPING; so many octets have been written until now."""
        if "SOF_TIMESTAMPING_OPT_ID" in names and "SOF_TIMESTAMPING_OPT_ID" not in self.stamps:
            self._origin = written
        self.stamps = names

    def written(self, end: int, zerocopy: bool) -> None:
        """A call has written the octets below that place of the stream."""
        if zerocopy and self.zerocopy:
            self._copies.append((end, self._next_id))
            self._next_id += 1
        if self.stamps & {"SOF_TIMESTAMPING_TX_SCHED", "SOF_TIMESTAMPING_TX_SOFTWARE"}:
            self._to_send.append(end)
        if "SOF_TIMESTAMPING_TX_ACK" in self.stamps:
            self._to_ack.append(end)

    def update(self, sent: int, acked: int, time_us: int) -> bool:
        """So many octets have been sent and acknowledged. True: something is in the queue that was not."""
        before, tail = len(self.queue), self.queue[-1] if self.queue else None
        while self._to_send and self._to_send[0] <= sent:
            end = self._to_send.popleft()
            for name, what in (("TX_SCHED", "SCM_TSTAMP_SCHED"), ("TX_SOFTWARE", "SCM_TSTAMP_SND")):
                if f"SOF_TIMESTAMPING_{name}" in self.stamps:
                    self._stamp(what, end, time_us)
        while self._to_ack and self._to_ack[0] <= acked:
            self._stamp("SCM_TSTAMP_ACK", self._to_ack.popleft(), time_us)
        while self._copies and self._copies[0][0] <= acked:
            self._completed(self._copies.popleft()[1])
        return len(self.queue) != before or (bool(self.queue) and self.queue[-1] is not tail)

    def _stamp(self, what: str, end: int, time_us: int) -> None:
        key = end - self._origin - 1 if "SOF_TIMESTAMPING_OPT_ID" in self.stamps else 0
        text = "SOF_TIMESTAMPING_OPT_TSONLY" not in self.stamps
        number = self.symbols.numbers[what]
        errno = self.symbols.errors["ENOMSG"]
        self.queue.append(Report("SO_EE_ORIGIN_TIMESTAMPING", errno, 0, number, key, time_us, text))

    def _completed(self, number: int) -> None:
        """One more; a range that ends just before grows."""
        last = self.queue[-1] if self.queue else None
        if last is not None and last.origin == "SO_EE_ORIGIN_ZEROCOPY" and last.data + 1 == number:
            self.queue[-1] = replace(last, data=number)
            return
        self.queue.append(Report("SO_EE_ORIGIN_ZEROCOPY", 0, 1, number, number))


def control_of(report: Report) -> Control:
    """A report as control messages; its time in microseconds as scm_us."""
    found: Control = []
    if report.when_us is not None:
        found.append({"cmsg_type": "SCM_TIMESTAMPING", "scm_us": report.when_us})
    found.append(
        {
            "cmsg_type": "IP_RECVERR",
            "ee_errno": report.errno,
            "ee_origin": report.origin,
            "ee_type": 0,
            "ee_code": report.code,
            "ee_info": report.info,
            "ee_data": report.data,
        }
    )
    return found


def types_in(header: Expression) -> list[str]:
    """Types of the control messages in a struct msghdr."""
    control = header.member("msg_control") if isinstance(header, Struct) else None
    if not isinstance(control, Array):
        return []
    kinds = [item.member("cmsg_type") for item in control.items if isinstance(item, Struct)]
    return [show(kind) if kind is not None else "?" for kind in kinds]


def names_in(expression: Expression) -> frozenset[str]:
    """Names that are joined by `|`, in brackets or not."""
    match expression:
        case Array(items) if len(items) == 1:
            return names_in(items[0])
        case Either(left, right):
            return names_in(left) | names_in(right)
        case Name(name):
            return frozenset({name})
    return frozenset()


def compare(header: Expression, got: Control, symbols: Symbols, tolerance_us: int) -> list[tuple[str, str, str]]:
    """What differs between msg_control of a script and what there is: (what, expected, got)."""
    control = header.member("msg_control") if isinstance(header, Struct) else None
    if not isinstance(control, Array):
        return []
    found: list[tuple[str, str, str]] = []
    if len(control.items) != len(got):
        kinds = ", ".join(str(g["cmsg_type"]) for g in got) or "none"
        return [("control messages", ", ".join(types_in(header)) or "none", kinds)]
    for item, have in zip(control.items, got, strict=True):
        if not isinstance(item, Struct):
            continue
        kind = show(item.member("cmsg_type") or Anything()).replace("IPV6_", "IP_")
        if kind != have["cmsg_type"]:
            found.append(("type of the control message", kind, str(have["cmsg_type"])))
            continue
        data = item.member("cmsg_data")
        if kind == "SCM_TIMESTAMPING" and isinstance(data, Struct):
            wanted = _number(data, "scm_sec", symbols) * 1_000_000 + _number(data, "scm_nsec", symbols) // 1000
            if abs(wanted - int(have["scm_us"])) > tolerance_us:
                found.append(("time stamp", f"{wanted / 1e6:.6f} s", f"{int(have['scm_us']) / 1e6:.6f} s"))
        elif isinstance(data, Struct):
            found += _differences(data, have, symbols)
        elif data is not None and not isinstance(data, Anything) and symbols.number(data) != have["cmsg_data"]:
            found.append((kind, show(data), str(have["cmsg_data"])))
    return found


def _differences(data: Struct, have: Mapping[str, str | int], symbols: Symbols) -> list[tuple[str, str, str]]:
    found = []
    for name, value in have.items():
        wanted = data.member(name)
        if name == "cmsg_type" or wanted is None or isinstance(wanted, Anything):
            continue
        got = symbols.numbers[value] if isinstance(value, str) else value
        if symbols.number(wanted) != got:
            found.append((name, show(wanted), str(value)))
    return found


def _number(data: Struct, name: str, symbols: Symbols) -> int:
    value = data.member(name)
    return 0 if value is None else symbols.number(value)
