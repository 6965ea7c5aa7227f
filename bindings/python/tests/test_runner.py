# SPDX-License-Identifier: Apache-2.0
"""Worker processes: any number gives the same, and a device that crashes or hangs does not stop the run."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest
import tiptoe
from tiptoe import Verdict
from tiptoe.runner import DeviceSpec, Job, Pool, run

SOME = "textbook/*"

# A device that crashes, hangs or exits when its second case starts. Workers import it by name.
BAD_DEVICES = """
import os, time
import tiptoe
from tiptoe.runner import DeviceSpec

class Bad(tiptoe.Dut):
    name = "bad"
    user_calls = True
    time_us = 0
    resets = 0
    def __init__(self, how): self.how = how
    def inject(self, datagram): pass
    def reset(self, settings, seed):
        self.resets += 1
        if self.resets < 3: return  # the first is that of making it, the second that of the first case
        if self.how == "abort": os.abort()
        if self.how == "exit": print("so long", flush=True); os._exit(7)
        if self.how == "hang": time.sleep(1000)
    def poll_output(self): return None
    def open_passive(self, args): return tiptoe.CallResult(tiptoe.CallStatus.INVALID)
    def advance(self, us): self.time_us += us
    @property
    def now_us(self): return self.time_us

class BadSpec(DeviceSpec):
    def make(self, seed=1, settings=None):
        if self.fault == "unusable": raise tiptoe.DeviceError("there is no such device")
        if self.fault == "at once": os._exit(3)
        return tiptoe.Device(Bad(self.fault))
"""


@pytest.fixture
def bad_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[DeviceSpec]:
    (tmp_path / "bad_devices.py").write_text(BAD_DEVICES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "bad_devices", raising=False)
    import bad_devices  # type: ignore[import]

    spec: type[DeviceSpec] = bad_devices.BadSpec
    return spec


def test_the_same_with_any_number_of_workers() -> None:
    cases = tiptoe.cases(SOME)[:60]

    def known(jobs: int) -> list[tiptoe.CaseResult]:
        results = run(cases, Job(DeviceSpec(), all_frames=True), jobs)
        return [dataclasses.replace(r, wall_seconds=0) for r in results]

    assert known(1) == known(3)


def test_frames_only_when_wanted() -> None:
    cases = tiptoe.cases(SOME)[:3]
    assert all(r.frames == () for r in run(cases, Job(DeviceSpec(), all_frames=False)))
    assert all(r.frames for r in run(cases, Job(DeviceSpec())))


@pytest.mark.parametrize(("how", "word"), [("abort", "SIGABRT"), ("exit", "so long")])
def test_a_crash_is_an_error_of_its_case(bad_spec: type[DeviceSpec], how: str, word: str) -> None:
    cases = tiptoe.cases(SOME)[:8]
    results = run(cases, Job(bad_spec(fault=how)), 2)
    assert [r.id for r in results] == [c.id for c in cases]
    lost = [r for r in results if r.verdict is Verdict.ERROR]
    assert 3 <= len(lost) <= 4  # every second case of a worker
    assert all(word in r.message for r in lost)
    assert {r.verdict for r in results if r not in lost} == {Verdict.FAIL}


def test_a_hang_is_an_error_of_its_case(bad_spec: type[DeviceSpec]) -> None:
    begin = time.monotonic()
    results = run(tiptoe.cases(SOME)[:4], Job(bad_spec(fault="hang")), 2, timeout_s=0.5)
    assert time.monotonic() - begin < 20
    assert any(r.verdict is Verdict.ERROR and "0.5 seconds" in r.message for r in results)


def test_a_device_that_cannot_be_made(bad_spec: type[DeviceSpec]) -> None:
    with pytest.raises(tiptoe.DeviceError, match="no such device"):
        run(tiptoe.cases(SOME)[:4], Job(bad_spec(fault="unusable")))
    with pytest.raises(tiptoe.TiptoeError, match="exit code 3"):
        run(tiptoe.cases(SOME)[:4], Job(bad_spec(fault="at once")))


def test_workers_end_with_the_pool() -> None:
    with Pool(Job(DeviceSpec()), 2) as pool:
        next(pool.run(tiptoe.cases(SOME)))
        processes = [w.process for w in pool._workers]
    assert processes
    assert all(p.poll() is not None for p in processes)


def test_arguments_repeat_the_device() -> None:
    assert DeviceSpec().arguments() == "--dut model"
    spec = DeviceSpec("rtl", width=512, connections=128, fault="x")
    assert spec.arguments() == "--dut rtl --width 512 --connections 128 --fault x"
