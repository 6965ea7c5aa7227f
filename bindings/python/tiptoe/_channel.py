# SPDX-License-Identifier: Apache-2.0
"""Messages between a run and its worker processes, over a socket that a device from outside can get at, too.

    ours, theirs = channel()          # theirs: a file descriptor for the other process
    ours.send(("case", 3))            # never waits
    for message in ours.read(): ...   # what is there, whole messages alone; raises ChannelBroken

    port = Port(fd)                   # in the worker
    port.send(port.receive())         # waits

A message is a magic number, its length, a CRC-32 and a pickle. Our end never waits for octets: half a message stays
where it is until the rest comes, or until whoever waits has lost patience. What a device writes into the channel is
noticed at its first octets.
"""

from __future__ import annotations

import os
import pickle
import socket
import struct
import sys
import zlib
from collections.abc import Iterator
from typing import Any, NoReturn

_HEADER = struct.Struct("!4sII")
_MAGIC = b"\x9dtt\n"

#: Octets that one message may have; a result with all its frames has some hundred kilooctets.
LONGEST = 1 << 28

#: Octets that are taken from the socket at a time.
_CHUNK = 1 << 16

#: Exit code of a worker that cannot reach the run any more.
CUT_OFF = 3


class ChannelBroken(Exception):
    """Nothing more can be read. `foreign`: somebody wrote there what is no message of ours; else it was closed."""

    def __init__(self, foreign: bool) -> None:
        super().__init__("garbage" if foreign else "closed")
        self.foreign = foreign


def _packed(message: Any) -> bytes:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _HEADER.pack(_MAGIC, len(body), zlib.crc32(body)) + body


def _length(header: bytes | bytearray) -> int:
    """Octets of the message behind a header. Raises `ChannelBroken` when it is none."""
    magic, length, _ = _HEADER.unpack_from(header)
    if magic != _MAGIC or length > LONGEST:
        raise ChannelBroken(foreign=True)
    return int(length)


def _unpacked(header: bytes | bytearray, body: bytes | bytearray) -> Any:
    if zlib.crc32(body) != _HEADER.unpack_from(header)[2]:
        raise ChannelBroken(foreign=True)
    try:
        return pickle.loads(body)
    except Exception as e:
        raise ChannelBroken(foreign=True) from e


class Channel:
    """The end of the run."""

    def __init__(self, ours: socket.socket) -> None:
        ours.setblocking(False)
        self._socket = ours
        self._in = bytearray()
        self._out = bytearray()

    def fileno(self) -> int:
        """For poll()."""
        return self._socket.fileno()

    @property
    def unsent(self) -> bool:
        """There are octets that the other side has not taken yet; call `flush` when it can."""
        return bool(self._out)

    @property
    def partial(self) -> bool:
        """A part of a message has come."""
        return bool(self._in)

    def send(self, message: Any) -> None:
        """Sends what the other side takes now, the rest with `flush`. That it has gone shows when reading."""
        self._out += _packed(message)
        self.flush()

    def flush(self) -> None:
        """Sends more of what is waiting."""
        try:
            while self._out:
                del self._out[: self._socket.send(self._out[:_CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            self._out.clear()

    def read(self) -> Iterator[Any]:
        """All whole messages that are there. Raises `ChannelBroken` behind the last one when there will be no more."""
        open_ = True
        while open_:
            try:
                more = self._socket.recv(_CHUNK)
                self._in += more
                open_ = bool(more)
            except BlockingIOError:
                more = b""
            except OSError:
                more, open_ = b"", False
            yield from self._whole()
            if not more:
                break
        if not open_:
            raise ChannelBroken(foreign=bool(self._in))

    def _whole(self) -> Iterator[Any]:
        known = min(len(self._in), len(_MAGIC))
        if self._in[:known] != _MAGIC[:known]:
            raise ChannelBroken(foreign=True)
        while len(self._in) >= _HEADER.size:
            end = _HEADER.size + _length(self._in)
            if len(self._in) < end:
                return
            message = _unpacked(self._in, self._in[_HEADER.size : end])
            del self._in[:end]
            yield message

    def close(self) -> None:
        """The other side sees the end."""
        self._socket.close()


def channel() -> tuple[Channel, socket.socket]:
    """Both ends; the second is for the worker."""
    ours, theirs = socket.socketpair()
    return Channel(ours), theirs


class Port:
    """The end of the worker. Whoever forks and comes back into it, or finds something else in its place, ends here."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._owner = os.getpid()
        self._identity = self._whose()

    def _whose(self) -> tuple[int, int]:
        is_now = os.fstat(self._fd)
        return is_now.st_dev, is_now.st_ino

    def _check(self) -> None:
        if os.getpid() != self._owner:  # the device forked, and its child believes that it is the worker
            os._exit(CUT_OFF)
        try:
            ours = self._whose() == self._identity
        except OSError:
            ours = False
        if not ours:
            self._cut_off("the device closed a file descriptor that is not its own")

    def _cut_off(self, why: str) -> NoReturn:
        sys.stdout.flush()
        os.write(2, f"tiptoe: the channel to the run is gone: {why}\n".encode())
        os._exit(CUT_OFF)

    def send(self, message: Any) -> None:
        """Sends it whole; the process ends when that is impossible."""
        self._check()
        octets = memoryview(_packed(message))
        if len(octets) > LONGEST:
            self._cut_off(f"a result of {len(octets)} octets")
        try:
            while octets:
                octets = octets[os.write(self._fd, octets) :]
        except OSError as e:
            self._cut_off(str(e.strerror))

    def receive(self) -> Any:
        """The next message. Raises `EOFError` when the run has no more."""
        self._check()
        header = self._exactly(_HEADER.size)
        try:
            return _unpacked(header, self._exactly(_length(header)))
        except ChannelBroken:
            self._cut_off("what came over it is no message")

    def _exactly(self, octets: int) -> bytes:
        out = bytearray()
        while len(out) < octets:
            try:
                more = os.read(self._fd, min(octets - len(out), _CHUNK))
            except ConnectionResetError:
                more = b""
            except OSError as e:
                self._cut_off(str(e.strerror))
            if not more:
                raise EOFError
            out += more
        return bytes(out)
