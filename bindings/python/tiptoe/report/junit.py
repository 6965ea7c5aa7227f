# SPDX-License-Identifier: Apache-2.0
"""JUnit XML as Jenkins, GitLab and pytest's own readers take it: one testsuite, one testcase per case, rules, seed and
cycles as properties.

A violated MUST is a failure, a breakdown an error, inapplicable and waived are skipped. JUnit has no warnings: a SHOULD
that was not followed passes, with a property `outcome` of "warned" and the story in system-out. A case that passes
although a waiver covers it is a failure, and a waiver that is not true is a test case of its own that fails.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

from ..results import CaseResult, Outcome, Run

if TYPE_CHECKING:
    from ..waivers import Use

# Characters that XML 1.0 does not allow at all.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)


def _property(parent: ET.Element, name: str, value: object) -> None:
    ET.SubElement(parent, "property", name=name, value=_clean(str(value)))


def _story(result: CaseResult) -> str:
    return _clean(result.message + ("\n\n" + result.ladder if result.ladder else ""))


def _first_line(text: str) -> str:
    return _clean(text.strip().splitlines()[0] if text.strip() else "")


def _testcase(parent: ET.Element, result: CaseResult, baseline: str) -> None:
    case = ET.SubElement(
        parent,
        "testcase",
        classname=f"tiptoe.{result.case.group}",
        name=_clean(result.id),
        time=f"{result.wall_seconds:.6f}",
    )
    properties = ET.SubElement(case, "properties")
    for rule in result.case.rules:
        _property(properties, "rule", rule)
    for name, value in [
        ("rules", " ".join(result.case.rules)),
        ("level", result.case.level.value),
        ("profile", result.case.profile),
        ("verdict", result.verdict.value),
        ("outcome", result.outcome.value),
        ("seed", result.seed),
        ("cycles", result.cycles),
        ("virtual_us", result.virtual_us),
        *([("baseline", baseline)] if baseline else []),
    ]:
        _property(properties, name, value)
    message = _first_line(result.message)
    match result.outcome:
        case Outcome.FAILED:
            ET.SubElement(case, "failure", message=message, type="violation").text = _story(result)
        case Outcome.UNEXPECTED:
            ET.SubElement(case, "failure", message=message, type="unexpected-pass")
        case Outcome.ERROR:
            ET.SubElement(case, "error", message=message, type=result.verdict.value).text = _story(result)
        case Outcome.INAPPLICABLE | Outcome.WAIVED:
            ET.SubElement(case, "skipped", message=message or result.verdict.value, type=result.verdict.value)
        case Outcome.WARNED:
            ET.SubElement(case, "system-out").text = _story(result)


def _waiver(parent: ET.Element, use: Use) -> None:
    name = _clean(f"{use.waiver.where} {use.waiver.subject}".strip())
    case = ET.SubElement(parent, "testcase", classname="tiptoe.waivers", name=name, time="0")
    kind = use.word.replace(" ", "-")
    ET.SubElement(case, "failure", message=_clean(use.problem), type=f"waiver-{kind}")


def tree(run: Run) -> ET.ElementTree:
    """The report as an XML tree."""
    summary = run.summary
    untrue = [use for use in run.waivers if use.problem]
    numbers = {
        "tests": str(len(run.results) + len(untrue)),
        "failures": str(summary["failed"] + summary["unexpected"] + len(untrue)),
        "errors": str(summary["error"]),
        "skipped": str(summary["inapplicable"] + summary["waived"]),
        "time": f"{run.wall_seconds:.3f}",
    }
    root = ET.Element("testsuites", {"name": "tiptoe", **numbers})
    suite = ET.SubElement(root, "testsuite", {"name": f"tiptoe.{run.info.device}", **numbers})
    if run.started:
        suite.set("timestamp", run.started.removesuffix("Z"))
    properties = ET.SubElement(suite, "properties")
    _property(properties, "tool_version", run.info.tool_version)
    _property(properties, "device", run.info.description)
    _property(properties, "profile", run.info.profile)
    _property(properties, "seed", run.info.seed)
    for key, value in run.info.configuration.items():
        _property(properties, f"configuration.{key}", value)
    for result in run.results:
        _testcase(suite, result, run.baseline.words.get(result.id, "") if run.baseline else "")
    for use in untrue:
        _waiver(suite, use)
    ET.indent(root, " ")
    return ET.ElementTree(root)


def save(path: Path, run: Run) -> None:
    """Writes the report to a file."""
    with path.open("wb") as target:
        tree(run).write(target, encoding="utf-8", xml_declaration=True)
        target.write(b"\n")
