# SPDX-License-Identifier: Apache-2.0
"""What the `--name=value` lines of a script say."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Any

from . import profile as profiles
from .syntax import PktSyntaxError, Script


@dataclass(frozen=True)
class Config:
    """Options of one run of a script. Times are microseconds."""

    ip_version: str = "ipv4"
    local_ip: str = profiles.DEVICE_IP
    remote_ip: str = profiles.PEER_IP
    bind_port: int = profiles.PORT
    connect_port: int = profiles.PORT
    tolerance_us: int = 4000
    tolerance_percent: float = 12.5
    mtu: int = 1500
    piece: int = 0  #: octets of text into which long segments of the peer are cut (--mss); 0: the MTU tells
    ts_tick_us: int = 0
    strict_segments: bool = False
    non_fatal: frozenset[str] = frozenset()
    udp_encapsulation: bool = False
    needs: tuple[tuple[str, int], ...] = ()  #: what no device has, and the line that asks for it
    notes: tuple[str, ...] = ()

    def tolerance(self, gap_us: int) -> int:
        """How far an event may be off that comes so long after the one before."""
        return max(self.tolerance_us, int(gap_us * self.tolerance_percent / 100))


#: Options that change nothing here: where packetdrill runs, how it talks.
_WITHOUT_EFFECT = {
    "gateway_ip", "netmask_ip", "speed", "init_scripts", "code_command", "code_format", "code_sockopt", "define",
    "verbose", "debug", "dry_run", "is_anyip", "send_omit_free", "so_filename", "so_flags", "local_linklocal_ip",
    "gateway_linklocal_ip", "udp_encapsulation_port", "persistent_tun_dev", "tun_dev", "no_cleanup",
}  # fmt: skip
_NEEDS = {
    "wire_client": "a second machine (--wire_client)",
    "wire_server": "a second machine (--wire_server)",
    "psp_udp_port": "PSP",
    "udp_encapsulation": "TCP over UDP",
    "tcp_md5_secret": "TCP MD5 signatures",
}


def read(script: Script) -> Config:
    """The options of a script. Raises `PktSyntaxError` for one that does not exist, or a value that cannot be."""
    config = Config()
    needs: list[tuple[str, int]] = []
    for name, value, line in script.options:
        changes = _one(name, value, line, script.path)
        if name in _NEEDS and value not in ("0", "none"):
            needs.append((_NEEDS[name], line))
        config = replace(config, **changes)
    if config.ip_version == "ipv6":
        line = next((line for name, _, line in script.options if name == "ip_version"), 1)
        needs.insert(0, ("IPv6", line))
    return replace(config, needs=tuple(needs))


def _one(name: str, value: str, line: int, path: str) -> dict[str, Any]:
    def error(text: str) -> PktSyntaxError:
        return PktSyntaxError(text, line, 1, path)

    def number(low: int, high: int) -> int:
        try:
            result = int(value, 0) if len(value) < 20 else -1
        except ValueError:
            result = -1
        if not low <= result <= high:
            raise error(f"--{name} takes a number from {low} to {high}, not '{value[:40]}'")
        return result

    def address(text: str) -> dict[str, Any]:
        try:
            found = ipaddress.ip_interface(text).ip
        except ValueError:
            raise error(f"--{name} takes an IP address, not '{value[:60]}'") from None
        return {name: str(found)} if found.version == 4 else {}

    match name:
        case "ip_version":
            if value not in ("ipv4", "ipv6", "ipv4-mapped-ipv6"):
                raise error(f"--ip_version is ipv4, ipv6 or ipv4-mapped-ipv6, not '{value[:40]}'")
            return {"ip_version": value}
        case "tolerance_usecs":
            return {"tolerance_us": number(1, 1_000_000_000)}
        case "tolerance_percent":
            try:
                percent = float(value)
            except ValueError:
                percent = -1.0
            if not 0 <= percent <= 100:
                raise error(f"--tolerance_percent takes a number from 0 to 100, not '{value[:40]}'")
            return {"tolerance_percent": percent}
        case "mtu":
            return {"mtu": number(68, 65535)}
        case "mss":
            return {"piece": number(1, 65495)}
        case "bind_port" | "connect_port":
            return {name: number(1, 65535)}
        case "local_ip" | "remote_ip":
            return address(value)
        case "tcp_ts_tick_usecs":
            return {"ts_tick_us": number(0, 1_000_000_000)}
        case "tcp_ts_ecr_scaled":
            return {}
        case "strict_segments":
            return {"strict_segments": True}
        case "non_fatal":
            return {"non_fatal": frozenset(value.split(","))}
        case "udp_encapsulation":
            return {"udp_encapsulation": value not in ("0", "none")}
        case _ if name in _WITHOUT_EFFECT or name in _NEEDS or name.startswith(("wire_", "tcp_md5", "sctp_")):
            return {}
    raise error(f"there is no option --{name}")
