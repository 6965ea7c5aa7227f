# SPDX-License-Identifier: Apache-2.0
"""A transfer as a NumPy array: how slow start opens the window, and how long a round trip took.

A peer that acknowledges 10 ms late takes 200 000 octets from the device.
"""

import numpy as np
import tiptoe
from tiptoe import ACK, SYN, Segment

ROUND_TRIP_US = 10_000
TOTAL = 200_000


def transfer() -> list[tiptoe.Datagram]:
    """Runs the transfer; returns what crossed the wire."""
    with tiptoe.Device("model", settings={"LOCAL_IP0": 0x0A000001}, record=True) as device:
        listener = device.open_passive(80).handle
        syn = Segment(src="10.0.1.1", dst="10.0.0.1", src_port=40000, dst_port=80, flags=SYN, seq=1, mss=1460)
        (answer,) = device.exchange(syn)
        ack = syn.replace(flags=ACK, seq=2, ack=(answer.segment.seq or 0) + 1, options=None, window=65535)
        device.exchange(ack)
        connection = device.accept(listener).handle

        text = tiptoe.pattern(TOTAL)
        sent = received = 0
        while received < TOTAL:
            while sent < TOTAL and (taken := device.send(connection, text[sent : sent + 16384]).length):
                sent += taken
            device.advance(ROUND_TRIP_US)
            for datagram in device.outputs():
                segment = datagram.segment
                received += segment.text_length
                ack.ack = (segment.seq or 0) + segment.text_length
                device.inject(ack)
        return device.frames


def main() -> None:
    """Prints octets per round trip."""
    rows = tiptoe.trace(transfer())
    data = rows[~rows["to_device"] & (rows["text_length"] > 0)]
    trip = (data["time_us"] - data["time_us"][0]) // ROUND_TRIP_US
    octets = np.bincount(trip.astype(np.int64), weights=data["text_length"]).astype(int)
    for number, count in enumerate(octets):
        print(f"{number * ROUND_TRIP_US / 1000:6.0f} ms {count:7} octets {'#' * (count // 500)}")
    seconds = float(data["time_us"][-1] - data["time_us"][0]) / 1e6
    print(f"{data['text_length'].sum() * 8 / seconds / 1e6:.1f} Mbit/s of device time, {len(data)} segments")


if __name__ == "__main__":
    main()
