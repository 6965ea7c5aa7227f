# SPDX-License-Identifier: Apache-2.0
"""`tiptoe pkt`: the language, the runs, the reports. Our own scripts are in pkt/; TIPTOE_PKT_CORPUS adds a folder."""

from __future__ import annotations

import json
import os
import random
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import tiptoe
from tiptoe import Verdict, cli, plug
from tiptoe.pkt import PktSyntaxError, config, parse, profiles
from tiptoe.pkt.result import PktResult
from tiptoe.pkt.syntax import Call, Code, Command, Packet, Tcp, TimeKind
from tiptoe.pkt.work import PktJob, abilities_of, device_for, read, run_file

SCRIPTS = Path(__file__).parent / "pkt"
PACKETDRILL = Path(__file__).parents[2] / "packetdrill" / "test" / "scripts"
DEFINES = {"LENGTH": "1000"}

#: A script, and faults of the model that it must notice.
NOTICED = {
    "passive-open": ["mss_option_missing", "engine_pseudo_header_missing", "nagle_absent", "fin_no_sequence_number"],
    "active-open": ["handshake_ack_missing", "syn_sent_rst_ignored"],
    "retransmission": ["rto_not_doubled", "inconsistent_retransmission", "engine_csum_wrong_retransmission"],
    "blocking-read": ["engine_payload_swapped"],
    "raw-options": ["engine_option_unknown_stops", "engine_duplicate_output"],
    "reset": ["rst_in_window_silent", "closed_rst_wrong_ack", "rst_outside_window"],
    "poll": ["engine_payload_swapped"],
    "freebsd": ["delayed_ack_too_long", "delayed_ack_never", "time_wait_missing"],
}


def run_text(tmp_path: Path, text: str, dut: str = "model", **job: Any) -> PktResult:
    """Runs a script on a fresh device."""
    path = tmp_path / "script.pkt"
    path.write_text(text)
    spec = device_for(dut, fault=job.pop("fault", ""))
    result: PktResult = run_file(str(path), spec.make(), PktJob(spec, **job))
    return result


HANDSHAKE = """\
0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0  bind(3, ..., ...) = 0
+0  listen(3, 1) = 0
+0  < S 0:0(0) win 8000 <mss 1000>
+0  > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 8000
+0  accept(3, ..., ...) = 4
"""


# ---- our own scripts


@pytest.mark.parametrize("dut", ["model", "lockstep"])
@pytest.mark.parametrize("name", sorted(p.stem for p in SCRIPTS.glob("*.pkt")))
def test_script(name: str, dut: str) -> None:
    if dut == "lockstep" and not tiptoe.rtl_parameter_sets():
        pytest.skip("no RTL is built in")
    spec = device_for(dut)
    result = run_file(str(SCRIPTS / f"{name}.pkt"), spec.make(), PktJob(spec, defines=DEFINES))
    assert result.verdict is Verdict.PASS, result.message
    assert result.virtual_us > 0


@pytest.mark.parametrize(("name", "fault"), [(n, f) for n, faults in NOTICED.items() for f in faults])
def test_a_script_notices_faults(name: str, fault: str) -> None:
    spec = device_for("model", fault=fault)
    result = run_file(str(SCRIPTS / f"{name}.pkt"), spec.make(), PktJob(spec, defines=DEFINES))
    assert result.verdict is Verdict.FAIL, result.message
    assert result.line is not None


def test_every_script_has_faults_that_it_must_notice() -> None:
    assert sorted(NOTICED) == sorted(p.stem for p in SCRIPTS.glob("*.pkt"))


@pytest.mark.parametrize("path", sorted(PACKETDRILL.glob("*.pkt")), ids=str)
def test_scripts_of_the_packetdrill_plug_in(path: Path) -> None:
    """The same scripts on packetdrill itself, with the same outcome: docs/packetdrill.md."""
    spec = device_for("model")
    result = run_file(str(path), spec.make(), PktJob(spec))
    assert result.profile == "rfc"
    if path.stem.startswith("must-fail"):
        assert result.verdict is Verdict.FAIL
    elif path.stem == "blocking-calls":
        assert result.line == 17, result.message  # about a send buffer of 16 KiB
    else:
        assert result.verdict is Verdict.PASS, result.message


def test_code_that_does_not_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1.pkt").write_text("0 %{ while True: pass }%\n")
    assert cli.main(["pkt", str(tmp_path), "--hang-seconds", "1"]) == 2
    assert "within 1 seconds" in capsys.readouterr().out


def test_code_that_ends_the_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1.pkt").write_text("0 %{ import os; os._exit(3) }%\n")
    (tmp_path / "2.pkt").write_text("0 `true`\n+9000000 `true`\n")
    assert cli.main(["pkt", str(tmp_path), "--jobs", "1"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert "exit code 3" in next(line for line in lines if "1.pkt" in line)
    assert next(line for line in lines if "2.pkt" in line).startswith("passed")


def test_corpus() -> None:
    """Every script of a corpus parses and runs to a verdict; none breaks the runner."""
    folder = os.environ.get("TIPTOE_PKT_CORPUS", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("TIPTOE_PKT_CORPUS names no folder")
    spec = device_for("model")
    job = PktJob(spec, reduced=True)
    device = spec.make()
    for path in sorted(Path(folder).rglob("*.pkt")):
        result = run_file(str(path), device, job)
        assert result.verdict is not Verdict.ERROR or result.line is not None, f"{path}: {result.message}"


@pytest.mark.skipif("lwip" not in plug.shipped(), reason="lwIP is not built in")
def test_on_a_device_from_outside() -> None:
    """lwIP has fixed settings, options of its own and no MSL that could be set."""
    spec = device_for("lwip")
    device = spec.make()
    verdicts = {}
    for name in ("blocking-read", "poll", "passive-open", "freebsd"):
        result = run_file(str(SCRIPTS / f"{name}.pkt"), device, PktJob(spec, defines=DEFINES))
        verdicts[name] = (result.verdict, result.reason)
    assert verdicts["blocking-read"][0] is Verdict.PASS, verdicts
    assert verdicts["poll"][0] is Verdict.PASS, verdicts
    assert verdicts["passive-open"][0] is Verdict.FAIL  # it offers window scaling
    assert verdicts["freebsd"] == (Verdict.INAPPLICABLE, "needs DACK = 100000; the device has 250000")


# ---- what a run says


def test_what_came_instead(tmp_path: Path) -> None:
    result = run_text(tmp_path, HANDSHAKE + "+0 write(4, ..., 100) = 100\n+0 > P. 1:102(101) ack 1\n")
    assert (result.verdict, result.line) == (Verdict.FAIL, 9)
    assert result.source == "+0 > P. 1:102(101) ack 1"
    assert "101 octets" in result.message or "100 of 101" in result.message
    assert any("S. " in line for line in result.ladder)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("+0 > P. 1:101(100) ack 2", "acknowledgment number: expected 2, got 1"),
        ("+0 > . 1:101(100) ack 1", "flags: expected ., got P."),
        ("+0 > P. 2:102(100) ack 1", "sequence number: expected 2, got 1"),
        ("+0 > P. 1:101(100) ack 1 win 5", "window: expected 5"),
        ("+0 > P. 1:101(100) ack 1 <mss 1460>", "options: expected <mss 1460>, got no options"),
        ("+0 > [ect0] P. 1:101(100) ack 1", "ECN"),
        ("+0 > (ttl 3) P. 1:101(100) ack 1", "TTL: expected 3, got 64"),
        ("+.5 > P. 1:101(100) ack 1", "time: expected"),
        ("+1~+2 > P. 1:101(100) ack 1", "time: expected"),
    ],
)  # fmt: skip
def test_every_field_is_compared(tmp_path: Path, line: str, words: str) -> None:
    result = run_text(tmp_path, HANDSHAKE + f"+0 write(4, ..., 100) = 100\n{line}\n")
    assert result.verdict in (Verdict.FAIL, Verdict.INAPPLICABLE)
    assert result.line == 9
    assert words in "\n".join([*result.differences, result.message]), result


def test_an_unexpected_segment_at_the_end(tmp_path: Path) -> None:
    result = run_text(tmp_path, HANDSHAKE + "+0 < P. 1:11(10) ack 1 win 8000\n+1 < P. 11:21(10) ack 1 win 8000\n")
    assert result.verdict is Verdict.FAIL
    assert "after the last line" in result.message
    assert "ack 11" in result.got


def test_a_wrong_checksum_is_a_failure(tmp_path: Path) -> None:
    text = HANDSHAKE + "+0 write(4, ..., 99) = 99\n* > P. 1:100(99) ack 1\n"
    assert run_text(tmp_path, text).verdict is Verdict.PASS
    result = run_text(tmp_path, text, fault="engine_odd_length")
    assert result.verdict is Verdict.FAIL
    assert "checksum" in "\n".join(result.differences)


def test_assertions(tmp_path: Path) -> None:
    text = HANDSHAKE + "+0 %{\nassert tcpi_state == TCP_ESTABLISHED\nassert tcpi_snd_mss == 999, 'mss'\n}%\n"
    result = run_text(tmp_path, text)
    assert (result.verdict, result.line) == (Verdict.FAIL, 8)
    assert "tcpi_snd_mss = 1000" in result.message
    unknown = run_text(tmp_path, HANDSHAKE + "+0 %{ assert tcpi_pacing_rate > 0 }%\n")
    assert unknown.verdict is Verdict.INAPPLICABLE
    assert "tcpi_pacing_rate" in unknown.message
    nonsense = run_text(tmp_path, HANDSHAKE + "+0 %{ assert nobody_knows == 1 }%\n")
    assert (nonsense.verdict, nonsense.line) == (Verdict.ERROR, 8)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("--ip_version=ipv6\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n", 1, "IPv6"),
        ("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 > . 1:1(0) ack 1 <nop,nop,sack 3:4>\n", 2, "selective"),
        ("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 `rm -rf /`\n", 2, "rm -rf"),
        ("0 < udp (100)\n", 1, "UDP"),
        ("0 < [1:11(10)] icmp unreachable frag_needed mtu 1200\n", 1, "ICMP"),
        ("0 < icmp unreachable port_unreachable [1:11(10)]\n", 1, "ICMP"),
        ("0 < ipv4 1.1.1.1 > 2.2.2.2: S 0:0(0) win 1\n", 1, "encapsulation"),
        ("0 < S 0:0(0) win 1 <FO 0011223344556677,nop,nop>\n", 1, "Fast Open"),
        ("0 `a.py \\\n  x=1 \\\n y=2`\n", 1, "a.py"),
        ("0 open('x') = 3\n".replace("'", '"'), 1, "files"),
    ],
)
def test_what_does_not_apply_says_which_line_and_why(tmp_path: Path, text: str, line: int, word: str) -> None:
    result = run_text(tmp_path, text)
    assert result.verdict is Verdict.INAPPLICABLE, result.message
    assert result.line == line
    assert word in result.message


def test_reduced_leaves_out_what_the_device_lacks(tmp_path: Path) -> None:
    text = HANDSHAKE.replace("<...>", "<mss 1460,nop,wscale 6,sackOK,TS val 1 ecr 2>")
    assert run_text(tmp_path, text).verdict is Verdict.INAPPLICABLE
    result = run_text(tmp_path, text, reduced=True)
    assert result.verdict is Verdict.PASS, result.message
    assert set(result.left_out) == {"wscale", "sackOK", "TS"}


def test_reduced_is_the_default_and_said(tiptoe_command: Any, tmp_path: Path) -> None:
    path = tmp_path / "options.pkt"
    path.write_text(HANDSHAKE.replace("<...>", "<mss 1460,nop,wscale 6>"))
    done = tiptoe_command("pkt", str(path))
    assert done.returncode == 0
    assert "not compared: wscale" in done.stdout
    assert "1 scripts: 1 passed; 1 of them without options that the device lacks (--exact" in done.stdout
    done = tiptoe_command("pkt", str(path), "--exact")
    assert "'wscale 6' from the device needs window scaling (RFC 7323)" in done.stdout
    assert "1 scripts: 1 not applicable" in done.stdout


FREEBSD = "0 `sysctl -w net.inet.tcp.recvspace=65536`\n" + HANDSHAKE.replace("0   socket", "+0  socket", 1)
#: Words of the sentence: (what follows the handshake, a fault with which the device does neither).
OWN_WAYS = {
    "repeats its FIN": (
        """
        +0 close(4) = 0
        +0 > F. 1:1(0) ack 1
        +.1 < F. 1:1(0) ack 1 win 8000
        +0 > F. 1:1(0) ack 2
        """,
        "fin_no_sequence_number",
    ),
    "old in part": (
        """
        +0 < . 1:101(100) ack 1 win 8000
        +.04 > . 1:1(0) ack 101
        +.1 < . 51:151(100) ack 1 win 8000
        +0 > . 1:1(0) ack 151
        """,
        "overlap_delivered_twice",
    ),
    "judges by": (
        """
        +0 `sysctl -w net.inet.tcp.insecure_rst=1`
        +0 < R 65600:65600(0) win 0
        +0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0
        """,
        "",
    ),
    "in silence": (
        """
        +0 < . 1:101(100) ack 1 win 8000
        +.04 > . 1:1(0) ack 101
        +.1 < F 1:1(0) win 8000
        +1 < . 1:1(0) ack 1 win 8000
        +0 > . 1:1(0) ack 101
        """,
        "out_of_window_rst",
    ),
    "never sent": (
        """
        +0 < . 1:101(100) ack 9 win 8000
        +1 < . 1:101(100) ack 1 win 8000
        +.04 > . 1:1(0) ack 101
        """,
        "ack_beyond_snd_nxt_accepted",
    ),
    "numbers the reset": (
        """
        +0 `sysctl -w net.inet.tcp.insecure_syn=1`
        +0 < S 1:1(0) win 8000
        +0 > R. 1:1(0) ack 1
        """,
        "syn_restarts",
    ),
    "answers the ACK": (
        """
        +0 close(4) = 0
        +0 > F. 1:1(0) ack 1
        +.1 < F. 1:1(0) ack 2 win 8000
        +0 > . 2:2(0) ack 2
        +.1 < . 3:3(0) ack 2 win 8000
        +0 > . 2:2(0) ack 2
        """,
        "",
    ),
    "in LISTEN with a reset": (
        """
        +0 < 9999>8080 S. 5:5(0) ack 7 win 8000
        +1 < P. 1:2(1) ack 1 win 8000
        +.04 > . 1:1(0) ack 2
        """,
        "",
    ),
}


@pytest.mark.parametrize("words", OWN_WAYS)
def test_a_systems_own_way(tmp_path: Path, words: str) -> None:
    """What FreeBSD does and RFC 9293 does not ask for: a device that follows the RFC is not judged by it."""
    lines, fault = OWN_WAYS[words]
    result = run_text(tmp_path, FREEBSD + lines)
    assert result.verdict is Verdict.INAPPLICABLE, result.message
    assert words in result.reason
    assert "RFC 9293" in result.reason
    if fault:
        assert run_text(tmp_path, FREEBSD + lines, fault=fault).verdict is Verdict.FAIL


def test_an_answer_to_an_old_segment_after_the_last_line(tmp_path: Path) -> None:
    """RFC 9293 3.10.7.4 wants it; the script passes, and it is reported."""
    text = HANDSHAKE + "+0 < P. 1:11(10) ack 1 win 8000\n+0 > . 1:1(0) ack 11\n+.1 < . 1:11(10) ack 1 win 8000\n"
    result = run_text(tmp_path, text)
    assert result.verdict is Verdict.PASS, result.message
    assert "ack 11" in result.trailing
    assert "line 10" in result.trailing
    assert run_text(tmp_path, text, fault="engine_duplicate_output").verdict is Verdict.PASS  # no data was sent
    assert run_text(tmp_path, text, fault="out_of_window_rst").verdict is Verdict.FAIL


def test_reduced_scales_windows(tmp_path: Path) -> None:
    """win 16 with a shift of 7 are 2048 octets; the device, which cannot scale, is told 2048."""
    text = HANDSHAKE.replace("<mss 1000>", "<mss 1000,nop,wscale 7>").replace("<...>", "<mss 1460,nop,wscale 8>")
    text = (
        text.replace("ack 1 win 8000", "ack 1 win 16")
        + """
        +0 write(4, ..., 4000) = 4000
        +0 > . 1:1001(1000) ack 1 win 256
        +0 > . 1001:2001(1000) ack 1
        +.1 < . 1:1(0) ack 2001 win 16
        +0 > P. 2001:4001(2000) ack 1
        """
    )
    result = run_text(tmp_path, text, reduced=True)
    assert result.verdict is Verdict.PASS, result.message
    assert run_text(tmp_path, text).verdict is Verdict.INAPPLICABLE
    assert run_text(tmp_path, text, reduced=True, fault="send_window_ignored").verdict is Verdict.FAIL
    opened = run_text(tmp_path, text.replace("<mss 1460,nop,wscale 8>", "<...>"))
    assert opened.verdict is Verdict.INAPPLICABLE
    assert "scaled by 7" in opened.message


def test_reduced_passes_over_window_updates_and_bursts_that_are_pushed(tmp_path: Path) -> None:
    text = (
        HANDSHAKE.replace("<...>", "<mss 1460,nop,nop,sackOK>")
        + """
        +0 < . 1:1401(1400) ack 1 win 1000
        +0 > . 1:1(0) ack 1401
        +0 < P. 1401:2801(1400) ack 1 win 1000
        +0 > . 1:1(0) ack 2801
        +0 read(4, ..., 3000) = 2800
        +.1 write(4, ..., 1500) = 1500
        +0 > P. 1:1001(1000) ack 2801
        """
    )
    result = run_text(tmp_path, text, reduced=True, profile="linux")
    assert result.verdict is Verdict.PASS, result.message
    assert any("window update" in note for note in result.notes)
    assert any("not pushed" in note for note in result.notes)
    text = text.replace("1500) = 1500", "1000) = 1000").replace("P. 1:1001", ". 1:1001")
    assert run_text(tmp_path, text, reduced=True, profile="linux").verdict is Verdict.FAIL  # MUST-60


def test_reduced_takes_an_ack_at_once_for_a_delayed_one(tmp_path: Path) -> None:
    text = (
        HANDSHAKE.replace("<...>", "<mss 1460,nop,nop,sackOK>")
        + """
        +0 < F. 1:1(0) ack 1 win 1000
        +.04 > . 1:1(0) ack 2
        +.1 close(4) = 0
        +0 > F. 1:1(0) ack 2
        """
    )
    result = run_text(tmp_path, text, reduced=True, profile="linux")
    assert result.verdict is Verdict.PASS, result.message
    assert result.virtual_us >= 240_000
    for other in (text.replace("+.04 >", "+.6 >"), text.replace("> . 1:1(0) ack 2", "> . 1:1(0) ack 1")):
        assert run_text(tmp_path, other, reduced=True, profile="linux").verdict is Verdict.FAIL
    assert run_text(tmp_path, text, reduced=True, profile="rfc").verdict is Verdict.FAIL


def test_a_window_update_is_the_devices_own_affair(tmp_path: Path) -> None:
    text = (
        HANDSHAKE
        + """
        +0 < P. 1:1401(1400) ack 1 win 1000
        +0 > . 1:1(0) ack 1401
        +0 < P. 1401:2801(1400) ack 1 win 1000
        +0 > . 1:1(0) ack 2801
        +0 read(4, ..., 3000) = 2800
        +.1 < P. 2801:2802(1) ack 1 win 1000
        +0 > . 1:1(0) ack 2802
        """
    )
    result = run_text(tmp_path, text, profile="linux")
    assert result.verdict is Verdict.INAPPLICABLE, result.message
    assert "window update" in result.reason


def test_the_nagle_algorithm_of_kernels_is_milder(tmp_path: Path) -> None:
    text = HANDSHAKE + "+0 write(4, ..., 1500) = 1500\n+0 > . 1:1001(1000) ack 1\n+0 > P. 1001:1501(500) ack 1\n"
    result = run_text(tmp_path, text)
    assert result.verdict is Verdict.INAPPLICABLE, result.message
    assert (result.line, "Nagle" in result.reason) == (10, True)
    in_one = text.replace("> . 1:1001(1000) ack 1\n+0 > P. 1001:1501(500)", "> P. 1:1501(1500)")
    assert run_text(tmp_path, in_one).verdict is Verdict.INAPPLICABLE
    nodelay = text.replace("+0 write", "+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0\n+0 write")
    assert run_text(tmp_path, nodelay).verdict is Verdict.PASS
    assert run_text(tmp_path, nodelay, fault="nodelay_ignored").verdict is Verdict.FAIL
    assert (
        run_text(tmp_path, text.replace("ack 1\n+0 > P.", "ack 1\n+.1 < . 1:1(0) ack 1001 win 8000\n+0 > P.")).verdict
        is Verdict.PASS
    )


def test_no_buffer(tmp_path: Path) -> None:
    calls = ("write(4, NULL, 10)", "send(4, NULL, 10, 0)", "read(4, NULL, 10)")
    text = HANDSHAKE + "".join(f"+0 {call} = -1 EFAULT (Bad address)\n" for call in calls)
    assert run_text(tmp_path, text).verdict is Verdict.PASS


def test_results_do_not_depend_on_the_scripts_before() -> None:
    spec = device_for("model")
    device = spec.make()
    paths = [str(p) for p in sorted(SCRIPTS.glob("*.pkt"))]
    job = PktJob(spec, defines=DEFINES)
    first = [(r.verdict, r.virtual_us) for r in (run_file(p, device, job) for p in paths)]
    again = [(r.verdict, r.virtual_us) for r in (run_file(p, device, job) for p in reversed(paths))]
    assert first == again[::-1]


# ---- the language


def test_times() -> None:
    script = parse("0.5 > . 1:1(0)\n+.5 > . 1:1(0)\n* > . 1:1(0)\n2~3 > . 1:1(0)\n+1~+2 > . 1:1(0)\n5...6 read(3) = 1")
    times = [e.time for e in script.events]
    assert [t.kind for t in times] == [
        TimeKind.ABSOLUTE,
        TimeKind.RELATIVE,
        TimeKind.ANY,
        TimeKind.ABSOLUTE_RANGE,
        TimeKind.RELATIVE_RANGE,
        TimeKind.ABSOLUTE,
    ]
    assert (times[3].start_us, times[3].end_us) == (2_000_000, 3_000_000)
    call = script.events[5].action
    assert isinstance(call, Call)
    assert call.end_us == 6_000_000


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("mss 1460", "020405b4"),
        ("nop", "01"),
        ("eol", "00"),
        ("wscale 7", "030307"),
        ("sackOK", "0402"),
        ("sack 1:2 5:9", "0512" + "00000001" + "00000002" + "00000005" + "00000009"),
        ("TS val 100 ecr 700", "080a" + "00000064" + "000002bc"),
        ("FO aabbccdd", "2206aabbccdd"),
        ("md5 00112233445566778899aabbccddeeff", "131200112233445566778899aabbccddeeff"),
        ("gen-77 abcd", "4d04abcd"),
        ("gen-253", "fd02"),
        ("exp-f989 01", "fe05f98901"),
    ],
)
def test_options_on_the_wire(text: str, octets: str) -> None:
    from tiptoe.pkt.options import encode

    pads = -(len(octets) // 2) % 4
    script = parse(f"0 < S 0:0(0) win 1 <{','.join([text, *['nop'] * pads])}>")
    packet = script.events[0].action
    assert isinstance(packet, Packet)
    assert isinstance(packet.body, Tcp)
    assert packet.body.options is not None
    assert encode(packet.body.options[0]).hex() == octets


def test_what_lines_are() -> None:
    script = parse(
        "--tolerance_usecs=100\n--define=A=1\n`sysctl -w a=1`\n0 read(3, ..., A) = -1 EAGAIN (no)\n"
        "+0 < [ect0] FPUEW. 1:11(10) ack 5 win 7 urg 3 // remark\n/* and\n more */ +0 `x`\n+0 %{ a = {} }%\n`end`\n",
    )
    assert script.init_command == ("sysctl -w a=1", 3)
    assert script.cleanup_command == ("end", 9)
    call, packet, command, code = (e.action for e in script.events)
    assert isinstance(call, Call)
    assert call.errno == "EAGAIN"
    assert isinstance(packet, Packet)
    assert isinstance(packet.body, Tcp)
    assert (packet.body.urgent, packet.body.window, packet.ip.ecn) == (3, 7, "ect0")
    assert packet.body.has("FPUEW.")
    assert isinstance(command, Command)
    assert isinstance(code, Code)
    assert [e.line for e in script.events] == [4, 5, 7, 8]
    assert config.read(script).tolerance_us == 100


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 1, "ends here"),
        ("0 < S 0:0(0) win 1\n+0 < S 0:0(0) wim 1\n", 2, "win"),
        ("0 > S 0:0(0)\n+0 > S 0:0(0) akk 1\n", 2, "akk"),
        ("0 > S 0:0(0) <mss MSS,nop>\n", 1, "--define MSS="),
        ("0 < S 0:0(0)\n", 1, "window"),
        ("0 < S 0:9(1) win 1\n", 1, "9"),
        ("0 < S 0:0(0) win 70000\n", 1, "70000"),
        ("0 < S 0:0(0) win 1 <nop>\n", 1, "multiple of 4"),
        ("* < S 0:0(0) win 1\n", 1, "'*'"),
        ("2~1 > S 0:0(0)\n", 1, "backwards"),
        ("1 > S 0:0(0)\n.5 > S 0:0(0)\n", 2, "backwards"),
        ("-1 > S 0:0(0)\n", 1, "negative"),
        ("#ifdef X\n0 > S 0:0(0)\n", 1, "#endif"),
        ("0 `never closed\n", 1, ""),
        ('0 write(3, "abc, 3) = 3\n', 1, ""),
        ("--no_such_option=1\n0 > S 0:0(0)\n", 1, "no_such_option"),
        ("0 %{ x\n", 1, ""),
    ],
)
def test_what_is_wrong_and_where(text: str, line: int, word: str) -> None:
    with pytest.raises(PktSyntaxError) as caught:
        config.read(parse(text, "x.pkt"))
    assert caught.value.line == line, caught.value
    assert word in str(caught.value)


def test_no_text_breaks_the_parser() -> None:
    """Truncated, mixed up, binary, deep: a script, or a sentence with a line."""
    rng = random.Random(9293)
    texts = [p.read_bytes() for p in sorted(SCRIPTS.glob("*.pkt"))]
    hostile = [
        b"", b"\0" * 100, b"\xff\xfe" * 50, b"0 f(" + b"[" * 5000 + b"]" * 5000 + b") = 0",
        b"0 f(" + b"a=" * 3000 + b"1) = 0", b"0 f(" + b"1|" * 5000 + b"1) = 0", b"9" * 10000, b"0 > S " + b"9" * 500,
        b"/*" * 1000, b"`" * 999, b'"' * 1001, b"%{" * 1000, b"#ifdef A\n" * 1000, b"--" * 1000,
        b"0 > S 0:0(0) <nop" * 300,
        b"0 > " + b"S" * 10000, "0 > S ٣:٣(0)".encode(), b"+0 " * 5000, b"0 > sctp: " + b"DATA[" * 2000,
    ]  # fmt: skip
    for _ in range(400):
        text = bytearray(rng.choice(texts))
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(text))
            match rng.randrange(5):
                case 0:
                    del text[at:]
                    text += b"\n"
                case 1:
                    text[at] = rng.randrange(256)
                case 2:
                    del text[at : at + rng.randrange(1, 9)]
                    text += b" "
                case 3:
                    text[at:at] = rng.choice(
                        [b"<", b">", b"(", b"}%", b"`", b'"', b"...", b"0x", b"~", b"-1", b"|", b"\0"]
                    )
                case _:
                    other = rng.choice(texts)
                    text[at:at] = other[rng.randrange(len(other)) :][:60]
        hostile.append(bytes(text))
    broken: list[tuple[bytes, PktSyntaxError]] = []
    for octets in hostile:
        try:
            config.read(parse(octets, "x.pkt", DEFINES))
        except PktSyntaxError as e:
            broken.append((octets, e))
    assert len(broken) > 100
    for octets, error in broken:
        assert 1 <= error.line <= octets.count(b"\n") + octets.count(b"\r") + 1
        assert error.message


def test_mutated_scripts_never_break_the_runner() -> None:
    """A script that parses runs to a verdict, whatever it says."""
    rng = random.Random(793)
    spec = device_for("model")
    device = spec.make()
    path = Path(os.devnull)
    for _ in range(120):
        lines = rng.choice(sorted(SCRIPTS.glob("*.pkt"))).read_text().splitlines()
        for _ in range(rng.randrange(1, 5)):
            at = rng.randrange(len(lines))
            if rng.random() < 0.5:
                del lines[at]
                lines = lines or ["0 `true`"]
            else:
                lines[at] = lines[at].replace(rng.choice("0123456789"), rng.choice("0123456789"), 1)
        try:
            job = PktJob(spec, defines=DEFINES)
            script, profile = read("\n".join(lines).encode(), str(path), job)
            options = config.read(script)
        except PktSyntaxError:
            continue
        from tiptoe.pkt.session import play

        result = play(device, script, profile, abilities_of(device, spec), options)
        assert result.verdict is Verdict.PASS or result.line is not None, "\n".join(lines)
        if result.verdict is not Verdict.PASS:
            device = spec.make()


def test_names_of_scripts() -> None:
    from tiptoe.pkt.report import names

    assert list(names(["/a/b/c.pkt", "/a/d.pkt"]).values()) == ["b/c.pkt", "d.pkt"]
    assert list(names(["/a/b/c.pkt"]).values()) == ["c.pkt"]
    assert len(set(names(["/a/b/c.pkt", "c.pkt", "./d/c.pkt"]).values())) == 3


# ---- profiles


def test_profiles_are_told_apart() -> None:
    from tiptoe.pkt import guess

    assert guess(parse("0 `sysctl -w net.inet.tcp.msl=1`")).name == "freebsd"
    assert guess(parse("0 `sysctl -q net.ipv4.tcp_sack=0`")).name == "linux"
    assert guess(parse("0 > S 0:0(0)")).name == "rfc"
    assert guess(parse("0 > S 0:0(0) <mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 8>")).name == "linux"
    assert guess(parse("0 < S 0:0(0) win 1 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>")).name == "linux"
    assert guess(parse("0 > S 0:0(0) <mss 1460,nop,wscale 6,sackOK,TS val 0 ecr 0>")).name == "freebsd"
    assert guess(parse("0 send(3, ..., 10, MSG_MORE) = 10")).name == "linux"
    assert guess(parse("0 setsockopt(3, IPPROTO_TCP, TCP_FUNCTION_BLK, ..., 4) = 0")).name == "freebsd"
    assert guess(parse("0 > P. 1:10001(10000) ack 1")).name == "linux"  # ten segments at once
    assert guess(parse("0 > P. 1:1001(1000) ack 1")).name == "rfc"
    assert guess(parse("0 %{ assert tcpi_snd_cwnd == 10 }%")).name == "linux"
    assert guess(parse("// as FreeBSD has it\n0 > S 0:0(0)")).name == "freebsd"
    assert guess(parse("// FreeBSD and Linux\n0 > S 0:0(0)")).name == "rfc"
    text = "0 > S. 0:0(0) ack 1 <...>\n1 < P. 1:2(1) ack 1 win 1\n%s > . 1:1(0) ack 2"
    assert [guess(parse(text % when)).name for when in ("+0", "1", "+.2", "1.2", "*")] == [
        "linux", "linux", "rfc", "rfc", "rfc",
    ]  # fmt: skip
    text = "0 > P. 1:2(1) ack 1\n%s > P. 1:2(1) ack 1"
    assert [guess(parse(text % when)).name for when in ("+.2", "+1")] == ["linux", "rfc"]
    assert guess(parse("0 > S 0:0(0)", "x/freebsd/a.pkt")).name == "freebsd"
    assert guess(parse("`./defaults.sh`\n0 > S 0:0(0) <mss 1460>")).name == "linux"
    assert set(profiles) == {"freebsd", "linux", "rfc"}


def test_settings_of_profiles_are_registers() -> None:
    known = {name for name, writable, _ in tiptoe._core.registers() if writable}
    for profile in profiles.values():
        assert profile.registers.keys() <= known


# ---- the command


def test_command(tiptoe_command: Any, tmp_path: Path) -> None:
    done = tiptoe_command("pkt", str(SCRIPTS), "-D", "LENGTH=1000", "--jobs", "2", "--json", str(tmp_path / "r.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["summary"] == {"pass": len(NOTICED), "fail": 0, "inapplicable": 0, "error": 0}
    assert [Path(s["path"]).stem for s in report["scripts"]] == sorted(NOTICED)
    assert report["virtual_us"] > 1_000_000


def test_junit_and_captures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.pkt").write_text(HANDSHAKE)
    (tmp_path / "in" / "bad.pkt").write_text(HANDSHAKE + "+0 > P. 1:2(1) ack 1\n")
    (tmp_path / "in" / "six.pkt").write_text("--ip_version=ipv6\n" + HANDSHAKE)
    where = ["--junit", str(tmp_path / "r.xml"), "--pcap", str(tmp_path / "out")]
    assert cli.main(["pkt", str(tmp_path / "in"), *where]) == 1
    suite = ET.parse(tmp_path / "r.xml").getroot()[0]
    cases = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert cases == {
        "bad.pkt": ["properties", "failure"],
        "good.pkt": ["properties"],
        "six.pkt": ["properties", "skipped"],
    }
    frames = (tmp_path / "out" / "good.pkt.pcapng").read_bytes()
    assert frames.count(bytes([192, 0, 2, 1, 192, 168, 0, 1])) == 2  # SYN and ACK of the peer
    capsys.readouterr()


def test_command_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.delenv("TIPTOE_PKT_CORPUS", raising=False)
    bad = tmp_path / "bad.pkt"
    bad.write_text(HANDSHAKE + "+0 > P. 1:2(1) ack 1\n")
    broken = tmp_path / "broken.pkt"
    broken.write_text("0 nonsense\n")
    assert cli.main(["pkt", str(bad)]) == 1
    shown = capsys.readouterr().out
    assert "bad.pkt:8" in shown
    assert "nothing until" in shown
    assert cli.main(["pkt", str(broken)]) == 2
    assert "broken.pkt:1" in capsys.readouterr().out
    assert cli.main(["pkt", str(tmp_path)]) == 1
    assert cli.main(["pkt"]) == 2
    assert cli.main(["pkt", str(tmp_path / "absent")]) == 2
    assert cli.main(["pkt", str(bad), "--define", "nonsense"]) == 2
    assert cli.main(["pkt", str(bad), "--features", "sacks"]) == 2
    assert cli.main(["pkt", str(bad), "--set", "RTO_MI=1"]) == 2
    assert "RTO_MIN" in capsys.readouterr().err
    monkeypatch.setenv("TIPTOE_PKT_CORPUS", str(SCRIPTS))
    assert cli.main(["pkt", "-D", "LENGTH=1000", "-q"]) == 0
