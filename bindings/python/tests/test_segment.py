# SPDX-License-Identifier: Apache-2.0
"""Segments: round trips, scapy as a second opinion, mistakes."""

from __future__ import annotations

import copy
import ipaddress
import pickle
from typing import Any

import numpy as np
import pytest
import tiptoe
from hypothesis import given, settings
from hypothesis import strategies as st
from tiptoe import ACK, FIN, PSH, RST, SYN, URG, Datagram, Defect, Flags, Options, Segment, SegmentError, TiptoeError

# The first call of scapy takes its time, and so does a busy machine.
settings.register_profile("tiptoe", deadline=None)
settings.load_profile("tiptoe")

U8 = st.integers(0, 0xFF)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)
ADDRESS = U32.map(lambda n: str(ipaddress.IPv4Address(n)))


@st.composite
def option_lists(draw: st.DrawFn) -> Options:
    """Well-formed options of at most 40 octets."""
    options = Options()
    for _ in range(draw(st.integers(0, 4))):
        longer = draw(
            st.sampled_from(
                [
                    options.nop(),
                    options.mss(draw(U16)),
                    options.wscale(draw(st.integers(0, 14))),
                    options.sack_permitted(),
                    options.timestamps(draw(U32), draw(U32)),
                    options.unknown(draw(st.integers(30, 250)), draw(st.binary(max_size=8))),
                ]
            )
        )
        if len(longer) <= 40:
            options = longer
    return options.pad((len(options) + 3) // 4 * 4)


SEGMENTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "src": ADDRESS,
        "dst": ADDRESS,
        "src_port": U16,
        "dst_port": U16,
        "seq": U32,
        "ack": U32,
        "flags": U8,
        "window": U16,
        "urgent": U16,
        "options": option_lists(),
        "payload": st.binary(max_size=200),
    },
    optional={"tos": U8, "id": U16, "ttl": U8, "df": st.booleans(), "reserved": st.integers(0, 15)},
)


@given(SEGMENTS)
def test_build_and_parse_are_inverse(fields: dict[str, Any]) -> None:
    octets = Segment(**fields).build()
    parsed = Segment.parse(octets, strict=True)
    assert parsed.defects == []
    for name, value in fields.items():
        assert getattr(parsed, name) == value, name
    assert parsed.build() == octets
    assert Segment(**fields).matches(parsed)
    assert parsed.seg_len == len(parsed.payload or b"") + parsed.has(SYN) + parsed.has(FIN)


@given(SEGMENTS)
@settings(max_examples=30)
def test_scapy_builds_the_same_octets(fields: dict[str, Any]) -> None:
    from scapy.layers.inet import IP, TCP

    ours = Segment(**fields)
    ours.options = None
    theirs = IP(
        src=ours.src,
        dst=ours.dst,
        tos=ours.tos or 0,
        id=ours.id or 0,
        ttl=64 if ours.ttl is None else ours.ttl,
        flags="DF" if ours.df else 0,
    ) / TCP(
        sport=ours.src_port,
        dport=ours.dst_port,
        seq=ours.seq,
        ack=ours.ack,
        flags=int(ours.flags or 0),
        window=ours.window,
        urgptr=ours.urgent,
        reserved=0,
    )
    ours.reserved = None
    assert ours.replace(df=bool(ours.df)).build() == bytes(theirs / (ours.payload or b""))


@given(st.binary(max_size=120))
def test_parse_takes_anything(octets: bytes) -> None:
    segment = Segment.parse(octets)
    assert isinstance(str(segment), str)
    assert isinstance(repr(segment), str)
    if len(octets) < 20:
        assert segment.defects[0][0] is Defect.IP_SHORT


@given(SEGMENTS)
def test_pickle_copy_and_repr(fields: dict[str, Any]) -> None:
    segment = Segment(**fields)
    assert pickle.loads(pickle.dumps(segment)) == segment
    assert copy.copy(segment) == segment
    assert copy.deepcopy([segment]) == [segment]
    assert eval(repr(segment), {"Segment": Segment, "Options": Options}) == segment


def test_every_buffer_is_good() -> None:
    octets = Segment(flags=SYN).build()
    want = Segment.parse(octets)
    same: Any
    for same in (bytearray(octets), memoryview(octets), np.frombuffer(octets, dtype=np.uint8), Datagram(octets)):
        assert Segment.parse(same) == want
    assert Segment(payload=bytearray(b"abc")).payload == b"abc"
    with pytest.raises(TypeError):
        Segment.parse("text")  # type: ignore[arg-type]


def test_datagram() -> None:
    segment = Segment(src="10.0.0.1", dst="10.0.0.2", flags=SYN | ACK)
    datagram = Datagram(segment, time_us=5, cycle=7, to_device=True)
    assert (datagram.time_us, datagram.cycle, datagram.to_device) == (5, 7, True)
    assert bytes(datagram) == datagram.octets == segment.build()
    assert len(datagram) == 40
    buffer: Any = datagram  # the type checkers of Debian 12 do not know the buffer protocol
    assert memoryview(buffer).readonly
    assert np.frombuffer(buffer, dtype=np.uint8)[0] == 0x45
    assert pickle.loads(pickle.dumps(datagram)) == datagram
    assert datagram != Datagram(segment, time_us=6, cycle=7, to_device=True)
    assert datagram.segment.flags is Flags.SYN | Flags.ACK
    assert "5 us" in repr(datagram)
    assert "[S.]" in str(datagram)
    with pytest.raises(TypeError):
        hash(datagram)
    with pytest.raises(TypeError):
        Datagram()  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        datagram.cycle = 3  # type: ignore[misc]


def test_flags_are_real_enums() -> None:
    segment = Segment(flags="SYN,ACK")
    assert segment.flags is SYN | ACK
    assert isinstance(segment.flags, Flags)
    segment.flags = PSH | URG
    assert segment.has(PSH)
    assert not segment.has(PSH | RST)


def test_sequence_numbers_wrap() -> None:
    assert Segment(seq=2**32 + 5).seq == 5
    assert Segment(seq=-1).seq == 0xFFFFFFFF
    assert Segment(ack=-(2**31)).ack == 2**31


def test_overrides_are_one_defect_each() -> None:
    plain = Segment(src="10.0.0.1", dst="10.0.0.2", flags=ACK, payload=b"x" * 20)
    changes: list[tuple[dict[str, Any], Defect]] = [
        ({"corrupt_checksum": True}, Defect.TCP_CHECKSUM),
        ({"corrupt_ip_checksum": True}, Defect.IP_CHECKSUM),
        ({"data_offset": 4}, Defect.TCP_DATA_OFFSET),
        ({"data_offset": 15}, Defect.TCP_DATA_OFFSET),
        ({"ip_version": 6}, Defect.IP_VERSION),
        ({"mf": True}, Defect.IP_FRAGMENT),
        ({"protocol": 17}, Defect.IP_PROTOCOL),
        ({"options": Options(b"\x02\x00\x00\x00")}, Defect.TCP_OPTIONS),
    ]
    for change, defect in changes:
        octets = plain.replace(**change).build()
        assert [d for d, _ in Segment.parse(octets).defects] == [defect], change
        with pytest.raises(SegmentError):
            Segment.parse(octets, strict=True)


def test_matching_says_what_differs() -> None:
    actual = Segment(seq=5, ack=7, flags=SYN | ACK, window=100)
    assert Segment(seq=5).matches(actual)
    assert Segment(flags_set=ACK, flags_clear=RST).matches(actual)
    (sentence,) = Segment(ack=8).differences(actual)
    assert "7" in sentence
    assert "8" in sentence


def test_forms() -> None:
    segment = Segment.from_form("<SEQ=1000><ACK=1><CTL=SYN,ACK>")
    assert (segment.seq, segment.ack, segment.flags) == (1000, 1, SYN | ACK)
    assert segment.form() == "<SEQ=1000><ACK=1><CTL=SYN,ACK>"
    with pytest.raises(SegmentError):
        Segment.from_form("<SEQ=x>")


def test_options() -> None:
    options = Options().mss(1460).nop().wscale(7).unknown(254, b"ab")
    assert options.items() == [(2, b"\x05\xb4"), (1, b""), (3, b"\x07"), (254, b"ab")]
    assert Segment(options=options).mss == 1460
    assert str(Options().mss(536)) == "mss 536"
    assert Options(bytes(options)) == options
    assert len({options, Options(bytes(options))}) == 1


def test_reply_and_replace() -> None:
    segment = Segment(src="10.0.0.1", dst="10.0.0.2", src_port=1, dst_port=2, seq=5)
    answer = segment.reply(flags=RST)
    assert (answer.src, answer.dst, answer.src_port, answer.dst_port) == ("10.0.0.2", "10.0.0.1", 2, 1)
    assert answer.seq is None
    assert segment.replace(seq=None).fields() == {k: v for k, v in segment.fields().items() if k != "seq"}


def test_addresses_in_any_form() -> None:
    address: Any
    for address in ("10.0.0.1", 0x0A000001, ipaddress.IPv4Address("10.0.0.1")):
        assert Segment(src=address).src == "10.0.0.1"


@pytest.mark.parametrize(
    "fields",
    [
        {"window": 65536},
        {"window": -1},
        {"window": "many"},
        {"window": 1.5},
        {"data_offset": 16},
        {"src": "10.0.0"},
        {"src": "300.0.0.1"},
        {"src": 2**32},
        {"flags": "SIN"},
        {"flags": 256},
        {"seq": "1"},
    ],
)
def test_bad_fields_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(SegmentError) as caught:
        Segment(**fields)
    assert isinstance(caught.value, TiptoeError)
    assert isinstance(caught.value, ValueError)


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(TypeError, match="sequence"):
        Segment(sequence=1)  # type: ignore[call-arg]


def test_pattern_and_hexdump() -> None:
    assert tiptoe.pattern(10, position=5) == tiptoe.pattern(15)[5:]
    assert tiptoe.pattern(10, seed=2) != tiptoe.pattern(10)
    assert tiptoe.hexdump(b"abc").startswith("0000  61 62 63")
