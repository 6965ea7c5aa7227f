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
