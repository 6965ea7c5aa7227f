# SPDX-License-Identifier: Apache-2.0
"""Is what the device sent what the script says? Every difference is named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .._core import Segment
from .._enums import Defect, Flags
from . import options as tcp_options
from .flow import Flow, flag_letters
from .syntax import Option, Packet, Tcp

_MASK = 0xFFFFFFFF

#: Kinds of TCP options that a script may be relieved of, by their names there.
KINDS = {"wscale": 3, "sackOK": 4, "sack": 5, "TS": 8, "md5": 19, "FO": 34}


@dataclass(frozen=True)
class Difference:
    """One field."""

    field: str
    wanted: str
    got: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.wanted}, got {self.got}"


def summary(found: list[Difference], body: Tcp, segment: Segment) -> str:
    """All differences in half a sentence, for somebody who has not seen the segments."""
    flags = segment.flags or Flags(0)
    length = segment.text_length
    fields = list(dict.fromkeys(d.field for d in found))
    if flags & Flags.RST and not body.has("R"):
        return "expected another segment, a reset came"
    if flags & Flags.SYN and not body.has("S"):
        return "expected another segment, a SYN came"
    if "octets of text" in fields and body.sequence.length and not length:
        what = "an ACK" if not flags & Flags.FIN else "a FIN"
        return f"expected {_count(body.sequence.length)} of text, {what} without text came"
    if "octets of text" in fields and not body.sequence.length:
        what = next((w for f, w in (("S", "a SYN"), ("R", "a reset"), ("F", "a FIN")) if body.has(f)), "an ACK")
        return f"expected {what} without text, {_count(length)} of text came"
    if len(fields) == 1:
        return f"{fields[0]}: expected {found[0].wanted}, got {found[0].got}"
    return f"{', '.join(fields[:-1])} and {fields[-1]} differ"


def _count(octets: int) -> str:
    return "1 octet" if octets == 1 else f"{octets} octets"


@dataclass(frozen=True)
class Rules:
    """How strictly to compare."""

    ts_tick_us: int = 0  #: microseconds of a timestamp's tick; 0: values are not compared
    tolerance_us: int = 4000
    left_out: Collection[str] = ()  #: options that the device lacks and the comparison leaves out
    #: Windows may differ by so much: a receiver holds back less than a segment (RFC 9293 3.8.6.2.2).
    window_slack: int = 0
    scaled: bool = False  #: windows of the script are scaled, but for those of SYN segments


def without(options: tuple[Option, ...], left_out: Collection[str]) -> tuple[Option, ...]:
    """The options that remain; padding goes with what it padded."""
    if not any(o.name in left_out for o in options):
        return options
    kept = [o for o in options if o.name not in left_out and o.name not in ("nop", "eol")]
    padding = -sum(o.length for o in kept) % 4
    return (*kept, *[Option("nop", 1, text="nop")] * padding)


def text_of(options: tuple[Option, ...]) -> str:
    """As in a script."""
    return "<" + ",".join(o.text for o in options) + ">" if options else "no options"


def defects(segment: Segment) -> list[Difference]:
    """What is wrong with a datagram whatever the script says: lengths, checksums."""
    return [
        Difference(kind.name.lower().replace("_", " "), "a correct datagram", sentence)
        for kind, sentence in segment.defects
        if kind is not Defect.TCP_OPTIONS
    ]


def differences(
    packet: Packet, segment: Segment, flow: Flow, rules: Rules, first_of: int | None = None
) -> list[Difference]:
    """All of them. `first_of`: the segment is part of a longer one that is expected, from this octet of it on."""
    body = packet.body
    assert isinstance(body, Tcp)
    found: list[Difference] = []

    def check(field: str, wanted: object, got: object) -> None:
        if wanted != got:
            found.append(Difference(field, str(wanted), str(got)))

    bits = int(segment.flags or 0)
    length = segment.text_length
    offset = first_of or 0
    is_last = offset + length >= body.sequence.length
    wanted_flags = body.flags if is_last else body.flags.replace("P", "").replace("F", "")
    got_flags = flag_letters(bits, bool((segment.reserved or 0) & 1))
    if not is_last:  # a part may be pushed
        got_flags = got_flags.replace("P", "") or "-"
    if "ECN" in rules.left_out and "S" in wanted_flags:
        wanted_flags = "".join(c for c in wanted_flags if c not in "EWA")
    wanted_letters = "".join(c for c in "SFRPEWAU." if c in wanted_flags) or "-"
    if set(wanted_letters) != set(got_flags):
        found.append(Difference("flags", wanted_letters, got_flags))
    check("reserved bits", 0, (segment.reserved or 0) >> 1)

    is_syn = bool(bits & Flags.SYN)
    wire_seq = segment.seq or 0
    seq = wire_seq if body.sequence.is_absolute else flow.from_wire_seq(wire_seq, is_syn)
    if not body.sequence.is_any:
        check("sequence number", (body.sequence.start + offset) & _MASK, seq)
    if first_of is None:
        check("octets of text", body.sequence.length, length)
    if body.has(".") or body.ack is not None or bits & Flags.ACK:
        wire_ack = segment.ack or 0
        check(
            "acknowledgment number",
            body.ack or 0,
            flow.from_wire_ack(wire_ack, is_syn) if bits & Flags.ACK else wire_ack,
        )
    compared = body.window is not None and (is_syn or not rules.scaled or body.window == 0)
    if (
        compared
        and body.window is not None
        and abs(body.window - (segment.window or 0)) > rules.window_slack * (body.window > 0)
    ):
        check("window", body.window, segment.window)
    check("urgent pointer", body.urgent, segment.urgent or 0)
    if body.options is not None:
        found += _options(body.options, segment, flow, rules)
    found += _ip(packet, segment)
    if not found:
        found += text_differences(segment, flow)
    return found


def _options(wanted: tuple[Option, ...], segment: Segment, flow: Flow, rules: Rules) -> list[Difference]:
    wanted = without(wanted, rules.left_out)
    got = tcp_options.split(bytes(segment.options or b""))
    if got is None:
        return [Difference("options", text_of(wanted), "malformed ones: " + bytes(segment.options or b"").hex())]
    offset = 0 if (segment.flags or 0) & Flags.SYN else flow.remote_isn
    shown = "<" + ",".join(tcp_options.show(k, d, offset) for k, d in got) + ">" if got else "no options"
    if [o.kind for o in wanted] != [kind for kind, _ in got]:
        return [Difference("options", text_of(wanted), shown)]
    for option, (_, data) in zip(wanted, got, strict=True):
        if option.name == "TS":
            if not _stamps_agree(option, data, flow, rules):
                return [Difference("timestamp", option.text, tcp_options.show(8, data))]
        elif not option.is_md5_valid and tcp_options.encode(option, offset)[2:] != data:
            return [Difference("options", text_of(wanted), shown)]
    return []


def _stamps_agree(option: Option, data: bytes, flow: Flow, rules: Rules) -> bool:
    """Values count from the first one, in ticks; a tick of 0 switches the comparison off, as packetdrill has it."""
    if len(data) != 8:
        return False
    value = int.from_bytes(data[:4], "big")
    if option.ts_value is None:
        return True
    flow.stamps[option.ts_value] = value
    if flow.first_stamp is None:
        flow.first_stamp = (option.ts_value, value)
    script = flow.first_stamp[0] + (value - flow.first_stamp[1])
    off = abs(((script - option.ts_value + (1 << 31)) & _MASK) - (1 << 31))
    return rules.ts_tick_us == 0 or off * rules.ts_tick_us <= rules.tolerance_us


def _ip(packet: Packet, segment: Segment) -> list[Difference]:
    found: list[Difference] = []
    value, mask = packet.ip.traffic_class
    tos = segment.tos or 0
    if packet.ip.ecn == "ect01":
        mask &= ~3
        if tos & 3 not in (1, 2):
            found.append(Difference("ECN bits", "ECT(0) or ECT(1)", f"{tos & 3:02b}"))
    if tos & mask != value & mask:
        found.append(Difference("TOS", f"{value & mask:#04x} (mask {mask:#04x})", f"{tos:#04x}"))
    if packet.ip.ttl is not None and packet.ip.ttl != segment.ttl:
        found.append(Difference("TTL", str(packet.ip.ttl), str(segment.ttl)))
    return found


def text_differences(segment: Segment, flow: Flow) -> list[Difference]:
    """The octets are those that the user wrote at this place."""
    payload = segment.payload or b""
    if not payload or flow.local_isn is None:
        return []
    start = ((segment.seq or 0) + bool((segment.flags or 0) & Flags.SYN) - flow.local_isn - 1) & _MASK
    wanted = bytes(flow.written[start : start + len(payload)])
    flow.highest_sent = max(flow.highest_sent, start + len(payload)) if start < 1 << 31 else flow.highest_sent
    if payload == wanted or flow.unknown_text:
        return []
    at = next((i for i, (a, b) in enumerate(zip(payload, wanted, strict=False)) if a != b), len(wanted))
    if at >= len(wanted):
        return [
            Difference("text", "what the user wrote", f"octets that the user never wrote, from octet {start + at} on")
        ]
    return [Difference("text", f"{wanted[at]:#04x} at octet {start + at} of the stream", f"{payload[at]:#04x}")]
