# SPDX-License-Identifier: Apache-2.0
"""Enumerations. The extension module takes and returns these very classes.

Names and numbers are those of docs/microarchitecture.md (sections 8.3, 9, 10) and harness/include/tiptoe/.
"""

from __future__ import annotations

import enum


class State(enum.IntEnum):
    """States of a connection, RFC 9293 section 3.3.2."""

    CLOSED = 0
    LISTEN = 1
    SYN_SENT = 2
    SYN_RECEIVED = 3
    ESTABLISHED = 4
    FIN_WAIT_1 = 5
    FIN_WAIT_2 = 6
    CLOSE_WAIT = 7
    CLOSING = 8
    LAST_ACK = 9
    TIME_WAIT = 10
    UNKNOWN = 15  #: the device does not tell


class CallStatus(enum.IntEnum):
    """Answer to a user call, docs/microarchitecture.md section 9."""

    OK = 0
    NO_CONNECTION = 1
    EXISTS = 2
    NO_RESOURCES = 3
    CLOSING = 4
    REMOTE_UNSPECIFIED = 5
    INVALID = 6
    WOULD_BLOCK = 7
    ABORTED = 8


class Flags(enum.IntFlag):
    """Control bits of a TCP header, RFC 9293 section 3.1."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10
    URG = 0x20
    ECE = 0x40
    CWR = 0x80


class Notify(enum.IntFlag):
    """Asynchronous indications to the user, RFC 9293 section 3.9.1.8; docs/microarchitecture.md section 10."""

    CONNECTED = 1
    READABLE = 2
    PEER_FIN = 4
    SPACE = 8  #: sent data was acknowledged
    CLOSED = 16  #: last indication of this handle's life
    RESET = 32  #: by the peer
    REFUSED = 64
    TIMEOUT = 128  #: R2, user timeout, keepalive
    SOFT = 256  #: R1 retransmissions reached
    ACCEPT = 512  #: listener: something to accept
    URGENT = 1024


class EventKind(enum.IntEnum):
    """Source of a retired event, docs/microarchitecture.md section 8.1."""

    TIMER = 0
    SEGMENT = 1
    COMMAND = 2
    SEND_DATA = 3
    RECEIVE_DATA = 4
    OUTPUT = 5


class Defect(enum.IntEnum):
    """What can be wrong with a datagram, in the order in which it is looked at."""

    IP_SHORT = 0
    IP_VERSION = 1
    IP_HEADER_LENGTH = 2
    IP_TOTAL_LENGTH = 3
    IP_CHECKSUM = 4
    IP_FRAGMENT = 5
    IP_PROTOCOL = 6
    TCP_SHORT = 7
    TCP_DATA_OFFSET = 8
    TCP_CHECKSUM = 9
    TCP_OPTIONS = 10


class Verdict(enum.StrEnum):
    """What a case found."""

    PASS = "pass"  #: the device did what the rules say, and nothing else
    FAIL = "fail"  #: it broke a rule, hung, or diverged from its twin
    INAPPLICABLE = "inapplicable"  #: the device lacks what the case needs; the message says what
    WAIVED = "waived"  #: it failed, and somebody has taken that on until a date
    INCONCLUSIVE = "inconclusive"  #: the exchange did not get far enough to tell
    ERROR = "error"  #: tester or adapter broke down; says nothing about the rule


class Level(enum.StrEnum):
    """How strongly the strongest rule of a case is worded."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class Role(enum.StrEnum):
    """Which end opens a connection."""

    PASSIVE = "passive"  #: the device listens, the tester sends the SYN
    ACTIVE = "active"  #: the device sends the SYN
