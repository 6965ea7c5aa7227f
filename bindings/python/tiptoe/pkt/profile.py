# SPDX-License-Identifier: Apache-2.0
"""Profiles: how a device is set up so that it behaves like the stack a script was written for.

    profile = profiles["freebsd"]
    profile.registers["RTO_MIN"]        # microseconds

A profile is settings of the device (docs/microarchitecture.md section 12), the habits of that system's socket layer,
and the symbols its scripts take for granted. What a script sets by sysctl comes on top (shell.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .symbols import FREEBSD, LINUX, Symbols

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
