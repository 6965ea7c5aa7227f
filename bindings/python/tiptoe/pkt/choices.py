# SPDX-License-Identifier: Apache-2.0
"""Where a system does something else than RFC 9293 asks for, and a script shows that system's way.

A script that wants such a way does not apply to a device that does what the RFC says at that point: `explain` gives the
sentence. It looks at both sides. If the device did neither, there is no sentence, and the script failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._core import Segment
from .._enums import Flags, State
from .syntax import Tcp

_MASK = 0xFFFFFFFF
_HALF = 1 << 31
_CONTROL = Flags.SYN | Flags.FIN | Flags.RST | Flags.ACK | Flags.URG
_TAKING = (State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2)  # what takes text


@dataclass(frozen=True)
class Moment:
    """A segment towards the device, and what the device had told until then. Numbers are those of the wire."""

    line: int
    time_us: int
    segment: Segment
    state: State  #: before
    rcv_nxt: int | None  #: None: nothing has been acknowledged yet
    rcv_wnd: int  #: as advertised
    snd_nxt: int | None  #: after everything that was sent
    fin_seq: int | None  #: of the device's FIN, when it has been sent
    system_wnd: int  #: the window of the system that the script was written for
    beyond: int = 0  #: octets of it above the window that the script's device has shown

    @property
    def flags(self) -> Flags:
        """Its control bits."""
        return self.segment.flags or Flags(0)

    @property
    def seq(self) -> int:
        """Its sequence number."""
        return self.segment.seq or 0

    @property
    def length(self) -> int:
        """SEG.LEN: text, SYN and FIN."""
        return self.segment.text_length + bool(self.flags & Flags.SYN) + bool(self.flags & Flags.FIN)

    @property
    def offset(self) -> int:
        """Of its sequence number from RCV.NXT; negative below."""
        return ((self.seq - (self.rcv_nxt or 0) + _HALF) & _MASK) - _HALF

    @property
    def acceptable(self) -> bool:
        """RFC 9293 3.10.7.4, the table of the acceptability test."""
        if self.rcv_nxt is None:
            return True
        first, last = self.offset, self.offset + max(0, self.length - 1)
        if self.rcv_wnd == 0:
            return self.length == 0 and first == 0
        return 0 <= first < self.rcv_wnd or (self.length > 0 and 0 <= last < self.rcv_wnd)

    @property
    def acks_unsent(self) -> bool:
        """It acknowledges what the device has never sent."""
        if self.snd_nxt is None or not self.flags & Flags.ACK:
            return False
        return 0 < ((self.segment.ack or 0) - self.snd_nxt) & _MASK < _HALF


@dataclass(frozen=True)
class Surprise:
    """What the device did instead of what the script says."""

    moment: Moment  #: the segment that it answered, or did not
    expected: Tcp | None  #: the script's line; None: a call, or silence
    expected_seq: int | None  #: on the wire
    expected_ack: int | None
    got: Segment | None  #: None: nothing, or the outcome of a call
    only_time: bool = False  #: it came too early to be the one that is expected
    later: Segment | None = None  #: what came within half a second after nothing had come
    system: str = "FreeBSD"  #: the system that the script was written for


def is_bare(segment: Segment) -> bool:
    """An ACK without anything else."""
    return (segment.flags or Flags(0)) & _CONTROL == Flags.ACK and segment.text_length == 0


def is_window_update(segment: Segment, rcv_nxt: int | None, rcv_wnd: int, snd_nxt: int | None) -> bool:
    """A plain ACK that tells nothing but a larger window. The other numbers are what the device had told before."""
    return (
        is_bare(segment)
        and rcv_nxt is not None
        and (segment.ack, segment.seq) == (rcv_nxt, snd_nxt)
        and (segment.window or 0) > rcv_wnd
    )


def is_plain_ack(segment: Segment, moment: Moment) -> bool:
    """<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>"""
    return (
        is_bare(segment) and segment.ack == moment.rcv_nxt and (moment.snd_nxt is None or segment.seq == moment.snd_nxt)
    )


def answers_as_it_must(moment: Moment, segments: list[Segment]) -> str | None:
    """Why RFC 9293 wants the one ACK that the device sent: in words, None if it does not."""
    if moment.flags & Flags.RST or len(segments) != 1:
        return None
    if acknowledges(moment, segments[0]):
        return "carries what must be acknowledged (RFC 9293 3.8.6.3)"
    if not is_plain_ack(segments[0], moment):
        return None
    if not moment.acceptable:
        return "is outside the window"
    return "acknowledges what was never sent" if moment.acks_unsent else None


def acknowledges(moment: Moment, segment: Segment) -> bool:
    """It is the ACK of the text or FIN that has just come, in order and whole, and of nothing else."""
    new = moment.offset + moment.length
    return (
        is_bare(segment)
        and moment.rcv_nxt is not None
        and moment.state in _TAKING
        and moment.acceptable
        and bool(moment.flags & Flags.ACK)
        and moment.offset <= 0 < new <= moment.rcv_wnd
        and segment.ack == (moment.rcv_nxt + new) & _MASK
        and segment.seq == moment.snd_nxt
    )


def _window_edge(s: Surprise) -> str | None:
    m = s.moment
    if m.rcv_nxt is None or not m.rcv_wnd <= m.offset < m.system_wnd:
        return None
    if s.got is not None and not is_plain_ack(s.got, m):
        return None
    return (
        f"the segment of line {m.line} begins {m.offset} octets above RCV.NXT: inside the window of {m.system_wnd} "
        f"octets that {s.system} judges by, outside the {m.rcv_wnd} that the device has advertised (RFC 9293 3.4)"
    )


def _fin_again(s: Surprise) -> str | None:
    m = s.moment
    if s.expected is None or s.got is None or m.fin_seq is None or m.state is not State.FIN_WAIT_1:
        return None
    repeated = s.expected.has("F.") and s.expected_seq == m.fin_seq
    acknowledged = (s.got.flags or Flags(0)) & _CONTROL == Flags.ACK and s.got.seq == (m.fin_seq + 1) & _MASK
    if not (m.flags & Flags.FIN and repeated and acknowledged and s.got.ack == s.expected_ack):
        return None
    return f"{s.system} repeats its FIN on entering CLOSING; the device only acknowledges, as RFC 9293 3.10.7.4 has it"


def _numbers_of_reset(s: Surprise) -> str | None:
    m = s.moment
    if s.expected is None or s.got is None or not s.expected.has("R.") or not m.flags & Flags.SYN:
        return None
    flags = (s.got.flags or Flags(0)) & _CONTROL
    if m.flags & Flags.ACK:
        by_the_rfc = flags == Flags.RST and s.got.seq == m.segment.ack
    else:
        by_the_rfc = flags == Flags.RST | Flags.ACK and s.got.seq == 0 and s.got.ack == (m.seq + m.length) & _MASK
    if not by_the_rfc or s.expected_seq != m.snd_nxt:
        return None
    return (
        f"{s.system} numbers the reset for a SYN in the window by the connection; the device by the SYN, as RFC 9293 "
        "3.5.2 has it where there is no connection"
    )


def _without_ack_bit(s: Surprise) -> str | None:
    m = s.moment
    early = s.only_time and s.got is not None and is_plain_ack(s.got, m)
    if not early or m.flags & (Flags.ACK | Flags.RST | Flags.SYN) or m.acceptable:
        return None
    return (
        f"{s.system} drops the segment of line {m.line}, which is outside the window and has no ACK bit, in silence; "
        "the device acknowledges, as RFC 9293 3.10.7.4 has it (first check)"
    )


def _reset_in_listen(s: Surprise) -> str | None:
    m = s.moment
    if s.got is None or m.state is not State.LISTEN or not m.flags & Flags.ACK or m.flags & Flags.RST:
        return None
    if (s.got.flags or Flags(0)) & _CONTROL != Flags.RST or s.got.seq != m.segment.ack:
        return None
    return (
        f"{s.system} ignores the segment of line {m.line}; the device answers an ACK in LISTEN with a reset, "
        "as RFC 9293 3.10.7.2 has it"
    )


def _old_in_part(s: Surprise) -> str | None:
    m = s.moment
    new = m.offset + m.length
    if s.expected is None or s.got is not None or not m.offset < 0 < new or s.later is None:
        return None
    delayed = (s.later.flags or Flags(0)) & _CONTROL == Flags.ACK and s.later.ack == s.expected_ack
    if not delayed or s.expected_ack != ((m.rcv_nxt or 0) + new) & _MASK:
        return None
    return (
        f"{s.system} acknowledges the segment of line {m.line}, which is old in part, at once; the device delays the "
        "ACK, as RFC 9293 3.8.6.3 allows"
    )


def _ack_of_nothing(s: Surprise) -> str | None:
    m = s.moment
    if s.got is None or not is_plain_ack(s.got, m) or m.flags & (Flags.RST | Flags.SYN) or not m.acks_unsent:
        return None
    return (
        f"{s.system} drops the segment of line {m.line}, which acknowledges what was never sent, in silence; the "
        "device sends an ACK, as RFC 9293 3.10.7.4 has it (fifth check)"
    )


def _ack_in_time_wait(s: Surprise) -> str | None:
    m = s.moment
    if s.expected is None or s.got is not None or m.state is not State.TIME_WAIT or not m.acceptable or m.length:
        return None
    if m.flags & _CONTROL != Flags.ACK or s.later is not None or s.expected_ack != m.rcv_nxt:
        return None
    return f"{s.system} answers the ACK of line {m.line} in TIME_WAIT; RFC 9293 3.10.7.4 asks for no answer"


def _smaller_buffer(s: Surprise) -> str | None:
    m = s.moment
    last = m.offset + m.length
    if m.rcv_nxt is None or not m.beyond or not 0 < last <= m.rcv_wnd or s.got is None:
        return None
    if not is_bare(s.got) or not 0 < ((s.got.ack or 0) - m.rcv_nxt) & _MASK <= last:  # of it all, or of a part
        return None
    return (
        f"the segment of line {m.line} ends {m.beyond} octets beyond the window that {s.system} has shown, for its "
        f"receive buffer is smaller; it is inside the {m.rcv_wnd} octets that the device has advertised (RFC 9293 3.4)"
    )


_RULES: tuple[Callable[[Surprise], str | None], ...] = (
    _fin_again,
    _numbers_of_reset,
    _without_ack_bit,
    _reset_in_listen,
    _old_in_part,
    _ack_of_nothing,
    _ack_in_time_wait,
    _window_edge,
    _smaller_buffer,
)


def explain(surprise: Surprise) -> str | None:
    """The system's own way that the script wants, in a sentence; None when it is not that."""
    return next((text for rule in _RULES if (text := rule(surprise)) is not None), None)
