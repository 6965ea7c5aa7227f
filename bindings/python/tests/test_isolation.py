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

# The model, until a segment with URG comes.
FRAIL = """
import os, signal, sys, time
import tiptoe

class Frail(tiptoe.Dut):
    name = "frail"
    user_calls = True
    def __init__(self, how="none"):
        self.how = how
        self.model = tiptoe.Device("model")
    def reset(self, settings, seed): self.model.reset(seed, **settings)
    def inject(self, datagram):
        if len(datagram) >= 34 and datagram[33] & 0x20: self.break_down()
        self.model.inject(datagram)
    def break_down(self):
        if self.how == "crash": os.kill(os.getpid(), signal.SIGSEGV)
        if self.how == "abort": os.abort()
        if self.how == "exit": print("so long", flush=True); os._exit(7)
        if self.how == "sys.exit": sys.exit("enough")
        if self.how == "hang": time.sleep(1000)
        if self.how == "memory":
            eaten = []
            while True: eaten.append(bytearray(b"x" * (16 << 20)))
        if self.how == "channel":
            for fd in range(3, 60):
                try: os.write(fd, b"garbage " * 4)
                except OSError: pass
    def poll_output(self):
        got = self.model.poll()
        return "a datagram" if got is not None and self.how == "garbage" else got
    def settle(self): self.model.settle()
    def run_until_output(self, us):
        got = self.model.run_until_output(us)
        return 17 if got is not None and self.how == "garbage" else got
    def advance(self, us): self.model.advance(us)
    @property
    def now_us(self): return self.model.now_us
    @property
    def cycles(self): return self.model.cycles
    def poll_notification(self): return self.model.poll_notification()
    def set(self, name, value): self.model.set(name, value)
    def counter(self, name): return self.model.counter(name)
    def open_passive(self, a):
        return self.model.open_passive(a.local_port, local_ip=a.local_ip, remote_ip=a.remote_ip,
                                       remote_port=a.remote_port, backlog=a.backlog)
    def open_active(self, a):
        return self.model.open_active(a.remote_ip, a.remote_port, local_port=a.local_port, local_ip=a.local_ip,
                                      nodelay=a.nodelay, keepalive=a.keepalive, from_listener=a.from_listener)
    def accept(self, listener): return self.model.accept(listener)
    def send(self, handle, data): return self.model.send(handle, data)
    def receive(self, handle, max): return self.model.receive(handle, max)
    def close(self, handle, half): return self.model.close(handle, half=half)
    def abort(self, handle): return self.model.abort(handle)
    def status(self, handle): return self.model.status(handle)
    def set_options(self, handle, nodelay, keepalive):
        return self.model.set_options(handle, nodelay=nodelay, keepalive=keepalive)
"""


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


@pytest.fixture
def frail(tmp_path: Path) -> str:
    (tmp_path / "frail.py").write_text(FRAIL)
    return f"{tmp_path / 'frail.py'}:Frail"


def test_the_frail_device_is_good_until_then(frail: str) -> None:
    results = judged(frail, "textbook/TB-1*")
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
        ("channel", ""),
    ],
)
def test_a_python_class(frail: str, how: str, sentence: str) -> None:
    pattern = "protocol/u*"
    good = judged("model", pattern)
    results = judged(frail, pattern, how, seconds=2, mb=200)
    assert [r.id for r in results] == [r.id for r in good]
    broken = [r for r in results if r.verdict is Verdict.FAIL]
    assert broken
    assert all(sentence in r.message for r in broken), broken[0].message
    assert sum(r.verdict is Verdict.PASS for r in results) >= 3, "the run did not go on"
    assert {r.verdict for r in results} <= {Verdict.FAIL, Verdict.PASS, Verdict.INAPPLICABLE}


def test_garbage_from_a_python_class(frail: str) -> None:
    results = judged(frail, "textbook/TB-17*", "garbage")
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
