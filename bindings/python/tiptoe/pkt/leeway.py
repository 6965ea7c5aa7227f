# SPDX-License-Identifier: Apache-2.0
"""Where a device may do something else than a script says and be right: ways of systems (choices.py), what --reduced
leaves open. The half of the player that judges surprises.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._core import Datagram, Device, Segment
from .._enums import Flags, State
from . import choices, linux_ways, match, sockopts
from .flow import Flow
from .host import Host
from .profile import Profile
from .require import Abilities
from .result import OwnWay
from .sender import Sender
from .syntax import Event, Script, Tcp


@dataclass
class Live:
    """A datagram of the device that no line has taken yet."""

    datagram: Datagram
    segment: Segment
    moment: choices.Moment | None = None  #: the last segment towards the device before it
    is_window_update: bool = False


@dataclass
class Cut:
    """A segment of the script that went towards the device in parts, each of which it may acknowledge."""

    acks: set[int]  #: acknowledgment numbers, on the wire
    left: int  #: ACKs that the script need not show


class Leeway:
    """What a player knows of the exchange so far, and what follows from it for a surprise."""

    device: Device
    script: Script
    profile: Profile
    abilities: Abilities
    host: Host
    flow: Flow | None
    reduced: bool
    notes: list[str]
    start_us: int
    _moments: list[choices.Moment]
    _cuts: dict[int, Cut]  #: by line

    @property
    def now(self) -> int:
        """Microseconds since the script began."""
        return self.device.now_us - self.start_us

    def _flow_of(self, segment: Segment) -> Flow | None:
        for flow in reversed(self.host.flows):
            if (flow.local_port, flow.remote_port) == (segment.src_port, segment.dst_port) and (
                flow.remote_ip == segment.dst and flow.local_ip == segment.src
            ):
                return flow
        return None

    def _note_sent(self, flow: Flow, live: Live) -> None:
        """Keeps account of the device as a sender."""
        flags = live.segment.flags or Flags(0)
        if flags & Flags.RST:
            return
        start = live.segment.seq or 0
        is_syn = bool(flags & Flags.SYN)
        if is_syn and (flow.sender is None or flow.sender.una != start):
            flow.sender = Sender(0, 0)
        if flow.sender is not None:
            end = (start + live.segment.text_length + is_syn + bool(flags & Flags.FIN)) & 0xFFFFFFFF
            least = self.host.registers.get("RTO_MIN", 200_000)
            flow.sender.sent(start, end, live.datagram.time_us - self.start_us, is_syn, least)

    def _note_acked(self, flow: Flow, segment: Segment) -> None:
        """The peer acknowledges."""
        sender, flags = flow.sender, segment.flags or Flags(0)
        if sender is None or not flags & Flags.ACK or flags & Flags.RST:
            return
        if not sender.cwnd:
            sender.mss = min(self.host.mtu - 40, max(48, flow.peer_mss or 536))
            count = self.host.registers.get("IW_SEGS")
            sender.initial = sender.mss * (count or 0)
            sender.known = sender.known and bool(count)
        is_empty = segment.text_length == 0 and not flags & (Flags.SYN | Flags.FIN)
        sender.acked(segment.ack or 0, self.now, is_empty)

    def _ack_of_too_much(self, flow: Flow, segment: Segment) -> None:
        """Raises `OwnWay` if only Linux would have sent what the peer acknowledges."""
        if self.profile.name == "linux" and (segment.flags or Flags(0)) & Flags.ACK:
            text = linux_ways.acks_unsent(flow, segment.ack or 0)
            if text is not None:
                raise OwnWay(text)

    def _linux_way(self, body: Tcp, taken: int, earliest: int, tolerance: int, later: Datagram | None) -> None:
        """Raises `OwnWay` if a segment that has not come is one that only Linux sends."""
        flow, moment = self.flow, self._moments[-1] if self._moments else None
        if self.profile.name != "linux" or flow is None or moment is None:
            return
        text = linux_ways.full_window(flow, body, taken, moment.segment.window or 0)
        if text is None and not taken:
            patience = 130_000_000 if self.abilities.slack_us == 0 else 1_000_000  # longer than RTO_MAX of Linux
            later = later or self.device.run_until_output(patience)
            if later is not None and self._flow_of(later.segment) is flow:
                least = self.host.registers.get("RTO_MIN", 1_000_000)
                when = later.time_us - self.start_us
                if not match.defects(later.segment) and not match.text_differences(later.segment, flow):
                    text = linux_ways.probe(flow, body, later.segment, when, earliest, least, tolerance)
        if text is not None:
            raise OwnWay(text)

    def _moment(self, event: Event, flow: Flow, segment: Segment) -> choices.Moment:
        """What is so when a segment is about to be sent towards the device."""
        mine = next((s for s in reversed(self.host.sockets) if s.flow is flow), None)
        state = State.CLOSED
        if mine is not None:
            state = self.host.status(mine)
        elif not flow.passive or flow.rcv_nxt is not None:  # nobody has accepted it yet
            state = State.ESTABLISHED if flow.established else State.SYN_RECEIVED
        elif any(s.listener is not None and s.local_port == flow.local_port for s in self.host.sockets):
            state = State.LISTEN
        space = self.host.receive_space
        if self.profile.rounds_buffers and flow.peer_mss:
            mss = min(flow.peer_mss, self.host.mtu - 40)
            space = -(-space // mss) * mss
        end = (flow.from_wire_ack(segment.seq or 0, False) + segment.text_length) & 0xFFFFFFFF
        beyond = 0 if flow.script_edge is None else max(0, end - flow.script_edge)
        return choices.Moment(
            event.line, self.now, segment, state, flow.rcv_nxt, flow.rcv_wnd, flow.snd_nxt, flow.fin_seq, space, beyond
        )

    def _own_way(
        self,
        flow: Flow | None,
        expected: Tcp | None,
        live: Live | None,
        only_time: bool = False,
        later: Segment | None = None,
    ) -> None:
        """Raises `OwnWay` if that is what the script wants."""
        moment = live.moment if live is not None else self._moments[-1] if self._moments else None
        if moment is None:
            return
        seq = ack = None
        if expected is not None and flow is not None:
            is_syn = expected.has("S")
            seq = flow.to_wire_own(expected.sequence.start, is_syn)
            ack = flow.to_wire_peer(expected.ack or 0, is_syn)
        got = None if live is None else live.segment
        text = choices.explain(choices.Surprise(moment, expected, seq, ack, got, only_time, later, self.profile.title))
        if text is not None:
            raise OwnWay(text)

    def _skip(self, line: int, live: Live) -> None:
        flow = self._flow_of(live.segment)
        shown = flow.show(live.segment) if flow is not None else str(live.segment)
        self.notes.append(f"line {line}: {shown} is a window update that the script does not have (--reduced)")

    def _is_skipped(self, line: int, live: Live) -> bool:
        """A window update in the place of another segment. When windows are not compared, neither are their updates."""
        if not live.is_window_update:
            return False
        if not self.reduced:
            raise OwnWay(
                f"{self.profile.title} sends no window update here; the device does, as RFC 9293 3.8.6.2.2 allows"
            )
        self._skip(line, live)
        return True

    def _is_of_a_cut(self, live: Live, expected: Tcp | None) -> bool:
        """An ACK of a part of a segment that the script shows as one; of no more than it expects."""
        flow = self._flow_of(live.segment)
        if expected is not None and expected.has(".") and flow is not None:
            ahead = (flow.from_wire_ack(live.segment.ack or 0, False) - (expected.ack or 0)) & 0xFFFFFFFF
            if 0 < ahead < 1 << 31:
                return False
        cut = self._cuts.get(live.moment.line) if live.moment is not None else None
        if cut is None or not cut.left:
            return False
        if not choices.is_bare(live.segment) or live.segment.ack not in cut.acks or match.defects(live.segment):
            return False
        cut.left -= 1
        return True

    @property
    def _acks_at_once(self) -> bool:
        """The device is set up so, because Linux does it at the beginning of a connection. Later Linux delays ACKs."""
        return self.reduced and self.profile.name == "linux"

    def _is_undelayed(self, expected: Tcp, live: Live, earliest: int) -> bool:
        """The ACK of text that Linux acknowledges later (RFC 9293 3.8.6.3: within 0.5 s): with what it sends then, or
        together with more text."""
        moment, flow = live.moment, self._flow_of(live.segment)
        if not self._acks_at_once or moment is None or flow is None or earliest - moment.time_us > 500_000:
            return False
        if not choices.acknowledges(moment, live.segment) or match.defects(live.segment):
            return False
        ahead = ((expected.ack or 0) - flow.from_wire_ack(live.segment.ack or 0, False)) & 0xFFFFFFFF
        is_later = expected.has(".") and 0 < ahead < 1 << 31
        carries = ahead == 0 and expected.has(".") and (expected.sequence.length > 0 or expected.has("F"))
        return is_later or carries or (expected.has("R") and not expected.has("."))

    def _is_early_ack(self, live: Live, time_us: int, earliest: int, wrong: list[match.Difference]) -> bool:
        """How long Linux delays an ACK depends on what it believes of the connection, how long FreeBSD does on its
        version, unless the script sets it; RFC 9293 3.8.6.3: up to 0.5 s."""
        moment = live.moment
        if not self.reduced or moment is None or len(wrong) != 1 or self.profile.name == "rfc":
            return False
        if moment is not self._moments[-1]:  # something else has come since, which the ACK may be for
            return False
        if self.profile.name == "freebsd" and "delacktime" in self.script.text:
            return False
        in_time = moment.time_us <= time_us < earliest <= moment.time_us + 500_000
        return in_time and wrong[0].field == "time" and choices.is_bare(live.segment)

    def _without_push(
        self, line: int, flow: Flow, segment: Segment, wrong: list[match.Difference]
    ) -> list[match.Difference]:
        """Linux pushes the last segment of a burst; RFC 9293 3.9.1.2 the last octets that were written (MUST-60)."""
        if not self.reduced or flow.local_isn is None:
            return wrong
        missing = [d for d in wrong if d.field == "flags" and set(d.wanted) - {"P"} == set(d.got)]
        end = ((segment.seq or 0) + segment.text_length - flow.local_isn - 1) & 0xFFFFFFFF
        if not missing or end >= len(flow.written):
            return wrong
        self.notes.append(f"line {line}: the segment is not pushed, for more octets follow (--reduced)")
        return [d for d in wrong if d not in missing]

    def _held_back(self, body: Tcp, taken: int) -> None:
        """Raises `OwnWay` if the Nagle algorithm of RFC 9293 3.7.4 keeps the segment back. Kernels are milder."""
        flow, moment = self.flow, self._moments[-1] if self._moments else None
        socket = next((s for s in reversed(self.host.sockets) if s.flow is flow), None)
        if flow is None or socket is None or moment is None or socket.options.get("TCP_NODELAY"):
            return
        seq = (flow.to_wire_own(body.sequence.start, body.has("S")) + taken) & 0xFFFFFFFF
        outstanding = (seq - (moment.segment.ack or 0)) & 0xFFFFFFFF
        mss = sockopts.mss(self.host, socket)
        small = 0 < body.sequence.length - taken < mss and taken % mss == 0
        is_written = flow.local_isn is not None and (
            (seq - flow.local_isn - 1 + body.sequence.length - taken) & 0xFFFFFFFF <= len(flow.written)
        )
        if small and is_written and not body.has("F") and seq == flow.snd_nxt and 0 < outstanding < 1 << 31:
            raise OwnWay(
                f"{self.profile.title} sends less than a full segment while {outstanding} octets are not acknowledged; "
                "the device waits, as RFC 9293 3.7.4 has it (Nagle)"
            )
