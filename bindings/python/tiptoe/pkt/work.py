# SPDX-License-Identifier: Apache-2.0
"""Runs files on devices: here, or in worker processes, so that a device which crashes or hangs costs one script.

Example:

    spec = device_for("lockstep")
    with PktPool(PktJob(spec), jobs=2) as pool:
        for number, result in pool.run(paths): ...
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import _core
from .._core import Device
from .._enums import Verdict
from ..runner import DeviceSpec, WorkerPool
from . import config as configs
from .origin import guess
from .parser import parse
from .profile import Profile, profiles
from .require import ENGINE, Abilities
from .result import PktResult
from .session import play
from .syntax import PktSyntaxError, Script

#: Buffers of the device: what FreeBSD and Linux advertise without window scaling needs 64 KiB.
BUFFER_LOG2 = 16


def device_for(kind: str, width: int | None = None, connections: int | None = None, **more: Any) -> DeviceSpec:
    """The device on which scripts run: of the verilated sets the first with that width and number of connections and
    with buffers of 64 KiB, or else the first that fits. The model has such buffers in any case."""
    fitting = [
        s
        for s in _core.rtl_parameter_sets()
        if (width is None or s["width"] == width) and (connections is None or s["connections"] == connections)
    ]
    large = [s for s in fitting if s["rx_buffer_log2"] >= BUFFER_LOG2 and s["tx_buffer_log2"] >= BUFFER_LOG2]
    chosen = next(iter(large or fitting), None)
    spec = DeviceSpec.of(kind, width or 64, connections, **more)
    if chosen is not None:
        spec = replace(spec, **chosen)
    if kind == "model":
        spec = replace(spec, rx_buffer_log2=BUFFER_LOG2, tx_buffer_log2=BUFFER_LOG2)
    return spec


def abilities_of(device: Device, spec: DeviceSpec | None = None, features: frozenset[str] | None = None) -> Abilities:
    """What a device has. The engine's features are known; another device is taken to have everything, unless it is told
    what it has."""
    built_in = device.kind in ("model", "rtl", "lockstep")
    if features is None:
        from .require import FEATURES

        features = ENGINE if built_in else frozenset(FEATURES)
    tells = device.capabilities
    if built_in:
        octets = 1 << spec.rx_buffer_log2 if spec is not None else 65536
        mtu = (296, 2048)
    else:
        octets = tells["receive_buffer"] or 65536
        mtu = (68 if tells["all_settings"] or "MTU" in tells["settable"] else tells["mtu"], tells["mtu"])
    return Abilities(
        features=features,
        receive_buffer=octets,
        mtu=mtu,
        records=device.has_retire_records,
        counters=tells["all_counters"] or "RetransSegs" in tells["counters"],
        user_calls=device.user_calls,
        settable=None if tells["all_settings"] else frozenset(tells["settable"]),
        fixed=tells["fixed"],
        address=str(ipaddress.IPv4Address(tells["addresses"][0])) if tells["addresses"] else "",
        service_port=tells["service"]["port"] if tells["service"] and "listen" not in tells["calls"] else 0,
        slack_us=0 if built_in else max(tells["at_once_us"], tells["timer_tolerance_us"] if tells["real_time"] else 0),
    )


@dataclass(frozen=True)
class PktJob:
    """What all scripts of a run have in common."""

    device: DeviceSpec
    seed: int = 1
    profile: str = "auto"
    defines: Mapping[str, str] = field(default_factory=dict)
    reduced: bool = False
    features: frozenset[str] | None = None
    settings: Mapping[str, int] = field(default_factory=dict)  #: registers, on top of the profile
    frames: bool = False  #: results carry the datagrams
    memory_mb: int = 2048  #: MiB that the process of a device from outside may use; 0: no limit


def read(octets: bytes, path: str, job: PktJob) -> tuple[Script, Profile]:
    """Parses a script twice when it must: its profile, which may define symbols, is told by what it says.

    Raises `PktSyntaxError`.
    """
    if job.profile != "auto":
        profile = profiles[job.profile]
        return parse(octets, path, _defines(profile, job.defines)), profile
    try:
        script = parse(octets, path, {**profiles["linux"].defines, **job.defines})
    except PktSyntaxError:
        script = parse(octets, path, _defines(profiles["freebsd"], job.defines))
    profile = guess(script)
    defines = _defines(profile, job.defines)
    if profile.choices and "#ifdef" in script.text:
        script = parse(octets, path, defines)
    return script, profile


def _defines(profile: Profile, given: Mapping[str, str]) -> dict[str, str]:
    defines = {**profile.defines, **given}
    if profile.choices and not any(name in given for name in profile.choices):
        defines[profile.choices[0]] = "1"
    return defines


def _chosen(profile: Profile, given: Mapping[str, str]) -> Profile:
    """With the settings that go with the symbol of which one is defined."""
    chosen = next((name for name in profile.choices if name in _defines(profile, given)), None)
    return replace(profile, registers={**profile.registers, **profile.choice_registers.get(chosen or "", {})})


def run_file(path: str, device: Device, job: PktJob) -> PktResult:
    """Reads and runs one file."""
    try:
        octets = Path(path).read_bytes()
    except OSError as e:
        return PktResult(path, Verdict.ERROR, reason=f"cannot be read: {e.strerror}")
    try:
        script, profile = read(octets, path, job)
        options = configs.read(script)
    except PktSyntaxError as e:
        line = octets.decode("utf-8", "replace").replace("\r", "").split("\n")[e.line - 1 : e.line]
        return PktResult(
            path, Verdict.ERROR, e.line, f"column {e.column}: {e.message}", source=line[0][:200] if line else ""
        )
    profile = _chosen(profile, job.defines)
    if job.settings:
        profile = replace(profile, registers={**profile.registers, **job.settings})
    abilities = abilities_of(device, job.device, job.features)
    device.recording = job.frames
    options = _fitted(options, abilities)
    return play(device, script, profile, abilities, options, reduced=job.reduced, seed=job.seed)


def _fitted(options: configs.Config, abilities: Abilities) -> configs.Config:
    """With the address that the device has, and the time that it takes to answer."""
    return replace(
        options,
        local_ip=abilities.address or options.local_ip,
        tolerance_us=max(options.tolerance_us, abilities.slack_us),
    )


def run(
    script: Script,
    device: Device,
    profile: str | Profile | None = None,
    *,
    features: frozenset[str] | None = None,
    reduced: bool = True,
    seed: int = 1,
) -> PktResult:
    """Runs a parsed script on a device that is there. Raises `PktSyntaxError` for an option that is none."""
    chosen = guess(script) if profile is None else profiles[profile] if isinstance(profile, str) else profile
    chosen = _chosen(chosen, {})
    spec = DeviceSpec(device.kind, rx_buffer_log2=BUFFER_LOG2)
    abilities = abilities_of(device, spec, features)
    options = _fitted(configs.read(script), abilities)
    return play(device, script, chosen, abilities, options, reduced=reduced, seed=seed)


class PktPool(WorkerPool[str, PktResult]):
    """Worker processes that run scripts."""

    module = "tiptoe.pkt.work"

    def lost(self, task: str, verdict: Verdict, message: str, wall_s: float, ladder: str) -> PktResult:
        """The message says it all."""
        return PktResult(task, verdict, reason=message, wall_seconds=wall_s)


def _make(job: PktJob) -> Device:
    return job.device.make(job.seed)


def _run(path: str, device: Device, job: PktJob) -> tuple[PktResult, bool]:
    try:
        result = run_file(path, device, job)
    except Exception as e:
        result = PktResult(path, Verdict.ERROR, reason=f"{type(e).__name__}: {e}")
    # Whatever state it is in: a new device after a script that did not pass.
    return result, result.verdict in (Verdict.PASS, Verdict.INAPPLICABLE)


if __name__ == "__main__":
    from .._worker import serve

    serve(_make, _run)
