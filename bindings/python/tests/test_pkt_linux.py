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
    """Runs a script on a fresh device, as the command does by itself."""
    job = {"reduced": True, **job}
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
    before = run_text(tmp_path, text.replace("+0  accept(3, ..., ...) = 4\n", ""))
    assert (before.verdict, "must be acknowledged" in before.trailing) == (Verdict.PASS, True), before.message
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
    lines = HANDSHAKE + "+.1 < P. 1:101(100) ack 1 win 60000\n" + line + "\n"
    result = run_text(tmp_path, lines, reduced=False)
    assert result.verdict is Verdict.FAIL
    assert words in result.reason
    assert result.line == 10
    loose = run_text(tmp_path, lines)
    assert words in loose.reason or loose.verdict is Verdict.PASS  # Linux may delay that ACK


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


#: recvmsg() of the error queue, with what stands in cmsg_data.
ERRQUEUE = """\
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=%s, msg_control=[%s]}, MSG_ERRQUEUE) = 0
"""
COPIED = (
    "{cmsg_level=CMSG_LEVEL_IP, cmsg_type=CMSG_TYPE_RECVERR, cmsg_data={ee_errno=0, ee_origin=SO_EE_ORIGIN_ZEROCOPY, "
    "ee_type=0, ee_code=SO_EE_CODE_ZEROCOPY_COPIED, ee_info=%d, ee_data=%d}}"
)


def test_zero_copy_is_reported_when_octets_are_acknowledged(tmp_path: Path) -> None:
    begin = HANDSHAKE + "+0 setsockopt(4, SOL_SOCKET, SO_ZEROCOPY, [1], 4) = 0\n"
    nothing = "+0 recvmsg(4, {msg_iov(1)=[{..., 0}], msg_flags=MSG_ERRQUEUE, msg_control=[]}, MSG_ERRQUEUE)"
    nothing += " = -1 EAGAIN (no)\n"
    send = "+0 send(4, ..., 1000, MSG_ZEROCOPY) = 1000\n+0 > P. %d:%d(1000) ack 1\n"
    ack = "+.1 < . 1:1(0) ack %d win 60000\n"
    report = ERRQUEUE % ("MSG_ERRQUEUE", COPIED)
    poll = "+0 poll([{fd=4, events=POLLIN, revents=%s}], 1, 0) = %d\n"
    text = begin + send % (1, 1001) + nothing + poll % ("0", 0) + ack % 1001 + poll % ("POLLERR", 1) + report % (0, 0)
    text += nothing + send % (1001, 2001) + send % (2001, 3001) + ack % 3001
    result = run_text(tmp_path, text + report % (1, 2))
    assert result.verdict is Verdict.PASS, result.message
    wrong = run_text(tmp_path, text + report % (1, 1))
    assert wrong.verdict is Verdict.FAIL
    assert "ee_data: expected 1, got 2" in wrong.differences
    half = run_text(tmp_path, begin + send % (1, 1001) + ack % 501 + report % (0, 0))
    assert half.verdict is Verdict.FAIL
    assert "EAGAIN" in half.got
    eighteen = ", ".join(["{..., 1}"] * 18)
    lines = f"+0 sendmsg(4, {{msg_iov(18)=[{eighteen}], msg_flags=0}}, MSG_ZEROCOPY) = 18\n"
    assert "MAX_SKB_FRAGS" in run_text(tmp_path, begin + lines).message


def test_time_stamps_of_what_is_sent(tmp_path: Path) -> None:
    stamp = (
        "{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, scm_nsec=%d}}, "
        "{cmsg_level=CMSG_LEVEL_IP, cmsg_type=CMSG_TYPE_RECVERR, cmsg_data={ee_errno=ENOMSG, "
        "ee_origin=SO_EE_ORIGIN_TIMESTAMPING, ee_type=0, ee_code=0, ee_info=%s, ee_data=%d}}"
    )
    report = ERRQUEUE % ("MSG_ERRQUEUE|MSG_TRUNC", stamp)
    begin = (
        HANDSHAKE
        + """
        +0 setsockopt(4, SOL_SOCKET, SO_TIMESTAMPING, [SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK |
                      SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID], 4) = 0
        +0 write(4, ..., 11000) = 11000
        +0 > . 1:10001(10000) ack 1
        +.1 < . 1:1(0) ack 10001 win 60000
        +0 > P. 10001:11001(1000) ack 1
        +.1 < . 1:1(0) ack 11001 win 60000
        """
    )
    sent, acked = report % (200_000_000, "SCM_TSTAMP_SND", 10999), report % (300_000_000, "SCM_TSTAMP_ACK", 10999)
    result = run_text(tmp_path, begin + sent + acked)
    assert result.verdict is Verdict.PASS, result.message
    late = run_text(tmp_path, begin + sent.replace("200000000", "100000000"))
    assert late.verdict is Verdict.FAIL
    assert "time stamp: expected 0.100000 s, got 0.200" in late.differences[0]
    assert run_text(tmp_path, begin + acked).verdict is Verdict.FAIL
    hardware = begin.replace("SOF_TIMESTAMPING_TX_SOFTWARE", "SOF_TIMESTAMPING_TX_HARDWARE")
    assert "TX_HARDWARE" in run_text(tmp_path, hardware).message


def test_tcp_inq_and_the_time_of_the_last_text(tmp_path: Path) -> None:
    begin = HANDSHAKE + "+0 setsockopt(4, SOL_TCP, TCP_INQ, [1], 4) = 0\n+0 < P. 1:101(100) ack 1 win 60000\n"
    begin += "+0 > . 1:1(0) ack 101\n"
    read = (
        "+.5 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 60}], msg_flags=0, "
        "msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=%d}]}, 0) = 60\n"
    )
    code = "+0 %%{ assert %d <= tcpi_last_data_recv <= %d }%%\n"
    assert run_text(tmp_path, begin + read % 40 + code % (499, 501)).verdict is Verdict.PASS
    assert run_text(tmp_path, begin + read % 100).verdict is Verdict.FAIL
    assert run_text(tmp_path, begin + code % (499, 501)).verdict is Verdict.FAIL


def test_how_much_a_write_takes_is_told_by_the_script(tmp_path: Path) -> None:
    """What Linux takes depends on memory. It is the script's affair; what then goes out is not."""
    begin = HANDSHAKE + "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
    text = begin + "+0 write(4, ..., 9000) = 5800\n+0 > P. 1:5801(5800) ack 1\n"
    nodelay = text.replace("+0 write", "+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0\n+0 write")
    assert run_text(tmp_path, nodelay).verdict is Verdict.PASS
    assert run_text(tmp_path, nodelay.replace("5801(5800)", "5802(5801)")).verdict is Verdict.FAIL
    assert run_text(tmp_path, nodelay.replace("= 5800", "= 0")).verdict is Verdict.FAIL
    full = run_text(tmp_path, text + "+0 write(4, ..., 10) = -1 EAGAIN (no room)\n")
    assert full.verdict is Verdict.INAPPLICABLE
    assert "Nagle" in full.reason
    full = run_text(tmp_path, nodelay + "+0 write(4, ..., 10) = -1 EAGAIN (no room)\n")
    assert full.verdict is Verdict.INAPPLICABLE
    assert "memory" in full.reason
    empty = run_text(tmp_path, nodelay + "+.1 < . 1:1(0) ack 5801 win 9\n+0 write(4, ..., 10) = -1 EAGAIN (no room)\n")
    assert empty.verdict is Verdict.FAIL


def test_an_ack_of_what_only_linux_would_have_sent(tmp_path: Path) -> None:
    text = (
        HANDSHAKE
        + "+0 write(4, ..., 30000) = 30000\n+.1 < . 1:1(0) ack %d win 60000\n+.1 < . 1:1(0) ack %d win 60000\n"
    )
    result = run_text(tmp_path, text % (10001, 30001))
    assert result.verdict is Verdict.INAPPLICABLE
    assert (result.line, "9000 octets that the device has not sent" in result.reason) == (11, True), result.reason
    assert run_text(tmp_path, text % (10001, 30002)).verdict is Verdict.FAIL  # nobody has written that


def test_writable_when_little_is_unsent(tmp_path: Path) -> None:
    text = (
        HANDSHAKE
        + """
        +0 setsockopt(4, SOL_TCP, TCP_NOTSENT_LOWAT, [3000], 4) = 0
        +0 write(4, ..., 12000) = 12000
        +0 > . 1:10001(10000) ack 1
        +0 poll([{fd=4, events=POLLOUT, revents=0}], 1, 0) = 0
        +.1 < . 1:1(0) ack 1001 win 60000
        +0 > P. 10001:12001(2000) ack 1
        +0 poll([{fd=4, events=POLLOUT, revents=POLLOUT}], 1, 0) = 1
        """
    )
    assert run_text(tmp_path, text).verdict is Verdict.PASS
    by_default = text.replace("+0 setsockopt(4, SOL_TCP, TCP_NOTSENT_LOWAT, [3000], 4) = 0\n", "")
    assert run_text(tmp_path, by_default).verdict is Verdict.INAPPLICABLE  # room is a matter of memory
    by_default = by_default.replace("tcp_sack=0", "tcp_notsent_lowat=3000")
    assert run_text(tmp_path, by_default).verdict is Verdict.PASS


def test_sack_blocks_that_the_device_cannot_heed(tmp_path: Path) -> None:
    """Three duplicate ACKs repeat a segment with or without SACK. From where it matters, the script does not apply."""
    begin = HANDSHAKE.replace("<mss 1000>", "<mss 1000,sackOK,nop,nop>").replace(
        "<mss 1460>", "<mss 1460,nop,nop,sackOK>"
    )
    text = begin + "+0 write(4, ..., 5000) = 5000\n+0 > P. 1:5001(5000) ack 1\n"
    for end in (2001, 3001, 4001):
        text += f"+.01 < . 1:1(0) ack 1 win 60000 <sack 1001:{end},nop,nop>\n"
    text += "+0 > . 1:1001(1000) ack 1\n"
    assert run_text(tmp_path, text).verdict is Verdict.PASS
    for fault in ("engine_csum_wrong_retransmission", "engine_reserved_bits_set"):
        assert run_text(tmp_path, text, fault=fault).verdict is Verdict.FAIL
    second = text + "+.01 < . 1:1(0) ack 4001 win 60000 <sack 1:1001,nop,nop>\n+0 > P. 4002:5001(999) ack 1\n"
    result = run_text(tmp_path, second)
    assert (result.verdict, result.line) == (Verdict.INAPPLICABLE, 11), result.message
    assert "SACK blocks" in result.reason
    assert "from here on" in result.all_reasons[1][1]
    early = text.replace("> P. 1:5001(5000)", "> . 1:5001(5000)")
    assert run_text(tmp_path, early).verdict is Verdict.FAIL  # before any block
    unknown = second.replace("<mss 1460,nop,nop,sackOK>", "<...>")
    assert run_text(tmp_path, unknown).verdict is Verdict.INAPPLICABLE
    none = second.replace("<mss 1460,nop,nop,sackOK>", "<mss 1460>")
    assert run_text(tmp_path, none).verdict is Verdict.FAIL


def test_timestamps_shorten_full_segments(tmp_path: Path) -> None:
    """The device has none: the MSS that the peer tells it is smaller by their twelve octets."""
    text = HANDSHAKE.replace("<mss 1000>", "<mss 1000,sackOK,TS val 7 ecr 0>")
    text = text.replace("<mss 1460>", "<mss 1460,sackOK,TS val 1 ecr 7>").replace(
        "60000\n", "60000 <nop,nop,TS val 8 ecr 1>\n"
    )
    text += """
        +0 getsockopt(4, SOL_TCP, TCP_MAXSEG, [988], [4]) = 0
        +0 write(4, ..., 1976) = 1976
        +0 > . 1:989(988) ack 1 <nop,nop,TS val 9 ecr 8>
        +0 > P. 989:1977(988) ack 1 <nop,nop,TS val 9 ecr 8>
        """
    result = run_text(tmp_path, text)
    assert result.verdict is Verdict.PASS, result.message
    assert run_text(tmp_path, text.replace("988", "1000").replace("989", "1001")).verdict is not Verdict.PASS
    nothing = text.replace("<mss 1000,sackOK,TS val 7 ecr 0>", "<sackOK,TS val 7 ecr 0>")
    assert "names no MSS" in run_text(tmp_path, nothing).reason


def test_an_early_ack_must_be_for_what_came_last(tmp_path: Path) -> None:
    text = HANDSHAKE.replace("<mss 1000>", "<mss 1000,sackOK,nop,nop>").replace(
        "<mss 1460>", "<mss 1460,nop,nop,sackOK>"
    )
    text += "+.1 < P. 1:101(100) ack 1 win 60000\n%s+.04 > . 1:1(0) ack 101\n"
    assert run_text(tmp_path, text % "").verdict is Verdict.PASS
    assert run_text(tmp_path, text % "+.02 < . 101:101(0) ack 1 win 50000\n").verdict is Verdict.FAIL


def test_a_receive_buffer_that_is_smaller_than_the_devices(tmp_path: Path) -> None:
    """By what the script shows of its system's window the segment is beyond it; the device has advertised more."""
    text = HANDSHAKE.replace("<mss 1000>", "<mss 1000,nop,wscale 7>").replace(
        "ack 1 <mss 1460>", "ack 1 <mss 1460,nop,wscale 4>"
    )
    text += """
        +0 < P. 1:1001(1000) ack 1 win 500
        * > . 1:1(0) ack 1001 win 1000
        +0 < P. 1001:%d(%d) ack 1 win 500
        * > . 1:1(0) ack 1001 win 1000
        """
    result = run_text(tmp_path, text % (20001, 19000))
    assert result.verdict is Verdict.INAPPLICABLE, result.message
    assert "line 12 ends 3000 octets beyond the window" in result.reason
    assert run_text(tmp_path, text % (17001, 16000)).verdict is Verdict.FAIL  # inside both
    small = run_text(tmp_path, HANDSHAKE.replace("ack 1 <mss", "ack 1 win 14600 <mss"))
    assert small.verdict is Verdict.INAPPLICABLE
    assert "a receive buffer of 14600 octets" in small.reason
    assert run_text(tmp_path, HANDSHAKE.replace("ack 1 <mss", "ack 1 win 65535 <mss")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("+0 read(4, ..., 10) = 5", "nothing in the script can wake it"),
        ("+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0", "SO_ERROR: expected ECONNRESET, got 0"),
        ("+0 shutdown(4, SHUT_RD) = -1 ENOTCONN (no)", "shutdown() returned 0 instead of -1 ENOTCONN"),
        ("+0...1 read(4, ..., 10) = 10\n+.5 < P. 1:11(10) ack 1 win 9\n+1 `true`", "came back too early"),
        ("+0 `frobnicate`", "`frobnicate` is not run"),
        ("+0 `sysctl -q net.ipv4.tcp_mtu_probing=2`", "needs path MTU probing"),
    ],
)
def test_what_calls_and_commands_say(tmp_path: Path, line: str, words: str) -> None:
    assert words in run_text(tmp_path, HANDSHAKE + line + "\n").reason


def test_acks_that_linux_delays(tmp_path: Path) -> None:
    """It sends them with text, or for several segments at once; the device sends them at once."""
    text = HANDSHAKE + "+.1 < P. 1:101(100) ack 1 win 60000\n+.01 write(4, ..., 50) = 50\n+0 > P. 1:51(50) ack 101\n"
    result = run_text(tmp_path, text)
    assert result.verdict is Verdict.PASS, result.message
    assert any("Linux delays this ACK" in note for note in result.notes)
    assert run_text(tmp_path, text.replace("+.01 write", "+.6 write")).verdict is Verdict.FAIL
    assert run_text(tmp_path, text, fault="engine_duplicate_output").verdict is Verdict.FAIL
    wrong = run_text(tmp_path, text.replace("P. 1:51(50) ack 101", "P. 1:51(50) ack 102"))
    assert wrong.verdict is Verdict.FAIL
    assert "acknowledgment number: expected 102, got 101" in wrong.reason
    lost = run_text(tmp_path, text.replace("+.01 write(4, ..., 50) = 50\n", ""))
    assert "expected 50 octets of text, an ACK without text came" in lost.reason
    both = (
        HANDSHAKE
        + "+.1 < P. 1:101(100) ack 1 win 60000\n+.01 < P. 101:201(100) ack 1 win 60000\n+0 > . 1:1(0) ack 201\n"
    )
    assert run_text(tmp_path, both).verdict is Verdict.PASS
    assert run_text(tmp_path, both, profile="rfc").verdict is Verdict.PASS
    assert run_text(tmp_path, both, reduced=False).verdict is Verdict.FAIL


def test_ecn_that_is_only_offered(tmp_path: Path) -> None:
    """What a SYN says of ECN is left out, as options are; a mark of the peer, or code that asks, is not."""
    text = HANDSHAKE.replace("< S 0:0(0)", "< SEW 0:0(0)").replace("> S. 0:0(0)", "> SE. 0:0(0)")
    result = run_text(tmp_path, text)
    assert (result.verdict, result.left_out) == (Verdict.PASS, ("ECN",)), result.message
    assert run_text(tmp_path, text, reduced=False).verdict is Verdict.INAPPLICABLE
    for line in (
        "+0 < [ce] P. 1:101(100) ack 1 win 60000\n+0 > . 1:1(0) ack 101\n",
        "+0 < E. 1:1(0) ack 1 win 60000\n",
        "+0 %{ assert tcpi_options & TCPI_OPT_ECN }%\n",
        "+0 write(4, ..., 10) = 10\n+0 > [ect0] P. 1:11(10) ack 1\n",
    ):
        other = run_text(tmp_path, text + line)
        assert other.verdict is Verdict.INAPPLICABLE, line
        assert "congestion notification" in other.reason
    assert run_text(tmp_path, text.replace("> SE. 0", "> SEF. 0")).verdict is Verdict.FAIL


def test_a_descriptor_may_be_given_again(tmp_path: Path) -> None:
    """packetdrill takes the descriptors of scripts for names: the newest counts."""
    second = "+0 < 9>8080 S 0:0(0) win 60000 <mss 1000>\n+0 > 8080>9 S. 0:0(0) ack 1 <mss 1460>\n"
    second += "+.1 < 9>8080 . 1:1(0) ack 1 win 60000\n+0 accept(3, ..., ...) = 4\n+0 write(4, ..., 7) = 7\n"
    assert run_text(tmp_path, HANDSHAKE + second + "+0 > 8080>9 P. 1:8(7) ack 1\n").verdict is Verdict.PASS
