# SPDX-License-Identifier: Apache-2.0
"""Devices: time, user calls, settings, recording, threads, mistakes."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import tiptoe
from tiptoe import ACK, FIN, PSH, RST, SYN, CallStatus, EventKind, Notify, Segment, State, _core

PEER: dict[str, Any] = {"src": "10.0.1.1", "dst": "10.0.0.1", "src_port": 40000, "dst_port": 80}
Established = tuple[tiptoe.Device, tiptoe.Handle, Segment]


def test_handshake_and_data(established: Established) -> None:
    device, handle, ack = established
    assert device.status(handle).state is State.ESTABLISHED
    device.exchange(ack.replace(flags=ACK | PSH, payload=b"hello"))
    received = device.receive(handle)
    assert received.status is CallStatus.OK
    assert received.data == b"hello"
    assert device.receive(handle).status is CallStatus.WOULD_BLOCK
    sent = device.send(handle, b"world!")
    assert sent.length == 6
    datagram = device.run_until_output()
    assert datagram is not None
    assert datagram.segment.payload == b"world!"
    flags = Notify(0)
    for notification in device.notifications():
        if notification.handle == handle:
            flags |= notification.flags
    assert Notify.CONNECTED | Notify.READABLE in flags


def test_close(established: Established) -> None:
    device, handle, ack = established
    assert device.close(handle)
    fin = device.run_until_output()
    assert fin is not None
    assert fin.segment.has(FIN)
    assert device.status(handle).state is State.FIN_WAIT_1
    device.exchange(ack.replace(flags=ACK | FIN, ack=(fin.segment.seq or 0) + 1))
    assert device.status(handle).state is State.TIME_WAIT
    device.advance(240_000_000)
    assert device.status(handle).status is CallStatus.NO_CONNECTION


def test_abort_and_active_open(model: tiptoe.Device) -> None:
    opened = model.open_active("10.0.1.1", 7, local_port=5000)
    assert opened.state is State.SYN_SENT
    syn = model.poll() or model.run_until_output()
    assert syn is not None
    assert syn.segment.has(SYN)
    assert model.abort(opened.handle)
    assert model.open_active("10.0.1.1", 0, local_port=5000).status is CallStatus.REMOTE_UNSPECIFIED


def test_time(model: tiptoe.Device) -> None:
    begin = model.now_us
    model.advance(3_600_000_000)  # an hour of silence costs next to nothing
    assert model.now_us == begin + 3_600_000_000
    assert model.cycles < 1_000_000
    assert model.run_until_output(5_000) is None
    assert model.poll() is None
    assert model.outputs() == []


def test_reset_and_seed(model: tiptoe.Device) -> None:
    def iss(seed: int) -> int | None:
        model.reset(seed, LOCAL_IP0=0x0A000001)
        model.open_passive(80)
        (answer,) = model.exchange(Segment(**PEER, flags=SYN, seq=1))
        return answer.segment.seq

    assert iss(1) == iss(1)
    assert iss(1) != iss(2)


def test_settings_and_counters(established: Established) -> None:
    device, _, ack = established
    assert device.counter("PassiveOpens") == 1
    device.exchange(ack.replace(corrupt_checksum=True))
    assert device.counter("InErrs") == 1
    device.set("TTL", 17)
    device.exchange(ack.replace(seq=1))
    device.exchange(Segment(**PEER, flags=SYN, seq=1).replace(dst_port=81))
    assert device.frames[-1].segment.ttl == 17
    with pytest.raises(tiptoe.DeviceError, match="NO_SUCH"):
        device.set("NO_SUCH", 1)
    with pytest.raises(tiptoe.DeviceError):
        device.counter("Nothing")


def test_recording_and_trace(established: Established) -> None:
    device, _, _ = established
    rows = tiptoe.trace(device.frames)
    assert rows["to_device"].tolist() == [True, False, True]
    assert rows["flags"].tolist() == [SYN, SYN | ACK, ACK]
    assert rows["ack"][1] == 1001
    assert rows["length"].tolist() == [44, 44, 40]
    assert not rows["defective"].any()
    assert (rows["time_us"][1:] >= rows["time_us"][:-1]).all()
    assert "[S.]" in tiptoe.ladder(device.frames)
    assert len(device.take_frames()) == 3
    assert device.frames == []
    device.recording = False
    device.exchange(Segment(**PEER, flags=SYN))
    assert device.frames == []


def test_retire_records(model: tiptoe.Device) -> None:
    assert model.has_retire_records
    model.set_retire_recording()
    model.open_passive(80)
    model.exchange(Segment(**PEER, flags=SYN, seq=1))
    records = model.take_retire_records()
    kinds = [r.kind for r in records]
    assert EventKind.COMMAND in kinds
    segment = next(r for r in records if r.kind is EventKind.SEGMENT)
    assert segment.state is State.SYN_RECEIVED
    assert segment.sent or EventKind.OUTPUT in kinds
    assert [r.order for r in records] == list(range(records[0].order, records[0].order + len(records)))
    assert "SEGMENT" in repr(segment)


def test_faults(model: tiptoe.Device) -> None:
    model.set_fault("closed_silent")
    assert model.exchange(Segment(**PEER, flags=ACK, ack=5)) == []
    with pytest.raises(tiptoe.DeviceError):
        model.set_fault("no_such_fault")


def test_segments_and_octets_are_the_same(model: tiptoe.Device) -> None:
    probe = Segment(**PEER, flags=ACK, ack=77)
    same: list[Any] = [probe, probe.build(), bytearray(probe.build()), memoryview(probe.build())]
    for octets in same:
        (answer,) = model.exchange(octets)
        assert answer.segment.flags is RST
        assert answer.segment.seq == 77


def test_context_manager() -> None:
    with tiptoe.Device() as device:
        assert "model" in device.description
        assert (device.kind, device.width, device.connections) == ("model", 64, 64)
    assert "closed" in repr(device)
    assert device.closed
    device.shut_down()
    for use in (lambda: device.now_us, lambda: device.exchange(b""), device.poll):
        with pytest.raises(tiptoe.UsageError, match="closed"):
            use()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"kind": "toaster"}, "toaster"),
        ({"width": 63}, "63"),
        ({"connections": 17}, "17"),
        ({"width": 128, "kind": "model", "waves": "x.fst"}, "waves"),
    ],
)
def test_impossible_devices(options: dict[str, Any], word: str) -> None:
    with pytest.raises(tiptoe.DeviceError, match=word):
        tiptoe.Device(**options)


def test_mistakes_in_calls(model: tiptoe.Device) -> None:
    with pytest.raises(tiptoe.DeviceError):
        model.inject(b"")
    with pytest.raises(TypeError):
        model.inject()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        model.inject(b"", 1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        model.exchange(b"x", nonsense=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        model.inject(17)  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        model.run_until_output(-1)
    with pytest.raises(tiptoe.DeviceError):
        tiptoe.Device(settings={"NO_SUCH": 1})


def test_the_gil_is_released() -> None:
    done = threading.Event()

    def work() -> None:
        _core.soak("model", {"width": 64}, cycles=400_000, seed=1)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    turns = 0
    while not done.is_set():
        turns += 1
        time.sleep(0.0005)
    thread.join()
    assert turns > 5


def test_one_thread_at_a_time(model: tiptoe.Device) -> None:
    @tiptoe.case
    def nested(t: tiptoe.Tester) -> None:
        """Uses the device behind the back of its tester."""
        with pytest.raises(tiptoe.UsageError, match="in use"):
            model.poll()

    assert nested.run(model).verdict is tiptoe.Verdict.PASS


def test_many_devices_side_by_side() -> None:
    devices = [tiptoe.Device(width=w, settings={"LOCAL_IP0": 0x0A000001}) for w in (64, 128, 256, 512)]
    for device in devices:
        device.open_passive(80)
    answers = {d.exchange(Segment(**PEER, flags=SYN, seq=1))[0].segment.seq for d in devices}
    assert len(answers) == 1
