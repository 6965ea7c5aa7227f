# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin, used by a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import tiptoe

TESTS = '''
import pytest
import tiptoe
from tiptoe import State


@tiptoe.case(rules=["MUST-13"])
def closed_port(t: tiptoe.Tester) -> None:
    """A SYN to a closed port draws a RST."""
    t.send_syn()
    t.expect_rst_ack(0, t.isn + 1)


@tiptoe.case
def wrong(t: tiptoe.Tester) -> None:
    """Expects what nobody should send."""
    t.send_syn()
    t.expect_syn_ack()


@tiptoe.case(level="should")
def advice(t: tiptoe.Tester) -> None:
    """Not followed, but only a SHOULD."""
    t.fail("it is only advice")


@tiptoe.case
def not_for_us(t: tiptoe.Tester) -> None:
    """Does not apply."""
    t.inapplicable("no such option")


@pytest.mark.tiptoe_rules("MUST-13")
def test_with_the_fixture(tester: tiptoe.Tester, tmp_path) -> None:
    tester.reach(State.ESTABLISHED)
    tester.probe_state(State.ESTABLISHED)
    assert tmp_path.exists()


@pytest.mark.parametrize("n", [1, 2])
def test_wrong_with_the_fixture(tester: tiptoe.Tester, n: int) -> None:
    tester.send_syn()
    assert n == 2, "not yet"
    tester.expect_syn_ack()


def test_with_a_device(device: tiptoe.Device) -> None:
    syn = tiptoe.Segment(src="10.0.1.1", dst="10.0.0.1", src_port=5, dst_port=80, flags="SYN", seq=7)
    (answer,) = device.exchange(syn)
    assert answer.segment.has(tiptoe.RST)
    assert device.kind == "model"
    assert "not" == "this time"


def plain() -> None:
    raise AssertionError("not a test")
'''


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> object:
    (tmp_path / "test_mine.py").write_text(TESTS)

    def inner(*arguments: str) -> subprocess.CompletedProcess[str]:
        plugin = [] if _has_entry_point() else ["-p", "tiptoe.pytest_plugin"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    return inner


def _has_entry_point() -> bool:
    from importlib.metadata import entry_points

    return any(e.value == "tiptoe.pytest_plugin" for e in entry_points(group="pytest11"))


def test_cases_of_ones_own(run: Any, tmp_path: Path) -> None:
    done = run("test_mine.py", f"--junit-xml={tmp_path / 'r.xml'}")
    out = done.stdout
    assert done.returncode == 1, out
    assert "4 failed, 3 passed, 1 skipped" in out
    assert "1 passed with a warning" in out
    assert "it is only advice" in out
    assert "[R.]" in out  # the ladder
    assert "not yet" in out
    assert "tester <- device" in out  # the exchange of the device that failed
    case = next(c for c in ET.parse(tmp_path / "r.xml").iter("testcase") if c.get("name") == "closed_port")
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert properties["rules"] == "MUST-13"
    assert properties["verdict"] == "pass"
    assert int(properties["cycles"] or 0) > 0


def test_one_by_its_name(run: Any) -> None:
    done = run("test_mine.py::closed_port")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_suite(run: Any, tmp_path: Path) -> None:
    cases = tiptoe.cases("textbook/*")
    (tmp_path / "test_mine.py").write_text("")
    done = run("--tiptoe-suite=textbook/*", "--tiptoe-width", "128", "--tiptoe-seed", "3")
    assert done.returncode == 0, done.stdout
    assert f"{len(cases)} passed" in done.stdout


def test_a_fault_in_the_suite(run: Any, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("")
    done = run("--tiptoe-suite=textbook/*", "--tiptoe-fault", "closed_silent")
    assert done.returncode == 1
    assert "textbook/" in done.stdout
    assert "tiptoe run textbook/" in done.stdout
    assert "Traceback" not in done.stdout


def test_nonsense(run: Any) -> None:
    done = run("--tiptoe-suite=nothing/*")
    assert done.returncode == 4
    assert "no case matches" in done.stderr
    done = run("test_mine.py::closed_port", "--tiptoe-dut", "toaster")
    assert done.returncode == 1
    assert "toaster" in done.stdout
