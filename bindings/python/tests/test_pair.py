# SPDX-License-Identifier: Apache-2.0
"""`tiptoe pair`: two devices as each other's peers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiptoe
from tiptoe import cli, plug

BAD_LINK = ["--loss", "3", "--duplicate", "2", "--reorder", "2", "--corrupt", "1"]


def pair(tmp_path: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    report = tmp_path / "pair.json"
    code = cli.main(["pair", *arguments, "--json", str(report)])
    return code, json.loads(report.read_text())


def need(name: str) -> None:
    if name not in plug.shipped():
        pytest.skip(f"the device {name} was not built")
    try:
        tiptoe.Device(name, settings={"LOCAL_IP0": 0x0A000001}).shut_down()
    except tiptoe.DeviceError as e:
        pytest.skip(f"the device {name} cannot be made here: {e}")


def test_two_engines_over_a_bad_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["model", "model", "--bytes", "64Ki", "--opens", "40", *BAD_LINK, "--seed", "4"]
    code, first = pair(tmp_path, *wanted)
    out = capsys.readouterr().out
    assert code == 0, out
    assert "Everything arrived, every connection ended in order." in out
    result = first["result"]
    assert result["failures"] == []
    assert result["connections"] == 42
    for end in (result["a"], result["b"]):
        assert end["octets"] == 65536 + 40 * 512
        assert end["lost"] > 0
        assert end["time_wait"] == 0
    assert result["a"]["opened"] + result["b"]["opened"] == 42
    _, second = pair(tmp_path, *wanted)
    assert second["result"]["digest"] == result["digest"]


def test_lockstep_and_rtl(tmp_path: Path) -> None:
    code, report = pair(tmp_path, "lockstep", "rtl", "--bytes", "4000", "--opens", "4", "--loss", "5")
    assert code == 0
    assert report["result"]["failures"] == []


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("model", ["--bytes", "200k", "--opens", "300"]),
        ("lockstep", ["--bytes", "20k", "--opens", "4"]),
        ("lwip", ["--bytes", "100k", "--opens", "20"]),  # each has a copy of the library to itself
    ],
)
def test_lwip(kind: str, more: list[str], tmp_path: Path) -> None:
    need("lwip")
    code, report = pair(tmp_path, kind, "lwip", *more, *BAD_LINK)
    assert code == 0, report["result"]["failures"]


@pytest.mark.parametrize(
    "more",
    [
        ["--bytes", "20k", "--opens", "4", "--msl", "0.2"],
        # Hundreds in TIME_WAIT, and some whose time there the kernel cuts short while text waits to be read.
        ["--opens", "400", "--msl", "0.05", "--loss", "1", "--a-args", "sysctl.tcp_max_tw_buckets=128"],
    ],
)
def test_linux(more: list[str], tmp_path: Path) -> None:
    need("linux")
    code, report = pair(tmp_path, "linux", "model", *more)
    assert code == 0, report["result"]["failures"]
    assert report["real_time"]
    assert report["result"]["digest"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["model", "model"], "nothing to do"),
        (["model", "modle", "--opens", "1"], "no device 'modle'"),
        (["model", "model", "--opens", "some"], "is not a number like"),
        (["model", "model", "--opens", "1", "--size", "3"], "at least 4 octets"),
        (["model", "mine.py:Mine", "--opens", "1"], "shipped device or a shared object"),
    ],
)
def test_bad_arguments(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pair", *arguments]) == 2
    assert words in capsys.readouterr().err
