# SPDX-License-Identifier: Apache-2.0
"""A device that is the golden model until a segment with URG comes. Then it does what its argument says."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import tiptoe
from tiptoe import CallResult, Datagram, Handle, Notification, OpenArgs


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _exit(code: int) -> None:
    print("so long", flush=True)
    os._exit(code)


def _memory() -> NoReturn:
    eaten = []
    while True:
        eaten.append(bytearray(b"x" * (16 << 20)))


def _memory_at_once() -> None:
    bytearray(1 << 40)


def _child_eats() -> None:
    if os.fork() == 0:
        _memory()
    os.wait()


def _channel() -> int:
    return int(sys.argv[1])


def _write(octets: bytes, then: Callable[[], None] = lambda: None) -> None:
    os.write(_channel(), octets)
    then()


def _hang() -> None:
    time.sleep(1000)


def _everywhere(octets: bytes) -> None:
    for fd in range(3, 60):
        with contextlib.suppress(OSError):
            os.write(fd, octets)


def _close_and_hang() -> None:
    os.closerange(3, 60)
    _hang()


def _swap() -> None:
    """As a device does that closes all and opens its own."""
    os.closerange(3, 60)
    while os.open("/dev/null", os.O_RDWR) < 60:
        pass


def _child_stays(pidfile: Path) -> None:
    """Ends, and leaves a child behind that has all its files open."""
    if os.fork() == 0:
        pidfile.write_text(str(os.getpid()))
        _hang()
    while not pidfile.exists() or not pidfile.read_text():
        time.sleep(0.001)
    os._exit(9)


def _child_comes_back() -> None:
    """The child of a fork goes on as if it were the parent."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)


def _fill() -> NoReturn:
    while True:
        os.write(1, b"all work and no play " * 4000)
        os.write(2, b"\xff\x00\x1b[2J" * 4000)


def _deaf() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    while True:
        _hang()


def _journal() -> None:
    os.ftruncate(int(sys.argv[2]), 1 << 40)
    os.pwrite(int(sys.argv[2]), b"\x1b[2J" * 1000, 0)
    os._exit(9)


HEADER = b"\x9dtt\n"  # how messages of ours begin; a length and a CRC-32 follow
WRONG_SUM = b"\x01\x02\x03\x04"
FATES: dict[str, Callable[[], Any]] = {
    "crash": _crash,
    "abort": os.abort,
    "exit": lambda: _exit(7),
    "exit0": lambda: _exit(0),
    "sys.exit": lambda: sys.exit("enough"),
    "hang": _hang,
    "memory": _memory,
    "memory-at-once": _memory_at_once,
    "channel": lambda: _everywhere(b"garbage " * 4),
    "partial": lambda: _write(HEADER + (1000).to_bytes(4, "big") + WRONG_SUM + b"half", _hang),
    "huge": lambda: _write(HEADER + b"\xff" * 8, _hang),
    "negative": lambda: _write(b"\xff\xff\xff\xff" * 4, _hang),
    "bad-sum": lambda: _write(HEADER + (4).to_bytes(4, "big") + WRONG_SUM + b"half"),
    "flood": lambda: _write(b"garbage " * 400_000),
    "close": lambda: os.closerange(3, 60),
    "close-and-hang": _close_and_hang,
    "swap": _swap,
    "child-comes-back": _child_comes_back,
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "fill": _fill,
    "deaf": _deaf,
    "journal": _journal,
}


class Frail(tiptoe.Dut):
    """See above."""

    name = "frail"
    user_calls = True

    def __init__(self, how: str = "none") -> None:
        self.how, _, self.what = how.partition(" ")
        if self.how == "create-hang":
            _hang()
        if self.how == "once":  # as hardware that one process can have: a second one is refused
            self.lock = os.open(self.what, os.O_CREAT | os.O_RDWR)
            os.lockf(self.lock, os.F_TLOCK, 1)
        if self.how == "not-again":  # it can be made so often
            Path(self.what).touch()
            with open(self.what, "a") as made:
                made.write(".")
            if len(Path(self.what).read_text()) > 1:
                raise tiptoe.DeviceError("the card does not answer any more")
        self.model = tiptoe.Device("model")

    def __del__(self) -> None:
        if self.how == "destroy-hang":
            _hang()
        if self.how == "destroy-crash":
            _crash()

    def reset(self, settings: Mapping[str, int], seed: int) -> None:
        self.model.reset(seed, **settings)

    def inject(self, datagram: bytes) -> None:
        if len(datagram) >= 34 and datagram[33] & 0x20:
            if self.how in FATES:
                FATES[self.how]()
            if self.how == "child-stays":
                _child_stays(Path(self.what))
            if self.how == "child-eats":
                _child_eats()
            if self.how == "daemon":
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
                Path(self.what).write_text(str(child.pid))
            if self.how == "not-again":
                _crash()
        self.model.inject(datagram)

    def poll_output(self) -> Datagram | None:
        got = self.model.poll()
        return "a datagram" if got is not None and self.how == "garbage" else got  # type: ignore[return-value]

    def settle(self) -> None:
        self.model.settle()

    def run_until_output(self, us: int) -> Datagram | None:
        got = self.model.run_until_output(us)
        return 17 if got is not None and self.how == "garbage" else got  # type: ignore[return-value]

    def advance(self, us: int) -> None:
        self.model.advance(us)

    @property
    def now_us(self) -> int:
        return self.model.now_us

    @property
    def cycles(self) -> int:
        return self.model.cycles

    def poll_notification(self) -> Notification | None:
        return self.model.poll_notification()

    def set(self, name: str, value: int) -> None:
        self.model.set(name, value)

    def counter(self, name: str) -> int:
        return self.model.counter(name)

    def open_passive(self, args: OpenArgs) -> CallResult:
        a = args
        return self.model.open_passive(
            a.local_port, local_ip=a.local_ip, remote_ip=a.remote_ip, remote_port=a.remote_port, backlog=a.backlog
        )

    def open_active(self, args: OpenArgs) -> CallResult:
        a = args
        return self.model.open_active(
            *(a.remote_ip, a.remote_port),
            local_port=a.local_port,
            local_ip=a.local_ip,
            nodelay=a.nodelay,
            keepalive=a.keepalive,
            from_listener=a.from_listener,
        )

    def accept(self, listener: Handle) -> CallResult:
        return self.model.accept(listener)

    def send(self, handle: Handle, data: bytes) -> CallResult:
        return self.model.send(handle, data)

    def receive(self, handle: Handle, max: int) -> CallResult:
        return self.model.receive(handle, max)

    def close(self, handle: Handle, half: bool) -> CallResult:
        return self.model.close(handle, half=half)

    def abort(self, handle: Handle) -> CallResult:
        return self.model.abort(handle)

    def status(self, handle: Handle) -> CallResult:
        return self.model.status(handle)

    def set_options(self, handle: Handle, nodelay: bool, keepalive: bool) -> CallResult:
        return self.model.set_options(handle, nodelay=nodelay, keepalive=keepalive)
