# SPDX-License-Identifier: Apache-2.0
"""Builds and runs one simulation: `python -m tiptoe.sim.launch JSON`. A process of its own: cocotb's runner waits."""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> None:
    """JSON is an object with what `SimulatedDut` has."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    from cocotb_tools.runner import get_runner

    runner = get_runner(job["simulator"])
    runner.build(
        sources=job["sources"],
        hdl_toplevel=job["top"],
        parameters=job["parameters"],
        build_args=job["build_args"],
        build_dir=job["work_dir"] + "/build",
        timescale=("1ns", "1ps"),
    )
    runner.test(
        test_module="tiptoe.sim.bench",
        hdl_toplevel=job["top"],
        test_dir=job["work_dir"],
        results_xml=job["work_dir"] + "/results.xml",
        extra_env=job["environment"],
    )


if __name__ == "__main__":
    main()
