# SPDX-License-Identifier: Apache-2.0
"""`tiptoe explain`."""

from __future__ import annotations

import re
import textwrap

import click
from rich.console import Console
from rich.markup import escape

from .. import _core, catalogue, suite
from .._errors import UsageError
from ..catalogue import Rule
from ..report import terminal
from ..results import CaseInfo

NOTATION = (
    "what is sent, then +octets delivered, f the FIN is taken, >next state (none: it stays), !what the user is told, "
    "?what he may be told; | between legal outcomes. Sent: . nothing, A <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, D the "
    "same up to 500 ms late, SA SYN,ACK, Ra <SEQ=SEG.ACK><CTL=RST>, R0 <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. "
    "States: CL LI SS SR ES F1 F2 CW CG LA TW. Told: C connected, R readable, P peer's FIN, X closed, T reset, "
    "F refused, U urgent. {question=answer} before: legal where the device has not said otherwise (docs/plug-in.md)"
)
"""Of the transition table; docs/cli.md has an example."""

SCENARIO = re.compile(r"TB-\d\d")


@click.command(name="explain", short_help="Explain a rule or a case.")
@click.argument("name", metavar="RULE|CASE")
def command(name: str) -> None:
    """Explain a rule (its text, level, RFC section and the cases that check it) or a case (what it does, its rules);
    also a seeded fault of the model, or a question that the RFCs leave open (docs/plug-in.md)."""
    console = terminal.make_console()
    rules = catalogue.load()
    rule = rules.find(name)
    if rule is not None:
        _explain_rule(console, rule)
        return
    if SCENARIO.fullmatch(name.upper()) and suite.cases_of_rule(name.upper()):
        _explain_scenario(console, name.upper())
        return
    cases = {c.id: c for c in suite.cases()}
    if name in cases:
        _explain_case(console, cases[name])
        return
    faults = {fault: rest for fault, *rest in _core.faults()}
    if name in faults:
        console.print(f"[bold]{name}[/]  seeded fault of the model")
        for label, text in zip(("what", "breaks"), faults[name], strict=True):
            _field(console, label, text)
        _field(console, "try", f"tiptoe run --fault {name}")
        return
    questions = {question: (answers, text) for question, answers, text in _core.choices()}
    if name in questions:
        answers, text = questions[name]
        console.print(f"[bold]{name}[/]  left open by the RFCs; a capability file may answer it (choices)")
        _field(console, "question", text)
        _field(console, "answers", f"{answers[0]} (the engine's), " + ", ".join(answers[1:]))
        return
    near = catalogue.suggestion(name, [*rules.rules, *cases, *faults, *questions])
    raise UsageError(f"no rule, case, fault or open question '{name}'{near}")


def _field(console: Console, name: str, text: str) -> None:
    if not text:
        return
    width = min(console.width, 110) - 14
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
    console.print(f"  [dim]{name:<12}[/]{escape(lines[0])}")
    for line in lines[1:]:
        console.print(" " * 14 + escape(line))


def _explain_rule(console: Console, rule: Rule) -> None:
    console.print(f"[bold]{rule.id}[/]  {rule.level}  {rule.rfc} section {rule.section}")
    _field(console, "rule", rule.text)
    _field(console, "condition", rule.condition)
    _field(console, "level", rule.level_basis)
    for outcome in rule.outcomes:
        label = outcome.profile + (f", {outcome.when}" if outcome.when else "")
        sends = "; ".join(outcome.send) or "no segment"
        text = f"[{label}] {sends} -> {outcome.next_state}"
        if outcome.api and outcome.api != "none":
            text += f"; user: {outcome.api}"
        _field(console, "outcome", text)
    _field(console, "observable", ", ".join(rule.observable))
    _field(console, "test", rule.test)
    _field(console, "note", rule.note)
    _cases_of(console, rule.id)


def _cases_of(console: Console, name: str) -> None:
    cases = suite.cases_of_rule(name)
    if not cases:
        _field(console, "cases", "none")
    for number, case in enumerate(cases):
        _field(console, "cases" if number == 0 else "", f"{case.id}: {case.title}")


def _explain_scenario(console: Console, name: str) -> None:
    console.print(f"[bold]{name}[/]  scenario of the textbook list")
    _field(
        console,
        "what",
        "No rule of its own: an exchange that textbooks and old test suites show. Its cases name the rules that it "
        "tells broken from kept.",
    )
    _cases_of(console, name)


def _explain_case(console: Console, case: CaseInfo) -> None:
    rules = catalogue.load()
    console.print(f"[bold]{escape(case.id)}[/]  {case.level.value.upper()}  profile {case.profile}")
    _field(console, "what", case.title)
    if case.description != case.title:
        _field(console, "how", case.description)
    if "in the notation of the transition table" in case.description:
        _field(console, "notation", NOTATION)
    if case.settings:
        _field(console, "settings", ", ".join(f"{k} = {v}" for k, v in case.settings.items()))
    for number, name in enumerate(case.rules):
        rule = rules.find(name)
        text = f"{name}: {rule.level}, {rule.rfc} {rule.section}. {rule.text}" if rule else name
        if rule is None and SCENARIO.fullmatch(name):
            text = f"{name}: scenario of the textbook list (tiptoe explain {name})"
        _field(console, "rules" if number == 0 else "", text)
    _field(console, "repeat", f"tiptoe run '{case.id}'")
