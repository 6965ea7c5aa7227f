# SPDX-License-Identifier: Apache-2.0
"""`tiptoe pkt`."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from .. import catalogue
from .._enums import Verdict
from .._version import __version__
from ..pkt import report
from ..pkt.profile import profiles
from ..pkt.require import FEATURES
from ..pkt.result import PktResult
from ..pkt.work import PktJob, PktPool, device_for
from ..report import junit, pcapng, terminal
from ..results import RunInfo
from . import options

#: Folder whose scripts run when no file is named.
CORPUS_VARIABLE = "TIPTOE_PKT_CORPUS"


def _defines(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise click.BadParameter(f"'{value}' is not NAME=VALUE.")
        found[name] = text
    return found


def _features(ctx: click.Context, param: click.Parameter, value: str | None) -> frozenset[str] | None:
    if value is None:
        return None
    chosen = [word.strip() for word in value.split(",") if word.strip()]
    if chosen == ["all"]:
        return frozenset(FEATURES)
    for word in chosen:
        if word not in FEATURES:
            hint = catalogue.suggestion(word, list(FEATURES)) or f"; there are {', '.join(FEATURES)}"
            raise click.BadParameter(f"no feature '{word}'{hint}.")
    return frozenset(chosen)


def scripts_in(paths: Sequence[str], corpus: str | None) -> list[str]:
    """The scripts, every one once: files as named, folders with everything in them that ends in .pkt."""
    if not paths and corpus is None:
        corpus = os.environ.get(CORPUS_VARIABLE) or None
        if corpus is None:
            raise click.UsageError(f"name a script or a folder with scripts (or {CORPUS_VARIABLE}=DIR).")
    found: dict[str, None] = {}
    for name in [*paths, *([corpus] if corpus is not None else [])]:
        path = Path(name)
        if path.is_dir():
            inside = sorted(str(p) for p in path.rglob("*.pkt") if p.is_file())
            if not inside:
                raise click.UsageError(f"there is no file that ends in .pkt in '{name}'.")
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[str(path)] = None
        else:
            raise click.UsageError(f"there is no file and no folder '{name}'.")
    return list(found)


@click.command(name="pkt", short_help="Run packetdrill scripts in virtual time.")
@click.argument("paths", metavar="[FILE|DIR]...", nargs=-1)
@options.any_dut
@click.option("--profile", type=click.Choice(["auto", *profiles]), default="auto", show_default=True,
              help="The system that the scripts were written for.")  # fmt: skip
@click.option("--define", "-D", "defines", metavar="NAME=VALUE", multiple=True, callback=_defines,
              help="A symbol of the scripts. May be repeated.")  # fmt: skip
@click.option("--reduced/--exact", default=True, show_default=True,
              help="Leave TCP options that the device lacks out of the comparison, or take no script that shows one.",
              )  # fmt: skip
@click.option("--features", metavar="LIST", callback=_features,
              help="What the device has: mss,sack,...; all. Default: what the engine has.")  # fmt: skip
@click.option(
    "--corpus", metavar="DIR", help=f"One more folder with scripts (default without FILE: ${CORPUS_VARIABLE})."
)
@options.jobs
@options.seed
@options.reports("script")
@click.option("--width", type=options.Number(options.WIDTHS), help="Data width in bits.")
@click.option("--connections", type=options.Number(options.CONNECTIONS), help="Connections of the engine.")
@options.model_options
@options.settings("the profile's")
@options.watch("script")
@click.option("-q", "--quiet", is_flag=True, help="Only scripts that failed in the table.")
def command(
    paths: tuple[str, ...],
    dut: str,
    dut_args: str,
    capabilities: str,
    profile: str,
    defines: dict[str, str],
    reduced: bool,
    features: frozenset[str] | None,
    corpus: str | None,
    jobs: int,
    seed: int,
    json_file: str | None,
    junit_file: str | None,
    pcap_directory: str | None,
    width: int | None,
    connections: int | None,
    random_stalls: bool,
    fault: str,
    settings: dict[str, int],
    timeout: float,
    memory_mb: int,
    quiet: bool,
) -> int:
    """Run packetdrill scripts on a device, in the device's own time. docs/pkt.md is the guide.

    Exit code: 0 every script passed or does not apply, 1 one failed, 2 one could not be run.
    """
    scripts = scripts_in(paths, corpus)
    json_path = options.output_file(json_file, "--json")
    junit_path = options.output_file(junit_file, "--junit")
    pcap_path = options.output_directory(pcap_directory, "--pcap")
    options.check_fault(fault)
    options.check_settings(settings, dut)
    spec = device_for(
        dut, width, connections, random_stalls=random_stalls, fault=fault, dut_args=dut_args, capabilities=capabilities
    )
    frames = pcap_path is not None
    job = PktJob(spec, seed, profile, defines, reduced, features, settings, frames, memory_mb)
    console = terminal.make_console(stderr=json_file == "-")
    begin = time.monotonic()
    results, description, interrupted = _run(console, scripts, job, min(jobs, len(scripts)), timeout)
    wall = time.monotonic() - begin
    report.show(console, results, description or dut, wall, interrupted, quiet)
    if json_path is not None:
        configuration = {
            **spec.configuration(),
            "profile": profile,
            "reduced": reduced,
            "seed": seed,
            "settings": settings,
            "defines": defines,
            "jobs": jobs,
        }
        content = report.to_json(results, description or dut, configuration, wall, interrupted)
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        if json_file == "-":
            sys.stdout.write(text)
        else:
            json_path.write_text(text, encoding="utf-8")
    if junit_path is not None:
        info = RunInfo(__version__, dut, description or dut, {**spec.configuration(), **settings}, profile, seed, jobs)
        junit.save(junit_path, report.to_run(results, info, wall, interrupted))
    if pcap_path is not None:
        called = report.names([r.path for r in results])
        for r in results:
            pcapng.save(
                pcap_path, called[r.path], r.frames, f"{r.path}: {r.verdict.value}. {description}, seed {seed}."
            )
    return 128 + signal.SIGINT if interrupted else report.exit_code(results, interrupted)


def _run(
    console: Console, scripts: Sequence[str], job: PktJob, jobs: int, timeout: float
) -> tuple[list[PktResult], str, bool]:
    """Results in the order of the scripts, the device's description, and whether the user stopped it."""
    with PktPool(job, jobs, timeout) as pool:
        results, interrupted = terminal.follow(
            console,
            job.device.kind,
            len(scripts),
            pool.run(scripts),
            lambda r: r.verdict in (Verdict.FAIL, Verdict.ERROR),
        )
        options.show_notes(pool.notes)
        return results, pool.description, interrupted
