# SPDX-License-Identifier: Apache-2.0
"""Level L0 from the command line: a device of which nothing is known but its capability file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Devices = Callable[[str], str]
Run = Callable[..., Any]

BOX = """
name: box
calls: []
service: {port: 5000, echoes: true}
addresses: [192.168.1.50]
connections: 4
"""


@pytest.mark.parametrize("link", ["ip", "ethernet"])
def test_an_echo_server(tiptoe_command: Run, test_device: Devices, tmp_path: Path, link: str) -> None:
    (tmp_path / "box.yaml").write_text(BOX + f"link: {link}\n")
    (tmp_path / "box.so").symlink_to(test_device("black_box"))
    arguments = "echo ethernet" if link == "ethernet" else "echo"
    done = tiptoe_command(
        *("run", "textbook/*", "transitions/*", "--dut", str(tmp_path / "box.so"), "--dut-args", arguments),
        *("--json", str(tmp_path / "report.json"), "--pcap", str(tmp_path / "pcap")),
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    cases = json.loads((tmp_path / "report.json").read_text())["cases"]
    verdicts = {v: [c for c in cases if c["verdict"] == v] for v in {c["verdict"] for c in cases}}
    assert set(verdicts) == {"pass", "inapplicable"}
    assert len(verdicts["pass"]) > 40
    assert all(c["message"] for c in verdicts["inapplicable"])
    captures = list((tmp_path / "pcap").rglob("*.pcapng"))
    assert captures
    assert any(bytes([192, 168, 1, 50]) in c.read_bytes() for c in captures), "captures have the wire's addresses"


def test_a_fault_is_found(tiptoe_command: Run, test_device: Devices, tmp_path: Path) -> None:
    (tmp_path / "box.yaml").write_text(BOX)
    done = tiptoe_command(
        *("run", "textbook/TB-1*", "--dut", test_device("black_box"), "--dut-args", "echo fault=closed_silent"),
        *("--capabilities", str(tmp_path / "box.yaml")),
    )
    assert done.returncode == 1
    assert "TB-17-nobody-listens" in done.stdout


def test_calls_that_the_file_leaves_out_are_not_made(tiptoe_command: Run, test_device: Devices, tmp_path: Path) -> None:
    """The model has every call, and must not be asked."""
    (tmp_path / "mute.yaml").write_text("calls: []\n")
    mute = ("--dut", test_device("model_device"), "--capabilities", str(tmp_path / "mute.yaml"))
    done = tiptoe_command("run", "transitions/LISTEN/U-*", "transitions/CLOSED/U-*", *mute)
    assert "was not judged" in done.stdout, done.stdout
    assert done.returncode == 2
    assert "FAIL " not in done.stdout
    done = tiptoe_command("run", "transitions/CLOSED/*", *mute)
    assert done.returncode == 0
    assert "inapplicable, because" in done.stdout
    assert "and the device has no `open` (capability calls)" in done.stdout
    assert "cases that apply." in done.stdout


def test_a_device_with_one_address(tiptoe_command: Run, test_device: Devices, tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("settable: [LOCAL_IP0]\n")
    one = ("--dut", test_device("model_device"), "--capabilities", str(path))
    done = tiptoe_command("run", "textbook/*", *one, "--json", str(tmp_path / "report.json"))
    assert done.returncode == 0, done.stdout[-3000:]
    cases = json.loads((tmp_path / "report.json").read_text())["cases"]
    assert sum(c["verdict"] == "pass" for c in cases) > 90
    second = [c["id"] for c in cases if "needs a second address of the device" in c["message"]]
    assert "textbook/TB-31a-precedence" in second
    path.write_text("settable: [MTU]\n")
    done = tiptoe_command("run", "textbook/TB-01*", *one)
    assert done.returncode == 2
    assert "the address of the device cannot be set (capability settable), and it names none of its own" in done.stdout


ECHO = """
0.000 < {}S 0:0(0) win 65535 <mss 1000>
+0.000 > {}S. 0:0(0) ack 1 <...>
+0.010 < {}. 1:1(0) ack 1 win 65535
+0.010 < {}P. 1:6(5) ack 1 win 65535
+0.000 > {}. 1:1(0) ack 6
+0.000 > {}P. 1:6(5) ack 6
+0.010 < {}R. 6:6(0) ack 6 win 0
"""


@pytest.mark.parametrize("ports", [("", ""), ("40000>5000 ", "5000>40000 ")])
def test_a_script_without_calls_meets_the_service(
    tiptoe_command: Run, test_device: Devices, tmp_path: Path, ports: tuple[str, str]
) -> None:
    (tmp_path / "box.yaml").write_text(BOX)
    (tmp_path / "echo.pkt").write_text(ECHO.format(*(ports[n] for n in (0, 1, 0, 0, 1, 1, 0))))
    box = ("--dut", test_device("black_box"), "--dut-args", "echo", "--capabilities", str(tmp_path / "box.yaml"))
    done = tiptoe_command("pkt", str(tmp_path / "echo.pkt"), *box)
    assert "1 scripts: 1 passed" in done.stdout, done.stdout + done.stderr


def test_a_pair_with_a_device_that_has_its_own_address(
    tiptoe_command: Run, test_device: Devices, tmp_path: Path
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("addresses: [10.9.8.7]\n")
    own = ("--a-capabilities", str(path), "--a-args", "settled")
    done = tiptoe_command("pair", test_device("model_device"), "model", *own, "--bytes", "20Ki", "--opens", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every connection ended in order" in done.stdout
