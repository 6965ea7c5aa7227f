#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Converts waivers from YAML to the lines that tiptoe_conformance_test and tiptoe_fault_campaign read (build step).

usage: waivers_text.py INPUT.yaml OUTPUT.txt

The YAML is the format for people (docs/cli.md, Waivers); the lines are between our own programs:
"[partly ]case GLOB | owner | last day | reason" and "[partly ]rule ID | owner | last day | reason".
"""

import json
import sys
from pathlib import Path

import jsonschema
import yaml


def main() -> None:
    """Entry point."""
    source, target = (Path(a) for a in sys.argv[1:3])
    # BaseLoader: a date stays a string.
    waivers = yaml.load(source.read_text(encoding="utf-8"), Loader=yaml.BaseLoader) or []
    for waiver in waivers:
        if isinstance(waiver, dict) and waiver.get("partly") in ("true", "false"):
            waiver["partly"] = waiver["partly"] == "true"
    schema = json.loads((Path(__file__).parent / "waivers.schema.json").read_text(encoding="utf-8"))
    try:
        jsonschema.validate(waivers, schema)
    except jsonschema.ValidationError as e:
        sys.exit(f"{source}: entry {e.path[0] if e.path else '-'}: {e.message}")
    for w in waivers:
        if "[" in w.get("case", ""):
            sys.exit(f"{source}: {w['case']}: our programs know * and ? alone")
    lines = ["# made from " + source.name]
    for w in waivers:
        kind = "case" if "case" in w else "rule"
        fields = [f"{kind} {w[kind]}", w["owner"], w["expires"], w["reason"]]
        lines.append("partly " * bool(w.get("partly")) + " | ".join(" ".join(f.split()) for f in fields))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
