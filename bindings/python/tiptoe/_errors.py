# SPDX-License-Identifier: Apache-2.0
"""Exceptions. Everything that tiptoe raises on purpose derives from `TiptoeError`.

The extension module raises these very classes (it imports them when it is loaded), so one `except` clause is enough
whether a mistake was noticed in Python or in C++.
"""

from __future__ import annotations

from types import TracebackType


class TiptoeError(Exception):
    """Base of all exceptions of this package."""


class UsageError(TiptoeError):
    """The caller asked for something that does not exist or is not possible: unknown case, device, setting, file."""


class DeviceError(TiptoeError):
    """A device refused something: unknown setting, illegal parameter set, no such feature."""


class DeviceHang(DeviceError):
    """The device stopped answering within its stated bounds."""


class DeviceUnsupported(DeviceError):
    """The device lacks what it was asked for, a setting, a counter or a call; the case does not apply to it."""


class DeviceNonsense(DeviceError):
    """The device answered something that no device may answer: time that goes back, a status that does not exist."""


class Divergence(DeviceError):
    """Lockstep found model and RTL apart. The text says block, signal, both values and the cycle."""


class SegmentError(TiptoeError, ValueError):
    """Octets that are not an IPv4 datagram with a TCP segment, or fields that cannot be written as one."""


class ExpectationError(TiptoeError, AssertionError):
    """A device sent something else than what a case expected, or nothing. The text is the whole story."""


class Inapplicable(TiptoeError):
    """Raised by a Python case that does not apply to this device; the text is the reason."""


class ServeError(TiptoeError):
    """`tiptoe serve` could not start or go on: no TUN device, no permission, name in use, bad address."""


class Inconclusive(TiptoeError):
    """Raised by a Python case whose exchange did not get far enough to tell."""


def _where(error: BaseException, trace: TracebackType | None) -> str:
    """The innermost line that raised it, as "file.py:12: the line". For the extension module."""
    import traceback

    frames = traceback.extract_tb(trace)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno}: {last.line}"


def _story(error: BaseException, trace: TracebackType | None = None) -> str:
    """An exception of somebody's code on one line, "ValueError: no card (mine.py:12: raise ValueError(...))"."""
    text = " ".join(str(error).split())
    if len(text) > 300:
        text = text[:297] + "..."
    told = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, SyntaxError):  # says where by itself
        return told
    return f"{told} ({_where(error, trace)})" if trace is not None else told
