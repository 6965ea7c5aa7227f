# SPDX-License-Identifier: Apache-2.0
"""Socket options: which the socket layer keeps, which are settings of the device, which nobody here has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._enums import State
from .._errors import Inapplicable
from . import messages
from .config import Config
from .host import Host, Phase, Socket
from .profile import Profile
from .syntax import Anything, Array, Call, Expression, Name, Number, String, Struct, show

if TYPE_CHECKING:
    from .calls import Outcome

#: Kept by the socket layer, without effect on the wire.
_KEPT = {
    "SO_REUSEADDR", "SO_REUSEPORT", "SO_REUSEPORT_LB", "SO_DEBUG", "SO_PRIORITY", "SO_NOSIGPIPE", "SO_DONTROUTE",
    "SO_BROADCAST", "SO_MARK", "SO_BINDTODEVICE", "SO_INCOMING_CPU", "SO_BUSY_POLL", "SO_RCVLOWAT", "SO_SNDLOWAT",
    "SO_USELOOPBACK", "SO_OOBINLINE", "IP_FREEBIND", "IP_RECVERR", "IP_RECVTOS", "IP_RECVTTL", "IP_TRANSPARENT",
    "TCP_QUICKACK", "TCP_THIN_LINEAR_TIMEOUTS", "TCP_THIN_DUPACK", "TCP_DEFER_ACCEPT_OFF", "IPV6_V6ONLY", "SO_SNDBUF",
    "SO_SNDBUFFORCE", "SO_TXREHASH", "TCP_INQ", "TCP_NOTSENT_LOWAT",
}  # fmt: skip

#: Settings of the device: register, factor.
_REGISTERS = {
    "IP_TOS": ("TOS", 1),
    "IP_TTL": ("TTL", 1),
    "TCP_KEEPIDLE": ("KEEP_IDLE_S", 1),
    "TCP_KEEPINTVL": ("KEEP_INTVL_S", 1),
    "TCP_KEEPCNT": ("KEEP_PROBES", 1),
    "TCP_KEEPINIT": ("OPEN_TIMEOUT", 1_000_000),
    "TCP_USER_TIMEOUT": ("USER_TIMEOUT", 1000),
    "TCP_SYNCNT": ("SYN_RETRIES", 1),
    "TCP_LINGER2": ("FW2_TIMEOUT", 1_000_000),
    "TCP_MAXUNACKTIME": ("USER_TIMEOUT", 1_000_000),
    "TCP_RTO_MIN_US": ("RTO_MIN", 1),
    "TCP_RTO_MAX_MS": ("RTO_MAX", 1000),
}
#: Legal values (Linux and FreeBSD agree on these); others get EINVAL.
_LEGAL = {
    "IP_TTL": (1, 255),
    "TCP_KEEPIDLE": (1, 32767),
    "TCP_KEEPINTVL": (1, 32767),
    "TCP_KEEPCNT": (1, 127),
    "TCP_SYNCNT": (1, 127),
}
_OWN = {"TCP_NODELAY", "SO_KEEPALIVE", "SO_LINGER", "TCP_MAXSEG", "SO_RCVTIMEO", "SO_SNDTIMEO", "TCP_CONGESTION",
        "IP_MTU_DISCOVER", "SO_RCVBUF", "TCP_FUNCTION_BLK", "IP_DONTFRAG", "SO_ZEROCOPY",
        "SO_TIMESTAMPING"}  # fmt: skip
_LINUX = {"SO_TIMESTAMPING", "SO_ZEROCOPY", "TCP_INQ", "TCP_NOTSENT_LOWAT"}
_READ_ONLY = {"SO_ERROR", "SO_TYPE", "SO_ACCEPTCONN", "SO_PROTOCOL", "SO_DOMAIN"}
_FLAGS = {"SO_REUSEADDR", "SO_REUSEPORT", "SO_KEEPALIVE", "TCP_NODELAY", "SO_OOBINLINE", "SO_DEBUG", "SO_DONTROUTE"}

KNOWN = _KEPT | _REGISTERS.keys() | _OWN | _READ_ONLY
IOCTLS = {"FIONREAD", "SIOCINQ", "SIOCOUTQ", "TIOCOUTQ", "SIOCOUTQNSD", "FIONBIO", "FIONWRITE", "FIONSPACE"}

_LEVELS = {"SOL_SOCKET", "SOL_TCP", "IPPROTO_TCP", "SOL_IP", "IPPROTO_IP", "SOL_IPV6", "IPPROTO_IPV6"}


def lacking(call: Call, profile: Profile) -> str | None:
    """What a setsockopt or getsockopt needs that nobody here has, as a reason; None when it can be carried out."""
    if len(call.arguments) != 5:
        return None
    level, option = call.arguments[1], call.arguments[2]
    if not isinstance(level, Name) or not isinstance(option, Name):
        return f"{call.name}({show(level)}, {show(option)})"
    if level.name not in _LEVELS or option.name not in KNOWN or level.name in ("SOL_IPV6", "IPPROTO_IPV6"):
        return f"{call.name}({level.name}, {option.name})"
    value = call.arguments[3]
    if call.name == "setsockopt":
        if option.name == "SO_RCVBUF":
            return "a receive buffer whose size is set by the script (SO_RCVBUF)"
        if option.name == "TCP_CONGESTION" and isinstance(value, String) and value.value not in ("reno", "newreno"):
            return f"the congestion control '{value.value}'"
        if option.name == "IP_TOS" and profile.name == "rfc" and not isinstance(value, Array):
            return None
    if option.name == "TCP_FUNCTION_BLK" and "freebsd" not in show(value):
        return f"the TCP stack {show(value)}"
    if profile.name == "freebsd" and option.name in _LINUX:
        return f"{option.name} of Linux"
    if option.name == "SO_TIMESTAMPING" and (call.name == "getsockopt" or messages.names_in(value) - messages.STAMPS):
        return f"{call.name}({option.name}, {show(value)})"
    return None


def _inside(value: Expression) -> Expression:
    """The one number of `[1]`."""
    return value.items[0] if isinstance(value, Array) and len(value.items) == 1 else value


def _timeout_us(value: Expression, profile: Profile) -> int:
    if isinstance(value, Struct):
        seconds = value.member("tv_sec") or Number(0)
        micro = value.member("tv_usec") or Number(0)
        return profile.symbols.number(seconds) * 1_000_000 + profile.symbols.number(micro)
    if isinstance(value, Array) and len(value.items) == 2:
        return profile.symbols.number(value.items[0]) * 1_000_000 + profile.symbols.number(value.items[1])
    return profile.symbols.number(_inside(value)) * 1_000_000


def set_(host: Host, profile: Profile, socket: Socket | None, call: Call) -> Outcome:
    """setsockopt"""
    from .calls import Outcome, failed

    if socket is None:
        return failed("EBADF")
    option, value = call.arguments[2], call.arguments[3]
    reason = lacking(call, profile)
    if reason is not None and call.errno in ("ENOPROTOOPT", "EOPNOTSUPP"):
        return failed(call.errno)
    if reason is not None or not isinstance(option, Name):
        raise Inapplicable(reason or show(option))
    name = option.name
    if name == "SO_LINGER":
        onoff = linger = Number(0)
        if isinstance(value, Struct):
            onoff, linger = value.member("onoff") or onoff, value.member("linger") or linger  # type: ignore[assignment]
        if profile.symbols.number(onoff):
            socket.options["SO_LINGER"] = profile.symbols.number(linger)
        else:
            socket.options.pop("SO_LINGER", None)
        return Outcome(0)
    if name in ("SO_RCVTIMEO", "SO_SNDTIMEO"):
        socket.options[name] = _timeout_us(value, profile)
        return Outcome(0)
    if name in ("TCP_CONGESTION", "TCP_FUNCTION_BLK"):
        return Outcome(0)
    if name == "SO_TIMESTAMPING":
        flow = socket.flow
        host.notices(socket).set_stamps(messages.names_in(value), len(flow.written) if flow is not None else 0)
        return Outcome(0)
    inside = _inside(value)
    if isinstance(inside, Anything | String | Struct | Array):
        return Outcome(0)
    number = profile.symbols.number(inside)
    low, high = _LEGAL.get(name, (-(1 << 63), 1 << 64))
    if not low <= number <= high:
        return failed("EINVAL")
    if name in _REGISTERS:
        register, factor = _REGISTERS[name]
        if not 0 <= number * factor < 1 << 32:
            return failed("EINVAL")
        host.set(register, number * factor)
    elif name == "TCP_MAXSEG":
        if not 88 <= number <= 32767:
            return failed("EINVAL")
        if socket.phase is Phase.CONNECTED and profile.name == "freebsd":
            raise Inapplicable("TCP_MAXSEG on a connection: the device has one MTU for all of them")
        host.set("MTU", min(number + 40, host.profile.registers.get("MTU", 1500)))
    elif name == "IP_MTU_DISCOVER" or name == "IP_DONTFRAG":
        host.set("FEATURES.DF", int(number != 0))
    elif name == "SO_ZEROCOPY":
        host.notices(socket).zerocopy = bool(number)
    socket.options[name] = number
    if name in ("TCP_NODELAY", "SO_KEEPALIVE"):
        host.apply_options(socket)
    return Outcome(0)


def _buffer(host: Host, profile: Profile, socket: Socket, size: int) -> int:
    """Size of a buffer as FreeBSD tells it: whole segments, once the peer's MSS is known."""
    if not profile.rounds_buffers or socket.flow is None or socket.flow.peer_mss is None:
        return size
    state = host.status(socket)
    if state in (State.SYN_SENT, State.CLOSED, State.LISTEN) and socket.phase is not Phase.DEAD:
        return size
    unit = mss(host, socket)
    return size if size < unit else -(-size // unit) * unit


def mss(host: Host, socket: Socket) -> int:
    """Octets of text in a full segment."""
    mtu = host.mtu
    peer = socket.flow.peer_mss if socket.flow is not None else None
    return min(mtu - 40, max(48, peer)) if peer is not None else min(536, mtu - 40)


def get(host: Host, profile: Profile, config: Config, socket: Socket | None, call: Call) -> Outcome:
    """getsockopt; what the script says of the value is compared."""
    from .calls import Outcome, failed

    if socket is None:
        return failed("EBADF")
    option = call.arguments[2]
    reason = lacking(call, profile)
    if reason is not None and call.errno in ("ENOPROTOOPT", "EOPNOTSUPP"):
        return failed(call.errno)
    if reason is not None or not isinstance(option, Name):
        raise Inapplicable(reason or show(option))
    name = option.name
    wanted = _inside(call.arguments[3])
    outcome = Outcome(0)
    if name == "SO_ERROR":
        error, socket.error = socket.error, None
        if isinstance(wanted, Anything):
            return outcome
        number = profile.symbols.number(wanted)
        if number != (profile.symbols.errors.get(error, -1) if error else 0):
            died = socket.phase is Phase.DEAD and error is None
            if (
                died
                and socket.last_state in (State.LAST_ACK, State.CLOSING)
                and number == profile.symbols.errors["ECONNRESET"]
            ):
                raise Inapplicable(
                    f"an error after a reset in {socket.last_state.name}; the device tells its user of none, as "
                    "RFC 9293 3.10.7.4 has none there"
                )
            outcome.details.append(("SO_ERROR", show(wanted), error or "0"))
        return outcome
    if name in ("TCP_CONGESTION", "TCP_FUNCTION_BLK") or isinstance(wanted, Anything | String | Struct | Array):
        return outcome
    got = _value(host, profile, config, socket, name)
    number = profile.symbols.number(wanted)
    if name == "TCP_MAXSEG" and socket.handle is None and number == 536 and profile.name != "freebsd":
        return outcome  # older kernels tell the default until there is a connection
    if name in _FLAGS:
        number, got = int(bool(number)), int(bool(got))
    if number != got:
        outcome.details.append((name, show(wanted), str(got)))
    return outcome


def _value(host: Host, profile: Profile, config: Config, socket: Socket, name: str) -> int:
    match name:
        case "SO_TYPE":
            return 1
        case "SO_PROTOCOL":
            return 6
        case "SO_DOMAIN":
            return 2 if config.ip_version == "ipv4" else profile.symbols.numbers["AF_INET6"]
        case "SO_ACCEPTCONN":
            return int(socket.listener is not None)
        case "SO_RCVBUF":
            return _buffer(host, profile, socket, host.receive_space)
        case "SO_SNDBUF":
            size = socket.options.get("SO_SNDBUF")
            if profile.name != "freebsd" and size is not None:
                return 2 * size
            return _buffer(host, profile, socket, profile.send_buffer if size is None else size)
        case "TCP_MAXSEG":
            if socket.handle is None and name in socket.options:
                return socket.options[name]
            return mss(host, socket)
        case "SO_LINGER":
            return socket.options.get("SO_LINGER", 0)
    if name in socket.options:
        return socket.options[name]
    if name in _REGISTERS:
        register, factor = _REGISTERS[name]
        return host.registers.get(register, 0) // factor
    return 0
