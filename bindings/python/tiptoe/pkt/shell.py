# SPDX-License-Identifier: Apache-2.0
"""Shell lines of scripts. Nothing is ever run: a line means a setting of the device, a question about it, or it has no
meaning here, which is said.

    for effect in interpret("sysctl -w net.inet.tcp.delacktime=100", freebsd):
        effect        # Setting(name='DACK', value=100000)
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .profile import Profile


@dataclass(frozen=True, slots=True)
class Setting:
    """A register of the device."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Note:
    """Worth saying, without effect."""

    text: str


@dataclass(frozen=True, slots=True)
class Needs:
    """Something that the device lacks; the script does not apply."""

    text: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Needs something only if a segment like that arrives."""

    what: str  #: "SYN+FIN", "synfin"
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """So many connections must be in that state (RFC name)."""

    state: str
    number: int
    owned: bool  #: only those with an open socket
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Connections in that state are dropped."""

    state: str


@dataclass(frozen=True, slots=True)
class Sleep:
    """Time passes."""

    us: int


@dataclass(frozen=True, slots=True)
class Space:
    """Size of a socket buffer, octets."""

    receive: bool
    octets: int


@dataclass(frozen=True, slots=True)
class Default:
    """What a socket option is where no socket sets it."""

    option: str
    value: int


Effect: TypeAlias = Setting | Space | Default | Note | Needs | Refuse | Count | Drop | Sleep

_MS, _S = 1_000, 1_000_000


def _register(name: str, factor: int = 1) -> Callable[[int], list[Effect]]:
    return lambda value: [Setting(name, value * factor)]


def _bit(name: str, inverted: bool = False) -> Callable[[int], list[Effect]]:
    return lambda value: [Setting(f"FEATURES.{name}", int(bool(value) != inverted))]


def _only(allowed: tuple[int, ...], otherwise: str) -> Callable[[int], list[Effect]]:
    return lambda value: [] if value in allowed else [Needs(otherwise)]


def _nothing(_: int) -> list[Effect]:
    return []


def _slop(value: int) -> list[Effect]:
    return [Setting("RTO_MIN", (30 + value) * _MS)]


def _synfin(value: int) -> list[Effect]:
    return [Refuse("SF", "a SYN with FIN must be dropped (drop_synfin=1)")] if value else []


#: What is about options that the device takes or leaves: what must come on the wire stands in the script itself.
_FREEBSD_SYSCTLS: dict[str, Callable[[int], list[Effect]]] = {
    "net.inet.tcp.insecure_rst": _bit("RST5961", inverted=True),
    "net.inet.tcp.insecure_syn": _bit("SYN5961", inverted=True),
    "net.inet.tcp.insecure_ack": _bit("ACK5961", inverted=True),
    "net.inet.tcp.blackhole": _only((0,), "silence about segments to closed ports (blackhole)"),
    "net.inet.tcp.drop_synfin": _synfin,
    "net.inet.tcp.rexmit_initial": lambda v: [Setting("RTO_INIT", v * _MS), Setting("SYN_RTO", v * _MS)],
    "net.inet.tcp.rexmit_min": lambda v: [Setting("RTO_MIN", (v + 200) * _MS)],
    "net.inet.tcp.rexmit_slop": _slop,
    "net.inet.tcp.delacktime": _register("DACK", _MS),
    "net.inet.tcp.delayed_ack": _bit("DELACK"),
    "net.inet.tcp.msl": _register("MSL", _MS),
    "net.inet.tcp.keepinit": _register("OPEN_TIMEOUT", _MS),
    "net.inet.tcp.keepidle": lambda v: [Setting("KEEP_IDLE_S", max(1, v // 1000))],
    "net.inet.tcp.keepintvl": lambda v: [Setting("KEEP_INTVL_S", max(1, v // 1000))],
    "net.inet.tcp.keepcnt": _register("KEEP_PROBES"),
    "net.inet.tcp.finwait2_timeout": _register("FW2_TIMEOUT", _MS),
    "net.inet.tcp.initcwnd_segments": _register("IW_SEGS"),
    "net.inet.tcp.path_mtu_discovery": _bit("DF"),
    "net.inet.tcp.syncookies_only": _only((0,), "SYN cookies (syncookies_only)"),
    "net.inet.tcp.mssdflt": _only((536,), "another default MSS than 536"),
    "net.inet.tcp.udp_tunneling_port": _only((0,), "TCP over UDP"),
    "net.inet.tcp.tolerate_missing_ts": _nothing,
    "net.inet.tcp.recvspace": lambda v: [Space(True, v)],
    "net.inet.tcp.sendspace": lambda v: [Space(False, v)],
    "net.inet.ip.ttl": _register("TTL"),
    **dict.fromkeys(
        (
            "net.inet.tcp.rfc1323",
            "net.inet.tcp.rfc3042",
            "net.inet.tcp.rfc3390",
            "net.inet.tcp.sack.enable",
            "net.inet.tcp.ecn.enable",
            "net.inet.tcp.ecn.maxretries",
            "net.inet.tcp.rexmit_drop_options",
            "net.inet.tcp.syncookies",
            "net.inet.tcp.recvbuf_auto",
            "net.inet.tcp.sendbuf_auto",
            "net.inet.tcp.recvbuf_max",
            "net.inet.tcp.sendbuf_max",
            "net.inet.tcp.hostcache.purgenow",
            "net.inet.tcp.hostcache.enable",
            "net.inet.tcp.udp_tunneling_overhead",
            "net.inet.tcp.fastopen.client_enable",
            "net.inet.tcp.fastopen.server_enable",
            "net.inet.tcp.icmp_may_rst",
            "net.inet.tcp.pmtud_blackhole_detection",
            "net.inet.tcp.pmtud_blackhole_mss",
            "net.inet.tcp.v6pmtud_blackhole_mss",
            "net.inet.tcp.v6mssdflt",
            "net.inet.tcp.do_prr",
            "net.inet.tcp.tso",
            "net.inet.icmp.icmplim",
            "kern.ipc.maxsockbuf",
        ),
        _nothing,
    ),
}

_LINUX_SYSCTLS: dict[str, Callable[[int], list[Effect]]] = {
    "net.ipv4.tcp_syn_retries": _register("SYN_RETRIES"),
    "net.ipv4.tcp_synack_retries": _register("SYN_RETRIES"),
    "net.ipv4.tcp_retries2": _register("DATA_RETRIES"),
    "net.ipv4.tcp_fin_timeout": _register("FW2_TIMEOUT", _S),
    "net.ipv4.tcp_keepalive_time": _register("KEEP_IDLE_S"),
    "net.ipv4.tcp_keepalive_intvl": _register("KEEP_INTVL_S"),
    "net.ipv4.tcp_keepalive_probes": _register("KEEP_PROBES"),
    "net.ipv4.tcp_rfc1337": _bit("RFC1337"),
    "net.ipv4.tcp_rto_min_us": _register("RTO_MIN"),
    "net.ipv4.tcp_rto_max_ms": _register("RTO_MAX", _MS),
    "net.ipv4.ip_default_ttl": _register("TTL"),
    "net.ipv4.ip_no_pmtu_disc": _bit("DF", inverted=True),
    "net.ipv4.tcp_syncookies": _only((0, 1), "SYN cookies for every SYN (tcp_syncookies=2)"),
    "net.ipv4.tcp_abort_on_overflow": _only((0,), "a reset when the backlog is full"),
    "net.ipv4.tcp_slow_start_after_idle": _nothing,
    "net.ipv4.tcp_notsent_lowat": lambda v: [Default("TCP_NOTSENT_LOWAT", v if v < 1 << 31 else 0)],
    "net.ipv4.tcp_mtu_probing": _only((0,), "path MTU probing (tcp_mtu_probing)"),
    **dict.fromkeys(
        (
            "net.ipv4.tcp_timestamps",
            "net.ipv4.tcp_sack",
            "net.ipv4.tcp_dsack",
            "net.ipv4.tcp_fack",
            "net.ipv4.tcp_window_scaling",
            "net.ipv4.tcp_rmem",
            "net.ipv4.tcp_wmem",
            "net.ipv4.tcp_mem",
            "net.ipv4.tcp_frto",
            "net.ipv4.tcp_reordering",
            "net.ipv4.tcp_max_reordering",
            "net.ipv4.tcp_congestion_control",
            "net.ipv4.tcp_early_retrans",
            "net.ipv4.tcp_recovery",
            "net.ipv4.tcp_tso_win_divisor",
            "net.ipv4.tcp_min_tso_segs",
            "net.ipv4.tcp_min_rtt_wlen",
            "net.ipv4.tcp_ecn",
            "net.ipv4.tcp_ecn_option",
            "net.ipv4.tcp_ecn_option_beacon",
            "net.ipv4.tcp_ecn_fallback",
            "net.ipv4.tcp_pacing_ss_ratio",
            "net.ipv4.tcp_pacing_ca_ratio",
            "net.ipv4.tcp_fastopen",
            "net.ipv4.tcp_fastopen_key",
            "net.ipv4.tcp_fastopen_blackhole_timeout_sec",
            "net.ipv4.tcp_no_metrics_save",
            "net.ipv4.tcp_base_mss",
            "net.ipv4.tcp_autocorking",
            "net.ipv4.tcp_moderate_rcvbuf",
            "net.ipv4.tcp_limit_output_bytes",
            "net.ipv4.tcp_tw_reuse",
            "net.ipv4.tcp_challenge_ack_limit",
            "net.ipv4.tcp_invalid_ratelimit",
            "net.ipv4.tcp_shrink_window",
            "net.ipv4.tcp_adv_win_scale",
            "net.ipv4.tcp_app_win",
            "net.ipv4.tcp_backlog_ack_defer",
            "net.ipv4.tcp_syn_linear_timeouts",
            "net.ipv4.tcp_thin_linear_timeouts",
            "net.ipv4.tcp_probe_interval",
            "net.ipv4.tcp_probe_threshold",
            "net.ipv4.tcp_comp_sack_nr",
            "net.ipv4.tcp_comp_sack_delay_ns",
            "net.ipv4.tcp_comp_sack_slack_ns",
            "net.ipv4.tcp_stdurg",
            "net.ipv4.route.min_adv_mss",
            "net.ipv4.conf.all.rp_filter",
        ),
        _nothing,
    ),
}
_SYSCTLS = {**_FREEBSD_SYSCTLS, **_LINUX_SYSCTLS}

#: Congestion control that is the device's own.
_OWN_CONTROL = ("reno", "newreno")

#: Programs whose effect is on something that the device does not have, or that only look.
_WITHOUT_EFFECT = {
    "true": "",
    ":": "",
    "sync": "",
    "cat": "",
    "echo": "",
    "nstat": "",
    "ss": "",
    "netstat": "",
    "dmesg": "",
    "date": "",
    "defaults.sh": "",
    "sysctl_restore_${PPID}.sh": "",
    "sysctl_restore_$PPID.sh": "",
    "setkey": "no keys here",
    "kldload": "",
    "modprobe": "",
    "ethtool": "no link below the device",
    "tc": "no queue between device and peer",
}

_STATES = {
    "SYN_RCVD": "SYN_RECEIVED",
    "SYN_RECV": "SYN_RECEIVED",
    "SYN_RECEIVED": "SYN_RECEIVED",
    "SYN_SENT": "SYN_SENT",
    "SYN-SENT": "SYN_SENT",
    "SYN-RECV": "SYN_RECEIVED",
    "ESTABLISHED": "ESTABLISHED",
    "ESTAB": "ESTABLISHED",
    "FIN_WAIT_1": "FIN_WAIT_1",
    "FIN_WAIT_2": "FIN_WAIT_2",
    "CLOSE_WAIT": "CLOSE_WAIT",
    "CLOSING": "CLOSING",
    "LAST_ACK": "LAST_ACK",
    "TIME_WAIT": "TIME_WAIT",
    "TIME-WAIT": "TIME_WAIT",
    "CLOSED": "CLOSED",
    "LISTEN": "LISTEN",
}
_SOCKSTAT = re.compile(
    r"sockstat(?P<options>(?:\s+-\w+(?:\s+[\w,]+)?)*)\s*(?P<owned>\|\s*grep\s+packetdril\w*)?\s*"
    r"\|\s*grep\s+-c\s+(?P<state>[\w-]+)\s*\|\s*grep\s+(?:-x\s+)?(?P<number>\d+)\s*$"
)
_REDIRECT = re.compile(r"(?:\d|&)?>{1,2}\s*(?:&\d|/dev/null|\S+)")


def interpret(text: str, profile: Profile) -> list[Effect]:
    """What a command line means for the device."""
    effects: list[Effect] = []
    text = re.sub(r"\\[ \t]*\n", " ", text)
    for line in re.split(r"\n|;|&&|\|\|", text):
        line = line.strip()
        if line and not line.startswith("#"):
            effects += _one(line, profile)
    return effects


def _one(line: str, profile: Profile) -> list[Effect]:
    if line.startswith("sockstat"):
        return _sockstat(line)
    proc = re.match(r"echo\s+(\S+)\s*>\s*/proc/sys/(\S+)$", line)
    if proc:
        return _sysctl(proc[2].replace("/", "."), proc[1])
    bare = _REDIRECT.sub("", line).strip()
    if "|" in bare and not bare.startswith("nstat"):
        return [Needs(f"the shell line `{line}` cannot be answered by a device")]
    try:
        words = shlex.split(bare, comments=True)
    except ValueError:
        words = bare.split()
    if not words:
        return []
    program = words[0].rsplit("/", 1)[-1]
    arguments = words[1:]
    if program in ("sysctl", "set_sysctls.py"):
        effects: list[Effect] = []
        for word in arguments:
            name, equals, value = word.partition("=")
            if equals and not name.startswith("-"):
                effects += _sysctl(name.removeprefix("/proc/sys/").replace("/", "."), value)
        return effects
    if program == "defaults.sh":
        return [Setting("SYN_RETRIES", 5)]
    if program == "tcpdrop":
        return _tcpdrop(arguments)
    if program == "sleep" and arguments and re.fullmatch(r"\d{1,5}(\.\d+)?", arguments[0]):
        return [Sleep(round(float(arguments[0]) * _S))]
    if program == "ip" and "tcp_metrics" in arguments:
        return []
    if program == "tc" and re.search(r"\b(limit 0|netem|tbf|loss|drop|police)\b", line):
        return [Needs(f"`{line}` disturbs a link, which a device does not have")]
    if program in ("ip", "ifconfig", "route"):
        return _network(arguments, line)
    if program in _WITHOUT_EFFECT:
        why = _WITHOUT_EFFECT[program]
        return [Note(f"`{line}` has no effect: {why}")] if why else []
    return [Needs(f"the shell line `{line}` is not run (no shell line is), and a device has nothing like it")]


def _sysctl(name: str, value: str) -> list[Effect]:
    meaning = _SYSCTLS.get(name)
    if meaning is None:
        return [Note(f"sysctl {name} has no counterpart and is ignored")]
    if name == "net.ipv4.tcp_congestion_control" and value not in _OWN_CONTROL:
        return [Note(f"the device's congestion control is NewReno, not {value}")]
    try:
        number = int(value.strip('"').split()[0], 0)
    except (ValueError, IndexError):
        return []
    if not 0 <= number < 1 << 40:
        return [Note(f"sysctl {name}={value} is out of range and is ignored")]
    return meaning(number)


def _sockstat(line: str) -> list[Effect]:
    match = _SOCKSTAT.match(line)
    if match is None or match["state"] not in _STATES:
        return [Needs(f"the shell line `{line}` cannot be answered by a device")]
    if re.search(r"-6\b", match["options"]):
        return [Needs("IPv6 connections (sockstat -6)")]
    port = re.search(r"-p\s+(\d+)", match["options"])
    state = _STATES[match["state"]]
    return [Count(state, int(match["number"][:9]), match["owned"] is not None, int(port[1][:9]) if port else None)]


def _tcpdrop(arguments: list[str]) -> list[Effect]:
    if "-s" in arguments and arguments.index("-s") + 1 < len(arguments):
        state = _STATES.get(arguments[arguments.index("-s") + 1])
        if state is not None:
            return [Drop(state)]
    if "-a" in arguments:
        return [Drop("")]
    return [Needs("tcpdrop of a single connection")]


def _network(arguments: list[str], line: str) -> list[Effect]:
    for i, word in enumerate(arguments[:-1]):
        if word == "mtu":
            value = arguments[i + 2] if arguments[i + 1] == "lock" and i + 2 < len(arguments) else arguments[i + 1]
            if re.fullmatch(r"\d{2,5}", value):
                return [Setting("MTU", int(value))]
        if word == "initcwnd" and re.fullmatch(r"\d{1,3}", arguments[i + 1]):
            return [Setting("IW_SEGS", int(arguments[i + 1]))]
    return [Needs(f"`{line}` changes a route or an interface, which a device does not have")]
