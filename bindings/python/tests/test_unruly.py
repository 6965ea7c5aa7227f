# SPDX-License-Identifier: Apache-2.0
"""What a device can do to the process that it shares, and to the channel between that process and the run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import tiptoe
from tiptoe import CaseResult, Verdict, runner
from tiptoe._channel import LONGEST, Channel, ChannelBroken, Port, channel
from tiptoe.runner import DeviceSpec, Job, Pool

FRAIL = str(Path(__file__).parent / "devices" / "frail.py") + ":Frail"

#: Two of them send URG, at which the device breaks.
CASES = ("protocol/urgent-*", "protocol/user-abort-*")


def judged(arguments: str, seconds: float = 60, jobs: int = 2, mb: int = 2048) -> tuple[list[CaseResult], list[str]]:
    """Results and notes."""
    spec = DeviceSpec(FRAIL, dut_args=arguments)
    cases = [case for pattern in CASES for case in tiptoe.cases(pattern)]
    with Pool(Job(spec, arguments=spec.arguments(), memory_mb=mb), jobs, timeout_s=seconds) as pool:
        results = dict(pool.run(cases))
    assert sorted(results) == list(range(len(cases)))
    return [results[n] for n in range(len(cases))], pool.notes


def verdicts(results: Sequence[CaseResult]) -> set[Verdict]:
    """Of all of them."""
    return {r.verdict for r in results}


def broken(results: Sequence[CaseResult]) -> list[CaseResult]:
    """Those in which the device broke down; all others passed."""
    out = [r for r in results if "urgent" in r.id]
    assert len(out) == 2
    assert verdicts([r for r in results if r not in out]) == {Verdict.PASS}, "the run did not go on"
    return out


WROTE = "wrote into the channel"
CLOSED = "closed a file descriptor that is not its own"


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (
            "partial",
            "did not come back within 1 seconds of wall time (--hang-seconds); its process was stopped. A part",
        ),
        ("huge", WROTE),
        ("negative", WROTE),
        ("bad-sum", WROTE),
        ("flood", WROTE),
        ("close", CLOSED),
        ("close-and-hang", "closed the channel"),
        ("swap", CLOSED),
        ("exit0", "ended with exit code 0. It was in inject()"),
        ("stop", "which had stopped itself (SIGSTOP)"),
        ("deaf", "did not come back within 1 seconds"),
        ("fill", "did not come back within 1 seconds"),
        ("journal", "ended with exit code 9"),
    ],
)
def test_its_case_fails_and_the_run_goes_on(how: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_EXITING", 0.5)
    begin = time.monotonic()
    results, notes = judged(how, seconds=1)
    assert time.monotonic() - begin < 60
    for r in broken(results):
        assert r.verdict is Verdict.FAIL, r.message
        assert sentence in r.message
        assert len(r.message) < 5000
        assert all(c.isprintable() or c in "\n\t" for c in r.message + r.ladder)
    assert notes == []


def test_a_child_that_holds_its_files_open(tmp_path: Path) -> None:
    begin = time.monotonic()
    results, _ = judged(f"child-stays {tmp_path / 'pid'}", seconds=50)
    assert time.monotonic() - begin < 40, "waited for the child"
    assert all("ended with exit code 9" in r.message for r in broken(results))
    child = int((tmp_path / "pid").read_text())
    assert gone(child), "the child outlived the worker"


def gone(process: int) -> bool:
    """It ends within some seconds; a zombie that nobody waits for has ended."""
    for _ in range(1000):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_child_that_comes_back_into_the_suite() -> None:
    results, notes = judged("child-comes-back")
    assert {r.verdict for r in broken(results)} == {Verdict.PASS}  # of its one worker
    assert notes == []


def test_memory_that_nobody_has() -> None:
    """An exception of the adapter, not the end of the process."""
    results, _ = judged("memory-at-once")
    assert {r.verdict for r in broken(results)} == {Verdict.ERROR}
    assert all("MemoryError" in r.message for r in broken(results))


def test_what_it_leaves_running(tmp_path: Path) -> None:
    results, notes = judged(f"daemon {tmp_path / 'pid'}", jobs=1)
    assert verdicts(results) == {Verdict.PASS}
    assert notes == []
    assert gone(int((tmp_path / "pid").read_text()))


def test_under_address_sanitizer(test_device: Callable[[str], str], environment: dict[str, str]) -> None:
    """Its shadow memory does not count towards the limit that a device from outside has."""
    compiler = shutil.which("gcc") or pytest.skip("there is no gcc")
    found = [
        subprocess.run(
            [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("libasan.so", "libstdc++.so.6")
    ]
    if not all(os.path.isabs(path) for path in found):
        pytest.skip("gcc has no libasan.so")
    done = subprocess.run(
        [sys.executable, "-m", "tiptoe", "run", "textbook/TB-17*", "--dut", test_device("model_device")],
        env={**environment, "LD_PRELOAD": " ".join(found), "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("how", "sentence"),
    [("destroy-hang", "did not end within 1 seconds and was stopped"), ("destroy-crash", "ended with signal SIGSEGV")],
)
def test_the_end_of_a_device_is_a_note(how: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_EXITING", 1.0)
    results, notes = judged(how, seconds=0.9)
    assert verdicts(results) == {Verdict.PASS}
    assert len(notes) == 2
    assert all(sentence in note and "After its last case" in note for note in notes)


def test_a_device_that_hangs_when_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_MAKING", 1.0)
    with pytest.raises(tiptoe.DeviceError, match="could not be made: that took more than 1 seconds"):
        judged("create-hang", seconds=0.1)


def test_hardware_that_one_process_can_have(tmp_path: Path) -> None:
    results, notes = judged(f"once {tmp_path / 'lock'}", jobs=3)
    assert verdicts(results) == {Verdict.PASS}
    (note,) = notes
    assert note.startswith("No more than 1 device at a time could be made")


def test_a_device_that_cannot_be_made_again(tmp_path: Path) -> None:
    results, _ = judged(f"not-again {tmp_path / 'made'}", jobs=1)
    assert [r.verdict for r in results][:1] == [Verdict.FAIL]
    assert verdicts(results[1:]) == {Verdict.ERROR}
    assert all("could not be made again" in r.message and "does not answer any more" in r.message for r in results[1:])
    assert len((tmp_path / "made").read_text()) == 4, "it was tried again and again"


# ---- the channel alone


def whole(ours: Channel) -> tuple[list[object], bool | None]:
    """What is there, and how it ended: None, it did not; else whether by something foreign."""
    out: list[object] = []
    try:
        out.extend(ours.read())
    except ChannelBroken as e:
        return out, e.foreign
    return out, None


def test_the_channel_keeps_messages_whole() -> None:
    ours, theirs = channel()
    with theirs:
        port = Port(theirs.fileno())
        port.send({"a": 1})
        port.send("two")
        assert list(ours.read()) == [{"a": 1}, "two"]
        big = bytes(300_000)
        ours.send(big)
        pieces = []
        while ours.unsent:
            pieces.append(theirs.recv(1 << 20))
            assert pieces[-1]
            ours.flush()
        assert pieces, "it took all at once"
    assert whole(ours) == ([], False)
    ours.close()


def test_half_a_message_waits() -> None:
    ours, theirs = channel()
    spare, other = channel()
    Port(other.fileno()).send(["text"] * 100)
    octets = spare._socket.recv(1 << 16)
    for octet in range(len(octets)):
        assert list(ours.read()) == []
        theirs.send(octets[octet : octet + 1])
    assert list(ours.read()) == [["text"] * 100]
    theirs.send(octets[:20])
    theirs.close()
    assert whole(ours) == ([], True)
    ours.close()
    spare.close()
    other.close()


@pytest.mark.parametrize("position", [0, 3, 4, 7, 9, 12, 20])
def test_one_wrong_bit_is_noticed(position: int) -> None:
    ours, theirs = channel()
    spare, other = channel()
    Port(other.fileno()).send(("result", 3, "x" * 50))
    octets = bytearray(spare._socket.recv(1 << 16))
    octets[position] ^= 0x40
    theirs.send(octets)
    theirs.close()
    assert whole(ours) == ([], True)
    ours.close()
    spare.close()
    other.close()


def test_the_limit_fits_the_header() -> None:
    assert LONGEST < 1 << 32
