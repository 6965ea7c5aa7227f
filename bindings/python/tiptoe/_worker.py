# SPDX-License-Identifier: Apache-2.0
"""A worker of tiptoe.runner: makes a device, runs the cases that come over a pipe, sends results back."""

from __future__ import annotations

import dataclasses
import signal
import sys
from multiprocessing import connection

from tiptoe._enums import Verdict
from tiptoe._errors import TiptoeError
from tiptoe.results import CaseInfo, CaseResult
from tiptoe.runner import Job
from tiptoe.suite import run_case


def main() -> None:
    """Entry point; the argument is the file descriptor of the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    pipe = connection.Connection(int(sys.argv[1]))
    job: Job = pipe.recv()
    try:
        device = job.device.make(job.seed, job.settings)
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
            device.shut_down()
            device = job.device.make(job.seed, job.settings)
        if result.verdict is Verdict.PASS:  # nobody needs its story
            result = dataclasses.replace(result, ladder="", frames=result.frames if job.all_frames else ())
        pipe.send(("result", number, result))


def _run(case: CaseInfo, device: object, job: Job) -> CaseResult:
    try:
        return run_case(
            case,
            device,  # type: ignore[arg-type]
            seed=job.seed,
            settings=job.settings,
            arguments=job.arguments,
        )
    except Exception as e:
        return CaseResult(case, Verdict.ERROR, f"{type(e).__name__}: {e}", seed=job.seed)


if __name__ == "__main__":
    main()
