# SPDX-License-Identifier: Apache-2.0
"""The engine of this tree under Icarus and cocotb, judged by the suite:

    tiptoe run --dut ./engine.py:Engine 'transitions/ESTABLISHED/FIN/*'

Icarus 11 does not read its SystemVerilog, so Yosys writes it as Verilog first (a minute, kept in ~/.cache/tiptoe).
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tiptoe.sim import Adapter, SimulatedDut
from tiptoe.sim.adapter import Hang, Unsupported

RTL = Path(__file__).resolve().parents[4] / "rtl"
PARAMETERS = {"DATA_W": 64, "CONNS": 16, "LISTENERS": 4, "TX_BUF_LOG2": 12, "RX_BUF_LOG2": 12, "TIMER_SCAN": 1}

# docs/microarchitecture.md section 12.
REGISTERS = dict(
    enumerate("ID LOCAL_IP0 LOCAL_IP1 LOCAL_IP2 LOCAL_IP3 MTU TTL TOS FEATURES RTO_INIT RTO_MIN RTO_MAX".split())
)
REGISTERS |= dict(
    enumerate("SYN_RTO SYN_BACKOFF SYN_RETRIES DATA_RETRIES R1 DACK MSL FW2_TIMEOUT KEEP_IDLE_S".split(), 12)
)
REGISTERS |= dict(
    enumerate("KEEP_INTVL_S KEEP_PROBES USER_TIMEOUT OPEN_TIMEOUT QUIET CH_LIMIT CH_WINDOW IW_SEGS".split(), 21)
)
REGISTERS |= dict(enumerate("CAM_KEY ISN_KEY0 ISN_KEY1 ISN_KEY2 ISN_KEY3".split(), 29))
REGISTERS |= dict(enumerate("ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs".split(), 64))
REGISTERS |= dict(enumerate("RetransSegs InErrs OutRsts ChallengeAcks ChallengeLimited ListenDrops".split(), 71))
REGISTERS |= dict(enumerate("TableFull CamFull OooDrops".split(), 77))
ADDRESS = {name: address for address, name in REGISTERS.items()}
FEATURES = "RST5961 SYN5961 ACK5961 RFC1337 TW_REUSE DELACK DF FIXED_ISS".split()
OPS = {"open_passive": 1, "open_active": 2, "send": 3, "receive": 4, "close": 5, "abort": 6, "status": 7, "accept": 8}
OPS["set_options"] = 9
FROM_LISTENER = 8


class Pins(Adapter):
    """Runs inside the simulator. Cycles take no time: `now_us` is an input, and moves when the engine is quiescent."""

    def __init__(self, dut: Any) -> None:
        super().__init__(dut)
        self.frame = bytearray()
        self.received = bytearray()

    async def cycle(self) -> None:
        """One cycle. Pins are driven while the clock is low and read just before it rises."""
        from cocotb.triggers import Timer

        dut = self.dut
        await Timer(2, "ns")
        if dut.m_axis_tvalid.value == 1:
            self.frame += _octets(dut.m_axis_tdata, dut.m_axis_tkeep)
            if dut.m_axis_tlast.value == 1:
                self.output(self.frame)
                self.frame.clear()
        if dut.rxd_tvalid.value == 1:
            self.received += _octets(dut.rxd_tdata, dut.rxd_tkeep)
        if dut.evt_valid.value == 1:
            self.notify(int(dut.evt_handle.value), int(dut.evt_flags.value))
        dut.clk.value = 1
        await Timer(2, "ns")
        dut.clk.value = 0
        self.cycles += 1

    async def until(self, condition: Callable[[], bool], what: str, cycles: int = 5000) -> None:
        """Cycles until the condition holds at the end of one, which still counts."""
        for _ in range(cycles):
            await self.cycle()
            if condition():
                return
        raise Hang(f"waited {cycles} cycles for {what}")

    async def offer(self, valid: Any, ready: Any, what: str) -> None:
        """Until what is on the pins has been taken."""
        valid.value = 1
        for _ in range(5000):
            taken = ready.value == 1
            await self.cycle()
            if taken:
                valid.value = 0
                return
        raise Hang(f"waited 5000 cycles for {what}")

    async def reset(self, settings: Mapping[str, int], seed: int) -> None:
        """Keys of the ISN and what is set are written before anything else."""
        dut = self.dut
        for pin in "clk now_us s_axis_tvalid cmd_valid txd_tvalid reg_wr reg_addr cmd_tag".split():
            getattr(dut, pin).value = 0
        for pin in "rst m_axis_tready rsp_ready evt_ready rxd_tready".split():
            getattr(dut, pin).value = 1
        self.now_us = 0
        await self.cycle()
        await self.cycle()
        dut.rst.value = 0
        self.frame.clear()
        self.cycles = 0
        for _ in range(PARAMETERS["CONNS"] + 1):
            await self.cycle()
        key = random.Random(seed)
        for i in range(4):
            await self.set(f"ISN_KEY{i}", key.getrandbits(32))
        for name, value in settings.items():
            await self.set(name, value)
        await self.settle()
        self.outputs.clear()
        self.notes.clear()

    async def settle(self) -> None:
        """The engine tells when nothing is due."""
        for _ in range(3):
            await self.cycle()
        await self.until(lambda: bool(self.dut.quiescent.value == 1), "quiescent", 50_000)

    async def run(self, us: int, until_output: bool) -> None:
        """From deadline to deadline."""
        end = self.now_us + us
        while True:
            await self.settle()
            if self.now_us >= end or (until_output and self.outputs):
                return
            due = int(self.dut.next_deadline.value) if self.dut.next_deadline_valid.value == 1 else end
            self.now_us = min(end, max(due, self.now_us + 1))
            self.dut.now_us.value = self.now_us

    async def inject(self, datagram: bytes) -> None:
        """Eight octets per cycle."""
        dut = self.dut
        for at in range(0, len(datagram), 8):
            part = datagram[at : at + 8]
            dut.s_axis_tdata.value = int.from_bytes(part, "little")
            dut.s_axis_tkeep.value = (1 << len(part)) - 1
            dut.s_axis_tlast.value = int(at + 8 >= len(datagram))
            await self.offer(dut.s_axis_tvalid, dut.s_axis_tready, "s_axis_tready")

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """A command, its response, and the payload."""
        dut = self.dut
        listener = arguments.get("from_listener")
        flags = int(arguments.get("nodelay", False)) | int(arguments.get("keepalive", False)) << 1
        flags |= int(arguments.get("half", False)) << 2 | (0 if listener is None else FROM_LISTENER)
        data = arguments.get("data", b"")
        dut.cmd_op.value = OPS[name]
        dut.cmd_flags.value = flags
        dut.cmd_handle.value = arguments.get("handle", 0) if listener is None else listener
        for pin, key in {"lip": "local_ip", "lport": "local_port", "rip": "remote_ip", "rport": "remote_port"}.items():
            getattr(dut, f"cmd_{pin}").value = arguments.get(key, 0)
        dut.cmd_len.value = len(data) or arguments.get("max", arguments.get("backlog", 0))
        await self.offer(dut.cmd_valid, dut.cmd_ready, "cmd_ready")
        while dut.rsp_valid.value != 1:
            await self.cycle()
        answer: dict[str, Any] = {
            "status": int(dut.rsp_status.value),
            "handle": int(dut.rsp_handle.value),
            "length": int(dut.rsp_len.value),
            "state": int(dut.rsp_state.value),
            "readable": int(dut.rsp_avail.value),
            "room": int(dut.rsp_room.value),
        }
        self.received.clear()
        await self.cycle()
        for at in range(0, answer["length"] if name == "send" else 0, 8):
            dut.txd_tdata.value = int.from_bytes(data[at : at + 8], "little")
            await self.offer(dut.txd_tvalid, dut.txd_tready, "txd_tready")
        if name == "receive" and answer["length"]:
            length = int(answer["length"])
            await self.until(lambda: len(self.received) >= length, "the octets of RECEIVE")
            answer["data"] = bytes(self.received)
        await self.settle()
        return answer

    async def set(self, name: str, value: int) -> None:
        """A register, or one bit of FEATURES."""
        bit = name.rpartition(".")[2]
        if bit in FEATURES:
            old, mask = await self.counter("FEATURES"), 1 << FEATURES.index(bit)
            name, value = "FEATURES", old | mask if value else old & ~mask
        self.dut.reg_addr.value = _address(name)
        self.dut.reg_wdata.value = value
        self.dut.reg_wr.value = 1
        await self.cycle()
        self.dut.reg_wr.value = 0

    async def counter(self, name: str) -> int:
        """Any register."""
        self.dut.reg_addr.value = _address(name)
        await self.cycle()
        await self.cycle()
        return int(self.dut.reg_rdata.value)


def _address(name: str) -> int:
    if name not in ADDRESS:
        raise Unsupported(f"the engine has no register {name}")
    return ADDRESS[name]


def _octets(data: Any, keep: Any) -> bytes:
    return int(data.value).to_bytes(8, "little")[: int(keep.value).bit_count()]


def verilog() -> Path:
    """The engine as Verilog."""
    files = [RTL / line.partition("#")[0].strip() for line in (RTL / "tiptoe.f").read_text().splitlines()]
    files = [file for file in files if file.suffix == ".sv"]
    key = hashlib.sha256(repr(PARAMETERS).encode() + b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    made = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tiptoe" / f"engine-{key}.v"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        aside = made.with_suffix(f".{os.getpid()}")
        sets = " ".join(f"-set {name} {value}" for name, value in PARAMETERS.items())
        script = (
            f"read_verilog -sv -DSYNTHESIS -defer {' '.join(map(str, files))}; chparam {sets} tiptoe_top; "
            f"hierarchy -check -top tiptoe_top; proc; opt_clean; memory -nomap; write_verilog -noattr {aside}"
        )
        subprocess.run(["yosys", "-q", "-p", script], check=True)
        aside.rename(made)
    return made


class Engine(SimulatedDut):
    """Runs beside the suite."""

    name = "engine under Icarus"
    top = "tiptoe_top"
    adapter = Pins
    capabilities = {  # noqa: RUF012
        "connections": PARAMETERS["CONNS"],
        "listeners": PARAMETERS["LISTENERS"],
        "send_buffer": 1 << PARAMETERS["TX_BUF_LOG2"],
        "receive_buffer": 1 << PARAMETERS["RX_BUF_LOG2"],
    }

    def __init__(self) -> None:
        super().__init__()
        self.sources = [verilog()]
