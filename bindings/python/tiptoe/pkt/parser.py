# SPDX-License-Identifier: Apache-2.0
"""Reads packetdrill scripts. The grammar is grammar.lark; here is what its rules mean, and the checks of values.

    script = parse(Path("handshake.pkt").read_bytes(), "handshake.pkt", {"MSS": "1460"})

Whatever the octets are, the outcome is a `Script` or a `PktSyntaxError` with line and column.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections.abc import Mapping
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError
from lark.parsers.lalr_analysis import Shift

from . import options as tcp_options
from .source import Source, location, prepare
from .syntax import (
    Anything,
    Array,
    Assign,
    Call,
    Code,
    Command,
    Either,
    Event,
    Expression,
    Function,
    Icmp,
    IpInfo,
    Name,
    Number,
    Opaque,
    Option,
    OtherProtocol,
    Outer,
    Packet,
    PktSyntaxError,
    Script,
    Sequence,
    String,
    Struct,
    Tcp,
    Time,
    TimeKind,
)

_U8, _U16, _U32 = 0xFF, 0xFFFF, 0xFFFFFFFF
_LONGEST_TIME_S = 10_000_000  # a hundred days
_DEEPEST = 60  # expressions inside expressions
_DSCP = {"ef": 46, "voice-admit": 44, "le": 1}

#: What a token is called in an error message.
_WORDS = {
    "$END": "the end of the file",
    "FLOAT": "a number of seconds",
    "INT": "a number",
    "HEX": "a hexadecimal number",
    "WORD": "a word",
    "FUNCTION": "a function",
    "STRING": "a string",
    "BACK_QUOTED": "a command in backquotes",
    "CODE": "code in %{ }%",
    "NOTE": "a note in parentheses",
    "OPTION": "an option (--name)",
    "OPTION_VALUE": "a value",
    "DIRECTION": "'<' or '>'",
    "FLAGS": "TCP flags",
    "BLOB": "hexadecimal digits",
    "IPV4": "an IPv4 address",
    "IPV6": "an IPv6 address",
    "ECN": "ECN bits",
    "DSCP": "a DSCP",
    "SCTP": "'sctp'",
    "GRE": "'gre'",
    "GRE_FLAGS": "'flags'",
    "ELLIPSIS": "'...'",
    "PLUS": "'+'",
    "STAR": "'*'",
    "BANG": "'!'",
    "MD5_VALID": "'valid'",
    "FO_EXP": "'FOEXP'",
    "ACCECN": "'AccECN0'",
    "ACCECN_COUNTER": "'ee0b', 'ee1b' or 'eceb'",
    "ECN_OPTION": "'ECN'",
    "ECN_COUNTER": "'e0b', 'e1b' or 'ceb'",
    "EXP_TARR": "'exp-tarr'",
    "GENERIC": "'gen-N'",
    "EXP_GENERIC": "'exp-N'",
    "SEQUENCE_NUMBER": "'sequence#'",
}


def _integer(token: Token, low: int, high: int, what: str) -> int:
    if len(token) > 30:
        raise _error(token, f"{what} is out of range: {token[:20]}...")
    value = int(token, 16 if token[:2] in ("0x", "0X") else 10)
    if not low <= value <= high:
        raise _error(token, f"{what} {value} is out of range ({low} to {high})")
    return value


class _ValueError(Exception):
    """A value that cannot be, at a token."""

    def __init__(self, token: Token, message: str) -> None:
        super().__init__(message)
        self.token = token


def _error(token: Token, message: str) -> _ValueError:
    return _ValueError(token, message)


def _depth(*inside: Expression) -> int:
    """How deep an expression nests that contains these. A limit keeps every later walk over them short."""
    deepest = 0
    for e in inside:
        below: tuple[Expression, ...] = ()
        match e:
            case Either(left, right):
                below = (left, right)
            case Assign(_, arguments, value):
                below = (*arguments, value)
            case Function(_, arguments):
                below = arguments
            case Array(items) | Struct(items):
                below = items
        deepest = max(deepest, _depth(*below) + 1)
    return deepest


class _Deep(Exception):
    """Too deep."""


def _limited(expression: Expression) -> Expression:
    if isinstance(expression, Array | Struct | Function | Assign | Either):
        try:
            if _depth(expression) > _DEEPEST:
                raise _Deep
        except RecursionError:
            raise _Deep from None
    return expression


@v_args(inline=True)
class _Builder(Transformer[Token, Script]):
    """Called while the parser reduces: rule -> object."""

    # ---- script
    def script(self, *parts: Any) -> tuple[Any, ...]:
        return parts

    def option(self, name: Token, value: Token | None = None) -> tuple[str, str, str, Token]:
        text = "" if value is None else str(value)
        return ("option", name[2:], text.strip('"'), name)

    def init_command(self, text: Token) -> tuple[str, str, Token]:
        return ("init", text[1:-1], text)

    def cleanup_command(self, text: Token) -> tuple[str, str, Token]:
        return ("cleanup", text[1:-1], text)

    def event(self, time: tuple[Time, Token], action: Any) -> tuple[str, Time, Any, Token]:
        when, token = time
        outbound = isinstance(action, Packet) and action.outbound
        if not outbound and when.kind is TimeKind.ANY:
            raise _error(token, "the time '*' is for packets that the device sends ('>')")
        if not outbound and when.is_range:
            raise _error(token, "a range of times is for packets that the device sends ('>')")
        if when.is_range and when.end_us < when.start_us:
            raise _error(token, "the range of times is backwards")
        return ("event", when, action, token)

    # ---- times
    def seconds(self, token: Token) -> tuple[int, Token]:
        value = float(token)
        if value < 0:
            raise _error(token, "a time cannot be negative")
        if value > _LONGEST_TIME_S:
            raise _error(token, f"a time cannot be beyond {_LONGEST_TIME_S} seconds")
        return round(value * 1e6), token

    def absolute(self, start: tuple[int, Token]) -> tuple[Time, Token]:
        return Time(TimeKind.ABSOLUTE, start[0]), start[1]

    def relative(self, plus: Token, start: tuple[int, Token]) -> tuple[Time, Token]:
        return Time(TimeKind.RELATIVE, start[0]), plus

    def any_time(self, star: Token) -> tuple[Time, Token]:
        return Time(TimeKind.ANY), star

    def absolute_range(self, start: tuple[int, Token], end: tuple[int, Token]) -> tuple[Time, Token]:
        return Time(TimeKind.ABSOLUTE_RANGE, start[0], end[0]), start[1]

    def relative_range(
        self, plus: Token, start: tuple[int, Token], _: Token, end: tuple[int, Token]
    ) -> tuple[Time, Token]:
        return Time(TimeKind.RELATIVE_RANGE, start[0], end[0]), plus

    # ---- actions
    def command(self, text: Token) -> Command:
        return Command(text[1:-1])

    def code(self, text: Token) -> Code:
        return Code(text[2:-2].strip(" \t"))

    def packet(self, direction: Token, *parts: Any) -> Packet:
        outbound = direction == ">"
        outer = tuple(p for p in parts if isinstance(p, Outer))
        ip = next((p for p in parts if isinstance(p, IpInfo)), IpInfo())
        body = parts[-1]
        if not outbound:
            if ip.ecn == "ect01":
                raise _error(direction, "[ect01] is for packets that the device sends ('>')")
            if isinstance(body, Tcp) and body.options is None:
                raise _error(direction, "<...> is for packets that the device sends ('>')")
            if isinstance(body, Tcp) and body.window is None:
                raise _error(direction, "a segment towards the device needs a window (win N)")
        if isinstance(body, Tcp):
            options = body.options or ()
            length = sum(o.length for o in options)
            if length % 4:
                raise _error(direction, f"{length} octets of TCP options: they must be padded to a multiple of 4")
            if length > 40:
                raise _error(direction, f"{length} octets of TCP options; 40 is the most")
            if body.sequence.length + length + 40 > _U16:
                raise _error(direction, "the segment is too long for a datagram")
        return Packet(outbound, body, ip, outer)

    # ---- headers around
    def outer_ipv4(self, *_: Any) -> Outer:
        return Outer("ipv4")

    def outer_ipv6(self, *_: Any) -> Outer:
        return Outer("ipv6")

    def outer_gre(self, *_: Any) -> Outer:
        return Outer("gre")

    def outer_mpls(self, *_: Any) -> Outer:
        return Outer("mpls")

    def mpls_label(self, *parts: Token) -> str:
        label, traffic_class, ttl = (p for p in parts if p.type == "INT")
        _integer(label, 0, (1 << 20) - 1, "MPLS label")
        _integer(traffic_class, 0, 7, "MPLS traffic class")
        _integer(ttl, 0, _U8, "MPLS TTL")
        bottom = [p for p in parts if p.type == "WORD"]
        if bottom and bottom[0] != "S":
            raise _error(bottom[0], "the bottom of an MPLS stack is marked by [S]")
        return f"(label {label}, tc {traffic_class}, {'[S], ' if bottom else ''}ttl {ttl})"

    def gre_header(self, *_: Any) -> str:
        return "gre header"

    def gre_flags(self, *_: Any) -> int:
        return 0

    def gre_flag(self, *_: Any) -> int:
        return 0

    # ---- IP
    def ip_ecn(self, value: Token) -> tuple[str, object, Token]:
        return "ecn", str(value), value

    def ip_tos(self, value: Token) -> tuple[str, object, Token]:
        return "tos", _integer(value, 0, _U8, "TOS"), value

    def ip_dscp(self, value: Token) -> tuple[str, object, Token]:
        if value.type == "HEX":
            return "dscp", _integer(value, 0, 63, "DSCP"), value
        if value in _DSCP:
            return "dscp", _DSCP[value], value
        if value.startswith("cs"):
            return "dscp", 8 * int(value[2]), value
        return "dscp", 8 * int(value[2]) + 2 * int(value[3]), value

    def ip_flow_label(self, value: Token) -> tuple[str, object, Token]:
        return "flow_label", _integer(value, 0, (1 << 20) - 1, "flow label"), value

    def ip_ttl(self, value: Token) -> tuple[str, object, Token]:
        return "ttl", _integer(value, 0, _U8, "TTL"), value

    def ip_info(self, *items: tuple[str, Any, Token]) -> IpInfo:
        fields: dict[str, Any] = {}
        for name, value, token in items:
            clash = {"ecn": {"ecn", "tos"}, "dscp": {"dscp", "tos"}, "tos": {"tos", "ecn", "dscp"}}.get(name, {name})
            if clash & fields.keys():
                raise _error(token, f"{name.replace('_', ' ')} is given twice")
            fields[name] = value
        if fields.get("ttl") == 0:
            del fields["ttl"]
        return IpInfo(**fields)

    # ---- other protocols
    def udp(self, *parts: Any) -> OtherProtocol:
        length = parts[-1]
        _integer(length, 0, _U16, "UDP payload length")
        return OtherProtocol("UDP", f"udp ({length})")

    def udplite(self, *_: Any) -> OtherProtocol:
        return OtherProtocol("UDP-Lite")

    def sctp(self, *parts: Any) -> OtherProtocol:
        return OtherProtocol("SCTP", str(parts[-1]))

    def icmp(self, *parts: Any) -> Icmp:
        fields: dict[str, Any] = {}
        for part in parts:
            if isinstance(part, Token):
                fields["code" if "type" in fields else "type"] = str(part)
            else:
                fields[part[0]] = part[1]
                if part[0] == "echoed":
                    fields["quoted"] = part[2]
        return Icmp(**fields)

    def icmp_mtu(self, value: Token) -> tuple[str, int]:
        return "mtu", _integer(value, 0, _U32, "MTU")

    def icmp_id(self, value: Token) -> tuple[str, int]:
        return "id", _integer(value, 0, _U16, "ICMP identifier")

    def echoed_tcp(self, sequence: Sequence, *_: Any) -> tuple[str, Sequence, str]:
        return "echoed", sequence, "tcp"

    def echoed_other(self, *_: Any) -> tuple[str, None, str]:
        return "echoed", None, "other"

    # ---- TCP
    def tcp(self, *parts: Any) -> Tcp:
        fields: dict[str, Any] = {}
        for part in parts:
            if isinstance(part, Token):
                fields["flags"], fields["ace"] = self._flags(part)
            elif isinstance(part, Sequence):
                fields["sequence"] = part
            else:
                fields[part[0]] = part[1]
        return Tcp(**fields)

    def _flags(self, token: Token) -> tuple[str, int | None]:
        text = "".join(token.split())
        letters = "" if text == "-" else text
        ace: int | None = None
        for letter in letters:
            if letter not in "SFRPEWAU.01234567":
                raise _error(token, f"'{letter}' is not a TCP flag (they are S F R P E W A U . and 0 to 7 for the ACE)")
            if letter.isdigit():
                if ace is not None or set(letters) & set("EWA"):
                    raise _error(token, f"'{letter}' contradicts the other ECN flags")
                ace = int(letter)
        letters = "".join(c for c in letters if not c.isdigit())
        if ace is not None:
            letters += ("A" if ace & 4 else "") + ("W" if ace & 2 else "") + ("E" if ace & 1 else "")
        return letters, ace

    def psp(self, spi: Token) -> tuple[str, int]:
        return "psp", _integer(spi, 0, _U32, "SPI")

    def ports(self, source: Token, destination: Token) -> tuple[str, tuple[int, int]]:
        return "ports", (_integer(source, 0, _U16, "port"), _integer(destination, 0, _U16, "port"))

    def seq_range(self, start: Token, end: Token, length: Token, bang: Token | None = None) -> Sequence:
        first = _integer(start, 0, _U32, "sequence number")
        last = _integer(end, 0, _U32, "sequence number")
        octets = _integer(length, 0, _U16, "payload length")
        if (first + octets) & _U32 != last:
            raise _error(start, f"{start}:{end}({length}): sequence numbers and length do not agree")
        return Sequence(first, octets, is_absolute=bang is not None)

    def seq_any(self, _: Token, length: Token) -> Sequence:
        return Sequence(0, _integer(length, 0, _U16, "payload length"), is_any=True)

    def ack(self, value: Token) -> tuple[str, int]:
        return "ack", _integer(value, 0, _U32, "acknowledgment number")

    def window(self, value: Token) -> tuple[str, int]:
        return "window", _integer(value, 0, _U16, "window")

    def urgent(self, value: Token) -> tuple[str, int]:
        return "urgent", _integer(value, 0, _U16, "urgent pointer")

    def udp_encapsulation(self, source: Token, destination: Token) -> tuple[str, tuple[int, int]]:
        return "udp_encapsulation", (_integer(source, 0, _U16, "port"), _integer(destination, 0, _U16, "port"))

    # ---- TCP options
    def option_list(self, *options: Option) -> tuple[str, tuple[Option, ...]]:
        return "options", options

    def options_unchecked(self, _: Token) -> tuple[str, None]:
        return "options", None

    def opt_nop(self) -> Option:
        return Option("nop", 1, text="nop")

    def opt_eol(self) -> Option:
        return Option("eol", 0, text="eol")

    def opt_mss(self, value: Token) -> Option:
        mss = _integer(value, 0, _U16, "MSS")
        return Option("mss", 2, mss.to_bytes(2, "big"), text=f"mss {mss}")

    def opt_wscale(self, value: Token) -> Option:
        shift = _integer(value, 0, _U8, "window scale")
        return Option("wscale", 3, bytes([shift]), text=f"wscale {shift}")

    def opt_sack_ok(self) -> Option:
        return Option("sackOK", 4, text="sackOK")

    def sack_block(self, left: Token, right: Token) -> tuple[int, int]:
        return _integer(left, 0, _U32, "SACK edge"), _integer(right, 0, _U32, "SACK edge")

    def opt_sack(self, *blocks: tuple[int, int]) -> Option:
        return Option("sack", 5, blocks=blocks, text="sack " + " ".join(f"{a}:{b}" for a, b in blocks))

    def ts_value(self, token: Token) -> int | None:
        return None if token == "..." else _integer(token, 0, _U32, "timestamp")

    def opt_ts(self, value: int | None, echo: Token, bang: Token | None = None) -> Option:
        text = f"TS val {'...' if value is None else value} ecr {echo}{'' if bang is None else '!'}"
        number = _integer(echo, 0, _U32, "timestamp")
        return Option("TS", 8, ts_value=value, ts_echo=number, is_echo_absolute=bang is not None, text=text)

    def _octets(self, blob: Token | None, most: int) -> bytes:
        if blob is None:
            return b""
        digits = blob[2:] if blob[:2] in ("0x", "0X") else str(blob)
        try:
            octets = bytes.fromhex(digits)
        except ValueError:
            raise _error(blob, f"'{blob[:40]}' is not an even number of hexadecimal digits") from None
        if len(octets) > most:
            raise _error(blob, f"{len(octets)} octets are too many for this option; {most} is the most")
        return octets

    def opt_md5(self, value: Token) -> Option:
        if value == "valid":
            return Option("md5", 19, bytes(16), is_md5_valid=True, text="md5 valid")
        return Option("md5", 19, self._octets(value, 16), text=f"md5 {value}")

    def opt_fo(self, cookie: Token | None = None) -> Option:
        return Option("FO", 34, self._octets(cookie, 38), text=f"FO {cookie or ''}".strip())

    def opt_fo_exp(self, name: Token, cookie: Token | None = None) -> Option:
        return Option("FOEXP", 254, b"\xf9\x89" + self._octets(cookie, 36), text=f"{name} {cookie or ''}".strip())

    def accecn_counter(self, name: Token, value: Token) -> tuple[Token, int]:
        return name, _integer(value, 0, (1 << 24) - 1, "AccECN counter")

    def opt_accecn_freebsd(self, name: Token, *counters: tuple[Token, int]) -> Option:
        try:
            return tcp_options.accecn(str(name), [(str(n), v) for n, v in counters])
        except ValueError as e:
            raise _error(name, str(e)) from None

    opt_accecn_google = opt_accecn_freebsd

    def opt_tarr(self, name: Token, rate: Token | None = None) -> Option:
        data = b"\x00\xac" if rate is None else b"\x00\xac" + bytes([_integer(rate, 0, 127, "TARR rate") << 1])
        return Option("TARR", 254, data, text=f"exp-tarr {rate or ''}".strip())

    def opt_generic(self, name: Token, blob: Token | None = None) -> Option:
        if len(name) > 10 or int(name[4:]) > _U8:
            raise _error(name, "the kind of an option is 0 to 255")
        return Option("gen", int(name[4:]), self._octets(blob, 38), text=f"{name} {blob or ''}".strip())

    def opt_exp_generic(self, name: Token, blob: Token | None = None) -> Option:
        data = int(name[4:], 16).to_bytes(2, "big") + self._octets(blob, 36)
        return Option("exp", 254, data, text=f"{name} {blob or ''}".strip())

    # ---- system calls
    def blocking(self, _: Token, end: tuple[int, Token]) -> tuple[str, int]:
        return "blocking", end[0]

    def errno(self, name: Token, _: Token) -> tuple[str, str]:
        return "errno", str(name)

    def arguments(self, *items: Expression) -> list[Expression]:
        return list(items)

    def call(self, *parts: Any) -> Call:
        end_us = errno = result = None
        arguments: list[Expression] = []
        name = ""
        for part in parts:
            if isinstance(part, list):
                arguments = part
            elif isinstance(part, tuple):
                if part[0] == "blocking":
                    end_us = part[1]
                else:
                    errno = part[1]
            elif isinstance(part, Token):
                name = name if part.type == "NOTE" else str(part)
            else:
                result = part
        assert result is not None
        return Call(name, tuple(arguments), result, errno, end_us)

    # ---- expressions
    def anything(self, _: Token) -> Expression:
        return Anything()

    def number(self, token: Token) -> Expression:
        return Number(_integer(token, -(1 << 63), (1 << 64) - 1, "number"), token.type == "HEX")

    def name(self, token: Token) -> Expression:
        return Name(str(token))

    def strings(self, *tokens: Token) -> Expression:
        return String("".join(t[1:-1] for t in tokens))

    def open_string(self, token: Token, _: Token) -> Expression:
        return String(token[1:-1], is_open=True)

    def assign(self, name: Token, value: Expression) -> Expression:
        return _limited(Assign(str(name), (), value))

    def function(self, name: Token, arguments: list[Expression] | None = None) -> Function:
        return Function(str(name), tuple(arguments or ()))

    def function_value(self, function: Function, value: Expression) -> Expression:
        return _limited(Assign(function.name, function.arguments, value))

    def either(self, left: Expression, right: Expression) -> Expression:
        return _limited(Either(left, right))

    def array(self, items: list[Expression] | None = None) -> Expression:
        return _limited(Array(tuple(items or ())))

    def struct(self, items: list[Expression]) -> Expression:
        return _limited(Struct(tuple(items)))

    def mpls_value(self, *labels: str) -> Expression:
        return Opaque(" ".join(labels))

    def gre_value(self, header: str) -> Expression:
        return Opaque(header)

    def integer(self, token: Token) -> Token:
        return token


@functools.cache
def _lark() -> Lark:
    grammar = importlib.resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", start="script", transformer=_Builder(), maybe_placeholders=False)


def _names(tokens: set[str]) -> str:
    """The tokens that would have been right, in words; at most eight."""
    names = set()
    for terminal in tokens:
        definition = _terminals().get(terminal, terminal)
        names.add(_WORDS.get(terminal) or definition)
    chosen = sorted(names)
    if len(chosen) > 8:
        chosen = [*chosen[:8], "..."]
    return " or ".join([", ".join(chosen[:-1]), chosen[-1]] if len(chosen) > 1 else chosen)


@functools.cache
def _terminals() -> dict[str, str]:
    return {t.name: f"'{t.pattern.value}'" for t in _lark().terminals if t.pattern.type == "str"}


def _accepted(e: UnexpectedToken) -> set[str]:
    """The tokens that would have been right. (Lark's own way builds the whole script anew for each of them.)"""
    tables, start = e.state.parse_conf.states, list(e.state.state_stack)
    found: set[str] = set()
    for name in tables[start[-1]]:
        if not name.isupper():
            continue
        stack = list(start)
        while name in tables[stack[-1]]:
            action, target = tables[stack[-1]][name]
            if action is Shift:
                found.add(name)
                break
            if target.expansion:
                del stack[-len(target.expansion) :]
            stack.append(tables[stack[-1]][target.origin.name][1])
            if name == "$END" and stack[-1] == e.state.parse_conf.end_state:
                found.add(name)
                break
    return found or set(e.expected)


def _unexpected(e: UnexpectedInput, source: Source) -> tuple[str, int]:
    """(sentence, offset in the parsed text)"""
    position: int | None = e.pos_in_stream
    offset = position if position is not None and position >= 0 else len(source.text)
    if isinstance(e, UnexpectedToken):
        wanted = _names(_accepted(e))
        if e.token.type == "$END":
            return f"the script ends here, where {wanted} is expected", len(source.text.rstrip())
    elif isinstance(e, UnexpectedCharacters):
        wanted = _names(set(e.allowed or ()))
    else:
        wanted = "something else"
    text = source.text[offset : offset + 40].split("\n")[0].rstrip()
    for opening, what in (("/*", "comment"), ("%{", "code"), ('"', "string"), ("`", "command")):
        if text.startswith(opening):
            return f"this {what} has no end", offset
    words = re.match(r"[\w.]+|\S", text)
    word = words[0] if words else text
    found = repr(word[:24] if word else "nothing")
    hint = f" (a symbol? --define {word}=VALUE)" if re.fullmatch(r"[A-Z][A-Z0-9_]{2,30}", word) else ""
    return f"{found} is not expected here, but {wanted}{hint}", offset


def parse(octets: bytes | str, path: str = "", defines: Mapping[str, str] | None = None) -> Script:
    """Reads a script. `defines` are symbols as packetdrill's --define gives them.

    Raises `PktSyntaxError`.
    """
    source = prepare(octets, defines or {}, path)

    def failure(message: str, offset: int) -> PktSyntaxError:
        return PktSyntaxError(message, *source.position(offset), path)

    try:
        parts: Any = _lark().parse(source.text)
    except VisitError as e:  # pragma: no cover - lark wraps what a rule raises in some versions
        inner = e.orig_exc
        if isinstance(inner, _ValueError):
            raise failure(str(inner), inner.token.start_pos or 0) from None
        raise
    except _ValueError as e:
        raise failure(str(e), e.token.start_pos or 0) from None
    except UnexpectedInput as e:
        raise failure(*_unexpected(e, source)) from None
    except (_Deep, RecursionError):
        raise failure(f"an expression nests deeper than {_DEEPEST} levels", 0) from None

    def line(token: Token) -> int:
        return source.position(token.start_pos or 0)[0]

    options: list[tuple[str, str, int]] = []
    events: list[Event] = []
    commands: dict[str, tuple[str, int]] = {}
    for part in parts:
        if part[0] == "option":
            options.append((part[1], part[2], line(part[3])))
        elif part[0] == "event":
            events.append(Event(line(part[3]), part[1], part[2]))
            _check_order(events, part[3], failure)
        else:
            commands[part[0]] = (part[1], line(part[2]))
    return Script(path, source.original, tuple(options), tuple(events), commands.get("init"), commands.get("cleanup"))


def _check_order(events: list[Event], token: Token, failure: Any) -> None:
    """Absolute times go forward."""
    if len(events) < 2:
        return
    before, now = events[-2].time, events[-1].time
    absolute = (TimeKind.ABSOLUTE, TimeKind.ABSOLUTE_RANGE)
    if before.kind in absolute and now.kind in absolute and now.start_us < before.start_us:
        raise failure(
            f"time goes backwards, from {before.start_us / 1e6:g} to {now.start_us / 1e6:g} s", token.start_pos or 0
        )


__all__ = ["location", "parse"]
