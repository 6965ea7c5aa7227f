# SPDX-License-Identifier: Apache-2.0
"""Messages between the suite and the simulation: one JSON object per line; octets as hexadecimal text."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any


class Wire:
    """One end of the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._file = connection.makefile("rwb")

    def send(self, message: dict[str, Any]) -> None:
        """Raises `OSError` when the other end is gone."""
        self._file.write(json.dumps(message, default=_hex).encode() + b"\n")
        self._file.flush()

    def receive(self) -> dict[str, Any] | None:
        """The next message; nothing when the other end has closed."""
        line = self._file.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def close(self) -> None:
        """Tells the other end that this one is gone."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._socket.close()


def _hex(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    raise TypeError(f"{type(value).__name__} cannot be sent")
