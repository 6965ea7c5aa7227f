# SPDX-License-Identifier: Apache-2.0
"""`tiptoe run`."""

from __future__ import annotations

import dataclasses
import datetime
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from rich.console import Console

from .. import baseline, catalogue, suite, waivers
from .._enums import Level
from .._errors import TiptoeError
from .._version import __version__
from ..report import json_report, junit, pcapng, terminal
from ..results import CaseInfo, CaseResult, Outcome, Run, RunInfo
from ..runner import DeviceSpec, Job, Pool
from . import options


@click.command(name="run", short_help="Run cases on a device and judge it.")
@click.argument("patterns", metavar="[CASE-PATTERN]...", nargs=-1)
@options.any_dut
@click.option("--profile", metavar="P", help="Cases of this profile only.")
@click.option("--level", type=click.Choice([level.value for level in Level]), default="may", show_default=True,
              help="Cases of this level and stronger ones.")  # fmt: skip
@options.jobs
@options.seed
@options.reports("case")
@click.option("--waves", "waves_directory", metavar="DIR", help="Run cases that fail again, with waves (FST).")
@options.parameters
@options.model_options
@options.settings("the case's own")
@click.option("--waivers", "waivers_file", metavar="FILE", help="Failures that somebody has taken on (YAML).")
@click.option("--baseline", "baseline_file", metavar="FILE",
              help="A former JSON report: fail on what has become worse, only.")  # fmt: skip
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
              help="The day on which waivers are judged (default: today, UTC).")  # fmt: skip
@options.watch("case")
@click.option("-q", "--quiet", is_flag=True, help="Leave cases that passed or do not apply out of the table.")
def command(
    patterns: tuple[str, ...],
    dut: str,
    dut_args: str,
    capabilities: str,
    profile: str | None,
    level: str,
    jobs: int,
    seed: int,
    json_file: str | None,
    junit_file: str | None,
    pcap_directory: str | None,
    waves_directory: str | None,
    width: int,
    connections: int | None,
    fault: str,
    random_stalls: bool,
    settings: dict[str, int],
    waivers_file: str | None,
    baseline_file: str | None,
    today: datetime.datetime | None,
    timeout: float,
    memory_mb: int,
    quiet: bool,
) -> int:
    """Run the cases that match the patterns (globs on case ids; all without a pattern) and judge the device.

    Exit code: 0 the device conforms, 1 it violates a MUST (with --baseline: something has become worse) or a waiver is
    not true, 2 something could not run, or no case applies.
    """
    chosen = suite.cases(patterns, level=level, profile=profile)
    if not chosen:
        raise click.UsageError("no case is left: pattern, level and profile exclude each other.")
    json_path = options.output_file(json_file, "--json")
    junit_path = options.output_file(junit_file, "--junit")
    pcap_path = options.output_directory(pcap_directory, "--pcap")
    if waves_directory is not None and dut not in ("rtl", "lockstep"):
        click.echo(f"There are no waves of {dut}; --dut rtl and lockstep have some.", err=True)
        waves_directory = None
    waves_path = options.output_directory(waves_directory, "--waves")
    options.check_fault(fault)
    options.check_settings(settings, dut)
    known_failures = waivers.read(Path(waivers_file)) if waivers_file else ()
    day = today.date() if today else waivers.today()
    former = baseline.read(Path(baseline_file)) if baseline_file else None

    spec = DeviceSpec.of(
        dut,
        width,
        connections,
        fault=fault,
        random_stalls=random_stalls,
        dut_args=dut_args,
        capabilities=capabilities,
    ).as_built_in()
    arguments = spec.arguments() + "".join(f" --set {name}={value}" for name, value in settings.items())
    job = Job(spec, seed, settings, all_frames=pcap_path is not None, arguments=arguments, memory_mb=memory_mb)

    console = terminal.make_console(stderr=json_file == "-")
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    begin = time.monotonic()

    def judge(result: CaseResult) -> CaseResult:
        return waivers.apply(result, known_failures, day)

    results, description, interrupted = _run(console, chosen, job, jobs, timeout, judge)
    run = Run(
        RunInfo(
            tool_version=__version__,
            device=dut,
            description=description or dut,
            configuration={**spec.configuration(), **settings},
            profile=profile or "all",
            seed=seed,
            jobs=jobs,
            patterns=patterns,
            level=Level(level),
        ),
        tuple(results),
        wall_seconds=time.monotonic() - begin,
        interrupted=interrupted,
        started=started,
        waivers=waivers.uses(known_failures, results, day),
    )
    if former is not None:
        run = dataclasses.replace(run, baseline=baseline.compare(former, run))
    rfc_of = {r.id: r.rfc for r in catalogue.rules()}
    terminal.show(console, run, rfc_of, quiet=quiet)
    if pcap_path is not None:
        for r in run.results:
            comment = f"{r.id}: {r.case.title}. {terminal.word(r)}. {run.info.description}, seed {seed}."
            pcapng.save(pcap_path, r.id, r.frames, comment)
    if json_path is not None and json_file == "-":
        json.dump(json_report.report(run), sys.stdout, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")
    elif json_path is not None:
        json_report.save(json_path, run)
    if junit_path is not None:
        junit.save(junit_path, run)
    if waves_path is not None and not interrupted:
        _waves(console, run, job, waves_path, timeout)
    return 128 + signal.SIGINT if interrupted else run.exit_code


def _run(
    console: Console,
    chosen: Sequence[CaseInfo],
    job: Job,
    jobs: int,
    timeout: float,
    judge: Callable[[CaseResult], CaseResult],
) -> tuple[list[CaseResult], str, bool]:
    """Results in the order of the suite, the device's description, and whether the user stopped it."""
    with Pool(job, jobs, timeout) as pool:
        judged = ((number, judge(raw)) for number, raw in pool.run(chosen))
        results, interrupted = terminal.follow(
            console, job.device.kind, len(chosen), judged, lambda r: r.outcome in (Outcome.FAILED, Outcome.ERROR)
        )
        options.show_notes(pool.notes)
        return results, pool.description, interrupted


def _waves(console: Console, run: Run, job: Job, directory: Path, timeout: float) -> None:
    """Repeats what did not pass on the build that writes waves, one file per case."""
    for r in run.results:
        if r.outcome not in (Outcome.FAILED, Outcome.ERROR, Outcome.WARNED):
            continue
        path = directory / pcapng.file_name(r.id).replace(".pcapng", ".fst")
        again = dataclasses.replace(job, device=dataclasses.replace(job.device, waves=str(path)))
        try:
            with Pool(again, 1, timeout * 10) as pool:
                list(pool.run([r.case]))
            console.print(f"Waves of {r.id}: {path}", soft_wrap=True)
        except TiptoeError as e:
            console.print(f"No waves of {r.id}: {e}", soft_wrap=True)
