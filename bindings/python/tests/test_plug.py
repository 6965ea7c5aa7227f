# SPDX-License-Identifier: Apache-2.0
"""Devices from outside: how they are found, and what is said when they are not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiptoe
from tiptoe import Verdict, plug
from tiptoe.runner import DeviceSpec, Job, run

Devices = Callable[[str], str]
Run = Callable[..., Any]

MINE = '''
import tiptoe

class Mine(tiptoe.Dut):
    """Silent."""
    name = "mine"
    time = 0
    def __init__(self, text="nothing"):
        if text == "refuse":
            raise ValueError("no card")
        self.description_ = f"mine with {text}"
    @property
    def description(self): return self.description_
    def reset(self, settings, seed): self.time = 0
    def inject(self, datagram): pass
    def poll_output(self): return None
    def advance(self, us): self.time += us
    @property
    def now_us(self): return self.time

class Caller(Mine):
    user_calls = True
    def open_passive(self, args): return tiptoe.CallResult(tiptoe.CallStatus.OK, handle=tiptoe.Handle(1))
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def test_a_shared_object_is_a_device(test_device: Devices) -> None:
    with tiptoe.Device(test_device("model_device")) as device:
        assert device.kind == test_device("model_device")
        assert "DATA_W=64" in device.description
        assert device.capabilities["calls"] == tiptoe._core.all_calls()
        assert tiptoe.run_case("textbook/TB-02b-close-by-peer", device).verdict is Verdict.PASS


def test_arguments_reach_it(test_device: Devices) -> None:
    spec = DeviceSpec(test_device("model_device"), dut_args="closed_silent")
    assert f"--dut {test_device('model_device')} --dut-args closed_silent" in spec.arguments()
    results = run(tiptoe.cases("textbook/TB-17*"), Job(spec, arguments=spec.arguments()))
    assert {r.verdict for r in results} >= {Verdict.FAIL}
    assert "--dut-args closed_silent" in results[0].repeat
    with pytest.raises(tiptoe.DeviceError, match="the model has no fault 'nonsense'"):
        tiptoe.Device(test_device("model_device"), arguments="nonsense")


def test_a_capability_file_beside_it(test_device: Devices, tmp_path: Path) -> None:
    device = tmp_path / "dev.so"
    device.symlink_to(test_device("odd"))
    (tmp_path / "dev.yaml").write_text("name: renamed\ncalls: [listen]\n")
    with tiptoe.Device(str(device)) as made:
        assert made.name == "renamed"
        assert made.capabilities["calls"] == {"listen"}
    other = tmp_path / "other.yaml"
    other.write_text("name: other\n")
    with tiptoe.Device(str(device), capabilities=str(other)) as made:
        assert made.name == "other"
        assert "abort" in made.capabilities["calls"]
    (tmp_path / "dev.yaml").write_text("calls: [listen, set_options]\n")
    with pytest.raises(tiptoe.DeviceError, match="promises under `calls`: set_options"):
        tiptoe.Device(str(device))


def test_a_python_class_in_a_file(mine: Path) -> None:
    with tiptoe.Device(f"{mine}:Mine", arguments="a card") as device:
        assert device.description == "mine with a card"
        assert device.capabilities["calls"] == set()
    with tiptoe.Device(f"{mine}:Caller") as device:
        assert device.capabilities["calls"] == {"listen"}
    mine.with_suffix(".yaml").write_text("calls: [listen, accept]\n")
    with pytest.raises(tiptoe.DeviceError, match=r"promises under `calls`: accept \(accept\)"):
        tiptoe.Device(f"{mine}:Caller")


def test_a_python_class_in_a_module(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    with tiptoe.Device("mine:Caller") as device:
        assert device.name == "mine"
    monkeypatch.delitem(__import__("sys").modules, "mine", raising=False)


def test_a_class_that_says_what_it_has(mine: Path) -> None:
    mine.write_text(MINE + "    capabilities = {'calls': ['listen'], 'mtu': 600}\n")
    with tiptoe.Device(f"{mine}:Caller") as device:
        assert device.capabilities["mtu"] == 600
        assert device.capabilities["calls_promised"]
    mine.write_text(MINE + "    capabilities = {'mtu': 'big'}\n")
    with pytest.raises(tiptoe.UsageError, match="capabilities of Caller: `mtu` must be"):
        tiptoe.Device(f"{mine}:Caller")


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("modle", "no device 'modle'; did you mean model; one of your own"),
        ("toaster", "there are model, rtl, lockstep"),
        ("./nowhere.so", "the device nowhere.so does not exist"),
        ("./nowhere.py:Mine", "there is no file ./nowhere.py"),
        ("", "no device ''; there are model, rtl, lockstep"),
        (":", "the device ':' lacks its file: FILE.py:CLASS"),
        ("{mine}:", "lacks its class: FILE.py:CLASS"),
        ("{mine}", "is a Python file: name its class, too"),
        ("{folder}", "is a folder; a device is a shared object in it, or FILE.py:CLASS"),
        ("{folder}:Mine", "there is no file"),
        ("{text}", "is no shared object (ELF file); compile it with -shared -fPIC"),
        ("tiptoe:Dut", "lacks what every device has (level L0): reset, inject, poll_output, advance, now_us"),
        ("os:getcwd", "lacks what every device has"),
        ("nowhere_at_all:Mine", "nowhere_at_all cannot be imported: ModuleNotFoundError"),
        ("{mine}:Mien", "has no class Mien; did you mean Mine?"),
        ("{broken}:Mine", "cannot be imported: SyntaxError"),
    ],
)
def test_what_is_not_found(mine: Path, kind: str, sentence: str) -> None:
    broken = mine.with_name("broken.py")
    broken.write_text("class Mine(:\n")
    text = mine.with_name("text.so")
    text.write_text("no ELF file\n")
    with pytest.raises(tiptoe.DeviceError) as e:
        tiptoe.Device(kind.format(mine=mine, broken=broken, text=text, folder=mine.parent))
    assert sentence in str(e.value)
    assert "\n" not in str(e.value)


#: What is put behind the class Mine -> what is said when the device is made.
NOT_MADE = {
    "    def __init__(self): raise ValueError('no\\ncard')": "could not be made: ValueError: no card (mine.py:",
    "    def __init__(self): __import__('sys').exit(3)": "could not be made: SystemExit: 3 (mine.py:",
    "    def __init__(self, a, b): pass": "could not be made: TypeError: Caller.__init__() missing 2 required",
    "    def reset(self): pass": "cannot be reset: reset() raised TypeError: ",
    "    def reset(self, settings, seed): raise OSError(5, 'no cable')": "reset() raised OSError: [Errno 5] no cable (",
    "    now_us = 'noon'": "cannot be reset: now_us gave 'noon', which is not a whole number of microseconds",
    "    now_us = -1": "now_us gave -1, which is not",
    "    now_us = 1 << 70": "now_us gave 1180591620717411303424, which is not",
    "    capabilities = 5": "capabilities of Caller: a capability file is a list of `key: value` lines, not 5",
    "    capabilities = {5: 5}": "capabilities of Caller: a key must be a word, not 5",
    "    capabilities = property(lambda self: 1 // 0)": "cannot say its capabilities: ZeroDivisionError",
    "class Caller: pass": "lacks what every device has (level L0): reset",
    "raise SystemExit('enough')": "cannot be imported: SystemExit: enough (mine.py:",
}


@pytest.mark.parametrize("code", NOT_MADE)
def test_a_class_that_is_not_as_it_should_be(mine: Path, code: str) -> None:
    mine.write_text(MINE + code + "\n")
    with pytest.raises(tiptoe.TiptoeError) as e:
        tiptoe.Device(f"{mine}:Caller")
    assert NOT_MADE[code] in str(e.value)
    assert "\n" not in str(e.value)


#: What is put behind the class Mine -> verdict and message of a case.
JUDGED = {
    "    def inject(self, datagram): raise RuntimeError('no\\ncable')": (
        Verdict.ERROR,
        "the adapter of the device failed: inject() raised RuntimeError: no cable (mine.py:",
    ),
    "    def inject(self): pass": (Verdict.ERROR, "inject() raised TypeError: Caller.inject() takes 1 positional"),
    "    def inject(self, datagram): __import__('sys').exit(0)": (Verdict.FAIL, "it wants to end the program"),
    "    def poll_output(self): return 'text'": (Verdict.FAIL, "poll_output gave 'text', which is not a datagram"),
    "    def poll_output(self): return ['x'] * 99": (
        Verdict.FAIL,
        "['x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', '...",
    ),
    "    def advance(self, us): pass": (Verdict.FAIL, "advance(1000) let no time pass, now_us is 0"),
    "    def open_passive(self, args): return 7.5": (
        Verdict.FAIL,
        "open_passive gave 7.5, which is not a tiptoe.CallResult",
    ),
    "    def poll_notification(self): return 1": (
        Verdict.FAIL,
        "poll_notification gave 1, which is not a tiptoe.Notification",
    ),
}


@pytest.mark.parametrize("code", JUDGED)
def test_a_method_that_is_not_as_it_should_be(mine: Path, code: str) -> None:
    mine.write_text(MINE + code + "\n")
    verdict, sentence = JUDGED[code]
    with tiptoe.Device(f"{mine}:Caller") as device:
        result = tiptoe.run_case("textbook/TB-02b-close-by-peer", device)
    assert result.verdict is verdict, result.message
    assert sentence in result.message
    assert "\n" not in result.message


def test_what_cannot_be_made(mine: Path) -> None:
    with pytest.raises(tiptoe.DeviceError, match="could not be made: ValueError: no card"):
        tiptoe.Device(f"{mine}:Mine", arguments="refuse")
    with pytest.raises(tiptoe.UsageError, match="'model' is built in"):
        tiptoe.Device("model", arguments="x")


def test_shipped_devices_go_by_their_names(
    test_device: Devices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plug, "SHIPPED", tmp_path)
    (tmp_path / "gold.so").symlink_to(test_device("model_device"))
    (tmp_path / "gold.yaml").write_text("name: gold\n")
    assert plug.shipped() == ["gold"]
    with tiptoe.Device("gold") as device:
        assert device.name == "gold"
    with pytest.raises(tiptoe.DeviceError, match="did you mean gold"):
        tiptoe.Device("golt")


def test_the_command(tiptoe_command: Run, test_device: Devices) -> None:
    done = tiptoe_command("run", "textbook/TB-0*", "--dut", test_device("model_device"))
    assert done.returncode == 0, done.stdout + done.stderr
    for name, sentence in [
        ("odd_version", "speaks version 7.0 of the DUT contract"),
        ("odd_no_entry", "does not export tiptoe_dut_entry()"),
        ("odd_no_run", "(level L0): run."),
        ("odd_undefined", "undefined symbol: tiptoe_test_of_nowhere; link the library that has it."),
    ]:
        done = tiptoe_command("run", "textbook/TB-0*", "--dut", test_device(name))
        assert done.returncode == 2
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("    description = 5", "mine.py:Caller: description gave 5, which is not a text"),
        ("raise KeyboardInterrupt", "could not be made: KeyboardInterrupt (mine.py:"),
        ("__import__('os')._exit(3)", "could not be made: the process that ran the device ended with exit code 3."),
    ],
)
def test_the_command_says_it_in_one_line(mine: Path, tiptoe_command: Run, code: str, sentence: str) -> None:
    mine.write_text(MINE + code + "\n")
    done = tiptoe_command("run", "textbook/TB-17*", "--dut", f"{mine}:Caller")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_library_of_the_folder_is_not_ours(mine: Path) -> None:
    for name in ("select", "json", "socket"):
        mine.with_name(f"{name}.py").write_text("raise RuntimeError('not this one')\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tiptoe", "run", "textbook/TB-17*", "--dut", "./mine.py:Mine"],
        cwd=mine.parent,
        env={**os.environ, "PYTHONPATH": str(Path(tiptoe.__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1, done.stderr  # it is silent


def test_a_bad_capability_file_stops_the_run(tiptoe_command: Run, test_device: Devices, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("mtuu: 3\n")
    done = tiptoe_command("run", "textbook/TB-0*", "--dut", test_device("odd"), "--capabilities", str(path))
    assert done.returncode == 2
    assert done.stderr == f"tiptoe: {path}:1: unknown key `mtuu`; did you mean mtu?\n"
