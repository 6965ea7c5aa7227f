# SPDX-License-Identifier: Apache-2.0
"""Waivers: what a file may say, what they do to a verdict, and when they fail the run."""

from __future__ import annotations

import datetime
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tiptoe
from tiptoe import Outcome, Verdict, cli, waivers

DAY = datetime.date(2026, 6, 30)

FAULT = "closed_silent"


def a_waiver(**more: Any) -> tiptoe.Waiver:
    fields: dict[str, Any] = {"case": "python/*", "reason": "ticket 12", "owner": "Ada", "expires": "2026-06-30"}
    return tiptoe.Waiver(**{**fields, **more})


def _fails(t: tiptoe.Tester) -> None:
    """Fails."""
    t.fail("always")


def _passes(t: tiptoe.Tester) -> None:
    """Passes."""


class Cases:
    """Two cases; in a class, where pytest does not take them for tests."""

    fails = tiptoe.case(rules=["MUST-13"], id="python/fails")(_fails)
    passes = tiptoe.case(rules=["MUST-13"], id="python/passes")(_passes)


def test_verdicts() -> None:
    assert Cases.fails.run().verdict is Verdict.FAIL
    for w in (a_waiver(), a_waiver(case="", rule="MUST-13"), a_waiver(partly=True)):
        waived = Cases.fails.run(waivers=[w], today=DAY)
        assert waived.verdict is Verdict.WAIVED
        assert waived.message.startswith("waived by Ada until 2026-06-30: ticket 12.")
        assert Cases.passes.run(waivers=[w], today=DAY).unexpected_pass is not w.partly
    other = a_waiver(case="", rule="MUST-14")
    assert Cases.fails.run(waivers=[other], today=DAY).verdict is Verdict.FAIL
    needless = Cases.passes.run(waivers=[a_waiver()], today=DAY)
    assert needless.verdict is Verdict.PASS
    assert needless.outcome is Outcome.UNEXPECTED
    assert "remove the waiver" in needless.message
    # The day after.
    late = Cases.fails.run(waivers=[a_waiver()], today=DAY + datetime.timedelta(1))
    assert late.verdict is Verdict.FAIL
    assert any("ran out on 2026-06-30" in r for r in late.remarks)
    assert not Cases.passes.run(waivers=[a_waiver()], today=DAY + datetime.timedelta(1)).unexpected_pass
    # One that has expired does not stand in the way of one that has not.
    both = [a_waiver(expires="2020-01-01"), a_waiver()]
    assert Cases.fails.run(waivers=both, today=DAY).verdict is Verdict.WAIVED


def test_only_failures_are_waived() -> None:
    @tiptoe.case
    def breaks(t: tiptoe.Tester) -> None:
        """Breaks."""
        t.inconclusive("never came")

    assert breaks.run(waivers=[a_waiver()], today=DAY).verdict is Verdict.INCONCLUSIVE


def test_uses() -> None:
    results = [c.run(waivers=[a_waiver(), a_waiver(case="no/*")], today=DAY) for c in (Cases.fails, Cases.passes)]
    used, unused = waivers.uses([a_waiver(), a_waiver(case="no/*")], results, DAY)
    assert (used.word, used.waived, used.unexpected) == ("unexpected pass", ("python/fails",), ("python/passes",))
    assert "remove the waiver, or narrow it to what still fails (python/fails)" in used.problem
    assert (unused.word, unused.problem) == ("unused", "")
    (late,) = waivers.uses([a_waiver(expires="2026-06-29")], results, DAY)
    assert late.word == "expired"
    assert "expired on 2026-06-29" in late.problem
    partly = a_waiver(partly=True)
    assert waivers.uses([partly], [Cases.fails.run(waivers=[partly], today=DAY)], DAY)[0].word == "used"
    (stale,) = waivers.uses([partly], [Cases.passes.run(waivers=[partly], today=DAY)], DAY)
    assert stale.word == "unexpected pass"


def test_partly_is_judged_when_all_have_run() -> None:
    w = a_waiver(case="textbook/*", partly=True)
    some = [tiptoe.run_case(c, waivers=[w], today=DAY) for c in tiptoe.cases("textbook/*")[:3]]
    assert waivers.uses([w], some, DAY)[0].problem == ""
    everything = [tiptoe.CaseResult(c, Verdict.PASS) for c in tiptoe.cases("textbook/*")]
    assert "remove the waiver" in waivers.uses([w], everything, DAY)[0].problem


@pytest.fixture
def a_file(tmp_path: Path) -> Callable[..., Path]:
    def write(*entries: str) -> Path:
        path = tmp_path / "waivers.yaml"
        path.write_text("# comment\n" + "\n".join(entries) + "\n")
        return path

    return write


REST = "reason: r, owner: o, expires: 2026-12-31"


def test_a_file(a_file: Callable[..., Path]) -> None:
    first, second = waivers.read(
        a_file(
            "- case: textbook/*",
            "  reason: 'because: of this'",
            "  owner: Ada",
            "  expires: 2026-12-31",
            f"- {{rule: MUST-13, partly: true, {REST}}}",
        )
    )
    assert (first.case, first.rule, first.expires, first.partly) == ("textbook/*", "", "2026-12-31", False)
    assert first.reason == "because: of this"
    assert first.where.endswith("waivers.yaml:2")
    assert (second.rule, second.partly) == ("MUST-13", True)
    assert waivers.read(a_file("# nothing yet")) == ()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"- {{case: a, ownr: o, {REST}}}", [":2: unknown key 'ownr'; did you mean owner?"]),
        (f"- {{cse: a, {REST}}}", ["unknown key 'cse'; did you mean case?"]),
        (f"- {{{REST}}}", ["exactly one of case, rule"]),
        (f"- {{case: 'textbook/*', rule: MUST-13, {REST}}}", ["exactly one of case, rule"]),
        ("- {case: 'textbook/*', owner: o, expires: 2026-12-31}", ["lacks 'reason'"]),
        ("- {case: 'textbook/*', owner: '', reason: r, expires: 2026-12-31}", ["'owner' is empty"]),
        (
            "- {case: 'textbook/*', owner: 3, reason: r, expires: 2026-12-31}",
            ["'owner' is not text (who has taken it on): 3"],
        ),
        ("- {case: 'textbook/*', owner: o, reason: r, expires: whenever}", ["'expires'", "2026-12-31", "whenever"]),
        ("- {case: 'textbook/*', owner: o, reason: r, expires: 2026-02-30}", ["2026-02-30", "not a day"]),
        (
            f"- {{case: 'textbok/*', {REST}}}",
            [":2: no case of the suite matches 'textbok/*'; did you mean"],
        ),
        (f"- {{rule: MUTS-13, {REST}}}", [":2: no rule 'MUTS-13'; did you mean", "MUST-13"]),
        (f"- {{case: a, case: b, {REST}}}", [":2: the key `case` stands here a second time"]),
        (
            f"- {{case: 'textbook/*', {REST}}}\n- {{case: 'textbook/*', {REST}}}",
            [":3: a waiver for case textbook/*", ":2"],
        ),
        ("- {case: 'textbook/*', owner: o, reason: '  ', expires: 2026-12-31}", [":2: 'reason' is empty"]),
        ("- {case: 'textbook/*', owner: o, reason: r, expires: 20261231}", ["'expires' is not text", "2026-12-31"]),
        ("- [", ["not YAML"]),
        ("case: x", ["not a list"]),
        ("- text", ["'key: value'"]),
    ],
)
def test_bad_files(a_file: Callable[..., Path], line: str, words: list[str]) -> None:
    path = a_file(line)
    with pytest.raises(tiptoe.UsageError) as e:
        waivers.read(path)
    assert str(path) in str(e.value)
    assert "\n" not in str(e.value)
    assert all(word in str(e.value) for word in words), e.value


def test_rule_without_a_case(a_file: Callable[..., Path]) -> None:
    bare = next(r.id for r in tiptoe.catalogue.rules() if not tiptoe.cases_of_rule(r.id))
    with pytest.raises(tiptoe.UsageError, match="no case of the suite names rule"):
        waivers.read(a_file(f"- {{rule: {bare}, {REST}}}"))


def test_not_there(tmp_path: Path) -> None:
    with pytest.raises(tiptoe.UsageError, match="No such file"):
        waivers.read(tmp_path / "none.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(tiptoe.UsageError, match="no UTF-8"):
        waivers.read(tmp_path / "binary")


# ---- the command


class Reports:
    """A run of the command with its reports."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        files = [folder / "r.json", folder / "r.xml"]
        reports = ["--json", str(files[0]), "--junit", str(files[1])]
        self.code = cli.main(["run", *arguments, "--today", "2026-06-30", "--jobs", "1", *reports])
        self.out, self.err = capsys.readouterr()
        if self.code != 2:
            self.json = json.loads(files[0].read_text())
            schema = json.loads((resources.files("tiptoe") / "data" / "report.schema.json").read_text())
            jsonschema.validate(self.json, schema)
            self.suite = ET.parse(files[1]).getroot()[0]

    def failures(self) -> dict[str, str]:
        """Test cases with a failure: name -> type."""
        return {
            str(case.get("name")): str(failure.get("type"))
            for case in self.suite.iter("testcase")
            for failure in case.iter("failure")
        }


def failing_cases() -> list[str]:
    device = tiptoe.Device("model")
    device.set_fault(FAULT)
    with device:
        return [c.id for c in tiptoe.cases("textbook/TB-2*") if not tiptoe.run_case(c, device, frames=False)]


def test_command(a_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failing = failing_cases()
    assert len(failing) > 1
    other = next(c.id for c in tiptoe.cases("textbook/TB-2*") if c.id not in failing)
    words = "reason: ticket 12, owner: Ada"
    good = [f"- {{case: {case}, {words}, expires: 2026-06-30}}" for case in failing]
    arguments = ["textbook/TB-2*", "--fault", FAULT, "--waivers"]

    run = Reports(tmp_path, capsys, *arguments, str(a_file(*good)))
    assert run.code == 0, run.out
    assert f"Waivers: {len(failing)} used." in run.out
    assert "The device conforms." in run.out
    assert run.json["summary"]["waived"] == len(failing)
    assert {w["state"] for w in run.json["waivers"]} == {"used"}
    assert run.json["waivers"][0]["waived"] == [failing[0]]
    assert run.failures() == {}

    # A case that passes.
    run = Reports(
        tmp_path, capsys, *arguments, str(a_file(*good, f"- {{case: {other}, {words}, expires: 2026-12-31}}"))
    )
    assert run.code == 1
    assert "remove the waiver" in run.out
    assert f"unexpected   {other}" in run.out
    assert run.json["exit_code"] == 1
    assert run.json["summary"]["unexpected"] == 1
    assert run.json["waivers"][-1]["unexpected"] == [other]
    assert sorted(run.failures().values()) == ["unexpected-pass", "waiver-unexpected-pass"]
    assert run.suite.get("failures") == "2"

    # One that has expired, of cases that this run does not even touch.
    run = Reports(
        tmp_path, capsys, *arguments, str(a_file(*good, f"- {{case: 'hostile/*', {words}, expires: 2026-06-29}}"))
    )
    assert run.code == 1
    assert "EXPIRED" in run.out
    assert "expired on 2026-06-29" in run.out
    assert run.json["waivers"][-1]["state"] == "expired"
    assert list(run.failures().values()) == ["waiver-expired"]
    assert int(str(run.suite.get("tests"))) == len(run.json["cases"]) + 1


def test_command_errors(a_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Reports(tmp_path, capsys, "textbook/TB-20*", "--waivers", str(a_file(f"- {{case: nothing/*, {REST}}}")))
    assert run.code == 2
    assert "waivers.yaml:2: no case of the suite matches 'nothing/*'" in run.err
    assert cli.main(["run", "textbook/TB-20*", "--today", "tomorrow"]) == 2
    assert "tomorrow" in capsys.readouterr().err
