# SPDX-License-Identifier: Apache-2.0
"""The part that stands beside the suite: starts the simulation and passes calls on to its adapter."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from .._core import CallResult, Datagram, Handle, Notification, OpenArgs
from .._enums import CallStatus, State
from .._errors import DeviceError, DeviceHang, DeviceUnsupported
from ..dut import Dut
from .adapter import Adapter
from .wire import Wire

_PROGRAMS = {"icarus": "iverilog", "verilator": "verilator"}


def missing(simulator: str = "icarus") -> str:
    """What is not installed, as a sentence; empty when a simulation can be started."""
    if importlib.util.find_spec("cocotb_tools") is None:
        return "cocotb is not installed; pip install -r tools/requirements-cocotb.txt"
    program = _PROGRAMS.get(simulator, simulator)
    return "" if shutil.which(program) else f"{program} is not installed"


class SimulatedDut(Dut):
    """Derive from it and say what is simulated. Paths are relative to the file with the class."""

    simulator: str = "icarus"
    sources: Sequence[str | Path] = ()
    top: str = ""
    parameters: Mapping[str, object] = {}
    build_args: Sequence[str] = ()
    adapter: type[Adapter] = Adapter
    #: Wall time in seconds without an answer after which the simulator is given up.
    patience: float = 300.0

    def __init__(self) -> None:
        if lack := missing(self.simulator):
            raise DeviceError(f"{self.name}: {lack}")
        self.user_calls = self.adapter.call is not Adapter.call
        self._home = Path(inspect.getfile(type(self))).resolve().parent
        self._now = 0
        self._cycles = 0
        self._outputs: deque[Datagram] = deque()
        self._notes: deque[Notification] = deque()
        self._wire: Wire | None = None

    # ---- the simulation
    def _job(self, work: Path) -> dict[str, Any]:
        sources = [str(self._home / source) for source in self.sources]
        return {
            "simulator": self.simulator,
            "sources": sources,
            "top": self.top,
            "parameters": dict(self.parameters),
            "build_args": list(self.build_args),
            "work_dir": str(work),
            "environment": {
                "TIPTOE_SIM_SOCKET": str(work / "socket"),
                "TIPTOE_SIM_ADAPTER": f"{Path(inspect.getfile(self.adapter)).resolve()}:{self.adapter.__name__}",
            },
        }

    def _start(self) -> Wire:
        work = Path(tempfile.mkdtemp(prefix="tiptoe-sim-"))
        job = self._job(work)
        log = work / "log"
        clean = weakref.finalize(self, shutil.rmtree, work, ignore_errors=True)
        with log.open("wb") as text, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(job["environment"]["TIPTOE_SIM_SOCKET"])
            listener.listen(1)
            listener.settimeout(0.2)
            process = self._launch(job, text)
            for _ in range(int(self.patience * 5)):
                try:
                    connection, _address = listener.accept()
                    break
                except TimeoutError:
                    if process.poll() is not None:
                        raise DeviceError(f"{self.name}: the simulation does not start:\n{_tail(log)}") from None
            else:
                _kill(process)
                raise DeviceError(f"{self.name}: the simulation did not start within {self.patience:.0f} s")
        connection.settimeout(self.patience)
        wire = Wire(connection)
        self._log = log
        clean.detach()
        self._end = weakref.finalize(self, _stop, wire, process, work)
        return wire

    @staticmethod
    def _launch(job: Mapping[str, Any], text: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tiptoe.sim.launch", json.dumps(job)]
        environment = os.environ | {"COCOTB_ANSI_OUTPUT": "0", "COCOTB_LOG_LEVEL": "WARNING"}
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=text,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # launcher and simulator end together
        )

    def _ask(self, what: str, **details: Any) -> Any:
        if self._wire is None or not self._end.alive:
            self._wire = self._start()  # the first one, or the one before has ended
        try:
            self._wire.send({"do": what, **details})
            answer = self._wire.receive()
        except TimeoutError:
            self._end()
            raise DeviceHang(f"{self.name}: no answer of the simulation within {self.patience:.0f} s") from None
        except OSError:
            answer = None
        if answer is None:
            words = _tail(self._log)
            self._end()
            raise DeviceError(f"{self.name}: the simulation has ended:\n{words}")
        self._now, self._cycles = answer["now_us"], answer["cycles"]
        self._outputs.extend(Datagram(bytes.fromhex(octets), us, cycle) for octets, us, cycle in answer["outputs"])
        self._notes.extend(Notification(Handle(handle), flags, us) for handle, flags, us in answer["notes"])
        if "unsupported" in answer:
            raise DeviceUnsupported(answer["unsupported"])
        if "hang" in answer:
            raise DeviceHang(answer["hang"])
        if "error" in answer:
            raise DeviceError(f"{self.name}: the adapter failed: {answer['error']}")
        return answer["result"]

    # ---- L0
    def reset(self, settings: Mapping[str, int], seed: int) -> None:
        """As after power-on."""
        self._outputs.clear()
        self._notes.clear()
        self._ask("reset", settings=dict(settings), seed=seed)

    def inject(self, datagram: bytes) -> None:
        """Towards the device."""
        self._ask("inject", datagram=bytes(datagram))

    def poll_output(self) -> Datagram | None:
        """The oldest datagram not taken yet."""
        return self._outputs.popleft() if self._outputs else None

    def settle(self) -> None:
        """Finishes what is due now."""
        self._ask("settle")

    def advance(self, us: int) -> None:
        """Exactly so long."""
        self._ask("run", us=us, until_output=False)

    def run_until_output(self, us: int) -> Datagram | None:
        """Until a datagram is there, or so long."""
        if not self._outputs:
            self._ask("run", us=us, until_output=True)
        return self.poll_output()

    @property
    def now_us(self) -> int:
        """Microseconds since reset."""
        return self._now

    @property
    def cycles(self) -> int:
        """Clock cycles since reset."""
        return self._cycles

    # ---- L1
    def _call(self, name: str, **arguments: Any) -> CallResult:
        result = self._ask("call", name=name, arguments=arguments)
        return CallResult(
            CallStatus(result.get("status", 0)),
            handle=Handle(result.get("handle", 0)),
            length=result.get("length", 0),
            state=State(result.get("state", 0)),
            readable=result.get("readable", 0),
            room=result.get("room", 0),
            data=bytes.fromhex(result.get("data", "")),
        )

    def _open(self, name: str, args: OpenArgs) -> CallResult:
        return self._call(
            name,
            local_ip=int(IPv4Address(args.local_ip)),
            local_port=args.local_port,
            remote_ip=int(IPv4Address(args.remote_ip)),
            remote_port=args.remote_port,
            backlog=args.backlog,
            nodelay=args.nodelay,
            keepalive=args.keepalive,
            from_listener=None if args.from_listener is None else args.from_listener.value,
        )

    def open_passive(self, args: OpenArgs) -> CallResult:
        """Listens."""
        return self._open("open_passive", args)

    def open_active(self, args: OpenArgs) -> CallResult:
        """Opens towards a peer."""
        return self._open("open_active", args)

    def accept(self, listener: Handle) -> CallResult:
        """Takes a connection from a listener."""
        return self._call("accept", handle=listener.value)

    def send(self, handle: Handle, data: bytes) -> CallResult:
        """May take fewer octets than offered."""
        return self._call("send", handle=handle.value, data=bytes(data))

    def receive(self, handle: Handle, max: int) -> CallResult:
        """Up to `max` octets."""
        return self._call("receive", handle=handle.value, max=max)

    def close(self, handle: Handle, half: bool) -> CallResult:
        """No more data to send."""
        return self._call("close", handle=handle.value, half=half)

    def abort(self, handle: Handle) -> CallResult:
        """Resets the connection."""
        return self._call("abort", handle=handle.value)

    def status(self, handle: Handle) -> CallResult:
        """State, readable octets, room."""
        return self._call("status", handle=handle.value)

    def set_options(self, handle: Handle, nodelay: bool, keepalive: bool) -> CallResult:
        """Nagle off, keepalive on."""
        return self._call("set_options", handle=handle.value, nodelay=nodelay, keepalive=keepalive)

    def poll_notification(self) -> Notification | None:
        """The oldest indication not taken yet."""
        return self._notes.popleft() if self._notes else None

    # ---- settings and counters
    def set(self, name: str, value: int) -> None:
        """Changes a setting."""
        self._ask("set", name=name, value=value)

    def counter(self, name: str) -> int:
        """Reads a counter."""
        return int(self._ask("counter", name=name))


def _tail(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    except OSError:
        return "(no log)"


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _stop(wire: Wire, process: subprocess.Popen[bytes], work: Path) -> None:
    wire.close()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        _kill(process)
    shutil.rmtree(work, ignore_errors=True)
