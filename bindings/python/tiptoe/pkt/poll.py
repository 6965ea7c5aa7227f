# SPDX-License-Identifier: Apache-2.0
"""poll and epoll: readiness of sockets, asked of the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._enums import State
from .host import Host, Phase, Socket
from .profile import Profile
from .syntax import Anything, Array, Expression, Number, Struct, show

if TYPE_CHECKING:
    from .calls import Outcome

IN, OUT, ERR, HUP, NVAL, RDHUP = 1, 4, 8, 0x10, 0x20, 0x2000
_ONESHOT, _EDGE = 1 << 30, 1 << 31
_ALWAYS = ERR | HUP

Steps = tuple[Callable[[], "Outcome | None"], "Outcome"]


@dataclass
class _Watch:
    events: int
    data: int
    seen: int = -1  #: activity of the socket when it was last reported
    reported: int = 0
    off: bool = False


@dataclass
class _Epoll:
    fd: int
    watches: dict[int, _Watch] = field(default_factory=dict)


class Poll:
    """Waiting for several sockets."""

    def __init__(self, host: Host, profile: Profile) -> None:
        self.host = host
        self.profile = profile
        self._epolls: dict[int, _Epoll] = {}

    def readiness(self, socket: Socket) -> int:
        """The events that are there now, in Linux' numbers."""
        host = self.host
        if socket.listener is not None:
            return IN if host.readable(socket) else 0
        if socket.phase is Phase.NEW:
            return OUT | HUP
        state = host.status(socket)
        events = 0
        if host.readable(socket) or host.at_end(socket):
            events |= IN
        if socket.phase is Phase.DEAD or host.at_end(socket):
            events |= RDHUP
        if socket.phase is Phase.DEAD or (socket.shut_write and host.at_end(socket)):
            events |= HUP
        if socket.error is not None:
            events |= ERR | IN
        if socket.notices is not None and socket.notices.queue:
            events |= ERR
        lowat = socket.options.get("TCP_NOTSENT_LOWAT", 0) & 0xFFFFFFFF or host.defaults.get("TCP_NOTSENT_LOWAT", 0)
        idle = socket.flow is None or not lowat or 2 * (len(socket.flow.written) - host.sent(socket)) < lowat
        if socket.phase is Phase.CONNECTED and state is not State.SYN_RECEIVED and host.room(socket) and idle:
            events |= OUT
        if socket.phase is Phase.DEAD or socket.shut_write:
            events |= OUT
        return events

    def _names(self, events: int, prefix: str) -> str:
        names = {"IN": IN, "OUT": OUT, "ERR": ERR, "HUP": HUP, "NVAL": NVAL, "RDHUP": RDHUP, "PRI": 2}
        text = "|".join(prefix + name for name, bit in names.items() if events & bit)
        rest = events & ~sum(names.values())
        return "|".join(p for p in (text, hex(rest) if rest else "") if p) or "0"

    # ---- poll
    def poll(self, argument: Expression, immediate: bool) -> Steps:
        """poll(): the steps, and what it says when time is up."""
        from .calls import Outcome, ScriptError

        if not isinstance(argument, Array):
            raise ScriptError("poll() takes an array of {fd=, events=, revents=}")
        number = self.profile.symbols.number
        entries: list[tuple[int, int, int | None]] = []
        for item in argument.items:
            if not isinstance(item, Struct):
                raise ScriptError(f"{show(item)} is not {{fd=, events=, revents=}}")
            fd, events, revents = item.member("fd"), item.member("events"), item.member("revents")
            if fd is None or events is None:
                raise ScriptError(f"{show(item)} needs fd and events")
            wanted = 0 if revents is None else None if isinstance(revents, Anything) else number(revents)
            entries.append((number(fd), number(events), wanted))

        def now() -> Outcome:
            outcome = Outcome(0)
            for fd, events, wanted in entries:
                socket = self.host.find(fd)
                got = NVAL if socket is None else self.readiness(socket) & (events | _ALWAYS)
                outcome.value += bool(got)
                if wanted is not None and wanted != got:
                    what = f"revents of descriptor {fd}"
                    outcome.details.append((what, self._names(wanted, "POLL"), self._names(got, "POLL")))
            return outcome

        def step() -> Outcome | None:
            outcome = now()
            return outcome if immediate or outcome.value else None

        details = [
            (f"revents of descriptor {fd}", self._names(wanted, "POLL"), "0") for fd, _, wanted in entries if wanted
        ]
        return step, Outcome(0, None, details)

    # ---- epoll
    def create(self, expected: int) -> int:
        """epoll_create()"""
        fd = expected if expected > 2 and self.host.find(expected) is None and expected not in self._epolls else 1000
        while fd in self._epolls:
            fd += 1
        self._epolls[fd] = _Epoll(fd)
        return fd

    def close(self, fd: int) -> bool:
        """Closes an epoll descriptor."""
        return self._epolls.pop(fd, None) is not None

    def forget(self, fd: int) -> None:
        """A socket is closed."""
        for epoll in self._epolls.values():
            epoll.watches.pop(fd, None)

    def control(self, epoll_fd: int, operation: int, fd: int, event: Expression) -> str | None:
        """epoll_ctl(); the errno."""
        from .calls import ScriptError

        epoll = self._epolls.get(epoll_fd)
        if epoll is None or self.host.find(fd) is None:
            return "EBADF"
        if operation == 2:
            return None if epoll.watches.pop(fd, None) is not None else "ENOENT"
        if not isinstance(event, Struct):
            raise ScriptError("epoll_ctl() takes {events=, fd=}")
        if operation == 1 and fd in epoll.watches:
            return "EEXIST"
        if operation == 3 and fd not in epoll.watches:
            return "ENOENT"
        if operation not in (1, 3):
            return "EINVAL"
        events, data = self._event(event)
        epoll.watches[fd] = _Watch(events, data)
        return None

    def _event(self, event: Struct) -> tuple[int, int]:
        number = self.profile.symbols.number
        data = next((d for d in map(event.member, ("fd", "ptr", "u32", "u64")) if d is not None), Number(0))
        return number(event.member("events") or Number(0)), number(data)

    def wait(self, epoll_fd: int, argument: Expression, most: int, immediate: bool) -> Steps:
        """epoll_wait(): the steps, and what it says when time is up."""
        from .calls import Outcome, failed

        items = argument.items if isinstance(argument, Array) else (argument,)
        wanted = [self._event(item) for item in items if isinstance(item, Struct)]

        def step() -> Outcome | None:
            epoll = self._epolls.get(epoll_fd)
            if epoll is None:
                return failed("EBADF")
            ready = self._ready(epoll, most)
            if not ready and not immediate:
                return None
            outcome = Outcome(len(ready))
            for (events, data), (got, got_data) in zip(wanted, ready, strict=False):
                if data != got_data:
                    outcome.details.append(("data of the event", str(data), str(got_data)))
                if events != got:
                    outcome.details.append(("events", self._names(events, "EPOLL"), self._names(got, "EPOLL")))
            return outcome

        return step, Outcome(0)

    def _ready(self, epoll: _Epoll, most: int) -> list[tuple[int, int]]:
        ready: list[tuple[int, int]] = []
        for fd, watch in epoll.watches.items():
            socket = self.host.find(fd)
            if socket is None or watch.off or len(ready) >= most:
                continue
            events = self.readiness(socket) & (watch.events & 0xFFFF | _ALWAYS)
            if not events:
                watch.reported = 0
                continue
            if watch.events & _EDGE and watch.seen == socket.activity and events == watch.reported:
                continue
            watch.seen, watch.reported = socket.activity, events
            watch.off = bool(watch.events & _ONESHOT)
            ready.append((events, watch.data))
        return ready
