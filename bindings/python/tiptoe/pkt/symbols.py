# SPDX-License-Identifier: Apache-2.0
"""Numbers behind the symbols of system calls. Systems differ: O_NONBLOCK is 0x800 on Linux and 4 on FreeBSD.

The numbers are those of the systems' public headers; scripts compare them when they read flags back.
"""

from __future__ import annotations

import errno as _errno
from collections.abc import Mapping
from dataclasses import dataclass, field

from .syntax import Either, Expression, Function, Name, Number

_BOTH = {
    "AF_UNSPEC": 0,
    "AF_INET": 2,
    "PF_INET": 2,
    "SOCK_STREAM": 1,
    "SOCK_DGRAM": 2,
    "SOCK_RAW": 3,
    "IPPROTO_IP": 0,
    "IPPROTO_ICMP": 1,
    "IPPROTO_TCP": 6,
    "IPPROTO_UDP": 17,
    "IPPROTO_IPV6": 41,
    "IPPROTO_SCTP": 132,
    "IPPROTO_UDPLITE": 136,
    "INADDR_ANY": 0,
    "O_RDONLY": 0,
    "O_WRONLY": 1,
    "O_RDWR": 2,
    "F_DUPFD": 0,
    "F_GETFD": 1,
    "F_SETFD": 2,
    "F_GETFL": 3,
    "F_SETFL": 4,
    "FD_CLOEXEC": 1,
    "SHUT_RD": 0,
    "SHUT_WR": 1,
    "SHUT_RDWR": 2,
    "MSG_OOB": 1,
    "MSG_PEEK": 2,
    "MSG_DONTROUTE": 4,
    "POLLIN": 1,
    "POLLPRI": 2,
    "POLLOUT": 4,
    "POLLERR": 8,
    "POLLHUP": 0x10,
    "POLLNVAL": 0x20,
    "POLLRDNORM": 0x40,
    "POLLRDBAND": 0x80,
    "EPOLLIN": 1,
    "EPOLLPRI": 2,
    "EPOLLOUT": 4,
    "EPOLLERR": 8,
    "EPOLLHUP": 0x10,
    "EPOLLRDNORM": 0x40,
    "EPOLLRDBAND": 0x80,
    "EPOLLWRNORM": 0x100,
    "EPOLLWRBAND": 0x200,
    "EPOLLMSG": 0x400,
    "EPOLLRDHUP": 0x2000,
    "EPOLLEXCLUSIVE": 1 << 28,
    "EPOLLWAKEUP": 1 << 29,
    "EPOLLONESHOT": 1 << 30,
    "EPOLLET": 1 << 31,
    "EPOLL_CTL_ADD": 1,
    "EPOLL_CTL_DEL": 2,
    "EPOLL_CTL_MOD": 3,
    "IPTOS_LOWDELAY": 0x10,
    "IPTOS_THROUGHPUT": 0x08,
    "IPTOS_RELIABILITY": 0x04,
    "IPTOS_MINCOST": 0x02,
    "IPTOS_ECN_NOT_ECT": 0,
    "IPTOS_ECN_ECT1": 1,
    "IPTOS_ECN_ECT0": 2,
    "IPTOS_ECN_CE": 3,
    **{f"IPTOS_DSCP_CS{i}": i << 5 for i in range(8)},
    **{f"IPTOS_DSCP_AF{c}{d}": (8 * c + 2 * d) << 2 for c in range(1, 5) for d in range(1, 4)},
    "IPTOS_DSCP_EF": 0xB8,
    "IPTOS_DSCP_VA": 0xB0,
    "NULL": 0,
}

_LINUX = {
    "AF_INET6": 10,
    "PF_INET6": 10,
    "SOCK_NONBLOCK": 0x800,
    "SOCK_CLOEXEC": 0x80000,
    "O_NONBLOCK": 0x800,
    "O_NDELAY": 0x800,
    "O_APPEND": 0x400,
    "O_ASYNC": 0x2000,
    "O_CLOEXEC": 0x80000,
    "MSG_CTRUNC": 0x8,
    "MSG_TRUNC": 0x20,
    "MSG_DONTWAIT": 0x40,
    "MSG_EOR": 0x80,
    "MSG_WAITALL": 0x100,
    "MSG_ERRQUEUE": 0x2000,
    "MSG_NOSIGNAL": 0x4000,
    "MSG_MORE": 0x8000,
    "MSG_ZEROCOPY": 0x4000000,
    "MSG_FASTOPEN": 0x20000000,
    "MSG_CMSG_CLOEXEC": 0x40000000,
    "POLLRDHUP": 0x2000,
    "POLLWRNORM": 0x100,
    "POLLWRBAND": 0x200,
    "POLLMSG": 0x400,
    "POLLINIT": 0,
    "IP_PMTUDISC_DONT": 0,
    "IP_PMTUDISC_WANT": 1,
    "IP_PMTUDISC_DO": 2,
    "IP_PMTUDISC_PROBE": 3,
    "SO_EE_ORIGIN_NONE": 0,
    "SO_EE_ORIGIN_LOCAL": 1,
    "SO_EE_ORIGIN_ICMP": 2,
    "SO_EE_ORIGIN_ICMP6": 3,
    "SO_EE_ORIGIN_TIMESTAMPING": 4,
    "SO_EE_ORIGIN_ZEROCOPY": 5,
    "SO_EE_CODE_ZEROCOPY_COPIED": 1,
    "SCM_TSTAMP_SND": 0,
    "SCM_TSTAMP_SCHED": 1,
    "SCM_TSTAMP_ACK": 2,
    "SCM_TIMESTAMPING": 37,
    "TCP_CM_INQ": 36,
}

_FREEBSD = {
    "AF_INET6": 28,
    "PF_INET6": 28,
    "SOCK_NONBLOCK": 0x20000000,
    "SOCK_CLOEXEC": 0x10000000,
    "O_NONBLOCK": 4,
    "O_NDELAY": 4,
    "O_APPEND": 8,
    "O_ASYNC": 0x40,
    "O_CLOEXEC": 0x100000,
    "MSG_EOR": 0x8,
    "MSG_TRUNC": 0x10,
    "MSG_CTRUNC": 0x20,
    "MSG_WAITALL": 0x40,
    "MSG_DONTWAIT": 0x80,
    "MSG_EOF": 0x100,
    "MSG_NOTIFICATION": 0x2000,
    "MSG_NBIO": 0x4000,
    "MSG_NOSIGNAL": 0x20000,
    "POLLWRNORM": 4,
    "POLLWRBAND": 0x100,
    "POLLRDHUP": 0x4000,
    "POLLINIGNEOF": 0x2000,
}

#: FreeBSD's numbers of errors; where a name is not here it is not used by TCP sockets.
_FREEBSD_ERRORS = {
    "EPERM": 1, "ENOENT": 2, "EINTR": 4, "EIO": 5, "EBADF": 9, "ENOMEM": 12, "EACCES": 13, "EFAULT": 14, "EINVAL": 22,
    "EMFILE": 24, "EPIPE": 32, "EAGAIN": 35, "EWOULDBLOCK": 35, "EINPROGRESS": 36, "EALREADY": 37, "ENOTSOCK": 38,
    "EDESTADDRREQ": 39, "EMSGSIZE": 40, "EPROTOTYPE": 41, "ENOPROTOOPT": 42, "EPROTONOSUPPORT": 43, "EOPNOTSUPP": 45,
    "ENOTSUP": 45, "EAFNOSUPPORT": 47, "EADDRINUSE": 48, "EADDRNOTAVAIL": 49, "ENETDOWN": 50, "ENETUNREACH": 51,
    "ENETRESET": 52, "ECONNABORTED": 53, "ECONNRESET": 54, "ENOBUFS": 55, "EISCONN": 56, "ENOTCONN": 57,
    "ESHUTDOWN": 58, "ETIMEDOUT": 60, "ECONNREFUSED": 61, "EHOSTDOWN": 64, "EHOSTUNREACH": 65, "EPROTO": 92,
}  # fmt: skip
_LINUX_ERRORS = {**{name: number for number, name in _errno.errorcode.items()}, "EWOULDBLOCK": 11, "ENOTSUP": 95}

#: tcpi_state: Linux' numbers, and FreeBSD's, by the names of RFC 9293.
LINUX_STATES = {
    "ESTABLISHED": 1, "SYN_SENT": 2, "SYN_RECEIVED": 3, "FIN_WAIT_1": 4, "FIN_WAIT_2": 5, "TIME_WAIT": 6, "CLOSED": 7,
    "CLOSE_WAIT": 8, "LAST_ACK": 9, "LISTEN": 10, "CLOSING": 11,
}  # fmt: skip
FREEBSD_STATES = {
    "CLOSED": 0, "LISTEN": 1, "SYN_SENT": 2, "SYN_RECEIVED": 3, "ESTABLISHED": 4, "CLOSE_WAIT": 5, "FIN_WAIT_1": 6,
    "CLOSING": 7, "LAST_ACK": 8, "FIN_WAIT_2": 9, "TIME_WAIT": 10,
}  # fmt: skip
_LINUX_STATE_NAMES = {
    "TCP_ESTABLISHED": 1, "TCP_SYN_SENT": 2, "TCP_SYN_RECV": 3, "TCP_FIN_WAIT1": 4, "TCP_FIN_WAIT2": 5,
    "TCP_TIME_WAIT": 6, "TCP_CLOSE": 7, "TCP_CLOSE_WAIT": 8, "TCP_LAST_ACK": 9, "TCP_LISTEN": 10, "TCP_CLOSING": 11,
    "TCP_NEW_SYN_RECV": 12,
}  # fmt: skip
_CA_STATES = {"TCP_CA_Open": 0, "TCP_CA_Disorder": 1, "TCP_CA_CWR": 2, "TCP_CA_Recovery": 3, "TCP_CA_Loss": 4}
_INFO_OPTIONS = {"TCPI_OPT_TIMESTAMPS": 1, "TCPI_OPT_SACK": 2, "TCPI_OPT_WSCALE": 4, "TCPI_OPT_ECN": 8}


class UnknownSymbol(Exception):
    """A name without a number."""


@dataclass(frozen=True)
class Symbols:
    """The symbols of one system."""

    system: str
    numbers: Mapping[str, int]
    errors: Mapping[str, int]
    states: Mapping[str, int]  #: RFC name -> tcpi_state
    code: Mapping[str, int] = field(default_factory=dict)  #: names that Python code may use

    def number(self, expression: Expression) -> int:
        """Value of an expression of numbers and symbols. Raises `UnknownSymbol`."""
        match expression:
            case Number(value):
                return value
            case Either(left, right):
                return self.number(left) | self.number(right)
            case Name(name):
                if name in self.numbers:
                    return self.numbers[name]
                if name in self.errors:
                    return self.errors[name]
                raise UnknownSymbol(f"'{name}' is no symbol of {self.system}")
            case Function("htons" | "htonl", (Number(value),)):
                return value
        raise UnknownSymbol("a number is expected here")

    def error_name(self, number: int) -> str:
        """Name of an error number."""
        return next((name for name, n in self.errors.items() if n == number), str(number))

    def same_error(self, one: str, other: str) -> bool:
        """EAGAIN and EWOULDBLOCK are one."""
        return one == other or (one in self.errors and self.errors.get(one) == self.errors.get(other))


LINUX = Symbols(
    "Linux",
    {**_BOTH, **_LINUX},
    _LINUX_ERRORS,
    LINUX_STATES,
    {
        **_LINUX_STATE_NAMES,
        **_CA_STATES,
        **_INFO_OPTIONS,
        "TCPI_OPT_ECN_SEEN": 16,
        "TCPI_OPT_SYN_DATA": 32,
        "TCPI_OPT_USEC_TS": 64,
        "TCPI_OPT_TFO_CHILD": 128,
        **{f"TCPI_{name}": n for name, n in LINUX_STATES.items()},
    },
)
FREEBSD = Symbols(
    "FreeBSD",
    {**_BOTH, **_FREEBSD},
    _FREEBSD_ERRORS,
    FREEBSD_STATES,
    {**{f"TCPI_{name}": n for name, n in FREEBSD_STATES.items()}, **_CA_STATES, **_INFO_OPTIONS, "TCPI_OPT_TOE": 16},
)
