# SPDX-License-Identifier: Apache-2.0
"""Capability files: every key arrives, and every mistake is told with its line."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import tiptoe
from tiptoe import capabilities
from tiptoe.dut import Dut


def read(tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return capabilities.read(path)


class Minimal(Dut):
    """Enough of a device to hold capabilities."""

    time = 0

    def reset(self, settings: Any, seed: int) -> None:
        self.time = 0

    def inject(self, datagram: bytes) -> None: ...

    def poll_output(self) -> None:
        return None

    def advance(self, us: int) -> None:
        self.time += us

    @property
    def now_us(self) -> int:
        return self.time

    def status(self, handle: tiptoe.Handle) -> tiptoe.CallResult:
        return tiptoe.CallResult(tiptoe.CallStatus.OK)


WHOLE = """\
name: mine
description: a board on the bench
calls: [status, state]
service: {port: 7, reads: false, echoes: true, closes: false, talks: true}
client: {port: 9, within_us: 5, reads: false, closes: false}
link: ethernet
addresses: [10.0.0.9, 192.168.1.1]
peers: [10.0.0.8]
mtu: 576
real_time: true
at_once_us: 11
timer_tolerance_us: 12
quiet_us: 13
longest_wait_us: 14
connections: 15
listeners: 0
send_buffer: 17
receive_buffer: 18
settable: [MSL, FEATURES.DF]
fixed: {RTO_MIN: 200000, DELACK: 0}
choices: {zero_window_probe: empty}
counters: [InSegs]
"""


def test_every_key_reaches_the_device(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(WHOLE)
    with tiptoe.Device(Minimal(), capabilities=str(path)) as device:
        got = device.capabilities
    assert got == {
        "name": "mine",
        "description": "a board on the bench",
        "calls": {"status", "state"},
        "calls_promised": True,
        "service": {"port": 7, "reads": False, "echoes": True, "closes": False, "talks": True},
        "client": {"port": 9, "within_us": 5, "reads": False, "closes": False},
        "ethernet": True,
        "addresses": [0x0A000009, 0xC0A80101],
        "peers": [0x0A000008],
        "mtu": 576,
        "real_time": True,
        "at_once_us": 11,
        "timer_tolerance_us": 12,
        "quiet_us": 13,
        "longest_wait_us": 14,
        "connections": 15,
        "listeners": 0,
        "send_buffer": 17,
        "receive_buffer": 18,
        "all_settings": False,
        "settable": {"MSL", "DF"},
        "fixed": {"RTO_MIN": 200000, "DELACK": 0},
        "choices": {"zero_window_probe": "empty"},
        "all_counters": False,
        "counters": {"InSegs"},
    }


def test_the_schema_knows_what_the_example_has() -> None:
    schema = json.loads((resources.files("tiptoe") / "data" / "capabilities.schema.json").read_text())
    assert set(schema["properties"]) == {line.partition(":")[0] for line in WHOLE.splitlines()}
    assert set(schema["properties"]["calls"]["items"]["enum"]) == tiptoe._core.all_calls()


def test_every_key_is_documented() -> None:
    schema = json.loads((resources.files("tiptoe") / "data" / "capabilities.schema.json").read_text())
    page = Path(__file__).parents[3] / "docs" / "plug-in.md"
    text = page.read_text()
    for key in schema["properties"]:
        assert f"`{key}`" in text, key


def test_every_open_question_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "plug-in.md").read_text()
    _, _, below = text.partition("### What the RFCs leave open")
    rows = [line for line in below.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{name}` | {', '.join(f'`{a}`' for a in answers)} | {question} |"
        for name, answers, question in tiptoe._core.choices()
    ]


def test_the_engine_is_held_to_its_own_answers() -> None:
    with tiptoe.Device("model") as device:
        assert device.capabilities["choices"] == {name: answers[0] for name, answers, _ in tiptoe._core.choices()}


def test_nothing_said_is_everything(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing\n")["all_settings"]
    assert read(tmp_path, "settable: all\nfixed: {FEATURES: 5}\n")["fixed"] == {
        "RST5961": 1, "SYN5961": 0, "ACK5961": 1, "RFC1337": 0, "TW_REUSE": 0, "DELACK": 0, "DF": 0, "FIXED_ISS": 0,
    }  # fmt: skip
    assert read(tmp_path, "settable: [FEATURES]\n")["settable"] == list(capabilities.FEATURES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: x\nserivce: {port: 7}\n", "mine.yaml:2: unknown key `serivce`; did you mean service?"),
        ("service:\n  prot: 7\n  port: 7\n", "mine.yaml:2: unknown key `prot` in `service`; did you mean port?"),
        ("service: {reads: true}\n", "mine.yaml:1: `service` needs the key `port`: the port that it listens on"),
        ("mtu: big\n", "mine.yaml:1: `mtu` must be a whole number from 68 to 65535 (the longest datagram, in octets)"),
        ("mtu: big\n", "not 'big'"),
        ("at_once_us: 1.5\n", "`at_once_us` must be a whole number of at least 0"),
        ("\n\nreal_time: 1\n", "mine.yaml:3: `real_time` must be true or false"),
        ("service: {port: 70000}\n", "`service.port` must be a whole number from 1 to 65535 (the port"),
        ("calls: [listen, accept,\n  recieve]\n", "mine.yaml:2: `calls[2]` must be one of listen, open"),
        ("calls: [recieve]\n", "not 'recieve'; did you mean receive?"),
        ("calls: listen\n", "`calls` must be a list (the user calls that the device has), not 'listen'"),
        ("calls: [state]\n", "`calls` has `state` without `status`"),
        ("addresses: [10.0.0.300]\n", "`addresses[0]` must be an IPv4 address such as 10.0.0.1"),
        ("addresses: []\n", "`addresses` must be a list of 1 to 4 entries"),
        ("link: wifi\n", "`link` must be one of ip, ethernet"),
        ("settable: [RTO_MINN]\n", "there is no setting RTO_MINN; did you mean RTO_MIN"),
        ("settable: [InSegs]\n", "there is no setting InSegs"),
        ("settable: some\n", '`settable` must be "all" or a list of names'),
        ("fixed:\n  MSL: 1\n  RT0_MIN: 1\n", "mine.yaml:3: there is no setting RT0_MIN"),
        ("fixed: {MSL: -1}\n", "`fixed.MSL` must be a whole number of at least 0"),
        ("fixed: {MSL: 1}\nsettable: [MSL]\n", "MSL is under `fixed` and under `settable`"),
        ("counters: [MSL]\n", "there is no counter MSL"),
        ("choices:\n  zero_window_prob: empty\n", "mine.yaml:2: there is no question zero_window_prob; did you mean"),
        ("choices: {zero_window_probe: emty}\n", "must be one of text, empty, not 'emty'; did you mean empty?"),
        ("choices: [empty]\n", "`choices` must be a block of `key: value` lines"),
        ("mtu: 1500\nmtu: 1500\n", "mine.yaml:2: the key `mtu` stands here a second time"),
        ("- listen\n", "a capability file is a list of `key: value` lines, not a list"),
        ("calls: [listen\n", "mine.yaml:2: this is not YAML: "),
        ("mtu: 2026-13-45\n", "(the longest datagram, in octets), not '2026-13-45'"),
        ("mtu: 1500\nname: \"\x07\"\n", "mine.yaml:2: this is not YAML: the character U+0007 may not stand there"),
        ("mtu: 1\n---\nmtu: 2\n", "mine.yaml:2: this is not YAML: but found another document"),
        ("calls: &a [*a]\n", "mine.yaml:1: aliases (&, *) are not taken here"),
        ("calls: &a [open]\ncounters: *a\n", "mine.yaml:2: aliases (&, *) are not taken here: write the value of"),
        ("a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "mine.yaml:2: aliases"),
        ("name: *x\n", "this is not YAML: found undefined alias"),
        ("\n? [a]\n: 3\n", "mine.yaml:2: a key must be a word"),
        ("mtu: !!python/object/apply:os.getcwd []\n", "`mtu` must be a whole number"),
        ("mtu: " + "9" * 5000, "mine.yaml:1: '9999999999999999999999999999999999999999' is no value"),
        ("mtu: " + "9" * 100, "not a number of more than 40 digits"),
        ("name: " + "[" * 2000 + "]" * 2000, "this is nested too deeply"),
        ("name: [" + "x" * (1 << 20), "is larger than 1 MiB"),
        ("longest_wait_us: 99999999999999999999999\n", "must be a whole number of at most 9007199254740991 ("),
        ("fixed: {MSL: 4294967296}\n", "`fixed.MSL` must be a whole number of at most 4294967295"),
        ("connections: 4294967296\n", "`connections` must be a whole number of at most 4294967295"),
        ("addresses: [10.0.0.1, 10.0.0.1]\n", "`addresses[1]` is 10.0.0.1, as `addresses[0]` is"),
        ("addresses: [10.0.0.1]\npeers: [10.0.0.1]\n", "mine.yaml:2: `peers[0]` is 10.0.0.1, as `addresses[0]` is"),
        ("addresses: [0.0.0.0]\n", "`addresses[0]` must be the address of one host, not 0.0.0.0"),
        ("peers: [224.0.0.1]\n", "`peers[0]` must be the address of one host"),
    ],
)  # fmt: skip
def test_mistakes_are_told(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(tiptoe.UsageError) as e:
        read(tmp_path, text)
    assert sentence in str(e.value)
    assert "\n" not in str(e.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(tiptoe.UsageError, match="none.yaml cannot be read: No such file"):
        capabilities.read(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(tiptoe.UsageError, match="it is no UTF-8 text"):
        capabilities.read(tmp_path / "binary.yaml")
