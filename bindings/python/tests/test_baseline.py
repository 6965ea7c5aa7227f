# SPDX-License-Identifier: Apache-2.0
"""A run against a former one."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tiptoe
from tiptoe import CaseInfo, CaseResult, Level, Run, RunInfo, Verdict, baseline, cli
from tiptoe.report import json_report

VERDICTS = {
    "passed": (Verdict.PASS, Level.MUST),
    "failed": (Verdict.FAIL, Level.MUST),
    "warned": (Verdict.FAIL, Level.SHOULD),
    "inapplicable": (Verdict.INAPPLICABLE, Level.MUST),
    "waived": (Verdict.WAIVED, Level.MUST),
    "error": (Verdict.ERROR, Level.MUST),
}


def a_run(outcomes: dict[str, str], **info: Any) -> Run:
    circumstances: dict[str, Any] = {"tool_version": "1", "device": "model", "description": "a model"}
    circumstances |= {"configuration": {"width": 64}, "profile": "all", "seed": 1}
    results = []
    for name, outcome in outcomes.items():
        verdict, level = VERDICTS[outcome]
        results.append(CaseResult(CaseInfo(name, name, ("MUST-13",), name, level, "default"), verdict))
    run_info = RunInfo(**{**circumstances, **info})
    return Run(run_info, tuple(results), started="2026-01-02T03:04:05Z")


def compared(path: Path, before: Run, now: Run) -> baseline.Comparison:
    json_report.save(path / "results.json", before)
    return baseline.compare(baseline.read(path / "results.json"), now)


@pytest.mark.parametrize("before", VERDICTS)
@pytest.mark.parametrize("now", VERDICTS)
def test_every_pair(tmp_path: Path, before: str, now: str) -> None:
    c = compared(tmp_path, a_run({"a/b": before}), a_run({"a/b": now}))
    bad_now, bad_before = now in ("failed", "error"), before in ("failed", "error", "waived")
    assert bool(c.regressions) == (bad_now and not bad_before)
    assert bool(c.still_bad) == (bad_now and bad_before)
    assert bool(c.fixed) == (now in ("passed", "warned") and bad_before)
    assert sum(map(len, (c.regressions, c.fixed, c.still_bad))) <= 1
    assert any("can't be judged now" in r for r in c.remarks) == (now == "inapplicable" != before)


def test_new_cases(tmp_path: Path) -> None:
    c = compared(tmp_path, a_run({"a/b": "passed", "a/gone": "passed"}), a_run({"a/b": "passed", "a/n": "failed"}))
    assert c.regressions == (baseline.Change("a/n", "new", "failed"),)
    assert c.remarks == ("1 case not in the baseline.", "1 case of the baseline did not run.")


def test_other_circumstances_are_remarked(tmp_path: Path) -> None:
    now = a_run({"a/b": "passed"}, tool_version="2", description="another", configuration={"width": 128}, seed=2)
    c = compared(tmp_path, a_run({"a/b": "passed"}), now)
    assert len(c.remarks) == 4
    assert "Not the same device: 'a model' in the baseline, 'another' now." in c.remarks
    assert compared(tmp_path, now, now).remarks == ()


WHOLE = json_report.report(a_run({"a/b": "passed"}))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", ":1: it is empty"),
        ("[" * 100_000, "not a report of `tiptoe run --json`"),
        ("9" * 5000, "not a report of `tiptoe run --json`"),
        (json.dumps({**WHOLE, "configuration": "x"}), "a value of another kind than there should be"),
        (json.dumps({**WHOLE, "device": None}), "a value of another kind than there should be"),
        ('{"format": 1,\n "tool"', ":2: not JSON"),
        ("[]", "not a report of `tiptoe run --json`"),
        ("{}", "not a report of `tiptoe run --json`"),
        (json.dumps({**WHOLE, "format": 7}), "report format 7, this tiptoe reads format 1"),
        (json.dumps({k: v for k, v in WHOLE.items() if k != "device"}), "no 'device'"),
        (json.dumps({**WHOLE, "cases": [{"id": "a/b", "outcome": "great"}]}), "'great'"),
        (json.dumps({**WHOLE, "cases": [{"id": "a/b"}]}), "no 'outcome'"),
        (json.dumps({**WHOLE, "cases": 7}), "not a whole report"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(tiptoe.UsageError) as e:
        baseline.read(path)
    assert str(path) in str(e.value)
    assert word in str(e.value)
    assert "\n" not in str(e.value)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        code = cli.main(["run", "textbook/TB-2*", "--jobs", "1", *arguments])
        return code, capsys.readouterr().out

    good, bad, again = (str(tmp_path / f"{name}.json") for name in ("good", "bad", "again"))
    assert run("--json", good)[0] == 0
    assert run("--fault", "closed_silent", "--json", bad)[0] == 1

    code, out = run("--baseline", good, "--json", again)
    assert code == 0
    assert "0 regressions, 0 fixed, 0 still failing." in out
    assert "No regression against the baseline." in out

    xml = tmp_path / "r.xml"
    code, out = run("--fault", "closed_silent", "--baseline", good, "--json", again, "--junit", str(xml))
    assert code == 1
    assert "passed -> failed" in out
    assert "worse than the baseline" in out
    assert "Not the same configuration" in out
    report = json.loads(Path(again).read_text())
    jsonschema.validate(report, json.loads((resources.files("tiptoe") / "data" / "report.schema.json").read_text()))
    assert report["exit_code"] == 1
    assert len(report["baseline"]["regressions"]) == report["summary"]["failed"] > 0
    properties = [p for p in ET.parse(xml).getroot().iter("property") if p.get("name") == "baseline"]
    assert {p.get("value") for p in properties} == {"regression"}
    assert len(properties) == report["summary"]["failed"]

    # What failed before and still fails is no regression; the report may take the place of the baseline.
    code, out = run("--fault", "closed_silent", "--baseline", bad, "--json", bad)
    assert code == 0
    assert "still failing" in out
    assert json.loads(Path(bad).read_text())["exit_code"] == 0

    code, out = run("--baseline", bad)
    assert code == 0
    assert "failed -> passed" in out

    # Waivers stay strict.
    file = tmp_path / "w.yaml"
    file.write_text("- {case: 'textbook/TB-2*', reason: r, owner: o, expires: 2026-12-31}\n")
    assert run("--baseline", good, "--waivers", str(file), "--today", "2026-12-31")[0] == 1
    assert run("--baseline", good, "--waivers", str(file), "--today", "2027-01-01")[0] == 1

    assert cli.main(["run", "textbook/TB-2*", "--baseline", str(tmp_path / "none.json")]) == 2
    assert "none.json: No such file" in capsys.readouterr().err
