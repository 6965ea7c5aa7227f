# SPDX-License-Identifier: Apache-2.0
"""System calls of scripts, carried out on the socket layer.

Example:

    attempt = Calls(host, profile, config).prepare(call)     # raises Inapplicable, ScriptError
    outcome = attempt.run()                                  # None: it blocks; ask again when something has happened
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .._enums import CallStatus, State
from .._errors import Inapplicable, TiptoeError
from . import messages, sockopts
from .config import Config
from .host import Host, Phase, Socket
from .poll import Poll
from .profile import Profile
from .symbols import UnknownSymbol
from .syntax import Anything, Array, Assign, Call, Expression, Function, Name, Number, String, Struct, show


class ScriptError(TiptoeError):
    """A line that means nothing: no such call, arguments that do not fit."""


@dataclass
class Outcome:
    """How a call ended."""

    value: int
    errno: str | None = None
    #: What else came out otherwise: what, expected, got.
    details: list[tuple[str, str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.value}" + (f" {self.errno}" if self.errno else "")


Step = Callable[[], Outcome | None]


@dataclass
class Attempt:
    """A call that has begun."""

    step: Step
    timeout_us: int | None = None  #: it gives up after so long …
    expired: Outcome | None = None  #: … with this

    def run(self) -> Outcome | None:
        """The outcome, or None while it blocks."""
        return self.step()


def failed(errno: str) -> Outcome:
    """-1 with that error."""
    return Outcome(-1, errno)


class Calls:
    """The system calls."""

    def __init__(self, host: Host, profile: Profile, config: Config) -> None:
        self.host = host
        self.profile = profile
        self.config = config
        self.poll = Poll(host, profile)
        self._expected = 0

    def prepare(self, call: Call) -> Attempt:
        """Checks the arguments and begins the call."""
        method: Callable[[Call], Attempt | Step] | None = getattr(self, f"_call_{call.name}", None)
        if method is None and call.errno in ("EOPNOTSUPP", "ENOSYS"):
            errno = call.errno
            return Attempt(lambda: failed(errno))
        if method is None:
            raise ScriptError(f"there is no system call '{call.name}'")
        self._expected = call.result.value if isinstance(call.result, Number) else 0
        try:
            made = method(call)
        except UnknownSymbol as e:
            raise ScriptError(str(e)) from None
        return made if isinstance(made, Attempt) else Attempt(made)

    # ---- arguments
    def _number(self, call: Call, index: int, what: str) -> int:
        if index >= len(call.arguments):
            raise ScriptError(f"{call.name}() has no argument {index + 1} ({what})")
        return self.profile.symbols.number(call.arguments[index])

    def _optional(self, call: Call, index: int) -> int:
        if index >= len(call.arguments) or isinstance(call.arguments[index], Anything):
            return 0
        return self.profile.symbols.number(call.arguments[index])

    def _count(self, call: Call, low: int, high: int) -> None:
        if not low <= len(call.arguments) <= high:
            count = str(low) if low == high else f"{low} to {high}"
            raise ScriptError(f"{call.name}() takes {count} arguments, here are {len(call.arguments)}")

    def _socket(self, call: Call) -> Socket | None:
        fd = self._number(call, 0, "a descriptor")
        return self.host.find(fd)

    def _flag(self, value: int, name: str) -> bool:
        return bool(value & self.profile.symbols.numbers.get(name, 0))

    # ---- life
    def _call_socket(self, call: Call) -> Step:
        self._count(call, 3, 3)
        if not isinstance(call.arguments[0], Anything):
            domain = self._number(call, 0, "a domain")
            if domain not in (2, self.profile.symbols.numbers["AF_INET6"]):
                raise Inapplicable(f"sockets of domain {show(call.arguments[0])}")
        kind = self._number(call, 1, "a type")
        nonblocking = self._flag(kind, "SOCK_NONBLOCK")
        expected = self._expected

        def step() -> Outcome:
            socket = self.host.new_socket(expected if expected > 2 else None)
            socket.nonblocking = nonblocking
            return Outcome(socket.fd)

        return step

    def _port_of(self, argument: Expression) -> int | None:
        """Port of a socket address; None for `...`. The addresses of scripts stand for the real ones."""
        if isinstance(argument, Struct):
            port = argument.member("sin_port") or argument.member("sin6_port")
            if isinstance(port, Function) and port.arguments and isinstance(port.arguments[0], Number):
                return port.arguments[0].value & 0xFFFF
            if isinstance(port, Number):
                return port.value & 0xFFFF
        return None

    def _call_bind(self, call: Call) -> Step:
        self._count(call, 3, 3)
        socket = self._socket(call)
        port = self._port_of(call.arguments[1])

        def step() -> Outcome:
            if socket is None:
                return failed("EBADF")
            if socket.local_port or socket.phase is not Phase.NEW:
                return failed("EINVAL")
            socket.local_port = self.config.bind_port if port is None else port
            return Outcome(0)

        return step

    def _call_listen(self, call: Call) -> Step:
        self._count(call, 2, 2)
        socket = self._socket(call)
        backlog = self._number(call, 1, "a backlog")

        def step() -> Outcome:
            if socket is None:
                return failed("EBADF")
            if socket.phase not in (Phase.NEW, Phase.LISTENING):
                return failed("EINVAL")
            status = self.host.listen(socket, backlog)
            return Outcome(0) if status is CallStatus.OK else failed("EADDRINUSE")

        return step

    def _call_accept(self, call: Call) -> Attempt:
        self._count(call, 3, 4)
        socket = self._socket(call)
        nonblocking = call.name == "accept4" and self._flag(self._optional(call, 3), "SOCK_NONBLOCK")
        expected = self._expected

        def step() -> Outcome | None:
            if socket is None:
                return failed("EBADF")
            if socket.listener is None:
                return failed("EINVAL")
            child = self.host.accept(socket)
            if child is None:
                return failed("EAGAIN") if socket.nonblocking else None
            if expected > 2:
                child.fd = expected
            child.nonblocking = nonblocking or (self.profile.name == "freebsd" and socket.nonblocking)
            return Outcome(child.fd)

        return self._with_timeout(step, socket, "SO_RCVTIMEO")

    _call_accept4 = _call_accept

    def _with_timeout(self, step: Step, socket: Socket | None, option: str) -> Attempt:
        timeout = socket.options.get(option) if socket is not None else None
        return Attempt(step, timeout or None, failed("EAGAIN"))

    def _call_connect(self, call: Call) -> Attempt:
        self._count(call, 2, 3)
        socket = self._socket(call)
        address = call.arguments[1]
        disconnect = address == Name("AF_UNSPEC")
        port = self._port_of(address)
        begun = False

        def step() -> Outcome | None:
            nonlocal begun
            if socket is None:
                return failed("EBADF")
            if disconnect:
                self.host.abort(socket)
                socket.phase, socket.handle, socket.flow, socket.error = Phase.NEW, None, None, None
                return Outcome(0)
            if not begun:
                if socket.phase is Phase.LISTENING:
                    return failed("EOPNOTSUPP" if self.profile.name == "freebsd" else "EISCONN")
                if socket.phase is Phase.CONNECTED:
                    return failed("EISCONN")
                if socket.phase is Phase.CONNECTING:
                    return failed("EALREADY")
                if socket.phase is Phase.DEAD and socket.error is not None:
                    errno, socket.error = socket.error, None
                    return failed(errno)
                status = self.host.connect(socket, self.config.connect_port if port is None else port)
                if status is not CallStatus.OK:
                    return failed(
                        {CallStatus.EXISTS: "EADDRINUSE", CallStatus.INVALID: "EINVAL"}.get(status, "ENOBUFS")
                    )
                begun = True
                if socket.nonblocking:
                    return failed("EINPROGRESS")
            if socket.error is not None:
                errno, socket.error = socket.error, None
                return failed(errno)
            return Outcome(0) if socket.phase is Phase.CONNECTED else None

        return Attempt(step)

    def _call_close(self, call: Call) -> Step:
        self._count(call, 1, 1)
        fd = self._number(call, 0, "a descriptor")
        socket = self.host.find(fd)

        def step() -> Outcome:
            if socket is None:
                return Outcome(0) if self.poll.close(fd) else failed("EBADF")
            self.poll.forget(fd)
            self.host.close(socket)
            return Outcome(0)

        return step

    def _call_shutdown(self, call: Call) -> Step:
        self._count(call, 2, 2)
        socket = self._socket(call)
        how = self._number(call, 1, "how")

        def step() -> Outcome:
            if socket is None:
                return failed("EBADF")
            if how not in (0, 1, 2):
                return failed("EINVAL")
            if socket.phase is Phase.LISTENING and how != 1:
                self.host.close(socket)
                socket.phase = Phase.NEW
                return Outcome(0)
            if socket.phase not in (Phase.CONNECTED, Phase.CONNECTING):
                return failed("ENOTCONN")
            state = self.host.status(socket)
            if state is State.CLOSED or (self.profile.name != "freebsd" and state is State.TIME_WAIT):
                return failed("ENOTCONN")
            self.host.shutdown(socket, read=how in (0, 2), write=how in (1, 2))
            return Outcome(0)

        return step

    def _call_cap_set(self, _: Call) -> Step:
        return lambda: Outcome(0)

    # ---- reading
    def _call_read(self, call: Call) -> Attempt:
        self._count(call, 3, 3)
        return self._receive(call, self._number(call, 2, "a length"), 0)

    def _call_recv(self, call: Call) -> Attempt:
        self._count(call, 4, 4)
        return self._receive(call, self._number(call, 2, "a length"), self._number(call, 3, "flags"))

    def _call_recvfrom(self, call: Call) -> Attempt:
        self._count(call, 6, 6)
        return self._receive(call, self._number(call, 2, "a length"), self._number(call, 3, "flags"))

    def _call_readv(self, call: Call) -> Attempt:
        self._count(call, 3, 3)
        return self._receive(call, self._vector(call, call.arguments[1]), 0)

    def _call_recvmsg(self, call: Call) -> Attempt:
        self._count(call, 3, 3)
        length, flags = self._message(call)
        how = self._number(call, 2, "flags")
        if self._flag(how, "MSG_ERRQUEUE"):
            return Attempt(lambda: self._report(call, flags))
        attempt = self._receive(call, length, how)
        inner = attempt.step
        socket = self._socket(call)

        def step() -> Outcome | None:
            outcome = inner()
            if outcome is None or outcome.value < 0 or socket is None:
                return outcome
            if flags:
                outcome.details.append(("msg_flags", str(flags), "0"))
            control: messages.Control = []
            if socket.options.get("TCP_INQ"):
                left = self.host.readable(socket)
                at_end = not left and self.host.at_end(socket)
                control.append({"cmsg_type": "TCP_CM_INQ", "cmsg_data": left + at_end})
            if control or messages.types_in(call.arguments[1]):
                outcome.details += messages.compare(call.arguments[1], control, self.profile.symbols, 0)
            return outcome

        attempt.step = step
        return attempt

    def _report(self, call: Call, flags: int) -> Outcome:
        """The first entry of the error queue; never waits."""
        socket = self._socket(call)
        if socket is None:
            return failed("EBADF")
        if socket.notices is None or not socket.notices.queue:
            return failed("EAGAIN")
        report = socket.notices.queue.popleft()
        numbers = self.profile.symbols.numbers
        got = numbers["MSG_ERRQUEUE"] | (numbers["MSG_TRUNC"] if report.has_text else 0)
        outcome = Outcome(0)
        if got != flags:
            outcome.details.append(("msg_flags", hex(flags), hex(got)))
        control = messages.control_of(report)
        outcome.details += messages.compare(call.arguments[1], control, self.profile.symbols, self.config.tolerance_us)
        return outcome

    def _vector(self, call: Call, argument: Expression) -> int:
        if not isinstance(argument, Array):
            raise ScriptError(f"{call.name}() takes an array of {{..., length}}")
        total = 0
        for item in argument.items:
            if not isinstance(item, Struct) or len(item.items) != 2:
                raise ScriptError(f"{show(item)} is not a buffer {{..., length}}")
            length = item.items[1]
            total += self.profile.symbols.number(length.value if isinstance(length, Assign) else length)
        return total

    def _message(self, call: Call) -> tuple[int, int]:
        """Octets that a struct msghdr has room for, and its msg_flags."""
        header = call.arguments[1]
        if isinstance(header, Anything):
            raise ScriptError(f"{call.name}() needs a structure with msg_iov")
        vector = header.member("msg_iov") if isinstance(header, Struct) else None
        if vector is None or not isinstance(header, Struct):
            raise ScriptError(f"{call.name}() needs a structure with msg_iov")
        flags = header.member("msg_flags")
        return self._vector(call, vector), self.profile.symbols.number(flags) if flags is not None else 0

    def _receive(self, call: Call, length: int, flags: int) -> Attempt:
        socket = self._socket(call)
        peek = self._flag(flags, "MSG_PEEK")
        nonblocking = self._flag(flags, "MSG_DONTWAIT")
        wait_all = self._flag(flags, "MSG_WAITALL")
        if length < 0:
            raise ScriptError("a length cannot be negative")
        if length and call.arguments[1] == Name("NULL"):
            return Attempt(lambda: failed("EFAULT"))

        def step() -> Outcome | None:
            if socket is None:
                return failed("EBADF")
            if socket.phase in (Phase.NEW, Phase.LISTENING):
                return failed("ENOTCONN")
            self.host.device.settle()
            available = self.host.readable(socket)
            wanted = length if wait_all else min(length, max(1, socket.options.get("SO_RCVLOWAT", 1)))
            at_end = self.host.at_end(socket)
            hidden = socket.shut_read and self.profile.name == "freebsd"
            if available and (available >= wanted or at_end) and not hidden:
                return Outcome(min(available, length) if peek else self.host.read(socket, length))
            if socket.error is not None and not at_end | (socket.phase is Phase.DEAD):
                return None
            if socket.error is not None:
                errno, socket.error = socket.error, None
                return failed(errno)
            if at_end or length == 0:
                return Outcome(0)
            return failed("EAGAIN") if socket.nonblocking or nonblocking else None

        return self._with_timeout(step, socket, "SO_RCVTIMEO")

    # ---- writing
    def _call_write(self, call: Call) -> Attempt:
        self._count(call, 3, 3)
        return self._send(call, self._number(call, 2, "a length"), 0, self._octets(call.arguments[1]))

    def _call_send(self, call: Call) -> Attempt:
        self._count(call, 4, 4)
        flags = self._number(call, 3, "flags")
        return self._send(call, self._number(call, 2, "a length"), flags, self._octets(call.arguments[1]))

    def _call_sendto(self, call: Call) -> Attempt:
        self._count(call, 4, 6)
        flags = self._number(call, 3, "flags")
        return self._send(call, self._number(call, 2, "a length"), flags, self._octets(call.arguments[1]))

    def _call_writev(self, call: Call) -> Attempt:
        self._count(call, 3, 3)
        return self._send(call, self._vector(call, call.arguments[1]), 0, None)

    def _call_sendmsg(self, call: Call) -> Attempt:
        self._count(call, 3, 3)
        length, _ = self._message(call)
        return self._send(call, length, self._number(call, 2, "flags"), None)

    def _octets(self, argument: Expression) -> bytes | None:
        if not isinstance(argument, String):
            return None
        text = argument.value.encode("latin-1", "replace")
        try:
            return text.decode("unicode_escape").encode("latin-1", "replace")
        except UnicodeDecodeError:
            return text

    def _send(self, call: Call, length: int, flags: int, octets: bytes | None) -> Attempt:
        socket = self._socket(call)
        nonblocking = self._flag(flags, "MSG_DONTWAIT")
        zerocopy = self._flag(flags, "MSG_ZEROCOPY")
        told = self._expected if self.profile.name == "linux" and call.end_us is None else 0
        if length and call.arguments[1] == Name("NULL"):
            return Attempt(lambda: failed("EFAULT"))
        if not 0 <= length <= 1 << 26:
            raise ScriptError(f"{length} octets cannot be written at once")
        if octets is not None:
            octets = octets[:length].ljust(length, b"\0")
        done = 0

        def step() -> Outcome | None:
            nonlocal done
            if socket is None:
                return failed("EBADF")
            if socket.error is not None:
                errno, socket.error = socket.error, None
                return Outcome(done) if done else failed(errno)
            if socket.shut_write or socket.phase is Phase.DEAD:
                return Outcome(done) if done else failed("EPIPE")
            if socket.phase in (Phase.NEW, Phase.LISTENING):
                return failed("EPIPE" if self.profile.name != "freebsd" else "ENOTCONN")
            wait = socket.nonblocking or nonblocking
            if socket.phase is Phase.CONNECTING:
                if self.profile.name == "freebsd":
                    return failed("ENOTCONN")
                return failed("EAGAIN") if wait else None
            piece = min(length - done, self.host.room(socket))
            if 0 < told <= length:  # how much memory octets need is Linux' own affair
                piece = told - done
            if piece:
                part = octets[done : done + piece] if octets is not None else None
                self.host.write(socket, piece, part)
                done += piece
            if done in (length, told) and done:
                if socket.notices is not None and socket.flow is not None:
                    socket.notices.written(len(socket.flow.written), zerocopy)
                return Outcome(done)
            if done == length:
                return Outcome(done)
            if wait:
                return Outcome(done) if done else failed("EAGAIN")
            return None

        return self._with_timeout(step, socket, "SO_SNDTIMEO")

    # ---- control
    def _call_fcntl(self, call: Call) -> Step:
        self._count(call, 2, 3)
        socket = self._socket(call)
        command = self._number(call, 1, "a command")
        value = self._optional(call, 2)
        numbers = self.profile.symbols.numbers

        def step() -> Outcome:
            if socket is None:
                return failed("EBADF")
            if command == numbers["F_GETFL"]:
                return Outcome(numbers["O_RDWR"] | (numbers["O_NONBLOCK"] if socket.nonblocking else 0))
            if command == numbers["F_SETFL"]:
                socket.nonblocking = bool(value & numbers["O_NONBLOCK"])
                return Outcome(0)
            if command == numbers["F_GETFD"]:
                return Outcome(socket.options.get("_fd_flags", 0))
            if command == numbers["F_SETFD"]:
                socket.options["_fd_flags"] = value
                return Outcome(0)
            return failed("EINVAL")

        return step

    def _call_ioctl(self, call: Call) -> Step:
        self._count(call, 2, 3)
        socket = self._socket(call)
        request = call.arguments[1]
        if not isinstance(request, Name):
            raise ScriptError("ioctl() needs the name of a request")
        value = call.arguments[2] if len(call.arguments) > 2 else Anything()
        inside = value.items[0] if isinstance(value, Array) and len(value.items) == 1 else value
        name = request.name
        if name not in sockopts.IOCTLS:
            raise Inapplicable(f"ioctl({name})")

        def step() -> Outcome:
            if socket is None:
                return failed("EBADF")
            if name == "FIONBIO":
                socket.nonblocking = bool(self.profile.symbols.number(inside))
                return Outcome(0)
            if socket.listener is not None:
                return failed("EINVAL")
            got = self._ioctl_value(socket, name)
            outcome = Outcome(0)
            if not isinstance(inside, Anything):
                wanted = self.profile.symbols.number(inside)
                if wanted != got:
                    outcome.details.append((name, str(wanted), str(got)))
            return outcome

        return step

    def _ioctl_value(self, socket: Socket, name: str) -> int:
        match name:
            case "SIOCINQ" | "FIONREAD":
                return self.host.readable(socket)
            case "SIOCOUTQ" | "TIOCOUTQ" | "FIONWRITE":
                fin = socket.shut_write and socket.last_state in (State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK)
                return self.host.unsent(socket) + (fin and self.profile.name != "freebsd")
            case "SIOCOUTQNSD":
                flow = socket.flow
                return max(0, len(flow.written) - flow.highest_sent) if flow is not None else 0
            case _:  # FIONSPACE
                return self.host.room(socket)

    def _call_getsockopt(self, call: Call) -> Step:
        self._count(call, 5, 5)
        socket = self._socket(call)
        return lambda: sockopts.get(self.host, self.profile, self.config, socket, call)

    def _call_setsockopt(self, call: Call) -> Step:
        self._count(call, 5, 5)
        socket = self._socket(call)
        return lambda: sockopts.set_(self.host, self.profile, socket, call)

    # ---- waiting for several
    def _call_poll(self, call: Call) -> Attempt:
        self._count(call, 3, 3)
        timeout = self._number(call, 2, "a timeout in milliseconds")
        step, expired = self.poll.poll(call.arguments[0], immediate=timeout == 0)
        return Attempt(step, timeout * 1000 if timeout > 0 else None, expired)

    def _call_epoll_create(self, call: Call) -> Step:
        self._count(call, 1, 1)
        expected = self._expected
        return lambda: Outcome(self.poll.create(expected))

    _call_epoll_create1 = _call_epoll_create

    def _call_epoll_ctl(self, call: Call) -> Step:
        self._count(call, 3, 4)
        numbers = [self._number(call, i, "a number") for i in range(3)]
        event = call.arguments[3] if len(call.arguments) > 3 else Anything()
        return lambda: self._as_outcome(self.poll.control(numbers[0], numbers[1], numbers[2], event))

    def _as_outcome(self, errno: str | None) -> Outcome:
        return Outcome(0) if errno is None else failed(errno)

    def _call_epoll_wait(self, call: Call) -> Attempt:
        self._count(call, 4, 5)
        epoll = self._number(call, 0, "a descriptor")
        most = self._number(call, 2, "a number of events")
        timeout = self._number(call, 3, "a timeout in milliseconds")
        step, expired = self.poll.wait(epoll, call.arguments[1], most, immediate=timeout == 0)
        return Attempt(step, timeout * 1000 if timeout > 0 else None, expired)
