# SPDX-License-Identifier: Apache-2.0
"""Captures: one pcapng file per case, raw IPv4, microseconds of device time, directions as the device sees them.

A datagram that a case damages on purpose (bad checksum, impossible length) is in the capture as it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from .._core import Datagram

LINKTYPE_IPV4 = 228  # https://www.tcpdump.org/linktypes.html: raw IPv4, no link header
_SNAPLEN = 65535
_OPT_EPB_FLAGS = 2  # https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-01.html, section 4.3
_INBOUND, _OUTBOUND = 1, 2


def write(
    target: BinaryIO, frames: Iterable[Datagram], comment: str = "", notes: Sequence[tuple[int, str]] = ()
) -> None:
    """Writes a capture.

    `comment` goes into the section header (Wireshark: Statistics, Capture File Properties); `notes` are (frame number
    from 0, text) pairs that become comments of packets. Inbound is towards the device.
    """
    import sys

    from dpkt import pcapng

    # dpkt wants the blocks in the byte order of the machine.
    little = sys.byteorder == "little"
    option = pcapng.PcapngOptionLE if little else pcapng.PcapngOption
    section = pcapng.SectionHeaderBlockLE if little else pcapng.SectionHeaderBlock
    interface = pcapng.InterfaceDescriptionBlockLE if little else pcapng.InterfaceDescriptionBlock
    packet = pcapng.EnhancedPacketBlockLE if little else pcapng.EnhancedPacketBlock
    end = option(code=pcapng.PCAPNG_OPT_ENDOFOPT)

    def text(code: int, value: str) -> Any:
        # Option lengths are 16 bit.
        encoded = value.encode()[:0xFFF0].decode(errors="ignore")
        return (
            option(code=code, text=encoded)
            if code == pcapng.PCAPNG_OPT_COMMENT
            else option(code=code, data=encoded.encode())
        )

    shb_options = [text(pcapng.PCAPNG_OPT_SHB_USERAPPL, "tiptoe")]
    if comment:
        shb_options.insert(0, text(pcapng.PCAPNG_OPT_COMMENT, comment))
    writer = pcapng.Writer(
        target,
        shb=section(opts=[*shb_options, end]),
        idb=interface(
            linktype=LINKTYPE_IPV4,
            snaplen=_SNAPLEN,
            opts=[
                text(pcapng.PCAPNG_OPT_IF_NAME, "device"),
                option(code=pcapng.PCAPNG_OPT_IF_TSRESOL, data=b"\x06"),
                end,
            ],
        ),
    )
    by_frame: dict[int, list[str]] = {}
    for number, note in notes:
        by_frame.setdefault(number, []).append(note)
    for number, frame in enumerate(frames):
        flags = (_INBOUND if frame.to_device else _OUTBOUND).to_bytes(4, sys.byteorder)
        options = [text(pcapng.PCAPNG_OPT_COMMENT, note) for note in by_frame.get(number, [])]
        options += [option(code=_OPT_EPB_FLAGS, data=flags), end]
        block = packet(
            pkt_data=frame.octets, ts_high=frame.time_us >> 32, ts_low=frame.time_us & 0xFFFFFFFF, opts=options
        )
        # Bytes, not writepkt(): that one takes a time of 0 for "now".
        target.write(bytes(block))
    del writer


def file_name(case_id: str) -> str:
    """A file name for a case: its id with everything unusual replaced by "_"."""
    return re.sub(r"[^A-Za-z0-9._+=-]", "_", case_id) + ".pcapng"


def save(directory: Path, case_id: str, frames: Iterable[Datagram], comment: str = "") -> Path:
    """Writes `directory`/<case>.pcapng and returns its path."""
    path = directory / file_name(case_id)
    with path.open("wb") as target:
        write(target, frames, comment or case_id)
    return path
