# SPDX-License-Identifier: Apache-2.0
"""What came of a script, and how a run of it ends early."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._core import Datagram
from .._enums import Verdict
from . import match
from .syntax import Packet, Tcp


@dataclass
class PktResult:
    """What came of a script."""

    path: str
    verdict: Verdict
    line: int | None = None
    reason: str = ""  #: one sentence
    expected: str = ""  #: for a failing line
    got: str = ""
    differences: list[str] = field(default_factory=list)
    source: str = ""  #: the line itself
    ladder: list[str] = field(default_factory=list)  #: what happened until then
    notes: list[str] = field(default_factory=list)
    all_reasons: list[tuple[int, str]] = field(default_factory=list)  #: inapplicable: every line
    left_out: tuple[str, ...] = ()  #: options that were left out of the comparison (--reduced)
    trailing: str = ""  #: of a pass: what the device sent after the last line
    profile: str = ""
    virtual_us: int = 0  #: device time that the script took
    wall_seconds: float = 0.0
    cycles: int = 0
    frames: tuple[Datagram, ...] = ()  #: both directions, in order, if the device records

    @property
    def message(self) -> str:
        """The whole story in a few lines."""
        text = self.reason if self.line is None else f"line {self.line}: {self.reason}"
        for what, value in (("expected", self.expected), ("got", self.got)):
            if value:
                text += f"\n{what}: {value}"
        return text


class Failure(Exception):
    """The device did something else than the script says."""

    def __init__(
        self,
        line: int,
        reason: str,
        expected: str = "",
        got: str = "",
        differences: list[str] | None = None,
        is_about_sending: bool = False,  #: what is sent again, and when
    ):
        super().__init__(reason)
        self.line, self.reason, self.expected, self.got = line, reason, expected, got
        self.differences, self.is_about_sending = differences or [], is_about_sending


class OwnWay(Exception):
    """The script wants what a system does and RFC 9293 does not ask for; the device did as the RFC says."""


def seconds(us: int) -> str:
    """Microseconds as seconds, in text."""
    return f"{us / 1e6:.6f}"


def describe(packet: Packet, left_out: tuple[str, ...] = ()) -> str:
    """A packet in the script's words."""
    body = packet.body
    if not isinstance(body, Tcp):
        return type(body).__name__.lower()
    words = []
    value, mask = packet.ip.traffic_class
    if mask:
        words.append(f"[{packet.ip.ecn}]" if packet.ip.ecn and mask == 3 else f"[tos {value:#04x}]")
    letters = "".join(c for c in "SFRPEWAU" if c in body.flags) + ("." if "." in body.flags else "")
    words.append(letters or "-")
    sequence = body.sequence
    end = (sequence.start + sequence.length) & 0xFFFFFFFF
    words.append(f"...({sequence.length})" if sequence.is_any else f"{sequence.start}:{end}({sequence.length})")
    if body.ack is not None:
        words.append(f"ack {body.ack}")
    if body.window is not None:
        words.append(f"win {body.window}")
    if body.urgent:
        words.append(f"urg {body.urgent}")
    if body.options is None:
        words.append("<...>")
    elif body.options:
        words.append(match.text_of(match.without(body.options, left_out)))
    return " ".join(words)
