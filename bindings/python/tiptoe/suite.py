# SPDX-License-Identifier: Apache-2.0
"""The suite: its cases, running one, and writing new ones in Python.

    >>> import tiptoe
    >>> with tiptoe.Device("model") as device:
    ...     result = tiptoe.run_case("textbook/tb-01", device)
    >>> result.verdict
    <Verdict.PASS: 'pass'>

A case of your own is a function that takes a `Tester`:

    >>> @tiptoe.case(rules=["RFC5961-3.2-3"])
    ... def rst_in_window(t: tiptoe.Tester) -> None:
    ...     '''A RST inside the window draws a challenge ACK.'''
    ...     t.reach(State.ESTABLISHED)
    ...     t.send(flags="RST", seq=t.R + 1)
    ...     t.expect_ack()
    ...     t.probe_state(State.ESTABLISHED)
    >>> rst_in_window.run(device)
"""

from __future__ import annotations

import datetime
import fnmatch
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from . import _core, catalogue
from . import waivers as judged
from ._enums import Level, Verdict
from ._errors import UsageError
from .results import CaseInfo, CaseResult
from .waivers import Waiver


@dataclass(frozen=True)
class Profile:
    """Named settings under which cases run."""

    name: str
    description: str
    settings: Mapping[str, int]


@functools.cache
def _all_cases() -> tuple[CaseInfo, ...]:
    def info(raw: dict[str, Any]) -> CaseInfo:
        raw["level"] = Level(raw["level"])
        return CaseInfo(**raw)

    return tuple(info(raw) for raw in _core.cases())


def cases(
    patterns: str | Iterable[str] = (), *, level: Level | str = Level.MAY, profile: str | None = None
) -> list[CaseInfo]:
    """Cases whose id matches one of the glob patterns (all when there is none), in the order of the suite.

    `level`: only cases at least that strong ("should": MUST and SHOULD). `profile`: only cases of that profile.
    Raises `UsageError` for a pattern that matches no case and for an unknown profile.
    """
    patterns = [patterns] if isinstance(patterns, str) else list(patterns)
    chosen: set[str] = set()
    everything = _all_cases()
    for pattern in patterns:
        hits = {c.id for c in everything if fnmatch.fnmatchcase(c.id, pattern)}
        if not hits:
            near = catalogue.suggestion(pattern.strip("*?"), (c.id for c in everything))
            raise UsageError(f"no case matches '{pattern}'{near}")
        chosen |= hits
    if profile is not None and profile not in (known := [p.name for p in profiles()]):
        near = catalogue.suggestion(profile, known) or f"; there are {', '.join(known)}"
        raise UsageError(f"no profile '{profile}'{near}")
    order = list(Level)
    weakest = order.index(Level(level))
    return [
        c
        for c in everything
        if (not patterns or c.id in chosen)
        and order.index(c.level) <= weakest
        and (profile is None or c.profile == profile)
    ]


def find_case(case_id: str) -> CaseInfo:
    """The case of that id. Raises `UsageError` with the nearest ids."""
    for info in _all_cases():
        if info.id == case_id:
            return info
    raise UsageError(f"no case '{case_id}'" + catalogue.suggestion(case_id, (c.id for c in _all_cases())))


def cases_of_rule(rule: str) -> list[CaseInfo]:
    """The cases that check a rule."""
    return [c for c in _all_cases() if rule in c.rules]


@functools.cache
def profiles() -> list[Profile]:
    """All profiles."""
    return [Profile(*p) for p in _core.profiles()]


def run_case(
    case: str | CaseInfo | Case,
    device: _core.Device | str = "model",
    *,
    seed: int = 1,
    settings: Mapping[str, int] | None = None,
    waivers: Sequence[Waiver] = (),
    today: datetime.date | None = None,
    arguments: str = "",
    frames: bool = True,
) -> CaseResult:
    """Runs one case on a device, which is reset first; a device given by its kind is made for this run.

    The result depends on case, device, seed and settings alone. `settings` come on top of the case's own.
    `arguments` is what describes the device in the repeat command. `frames=False` leaves the datagrams out.
    `today` is the day on which the waivers are judged (the day it is in UTC).
    """
    if isinstance(device, str):
        with _core.Device(device) as made:
            return run_case(
                case,
                made,
                seed=seed,
                settings=settings,
                waivers=waivers,
                today=today,
                arguments=arguments,
                frames=frames,
            )
    options: dict[str, Any] = {
        "seed": seed,
        "settings": dict(settings or {}),
        "arguments": arguments or f"--dut {device.kind}",
        "frames": frames,
    }
    if isinstance(case, Case):
        info = case.info
        raw = _core.run_function(_description(info), case.function, device, **options)
        raw["repeat"] = ""  # `tiptoe run` knows the cases of the suite
    else:
        info = find_case(case) if isinstance(case, str) else case
        raw = _core.run_case(info.id, device, **options)
    raw["verdict"] = Verdict(raw["verdict"])
    return judged.apply(CaseResult(case=info, **raw), waivers, today or judged.today())


def _description(info: CaseInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "title": info.title,
        "rules": list(info.rules),
        "description": info.description,
        "level": info.level.value,
        "profile": info.profile,
        "settings": dict(info.settings),
    }


CaseFunction = Callable[[_core.Tester], None]


class Case:
    """A case written in Python. Made by the decorator `case`.

    Called by pytest it takes the fixture `device` of the plugin and fails with the story of the exchange.
    """

    def __init__(self, function: CaseFunction, info: CaseInfo) -> None:
        self.function = function
        self.info = info
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def run(self, device: _core.Device | str = "model", **options: Any) -> CaseResult:
        """Runs it; options as for `run_case`."""
        return run_case(self, device, **options)

    def __repr__(self) -> str:
        return f"<Case {self.info.id}: {self.info.title}>"


@overload
def case(function: CaseFunction, /) -> Case: ...
@overload
def case(
    *,
    rules: Sequence[str] = (),
    id: str | None = None,
    level: Level | str = Level.MUST,
    profile: str = "default",
    settings: Mapping[str, int] | None = None,
) -> Callable[[CaseFunction], Case]: ...
def case(
    function: CaseFunction | None = None,
    /,
    *,
    rules: Sequence[str] = (),
    id: str | None = None,
    level: Level | str = Level.MUST,
    profile: str = "default",
    settings: Mapping[str, int] | None = None,
) -> Case | Callable[[CaseFunction], Case]:
    """Makes a case of a function that takes a `Tester`; pytest collects it as a test.

    `rules`: identifiers of the catalogue; an unknown one raises `UsageError` at once. The first line of the docstring
    is the title, the rest the description.
    """

    def decorate(f: CaseFunction) -> Case:
        for name in rules:
            catalogue.rule(name)
        title, _, description = inspect.cleandoc(f.__doc__ or f.__name__.replace("_", " ")).partition("\n")
        return Case(
            f,
            CaseInfo(
                id=id or f"python/{f.__name__.replace('_', '-')}",
                title=title,
                rules=tuple(rules),
                description=description.strip() or title,
                level=Level(level),
                profile=profile,
                settings=dict(settings or {}),
            ),
        )

    return decorate if function is None else decorate(function)
