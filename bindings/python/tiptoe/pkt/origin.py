# SPDX-License-Identifier: Apache-2.0
"""Which system was a script written for? By what it says, strongest sign first; never by its name.

guess(parse(text)).name        # "freebsd", "linux", "rfc"
"""

from __future__ import annotations

import re

from .profile import Profile, profiles
from .symbols import FREEBSD, LINUX
from .syntax import Call, Code, Command, Packet, Script, Tcp, Time, TimeKind, show

_FREEBSD, _LINUX, _RFC = profiles["freebsd"], profiles["linux"], profiles["rfc"]

_BSD_WORDS = ("net.inet.tcp", "kern.ipc", "sockstat", "tcpdrop", "net.inet6", "net.inet.")
_LINUX_WORDS = (
    "net.ipv4",
    "net.ipv6",
    "net/ipv4",
    "net.core",
    "defaults.sh",
    "set_sysctls",
    "sysctl_restore",
    "/proc/sys",
    "tcp_metrics",
    "tc qdisc",
    "ethtool",
    "nstat",
    "dev tun0",
)
#: Names that only scripts for one system have, beside those of its symbols. What every packetdrill knows is no sign:
#: epoll, SOL_TCP, SIOCINQ.
_LINUX_NAMES = (
    "TCP_QUICKACK", "TCP_INQ", "TCP_NOTSENT_LOWAT", "TCP_INFO", "TCP_DEFER_ACCEPT", "TCP_THIN_LINEAR_TIMEOUTS",
    "SO_ZEROCOPY", "SO_TIMESTAMPING", "SO_MARK", "SO_TXREHASH", "IP_RECVERR",
)  # fmt: skip
_BSD_NAMES = ("TCP_FUNCTION_BLK", "TCP_MAXUNACKTIME", "TCP_KEEPINIT", "SO_NOSIGPIPE", "IP_DONTFRAG", "FIONSPACE")
#: Folders that say whose scripts they hold.
_LINUX_FOLDERS = ("linux", "gtests", "selftests", "ksft")
_BSD_FOLDERS = ("bsd", "freebsd")


_LINUX_ONLY = (LINUX.numbers.keys() - FREEBSD.numbers.keys()) | set(_LINUX_NAMES)
_BSD_ONLY = (FREEBSD.numbers.keys() - LINUX.numbers.keys()) | set(_BSD_NAMES)
#: Octets that RFC 5681 3.1 lets out before the first acknowledgment, at most.
_RFC_BURST = 4380
_AT_ONCE_US = 1_000
_LEAST_RTO_US = 900_000


def guess(script: Script) -> Profile:
    """The system that a script was written for, by what it says: sysctl names, helper scripts, calls and options of one
    system, the order of options in the device's SYN, an initial window of ten segments, ACKs at once. Without any sign:
    the RFCs."""
    texts = [e.action.text for e in script.events if isinstance(e.action, Command)]
    texts += [c[0] for c in (script.init_command, script.cleanup_command) if c is not None]
    for text in texts:
        if any(word in text for word in _LINUX_WORDS):
            return _LINUX
        if any(word in text for word in _BSD_WORDS):
            return _FREEBSD
    if "#ifdef" in script.text and "FreeBSD" in script.text:
        return _FREEBSD
    signs = (_by_segments, _by_calls, _by_remarks, _by_code, _by_times, _by_folder)
    return next((found for sign in signs if (found := sign(script)) is not None), _RFC)


def _by_calls(script: Script) -> Profile | None:
    for event in script.events:
        if not isinstance(event.action, Call):
            continue
        names = {name for argument in event.action.arguments for name in re.findall(r"\w+", show(argument))}
        if names & _LINUX_ONLY:
            return _LINUX
        if names & _BSD_ONLY:
            return _FREEBSD
    return None


def _by_segments(script: Script) -> Profile | None:
    """Linux: mss, sackOK, TS, nop, wscale; nop, nop, sackOK without TS. FreeBSD: mss, nop, wscale, sackOK, TS. A device
    that has nothing but an MSS, whatever it is offered, is neither."""
    burst = acknowledged = 0
    offered = True  # an active OPEN offers what there is
    for event in script.events:
        if not isinstance(event.action, Packet) or not isinstance(event.action.body, Tcp):
            continue
        body = event.action.body
        if not event.action.outbound:
            acknowledged = max(acknowledged, body.ack or 0)
            if body.has("S"):
                offered = any(o.name in ("wscale", "sackOK", "TS") for o in body.options or ())
            continue
        names = [o.name for o in body.options or ()] if body.has("S") else []
        if names[:2] == ["mss", "sackOK"] or names[:4] == ["mss", "nop", "nop", "sackOK"]:
            return _LINUX
        if names[:4] == ["mss", "nop", "wscale", "sackOK"]:
            return _FREEBSD
        if names == ["mss"] and offered:
            return _RFC
        if acknowledged <= 1 and not body.sequence.is_any and not body.has("S"):
            burst = max(burst, body.sequence.start + body.sequence.length - 1)
    return _LINUX if burst > _RFC_BURST else None


def _by_times(script: Script) -> Profile | None:
    """Linux acknowledges the first text at once and repeats after less than the second that RFC 6298 has. What the
    RFCs have is known by an ACK that comes late, or a repetition after a second."""
    next_seq, sent, alone = 1, set[int](), 0
    before: int | None = 0  # absolute time of the event before, as far as it is known
    for event in script.events:
        action, time = event.action, event.time
        gap = _gap_us(time, before)
        before = None if time.kind is TimeKind.ANY or time.is_range else (before or 0) + (gap or 0)
        if not isinstance(action, Packet) or not isinstance(action.body, Tcp) or action.body.has("S"):
            continue
        body = action.body
        length = body.sequence.length
        if not action.outbound:
            in_order = length and body.sequence.start == next_seq and not body.has("F")
            alone = alone + 1 if in_order else 0
            next_seq += length if in_order else 0
            continue
        if gap is not None and alone == 1 and not length and not set(body.flags) & set("FR"):
            return _LINUX if gap < _AT_ONCE_US else _RFC
        if gap is not None and length and body.sequence.start in sent:
            return _LINUX if 0 < gap < _LEAST_RTO_US else _RFC
        sent.add(body.sequence.start)
        alone = 0
    return None


def _by_code(script: Script) -> Profile | None:
    """TCP_INFO, which packetdrill has from Linux."""
    code = " ".join(e.action.text for e in script.events if isinstance(e.action, Code))
    if "tcpi_" not in code:
        return None
    return _FREEBSD if "TCPI_OPT_TOE" in code or "tcpi_snd_rexmitpack" in code else _LINUX


def _gap_us(time: Time, before: int | None) -> int | None:
    """Microseconds since the event before, if both have a time."""
    if time.kind is TimeKind.RELATIVE:
        return time.start_us
    if time.kind is TimeKind.ABSOLUTE and before is not None:
        return time.start_us - before
    return None


def _by_remarks(script: Script) -> Profile | None:
    """Remarks that speak of one system, and of no other."""
    remarks = " ".join(re.findall(r"//[^\n]*|/\*.*?\*/", script.text, re.DOTALL)).lower()
    if "freebsd" in remarks and "linux" not in remarks:
        return _FREEBSD
    return _LINUX if "linux" in remarks and "bsd" not in remarks else None


def _by_folder(script: Script) -> Profile | None:
    parts = script.path.lower().replace("\\", "/").replace("-", "/").split("/")[:-1]
    if any(part in _BSD_FOLDERS for part in parts):
        return _FREEBSD
    return _LINUX if any(part in _LINUX_FOLDERS for part in parts) else None
