# SPDX-License-Identifier: Apache-2.0
"""scapy and tiptoe hand each other octets: scapy builds the SYN, the device answers, scapy takes the answer apart."""

import tiptoe
from scapy.layers.inet import IP, TCP


def main() -> None:
    """Opens a connection from scapy's side and sends a line."""
    with tiptoe.Device("model", settings={"LOCAL_IP0": 0x0A000001}, record=True) as device:
        listener = device.open_passive(80)
        there = IP(src="10.0.1.1", dst="10.0.0.1")

        syn = there / TCP(sport=40000, dport=80, flags="S", seq=1000, options=[("MSS", 1460)])
        (answer,) = device.exchange(bytes(syn))
        syn_ack = IP(answer.octets)[TCP]
        print("device:", syn_ack.summary())

        ack = TCP(sport=40000, dport=80, flags="A", seq=1001, ack=syn_ack.seq + 1)
        device.exchange(bytes(there / ack))
        connection = device.accept(listener.handle).handle
        ack.flags = "PA"
        device.exchange(bytes(there / ack / b"hello from scapy\n"))
        print("user:  ", device.receive(connection).data)
        print(tiptoe.ladder(device.frames))


if __name__ == "__main__":
    main()
