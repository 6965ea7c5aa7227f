# SPDX-License-Identifier: Apache-2.0
"""The socket layer on top of a device: what a kernel has between its system calls and the user calls of RFC 9293 3.9.1.

A `Socket` keeps what the device does not: pending errors, octets that found no room yet, options, which direction has
been shut down. Whatever can be asked of the device (state, readable octets, room) is asked each time.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from .._core import Device, Handle
from .._enums import CallStatus, Notify, State
from .._errors import DeviceError, DeviceHang, Inapplicable
from .flow import Flow, peer_octets, user_octets
from .messages import Notices
from .profile import Profile

_SYNCHRONIZED = (
    State.ESTABLISHED,
    State.FIN_WAIT_1,
    State.FIN_WAIT_2,
    State.CLOSE_WAIT,
    State.CLOSING,
    State.LAST_ACK,
    State.TIME_WAIT,
)
_PEER_IS_DONE = (State.CLOSE_WAIT, State.CLOSING, State.LAST_ACK, State.TIME_WAIT)
_CAN_SEND = (State.ESTABLISHED, State.CLOSE_WAIT)
_BACKLOG_MAX = 16
_RANGES = {"MTU": (296, 2048), "TTL": (1, 255), "SYN_RETRIES": (0, 31), "DATA_RETRIES": (0, 31)}


class Phase(enum.Enum):
    """What has been done with a socket."""

    NEW = "new"
    LISTENING = "listening"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DEAD = "dead"  #: the connection is gone
    CLOSED = "closed"  #: no descriptor any more


@dataclass(eq=False)
class Socket:
    """One socket."""

    fd: int
    phase: Phase = Phase.NEW
    local_port: int = 0
    nonblocking: bool = False
    listener: Handle | None = None
    handle: Handle | None = None
    flow: Flow | None = None
    error: str | None = None  #: SO_ERROR
    shut_read: bool = False
    shut_write: bool = False
    pending: bytearray = field(default_factory=bytearray)  #: written, and not taken by the device yet
    close_when_empty: bool = False
    half: bool = False
    read_octets: int = 0
    options: dict[str, int] = field(default_factory=dict)
    last_state: State = State.CLOSED  #: the last one that was not CLOSED
    activity: int = 0  #: grows with every indication (edge-triggered epoll)
    reset: bool = False
    notices: Notices | None = None  #: what Linux' error queue is to tell
    last_data_us: int | None = None  #: when text came last, or the connection was opened
    ended_us: int | None = None  #: when the device gave the connection up


class WrongOctets(Exception):
    """The device delivered other octets than the peer sent."""


class Host:
    """All sockets on one device."""

    def __init__(self, device: Device, profile: Profile, local_ip: str, remote_ip: str) -> None:
        self.device = device
        self.profile = profile
        self.local_ip = local_ip
        self.remote_ip = remote_ip
        self.registers: dict[str, int] = {}  #: what has been set
        self.lacks: Callable[[str, int], str | None] = lambda _name, _value: None  #: why a setting is impossible
        self.receive_space = profile.receive_buffer  #: octets, as SO_RCVBUF tells it
        self.sockets: list[Socket] = []  #: every one there was, closed ones too
        self.flows: list[Flow] = []
        self.defaults: dict[str, int] = {}  #: options of sockets that do not set them
        self.start_us = 0  #: of the script, in the device's time
        self._next_port = 50000
        self._next_fd = 3

    @property
    def mtu(self) -> int:
        """Octets of the longest datagram."""
        return self.registers.get("MTU", 1500)

    def set(self, name: str, value: int) -> None:
        """A setting of the device, from now on. Raises `Inapplicable` when it has no such thing."""
        low, high = _RANGES.get(name, (0, (1 << 32) - 1))
        if not low <= value <= high:
            raise Inapplicable(f"{name} = {value}: the device takes {low} to {high}")
        reason = self.lacks(name, value)
        if reason is not None:
            raise Inapplicable(reason.removeprefix("needs "))
        if self.registers.get(name) == value:
            return
        try:
            self.device.set(name, value)
        except DeviceHang:
            raise
        except DeviceError as e:
            raise Inapplicable(f"the setting {name} ({e})") from None
        self.registers[name] = value

    # ---- life
    def new_socket(self, fd: int | None = None) -> Socket:
        """A socket with that descriptor, or the next one. In scripts a descriptor is a name, and may be given again."""
        if fd is None:
            fd = self._next_fd
            while self.find(fd) is not None:
                fd += 1
        socket = Socket(fd)
        self.sockets.append(socket)
        return socket

    def find(self, fd: int) -> Socket | None:
        """The open socket with that descriptor, the newest."""
        return next((s for s in reversed(self.sockets) if s.fd == fd and s.phase is not Phase.CLOSED), None)

    def connecting_flow(self, port: int) -> Flow | None:
        """The connection that the device opens from that port."""
        return next((f for f in self.flows if not f.passive and f.local_port == port), None)

    def status(self, socket: Socket) -> State:
        """State of the connection, CLOSED without one."""
        if socket.listener is not None:
            return State.LISTEN
        if socket.handle is None:
            return State.CLOSED
        result = self.device.status(socket.handle)
        return result.state if result else State.CLOSED

    def readable(self, socket: Socket) -> int:
        """Octets that can be read now; connections that can be accepted, of a listener."""
        if socket.listener is not None:
            result = self.device.status(socket.listener)
            return result.readable if result else 0
        if socket.handle is None:
            return 0
        result = self.device.status(socket.handle)
        return result.readable if result else 0

    def room(self, socket: Socket) -> int:
        """Octets that a write finds room for."""
        limit = socket.options.get("SO_SNDBUF", self.profile.send_buffer)
        return max(0, limit - self.unsent(socket))

    def unsent(self, socket: Socket) -> int:
        """Octets that have been written and are not acknowledged."""
        taken = 0
        if socket.handle is not None and socket.options.get("_capacity"):
            result = self.device.status(socket.handle)
            if result and result.state in (*_CAN_SEND, State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK):
                taken = max(0, socket.options["_capacity"] - result.room)
        return taken + len(socket.pending)

    def sent(self, socket: Socket) -> int:
        """Octets of the user's stream that have been on the wire."""
        flow = socket.flow
        if flow is None or flow.local_isn is None or flow.snd_nxt is None:
            return 0
        return min(len(flow.written), (flow.snd_nxt - flow.local_isn - 1) & 0xFFFFFFFF)

    def notices(self, socket: Socket) -> Notices:
        """Those of a socket, made when they are wanted first."""
        if socket.notices is None:
            socket.notices = Notices(self.profile.symbols)
        return socket.notices

    def note(self) -> None:
        """Brings the error queues up to date."""
        for socket in self.sockets:
            if socket.notices is not None and socket.flow is not None and socket.phase is not Phase.CLOSED:
                acked = len(socket.flow.written) - self.unsent(socket)
                now = self.device.now_us - self.start_us
                if socket.notices.update(max(self.sent(socket), acked), acked, now):
                    socket.activity += 1

    # ---- opening
    def listen(self, socket: Socket, backlog: int) -> CallStatus:
        """Passive OPEN."""
        if socket.listener is not None:
            return CallStatus.OK
        socket.local_port = socket.local_port or self._ephemeral()
        result = self.device.open_passive(socket.local_port, backlog=max(1, min(backlog + 1, _BACKLOG_MAX)))
        if result:
            socket.listener = result.handle
            socket.phase = Phase.LISTENING
        self.settle()
        return result.status

    def connect(self, socket: Socket, port: int) -> CallStatus:
        """Active OPEN towards the peer."""
        socket.local_port = socket.local_port or self._ephemeral()
        flow = Flow(self.local_ip, socket.local_port, self.remote_ip, port, passive=False, claimed=True)
        result = self.device.open_active(
            self.remote_ip,
            port,
            local_port=socket.local_port,
            nodelay=bool(socket.options.get("TCP_NODELAY")),
            keepalive=bool(socket.options.get("SO_KEEPALIVE")),
        )
        if result:
            self.flows.append(flow)
            socket.flow = flow
            socket.handle = result.handle
            socket.phase = Phase.CONNECTING
        self.settle()
        return result.status

    def accept(self, socket: Socket) -> Socket | None:
        """The next connection of a listener."""
        assert socket.listener is not None
        for _ in range(_BACKLOG_MAX + 1):
            result = self.device.accept(socket.listener)
            if result.status is not CallStatus.ABORTED:
                break
        if not result:
            return None
        child = self.new_socket()
        child.handle = result.handle
        child.phase = Phase.CONNECTED
        child.local_port = socket.local_port
        child.options = {k: v for k, v in socket.options.items() if not k.startswith("_")}
        child.last_data_us = self.device.now_us
        if socket.notices is not None:
            self.notices(child).zerocopy = socket.notices.zerocopy
            self.notices(child).stamps = socket.notices.stamps
        waiting = [f for f in self.flows if f.passive and not f.claimed and f.local_port == socket.local_port]
        child.flow = next((f for f in waiting if f.established), waiting[0] if waiting else None)
        if child.flow is not None:
            child.flow.claimed = True
        if child.options.get("TCP_NODELAY") or child.options.get("SO_KEEPALIVE"):
            self.apply_options(child)
        self._note_capacity(child)
        self.settle()
        return child

    def apply_options(self, socket: Socket) -> None:
        """Tells the device of TCP_NODELAY and SO_KEEPALIVE."""
        if socket.handle is not None:
            self.device.set_options(
                socket.handle,
                nodelay=bool(socket.options.get("TCP_NODELAY")),
                keepalive=bool(socket.options.get("SO_KEEPALIVE")),
            )
            self.settle()

    def _ephemeral(self) -> int:
        self._next_port += 1
        return self._next_port

    def _note_capacity(self, socket: Socket) -> None:
        """The send buffer of the device: what is free while nothing has been sent."""
        if socket.handle is not None and "_capacity" not in socket.options:
            result = self.device.status(socket.handle)
            if result and result.state in _CAN_SEND:
                socket.options["_capacity"] = result.room

    # ---- data
    def write(self, socket: Socket, length: int, octets: bytes | None = None) -> None:
        """The user writes so many octets (of the pattern, unless they are given)."""
        flow = socket.flow
        start = len(flow.written) if flow is not None else 0
        data = user_octets(start, length) if octets is None else octets
        if flow is not None:
            flow.written += data
        self._note_capacity(socket)
        socket.pending += data
        self._flush(socket)
        self.settle()

    def _flush(self, socket: Socket) -> None:
        while socket.pending and socket.handle is not None:
            result = self.device.send(socket.handle, bytes(socket.pending[:65536]))
            if not result or result.length == 0:
                if result.status in (CallStatus.NO_CONNECTION, CallStatus.CLOSING):
                    socket.pending.clear()
                break
            del socket.pending[: result.length]
            self.device.settle()
        if socket.close_when_empty and not socket.pending and socket.handle is not None:
            socket.close_when_empty = False
            self.device.close(socket.handle, half=socket.half)

    def read(self, socket: Socket, length: int) -> int:
        """Reads at most so many octets; returns how many there were. Raises `WrongOctets`."""
        assert socket.handle is not None
        done = 0
        while done < length:
            result = self.device.receive(socket.handle, min(length - done, 65535))
            data = result.data
            if not result or not data:
                break
            wanted = peer_octets(socket.read_octets, len(data))
            if data != wanted:
                at = next(i for i, (a, b) in enumerate(zip(data, wanted, strict=True)) if a != b)
                raise WrongOctets(
                    f"octet {socket.read_octets + at} of the stream is {data[at]:#04x}; the peer sent {wanted[at]:#04x}"
                )
            socket.read_octets += len(data)
            done += len(data)
        self.settle()
        return done

    def at_end(self, socket: Socket) -> bool:
        """The peer has sent its FIN, or the connection is gone."""
        if socket.shut_read or socket.phase is Phase.DEAD:
            return True
        return self.status(socket) in _PEER_IS_DONE

    # ---- closing
    def shutdown(self, socket: Socket, read: bool, write: bool) -> None:
        """Ends one direction or both."""
        socket.shut_read |= read
        if write and not socket.shut_write:
            socket.shut_write = True
            self._end_sending(socket, half=True)

    def _end_sending(self, socket: Socket, half: bool) -> None:
        if socket.handle is None:
            return
        socket.half = half
        if socket.pending:
            socket.close_when_empty = True
        else:
            self.device.close(socket.handle, half=half)
        self.settle()

    def close(self, socket: Socket) -> None:
        """close()"""
        if socket.listener is not None:
            while child := self.device.accept(socket.listener):
                self.device.abort(child.handle)
            self.device.close(socket.listener)
            socket.listener = None
        elif socket.handle is not None and socket.phase is not Phase.DEAD:
            state = self.status(socket)
            hard = socket.options.get("SO_LINGER") == 0
            unread = self.profile.close_resets_unread and self.readable(socket) > 0
            if hard or (unread and state in _SYNCHRONIZED):
                self.device.abort(socket.handle)
            elif not socket.shut_write:
                self._end_sending(socket, half=False)
        socket.phase = Phase.CLOSED
        self.settle()

    def abort(self, socket: Socket) -> None:
        """The connection is given up."""
        if socket.handle is not None:
            self.device.abort(socket.handle)
        self.settle()

    # ---- indications
    def settle(self) -> None:
        """Lets the device finish what is due, and takes its indications."""
        self.device.settle()
        self.pump()

    def pump(self) -> None:
        """Takes the device's indications; octets that were waiting for room go on their way."""
        notes = self.device.notifications()
        for note in notes:
            socket = next((s for s in self.sockets if note.handle in (s.handle, s.listener)), None)
            if socket is None:
                continue
            socket.activity += 1
            self._indicate(socket, note.flags, note.time_us)
        if notes:
            self.device.settle()
        for socket in self.sockets:
            if socket.handle is not None and socket.phase is not Phase.DEAD:
                state = self.status(socket)
                if state is not State.CLOSED:
                    socket.last_state = state

    def _indicate(self, socket: Socket, flags: Notify, time_us: int) -> None:
        if flags & Notify.CONNECTED and socket.phase is Phase.CONNECTING:
            socket.phase = Phase.CONNECTED
            socket.last_data_us = time_us
            self._note_capacity(socket)
        if flags & Notify.READABLE:
            socket.last_data_us = time_us
        if flags & Notify.REFUSED:
            socket.error = "ECONNREFUSED"
        elif flags & Notify.RESET:
            socket.error = "ECONNRESET"
            socket.reset = True
        elif flags & Notify.TIMEOUT:
            socket.error = "ETIMEDOUT"
        if flags & Notify.CLOSED and self._is_gone(socket):
            socket.ended_us = time_us
            if socket.phase is not Phase.CLOSED:
                socket.phase = Phase.DEAD
            socket.pending.clear()
        elif flags & (Notify.SPACE | Notify.CONNECTED):
            self._flush(socket)
        if flags & Notify.READABLE and socket.phase is Phase.CLOSED and self.readable(socket) > 0:
            self.abort(socket)  # nobody will ever read it (RFC 9293 3.6.1)

    def _is_gone(self, socket: Socket) -> bool:
        return self.status(socket) is State.CLOSED
