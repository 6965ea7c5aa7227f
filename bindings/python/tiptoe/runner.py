# SPDX-License-Identifier: Apache-2.0
"""Runs many cases in worker processes.

Each worker holds one device and is fed cases over a pipe. A device that crashes takes its worker down; one that hangs
or takes too much memory is stopped. A new worker takes over, and the run goes on. For a device from outside that is its
own doing, and the case has failed; a built-in device is ours, and the verdict is `error`. Results do not depend on the
number of workers, for a run of a case depends on case, device, seed and settings alone.
"""

from __future__ import annotations

import collections
import contextlib
import os
import pickle
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import connection
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Generic, Self, TypeVar

from . import _core, plug
from ._enums import Verdict
from ._errors import DeviceError, TiptoeError
from .results import CaseInfo, CaseResult

#: Cases handed to a worker at a time: one runs, the next is there when it ends.
_IN_FLIGHT = 2

#: Octets that one message of a worker may have; a result has some hundred kilooctets at most.
_LONGEST_MESSAGE = 1 << 28

#: Octets of stdout and stderr that are kept; a device that writes more loses the older part.
_MOST_WORDS = 1 << 22

#: Seconds between two looks at the memory of a device from outside.
_LOOK = 0.05


@dataclass(frozen=True)
class DeviceSpec:
    """How to make a device."""

    kind: str = "model"  #: "model", "rtl", "lockstep", or one of your own: see tiptoe.plug
    width: int = 64  #: bits per beat
    connections: int = 64
    listeners: int = 8
    tx_buffer_log2: int = 14  #: log2 of octets
    rx_buffer_log2: int = 14
    timer_scan: int = 4
    random_stalls: bool = False  #: seeded back-pressure on every channel
    fault: str = ""  #: seeded fault of the model
    waves: str = ""  #: FST file
    dut_args: str = ""  #: text for a device of your own
    capabilities: str = ""  #: its capability file; "": the one beside it

    @property
    def built_in(self) -> bool:
        """The device comes with tiptoe's extension module."""
        return self.kind in plug.BUILT_IN

    def as_built_in(self) -> DeviceSpec:
        """With the other parameters of the verilated set of this width and number of connections, if there is one."""
        for known in _core.rtl_parameter_sets():
            if (known["width"], known["connections"]) == (self.width, self.connections):
                return replace(self, **known)
        return self

    @classmethod
    def of(cls, kind: str, width: int = 64, connections: int | None = None, **more: Any) -> DeviceSpec:
        """The built-in parameter set of that width and number of connections (any number: the first of that width).

        Without such a set the other parameters have their defaults, and only the model can be made. The same
        arguments mean the same parameters for all kinds of devices.
        """
        for built_in in _core.rtl_parameter_sets():
            parameters: dict[str, Any] = dict(built_in)
            if parameters["width"] == width and connections in (None, parameters["connections"]):
                return cls(kind=kind, **parameters, **more)
        return cls(kind=kind, width=width, connections=64 if connections is None else connections, **more)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameter set, as keyword arguments of `tiptoe.Device`."""
        return {
            "width": self.width,
            "connections": self.connections,
            "listeners": self.listeners,
            "tx_buffer_log2": self.tx_buffer_log2,
            "rx_buffer_log2": self.rx_buffer_log2,
            "timer_scan": self.timer_scan,
        }

    def make(self, seed: int = 1, settings: Mapping[str, int] | None = None) -> _core.Device:
        """Makes it. Raises `DeviceError` when that is impossible."""
        device = _core.Device(
            self.kind,
            **self.parameters,
            random_stalls=self.random_stalls,
            waves=self.waves,
            seed=seed,
            settings=dict(settings or {}),
            arguments=self.dut_args,
            capabilities=self.capabilities or None,
        )
        if self.fault:
            device.set_fault(self.fault)
        return device

    def configuration(self) -> dict[str, int | str | bool]:
        """The parameters for a report."""
        if not self.built_in:
            return {"dut-args": self.dut_args, "capabilities": self.capabilities}
        out: dict[str, int | str | bool] = {**self.parameters, "random_stalls": self.random_stalls}
        if self.fault:
            out["fault"] = self.fault
        return out

    def arguments(self) -> str:
        """The arguments of `tiptoe run` that make this device."""
        words = [f"--dut {shlex.quote(self.kind)}"]
        if self.dut_args:
            words.append(f"--dut-args {shlex.quote(self.dut_args)}")
        if self.capabilities:
            words.append(f"--capabilities {shlex.quote(self.capabilities)}")
        if self.built_in and (self.width, self.connections) != (64, 64):
            words.append(f"--width {self.width} --connections {self.connections}")
        if self.random_stalls:
            words.append("--random-stalls")
        if self.fault:
            words.append(f"--fault {self.fault}")
        return " ".join(words)


@dataclass(frozen=True)
class Job:
    """What all workers of a run have in common."""

    device: DeviceSpec
    seed: int = 1
    settings: Mapping[str, int] = field(default_factory=dict)
    all_frames: bool = True  #: False: frames of cases that did not pass only
    arguments: str = ""
    memory_mb: int = 2048  #: MiB that the process of a device from outside may use; 0: no limit


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    pipe: connection.Connection
    words: IO[bytes]  #: what it wrote to stdout and stderr
    journal: IO[bytes]  #: the last events of the device (harness/include/tiptoe/journal.hpp)
    queue: collections.deque[int] = field(default_factory=collections.deque)
    since: float = 0.0
    most_memory: int = 0  #: octets

    def last_words(self) -> str:
        self.words.seek(max(0, self.words.seek(0, os.SEEK_END) - 2000))
        text = self.words.read().decode(errors="replace").strip()
        return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)

    def last_events(self, case: str) -> tuple[str, str]:
        """The function of the device that ran last, and the ladder, if they are about this case."""
        self.journal.seek(0)
        raw = self.journal.read()
        function, begun, events = (
            part.split(b"\0", 1)[0].decode(errors="replace") for part in (raw[:64], raw[64:128], raw[128:])
        )
        return (function, events) if begun == case[:63] else ("", "")

    def look(self) -> int:
        """Octets of memory that it has used; 0: nobody knows."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return 0
        self.most_memory = max(self.most_memory, pages * resource.getpagesize())
        if os.fstat(self.words.fileno()).st_size > _MOST_WORDS:
            os.ftruncate(self.words.fileno(), 0)
        return self.most_memory


Task = TypeVar("Task")
Result = TypeVar("Result")


class WorkerPool(Generic[Task, Result]):
    """Worker processes for one run. Use it as a context manager: they end with it, however it ends.

    A subclass names the module whose main() is the worker, and says what a task gets whose worker was lost.
    """

    module = "tiptoe._worker"

    def __init__(self, job: Any, jobs: int, timeout_s: float = 120.0) -> None:
        self.job = job
        self.jobs = jobs
        self.timeout_s = timeout_s
        self.outside = not job.device.built_in
        self.most_memory = getattr(job, "memory_mb", 0) << 20  # octets; 0: no limit
        self.description = ""
        self._workers: list[_Worker] = []

    def name_of(self, task: Task) -> str:
        """As the journal says it."""
        return str(task)

    def lost(self, task: Task, message: str, wall_s: float, ladder: str) -> Result:
        """The result of a task whose worker crashed, hung or was stopped; `ladder`: the last events of its device."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in list(self._workers):
            self._end(worker)

    def _spawn(self) -> _Worker:
        ours, theirs = connection.Pipe()
        words = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed with the worker
        journal = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - likewise
        environment = dict(os.environ)
        # The very package that runs here, wherever it was found.
        here = str(Path(__file__).absolute().parent.parent)
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (here, environment.get("PYTHONPATH", "")) if p)
        process = subprocess.Popen(
            [sys.executable, "-m", self.module, str(theirs.fileno()), str(journal.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            pass_fds=[theirs.fileno(), journal.fileno()],
            env=environment,
            start_new_session=self.outside,  # what the device starts ends with it
        )
        theirs.close()
        worker = _Worker(process, ours, words, journal)
        self._workers.append(worker)
        try:
            ours.send(self.job)
        except OSError as e:
            raise TiptoeError(f"a worker process could not start: {worker.last_words() or e}") from e
        return worker

    def _end(self, worker: _Worker, kill: bool = True) -> int:
        self._workers.remove(worker)
        worker.pipe.close()
        if kill:
            worker.process.kill()
        code = worker.process.wait()
        if self.outside:
            with contextlib.suppress(OSError):  # nobody is left
                os.killpg(worker.process.pid, signal.SIGKILL)
        worker.words.close()
        worker.journal.close()
        return code

    def _feed(self, worker: _Worker, waiting: collections.deque[int], cases: Sequence[Task]) -> None:
        while waiting and len(worker.queue) < _IN_FLIGHT:
            if not worker.queue:
                worker.since = time.monotonic()
            number = waiting.popleft()
            worker.queue.append(number)
            try:
                worker.pipe.send((number, cases[number]))
            except OSError:
                return  # it died; the end of its pipe will be seen

    def run(self, cases: Sequence[Task]) -> Iterator[tuple[int, Result]]:
        """Runs the cases; yields (number of the case, result) as they end. Raises `DeviceError` when the device cannot
        be made at all."""
        waiting = collections.deque(range(len(cases)))
        while waiting or any(w.queue for w in self._workers):
            while waiting and len(self._workers) < min(self.jobs, len(cases)):
                self._feed(self._spawn(), waiting, cases)
            busy = [w for w in self._workers if w.queue]
            now = time.monotonic()
            patience = min((w.since + self.timeout_s - now for w in busy), default=0.0)
            if self.outside:
                patience = min(patience, _LOOK)
            ready = connection.wait([w.pipe for w in busy], max(patience, 0.0))
            for worker in busy:
                if worker.pipe in ready:
                    yield from self._read(worker, waiting, cases)
                elif time.monotonic() - worker.since > self.timeout_s:
                    yield self._lost(
                        worker,
                        waiting,
                        cases,
                        f"The device did not come back within {self.timeout_s:g} seconds of wall time (--hang-seconds)"
                        "; its process was stopped.",
                    )
                elif self.outside and worker.look() > self.most_memory > 0:
                    yield self._lost(worker, waiting, cases, self._too_much(worker.most_memory) + " It was stopped.")
        for worker in list(self._workers):
            self._end(worker, kill=False)

    def _read(
        self, worker: _Worker, waiting: collections.deque[int], cases: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]:
        try:
            kind, *content = pickle.loads(worker.pipe.recv_bytes(_LONGEST_MESSAGE))
        except Exception as e:
            text = self._ending(worker, e)
            if not self.description:  # never got as far as having a device
                raise TiptoeError(text + self._words(worker)) from None
            yield self._lost(worker, waiting, cases, text)
            return
        if kind == "ready":
            self.description = content[0]
        elif kind == "unusable":
            raise DeviceError(content[0])
        else:
            number, result = content
            worker.queue.remove(number)
            worker.since = time.monotonic()
            self._feed(worker, waiting, cases)
            yield number, result

    def _too_much(self, octets: int) -> str:
        return (
            f"The process of the device used {octets >> 20} MiB of memory, {self.most_memory >> 20} MiB are the limit "
            "(--memory-mb)."
        )

    def _ending(self, worker: _Worker, error: Exception) -> str:
        """Why nothing more can be read from a worker."""
        if not isinstance(error, EOFError | ConnectionError):
            return "The device wrote into the channel that its process has to ours; the process was stopped."
        _, status, usage = os.wait4(worker.process.pid, 0)
        worker.process.returncode = code = os.waitstatus_to_exitcode(status)
        worker.most_memory = max(worker.most_memory, usage.ru_maxrss << 10)
        try:
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        except ValueError:  # a real-time signal
            how = f"signal {-code}"
        text = f"The process that ran the device ended with {how}."
        if self.outside and 0 < self.most_memory < worker.most_memory:
            text = self._too_much(worker.most_memory) + f" It ended with {how}."
        return text

    @staticmethod
    def _words(worker: _Worker) -> str:
        words = worker.last_words()
        return f" Its last words:\n{words}" if words else ""

    def _lost(
        self, worker: _Worker, waiting: collections.deque[int], cases: Sequence[Task], message: str
    ) -> tuple[int, Result]:
        number = worker.queue.popleft()
        waiting.extendleft(reversed(worker.queue))
        wall = time.monotonic() - worker.since
        function, ladder = worker.last_events(self.name_of(cases[number]))
        if function:
            message += f" It was in {function}()."
        last = ladder.rstrip().rpartition("\n")[2].strip()
        if last:
            message += f" The last event: {last}"
        message += self._words(worker)
        self._end(worker)
        return number, self.lost(cases[number], message, wall, ladder)


class Pool(WorkerPool[CaseInfo, CaseResult]):
    """Worker processes that run cases of the suite."""

    def name_of(self, task: CaseInfo) -> str:
        """Its id."""
        return task.id

    def lost(self, task: CaseInfo, message: str, wall_s: float, ladder: str) -> CaseResult:
        """What breaks a device from outside is its own doing; what breaks a built-in one is ours."""
        return CaseResult(
            case=task,
            verdict=Verdict.FAIL if self.outside else Verdict.ERROR,
            message=f"{task.id}: {message}",
            ladder=ladder,
            repeat=f"tiptoe run '{task.id}' {self.job.arguments} --seed {self.job.seed}",
            wall_seconds=wall_s,
            seed=self.job.seed,
        )


def run(cases: Sequence[CaseInfo], job: Job, jobs: int = 1, **options: Any) -> list[CaseResult]:
    """Runs the cases and returns the results in the order of the cases."""
    results: dict[int, CaseResult] = {}
    with Pool(job, jobs, **options) as pool:
        results.update(pool.run(cases))
    return [results[i] for i in range(len(cases))]
