# SPDX-License-Identifier: Apache-2.0
"""A worker of tiptoe.runner: makes a device, runs the cases that come over a pipe, sends results back."""

from __future__ import annotations

import ctypes
import dataclasses
import resource
import signal
import sys
from multiprocessing import connection

from tiptoe._core import Device
from tiptoe._enums import Verdict
from tiptoe._errors import TiptoeError
from tiptoe.results import CaseInfo, CaseResult
from tiptoe.runner import Job
from tiptoe.suite import run_case

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Entry point; the arguments are the file descriptors of the pipe and of the journal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    pipe = connection.Connection(int(sys.argv[1]))
    journal = int(sys.argv[2])
    job: Job = pipe.recv()
    try:
        if not job.device.built_in:
            _limit(job.memory_mb << 20)
        device = _make(job, journal)
        pipe.send(("ready", device.description))
    except TiptoeError as e:
        pipe.send(("unusable", str(e)))
        return
    while True:
        try:
            number, case = pipe.recv()
        except EOFError:
            return
        result = _run(case, device, job)
        if result.verdict is Verdict.ERROR:
            if _ate(job):  # what has failed is the device, not its adapter
                return  # the parent knows from the size of this process
            device.shut_down()
            device = _make(job, journal)
        if result.verdict is Verdict.PASS:  # nobody needs its story
            result = dataclasses.replace(result, ladder="", frames=result.frames if job.all_frames else ())
        pipe.send(("result", number, result))


def _make(job: Job, journal: int) -> Device:
    device = job.device.make(job.seed, job.settings)
    if not job.device.built_in:
        device.set_journal(journal)
    return device


def _limit(most: int) -> None:
    """The parent looks at our size now and then; this stops what is faster, a little above. No core is left behind,
    and nothing that hangs: we end when the parent does."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if most:
        above = most + (most >> 2) + (256 << 20)
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or above < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (above, hard))


def _ate(job: Job) -> bool:
    """We have been larger than a device from outside may make us."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return not job.device.built_in and 0 < job.memory_mb << 20 < used


def _run(case: CaseInfo, device: Device, job: Job) -> CaseResult:
    try:
        return run_case(
            case,
            device,
            seed=job.seed,
            settings=job.settings,
            arguments=job.arguments,
        )
    except Exception as e:
        return CaseResult(case, Verdict.ERROR, f"{type(e).__name__}: {e}", seed=job.seed)


if __name__ == "__main__":
    main()
