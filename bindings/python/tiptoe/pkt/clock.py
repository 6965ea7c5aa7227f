# SPDX-License-Identifier: Apache-2.0
"""The device's time, and calls that wait in it: the part of the player below packets."""

from __future__ import annotations

import collections
import re
from dataclasses import dataclass

from .._core import Datagram
from . import choices, linux_ways
from .calls import Attempt, Calls, Outcome, ScriptError
from .config import Config
from .host import Phase
from .leeway import Leeway, Live
from .result import Failure, OwnWay, seconds
from .symbols import UnknownSymbol
from .syntax import Anything, Call, Event, Time, TimeKind, show

#: How long `*` waits, microseconds of device time: longer than any retransmission timer.
ANY_TIME_US = 3_600_000_000
#: Calls whose outcome depends on room in the send buffer.
_ABOUT_ROOM = ("write", "writev", "send", "sendto", "sendmsg", "poll", "epoll_wait")


@dataclass
class Pending:
    """A blocking call that has not come back."""

    event: Event
    call: Call
    attempt: Attempt
    end_us: int
    tolerance_us: int
    deadline_us: int | None


class Clock(Leeway):
    """Lets time pass; begins, wakes and judges calls."""

    config: Config
    calls: Calls
    queue: collections.deque[Live]
    pending: Pending | None
    ladder: list[str]
    line: int
    _had_unsent = False

    # ------------------------------------------------------------------------------------------------------------ time
    def _say(self, text: str, time_us: int | None = None) -> None:
        self.ladder.append(f"{seconds(self.now if time_us is None else time_us):>12}  {text}")

    def _collect(self) -> None:
        for datagram in self.device.outputs():
            self._take(datagram)

    def _take(self, datagram: Datagram) -> None:
        live = Live(datagram, datagram.segment, self._moments[-1] if self._moments else None)
        self.queue.append(live)
        flow = self._flow_of(live.segment)
        if flow is not None:
            told = (flow.rcv_nxt, flow.rcv_wnd, flow.snd_nxt)
            live.is_window_update = choices.is_window_update(live.segment, *told)
            flow.track(live.segment)
            self._note_sent(flow, live)
            self._say("> " + flow.show(live.segment), datagram.time_us - self.start_us)
        else:
            self._say(f"> {live.segment}", datagram.time_us - self.start_us)

    def _progress(self) -> None:
        """After anything has happened: what came out, who was woken."""
        self.host.settle()
        self._collect()
        self.host.note()
        self._wake()
        self._collect()

    def _wait_until(self, us: int) -> None:
        """Lets time pass."""
        while True:
            stop = us
            if self.pending is not None and self.pending.deadline_us is not None:
                stop = min(us, max(self.pending.deadline_us, self.now))
            if stop > self.now:
                self.device.advance(stop - self.now)
                self._progress()
            self._expire_if_due()
            if stop >= us:
                return

    def _window(self, event_time: Time) -> tuple[int, int]:
        """(earliest, latest) as the script has it, without tolerance."""
        base = self.now if event_time.is_relative else 0
        if event_time.kind is TimeKind.ANY:
            return self.now, self.now + ANY_TIME_US
        start = base + event_time.start_us
        return start, base + event_time.end_us if event_time.is_range else start

    # ----------------------------------------------------------------------------------------------------------- calls
    def _call(self, event: Event, call: Call, earliest: int, tolerance: int) -> None:
        shown = f"{call.name}({', '.join(map(show, call.arguments))})"
        attempt = self.calls.prepare(call)
        self._had_unsent = self._has_unsent()
        outcome = attempt.run()
        self._after_call(call)
        self._progress()
        if outcome is not None:
            self._say(f"  {shown} = {outcome}")
            self._judge(event, call, outcome)
            if call.end_us is not None:
                end = call.end_us + (earliest - event.time.start_us if event.time.is_relative else 0)
                self._check_end(event, self.now, end, tolerance)
            return
        self._say(f"  {shown} blocks")
        deadline = None if attempt.timeout_us is None else self.now + attempt.timeout_us
        if call.end_us is not None:
            end = call.end_us + (earliest - event.time.start_us if event.time.is_relative else 0)
            self.pending = Pending(event, call, attempt, end, tolerance, deadline)
            return
        self.pending = Pending(event, call, attempt, self.now, tolerance, deadline)
        if deadline is None:
            self.pending = None
            raise Failure(
                event.line,
                "the call blocks, and nothing in the script can wake it",
                self._result_text(call),
                "no return",
            )
        self._wait_until(deadline)

    def _after_call(self, call: Call) -> None:
        """Which connection the next packets are about."""
        if call.name == "listen":
            self.flow = None
        elif call.name == "connect":
            newest = next((f for f in reversed(self.host.flows) if not f.passive), None)
            if newest is not None and not newest.heard and newest.local_isn is None:
                self.flow = newest

    def _wake(self) -> None:
        """Did what has happened end the blocking call?"""
        pending = self.pending
        if pending is None:
            return
        self.line, here = pending.event.line, self.line
        outcome = pending.attempt.run()
        if outcome is not None:
            self._end_pending(pending, outcome, self._ended_at(pending))
        self.line = here

    def _ended_at(self, pending: Pending) -> int:
        """When: the device may have given up while nobody looked."""
        fd = pending.call.arguments[0] if pending.call.arguments else Anything()
        try:
            socket = self.host.find(self.profile.symbols.number(fd))
        except UnknownSymbol:
            socket = None
        if socket is not None and socket.phase is Phase.DEAD and socket.ended_us is not None:
            return min(self.now, socket.ended_us - self.start_us)
        return self.now

    def _expire_if_due(self) -> None:
        """The call that waits has waited long enough."""
        pending = self.pending
        if pending is not None and pending.deadline_us is not None and self.now >= pending.deadline_us:
            self._expire()

    def _expire(self) -> None:
        pending = self.pending
        if pending is not None:
            self._end_pending(pending, pending.attempt.expired or Outcome(0), self.now)

    def _end_pending(self, pending: Pending, outcome: Outcome, when: int) -> None:
        self.pending = None
        self._say(f"  {pending.call.name}() returns {outcome}", when)
        self._judge(pending.event, pending.call, outcome)
        if pending.call.end_us is not None:
            self._check_end(pending.event, when, pending.end_us, pending.tolerance_us)
        self.host.settle()

    def _join(self, pending: Pending) -> None:
        """Waits for a blocking call as long as the script allows."""
        limit = pending.end_us + pending.tolerance_us
        while self.pending is pending and self.now < limit:
            datagram = self.device.run_until_output(limit - self.now)
            if datagram is not None:
                self._take(datagram)
            self._progress()
            if pending.deadline_us is not None and self.pending is pending and self.now >= pending.deadline_us:
                self._expire()
        if self.pending is pending:
            self.pending = None
            self._about_room(pending.call, {"time"})
            raise Failure(
                pending.event.line,
                f"the call has not come back at {seconds(self.now)} s",
                f"{self._result_text(pending.call)} at {seconds(pending.end_us)} s",
                "no return",
            )

    def _check_end(self, event: Event, when: int, end: int, tolerance: int) -> None:
        if abs(when - end) > tolerance:
            self._about_room(event.action, {"time"})
            raise Failure(
                event.line,
                f"the call came back too {'early' if when < end else 'late'}",
                f"{seconds(end)} s (+-{seconds(tolerance)})",
                f"{seconds(when)} s",
            )

    def _result_text(self, call: Call) -> str:
        return show(call.result) + (f" {call.errno}" if call.errno else "")

    def _has_unsent(self) -> bool:
        """Octets that have been written are not acknowledged yet."""
        return any(s.phase is Phase.CONNECTED and self.host.unsent(s) for s in self.host.sockets)

    def _about_room(self, call: object, names: set[str]) -> None:
        """Raises `OwnWay` if a call differs only in what Linux makes of the memory of its send buffer."""
        if self.profile.name != "linux" or not isinstance(call, Call) or call.name not in _ABOUT_ROOM:
            return
        waiting = self._has_unsent() if names == {"time"} else self._had_unsent
        text = linux_ways.about_room(names) if waiting else None
        if text is not None:
            raise OwnWay(text)

    def _judge(self, event: Event, call: Call, outcome: Outcome) -> None:
        """Is the outcome what the script says?"""
        wanted = self._result_text(call)
        try:
            number = None if isinstance(call.result, Anything) else self.profile.symbols.number(call.result)
        except UnknownSymbol as e:
            raise ScriptError(str(e)) from None
        got = outcome.errno or ""
        same = number is None or number == outcome.value
        if same and call.errno is not None:
            same = self.profile.symbols.same_error(call.errno, got)
        details = list(outcome.details)
        if same and not details:
            return
        differences = [f"{what}: expected {a}, got {b}" for what, a, b in details]
        if same:
            text = f"{call.name}() gave something else back: {'; '.join(differences)}"
            wanted, shown = ", ".join(f"{w} {a}" for w, a, _ in details), ", ".join(f"{w} {b}" for w, _, b in details)
        else:
            shown = str(outcome)
            text = f"{call.name}() returned {shown} instead of {wanted}"
        if same:
            self._own_way(None, None, None)
        self._about_room(call, _what_differs(call, outcome, same))
        if "syscall" in self.config.non_fatal:
            self.notes.append(f"line {event.line}: {text}: expected {wanted}, got {shown} (--non_fatal=syscall)")
            return
        raise Failure(event.line, text, wanted, shown, differences)


def _what_differs(call: Call, outcome: Outcome, same: bool) -> set[str]:
    """Names of events, or the error, by which an outcome is another than the script's."""
    events = [(a, b) for what, a, b in outcome.details if "events" in what]
    if events:
        return {name for a, b in events for name in set(a.split("|")) ^ set(b.split("|"))}
    if call.name == "epoll_wait" and not same and outcome.value == 0:
        return set(re.findall("EPOLL[A-Z]+", show(call.arguments[1])))
    return {call.errno} if call.errno and not same and outcome.value > 0 else set()
