# SPDX-License-Identifier: Apache-2.0
"""The devices that ship beside the engine. Where the library or the rights are missing, their tests are skipped."""

from __future__ import annotations

import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import tiptoe
from tiptoe import CallStatus, State, Verdict, plug
from tiptoe.runner import DeviceSpec, Job, run

Run = Callable[..., Any]

PEER = "10.0.1.1"


@pytest.fixture(params=["linux", "lwip"])
def device(request: pytest.FixtureRequest) -> tiptoe.Device:
    return _make(request.param)


def _make(name: str) -> tiptoe.Device:
    if name not in plug.shipped():
        pytest.skip(f"the device {name} was not built")
    try:
        return tiptoe.Device(name, settings={"LOCAL_IP0": 0x0A000001})
    except tiptoe.DeviceError as e:
        pytest.skip(f"the device {name} cannot be made here: {e}")


def test_the_three_way_handshake_and_some_octets(device: tiptoe.Device) -> None:
    at_once = 200_000 if device.capabilities["real_time"] else 0  # a busy machine may be late
    listener = device.open_passive(7).handle
    syn = tiptoe.Segment(src=PEER, dst="10.0.0.1", src_port=40000, dst_port=7, flags=tiptoe.SYN, seq=100, window=5000)
    device.inject(syn)
    answer = device.run_until_output(at_once)
    assert answer is not None
    got = answer.segment
    assert (got.flags, got.ack) == (tiptoe.SYN | tiptoe.ACK, 101)
    assert got.seq is not None
    ack = tiptoe.Segment(
        src=PEER, dst="10.0.0.1", src_port=40000, dst_port=7, flags=tiptoe.ACK, seq=101, ack=got.seq + 1, window=5000
    )
    device.inject(ack)
    accepted = device.accept(listener)
    assert accepted.status is CallStatus.OK
    assert device.status(accepted.handle).state is State.ESTABLISHED
    assert device.send(accepted.handle, b"hello").length == 5
    sent = device.run_until_output(at_once)
    assert sent is not None
    assert sent.segment.payload == b"hello"


def test_what_the_capability_file_promises_can_be_set(device: tiptoe.Device) -> None:
    capabilities = device.capabilities
    features = {"RST5961", "SYN5961", "ACK5961", "RFC1337", "TW_REUSE", "DELACK", "DF", "FIXED_ISS"}
    values = {"MTU": 1400, "RTO_MIN": 400_000, "RTO_MAX": 30_000_000, "USER_TIMEOUT": 5_000_000, "CH_WINDOW": 1_000_000}
    for name in sorted(capabilities["settable"]):
        if name in features:
            device.reset(**{f"FEATURES.{name}": 1})
            device.reset(**{f"FEATURES.{name}": 0})
        else:
            device.reset(**{name: values.get(name, 5)})
    with pytest.raises(tiptoe.DeviceError, match="ISN_KEY0"):
        device.reset(ISN_KEY0=5)


def test_every_reset_is_a_fresh_lwip() -> None:
    device = _make("lwip")
    first = tiptoe.run_case("textbook/TB-03a-close-in-three", device)
    second = tiptoe.run_case("textbook/TB-03a-close-in-three", device)
    assert first.verdict is Verdict.PASS
    assert first.ladder == second.ladder


def test_cases_pass(device: tiptoe.Device) -> None:
    job = Job(DeviceSpec(device.kind))
    device.shut_down()
    # Behaviour that no stack gets wrong and no slow machine disturbs.
    wanted = ["textbook/TB-01b-active-open", "textbook/TB-24-simultaneous-close", "textbook/TB-31f-address-precedence"]
    if device.kind == "linux":
        wanted += ["protocol/urgent-length", "protocol/challenge-limit-set"]
    else:  # lwIP answers addresses of its own without the thread that it would like to have for that
        wanted += ["hostile/land-cross", "protocol/datagram-from-loopback", "protocol/datagram-from-itself"]
    results = run([c for name in wanted for c in tiptoe.cases(name)], job, jobs=4)
    assert [r.verdict for r in results] == [Verdict.PASS] * len(wanted), [r.message for r in results]


def _accepted(device: tiptoe.Device) -> tuple[tiptoe.Handle, dict[str, Any], int]:
    """A connection from PEER that the user has accepted, what all segments to it have in common, and their ACK. The
    next one begins at 101."""
    listener = device.open_passive(7).handle
    numbers: dict[str, Any] = {"src": PEER, "dst": "10.0.0.1", "src_port": 40000, "dst_port": 7, "window": 5000}
    device.inject(tiptoe.Segment(flags=tiptoe.SYN, seq=100, **numbers))
    answer = device.run_until_output(200_000)
    assert answer is not None
    assert answer.segment.seq is not None
    ack = answer.segment.seq + 1
    device.inject(tiptoe.Segment(flags=tiptoe.ACK, seq=101, ack=ack, **numbers))
    handle = device.accept(listener).handle
    return handle, numbers, ack


def test_linux_tells_of_the_urgent_pointer_in_whatever_thread() -> None:
    """The kernel tells one thread; when another one takes over, it is asked what there is."""
    device = _make("linux")
    handle, numbers, ack = _accepted(device)

    def urgent_told(seq: int, pointer: int) -> int:
        """How often, when 10 octets have come whose urgent pointer is far beyond them."""
        flags = tiptoe.ACK | tiptoe.PSH | tiptoe.URG
        device.inject(tiptoe.Segment(flags=flags, seq=seq, ack=ack, urgent=pointer, payload=b"x" * 10, **numbers))
        told = [device.poll_notification() for _ in range(8)]
        return sum(n is not None and n.handle == handle and bool(n.flags & tiptoe.Notify.URGENT) for n in told)

    assert urgent_told(101, 1000) == 1  # comes
    assert urgent_told(111, 990) == 0  # is the same
    assert urgent_told(121, 1000) == 1  # has moved on
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(urgent_told, 131, 1500).result() == 1
        assert pool.submit(urgent_told, 141, 2500).result() == 1
    assert device.receive(handle, 50).length == 50
    device.shut_down()


def test_linux_is_asked_when_the_queue_of_signals_is_too_short() -> None:
    device = _make("linux")
    limits = resource.getrlimit(resource.RLIMIT_SIGPENDING)
    resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, limits[1]))
    try:
        handle, numbers, ack = _accepted(device)
        device.notifications()
        flags = tiptoe.ACK | tiptoe.PSH | tiptoe.URG
        device.inject(tiptoe.Segment(flags=flags, seq=101, ack=ack, urgent=1000, payload=b"x" * 10, **numbers))
        told = [n.flags for n in device.notifications() if n.handle == handle]
        assert told == [tiptoe.Notify.READABLE | tiptoe.Notify.URGENT]
    finally:
        resource.setrlimit(resource.RLIMIT_SIGPENDING, limits)
    device.shut_down()


def test_what_was_not_read_when_linux_forgot_the_connection_can_be_read() -> None:
    _make("linux").shut_down()
    device = tiptoe.Device("linux", arguments="sysctl.tcp_max_tw_buckets=0", settings={"LOCAL_IP0": 0x0A000001})
    handle, numbers, ack = _accepted(device)
    assert device.close(handle).status is CallStatus.OK
    flags = tiptoe.ACK | tiptoe.FIN
    device.inject(tiptoe.Segment(flags=flags, seq=101, ack=ack + 1, payload=b"farewell", **numbers))
    told = tiptoe.Notify(0)
    while (n := device.poll_notification()) is not None:
        told |= n.flags if n.handle == handle else tiptoe.Notify(0)
    assert tiptoe.Notify.CLOSED in told
    assert tiptoe.Notify.PEER_FIN in told
    assert device.receive(handle, 4).data == b"fare"
    assert device.receive(handle, 100).data == b"well"
    assert device.receive(handle, 100).status is CallStatus.NO_CONNECTION
    device.shut_down()


def test_linux_refuses_a_second_listener_of_the_same_address() -> None:
    device = _make("linux")
    assert device.open_passive(7).status is CallStatus.OK
    assert device.open_passive(7).status is CallStatus.EXISTS
    assert device.open_passive(7, local_ip="10.0.0.1").status is CallStatus.OK
    assert device.open_passive(7, local_ip="10.0.0.1").status is CallStatus.EXISTS
    assert device.open_passive(8).status is CallStatus.OK
    device.shut_down()


def test_a_wish_is_no_need() -> None:
    """lwIP's timers cannot be slowed down: the exchange is judged all the same, but not where times are the matter."""
    device = _make("lwip")
    assert tiptoe.run_case("transitions/ESTABLISHED/RST-EXACT/default", device).verdict is Verdict.PASS
    times = tiptoe.run_case("transitions/ESTABLISHED/TO-RTX/text", device)
    assert times.verdict is Verdict.INAPPLICABLE
    assert "RTO_INIT" in times.message


def test_simultaneous_open_is_judged_by_cases_of_its_own() -> None:
    device = _make("lwip")
    assert tiptoe.run_case("textbook/TB-23a-simultaneous-open", device).verdict is Verdict.FAIL
    other = tiptoe.run_case("transitions/SYN-RECEIVED/FIN/rfc5961/active", device)
    assert other.verdict is Verdict.INAPPLICABLE
    assert "simultaneous open" in other.message


def test_an_ack_in_a_reset_is_remarked() -> None:
    result = tiptoe.run_case("textbook/TB-18-ack-to-nowhere", _make("lwip"))
    assert result.verdict is Verdict.PASS
    assert any("3.5.2" in remark for remark in result.remarks)


def test_arguments() -> None:
    _make("lwip").shut_down()
    with pytest.raises(tiptoe.DeviceError, match="lwip takes no arguments"):
        tiptoe.Device("lwip", arguments="fast")


def test_linux_says_what_is_missing(tiptoe_command: Run) -> None:
    _make("linux").shut_down()
    done = tiptoe_command("run", "--dut", "linux", "--dut-args", "cc=cubic", "textbook/TB-01*")
    assert done.returncode == 2
    assert "argument 'cc=cubic' is unknown; there is sysctl.NAME=VALUE" in done.stdout + done.stderr
