# SPDX-License-Identifier: Apache-2.0
"""`tiptoe new-dut`: what it writes builds, runs and is judged; what it cannot write is said in one sentence."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiptoe import CallStatus, Device, Handle, UsageError, cli, new_dut

Run = Callable[..., Any]

CLOSED = ["transitions/CLOSED/*/base", "transitions/CLOSED/SYNACK/base/in-window", "textbook/TB-17*"]


@pytest.fixture(scope="module")
def tiptoe(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> dict[str, str]:
    """An environment in which TIPTOE is the command that is tested, as ./ci wants it."""
    script = tmp_path_factory.mktemp("bin") / "tiptoe"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tiptoe "$@"\n')
    script.chmod(0o755)
    return {**environment, "TIPTOE": str(script)}


def judged(folder: Path, environment: dict[str, str], *patterns: str) -> tuple[int, dict[str, Any], str]:
    """Runs ./ci on these cases: exit code, report, what was printed."""
    done = subprocess.run(
        ["./ci", "--jobs", "1", *patterns], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    report = folder / "build" / "report" / "verdicts.json"
    return done.returncode, json.loads(report.read_text()) if report.exists() else {}, done.stdout + done.stderr


def test_python(tmp_path: Path, tiptoe: dict[str, str]) -> None:
    written = new_dut.write("my_nic", "python", tmp_path)
    assert written.device == "./my_nic.py:MyNic"
    code, report, out = judged(written.path, tiptoe, *CLOSED)
    assert code == 0, out
    assert report["summary"]["passed"] == len(report["cases"]) >= 22, out
    # What the device lacks is no failure, and says so; but where nothing is judged, nothing conforms.
    code, report, out = judged(written.path, tiptoe, "textbook/TB-02b*")
    assert code == 2, out
    assert "was not judged" in out
    assert {c["outcome"] for c in report["cases"]} == {"inapplicable"}
    assert "OPEN passive (listen)" in report["cases"][0]["message"]
    # The verdicts come from the device: one that is silent fails.
    adapter = written.path / "my_nic.py"
    adapter.write_text(adapter.read_text().replace("self._outputs.append(", "print("))
    code, report, out = judged(written.path, tiptoe, *CLOSED)
    assert code == 1, out
    assert report["summary"]["failed"] > 10


def test_c(tmp_path: Path, tiptoe: dict[str, str]) -> None:
    written = new_dut.write("my_nic", "c", tmp_path)
    assert written.device == "build/my_nic.so"
    code, report, out = judged(written.path, tiptoe, *CLOSED)
    assert code == 0, out
    assert "warning" not in out
    assert report["summary"]["passed"] == len(report["cases"]) >= 22, out
    # One that gives another sequence number fails; the capability file is taken along when it alone has changed.
    source = written.path / "device.c"
    source.write_text(source.read_text().replace("put32(out + 4, get32(tcp + 8));", "put32(out + 4, get32(tcp + 4));"))
    file = written.path / "my_nic.yaml"
    file.write_text(file.read_text().replace("name: my_nic", "name: renamed"))
    code, report, out = judged(written.path, tiptoe, *CLOSED, "textbook/TB-02b*")
    assert code == 1, out
    assert report["summary"]["failed"] > 10
    assert "name: renamed" in (written.path / "build" / "my_nic.yaml").read_text()
    assert {c["outcome"] for c in report["cases"] if c["id"].startswith("textbook/TB-02b")} == {"inapplicable"}


@pytest.fixture(scope="session")
def verilator() -> str:
    """The simulator; without it there is nothing to test."""
    found = shutil.which("verilator")
    if found is None:
        pytest.skip("verilator is not installed")
    return found


@pytest.mark.parametrize("frames", new_dut.FRAMES)
@pytest.mark.parametrize("width", [8, 24, 64, 512, new_dut.WIDEST])
def test_rtl_is_clean(tmp_path: Path, verilator: str, width: int, frames: str) -> None:
    written = new_dut.write("my_nic", "rtl", tmp_path, frames=frames)
    subprocess.run(
        [verilator, "--lint-only", "-Wall", f"-GDATA_W={width}", written.path / "my_nic_top.sv"],
        check=True,
        env={k: v for k, v in os.environ.items() if k != "VERILATOR_ROOT"},
    )


@pytest.mark.timeout(400)
def test_rtl(tmp_path: Path, tiptoe: dict[str, str], verilator: str) -> None:
    written = new_dut.write("my_nic", "rtl", tmp_path, width=24, frames=new_dut.FRAMES[-1])
    environment = {**tiptoe, "CMAKE_BUILD_PARALLEL_LEVEL": "2"}
    if shutil.which("ccache"):  # most of it is Verilator's run-time, the same every time
        environment["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    # One file and no optimisation: half the processor time.
    quick = ["-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_CXX_FLAGS_RELEASE=-O0"]
    subprocess.run(["cmake", "-B", "build", *quick], cwd=written.path, env=environment, check=True, capture_output=True)
    code, report, out = judged(written.path, environment, *CLOSED, "textbook/TB-02b*")
    assert code == 0, out
    assert "warning" not in out.lower()
    assert report["device"]["description"] == f"my_nic, {new_dut.FRAMES[-1]}, DATA_W=24"
    outcomes = {c["id"]: c["outcome"] for c in report["cases"]}
    lacking = {n for n in outcomes if n.startswith("textbook/TB-02b")}
    assert {outcomes[n] for n in lacking} == {"inapplicable"}
    assert {o for n, o in outcomes.items() if n not in lacking} == {"passed"}
    assert report["summary"]["passed"] >= 22
    assert all(c["cycles"] > 0 for c in report["cases"] if c["outcome"] == "passed")
    # User calls reach the design's own control port, and its answers come back.
    with Device(str(written.path / "build" / "my_nic.so"), settings={"LOCAL_IP0": 0x0A000001}) as device:
        assert device.status(Handle(3)).status is CallStatus.NO_CONNECTION


def test_options_of_rtl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in [
        (["--kind", "c", "--width", "64"], "--width is for --kind rtl, not for c"),
        (["--kind", "python", "--frames", "ip"], "--frames is for --kind rtl, not for python"),
        (["--kind", "rtl", "--width", "65"], "a beat of 65 bits cannot be had"),
        (["--kind", "rtl", "--width", "0"], "a beat of 0 bits cannot be had"),
        (["--kind", "rtl", "--width", "2048"], "at most 1024"),
        (["--kind", "rtl", "--frames", "token"], "no frames 'token'; there are ip, ethernet"),
    ]:
        assert cli.main(["new-dut", "mine", *arguments, "--into", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert sentence in said
        assert said.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_the_headers(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--include"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert {f.name for f in (folder / "tiptoe").iterdir()} == {
        "capabilities.hpp",
        "dut.hpp",
        "dut_abi.h",
        "dut_export.hpp",
    }


@pytest.mark.parametrize("kind", new_dut.KINDS)
def test_what_is_written(tmp_path: Path, kind: str) -> None:
    written = new_dut.write("abc", kind, tmp_path / "far" / "away")
    assert written.path == tmp_path / "far" / "away" / "abc"
    found = {str(f.relative_to(written.path)) for f in written.path.rglob("*") if f.is_file()}
    assert found == set(written.files)
    assert {"README.md", "ci", "abc.yaml", ".gitignore", ".github/workflows/conformance.yml"} <= found
    for name in found:
        text = (written.path / name).read_text()
        assert not re.search(r"@\{|\}@|@%|%@|@#|#@|\bNAME\b", text), name
        assert text.endswith("\n"), name
        assert not re.search(r"[ \t]$", text, re.M), name
    assert os.access(written.path / "ci", os.X_OK)
    assert os.listdir(written.path.parent) == ["abc"]  # no draft is left
    subprocess.run(["bash", "-n", written.path / "ci"], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", written.path / "ci"], check=True)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "it is empty. Try mydevice"),
        ("my-nic", "a letter first. Try my_nic"),
        ("MyNic", "Try mynic"),
        ("9p", "Try my_9p"),
        ("../evil", "Try evil"),
        ("a/b", "Try a_b"),
        ("nic\n", "Try nic"),
        ("café", "Try caf"),
        ("class", "that word is taken. Try my_class"),
        ("always_ff", "that word is taken. Try my_always_ff"),
        ("model", "that word is taken. Try my_model"),
        ("While", "Try my_while"),
        ("x" * 41, "it has 41 characters, 40 are allowed. Try " + "x" * 40),
    ],
)
def test_bad_names(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(UsageError, match="a device cannot be called") as e:
        new_dut.write(name, "python", tmp_path)
    assert why in str(e.value)
    assert os.listdir(tmp_path) == []
    new_dut.check_name(str(e.value).rsplit(" ", 1)[1])  # what is advised is good


def test_nothing_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "work").write_text("of a week")
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("mine", "file", "link"):
        assert cli.main(["new-dut", name, "--kind", "python", "--into", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert "is there already, and stays as it is" in said
        assert said.count("\n") == 1
    assert (folder / "work").read_text() == "of a week"
    assert sorted(os.listdir(tmp_path)) == ["file", "link", "mine"]
    assert cli.main(["new-dut", "new", "--kind", "python", "--into", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(UsageError, match=r"mine cannot be written: No space left on device"):
        new_dut.write("mine", "python", tmp_path)
    assert os.listdir(tmp_path) == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new-dut", "mine", "--kind", "pyhton", "--into", str(tmp_path)]) == 2
    assert "no kind 'pyhton' of device; did you mean python?" in capsys.readouterr().err
    assert cli.main(["new-dut", "mine"]) == 2
    assert "--kind" in capsys.readouterr().err
    assert cli.main(["new-dut", "mine", "--kind", "python", "--into", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"cd {tmp_path}/mine" in out
    assert "tiptoe run --dut ./mine.py:Mine 'transitions/CLOSED/*'" in out
