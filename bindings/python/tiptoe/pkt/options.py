# SPDX-License-Identifier: Apache-2.0
"""TCP options of scripts: to octets, and from octets to the words of a script."""

from __future__ import annotations

from .syntax import Option

#: Kinds with a name in scripts (IANA, TCP option kind numbers).
NAMES = {0: "eol", 1: "nop", 2: "mss", 3: "wscale", 4: "sackOK", 5: "sack", 8: "TS", 19: "md5", 34: "FO"}


_ACCECN = {"ECN": ("e0b", "ceb", "e1b"), "AccECN": ("ee0b", "eceb", "ee1b")}


def accecn(name: str, counters: list[tuple[str, int]]) -> Option:
    """The AccECN option in Google's words (ECN e1b 1 ceb 0 e0b 1) and FreeBSD's (AccECN1 ee1b 1, exp-AccECN0).

    Raises `ValueError`.
    """
    order = list(_ACCECN["ECN" if name == "ECN" else "AccECN"])
    given = [n for n, _ in counters]
    second = given[:1] == ["e1b"] if name == "ECN" else name.endswith("1")
    if second:
        order.reverse()
    if given != order[: len(given)] or (name == "ECN" and not given):
        raise ValueError(f"{name} takes {', '.join(order)} in this order, from the left")
    data = b"".join(value.to_bytes(3, "big") for _, value in counters)
    text = " ".join([name, *(f"{n} {v}" for n, v in counters)])
    if name.startswith("exp-"):
        return Option("AccECN", 254, (b"\xac\xcd" if second else b"\xac\xce") + data, text=text)
    return Option("AccECN", 174 if second else 172, data, text=text)


def encode(option: Option, sack_offset: int = 0, ts_echo: int | None = None) -> bytes:
    """Octets of one option. `sack_offset` is added to SACK edges, `ts_echo` replaces the echo of a timestamp."""
    if option.kind in (0, 1) and option.name in ("eol", "nop"):
        return bytes([option.kind])
    if option.name == "sack":
        edges = [(edge + sack_offset) & 0xFFFFFFFF for block in option.blocks for edge in block]
        data = b"".join(edge.to_bytes(4, "big") for edge in edges)
    elif option.name == "TS":
        echo = option.ts_echo if ts_echo is None else ts_echo
        data = (option.ts_value or 0).to_bytes(4, "big") + echo.to_bytes(4, "big")
    else:
        data = option.data
    return bytes([option.kind, 2 + len(data)]) + data


def split(octets: bytes) -> list[tuple[int, bytes]] | None:
    """(kind, data) of every option, padding included; None when they are malformed."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(octets):
        kind = octets[at]
        if kind in (0, 1):
            found.append((kind, b""))
            at += 1
            continue
        if at + 1 >= len(octets) or octets[at + 1] < 2 or at + octets[at + 1] > len(octets):
            return None
        found.append((kind, octets[at + 2 : at + octets[at + 1]]))
        at += octets[at + 1]
    return found


def show(kind: int, data: bytes, sack_offset: int = 0) -> str:
    """One option of the wire in the words of a script."""
    number = int.from_bytes(data, "big")
    match kind, len(data):
        case ((0 | 1 | 4), 0):
            return NAMES[kind]
        case (2, 2) | (3, 1):
            return f"{NAMES[kind]} {number}"
        case (5, n) if n % 8 == 0:
            edges = [int.from_bytes(data[i : i + 4], "big") - sack_offset & 0xFFFFFFFF for i in range(0, n, 4)]
            return "sack " + " ".join(f"{a}:{b}" for a, b in zip(edges[::2], edges[1::2], strict=True))
        case 8, 8:
            return f"TS val {number >> 32} ecr {number & 0xFFFFFFFF}"
        case ((19 | 34), _):
            return f"{NAMES[kind]} {data.hex()}".strip()
    return f"gen-{kind} {data.hex()}".strip()
