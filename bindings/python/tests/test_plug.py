# SPDX-License-Identifier: Apache-2.0
"""Devices from outside: how they are found, and what is said when they are not."""

from __future__ import annotations

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
        ("modle", "no device 'modle'; did you mean model?"),
        ("toaster", "there are model, rtl, lockstep"),
        ("./nowhere.so", "the device nowhere.so does not exist"),
        ("./nowhere.py:Mine", "there is no file ./nowhere.py"),
        ("nowhere_at_all:Mine", "nowhere_at_all cannot be imported: ModuleNotFoundError"),
        ("{mine}:Mien", "has no class Mien; did you mean Mine?"),
        ("{broken}:Mine", "cannot be imported: SyntaxError"),
    ],
)
def test_what_is_not_found(mine: Path, kind: str, sentence: str) -> None:
    broken = mine.with_name("broken.py")
    broken.write_text("class Mine(:\n")
    with pytest.raises(tiptoe.DeviceError) as e:
        tiptoe.Device(kind.format(mine=mine, broken=broken))
    assert sentence in str(e.value)
    assert "\n" not in str(e.value)


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
    ]:
        done = tiptoe_command("run", "textbook/TB-0*", "--dut", test_device(name))
        assert done.returncode == 2
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


def test_a_bad_capability_file_stops_the_run(tiptoe_command: Run, test_device: Devices, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("mtuu: 3\n")
    done = tiptoe_command("run", "textbook/TB-0*", "--dut", test_device("odd"), "--capabilities", str(path))
    assert done.returncode == 2
    assert done.stderr == f"tiptoe: {path}:1: unknown key `mtuu`; did you mean mtu?\n"
