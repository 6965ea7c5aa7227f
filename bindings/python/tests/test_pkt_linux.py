# SPDX-License-Identifier: Apache-2.0
"""`tiptoe pkt` on what scripts for Linux take for granted. A device that follows the RFC is not judged by Linux' own
ways; one that does neither fails, which a seeded fault shows each time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiptoe import Verdict
from tiptoe.pkt.result import PktResult
from tiptoe.pkt.work import PktJob, device_for, run_file

HANDSHAKE = """\
`sysctl -q net.ipv4.tcp_sack=0`
0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0  bind(3, ..., ...) = 0
+0  listen(3, 1) = 0
+0  < S 0:0(0) win 60000 <mss 1000>
+0  > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 60000
+0  accept(3, ..., ...) = 4
"""


def run_text(tmp_path: Path, text: str, dut: str = "model", **job: Any) -> PktResult:
    """Runs a script on a fresh device."""
    path = tmp_path / "script.pkt"
    path.write_text(text)
    spec = device_for(dut, fault=job.pop("fault", ""))
    result: PktResult = run_file(str(path), spec.make(), PktJob(spec, **job))
    return result


#: Words of the sentence: what follows the handshake, and faults with which the device does neither.
OWN_WAYS = {
    "a larger congestion window": (
        """
        +0 write(4, ..., 30000) = 30000
        +0 > . 1:10001(10000) ack 1
        +.1 < . 1:1(0) ack 2001 win 60000
        +0 > . 10001:14001(4000) ack 1
        """,
        ["cwnd_never_grows", "no_initial_slow_start"],
    ),
    "another congestion window": (
        """
        +0 write(4, ..., 10000) = 10000
        +0 > P. 1:10001(10000) ack 1
        +.1 < . 1:1(0) ack 10001 win 60000
        +0 %{ assert tcpi_snd_cwnd == 20 }%
        """,
        ["cwnd_never_grows", "no_initial_slow_start"],
    ),
    "probe for a lost tail": (
        """
        +0 write(4, ..., 2000) = 2000
        +0 > P. 1:2001(2000) ack 1
        +.2 > P. 1001:2001(1000) ack 1
        """,
        ["retransmission_missing", "rto_never_adapts", "inconsistent_retransmission"],
    ),
}


@pytest.mark.parametrize("words", OWN_WAYS)
def test_linux_ways(tmp_path: Path, words: str) -> None:
    lines, faults = OWN_WAYS[words]
    result = run_text(tmp_path, HANDSHAKE + lines)
    assert result.verdict is Verdict.INAPPLICABLE, result.message
    assert words in result.reason
    assert "RFC" in result.reason
    assert run_text(tmp_path, HANDSHAKE + lines, profile="rfc").verdict is Verdict.FAIL
    for fault in faults:
        assert run_text(tmp_path, HANDSHAKE + lines, fault=fault).verdict is Verdict.FAIL, fault


def test_a_window_that_the_peer_has_closed_is_no_way_of_linux(tmp_path: Path) -> None:
    """The device waits because it must; a script that wants text there is wrong."""
    text = HANDSHAKE.replace("ack 1 win 60000", "ack 1 win 3000")
    text += "+0 write(4, ..., 30000) = 30000\n+0 > . 1:10001(10000) ack 1\n"
    assert run_text(tmp_path, text).verdict is Verdict.FAIL


LONG = (
    HANDSHAKE
    + """
    +0 < P. 1:10001(10000) ack 1 win 60000
    +0 > . 1:1(0) ack 10001
    +0 ioctl(4, SIOCINQ, [10000]) = 0
    +.1 < P. 20001:25001(5000) ack 1 win 60000
    +0 > . 1:1(0) ack 10001
    +.1 < P. 10001:20001(10000) ack 1 win 60000
    +0 > . 1:1(0) ack 25001
    """
)


@pytest.mark.parametrize("dut", ["model", "lockstep"])
def test_segments_that_are_too_long_come_in_parts(tmp_path: Path, dut: str) -> None:
    result = run_text(tmp_path, LONG, dut)
    assert result.verdict is Verdict.PASS, result.message
    assert "line 10: sent in 7 segments" in result.notes
    assert run_text(tmp_path, "--mss=1000\n" + LONG, dut).notes[0] == "line 11: sent in 10 segments"


@pytest.mark.parametrize(
    "fault", ["ooo_dropped", "ooo_hole_skipped", "engine_payload_swapped", "engine_duplicate_output"]
)
def test_parts_hide_nothing(tmp_path: Path, fault: str) -> None:
    text = LONG + "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 25001\n+0 read(4, ..., 30000) = 25000\n"
    assert run_text(tmp_path, text).verdict is Verdict.PASS
    assert run_text(tmp_path, text, fault=fault).verdict is Verdict.FAIL


def test_gso_size_is_not_the_mtu(tmp_path: Path) -> None:
    """--mss of packetdrill is about segments of the peer; the device advertises what it always does."""
    assert run_text(tmp_path, "--mss=900\n" + HANDSHAKE).verdict is Verdict.PASS


def test_the_ack_of_the_last_text(tmp_path: Path) -> None:
    """No line shows it, and RFC 9293 3.8.6.3 wants it: reported. Another segment there is a failure."""
    text = HANDSHAKE + "+.1 < P. 1:1001(1000) ack 1 win 60000\n"
    result = run_text(tmp_path, text)
    assert result.verdict is Verdict.PASS, result.message
    assert "must be acknowledged" in result.trailing
    assert run_text(tmp_path, text, fault="engine_reserved_bits_set").verdict is Verdict.FAIL
    assert run_text(tmp_path, text + "+0 close(4) = 0\n+.1 < . 9:9(0) ack 1 win 1\n").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("+0 > P. 1:1001(1000) ack 101", "expected 1000 octets of text, an ACK without text came"),
        ("+0 > . 1:1(0) ack 102", "acknowledgment number: expected 102, got 101"),
        ("+0 > F. 1:1(0) ack 101", "flags: expected F., got ."),
        ("+0 > F. 1:1(0) ack 102", "flags and acknowledgment number differ"),
        ("+.1 > . 1:1(0) ack 101", "the segment came too early"),
    ],
)
def test_what_came_instead_is_said_in_words(tmp_path: Path, line: str, words: str) -> None:
    result = run_text(tmp_path, HANDSHAKE + "+.1 < P. 1:101(100) ack 1 win 60000\n" + line + "\n")
    assert result.verdict is Verdict.FAIL
    assert words in result.reason
    assert result.line == 10


def test_text_in_the_place_of_an_ack(tmp_path: Path) -> None:
    result = run_text(tmp_path, HANDSHAKE + "+0 write(4, ..., 10) = 10\n+0 > . 1:1(0) ack 1\n")
    assert "expected an ACK without text, 10 octets of text came" in result.reason
    result = run_text(
        tmp_path, HANDSHAKE + "+0 < R. 5000:5000(0) ack 7 win 0\n+0 < S 9:9(0) win 9\n+0 > F. 1:1(0) ack 1\n"
    )
    assert result.verdict is Verdict.FAIL


def test_an_option_that_a_script_knows_not_to_be_there(tmp_path: Path) -> None:
    for text in (
        "+0 setsockopt(4, SOL_TCP, TCP_REPAIR, [1], 4) = -1 ENOPROTOOPT (Protocol not available)\n",
        "+0 pipe([5, 6]) = -1 EOPNOTSUPP (Operation not supported)\n",
    ):
        assert run_text(tmp_path, HANDSHAKE + text).verdict is Verdict.PASS
        there = run_text(tmp_path, HANDSHAKE + text.split(" = ")[0] + " = 0\n")
        assert there.verdict is Verdict.INAPPLICABLE
