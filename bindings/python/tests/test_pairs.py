# SPDX-License-Identifier: Apache-2.0
"""Two devices talk to each other over a wire that loses, repeats and reorders: all octets arrive, intact, both ways."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

import pytest
import tiptoe
from tiptoe import CallStatus, Handle, plug

B = "10.0.0.2"


class Pair:
    """The first opens, the second listens. Virtual time, in steps; one seed for every choice of the wire."""

    def __init__(self, kinds: Sequence[str], *, loss: float = 0.0, seed: int = 1, step_us: int = 2_000) -> None:
        self.ends = [self._make(kind, address) for kind, address in zip(kinds, (0x0A000001, 0x0A000002), strict=True)]
        self.random = random.Random(seed)
        self.loss = loss
        self.step_us = step_us

    @staticmethod
    def _make(kind: str, address: int) -> tiptoe.Device:
        if kind not in plug.BUILT_IN and kind not in plug.shipped():
            pytest.skip(f"the device {kind} was not built")
        own = {"MSL": 1000} if kind in plug.BUILT_IN else {}  # 64 connections, most of which would be in TIME_WAIT
        try:
            return tiptoe.Device(kind, settings={"LOCAL_IP0": address, **own})
        except tiptoe.DeviceError as e:
            pytest.skip(f"the device {kind} cannot be made here: {e}")

    def step(self) -> None:
        """Carries what both have sent, then lets time pass."""
        carried = [[d.octets for d in end.outputs()] for end in self.ends]
        for end, datagrams in zip(reversed(self.ends), carried, strict=True):
            kept = [d for d in datagrams if self.random.random() >= self.loss]
            kept += [d for d in kept if self.random.random() < self.loss]
            if kept and self.random.random() < self.loss:
                self.random.shuffle(kept)
            for datagram in kept:
                end.inject(datagram)
        for end in self.ends:
            end.advance(self.step_us)
            end.notifications()  # whoever does not take them keeps the connection

    def connect(self, port: int = 5000) -> list[Handle]:
        """A connection; both handles."""
        a, b = self.ends
        listener = b.open_passive(7).handle
        client = a.open_active(B, 7, local_port=port).handle
        for _ in range(60_000):
            self.step()
            accepted = b.accept(listener)
            if accepted.status is CallStatus.OK:
                return [client, accepted.handle]
        pytest.fail("no connection within two minutes")

    def transfer(self, handles: list[Handle], octets: int) -> None:
        """That many octets each way, compared."""
        text = [self.random.randbytes(octets) for _ in self.ends]
        sent, got = [0, 0], [bytearray(), bytearray()]
        for _ in range(300_000):
            for n, (end, handle) in enumerate(zip(self.ends, handles, strict=True)):
                if sent[n] < octets:
                    sent[n] += end.send(handle, text[n][sent[n] : sent[n] + 4000]).length
                got[n] += end.receive(handle).data
            if len(got[0]) == len(got[1]) == octets:
                break
            self.step()
        assert bytes(got[0]) == text[1]
        assert bytes(got[1]) == text[0]


@pytest.mark.parametrize("kinds", [("model", "lwip"), ("lwip", "model"), ("model", "model"), ("lwip", "lwip")])
def test_octets_arrive_intact(kinds: tuple[str, str]) -> None:
    pair = Pair(kinds, loss=0.02)
    pair.transfer(pair.connect(), 60_000)


@pytest.mark.parametrize("kinds", [("model", "lwip"), ("lwip", "model")])
def test_connections_come_and_go(kinds: tuple[str, str]) -> None:
    pair = Pair(kinds, step_us=500)
    a, b = pair.ends
    listener = b.open_passive(7).handle
    for n in range(int(os.environ.get("TIPTOE_PAIR_CONNECTIONS", "500"))):
        client = a.open_active(B, 7, local_port=1024 + n).handle
        server = None
        for _ in range(50):
            pair.step()
            accepted = b.accept(listener)
            if accepted.status is CallStatus.OK:
                server = accepted.handle
                break
        assert server is not None, f"connection {n} was not accepted"
        assert a.send(client, b"hello").length == 5
        pair.step()
        pair.step()
        assert b.receive(server).data == b"hello"
        assert b.close(server).status is CallStatus.OK
        pair.step()
        pair.step()
        assert a.close(client).status is CallStatus.OK
        assert any(gone(pair, client) for _ in range(2_000)), f"connection {n} does not end"


def gone(pair: Pair, client: Handle) -> bool:
    """After one more step."""
    pair.step()
    return pair.ends[0].status(client).status is CallStatus.NO_CONNECTION
