# SPDX-License-Identifier: Apache-2.0
"""pytest plugin: the suite as pytest items, cases of your own as tests, fixtures for devices.

    pytest --tiptoe-suite                         every case of the suite is a test
    pytest --tiptoe-suite='textbook/*' -n 2       some of them, in parallel (pytest-xdist)
    pytest --tiptoe-dut rtl --tiptoe-width 512    the same tests on another device

Fixtures: `tester` (a `tiptoe.Tester`: the test is a case, "nothing else was sent" included), `device` (one per test,
recording, reset) and `tiptoe_spec` (how it is made). A function decorated with `tiptoe.case` is collected as a test
wherever it stands in a test file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, all of them --tiptoe-*."""
    group = parser.getgroup("tiptoe", "TCP conformance")
    group.addoption("--tiptoe-dut", default="model", help="device: model (default), rtl, lockstep, or one of your own")
    group.addoption("--tiptoe-dut-args", default="", help="text for a device of your own")
    group.addoption("--tiptoe-capabilities", default="", help="its capability file (the one beside it)")
    group.addoption("--tiptoe-width", type=int, default=64, help="data width of the device in bits (64)")
    group.addoption("--tiptoe-connections", type=int, default=None, help="connections (those of the built-in set)")
    group.addoption("--tiptoe-seed", type=int, default=1, help="seed of every random choice (1)")
    group.addoption("--tiptoe-fault", default="", help="seeded fault of the model")
    group.addoption(
        "--tiptoe-suite",
        nargs="?",
        const="*",
        default=None,
        metavar="PATTERN",
        help="collect the cases of the suite (glob on their ids) as tests",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Markers and the suite."""
    config.addinivalue_line("markers", "tiptoe_rules(*ids): rules of the catalogue that this test checks")
    if config.getoption("--tiptoe-suite", None) is not None:
        config.pluginmanager.register(_SuiteCollector(), "tiptoe-suite")


def _spec(config: pytest.Config) -> Any:
    from tiptoe.runner import DeviceSpec

    return DeviceSpec.of(
        config.getoption("--tiptoe-dut"),
        config.getoption("--tiptoe-width"),
        config.getoption("--tiptoe-connections"),
        fault=config.getoption("--tiptoe-fault"),
        dut_args=config.getoption("--tiptoe-dut-args"),
        capabilities=config.getoption("--tiptoe-capabilities"),
    )


class _SuiteCollector:
    """Adds the suite to what pytest has collected."""

    @pytest.hookimpl(trylast=True)  # type: ignore[misc]
    def pytest_collection_modifyitems(self, session: pytest.Session, config: pytest.Config, items: list[Any]) -> None:
        from tiptoe import TiptoeError, suite

        try:
            cases = suite.cases(config.getoption("--tiptoe-suite"))
        except TiptoeError as e:
            raise pytest.UsageError(str(e)) from None
        parent = _SuiteNode.from_parent(session, name="tiptoe", nodeid="tiptoe")
        items += [_CaseItem.from_parent(parent, name=c.id, case=c) for c in cases]


class _SuiteNode(pytest.Collector):
    """Parent of the items; they have been collected already."""

    def collect(self) -> list[pytest.Item]:
        return []


class _CaseItem(pytest.Item):
    """One case. Devices are kept between cases: each case resets its device."""

    def __init__(self, *, case: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case
        self.user_properties.append(("rules", " ".join(case.rules)))
        self.add_marker(pytest.mark.tiptoe_rules(*case.rules))

    def runtest(self) -> None:
        _judge(self, self.case, _shared_device(self.config))

    def reportinfo(self) -> tuple[str, None, str]:
        return "tiptoe", None, f"tiptoe::{self.case.id}"


#: Property of an item whose SHOULD or MAY was not followed: the story. Properties travel from pytest-xdist's workers.
_WARNED = "warned"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Names the cases that passed with a warning: a SHOULD or MAY was not followed."""
    reports = terminalreporter.stats.get("passed", [])
    warned = [(r.nodeid, dict(r.user_properties)[_WARNED]) for r in reports if _WARNED in dict(r.user_properties)]
    if warned:
        terminalreporter.section(f"tiptoe: {len(warned)} passed with a warning")
        for name, message in sorted(warned):
            terminalreporter.write_line(f"{name}: {message}")


def _shared_device(config: pytest.Config) -> Any:
    stash = config.stash
    if _DEVICE not in stash:
        stash[_DEVICE] = _spec(config).make(config.getoption("--tiptoe-seed"))
    return stash[_DEVICE]


_DEVICE: pytest.StashKey[Any] = pytest.StashKey()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the shared device."""
    if _DEVICE in config.stash:
        config.stash[_DEVICE].shut_down()
        del config.stash[_DEVICE]


def _judge(item: pytest.Item, case: Any, device: Any) -> None:
    """Runs a case and turns its verdict into pytest's words."""
    from tiptoe import Outcome, Verdict, run_case

    result = run_case(
        case,
        device,
        seed=item.config.getoption("--tiptoe-seed"),
        arguments=_spec(item.config).arguments(),
        frames=False,
    )
    for name in ("seed", "cycles", "virtual_us"):
        item.user_properties.append((name, getattr(result, name)))
    item.user_properties.append(("verdict", result.verdict.value))
    match result.outcome:
        case Outcome.INAPPLICABLE | Outcome.WAIVED:
            pytest.skip(f"{result.verdict.value}: {result.message}")
        case Outcome.WARNED:
            item.user_properties.append((_WARNED, result.message))
        case Outcome.FAILED | Outcome.ERROR:
            word = "" if result.verdict is Verdict.FAIL else f"{result.verdict.value}: "
            pytest.fail("\n\n".join(filter(None, [word + result.message, result.ladder, result.repeat])), pytrace=False)


# ---- cases written in Python


@pytest.hookimpl(tryfirst=True)  # type: ignore[misc]
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> Any:
    """A `tiptoe.Case` in a test file is a test, whatever its name."""
    from tiptoe import Case

    if isinstance(obj, Case) and obj.__module__ == getattr(getattr(collector, "obj", None), "__name__", None):
        return _PythonCase.from_parent(collector, name=name, case=obj.info, body=obj)
    return None


class _PythonCase(_CaseItem):
    def __init__(self, *, body: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.body = body

    def runtest(self) -> None:
        _judge(self, self.body, _shared_device(self.config))

    def reportinfo(self) -> tuple[Any, int, str]:  # type: ignore[override]
        code = self.body.function.__code__
        return code.co_filename, code.co_firstlineno, self.name


# ---- fixtures


@pytest.fixture
def tester() -> Any:
    """A `tiptoe.Tester` on the device that the command line names. The test becomes a case: every datagram of the
    device is checked, and nothing but what the test expects may be sent. Its rules come from the marker
    `tiptoe_rules`."""
    return None  # put in its place by pytest_pyfunc_call below: a tester lives inside a run


@pytest.hookimpl(tryfirst=True)  # type: ignore[misc]
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that asks for `tester` as a case."""
    if "tester" not in pyfuncitem._fixtureinfo.argnames:
        return None
    import tiptoe

    function = pyfuncitem.obj
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    rules = [rule for mark in pyfuncitem.iter_markers("tiptoe_rules") for rule in mark.args]

    def body(t: Any) -> None:
        function(**{**arguments, "tester": t})

    body.__doc__ = function.__doc__
    made = tiptoe.case(rules=rules, id=f"python/{pyfuncitem.name}")(body)
    _judge(pyfuncitem, made, _shared_device(pyfuncitem.config))
    return True


@pytest.fixture(scope="session")
def tiptoe_spec(request: pytest.FixtureRequest) -> Any:
    """How to make the device that the command line names: a `tiptoe.runner.DeviceSpec`."""
    return _spec(request.config)


@pytest.fixture
def device(request: pytest.FixtureRequest, tiptoe_spec: Any) -> Iterator[Any]:
    """A fresh `tiptoe.Device` with address 10.0.0.1, recording. A failing test shows the exchange."""
    import tiptoe

    made = tiptoe_spec.make(request.config.getoption("--tiptoe-seed"), {"LOCAL_IP0": 0x0A000001})
    made.recording = True
    with made:
        yield made
        if made.frames:
            request.node.add_report_section("teardown", "exchange", tiptoe.ladder(made.frames))
