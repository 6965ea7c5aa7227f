# SPDX-License-Identifier: Apache-2.0
"""A worker of tiptoe.runner: makes a device, runs the tasks that come over a channel, sends results back.

if __name__ == "__main__":
    serve(make, run)    # make(job) -> device; run(task, device, job) -> (result, may the device be used on?)
"""

from __future__ import annotations

import ctypes
import dataclasses
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiptoe._channel import Port
from tiptoe._core import Device
from tiptoe._enums import Verdict
from tiptoe._errors import DeviceError, TiptoeError, _story
from tiptoe.results import CaseInfo, CaseResult
from tiptoe.runner import Job
from tiptoe.suite import run_case

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def serve(make: Callable[[Any], Device], run: Callable[[Any, Device, Any], tuple[Any, bool]]) -> None:
    """The life of a worker. The arguments of the process are the file descriptors of the channel and of the journal.

    The job has `device`, a `DeviceSpec`, and `memory_mb`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    port = Port(int(sys.argv[1]))
    journal = int(sys.argv[2])
    job = port.receive()
    outside = not job.device.built_in

    def made() -> tuple[Device, str] | None:
        try:
            device = make(job)
            description = device.description
            if outside:
                device.set_journal(journal)
        except TiptoeError as e:
            text = str(e)
            told = text.startswith("the device ") or not isinstance(e, DeviceError)
            port.send(("unusable", text if told else f"the device {job.device.kind}: {text}"))
            return None
        except BaseException as e:
            port.send(("unusable", f"the device {job.device.kind} could not be made: {_story(e, e.__traceback__)}"))
            return None
        return device, description

    if outside:
        _limit(job.memory_mb << 20)
    able = made()
    if able is not None:
        port.send(("ready", able[1]))
    while able is not None:
        device, _ = able
        try:
            number, task = port.receive()
        except EOFError:
            return
        result, usable = run(task, device, job)
        if result.verdict is Verdict.ERROR and outside and _ate(job):  # what has failed is the device, not its adapter
            return  # the parent knows from the size of this process
        port.send(("result", number, result))
        if not usable:
            device.shut_down()
            able = made()


def _limit(most: int) -> None:
    """The parent looks at our size now and then; this stops what is faster, a little above. No core is left behind,
    and nothing that hangs: we end when the parent does."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if most:
        above = _data() + most + (most >> 2) + (256 << 20)
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or above < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (above, hard))


def _data() -> int:
    """Octets that count towards RLIMIT_DATA already: terabytes of shadow, with AddressSanitizer."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0


def _ate(job: Any) -> bool:
    """We have been larger than a device from outside may make us."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return bool(0 < job.memory_mb << 20 < used)


def _make(job: Job) -> Device:
    return job.device.make(job.seed, job.settings)


def _run(case: CaseInfo, device: Device, job: Job) -> tuple[CaseResult, bool]:
    try:
        result = run_case(
            case,
            device,
            seed=job.seed,
            settings=job.settings,
            arguments=job.arguments,
        )
    except Exception as e:
        result = CaseResult(case, Verdict.ERROR, f"{type(e).__name__}: {e}", seed=job.seed)
    if result.verdict is Verdict.PASS:  # nobody needs its story
        result = dataclasses.replace(result, ladder="", frames=result.frames if job.all_frames else ())
    return result, result.verdict is not Verdict.ERROR


if __name__ == "__main__":
    serve(_make, _run)
