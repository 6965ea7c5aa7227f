# SPDX-License-Identifier: Apache-2.0
"""Profiles: how a device is set up so that it behaves like the stack a script was written for.

    profile = profiles["freebsd"]
    profile.registers["RTO_MIN"]        # microseconds

A profile is settings of the device (docs/microarchitecture.md section 12), the habits of that system's socket layer,
and the symbols its scripts take for granted. What a script sets by sysctl comes on top (shell.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .symbols import FREEBSD, LINUX, Symbols
from .syntax import Call, Code, Command, Packet, Script, Tcp, show

#: Addresses as packetdrill has them: the device, and the peer that the script plays.
DEVICE_IP = "192.168.0.1"
PEER_IP = "192.0.2.1"
PORT = 8080

_COMMON = {"QUIET": 0, "USER_TIMEOUT": 0, "TTL": 64, "MTU": 1500, "IW_SEGS": 10, "FEATURES.DF": 1}


@dataclass(frozen=True)
class Profile:
    """One system."""

    name: str
    title: str
    symbols: Symbols
    registers: Mapping[str, int]  #: settings of the device
    receive_buffer: int = 65536  #: octets that the device should have
    send_buffer: int = 65536  #: octets that a write() finds room for
    #: The receive buffer is rounded up to whole segments when a connection is there (FreeBSD).
    rounds_buffers: bool = False
    #: close() with unread octets resets the connection (RFC 1122 4.2.2.13; Linux).
    close_resets_unread: bool = False
    defines: Mapping[str, str] = field(default_factory=dict)  #: symbols, unless --define gives them
    #: Symbols of which one is defined; the first when --define gives none.
    choices: tuple[str, ...] = ()
    choice_registers: Mapping[str, Mapping[str, int]] = field(
        default_factory=dict
    )  #: settings that go with such a symbol
    window_clamp: int = 65535


#: FreeBSD: RTO = max(srtt + 4 rttvar, rexmit_min 30 ms) + rexmit_slop 200 ms; delayed ACK 40 ms; MSL 30 s; RFC 1337.
_FREEBSD = Profile(
    "freebsd",
    "FreeBSD",
    FREEBSD,
    {
        **_COMMON,
        "RTO_INIT": 1_000_000,
        "SYN_RTO": 1_000_000,
        "RTO_MIN": 230_000,
        "RTO_MAX": 64_000_000,
        "DACK": 40_000,
        "MSL": 30_000_000,
        "SYN_RETRIES": 12,
        "DATA_RETRIES": 12,
        "OPEN_TIMEOUT": 75_000_000,
        "KEEP_IDLE_S": 7200,
        "KEEP_INTVL_S": 75,
        "KEEP_PROBES": 8,
    },
    send_buffer=32768,
    rounds_buffers=True,
    choices=("STANDARD", "FreeBSD"),
    choice_registers={"STANDARD": {"FEATURES.TW_REUSE": 0}, "FreeBSD": {"FEATURES.TW_REUSE": 1}},
)

#: Linux: RTO at least 200 ms, every segment acknowledged at once while a connection is young, TIME_WAIT 60 s.
_LINUX = Profile(
    "linux",
    "Linux",
    LINUX,
    {
        **_COMMON,
        "RTO_INIT": 1_000_000,
        "SYN_RTO": 1_000_000,
        "RTO_MIN": 200_000,
        "RTO_MAX": 120_000_000,
        "DACK": 40_000,
        "FEATURES.DELACK": 0,
        "FEATURES.RFC1337": 0,
        "MSL": 30_000_000,
        "FW2_TIMEOUT": 60_000_000,
        "SYN_RETRIES": 6,
        "DATA_RETRIES": 15,
        "KEEP_IDLE_S": 7200,
        "KEEP_INTVL_S": 75,
        "KEEP_PROBES": 9,
    },
    send_buffer=262144,
    close_resets_unread=True,
    defines={
        "TFO_COOKIE": "3021b9d889017eeb",
        "TFO_COOKIE_ZERO": "b7c12350a90dc8f5",
        "CMSG_LEVEL_IP": "SOL_IP",
        "CMSG_TYPE_RECVERR": "IP_RECVERR",
        "CODE": "host_unreachable",
        "MSS": "1460",
    },
)

#: The device as its own defaults have it, which are those of the RFCs.
_RFC = Profile("rfc", "the RFCs' own defaults", LINUX, {"QUIET": 0, "FEATURES.DF": 1}, close_resets_unread=True)

profiles: Mapping[str, Profile] = {p.name: p for p in (_FREEBSD, _LINUX, _RFC)}

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
#: Names that only scripts for one system have, beside those of its symbols. What every packetdrill knows is no sign: epoll,
#: SOL_TCP, SIOCINQ.
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


def guess(script: Script) -> Profile:
    """The system that a script was written for, by what it says: sysctl names, helper scripts, calls and options of one
    system, the order of options in the device's SYN, an initial window of ten segments. Without any sign: the RFCs."""
    texts = [e.action.text for e in script.events if isinstance(e.action, Command)]
    texts += [c[0] for c in (script.init_command, script.cleanup_command) if c is not None]
    for text in texts:
        if any(word in text for word in _LINUX_WORDS):
            return _LINUX
        if any(word in text for word in _BSD_WORDS):
            return _FREEBSD
    if "#ifdef" in script.text and "FreeBSD" in script.text:
        return _FREEBSD
    return _by_segments(script) or _by_calls(script) or _by_folder(script) or _RFC


def _by_calls(script: Script) -> Profile | None:
    for event in script.events:
        if isinstance(event.action, Code) and "tcpi_" in event.action.text:
            return _FREEBSD if "TCPI_OPT_TOE" in event.action.text else _LINUX
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


def _by_folder(script: Script) -> Profile | None:
    parts = script.path.lower().replace("\\", "/").replace("-", "/").split("/")[:-1]
    if any(part in _BSD_FOLDERS for part in parts):
        return _FREEBSD
    return _LINUX if any(part in _LINUX_FOLDERS for part in parts) else None
