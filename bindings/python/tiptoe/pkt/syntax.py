# SPDX-License-Identifier: Apache-2.0
"""What a packetdrill script says, as data. Made by `parser.parse`; times are microseconds, lengths octets.

Example:

    script = parse("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3")
    script.events[0].action.name        # "socket"
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TypeAlias

from .._errors import TiptoeError


class PktSyntaxError(TiptoeError):
    """Not a script: where, what, and what was expected there."""

    def __init__(self, message: str, line: int = 1, column: int = 1, path: str = "") -> None:
        self.message = message
        self.line = line
        self.column = column
        self.path = path
        super().__init__(f"{path or 'script'}:{line}:{column}: {message}")


class TimeKind(enum.Enum):
    """How the time of an event is given."""

    ABSOLUTE = "absolute"  #: since the start of the script
    RELATIVE = "relative"  #: since the event before
    ANY = "any"
    ABSOLUTE_RANGE = "absolute range"
    RELATIVE_RANGE = "relative range"


@dataclass(frozen=True, slots=True)
class Time:
    """When an event happens."""

    kind: TimeKind
    start_us: int = 0
    end_us: int = 0  #: ranges only

    @property
    def is_relative(self) -> bool:
        """Counted from the event before."""
        return self.kind in (TimeKind.RELATIVE, TimeKind.RELATIVE_RANGE)

    @property
    def is_range(self) -> bool:
        """Has a second end."""
        return self.kind in (TimeKind.ABSOLUTE_RANGE, TimeKind.RELATIVE_RANGE)


# ---------------------------------------------------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Anything:
    """`...`"""


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: int
    hexadecimal: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A symbol: SOCK_STREAM."""

    name: str


@dataclass(frozen=True, slots=True)
class String:
    """A string."""

    value: str
    is_open: bool = False  #: "text"... : more may follow


@dataclass(frozen=True, slots=True)
class Either:
    """`a | b`"""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Assign:
    """`target = value`, a member of a structure; the target may have arguments: msg_iov(1)=[...]."""

    target: str
    arguments: tuple[Expression, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Function:
    """`htons(80)`"""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """`[a, b]`"""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Struct:
    """`{a=1, b=2}` or `{..., 1000}`"""

    items: tuple[Expression, ...]

    def member(self, name: str) -> Expression | None:
        """The value of that member."""
        for item in self.items:
            if isinstance(item, Assign) and item.target == name:
                return item.value
        return None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A structure of another protocol (MPLS, GRE), not looked into."""

    what: str


Expression: TypeAlias = (
    Anything | Number | Name | String | Either | Assign | Function | Array | Struct | Opaque
)  # fmt: skip


def show(expression: Expression) -> str:
    """As it would stand in a script."""
    match expression:
        case Anything():
            return "..."
        case Number(value, hexadecimal):
            return hex(value) if hexadecimal else str(value)
        case Name(name):
            return name
        case String(value, is_open):
            return f'"{value}"' + ("..." if is_open else "")
        case Either(left, right):
            return f"{show(left)} | {show(right)}"
        case Assign(target, arguments, value):
            inside = f"({', '.join(map(show, arguments))})" if arguments else ""
            return f"{target}{inside}={show(value)}"
        case Function(name, arguments):
            return f"{name}({', '.join(map(show, arguments))})"
        case Array(items):
            return f"[{', '.join(map(show, items))}]"
        case Struct(items):
            return "{" + ", ".join(map(show, items)) + "}"
        case Opaque(what):
            return "{" + what + "}"


# -------------------------------------------------------------------------------------------------------------- packets


@dataclass(frozen=True, slots=True)
class IpInfo:
    """What a packet says about its IP header; None is not said."""

    ecn: str | None = None  #: noecn, ect0, ect1, ect01, ce
    tos: int | None = None
    dscp: int | None = None
    flow_label: int | None = None
    ttl: int | None = None

    @property
    def traffic_class(self) -> tuple[int, int]:
        """(value, mask) of the TOS octet, as far as it is given. ECT(0) stands for "either" in ect01."""
        if self.tos is not None:
            return self.tos, 0xFF
        value = mask = 0
        if self.dscp is not None:
            value, mask = self.dscp << 2, 0xFC
        if self.ecn is not None:
            value |= {"noecn": 0, "ect1": 1, "ect0": 2, "ect01": 2, "ce": 3}[self.ecn]
            mask |= 3
        return value, mask


@dataclass(frozen=True, slots=True)
class Outer:
    """A header around the packet: ipv4, ipv6, gre, mpls."""

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sequence:
    """`1:1001(1000)`"""

    start: int = 0
    length: int = 0
    is_absolute: bool = False  #: as it is on the wire, not counted from the ISN
    is_any: bool = False  #: `...(N)`


@dataclass(frozen=True, slots=True)
class Option:
    """A TCP option. Numbers that depend on the connection stand in their own fields, in the script's terms."""

    name: str  #: as in the script: "mss", "sackOK", "TS"
    kind: int
    data: bytes = b""  #: what follows kind and length
    blocks: tuple[tuple[int, int], ...] = ()  #: sack
    ts_value: int | None = None  #: TS; None is any
    ts_echo: int = 0
    is_echo_absolute: bool = False
    is_md5_valid: bool = False  #: the digest is that of the segment
    text: str = ""  #: as in the script

    @property
    def length(self) -> int:
        """Octets on the wire."""
        if self.kind in (0, 1):
            return 1
        if self.name == "sack":
            return 2 + 8 * len(self.blocks)
        if self.name == "TS":
            return 10
        return 2 + len(self.data)


@dataclass(frozen=True, slots=True)
class Tcp:
    """A TCP segment."""

    flags: str  #: letters of "SFRPEWAU."
    ace: int | None  #: the three bits AE, CWR, ECE as a number
    sequence: Sequence
    ack: int | None = None
    window: int | None = None
    urgent: int = 0
    options: tuple[Option, ...] | None = ()  #: None: not compared
    ports: tuple[int, int] | None = None
    psp: int | None = None  #: SPI
    udp_encapsulation: tuple[int, int] | None = None

    def has(self, flags: str) -> bool:
        """All these flags are set."""
        return all(f in self.flags for f in flags)

    def option(self, name: str) -> Option | None:
        """The first option of that name."""
        return next((o for o in self.options or () if o.name == name), None)


@dataclass(frozen=True, slots=True)
class Icmp:
    """An ICMP message."""

    type: str
    code: str | None = None
    mtu: int | None = None
    id: int | None = None
    echoed: Sequence | None = None  #: the segment that is quoted
    quoted: str = "tcp"


@dataclass(frozen=True, slots=True)
class OtherProtocol:
    """UDP, UDP-Lite, SCTP."""

    name: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet event."""

    outbound: bool  #: sent by the device
    body: Tcp | Icmp | OtherProtocol
    ip: IpInfo = field(default_factory=IpInfo)
    outer: tuple[Outer, ...] = ()


# --------------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Call:
    """A system call with its outcome."""

    name: str
    arguments: tuple[Expression, ...]
    result: Expression
    errno: str | None = None
    end_us: int | None = None  #: a blocking call ends then, counted as the event's own time


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Python, `%{ ... }%`."""

    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a script (or several, when it is long)."""

    line: int
    time: Time
    action: Packet | Call | Command | Code


@dataclass(frozen=True, slots=True)
class Script:
    """A whole file."""

    path: str
    text: str
    options: tuple[tuple[str, str, int], ...]  #: --name=value: name, value ("" without), line
    events: tuple[Event, ...]
    init_command: tuple[str, int] | None = None  #: text, line
    cleanup_command: tuple[str, int] | None = None

    def source(self, event: Event) -> str:
        """The lines of that event, without what is around them."""
        lines = self.text.splitlines()
        later = [e.line for e in self.events if e.line > event.line]
        end = min(later[0] - 1 if later else len(lines), event.line + 11)
        if self.cleanup_command is not None and self.cleanup_command[1] > event.line:
            end = min(end, self.cleanup_command[1] - 1)
        chosen = [line.rstrip() for line in lines[event.line - 1 : max(end, event.line)]]
        while len(chosen) > 1 and (not chosen[-1].strip() or chosen[-1].lstrip().startswith(("//", "#", "/*", "*"))):
            chosen.pop()
        return "\n".join(chosen)
