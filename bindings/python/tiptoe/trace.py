# SPDX-License-Identifier: Apache-2.0
"""Traces as NumPy structured arrays: one row per datagram.

Fields: `time_us`, `cycle`, `to_device`, `length` (octets of the datagram), `src`, `dst` (addresses as numbers),
`src_port`, `dst_port`, `seq`, `ack`, `flags`, `window`, `text_length` (octets of TCP text), `defective` (a checksum or
length is wrong). Fields that the datagram is too short for are 0.

    >>> with tiptoe.Device(record=True) as device:
    ...     ...
    ...     rows = tiptoe.trace(device.frames)
    >>> sent = rows[~rows["to_device"]]
    >>> sent["text_length"].sum() / (sent["time_us"][-1] / 1e6)      # octets per second of device time
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import _core

if TYPE_CHECKING:
    import numpy as np


def to_array(frames: Iterable[_core.Datagram]) -> np.ndarray[Any, np.dtype[np.void]]:
    """The trace of these datagrams, in their order."""
    return _core.trace_array(list(frames))


def ladder(frames: Iterable[_core.Datagram]) -> str:
    """The exchange as text, one line per datagram, sequence numbers relative to the first of each direction."""
    return _core.ladder(list(frames))
