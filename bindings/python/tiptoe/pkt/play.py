# SPDX-License-Identifier: Apache-2.0
"""Plays one script on one device, in the device's own time.

Time passes only where the script lets it: a minute of waiting costs what the device needs to jump over it.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from dataclasses import replace

from .._core import Device, Segment
from .._enums import Flags, State
from .._errors import Inapplicable
from . import choices, code, linux_ways, match, require, shell
from .calls import Calls, ScriptError
from .clock import Clock, Pending
from .config import Config
from .flow import Flow, pieces, shortened
from .host import Host, Phase, Socket
from .leeway import Cut, Live
from .profile import Profile
from .require import Abilities
from .result import Failure, OwnWay, describe, seconds
from .syntax import Call, Code, Command, Event, Packet, Script, Tcp, TimeKind

#: Octets of a part of a long segment, at least: no --mss makes thousands of it.
LEAST_PIECE = 48


class Player(Clock):
    """One run of one script."""

    def __init__(
        self,
        device: Device,
        script: Script,
        profile: Profile,
        config: Config,
        verdicts: require.Verdicts,
        abilities: Abilities,
        seed: int = 1,
    ) -> None:
        self.device = device
        self.script = script
        self.profile = profile
        self.config = config
        self.verdicts = verdicts
        self.reduced = verdicts.reduced
        self.abilities = abilities
        self.host = Host(device, profile, config.local_ip, config.remote_ip)
        self.calls = Calls(self.host, profile, config)
        self.snippets = code.Snippets(profile)
        slack = config.mtu - 40 if verdicts.left_out else 0
        self.rules = match.Rules(
            config.ts_tick_us, config.tolerance_us, frozenset(verdicts.left_out), slack, verdicts.scaled
        )
        self.queue: collections.deque[Live] = collections.deque()
        self.flow: Flow | None = None
        self.pending: Pending | None = None
        self.ladder: list[str] = []
        self.notes: list[str] = []
        self.line = 1
        self.start_us = 0
        self.last_us = 0  # time of the event before, as the script has it
        self._next_port = 40000
        self._records: dict[int, Mapping[str, int]] = {}
        self._states: dict[int, State] = {}
        self._moments: list[choices.Moment] = []
        self.blocks_line: int | None = None  #: of the first SACK blocks that the device cannot heed
        self._cuts: dict[int, Cut] = {}
        self.trailing = ""
        self._seed = seed

    # ------------------------------------------------------------------------------------------------------------- run
    def run(self) -> None:
        """Raises `Failure`, `Inapplicable`, `ScriptError` …"""
        self._set_up()
        events = self.script.events
        ending = len(events)
        while ending and isinstance(events[ending - 1].action, Call):
            ending -= 1
        before = 0
        for i, event in enumerate(events):
            if i == ending:
                self._progress()
                before = len(self.queue)
            self._event(event)
        self._finish(ending < len(events), before)

    def _set_up(self) -> None:
        registers = dict(self.profile.registers)
        if self.config.mtu != registers.get("MTU", 1500):
            registers["MTU"] = self.config.mtu
        address = int.from_bytes(bytes(int(p) for p in self.config.local_ip.split(".")), "big")
        if not self.abilities.address:
            registers["LOCAL_IP0"] = address
        can = {n: v for n, v in registers.items() if self.abilities.can_set(n)}
        self.device.reset(self._seed, **can)
        self.host.registers = {**registers, **{n: v for n, v in self.abilities.fixed.items() if n in registers}}
        self.host.lacks = self.abilities.setting
        recording = self.verdicts.needs_records and self.abilities.records
        if self.abilities.records:
            self.device.set_retire_recording(recording)
        self.start_us = self.host.start_us = self.device.now_us
        if self.script.init_command is not None:
            self._command(self.script.init_command[0], self.script.init_command[1])

    def _event(self, event: Event) -> None:
        self.line = event.line
        earliest, latest = self._window(event.time)
        gap = max(0, earliest - self.last_us)
        tolerance = self.config.tolerance(gap)
        action = event.action
        if isinstance(action, Packet) and action.outbound:
            self._expect(event, action, earliest, latest, tolerance)
        else:
            if isinstance(action, Call) and self.pending is not None:
                self._join(self.pending)
            self._wait_until(earliest)
            if self.now > earliest + tolerance:
                late = seconds(self.now)
                raise Failure(event.line, f"this should happen at {seconds(earliest)} s, but it is {late} s already")
            match action:
                case Packet():
                    self._inject(event, action)
                case Call():
                    self._call(event, action, earliest, tolerance)
                case Command(text):
                    self._command(text, event.line)
                case Code(text):
                    self._code(event.line, text)
        self.last_us = earliest

    def _finish(self, ends_with_calls: bool, before: int) -> None:
        if self.pending is not None:
            self._join(self.pending)
        self._progress()
        while self.queue and self._is_of_a_cut(self.queue[0], None):
            self.queue.popleft()
        if self.reduced:
            while self.queue and self.queue[-1].is_window_update:
                self._skip(self.script.events[-1].line, self.queue.pop())
        if not self.queue:
            return
        live = self.queue[0]
        flow = self._flow_of(live.segment)
        shown = flow.show(live.segment) if flow is not None else str(live.segment)
        when = seconds(live.datagram.time_us - self.start_us)
        wrong = [d for item in self.queue for d in match.defects(item.segment)]
        answers = None
        if self._moments:
            answers = choices.answers_as_it_must(self._moments[-1], [item.segment for item in self.queue])
        if not wrong and (answers or (ends_with_calls and before == 0)):
            self.trailing = (
                f"after the last line the device sent {shown} at {when} s, which the script says nothing about"
            )
            if answers:
                self.trailing += f"; it answers line {self._moments[-1].line}, which {answers}"
            self.notes.append(self.trailing)
            return
        last = self.script.events[-1].line
        raise Failure(
            last,
            "after the last line the device sent a segment that the script does not have"
            + (f" ({len(self.queue)} in all)" if len(self.queue) > 1 else ""),
            "nothing",
            f"{shown} at {when} s",
            [str(d) for d in wrong],
        )

    # --------------------------------------------------------------------------------------------------------- packets
    def _flow_for(self, packet: Packet) -> Flow:
        """The connection that an inbound packet belongs to; a new one when somebody listens and none is there."""
        body = packet.body
        assert isinstance(body, Tcp)
        port = body.ports[0] if body.ports is not None else None
        if port is not None:
            found = next((f for f in reversed(self.host.flows) if f.remote_port == port), None)
            if found is not None:
                self.flow = found
                return found
        elif self.flow is not None:
            return self.flow
        bound = [s for s in self.host.sockets if s.local_port and s.handle is None and s.phase is not Phase.CLOSED]
        listening = [s for s in bound if s.phase is Phase.LISTENING]
        owner = next(reversed(listening or bound), None)
        if port is None:
            self._next_port += 1
            port = self._next_port
        if owner is not None:
            local = owner.local_port
        else:
            local = body.ports[1] if body.ports is not None else self.abilities.service_port or self.config.bind_port
        self.flow = Flow(self.config.local_ip, local, self.config.remote_ip, port, passive=True)
        self.flow.unknown_text = bool(self.abilities.service_port)
        self.host.flows.append(self.flow)
        return self.flow

    def _inject(self, event: Event, packet: Packet) -> None:
        if not isinstance(packet.body, Tcp):
            raise Inapplicable("the device takes TCP segments only")
        flow = self._flow_for(packet)
        scale = packet.body.option("wscale")
        if self.verdicts.scaled and packet.body.has("S") and scale is not None:
            flow.shift = scale.data[0]
        if packet.body.option("sack") and self.verdicts.blocks and self.blocks_line is None:
            self.blocks_line = event.line
        if self.verdicts.stamped:
            packet = shortened(packet, self.host.mtu - 40)
        parts = self._parts(packet)
        before = flow.rcv_nxt
        for part in parts:
            segment = flow.build(part)
            self._moments.append(self._moment(event, flow, segment))
            self._ack_of_too_much(flow, segment)
            self._note_acked(flow, segment)
            self._say("< " + flow.show(segment))
            self.device.inject(segment)
        if len(parts) > 1:
            ends = {((s.segment.seq or 0) + s.length) & 0xFFFFFFFF for s in self._moments[-len(parts) :]}
            self._cuts[event.line] = Cut(
                ends | ({before} if before is not None else set()), len(parts) - 1 + self._acks_at_once
            )
            self.notes.append(f"line {event.line}: sent in {len(parts)} segments")
        self._progress()

    def _parts(self, packet: Packet) -> list[Packet]:
        """The packet, or the segments of which a network card would have made it: no link carries 64 KiB."""
        if not self.abilities.must_cut(packet, self.config.mtu):
            return [packet]
        return pieces(packet, max(LEAST_PIECE, self.config.piece or self.config.mtu - 40))

    def _next_live(self, latest: int) -> Live | None:
        """The next segment of the device, if one comes until then."""
        while not self.queue:
            remaining = latest - self.now
            if remaining < 0:
                return None
            if self.pending is not None and self.pending.deadline_us is not None:
                remaining = min(remaining, max(0, self.pending.deadline_us - self.now))
            datagram = self.device.run_until_output(remaining)
            if datagram is not None:
                self._take(datagram)
            self._progress()
            self._expire_if_due()
            if datagram is None and self.now >= latest and not self.queue:
                return None
        return self.queue.popleft()

    def _expect(self, event: Event, packet: Packet, earliest: int, latest: int, tolerance: int) -> None:
        body = packet.body
        if not isinstance(body, Tcp):
            raise Inapplicable("the device sends TCP segments only")
        any_time = event.time.kind is TimeKind.ANY
        wanted = self._wanted(packet, earliest, latest, any_time)
        taken = 0
        spare: tuple[Live, list[match.Difference], str] | None = None  # an ACK that Linux delays
        while True:
            live = self._next_live(latest + (0 if any_time else tolerance))
            if live is None:
                until = latest + (0 if any_time else tolerance)
                later = None
                if not any_time and not taken:
                    later = self.device.run_until_output(max(0, min(500_000, earliest + 500_000 - self.now)))
                    self._own_way(self.flow, body, None, later=None if later is None else later.segment)
                self._held_back(body, taken)
                if not any_time:
                    self._linux_way(body, taken, earliest, tolerance, later)
                if spare is not None:  # it came in the place of this segment after all
                    text = f"the device sent another segment: {match.summary(spare[1], body, spare[0].segment)}"
                    raise Failure(event.line, text, wanted, spare[2], [str(d) for d in spare[1]])
                raise self._nothing_came(event, wanted, until, taken, body)
            flow = self._flow_of(live.segment)
            time_us = live.datagram.time_us - self.start_us
            broken = match.defects(live.segment)
            if flow is None or (body.ports is not None and body.ports[1] != flow.remote_port):
                raise Failure(
                    event.line, "the segment belongs to no connection of the script", wanted, str(live.segment)
                )
            if self.flow is None:
                self.flow = flow
            if flow is not self.flow and body.ports is None:
                self.flow = flow if not self.flow.heard else self.flow
            if flow is not self.flow and body.ports is None:
                raise Failure(event.line, "the segment belongs to another connection", wanted, str(live.segment))
            flow.note(live.segment, body)
            length = live.segment.text_length
            part = taken if taken or self._is_part(body, live.segment, length) else None
            wrong = broken + match.differences(packet, live.segment, flow, self.rules, part)
            got = f"{flow.show(live.segment)} at {seconds(time_us)} s"
            is_early = time_us < earliest - tolerance
            is_last = part is None or part + length >= body.sequence.length
            if is_last and not any_time and not earliest - tolerance <= time_us <= latest + tolerance:
                off = f"{seconds(time_us)} s"
                wrong.append(match.Difference("time", self._when(earliest, latest, tolerance), off))
            if part is not None and part + length > body.sequence.length:
                wrong.append(match.Difference("octets of text", str(body.sequence.length), str(part + length)))
            if wrong and not broken:
                if self._is_skipped(event.line, live) or self._is_of_a_cut(live, body):
                    continue
                if spare is None and self._is_undelayed(body, live, earliest):
                    spare = live, wrong, got
                    continue
                wrong = self._without_push(event.line, flow, live.segment, wrong)
                if self._is_early_ack(live, time_us, earliest, wrong):
                    self.notes.append(f"line {event.line}: the ACK came at {seconds(time_us)} s (--reduced)")
                    self._wait_until(earliest)
                    return
                if wrong:
                    self._own_way(flow, body, live, only_time=is_early and not any_time)
            if wrong:
                text = f"the device sent another segment: {match.summary(wrong, body, live.segment)}"
                if [d.field for d in wrong] == ["time"]:
                    text = f"the segment came too {'early' if is_early else 'late'}"
                is_honest = not broken and all(d.field != "text" for d in wrong)
                about_sending = is_honest and bool(body.sequence.length or length)
                self._differ(event, text, wanted, got, wrong, about_sending)
            if is_last:
                flow.note_window(body)
                if spare is not None:
                    text = f"{spare[2]} came before; Linux delays this ACK (--reduced)"
                    self.notes.append(f"line {event.line}: {text}")
                return
            taken = (part or 0) + length

    def _differ(
        self, event: Event, text: str, wanted: str, got: str, wrong: list[match.Difference], about_sending: bool
    ) -> None:
        if "packet" in self.config.non_fatal:
            self.notes.append(f"line {event.line}: {text}: expected {wanted}, got {got} (--non_fatal=packet)")
            return
        raise Failure(event.line, text, wanted, got, [str(d) for d in wrong], about_sending)

    def _is_part(self, body: Tcp, segment: Segment, length: int) -> bool:
        """The script may show as one segment what goes out as several (segmentation offload)."""
        if self.config.strict_segments or not 0 < length < body.sequence.length:
            return False
        return not (segment.flags or Flags(0)) & (Flags.SYN | Flags.RST)

    def _when(self, earliest: int, latest: int, tolerance: int) -> str:
        span = seconds(earliest) if earliest == latest else f"{seconds(earliest)}~{seconds(latest)}"
        return f"{span} s (+-{seconds(tolerance)})"

    def _wanted(self, packet: Packet, earliest: int, latest: int, any_time: bool) -> str:
        text = describe(packet, self.verdicts.left_out)
        if any_time:
            return f"{text} at any time"
        span = seconds(earliest) if earliest == latest else f"{seconds(earliest)}~{seconds(latest)}"
        return f"{text} at {span} s"

    def _nothing_came(self, event: Event, wanted: str, until: int, taken: int, body: Tcp) -> Failure:
        got = f"nothing until {seconds(until)} s"
        if taken:
            got = f"{taken} of {body.sequence.length} octets, and nothing more until {seconds(until)} s"
        return Failure(
            event.line,
            "the device did not send this segment",
            wanted,
            got,
            is_about_sending=body.sequence.length > 0,
        )

    # ------------------------------------------------------------------------------------------------- shell and Python
    def _command(self, text: str, line: int) -> None:
        for effect in shell.interpret(text, self.profile):
            match effect:
                case shell.Setting(name, value):
                    self.host.set(name, value)
                case shell.Space(receive, octets):
                    if receive:
                        self.host.receive_space = octets
                    else:
                        self.profile = self.host.profile = self.calls.profile = replace(
                            self.profile, send_buffer=octets
                        )
                case shell.Default(option, value):
                    self.host.defaults[option] = value
                case shell.Note(note):
                    self.notes.append(f"line {line}: {note}")
                case shell.Needs(what):
                    raise Inapplicable(what)
                case shell.Sleep(us):
                    self._wait_until(self.now + us)
                case shell.Count():
                    self._count(line, effect)
                case shell.Drop(state):
                    for socket in self.host.sockets:
                        found = self.host.status(socket) if socket.handle is not None else State.CLOSED
                        if found is not State.CLOSED and state in ("", found.name):
                            self.host.abort(socket)
        self._progress()

    def _drain(self) -> None:
        for record in self.device.take_retire_records():
            if record.connection is not None:
                self._states[record.connection] = record.state
                fields = record.fields
                if fields:
                    self._records[record.connection] = fields

    def _count(self, line: int, question: shell.Count) -> None:
        found = 0
        if question.owned or question.state in ("CLOSED", "LISTEN"):
            for socket in self.host.sockets:
                if socket.phase is not Phase.CLOSED and self.host.status(socket).name == question.state:
                    found += 1
        else:
            self._drain()
            found = sum(state.name == question.state for state in self._states.values())
        if found != question.number:
            raise Failure(
                line,
                f"another number of connections is in {question.state}",
                str(question.number),
                str(found),
            )

    def _under_test(self) -> Socket | None:
        """The socket whose TCP_INFO a snippet sees."""
        mine = [s for s in self.host.sockets if s.flow is not None and s.flow is self.flow]
        open_ = [s for s in mine if s.phase is not Phase.CLOSED]
        if open_ or mine:
            return (open_ or mine)[-1]
        others = [s for s in self.host.sockets if s.phase is not Phase.CLOSED]
        return others[-1] if others else None

    def _code(self, line: int, text: str) -> None:
        self._drain()
        socket = self._under_test()
        flow = socket.flow if socket is not None and socket.flow is not None else self.flow
        record = None
        if flow is not None:
            wanted = (flow.local_port, flow.remote_port)
            record = next((r for r in self._records.values() if (r.get("lport"), r.get("rport")) == wanted), None)
        variables = code.snapshot(self.host, self.profile, socket, record)
        trouble, printed = self.snippets.run(text, variables)
        self.notes += [f"line {line}: {out}" for out in printed.splitlines()[:20]]
        if trouble is None:
            return
        if trouble.about == {"tcpi_snd_cwnd"} and self.profile.name == "linux":
            way = linux_ways.window_counted(flow.sender if flow is not None else None, variables["tcpi_snd_cwnd"])
            if way is not None:
                raise OwnWay(way)
        missing = [n for n in code.available(True, True) - variables.keys() if n in text]
        if not trouble.is_assertion and missing:
            raise Inapplicable(
                f"needs {', '.join(sorted(missing))}, which the device does not tell of a connection like this"
            )
        if not trouble.is_assertion:
            raise ScriptError(f"the code in %{{ }}% could not run: {trouble.text}")
        raise Failure(line, trouble.text, is_about_sending=bool(trouble.about))
