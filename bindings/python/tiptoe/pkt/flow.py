# SPDX-License-Identifier: Apache-2.0
"""One connection as a script sees it, and the way between the script's numbers and those of the wire.

In a script the device's sequence numbers count from 0 at its SYN, and so do the peer's; on the wire they count from the
ISNs. SYN segments carry the peer's ISN as it is written. Payload is a pattern that depends on the place in the stream,
so that octets at a wrong place are noticed at either end.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from .._core import Options, Segment
from .._enums import Flags
from . import options as tcp_options
from .sender import Sender
from .syntax import Option, Packet, Tcp

_MASK = 0xFFFFFFFF
STAMPS_LENGTH = 12  # octets of timestamps in every segment, with their padding
_PRIME = 65521  # octets after which a pattern repeats: no segment length divides it

_TO_BITS = {
    "F": Flags.FIN,
    "S": Flags.SYN,
    "R": Flags.RST,
    "P": Flags.PSH,
    ".": Flags.ACK,
    "U": Flags.URG,
    "E": Flags.ECE,
    "W": Flags.CWR,
}


def _pattern(seed: int) -> bytes:
    return random.Random(seed).randbytes(_PRIME) * 2


_FROM_PEER = _pattern(793)
_FROM_USER = _pattern(9293)


def peer_octets(offset: int, length: int) -> bytes:
    """What the peer sends at that place of its stream."""
    return _take(_FROM_PEER, offset, length)


def user_octets(offset: int, length: int) -> bytes:
    """What the user of the device writes at that place of its stream."""
    return _take(_FROM_USER, offset, length)


def _take(table: bytes, offset: int, length: int) -> bytes:
    start = offset % _PRIME
    out = table[start : start + length]
    while len(out) < length:
        start = (offset + len(out)) % _PRIME
        out += table[start : start + length - len(out)]
    return out


def flag_bits(letters: str) -> Flags:
    """Control bits of a header; AE is not one of these eight."""
    bits = Flags(0)
    for letter in letters:
        bits |= _TO_BITS.get(letter, Flags(0))
    return bits


def flag_letters(bits: int, accurate_ecn: bool = False) -> str:
    """The words of a script: "S.", "P.", "-"."""
    text = "".join(letter for letter in "SFRPEW" if bits & _TO_BITS[letter]) + ("A" if accurate_ecn else "")
    text += ("U" if bits & Flags.URG else "") + ("." if bits & Flags.ACK else "")
    return text or "-"


def pieces(packet: Packet, most: int) -> list[Packet]:
    """A long segment of the peer as the segments of at most so many octets that a network card had joined it from."""
    body = packet.body
    assert isinstance(body, Tcp)
    length = body.sequence.length
    found = []
    for at in range(0, length, most):
        here = min(most, length - at)
        flags = body.flags if at + here == length else body.flags.replace("P", "").replace("F", "")
        sequence = replace(body.sequence, start=(body.sequence.start + at) & _MASK, length=here)
        found.append(replace(packet, body=replace(body, sequence=sequence, flags=flags)))
    return found


def shortened(packet: Packet, most: int) -> Packet:
    """A SYN of the peer with timestamps, its MSS smaller by their room: so full segments are as long as with them.
    `most`: octets of text that the MTU leaves."""
    body = packet.body
    if not isinstance(body, Tcp) or not body.has("S") or not body.option("TS"):
        return packet

    def smaller(option: Option) -> Option:
        if option.name != "mss":
            return option
        mss = max(0, min(most, int.from_bytes(option.data, "big")) - STAMPS_LENGTH)
        return replace(option, data=mss.to_bytes(2, "big"), text=f"mss {mss}")

    return replace(packet, body=replace(body, options=tuple(map(smaller, body.options or ()))))


@dataclass
class Flow:
    """One 4-tuple."""

    local_ip: str
    local_port: int
    remote_ip: str
    remote_port: int
    passive: bool
    remote_isn: int = 0
    local_isn: int | None = None  #: on the wire; None until the device has sent a SYN
    script_isn: int = 0  #: the same in the script
    heard: bool = False  #: the script has sent something
    established: bool = False
    claimed: bool = False  #: belongs to a socket
    peer_mss: int | None = None
    stamps: dict[int, int] = field(default_factory=dict)  #: timestamps of the device: script -> wire
    first_stamp: tuple[int, int] | None = None
    written: bytearray = field(default_factory=bytearray)  #: the user's stream
    unknown_text: bool = False  #: an application of the device writes, and nobody says what
    highest_sent: int = 0  #: octets of it that have been on the wire
    #: What the device has told, on the wire: RCV.NXT and RCV.WND, the end of what it sent, its FIN.
    rcv_nxt: int | None = None
    rcv_wnd: int = 0
    snd_nxt: int | None = None
    fin_seq: int | None = None
    sender: Sender | None = None  #: since its last SYN
    script_shift: int = 0  #: the script's device scales its windows by it
    script_edge: int | None = None  #: end of the window that the script's device has shown last, in the script's terms
    shift: int = 0  #: the script scales the peer's windows by it, and the device does not

    # ---- numbers
    def to_wire_seq(self, segment: Tcp) -> int:
        """The peer's sequence number."""
        if segment.sequence.is_absolute or segment.has("S"):
            return segment.sequence.start
        return (segment.sequence.start + self.remote_isn) & _MASK

    def _local_offset(self, is_syn: bool) -> int:
        isn = self.local_isn or 0
        return isn - self.script_isn if is_syn else isn

    def to_wire_ack(self, segment: Tcp) -> int:
        """The peer's acknowledgment number, 0 without ACK."""
        if not segment.has("."):
            return segment.ack or 0
        return ((segment.ack or 0) + self._local_offset(segment.has("S"))) & _MASK

    def sack_offset(self, is_syn: bool) -> int:
        """Added to edges of the peer's SACK blocks."""
        return self._local_offset(is_syn)

    def to_wire_own(self, seq: int, is_syn: bool) -> int:
        """A sequence number of the device, from the script's terms."""
        return (seq + self._local_offset(is_syn)) & _MASK

    def to_wire_peer(self, ack: int, is_syn: bool) -> int:
        """An acknowledgment number of the device, from the script's terms."""
        return (ack + (0 if is_syn else self.remote_isn)) & _MASK

    def from_wire_seq(self, seq: int, is_syn: bool) -> int:
        """The device's sequence number in the script's terms."""
        return (seq - self._local_offset(is_syn)) & _MASK

    def from_wire_ack(self, ack: int, is_syn: bool) -> int:
        """The device's acknowledgment number in the script's terms."""
        return (ack - (0 if is_syn else self.remote_isn)) & _MASK

    # ---- towards the device
    def build(self, packet: Packet) -> Segment:
        """The segment for the wire; what it changes about the connection is noted."""
        body = packet.body
        assert isinstance(body, Tcp)
        if (
            (body.has("S") and self.local_isn is None)
            or (self.passive and not self.heard)
            or (body.has("S.") and not self.established)
        ):
            self.remote_isn = body.sequence.start
        self.heard = True
        if body.has("S"):
            mss = body.option("mss")
            if mss or not self.established:
                self.peer_mss = int.from_bytes(mss.data, "big") if mss else 536
        seq = self.to_wire_seq(body)
        ack = self.to_wire_ack(body)
        if (not body.has("S") and body.has(".") and not body.has("R") and self.local_isn is not None) or (
            body.has("S.") and self.local_isn is not None and ack == (self.local_isn + 1) & _MASK
        ):
            self.established = True
        octets = b"".join(
            tcp_options.encode(o, self.sack_offset(body.has("S")), self._echo(body, o)) for o in body.options or ()
        )
        first = (seq + body.has("S") - self.remote_isn - 1) & _MASK
        tos, _ = packet.ip.traffic_class
        return Segment(
            src=self.remote_ip,
            dst=self.local_ip,
            src_port=self.remote_port,
            dst_port=self.local_port,
            seq=seq,
            ack=ack,
            flags=flag_bits(body.flags),
            reserved=int(body.has("A")),
            window=min(0xFFFF, (body.window or 0) << (0 if body.has("S") else self.shift)),
            urgent=body.urgent,
            options=Options(octets),
            payload=peer_octets(first, body.sequence.length),
            tos=tos,
            ttl=packet.ip.ttl or 255,
        )

    def _echo(self, body: Tcp, option: Option) -> int | None:
        if option.name != "TS" or option.is_echo_absolute or not body.has("."):
            return None
        return self.stamps.get(option.ts_echo)

    # ---- from the device
    def track(self, segment: Segment) -> None:
        """Keeps what the device tells of itself."""
        flags = segment.flags or Flags(0)
        if flags & Flags.RST:
            return
        seq, length = segment.seq or 0, segment.text_length
        if flags & Flags.SYN:
            self.snd_nxt = self.fin_seq = None
        if flags & Flags.ACK:
            self.rcv_nxt, self.rcv_wnd = segment.ack, segment.window or 0
        if flags & Flags.FIN:
            self.fin_seq = (seq + length) & _MASK
        end = (seq + length + bool(flags & Flags.SYN) + bool(flags & Flags.FIN)) & _MASK
        if self.snd_nxt is None or 0 < (end - self.snd_nxt) & _MASK < 1 << 31:
            self.snd_nxt = end

    def note(self, segment: Segment, expected: Tcp | None = None) -> None:
        """Learns the device's ISN from its SYN."""
        flags = segment.flags or Flags(0)
        if not flags & Flags.SYN or flags & Flags.RST:
            return
        seq = segment.seq or 0
        if self.local_isn is None or self.local_isn != seq:
            self.local_isn = seq
            self.highest_sent = 0
        if expected is not None and expected.has("S") and not expected.sequence.is_any:
            self.script_isn = expected.sequence.start

    def note_window(self, expected: Tcp) -> None:
        """Keeps what the script's device has advertised; the device itself may have more."""
        scale = expected.option("wscale")
        if expected.has("S"):
            self.script_shift = scale.data[0] if scale is not None else 0
        if expected.window is None or not expected.has("."):
            self.script_edge = None if not expected.has("R") else self.script_edge
            return
        shift = 0 if expected.has("S") else self.script_shift
        ack = 1 if expected.has("S") else expected.ack or 0
        self.script_edge = max(self.script_edge or 0, ack + (expected.window << shift))

    def show(self, segment: Segment) -> str:
        """A segment in the script's words."""
        flags = int(segment.flags or 0)
        to_device = segment.dst == self.local_ip
        is_syn = bool(flags & Flags.SYN)
        length = segment.text_length
        if to_device:
            seq = ((segment.seq or 0) - (0 if is_syn else self.remote_isn)) & _MASK
            ack = ((segment.ack or 0) - self._local_offset(is_syn)) & _MASK
            offset = self._local_offset(is_syn)
        else:
            seq = self.from_wire_seq(segment.seq or 0, is_syn)
            ack = self.from_wire_ack(segment.ack or 0, is_syn)
            offset = 0 if is_syn else self.remote_isn
        words = [flag_letters(flags, bool((segment.reserved or 0) & 1)), f"{seq}:{(seq + length) & _MASK}({length})"]
        if flags & Flags.ACK:
            words.append(f"ack {ack}")
        words.append(f"win {segment.window}")
        if segment.urgent:
            words.append(f"urg {segment.urgent}")
        found = tcp_options.split(bytes(segment.options or b""))
        if found is None:
            words.append("<malformed options>")
        elif found:
            words.append("<" + ",".join(tcp_options.show(kind, data, offset) for kind, data in found) + ">")
        return " ".join(words)
