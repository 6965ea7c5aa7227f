# SPDX-License-Identifier: Apache-2.0
"""Runs many cases in worker processes.

Each worker holds one device and is fed cases over a channel. A device that crashes takes its worker down; one that
hangs, takes too much memory or writes into the channel is stopped. A new worker takes over, and the run goes on. For a
device from outside that is its own doing, and the case has failed; a built-in device is ours, and the verdict is
`error`. Results do not depend on the number of workers, for a run of a case depends on case, device, seed and settings
alone.
"""

from __future__ import annotations

import collections
import select
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from . import _core, plug
from ._channel import ChannelBroken
from ._enums import Verdict
from ._errors import DeviceError
from ._process import Worker
from .results import CaseInfo, CaseResult

#: Cases handed to a worker at a time: one runs, the next is there when it ends.
_IN_FLIGHT = 2

#: Seconds between two looks at the memory of a device from outside.
_LOOK = 0.05

#: Seconds that making a device, and taking it down, may take at least.
_MAKING = 60.0

#: Seconds in which a process ends whose files are closed.
_EXITING = 5.0

#: Times that a device which was there cannot be made again before the rest of the run is given up.
_REFUSALS = 3


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


Task = TypeVar("Task")
Result = TypeVar("Result")


class _Refused(Exception):
    """A worker that cannot have a device. The text is the reason."""


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
        self.most_memory = job.memory_mb << 20 if self.outside else 0  # octets; 0: no limit
        self.description = ""
        self.notes: list[str] = []  #: what the user should know besides the results, in sentences
        self._workers: list[Worker] = []
        self._refusals = 0  # one after the other
        self._fewer = ""  # why there are fewer workers than wanted

    def name_of(self, task: Task) -> str:
        """As the journal says it."""
        return str(task)

    def lost(self, task: Task, verdict: Verdict, message: str, wall_s: float, ladder: str) -> Result:
        """The result of a task whose worker crashed, hung or was stopped; `ladder`: the last events of its device."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.kill()
        while self._workers:
            self._workers.pop().end()

    def run(self, cases: Sequence[Task]) -> Iterator[tuple[int, Result]]:
        """Runs the cases; yields (number of the case, result) as they end. Raises `DeviceError` when the device cannot
        be made at all."""
        waiting = collections.deque(range(len(cases)))
        self.jobs = min(self.jobs, len(cases))
        while waiting or any(w.queue for w in self._workers):
            while waiting and len(self._workers) < self.jobs:
                self._workers.append(Worker(self.module, alone=self.outside))
                self._workers[-1].channel.send(self.job)
                self._feed(self._workers[-1], waiting, cases)
            for worker in self._workers:  # those that had nothing left until another was lost
                self._feed(worker, waiting, cases)
            busy = [w for w in self._workers if w.queue]
            self._wait(busy)
            for worker in busy:
                try:
                    yield from self._serve(worker, waiting, cases)
                except _Refused as e:
                    yield from self._refused(worker, waiting, cases, str(e))
        self._farewell()

    def _feed(self, worker: Worker, waiting: collections.deque[int], cases: Sequence[Task]) -> None:
        if not worker.queue:
            worker.since = time.monotonic()
        while waiting and len(worker.queue) < _IN_FLIGHT:
            number = waiting.popleft()
            worker.queue.append(number)
            worker.channel.send((number, cases[number]))

    def _patience(self, worker: Worker) -> float:
        """Seconds that it may take for what it does now."""
        return self.timeout_s if worker.ready else max(self.timeout_s, _MAKING)

    def _wait(self, busy: Sequence[Worker]) -> None:
        """Until there is something to look at."""
        poll = select.poll()
        for worker in busy:
            poll.register(worker.channel, select.POLLIN | (select.POLLOUT if worker.channel.unsent else 0))
            if not worker.silent:
                poll.register(worker.words, select.POLLIN)
        seconds = min(w.since + self._patience(w) for w in busy) - time.monotonic()
        poll.poll(max(0.0, min(seconds, _LOOK if self.outside else seconds)) * 1000 + 1)

    def _serve(
        self, worker: Worker, waiting: collections.deque[int], cases: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]:
        """Takes what a worker has said, and looks whether it is well. Raises `_Refused`."""
        worker.channel.flush()
        worker.listen()
        problem = ""
        exited = worker.exited  # before reading: whatever it wrote is there by then
        try:
            for kind, *content in worker.channel.read():
                if kind == "ready" and not worker.ready:
                    (self.description,) = content
                    worker.ready = True
                    worker.since = time.monotonic()
                    self._refusals = 0
                elif kind == "unusable":  # at first, or after a case that broke it
                    raise _Refused(content[0])
                elif kind == "result" and worker.queue and content[0] == worker.queue[0]:
                    number, result = content
                    worker.queue.popleft()
                    worker.since = time.monotonic()
                    self._feed(worker, waiting, cases)
                    yield number, result
                else:
                    raise ChannelBroken(foreign=True)
        except ChannelBroken as e:
            problem = self._broken(worker, e.foreign)
        if not problem and not worker.queue:
            return
        if not problem and exited:  # and a child of it holds the channel open
            problem = self._ended(worker)
        if not problem and time.monotonic() - worker.since > self._patience(worker):
            problem = self._hangs(worker)
        if not problem and self.outside and worker.look(_LOOK) > self.most_memory > 0:
            problem = self._too_much(worker.most_memory) + " It was stopped."
        if problem and not worker.queue:
            self.notes.append(f"After a case that it ended well: {problem}{self._words(worker)}")
            self._workers.remove(worker)
            worker.end()
        elif problem and not worker.ready:
            problem = problem[:1].lower() + problem[1:] + self._words(worker)
            raise _Refused(f"the device {self.job.device.kind} could not be made: {problem}")
        elif problem:
            yield self._lost(worker, waiting, cases, problem)

    def _refused(
        self, worker: Worker, waiting: collections.deque[int], cases: Sequence[Task], reason: str
    ) -> Iterator[tuple[int, Result]]:
        """A worker has no device: the others go on without it. The last one ends the run, or, when there was a device
        before, its case."""
        waiting.extendleft(reversed(worker.queue))
        self._workers.remove(worker)
        worker.end()
        if self.jobs > 1:
            self.jobs -= 1
            self._fewer = reason
            return
        if not self.description:
            raise DeviceError(reason)
        self._refusals += 1
        for _ in range(1 if self._refusals < _REFUSALS else len(waiting)):
            number = waiting.popleft()
            message = f"The device could not be made again after the case before: {reason}"
            yield number, self.lost(cases[number], Verdict.ERROR, message, 0.0, "")

    def _broken(self, worker: Worker, foreign: bool) -> str:
        if foreign:
            return "The device wrote into the channel that its process has to ours; the process was stopped."
        if worker.exited_within(_EXITING):
            return self._ended(worker)
        return "The device closed the channel that its process has to ours; the process was stopped."

    def _ended(self, worker: Worker) -> str:
        how = worker.ending()
        if 0 < self.most_memory < worker.most_memory:
            return self._too_much(worker.most_memory) + f" It ended with {how}."
        return f"The process that ran the device ended with {how}."

    def _hangs(self, worker: Worker) -> str:
        if not worker.ready:
            return f"That took more than {self._patience(worker):g} seconds of wall time."
        state = ", which had stopped itself (SIGSTOP)," if worker.stopped else ""
        part = " A part of a message stands in the channel that it has to ours." if worker.channel.partial else ""
        return (
            f"The device did not come back within {self.timeout_s:g} seconds of wall time (--hang-seconds); its process"
            f"{state} was stopped.{part}"
        )

    def _too_much(self, octets: int) -> str:
        return (
            f"The process of the device used {octets >> 20} MiB of memory, {self.most_memory >> 20} MiB are the limit "
            "(--memory-mb)."
        )

    @staticmethod
    def _words(worker: Worker) -> str:
        words = worker.last_words()
        return f" Its last words:\n{words}" if words else ""

    def _lost(
        self, worker: Worker, waiting: collections.deque[int], cases: Sequence[Task], message: str
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
        self._workers.remove(worker)
        worker.end()
        # What breaks a device from outside is its own doing; what breaks a built-in one is ours.
        verdict = Verdict.FAIL if self.outside else Verdict.ERROR
        return number, self.lost(cases[number], verdict, message, wall, ladder)

    def _farewell(self) -> None:
        """All cases have run. How a device ends is no case's verdict, but worth a note."""
        if self._fewer:
            most = f"{self.jobs} device{'s' * (self.jobs > 1)}"
            self.notes.append(f"No more than {most} at a time could be made (--jobs {self.jobs}): {self._fewer}")
        for worker in self._workers:
            worker.channel.close()
        seconds = max(_EXITING, min(self.timeout_s, _MAKING))
        until = time.monotonic() + seconds
        while self._workers:
            worker = self._workers.pop()
            if not worker.exited_within(max(0.0, until - time.monotonic())):
                how = f"did not end within {seconds:g} seconds and was stopped"
            else:
                how = f"ended with {worker.ending()}"
            if how != "ended with exit code 0":
                self.notes.append(f"After its last case the process of the device {how}.{self._words(worker)}")
            worker.end()


class Pool(WorkerPool[CaseInfo, CaseResult]):
    """Worker processes that run cases of the suite."""

    def name_of(self, task: CaseInfo) -> str:
        """Its id."""
        return task.id

    def lost(self, task: CaseInfo, verdict: Verdict, message: str, wall_s: float, ladder: str) -> CaseResult:
        """With the command that repeats it."""
        return CaseResult(
            case=task,
            verdict=verdict,
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
