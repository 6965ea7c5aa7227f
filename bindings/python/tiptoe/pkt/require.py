# SPDX-License-Identifier: Apache-2.0
"""What a script needs, seen before it runs: every line that a device cannot follow, with the reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from . import code, messages, shell, sockopts
from .config import Config
from .profile import Profile
from .symbols import UnknownSymbol
from .syntax import (
    Anything,
    Array,
    Call,
    Code,
    Command,
    Event,
    Expression,
    Icmp,
    Name,
    OtherProtocol,
    Packet,
    Script,
    Struct,
    Tcp,
    show,
)

#: Features, as `--features` names them.
FEATURES = {
    "mss": "the MSS option",
    "wscale": "window scaling (RFC 7323)",
    "sack": "selective acknowledgment (RFC 2018)",
    "timestamps": "timestamps (RFC 7323)",
    "fastopen": "TCP Fast Open (RFC 7413)",
    "md5": "MD5 signatures (RFC 2385)",
    "ecn": "explicit congestion notification (RFC 3168)",
    "accecn": "accurate ECN",
    "urgent": "urgent data",
    "icmp": "ICMP",
    "options": "other TCP options",
}

#: The engine and its model, in every form.
ENGINE = frozenset({"mss"})

_OPTION_FEATURE = {
    "mss": "mss",
    "wscale": "wscale",
    "sackOK": "sack",
    "sack": "sack",
    "TS": "timestamps",
    "md5": "md5",
    "FO": "fastopen",
    "FOEXP": "fastopen",
    "AccECN": "accecn",
    "ECN": "ecn",
    "TARR": "options",
    "gen": "options",
    "exp": "options",
}
#: Options that --reduced may leave out.
REDUCIBLE = ("wscale", "sackOK", "sack", "TS", "ECN")

_U16 = 0xFFFF

_CALLS = {
    "open": "files",
    "sendfile": "files",
    "pipe": "pipes",
    "splice": "pipes",
    "psp_rx_assoc": "PSP",
    "psp_tx_assoc": "PSP",
}
#: How a kernel says that it lacks something; a script that wants to hear it has its way.
NOT_THERE = ("ENOPROTOOPT", "EOPNOTSUPP", "ENOTSUP", "ENOSYS")
_FLAGS = {
    "MSG_FASTOPEN": ("fastopen", ""),
    "MSG_OOB": ("urgent", ""),
    "MSG_EOR": ("", "record ends inside the stream (MSG_EOR)"),
    "MSG_MORE": ("", "data held back by the socket layer (MSG_MORE)"),
    "MSG_NOTIFICATION": ("", "SCTP"),
}


def _octets(body: Tcp) -> int:
    """Of the datagram."""
    return 40 + sum(o.length for o in body.options or ()) + body.sequence.length


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a script does not apply."""

    line: int
    text: str


@dataclass(frozen=True)
class Abilities:
    """What a device has, as far as scripts can tell."""

    features: frozenset[str] = ENGINE
    receive_buffer: int = 65536  #: octets
    mtu: tuple[int, int] = (296, 2048)  #: it can be set in this range
    records: bool = True  #: retire records (level L2)
    counters: bool = True
    user_calls: bool = True  #: level L1
    settable: frozenset[str] | None = None  #: settings that can be changed; None: all
    fixed: Mapping[str, int] = field(default_factory=dict)  #: settings that have a value of their own
    address: str = ""  #: IPv4 address that it has, if it cannot be changed
    service_port: int = 0  #: where it listens by itself, when nobody can make it listen
    slack_us: int = 0  #: how late it may answer

    def can_set(self, name: str) -> bool:
        """The device takes that setting."""
        return self.settable is None or name in self.settable or name.removeprefix("FEATURES.") in self.settable

    def must_cut(self, packet: Packet, mtu: int) -> bool:
        """A segment of the peer that is too long for the device can come in parts."""
        body = packet.body
        if packet.outbound or not isinstance(body, Tcp) or set(body.flags) & set("SRU"):
            return False
        return _octets(body) > max(mtu, self.mtu[1]) and body.sequence.length > 0

    def setting(self, name: str, value: int) -> str | None:
        """Why the device cannot have that setting; None when it can, or has it already."""
        short = name.removeprefix("FEATURES.")
        if self.can_set(name):
            return None
        if short in self.fixed:
            if self.fixed[short] == value:
                return None
            return f"needs {short} = {value}; the device has {self.fixed[short]}"
        return f"needs {short} = {value}, which cannot be set on the device"


@dataclass(frozen=True)
class Verdicts:
    """What was found."""

    reasons: tuple[Reason, ...]
    left_out: tuple[str, ...] = ()  #: options that the comparison leaves out (--reduced)
    reduced: bool = False  #: it may
    needs_records: bool = False
    scaled: bool = False  #: the peer's windows are scaled in the script, and must not be on the wire
    stamped: bool = False  #: timestamps shorten full segments in the script: the peer's MSS is to be smaller
    blocks: bool = False  #: SACK blocks of the peer may decide what is sent again, and the device has no SACK


def check(script: Script, config: Config, profile: Profile, abilities: Abilities, reduced: bool = False) -> Verdicts:
    """All reasons, by line. With `reduced`, options that the device lacks are left out where nothing else changes."""
    return _Check(script, config, profile, abilities, reduced).run()


class _Check:
    def __init__(self, script: Script, config: Config, profile: Profile, abilities: Abilities, reduced: bool) -> None:
        self.script = script
        self.config = config
        self.profile = profile
        self.abilities = abilities
        self.left_out = tuple(o for o in REDUCIBLE if _OPTION_FEATURE[o] not in abilities.features) if reduced else ()
        self.used: set[str] = set()  # of left_out
        self.reduced = reduced
        self.reasons: list[Reason] = []
        self.needs_records = False
        self.defined: set[str] = set()
        self.refused: dict[str, str] = {}
        self.in_line = False

    def no(self, line: int, text: str) -> None:
        self.reasons.append(Reason(line, text))

    def lacks(self, line: int, feature: str, why: str) -> bool:
        if feature in self.abilities.features:
            return False
        self.no(line, f"{why} needs {FEATURES[feature]}, which the device does not have")
        return True

    def run(self) -> Verdicts:
        for text, line in self.config.needs:
            self.no(line, f"needs {text}, which the device does not have")
        low, high = self.abilities.mtu
        if not low <= self.config.mtu <= high:
            line = next((n for name, _, n in self.script.options if name in ("mtu", "mss")), 1)
            self.no(line, f"needs an MTU of {self.config.mtu}; the device takes {low} to {high}")
        if not self.abilities.user_calls and any(isinstance(e.action, Call) for e in self.script.events):
            line = next(e.line for e in self.script.events if isinstance(e.action, Call))
            self.no(line, "needs user calls, which the device does not have")
        for command in (self.script.init_command, self.script.cleanup_command):
            if command is not None:
                self._command(command[0], command[1])
        for event in self.script.events:
            match event.action:
                case Packet():
                    self._packet(event, event.action)
                case Call():
                    self._call(event.line, event.action)
                case Command(text):
                    self._command(text, event.line)
                case Code(text):
                    self._code(event.line, text)
        scaled = self._windows()
        stamped = self._stamps()
        if "ECN" in self.used:
            self._ecn()
        order = sorted(dict.fromkeys(self.reasons), key=lambda r: r.line)
        left_out = tuple(o for o in self.left_out if o in self.used)
        return Verdicts(tuple(order), left_out, self.reduced, self.needs_records, scaled, stamped, self._blocks())

    # ---- packets
    def _packet(self, event: Event, packet: Packet) -> None:
        line = event.line
        if packet.outer:
            kinds = ", ".join(o.kind for o in packet.outer)
            self.no(line, f"needs encapsulation ({kinds}), which the device does not have")
            return
        if packet.ip.flow_label is not None:
            self.no(line, "a flow label needs IPv6, which the device does not have")
        body = packet.body
        if isinstance(body, OtherProtocol):
            self.no(line, f"needs {body.name}, which the device does not have")
        elif isinstance(body, Icmp):
            self.lacks(line, "icmp", "the message")
        else:
            self._segment(line, packet, body)

    def _segment(self, line: int, packet: Packet, body: Tcp) -> None:
        if body.psp is not None:
            self.no(line, "needs PSP, which the device does not have")
        if body.udp_encapsulation is not None:
            self.no(line, "needs TCP over UDP, which the device does not have")
        if any(o.is_md5_valid or o.name == "md5" for o in body.options or ()):
            self.lacks(line, "md5", "the segment")
        if not packet.outbound:
            octets = _octets(body)
            if octets > max(self.config.mtu, self.abilities.mtu[1]) and not self.abilities.must_cut(
                packet, self.config.mtu
            ):
                self.no(line, f"needs datagrams of {octets} octets; the device takes up to {self.abilities.mtu[1]}")
            for flags, why in self.refused.items():
                if body.has(flags):
                    self.no(line, why)
            if body.has("S") and any(o.name in ("FO", "FOEXP") and len(o.data) > 2 for o in body.options or ()):
                self.lacks(line, "fastopen", "a cookie on the SYN")
            if body.has("U") and body.sequence.length and not self.in_line:
                self.lacks(line, "urgent", "text that is marked urgent is taken out of the stream; this")
            return
        for option in body.options or ():
            feature = _OPTION_FEATURE.get(option.name)
            if feature is None or feature in self.abilities.features:
                continue
            if option.name in self.left_out:
                self.used.add(option.name)
            elif self.lacks(line, feature, f"'{option.text}' from the device"):
                break
        if self._offers_ecn_alone(packet, body):
            self.used.add("ECN")
        elif body.ace is not None or body.has("A"):
            self.lacks(line, "accecn", f"the flags '{body.flags}' from the device")
        elif body.has("E") or body.has("W") or packet.ip.ecn in ("ect0", "ect1", "ect01", "ce"):
            self.lacks(line, "ecn", "an ECN mark from the device")
        if body.has("U"):
            self.lacks(line, "urgent", "an urgent segment from the device")
        have = self.abilities.receive_buffer
        slack = self.config.mtu - 40 if self.left_out else 0
        is_less = body.has("S") and body.window is not None and body.window + slack < min(have, _U16)
        if body.window is not None and (body.window > have or is_less):
            self.no(line, f"needs a receive buffer of {body.window} octets; the device has {have}")

    def _offers_ecn_alone(self, packet: Packet, body: Tcp) -> bool:
        """A SYN that offers ECN, or accepts it, and is not marked itself: it matters only once the peer marks."""
        if "ECN" not in self.left_out or not body.has("S") or packet.ip.ecn not in (None, "noecn"):
            return False
        return bool(set(body.flags) & set("EWA"))

    def _ecn(self) -> None:
        """ECN has been left out of SYN segments. Does anything else depend on it?"""
        for event in self.script.events:
            action = event.action
            if isinstance(action, Code) and re.search("ECN|_CWR|delivered_ce", action.text):
                self.lacks(event.line, "ecn", "the code")
            elif isinstance(action, Packet) and isinstance(action.body, Tcp) and not action.outbound:
                marks = action.ip.ecn == "ce" or action.body.ace or set(action.body.flags) & set("EWA")
                if marks and not action.body.has("S"):
                    self.lacks(event.line, "ecn", "a congestion mark of the peer")

    def _segments(self, outbound: bool) -> list[tuple[int, Tcp]]:
        """(line, segment) in one direction."""
        return [
            (e.line, e.action.body)
            for e in self.script.events
            if isinstance(e.action, Packet) and e.action.outbound is outbound and isinstance(e.action.body, Tcp)
        ]

    def _windows(self) -> bool:
        """Are the peer's windows scaled? Then they are smaller on the wire than they mean."""
        theirs = self._segments(False)
        shifts = [(line, o.data[0]) for line, b in theirs if b.has("S") and (o := b.option("wscale"))]
        ours = [b for _, b in self._segments(True) if b.has("S")]
        if "wscale" in self.abilities.features or not shifts or not max(shift for _, shift in shifts):
            return False
        if not any(b.options is None or b.option("wscale") for b in ours):
            return False
        line, shift = shifts[0]
        sent = max((b.sequence.start + b.sequence.length for _, b in self._segments(True)), default=0)
        given = [b.window for _, b in theirs if b.window and not b.has("S") and not b.has("R")]
        if self.left_out:
            if sent > _U16 and any(w << shift > _U16 for w in given):
                self.no(line, f"the peer's windows are scaled by {shift} and beyond 65535 octets, and are used")
            return True
        if any(b.options is None for b in ours) and any(w < sent for w in given):
            self.no(line, f"the peer's windows are scaled by {shift}: needs {FEATURES['wscale']}")
        return False

    def _blocks(self) -> bool:
        """SACK blocks of the peer, where the script's device had offered to take them, or may have."""
        offers = any(b.has("S") and (b.options is None or b.option("sackOK")) for _, b in self._segments(True))
        return offers and "sack" not in self.abilities.features

    def _stamps(self) -> bool:
        """Both ends use timestamps, which shorten full segments, and the device does not. Then it must be told of a
        smaller MSS than the peer's."""
        ours = [line for line, body in self._segments(True) if body.has("S") and body.option("TS")]
        theirs = [body for _, body in self._segments(False) if body.has("S") and body.option("TS")]
        if "TS" not in self.used or not ours or not theirs or not self._sends_long_text():
            return False
        if not all(body.option("mss") for body in theirs):
            self.no(ours[0], "both ends use 'TS', which shortens full segments, and the peer names no MSS")
            return False
        return True

    def _sends_long_text(self) -> bool:
        """Or asks how long that would be."""
        if self.profile.name != "linux":
            pass
        elif "TCP_MAXSEG" in self.script.text or "tcpi_snd_mss" in self.script.text:
            return True
        return any(
            isinstance(e.action, Packet)
            and e.action.outbound
            and isinstance(e.action.body, Tcp)
            and e.action.body.sequence.length > 500
            for e in self.script.events
        )

    # ---- calls
    def _call(self, line: int, call: Call) -> None:
        if call.name in _CALLS and call.errno not in NOT_THERE:
            self.no(line, f"{call.name}() needs {_CALLS[call.name]}, which the device does not have")
            return
        if call.name.startswith("sctp_"):
            self.no(line, f"{call.name}() needs SCTP, which the device does not have")
            return
        for argument in call.arguments:
            self._argument(line, call, argument)
        if call.name == "socket" and len(call.arguments) == 3:
            self._socket(line, call)
        elif call.name in ("setsockopt", "getsockopt"):
            option = call.arguments[2] if len(call.arguments) == 5 else Anything()
            name = option.name if isinstance(option, Name) else ""
            if name == "SO_OOBINLINE":
                self.in_line = True
            if name.startswith("TCP_FASTOPEN"):
                self.lacks(line, "fastopen", name)
            elif name == "TCP_MD5SIG":
                self.lacks(line, "md5", name)
            else:
                reason = sockopts.lacking(call, self.profile)
                if reason is not None and call.errno not in NOT_THERE:
                    self.no(line, f"needs {reason}, which there is nothing like here")
        elif call.name == "ioctl" and len(call.arguments) > 1:
            request = call.arguments[1]
            if isinstance(request, Name) and request.name not in sockopts.IOCTLS:
                self.no(line, f"needs ioctl({request.name}), which there is nothing like here")

    def _socket(self, line: int, call: Call) -> None:
        names = _names(call.arguments[1])
        protocol = _names(call.arguments[2])
        for bad in ("SOCK_DGRAM", "SOCK_RAW", "SOCK_SEQPACKET"):
            if bad in names:
                self.no(line, f"needs {bad} sockets; the device has TCP only")
                return
        other = [p for p in protocol if p not in ("IPPROTO_TCP", "IPPROTO_IP")]
        if other:
            self.no(line, f"needs {', '.join(other)} sockets; the device has TCP only")

    def _argument(self, line: int, call: Call, argument: Expression) -> None:
        for name in _names(argument):
            if name in _FLAGS:
                feature, text = _FLAGS[name]
                if feature:
                    self.lacks(line, feature, name)
                else:
                    self.no(line, f"needs {text}, which there is nothing like here")
        other = [t for t in messages.types_in(argument) if call.name == "sendmsg" or t not in messages.TYPES]
        if other:
            self.no(line, f"needs control messages ({', '.join(other)}), which there is nothing like here")
        vector = argument.member("msg_iov") if isinstance(argument, Struct) else None
        copies = call.name == "sendmsg" and "MSG_ZEROCOPY" in _names(call.arguments[-1])
        if copies and isinstance(vector, Array) and len(vector.items) > messages.FRAGMENTS:
            self.no(
                line,
                f"{len(vector.items)} buffers without copying: Linux cuts segments after {messages.FRAGMENTS} "
                "(MAX_SKB_FRAGS), which no RFC asks for",
            )

    # ---- commands and code
    def _command(self, text: str, line: int) -> None:
        for effect in shell.interpret(text, self.profile):
            match effect:
                case shell.Needs(what):
                    is_sentence = what.startswith(("the shell line", "`"))
                    self.no(line, what if is_sentence else f"needs {what}, which there is nothing like here")
                case shell.Refuse(flags, why):
                    self.refused[flags] = why
                case shell.Count(_, _, owned):
                    if not owned:
                        self.needs_records = True
                        if not self.abilities.records:
                            self.no(
                                line, "needs the states of all connections, which the device does not tell (level L2)"
                            )
                case shell.Space(True, octets):
                    have = self.abilities.receive_buffer
                    if (octets != have and min(octets, 65535) > have) or octets < min(have, 65535):
                        self.no(line, f"needs a receive buffer of {octets} octets; the device has {have}")
                case shell.Setting("MTU", value) if not self.abilities.mtu[0] <= value <= self.abilities.mtu[1]:
                    low, high = self.abilities.mtu
                    self.no(line, f"needs an MTU of {value}; the device takes {low} to {high}")
                case shell.Setting(name, value):
                    reason = self.abilities.setting(name, value)
                    if reason is not None:
                        self.no(line, reason)

    def _code(self, line: int, text: str) -> None:
        known = code.available(self.abilities.records, self.abilities.counters)
        self.needs_records = True
        try:
            missing = code.unknown(text, known, self.profile.symbols.code, self.defined)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return  # said when it runs
        if missing:
            self.no(line, f"needs {', '.join(missing)}, which the device does not tell")


def _names(expression: Expression) -> Collection[str]:
    """All symbols in an expression."""
    text = show(expression)
    return list(dict.fromkeys(word for word in _words(text) if not word[0].isdigit()))  # an order that stays


def _words(text: str) -> list[str]:
    words, word = [], ""
    for c in text + " ":
        if c.isalnum() or c == "_":
            word += c
        elif word:
            words.append(word)
            word = ""
    return words


__all__ = ["ENGINE", "FEATURES", "Abilities", "Reason", "UnknownSymbol", "Verdicts", "check"]
