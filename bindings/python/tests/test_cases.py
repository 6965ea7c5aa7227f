# SPDX-License-Identifier: Apache-2.0
"""Cases: the suite's and those written in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tiptoe
from tiptoe import ACK, RST, CallStatus, Notify, Outcome, Segment, State, Verdict


def test_the_suite() -> None:
    everything = tiptoe.cases()
    assert len(everything) > 200
    assert len({c.id for c in everything}) == len(everything)
    assert all(c.rules and c.title and c.description and c.group for c in everything)
    textbook = tiptoe.cases("textbook/*")
    assert 0 < len(textbook) < len(everything)
    assert [c for c in everything if c in textbook] == textbook
    assert len(tiptoe.cases(level="must")) < len(everything)
    profile = everything[-1].profile
    assert {c.profile for c in tiptoe.cases(profile=profile)} == {profile}
    rule = textbook[0].rules[0]
    assert textbook[0] in tiptoe.cases_of_rule(rule)


def test_unknown_names() -> None:
    some = tiptoe.cases()[0].id
    with pytest.raises(tiptoe.UsageError, match=some):
        tiptoe.cases(some + "x")
    with pytest.raises(tiptoe.UsageError, match=some):
        tiptoe.find_case(some + "x")
    with pytest.raises(tiptoe.UsageError, match="default"):
        tiptoe.cases(profile="defalt")
    with pytest.raises(tiptoe.UsageError):
        tiptoe.run_case("no/such")


def test_results() -> None:
    case = tiptoe.cases("textbook/*")[0]
    with tiptoe.Device() as device:
        result = tiptoe.run_case(case, device)
        again = tiptoe.run_case(case.id, device)
        bare = tiptoe.run_case(case, device, frames=False)
    assert result
    assert result.outcome is Outcome.PASSED
    assert (result.cycles, result.virtual_us, result.frames) == (again.cycles, again.virtual_us, again.frames)
    assert bare.frames == ()
    assert len(result.trace) == len(result.frames) > 0
    assert case.id in result.repeat


def test_a_fault_is_found() -> None:
    with tiptoe.Device() as device:
        device.set_fault("closed_silent")
        results = [tiptoe.run_case(c, device) for c in tiptoe.cases("textbook/*")]
    failed = [r for r in results if not r]
    assert failed
    assert all(r.verdict is Verdict.FAIL and r.message and r.ladder for r in failed)


# ---- cases in Python


@tiptoe.case(rules=["MUST-13"], settings={"MSL": 1_000_000})
def whole_life(t: tiptoe.Tester) -> None:
    """A connection from SYN to TIME_WAIT and beyond.

    Uses most of what a tester offers.
    """
    t.step("open")
    t.reach(State.ESTABLISHED)
    assert t.connection.peer_port == 40000
    t.send_text(100)
    t.expect_notification(Notify.READABLE)
    t.expect_delayed_ack()
    t.user_receive(100)
    t.user_send(50)
    t.expect_text(50)
    t.send_ack()
    t.step("close")
    t.close()
    fin = t.expect_fin()
    assert fin.time_us == t.now_us
    t.send_fin()
    t.expect_ack()
    t.expect_status(State.TIME_WAIT)
    t.advance(2_100_000)
    t.probe_gone()


@tiptoe.case
def closed_port_in_three_notations(t: tiptoe.Tester) -> None:
    """An ACK to a closed port draws a RST."""
    t.send(flags="ACK", seq=5, ack=77)
    t.expect_rst(77)
    t.send("<SEQ=5><ACK=78><CTL=ACK>")
    t.expect("<SEQ=78><CTL=RST>")
    t.send(Segment(flags=ACK, seq=5, ack=79))
    t.expect(Segment(flags=RST), seq=79)
    t.expect_counter("OutRsts", 3)
    assert t.random(10) < 10


@tiptoe.case
def two_connections(t: tiptoe.Tester) -> None:
    """They do not disturb each other."""
    other = t.add_connection()
    t.reach(State.ESTABLISHED)
    other.reach(State.ESTABLISHED)
    other.send_text(10)
    other.expect_delayed_ack()
    other.user_receive(10)
    t.probe_state(State.ESTABLISHED)
    assert other.peer_port != t.connection.peer_port


def test_the_decorator() -> None:
    info = whole_life.info
    assert info.id == "python/whole-life"
    assert info.title == "A connection from SYN to TIME_WAIT and beyond."
    assert info.description == "Uses most of what a tester offers."
    assert info.rules == ("MUST-13",)
    with pytest.raises(tiptoe.UsageError, match="MUST-13"):
        tiptoe.case(rules=["MUST-113"])(lambda t: None)
    with pytest.raises(tiptoe.UsageError, match="profile"):
        tiptoe.case(profile="nonsense")(lambda t: None).run()


def judged(body: Callable[[tiptoe.Tester], Any]) -> tiptoe.CaseResult:
    return tiptoe.case(body).run()


def test_an_expectation_that_fails() -> None:
    def body(t: tiptoe.Tester) -> None:
        t.send_syn()
        t.expect_syn_ack()

    result = judged(body)
    assert result.verdict is Verdict.FAIL
    assert "SYN,ACK" in result.message
    assert "[R.]" in result.ladder


def test_nothing_else_may_be_sent() -> None:
    result = judged(lambda t: t.send_syn())
    assert result.verdict is Verdict.FAIL
    assert "nothing" in result.message


def test_an_assertion_that_fails() -> None:
    def body(t: tiptoe.Tester) -> None:
        assert t.now_us == -1, "time runs backwards"

    result = judged(body)
    assert result.verdict is Verdict.FAIL
    assert "time runs backwards" in result.message
    assert "test_cases.py" in result.message


def test_a_case_that_breaks_down() -> None:
    result = judged(lambda t: 1 / 0)
    assert result.verdict is Verdict.ERROR
    assert "ZeroDivisionError" in result.message
    assert not result


def test_inapplicable_and_inconclusive() -> None:
    assert judged(lambda t: t.inapplicable("no window scaling")).verdict is Verdict.INAPPLICABLE
    assert judged(lambda t: t.inconclusive("never got there")).verdict is Verdict.INCONCLUSIVE

    def raises(t: tiptoe.Tester) -> None:
        raise tiptoe.Inapplicable("no such option")

    assert judged(raises).message.endswith("no such option")


def test_ctrl_c_goes_through() -> None:
    def body(t: tiptoe.Tester) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judged(body)


def test_catching_an_expectation() -> None:
    def body(t: tiptoe.Tester) -> None:
        t.send_syn()
        with pytest.raises(tiptoe.ExpectationError):
            t.expect_syn_ack()

    assert judged(body).verdict is Verdict.PASS


def test_a_tester_ends_with_its_case() -> None:
    kept: list[tiptoe.Tester] = []
    judged(kept.append)
    with pytest.raises(tiptoe.UsageError, match="over"):
        kept[0].send_syn()


def test_remarks_and_bad_arguments() -> None:
    def body(t: tiptoe.Tester) -> None:
        t.remark("by the way")
        with pytest.raises(tiptoe.UsageError):
            t.reach(State.ESTABLISHED, "sideways")
        with pytest.raises(TypeError):
            t.send(sequence=1)
        with pytest.raises(TypeError):
            t.expect_status("ESTABLISHED")  # type: ignore[arg-type]

    result = judged(body)
    assert result.remarks == ("by the way",)
    assert result.verdict is Verdict.PASS, result.message


def test_call_status_is_checked() -> None:
    @tiptoe.case
    def blocked(t: tiptoe.Tester) -> None:
        """RECEIVE without data would block."""
        t.reach(State.ESTABLISHED)
        assert t.receive(10, CallStatus.WOULD_BLOCK).data == b""
        t.receive(10)

    result = blocked.run()
    assert result.verdict is Verdict.FAIL
    assert "WOULD_BLOCK" in result.message
