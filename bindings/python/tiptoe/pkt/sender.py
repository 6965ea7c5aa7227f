# SPDX-License-Identifier: Apache-2.0
"""The device as a sender, seen from the wire alone: what RFC 5681 lets it have in flight, when RFC 6298 lets it repeat.

Known while nothing has been lost: slow start, one retransmission timer. It excuses a device only where that is enough.

    sender = Sender(mss=1000, initial=10_000)
    sender.sent(1, 10_001, time_us)
    sender.acked(2_001, time_us)
    sender.cwnd                # 11_000: an ACK adds at most one segment
"""

from __future__ import annotations

from dataclasses import dataclass, field

_MASK = 0xFFFFFFFF
_HALF = 1 << 31


def _after(a: int, b: int) -> bool:
    return 0 < (a - b) & _MASK < _HALF


@dataclass
class Sender:
    """One connection. Sequence numbers are those of the wire, times microseconds."""

    mss: int
    initial: int  #: octets of the initial window
    cwnd: int = 0
    known: bool = True  #: the congestion window is: no loss, no long silence
    una: int | None = None
    nxt: int = 0
    base_us: int = 0  #: when the retransmission timer was started last
    repeats: int = 0  #: timeouts in a row
    shortest_us: int | None = None  #: round trips
    longest_us: int = 0
    _sent: dict[int, int] = field(default_factory=dict)  # end -> time, of what has been sent once
    _last_us: int = 0
    _syn_repeated: bool = False

    @property
    def flight(self) -> int:
        """Octets that are not acknowledged."""
        return 0 if self.una is None else (self.nxt - self.una) & _MASK

    def sent(self, start: int, end: int, time_us: int, is_syn: bool = False, pause_us: int = 200_000) -> None:
        """The device has sent [start, end), SYN and FIN counted. Slow start may begin again after a pause longer than
        the retransmission timeout, which is `pause_us` at least."""
        if start == end:
            return
        if self.una is None:
            self.una = self.nxt = start
        if _after(end, self.nxt):
            if self.flight == 0:
                self.base_us = time_us
            pause_us = max(pause_us, 3 * self.longest_us)
            if self.cwnd > self.initial and time_us - self._last_us > pause_us:
                self.known = False
            self.nxt = end
            self._sent[end] = time_us
        else:
            self.repeats += 1
            self.base_us = time_us
            self._sent.clear()
            self._syn_repeated |= is_syn
            self.known = self.known and is_syn
        self._last_us = time_us

    def acked(self, ack: int, time_us: int, is_empty: bool) -> None:
        """The peer has acknowledged everything below `ack`; `is_empty`: in a segment without anything else."""
        if self.una is None or _after(ack, self.nxt):
            return
        if ack == self.una:
            self.known = self.known and not (is_empty and self.flight)  # perhaps a duplicate
            return
        if not _after(ack, self.una):
            return
        times = [t for end, t in self._sent.items() if not _after(end, ack)]
        self._sent = {end: t for end, t in self._sent.items() if _after(end, ack)}
        if times:
            trip = time_us - max(times)
            self.shortest_us = trip if self.shortest_us is None else min(self.shortest_us, trip)
            self.longest_us = max(self.longest_us, time_us - min(times))
        if self.cwnd == 0:  # the ACK of the SYN
            self.cwnd = self.mss if self._syn_repeated else self.initial
        else:
            self.cwnd += min((ack - self.una) & _MASK, self.mss)
        self.una = ack
        self.repeats = 0
        self.base_us = time_us

    def is_timeout(self, time_us: int, least_us: int, slack_us: int) -> bool:
        """RFC 6298 has the retransmission timer expire about then. `least_us`: the least timeout."""
        if self.shortest_us is None:
            return False
        low = max(least_us, self.shortest_us) << self.repeats
        high = max(least_us, 3 * self.longest_us) << self.repeats
        after = time_us - self.base_us
        return low - slack_us <= after <= high + high // 8 + slack_us
