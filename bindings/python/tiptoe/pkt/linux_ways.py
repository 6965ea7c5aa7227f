# SPDX-License-Identifier: Apache-2.0
"""What Linux does and no RFC that this device follows asks for: a larger congestion window, probes for a lost tail.

As in choices.py each rule looks at both sides: it excuses a device only when that does, at this point, what the RFC
says, as far as the wire tells (sender.py). Otherwise the script has failed.
"""

from __future__ import annotations

from .._core import Segment
from .flow import Flow
from .sender import Sender
from .syntax import Tcp

_MASK = 0xFFFFFFFF
_HALF = 1 << 31


def _is_written(flow: Flow, end: int) -> bool:
    """The user has written all octets below that sequence number."""
    return flow.local_isn is not None and (end - flow.local_isn - 1) & _MASK <= len(flow.written)


def full_window(flow: Flow, body: Tcp, taken: int, window: int) -> str | None:
    """New text is expected, and did not come: is the congestion window of RFC 5681 full? `window`: of the peer."""
    sender = flow.sender
    if sender is None or not sender.known or not sender.cwnd or sender.una is None:
        return None
    rest = body.sequence.length - taken
    seq = (flow.to_wire_own(body.sequence.start, body.has("S")) + taken) & _MASK
    if rest <= 0 or seq != flow.snd_nxt or not _is_written(flow, (seq + rest) & _MASK):
        return None
    piece = min(rest, sender.mss)
    if sender.flight + piece > window or not sender.cwnd - piece < sender.flight <= sender.cwnd:
        return None
    return (
        f"Linux has a larger congestion window here; that of the device is full with {sender.flight} octets in flight, "
        "as RFC 5681 3.1 has it (slow start: an ACK adds one segment at most)"
    )


def acks_unsent(flow: Flow, ack: int) -> str | None:
    """The peer acknowledges what the device could not send yet, for its congestion window is full."""
    sender = flow.sender
    if sender is None or not sender.known or not sender.cwnd or flow.snd_nxt is None:
        return None
    if not 0 < (ack - flow.snd_nxt) & _MASK < _HALF or not _is_written(flow, ack):
        return None
    if not sender.cwnd - sender.mss < sender.flight <= sender.cwnd:
        return None
    return (
        f"the peer acknowledges {(ack - flow.snd_nxt) & _MASK} octets that the device has not sent yet: Linux has a "
        f"larger congestion window here; that of the device is full with {sender.flight} octets in flight, as RFC 5681 "
        "3.1 has it (slow start: an ACK adds one segment at most)"
    )


def about_room(names: set[str]) -> str | None:
    """A call differs in these events or errors only: is that about room in the send buffer?"""
    if not names or names - {"EPOLLOUT", "POLLOUT", "EAGAIN", "time", "0"}:
        return None
    return (
        "when Linux has room for more octets depends on the memory that they need (SO_SNDBUF, tcp_wmem); here an octet "
        "counts as one, and no RFC says anything of it"
    )


def probe(
    flow: Flow, body: Tcp, later: Segment, later_us: int, expected_us: int, least_us: int, slack_us: int
) -> str | None:
    """The last segment is expected again, and came later: did the device wait for its retransmission timer?"""
    sender = flow.sender
    if sender is None or sender.una is None or not sender.flight:
        return None
    start = flow.to_wire_own(body.sequence.start, body.has("S"))
    end = (start + body.sequence.length + body.has("F")) & _MASK
    base_us = sender.base_us
    if end != sender.nxt or not 0 < (sender.nxt - start) & _MASK < _HALF or expected_us >= later_us:
        return None
    if later.seq != sender.una or not sender.is_timeout(later_us, least_us, slack_us):
        return None
    return (
        f"Linux sends the last segment again after {(expected_us - base_us) / 1e6:.3f} s, as a probe for a lost tail "
        f"(RFC 8985); the device waits for its retransmission timer of {(later_us - base_us) / 1e6:.3f} s (RFC 6298)"
    )


def window_counted(sender: Sender | None, segments: int) -> str | None:
    """A script claims another congestion window than that of the device: is the device's that of RFC 5681?"""
    if sender is None or not sender.known or not sender.cwnd or segments != sender.cwnd // sender.mss:
        return None
    return (
        f"Linux counts another congestion window here; that of the device is {segments} segments, as RFC 5681 3.1 has "
        "it (slow start: an ACK adds one segment at most)"
    )
