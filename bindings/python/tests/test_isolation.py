# SPDX-License-Identifier: Apache-2.0
"""Devices from outside that crash, exit, hang, eat memory or answer garbage: that case fails, the run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiptoe
from tiptoe import CaseResult, Verdict
from tiptoe.runner import DeviceSpec, Job, run

Devices = Callable[[str], str]
Run = Callable[..., Any]

FRAIL = str(Path(__file__).parent / "devices" / "frail.py") + ":Frail"


def judged(kind: str, pattern: str, arguments: str = "", seconds: float = 60, mb: int = 2048) -> list[CaseResult]:
    spec = DeviceSpec(kind, dut_args=arguments)
    job = Job(spec, arguments=spec.arguments(), memory_mb=mb)
    return run(tiptoe.cases(pattern), job, 2, timeout_s=seconds)


@pytest.mark.parametrize(
    ("how", "sentences"),
    [
        (
            "inject-crash",
            ["ended with signal SIGSEGV", "It was in inject()", "about to follow a null pointer", "----->"],
        ),
        ("inject-abort", ["ended with signal SIGABRT", "It was in inject()"]),
        ("inject-exit", ["ended with exit code 7", "so long"]),
        ("inject-exit0", ["ended with exit code 0"]),
        ("poll-crash", ["SIGSEGV", "It was in poll_output()"]),
        ("run-abort", ["SIGABRT", "It was in settle()"]),
        ("length", ["the device answered nonsense", "2147483647 octets"]),
        ("short", ["a correct datagram", "3 octets are less than an IPv4 header"]),
        ("rc", ["inject() returned 99"]),
        ("prints", []),
    ],
)
def test_a_shared_object(test_device: Devices, how: str, sentences: list[str]) -> None:
    results = judged(test_device("odd"), "textbook/TB-01*", how)
    assert len(results) == len(tiptoe.cases("textbook/TB-01*")) >= 3
    assert {r.verdict for r in results} == {Verdict.FAIL}
    for sentence in sentences:
        assert any(sentence in r.message for r in results), results[0].message
    assert all(f"--dut-args {how}" in r.repeat for r in results)


@pytest.mark.parametrize("how", ["inject-hang", "inject-spin"])
def test_a_shared_object_that_hangs(test_device: Devices, how: str) -> None:
    begin = time.monotonic()
    results = judged(test_device("odd"), "textbook/TB-17*", how, seconds=0.5)
    assert time.monotonic() - begin < 60
    assert results
    for r in results:
        assert r.verdict is Verdict.FAIL
        assert "did not come back within 0.5 seconds" in r.message
        assert "It was in inject()." in r.message
        assert "----->" in r.ladder


def test_a_shared_object_that_eats_memory(test_device: Devices) -> None:
    (result,) = judged(test_device("odd"), "textbook/TB-17*", "inject-memory", mb=256)[:1]
    assert result.verdict is Verdict.FAIL
    assert "256 MiB are the limit (--memory-mb)" in result.message


def test_the_frail_device_is_good_until_then() -> None:
    results = judged(FRAIL, "textbook/TB-1*")
    assert {r.verdict for r in results} <= {Verdict.PASS, Verdict.INAPPLICABLE}
    assert sum(r.verdict is Verdict.PASS for r in results) > 20


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("crash", "ended with signal SIGSEGV"),
        ("abort", "ended with signal SIGABRT"),
        ("exit", "ended with exit code 7. It was in inject()"),
        ("sys.exit", "enough"),
        ("hang", "did not come back within 2 seconds"),
        ("memory", "200 MiB are the limit"),
        ("channel", "wrote into the channel"),
    ],
)
def test_a_python_class(how: str, sentence: str) -> None:
    pattern = "protocol/u*"
    good = judged("model", pattern)
    results = judged(FRAIL, pattern, how, seconds=2, mb=200)
    assert [r.id for r in results] == [r.id for r in good]
    broken = [r for r in results if r.verdict is Verdict.FAIL]
    assert broken
    assert all(sentence in r.message for r in broken), broken[0].message
    assert sum(r.verdict is Verdict.PASS for r in results) >= 3, "the run did not go on"
    assert {r.verdict for r in results} <= {Verdict.FAIL, Verdict.PASS, Verdict.INAPPLICABLE}


def test_garbage_from_a_python_class() -> None:
    results = judged(FRAIL, "textbook/TB-17*", "garbage")
    assert {r.verdict for r in results} == {Verdict.FAIL}
    assert all("the device answered nonsense" in r.message for r in results)


def test_the_command(tiptoe_command: Run, test_device: Devices) -> None:
    done = tiptoe_command("run", "textbook/TB-17*", "--dut", test_device("odd"), "--dut-args", "inject-crash")
    assert done.returncode == 1, done.stdout + done.stderr  # a verdict, not an accident
    assert "SIGSEGV" in done.stdout
    done = tiptoe_command(
        *("run", "textbook/TB-17*", "--dut", test_device("odd"), "--dut-args", "inject-hang", "--hang-seconds", "0.5")
    )
    assert done.returncode == 1
    assert "--hang-seconds" in done.stdout
    done = tiptoe_command("run", "textbook/TB-17*", "--dut", test_device("odd"), "--dut-args", "create-crash")
    assert done.returncode == 2
    assert "SIGSEGV" in done.stderr
