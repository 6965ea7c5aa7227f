#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the catalogue against its schema, and the cases against the catalogue.

    check_catalogue.py --program build/release/conformance/tiptoe_cases [--map FILE] [--summary]

Every rule that a case names must exist, and every wire-observable MUST rule must have a case or an entry in
exceptions.yaml; so must every such row of the transition table, once there are cases of the group "transitions".
The map (rule -> cases) goes to FILE as JSON. Rules "TB-nn" are rows of the list of textbook scenarios.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import yaml

HERE = Path(__file__).resolve().parent
TEXTBOOK = re.compile(r"TB-(0[1-9]|[12][0-9]|3[0-8])$")


def load(path: Path) -> Any:
    """One YAML file, with the fast loader."""
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def check_catalogue(catalogue: dict[str, Any]) -> list[str]:
    """Schema, unique ids, and a row for every state and event."""
    schema = json.loads((HERE / "catalogue.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    problems = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(catalogue)]
    ids = Counter(r["id"] for r in catalogue["requirements"] + catalogue["transitions"])
    problems += [f"{rule}: {n} entries of that id" for rule, n in ids.items() if n > 1]
    rows = {(t["state"], t["event"]) for t in catalogue["transitions"]}
    problems += [
        f"no transition row for {s['name']} and {e['id']}"
        for s in catalogue["states"]
        for e in catalogue["events"]
        if (s["name"], e["id"]) not in rows
    ]
    return problems


def rule_map(catalogue: dict[str, Any], cases: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Rule id -> ids of the cases that name it, for every rule of the catalogue and every other that is named."""
    rules: dict[str, list[str]] = {r["id"]: [] for r in catalogue["requirements"] + catalogue["transitions"]}
    for case in cases:
        for rule in case["rules"]:
            rules.setdefault(rule, []).append(case["id"])
    return rules


def check_cases(catalogue: dict[str, Any], exceptions: dict[str, Any], cases: list[dict[str, Any]]) -> list[str]:
    """Unknown rules, rules without a case, exceptions that are none."""
    known = {r["id"] for r in catalogue["requirements"] + catalogue["transitions"]}
    covered = rule_map(catalogue, cases)
    problems = [
        f"{', '.join(ids[:3])}: rule {rule} is not in the catalogue"
        for rule, ids in covered.items()
        if rule not in known and not TEXTBOOK.match(rule)
    ]
    for case in cases:
        if len(set(case["rules"])) != len(case["rules"]):
            problems.append(f"{case['id']}: a rule is named twice")
    for requirement in catalogue["requirements"]:
        rule, feature = requirement["id"], requirement["feature"]
        excused = rule in exceptions["rules"] or feature in exceptions["features"]
        wanted = (
            requirement["level"] == "MUST" and requirement["class"] == "wire" and requirement["scope"] == "protocol"
        )
        if wanted and not covered[rule] and not excused:
            problems.append(f"{rule}: a MUST that can be seen on the wire, and no case names it")
        if rule in exceptions["rules"] and covered[rule]:
            problems.append(f"exceptions.yaml: {rule} has a case, {covered[rule][0]}")
    if any(case["id"].startswith("transitions/") for case in cases):
        problems += [
            f"{row['id']}: a MUST that can be seen on the wire, and no case names it"
            for row in catalogue["transitions"]
            if row["level"] == "MUST"
            and row["class"] == "wire"
            and not covered[row["id"]]
            and row["event"] not in exceptions["events"]
            and row["id"] not in exceptions["rules"]
        ]
    problems += [f"exceptions.yaml: no rule {rule}" for rule in exceptions["rules"] if rule not in known]
    features = {r["feature"] for r in catalogue["requirements"]}
    problems += [f"exceptions.yaml: no feature {f}" for f in exceptions["features"] if f not in features]
    return problems


def summary(catalogue: dict[str, Any], cases: list[dict[str, Any]]) -> list[str]:
    """How many rules of each RFC and level have a case."""
    covered = rule_map(catalogue, cases)
    lines = []
    for name, entries in (("requirements", catalogue["requirements"]), ("transitions", catalogue["transitions"])):
        for level in ("MUST", "SHOULD", "MAY", "INFO"):
            at_level = [r for r in entries if r["level"] == level and not r.get("not_applicable")]
            wire = [r for r in at_level if r["class"] == "wire"]
            lines.append(
                f"{name}, {level}: {sum(bool(covered[r['id']]) for r in at_level)} of {len(at_level)} have a case, "
                f"{sum(bool(covered[r['id']]) for r in wire)} of {len(wire)} of those that can be seen on the wire"
            )
    return lines


def main() -> int:
    """Prints what is wrong; the exit status tells whether anything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--program", type=Path, help="tiptoe_cases")
    source.add_argument("--cases", type=Path, help="its output with --json")
    parser.add_argument("--map", type=Path, help="write rule -> cases as JSON")
    parser.add_argument("--summary", action="store_true", help="print the coverage per level")
    arguments = parser.parse_args()
    if arguments.program:
        command = [arguments.program, "--json"]
        text = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    else:
        text = arguments.cases.read_text(encoding="utf-8")
    cases = json.loads(text)["cases"]
    catalogue = load(HERE / "catalogue.yaml")
    problems = check_catalogue(catalogue) + check_cases(catalogue, load(HERE / "exceptions.yaml"), cases)
    if arguments.map:
        arguments.map.write_text(json.dumps(rule_map(catalogue, cases), indent=1) + "\n", encoding="utf-8")
    if arguments.summary:
        print("\n".join(summary(catalogue, cases)))
    for problem in problems:
        print(problem)
    print(f"{len(cases)} cases, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
