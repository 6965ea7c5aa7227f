# SPDX-License-Identifier: Apache-2.0
"""What the tests of the package share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiptoe
from tiptoe import ACK, SYN, Segment

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def tiptoe_command(environment: dict[str, str]) -> Run:
    """Runs `tiptoe` as a process of its own: the very package that is tested."""

    def run(*arguments: str, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tiptoe", *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=environment,
        )

    return run


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Environment in which a new Python finds the package that is tested."""
    found = str(Path(tiptoe.__file__).absolute().parent.parent)
    path = [found, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in path if p), "COLUMNS": "200"}


@pytest.fixture(scope="session")
def test_device() -> Callable[[str], str]:
    """Path of a shared object that CMake built for tests (harness/test/devices)."""
    root = Path(__file__).parents[3]
    folder = Path(os.environ.get("TIPTOE_TEST_DEVICES", root / "build" / "release" / "test-devices"))

    def path(name: str) -> str:
        found = folder / f"{name}.so"
        if not found.exists():
            pytest.skip(f"{found} is not built; TIPTOE_TEST_DEVICES names the folder")
        return str(found)

    return path


@pytest.fixture
def model() -> tiptoe.Device:
    """A model at 10.0.0.1 that records."""
    return tiptoe.Device("model", settings={"LOCAL_IP0": 0x0A000001}, record=True)


PEER: dict[str, Any] = {"src": "10.0.1.1", "dst": "10.0.0.1", "src_port": 40000, "dst_port": 80}


@pytest.fixture
def established(model: tiptoe.Device) -> tuple[tiptoe.Device, tiptoe.Handle, Segment]:
    """A device with one accepted connection, its handle, and the segment <SEQ=R><ACK=S><CTL=ACK>."""
    listener = model.open_passive(80)
    assert listener
    (syn_ack,) = model.exchange(Segment(**PEER, flags=SYN, seq=1000, mss=1460))
    ack = Segment(**PEER, flags=ACK, seq=1001, ack=(syn_ack.segment.seq or 0) + 1)
    assert model.exchange(ack) == []
    accepted = model.accept(listener.handle)
    assert accepted
    return model, accepted.handle, ack
