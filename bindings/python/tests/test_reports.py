# SPDX-License-Identifier: Apache-2.0
"""Reports: JSON against its schema, JUnit as readers expect it, captures read back by three programs."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path

import pytest
import tiptoe
from rich.console import Console
from tiptoe import CaseInfo, CaseResult, Datagram, Level, Outcome, Run, RunInfo, Segment, Verdict
from tiptoe.report import groups, json_report, junit, pcapng, terminal
from tiptoe.results import by_rfc

FRAMES = (
    Datagram(Segment(src="10.0.1.1", dst="10.0.0.1", src_port=40000, dst_port=80, seq=1, flags="SYN"), 0, 1, True),
    Datagram(
        Segment(src="10.0.0.1", dst="10.0.1.1", src_port=80, dst_port=40000, seq=9, ack=2, flags="SYN,ACK"), 3, 9, False
    ),
    Datagram(
        Segment(src="10.0.1.1", dst="10.0.0.1", src_port=40000, dst_port=80, seq=2, ack=10, flags="ACK"),
        (1 << 32) + 5,  # more than an hour
        11,
        True,
    ),
)


def case(name: str, level: Level = Level.MUST, rules: tuple[str, ...] = ("MUST-13",)) -> CaseInfo:
    return CaseInfo(f"group/{name}", f"title of {name}", rules, "description", level, "default")


def result(name: str, verdict: Verdict, level: Level = Level.MUST, **more: object) -> CaseResult:
    return CaseResult(case(name, level), verdict, **more)  # type: ignore[arg-type]


EVERYTHING = (
    result("passes", Verdict.PASS, frames=FRAMES, cycles=10, virtual_us=20),
    result("fails", Verdict.FAIL, message="<SEQ=1> came\x00 & went", ladder="a -> b", repeat="tiptoe run x"),
    result("warns", Verdict.FAIL, Level.SHOULD, message="should not"),
    result("is-inapplicable", Verdict.INAPPLICABLE, message="no option"),
    result("is-waived", Verdict.WAIVED, message="Ada knows"),
    result("is-inconclusive", Verdict.INCONCLUSIVE, message="never got there"),
    result("breaks", Verdict.ERROR, message="signal SIGSEGV"),
)


def a_run(*results: CaseResult, interrupted: bool = False) -> Run:
    info = RunInfo("1.2.3", "model", "model of something", {"width": 64, "fault": "x"}, "all", 7)
    return Run(info, results, 1.25, interrupted, "2026-01-02T03:04:05Z")


def test_outcomes_and_exit_codes() -> None:
    assert a_run(*EVERYTHING).summary == {
        "passed": 1, "failed": 1, "warned": 1, "inapplicable": 1, "waived": 1, "unexpected": 0, "error": 2,
    }  # fmt: skip
    assert a_run(EVERYTHING[0]).exit_code == 0
    assert a_run(*EVERYTHING).exit_code == 1
    assert a_run(EVERYTHING[0], EVERYTHING[2], EVERYTHING[3], EVERYTHING[4]).exit_code == 0
    assert a_run(EVERYTHING[5]).exit_code == 2
    assert a_run(result("needs-no-waiver", Verdict.PASS, unexpected_pass=True)).exit_code == 1
    assert a_run(EVERYTHING[0], interrupted=True).exit_code == 2


def test_json(tmp_path: Path) -> None:
    import jsonschema

    json_report.save(tmp_path / "r.json", a_run(*EVERYTHING))
    report = json.loads((tmp_path / "r.json").read_text())
    schema = json.loads((resources.files("tiptoe") / "data" / "report.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(report, schema)
    assert report["tool"] == {"name": "tiptoe", "version": "1.2.3"}
    assert report["seed"] == 7
    assert [c["verdict"] for c in report["cases"]] == [
        "pass", "fail", "fail", "inapplicable", "waived", "inconclusive", "error",
    ]  # fmt: skip
    assert report["cases"][2]["outcome"] == "warned"


def test_junit(tmp_path: Path) -> None:
    junit.save(tmp_path / "r.xml", a_run(*EVERYTHING))
    root = ET.parse(tmp_path / "r.xml").getroot()
    (suite,) = root
    assert root.tag == "testsuites"
    for element in (root, suite):
        numbers = {k: element.get(k) for k in ("tests", "failures", "errors", "skipped")}
        assert numbers == {"tests": "7", "failures": "1", "errors": "2", "skipped": "2"}
    cases = suite.findall("testcase")
    children = [[child.tag for child in c if child.tag != "properties"] for c in cases]
    assert children == [[], ["failure"], ["system-out"], ["skipped"], ["skipped"], ["error"], ["error"]]
    properties = {p.get("name"): p.get("value") for p in cases[0].iter("property")}
    assert properties["rules"] == "MUST-13"
    assert properties["seed"] == "1"
    assert properties["cycles"] == "10"
    failure = cases[1].find("failure")
    assert failure is not None
    assert failure.text is not None
    assert "<SEQ=1> came\ufffd & went" in failure.text


def test_junit_is_what_pytest_understands(tmp_path: Path) -> None:
    """The reader of pytest's own schema: every testcase has classname, name, time; time is a number."""
    junit.save(tmp_path / "r.xml", a_run(*EVERYTHING))
    for testcase in ET.parse(tmp_path / "r.xml").getroot().iter("testcase"):
        assert testcase.get("classname") == "tiptoe.group"
        assert float(testcase.get("time", "x")) >= 0


def test_pcapng_read_by_dpkt_and_scapy(tmp_path: Path) -> None:
    import dpkt
    from scapy.all import RawPcapNgReader

    path = pcapng.save(tmp_path, "group/a case*", FRAMES, "what it was")
    assert path.name == "group_a_case_.pcapng"
    with path.open("rb") as file:
        packets = list(dpkt.pcapng.Reader(file))
    assert [bytes(data) for _, data in packets] == [f.octets for f in FRAMES]
    assert [round(time * 1e6) for time, _ in packets] == [f.time_us for f in FRAMES]
    reader = RawPcapNgReader(str(path))
    read = [(data, meta.linktype, (meta.tshigh << 32) | meta.tslow) for data, meta in reader]
    reader.close()
    assert read == [(f.octets, 228, f.time_us) for f in FRAMES]


def test_captures_do_not_overwrite_each_other() -> None:
    names = {pcapng.file_name(c.id) for c in tiptoe.cases()}
    assert len(names) == len(tiptoe.cases())


def test_pcapng_comments() -> None:
    target = io.BytesIO()
    pcapng.write(target, FRAMES, "case täst", [(1, "here it went wrong")])
    octets = target.getvalue()
    assert "case täst".encode() in octets
    assert b"here it went wrong" in octets
    empty = io.BytesIO()
    pcapng.write(empty, [])
    assert len(empty.getvalue()) > 28


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_pcapng_read_by_tshark(tmp_path: Path) -> None:
    with tiptoe.Device() as device:
        passed = tiptoe.run_case(tiptoe.cases("textbook/*")[0], device)
    path = pcapng.save(tmp_path, "x", passed.frames)
    command = ["tshark", "-r", str(path), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    fields = ["-T", "fields", "-e", "frame.time_epoch", "-e", "tcp.checksum.status", "-e", "ip.checksum.status",
              "-e", "_ws.malformed", "-e", "tcp.seq_raw"]  # fmt: skip
    done = subprocess.run([*command, *fields], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(passed.frames)
    for row, frame in zip(rows, passed.frames, strict=True):
        assert round(float(row[0]) * 1e6) == frame.time_us
        assert row[1:4] == ["1", "1", ""]
        assert int(row[4]) == frame.segment.seq


def shown(run: Run, terminal_like: bool) -> str:
    console = Console(file=io.StringIO(), width=160, force_terminal=terminal_like, color_system=None, highlight=False)
    terminal.show(console, run, {"MUST-13": "RFC9293"})
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


@pytest.mark.parametrize("terminal_like", [False, True])
def test_terminal(terminal_like: bool) -> None:
    text = shown(a_run(*EVERYTHING), terminal_like)
    for r in EVERYTHING:
        assert r.id in text
    assert "RFC9293" in text
    assert "FAIL group/fails (MUST-13)" in text
    assert "<SEQ=1> came" in text
    assert "a -> b" in text
    assert "tiptoe run x" in text
    assert "WARN group/warns" in text
    assert "violates" in text
    assert "conforms" in shown(a_run(EVERYTHING[0]), terminal_like)


def test_markup_in_messages_is_text() -> None:
    text = shown(a_run(result("m", Verdict.FAIL, message="Flags [S], options [mss 1460] [/red]")), True)
    assert "Flags [S], options [mss 1460] [/red]" in text


def test_long_ladders_are_cut() -> None:
    ladder = "\n".join(f"line {n}." for n in range(1000))
    text = shown(a_run(result("m", Verdict.FAIL, message="x", ladder=ladder)), False)
    assert "line 999." in text
    assert "line 900." not in text
    assert "950 earlier lines" in text


def test_many_failures_are_not_all_told() -> None:
    text = shown(a_run(*(result(f"m{n}", Verdict.FAIL, message=f"story {n}.") for n in range(100))), False)
    assert "story 19." in text
    assert "story 20." not in text
    assert "80 more" in text


def came(number: int, flags: str, ack: int = 0) -> CaseResult:
    text = f"c{number} (MUST-13): after the tester's <SEQ=1><CTL=SYN> at 0.1 s, expected: <SEQ=9><ACK=8><CTL=ACK>"
    sent = f"came: <SEQ=9><ACK={ack}><CTL={flags}> to 10.0.0.1.7 at {number}.2 s."
    got = sent if flags else "nothing came until 1 s."
    return result(f"c{number}", Verdict.FAIL, message=f"{text}; {got}")


def test_failures_that_are_alike_are_counted_and_one_of_each_is_told() -> None:
    results = [came(n, "RST") for n in range(30)] + [came(n, "ACK", 7) for n in range(30, 33)] + [came(40, "")]
    assert [(g.what, len(g.results)) for g in groups.alike(results)] == [
        ("ACK expected, RST came", 30),
        ("ACK expected, ACK came with another ACK number", 3),
        ("ACK expected, nothing came", 1),
    ]
    text = shown(a_run(*results), False)
    assert "    30  ACK expected, RST came  " in text
    assert "FAIL group/c40 " in text
    assert text.index("FAIL group/c40 ") < text.index("FAIL group/c1 ")


def test_the_example_of_a_group_is_a_plain_case() -> None:
    plain = dataclasses.replace(came(2, "RST"), case=dataclasses.replace(case("x"), id="textbook/TB-01"))
    (group,) = groups.alike([came(1, "RST"), plain])
    assert group.example is plain


def test_reasons_why_cases_do_not_apply() -> None:
    def lacking(number: int, reason: str) -> CaseResult:
        return result(f"i{number}", Verdict.INAPPLICABLE, message=reason)

    results = [lacking(n, f"the case sets RTO_MIN = {n}, which the device cannot.") for n in range(4)]
    results += [lacking(9, "the case needs 4 connections at a time, the device has 1.")] * 2
    assert [(g.what, len(g.results)) for g in groups.reasons(results)] == [
        ("the case sets RTO_MIN = N, which the device cannot", 4),
        ("the case needs 4 connections at a time, the device has 1", 2),
    ]
    run = a_run(*results)
    assert run.exit_code == 2
    text = shown(run, False)
    assert "The device was not judged: no case applies" in text
    assert "conforms" not in text
    assert "conforms in the 1 cases that apply." in shown(a_run(*results, EVERYTHING[0]), True)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_shows_ids_and_rules_at_any_width(width: int) -> None:
    rules = tuple(f"ST-ESTABLISHED-SOMETHING-{n}" for n in range(9))
    long = dataclasses.replace(EVERYTHING[0], case=case("name-" * 8 + "end", rules=rules))
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, highlight=False)
    terminal.verdict_table(console, [long])
    output = console.file
    assert isinstance(output, io.StringIO)
    text = "".join(output.getvalue().split())
    assert "pass" in text
    assert "must" in text
    assert "end" in text
    assert "+7" in text


def test_summary_by_rfc() -> None:
    two = dataclasses.replace(EVERYTHING[0], case=case("two", rules=("A", "B", "TB-01", "X")))
    tallies = by_rfc([*EVERYTHING, two], {"MUST-13": "RFC9293", "A": "RFC9293", "B": "RFC793"})
    assert [t.rfc for t in tallies] == ["RFC793", "RFC9293", "other", "textbook"]
    assert tallies[1].cases == 8
    assert tallies[1].rules == {"MUST-13", "A"}
    assert tallies[1].outcomes[Outcome.PASSED] == 2
