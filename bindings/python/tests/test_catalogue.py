# SPDX-License-Identifier: Apache-2.0
"""The catalogue of rules as data."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiptoe
from tiptoe import catalogue

SMALL = """
meta: {title: small}
states: [{name: LISTEN, how_to_reach: OPEN}]
events: [{id: SYN-IN, step: 4}]
requirements:
- {id: MUST-1, rfc: RFC9293, section: '3.1', level: MUST, keyword: MUST NOT, requirement: Be quiet., observable: [wire],
   test: Listen., condition: at night}
transitions:
- {id: ST-LISTEN-SYN-IN, state: LISTEN, event: SYN-IN, level: SHOULD, ref: RFC9293 3.10.7.2, stimulus: a SYN,
   outcomes: [{profile: rfc9293, next_state: SYN-RECEIVED, send: ['<CTL=SYN,ACK>']}]}
"""


def test_reading(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    small = catalogue.load(str(tmp_path / "small.yaml"))
    assert len(small) == 2
    rule = small.rule("must-1")
    assert (rule.level, rule.severity, rule.rfc, rule.section) == ("MUST NOT", "must", "RFC9293", "3.1")
    assert (rule.text, rule.test, rule.condition, rule.observable) == ("Be quiet.", "Listen.", "at night", ("wire",))
    row = small.rule("ST-LISTEN-SYN-IN")
    assert (row.state, row.event, row.severity) == ("LISTEN", "SYN-IN", "should")
    assert row.outcomes[0].send == ("<CTL=SYN,ACK>",)
    with pytest.raises(tiptoe.UsageError, match="MUST-1"):
        small.rule("MUST-11")
    assert small.find("nothing") is None


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(tiptoe.TiptoeError, match="cannot be read"):
        catalogue.load(str(tmp_path / "none.yaml"))
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(tiptoe.TiptoeError, match="not a catalogue"):
        catalogue.load(str(tmp_path / "list.yaml"))
    twice = SMALL + "- {id: MUST-1, state: A, event: B}\n"
    (tmp_path / "twice.yaml").write_text(twice)
    with pytest.raises(tiptoe.TiptoeError, match="twice"):
        catalogue.load(str(tmp_path / "twice.yaml"))


def test_the_packaged_one() -> None:
    rules = catalogue.rules()
    assert len(rules) > 800
    assert all(r.id and r.rfc and r.section and r.text for r in rules)
    assert {r.severity for r in rules} == {"must", "should", "may", "info"}
    assert catalogue.rule("MUST-13").rfc == "RFC9293"


def test_cases_name_rules_that_exist() -> None:
    known = catalogue.load()
    for case in tiptoe.cases():
        for name in case.rules:
            assert name in known or name.startswith("TB-"), f"{case.id}: {name}"


def test_suggestions() -> None:
    assert catalogue.suggestion("MUST-13x", ["MUST-13", "SHLD-1"]) == "; did you mean MUST-13?"
    assert catalogue.suggestion("zzz", ["MUST-13"]) == ""
    assert "abc-def" in catalogue.suggestion("def", ["abc-def"])
