# SPDX-License-Identifier: Apache-2.0
"""The examples run and say what their texts promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
EXPECTED = {
    "ten_lines.py": ["pass", "tester -> device"],
    "with_scapy.py": ["SA", "b'hello from scapy\\n'"],
    "trace_numpy.py": ["0 ms", "Mbit/s"],
}


def test_all_examples_are_known() -> None:
    assert {p.name for p in EXAMPLES.glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_example(name: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    for words in EXPECTED[name]:
        assert words in done.stdout


def test_the_ten_lines_under_pytest(environment: dict[str, str]) -> None:
    plugin = [] if _has_entry_point() else ["-p", "tiptoe.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, str(EXAMPLES / "ten_lines.py")],
        capture_output=True, text=True, check=False, env=environment, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def _has_entry_point() -> bool:
    from importlib.metadata import entry_points

    return any(e.value == "tiptoe.pytest_plugin" for e in entry_points(group="pytest11"))
