# SPDX-License-Identifier: Apache-2.0
"""Waivers: failures that somebody has taken on, until a date. Read from a YAML file:

- case: "transitions/st-time-wait-*"      # glob on case ids
  who: Ada Lovelace
  why: TIME_WAIT is shortened in our product, see ticket 12
  until: 2026-12-31
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from ._errors import UsageError
from .suite import Waiver

SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["case", "who", "why", "until"],
        "properties": {
            "case": {"type": "string", "minLength": 1},
            "who": {"type": "string", "minLength": 1},
            "why": {"type": "string", "minLength": 1},
            "until": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        },
    },
}


def load(path: Path) -> tuple[Waiver, ...]:
    """Reads a file of waivers. Raises `UsageError` when it is not one; an unknown key is a mistake, too."""
    import jsonschema
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except OSError as e:
        raise UsageError(f"waivers: {path}: {e.strerror}") from e
    except yaml.YAMLError as e:
        raise UsageError(f"waivers: {path}: {e}") from e
    if isinstance(data, list):
        for entry in data:
            if isinstance(entry, dict) and isinstance(entry.get("until"), datetime.date):
                entry["until"] = entry["until"].isoformat()
    try:
        jsonschema.validate(data, SCHEMA)
    except jsonschema.ValidationError as e:
        where = "/".join(str(p) for p in e.absolute_path)
        raise UsageError(f"waivers: {path}: {where + ': ' if where else ''}{e.message}") from e
    return tuple(Waiver(**entry) for entry in data)
