# SPDX-License-Identifier: Apache-2.0
"""The command, as a user types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import tiptoe
from tiptoe import cli

SOME = "textbook/*"


class Outcome:
    """Exit code and output of a call in this process."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> object:
    def run(*arguments: str) -> Outcome:
        code = cli.main(list(arguments))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


# ---- the whole


def test_help_and_version(call: Any) -> None:
    for arguments in (["--help"], ["-h"], *([name, "--help"] for name in cli.COMMANDS)):
        outcome = call(*arguments)
        assert outcome.code == 0
        assert "Usage: tiptoe" in outcome.out
    assert call("--version").out == f"tiptoe {tiptoe.__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["run", "--nonsense"], ["--nonsense"]])
def test_unknown_words(call: Any, arguments: list[str]) -> None:
    outcome = call(*arguments)
    assert outcome.code == 2
    assert "onsense" in outcome.err


@pytest.mark.parametrize("command", ["run", "pkt"])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--seed x", "Invalid value for '--seed': 'x' is not a valid integer range"),
        ("--set MSL", "'MSL' is not NAME=NUMBER, with a number from 0 to 4294967295"),
        ("--set MSL=-1", "'MSL=-1' is not NAME=NUMBER"),
        ("--set MSL=4294967296", "'MSL=4294967296' is not NAME=NUMBER"),
        ("--set MSLL=1", "no setting 'MSLL'; did you mean MSL"),
        ("--hang-seconds 0", "0.0 is not in the range"),
        ("--hang-seconds nan", "'nan' is no number of seconds"),
        ("--hang-seconds inf", "inf is not in the range"),
        ("--memory-mb 99999999999999", "99999999999999 is not in the range"),
        ("--jobs 0", "0 is not in the range"),
        ("--fault closed_silen", "no fault 'closed_silen'; did you mean closed_silent"),
        ("--json .", "'.' is a directory"),
    ],
)
def test_bad_values_are_told_on_one_line(call: Any, command: str, arguments: str, sentence: str) -> None:
    what = "textbook/TB-17*" if command == "run" else str(Path(__file__).parent / "pkt")
    outcome = call(command, what, *arguments.split())
    assert outcome.code == 2
    assert outcome.err.startswith(f"tiptoe {command}: ")
    assert outcome.err.endswith(f" (tiptoe {command} --help)\n")
    assert outcome.err.count("\n") == 1
    assert sentence in outcome.err


# ---- list and explain


def test_list(call: Any) -> None:
    lines = call("list").out.splitlines()
    assert len(lines) == len(tiptoe.cases())
    data = json.loads(call("list", "--json").out)
    assert [c["id"] for c in data] == [c.id for c in tiptoe.cases()]
    assert set(data[0]) >= {"id", "title", "rules", "level", "profile", "description"}
    assert len(json.loads(call("list", "--json", SOME).out)) == len(tiptoe.cases(SOME))


def test_explain_a_rule(call: Any) -> None:
    case = next(c for c in tiptoe.cases() if any(r.startswith("MUST-") for r in c.rules))
    name = next(r for r in case.rules if r.startswith("MUST-"))
    out = call("explain", name.lower()).out
    rule = tiptoe.catalogue.rule(name)
    assert out.startswith(f"{name}  {rule.level}  {rule.rfc} section {rule.section}")
    assert case.id in out
    assert rule.text.split()[0] in out


def test_explain_a_state_row(call: Any) -> None:
    rule = next(r for r in tiptoe.catalogue.rules() if r.outcomes)
    assert f"-> {rule.outcomes[0].next_state}" in call("explain", rule.id).out


def test_explain_a_case_and_a_fault(call: Any) -> None:
    case = tiptoe.cases()[0]
    out = call("explain", case.id).out
    assert case.title in out
    assert all(r in out for r in case.rules)
    assert "closed_silent" in call("explain", "closed_silent").out


def test_explain_an_open_question(call: Any) -> None:
    out = call("explain", "zero_window_probe").out
    assert "text (the engine's), empty" in out
    assert "3.8.6.1" in out


def test_explain_a_scenario(call: Any) -> None:
    out = call("explain", "tb-09").out
    assert out.startswith("TB-09  scenario of the textbook list")
    assert all(c.id in out for c in tiptoe.cases() if "TB-09" in c.rules)
    case = next(c for c in tiptoe.cases() if "TB-09" in c.rules)
    assert "tiptoe explain TB-09" in " ".join(call("explain", case.id).out.split())
    assert call("explain", "TB-99").code == 2


def test_explain_spells_out_the_notation(call: Any) -> None:
    case = next(c for c in tiptoe.cases("transitions/ESTABLISHED/FIN/*"))
    out = " ".join(call("explain", case.id).out.split())
    assert "Df>CW!P" in out
    assert "D the same up to 500 ms late" in out
    assert "P peer's FIN" in out


def test_explain_near_misses(call: Any) -> None:
    outcome = call("explain", "MUST13")
    assert outcome.code == 2
    assert "did you mean MUST-13" in outcome.err


# ---- run


def test_run_and_its_reports(tiptoe_command: Any, tmp_path: Path) -> None:
    import jsonschema

    done = tiptoe_command(
        "run", SOME, "--dut", "model", "--seed", "5", "--jobs", "2", "--json", str(tmp_path / "a" / "r.json"),
        "--junit", str(tmp_path / "r.xml"), "--pcap", str(tmp_path / "pcap"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    cases = tiptoe.cases(SOME)
    assert "The device conforms." in done.stdout
    assert f"{len(cases)} cases: {len(cases)} passed" in done.stdout
    assert all(c.id in done.stdout for c in cases)
    report = json.loads((tmp_path / "a" / "r.json").read_text())
    jsonschema.validate(report, json.loads((resources.files("tiptoe") / "data" / "report.schema.json").read_text()))
    assert [c["id"] for c in report["cases"]] == [c.id for c in cases]
    assert report["seed"] == 5
    assert report["device"]["kind"] == "model"
    assert report["configuration"]["width"] == 64
    assert report["selection"]["patterns"] == [SOME]
    assert ET.parse(tmp_path / "r.xml").getroot().get("tests") == str(len(cases))
    assert len(list((tmp_path / "pcap").glob("*.pcapng"))) == len(cases)


def test_run_says_the_same_with_any_number_of_jobs(tiptoe_command: Any) -> None:
    def report(jobs: str) -> object:
        done = tiptoe_command("run", SOME, "--jobs", jobs, "--json", "-")
        data = json.loads(done.stdout)
        for key in ("started", "wall_seconds"):
            del data[key]
        for case in data["cases"]:
            del case["wall_seconds"]
        return data

    assert report("1") == report("3")


@pytest.mark.parametrize("parameters", tiptoe.rtl_parameter_sets())
def test_every_built_in_set_runs_in_lockstep(call: Any, parameters: dict[str, int]) -> None:
    words = ["--width", str(parameters["width"]), "--connections", str(parameters["connections"])]
    outcome = call("run", tiptoe.cases(SOME)[0].id, "--dut", "lockstep", *words)
    assert outcome.code == 0, outcome.out
    assert f"TX_BUF_LOG2={parameters['tx_buffer_log2']}" in outcome.out
    assert call("run", tiptoe.cases(SOME)[0].id, "--dut", "lockstep", *words[:2]).code == 0


def test_run_on_other_parameters(call: Any) -> None:
    outcome = call("run", tiptoe.cases(SOME)[0].id, "--width", "512", "--connections", "128", "--random-stalls")
    assert outcome.code == 0
    assert "DATA_W=512 CONNS=128" in outcome.out


def test_run_finds_a_fault(tiptoe_command: Any) -> None:
    done = tiptoe_command("run", SOME, "--fault", "closed_silent", "-q")
    assert done.returncode == 1
    assert "The device violates." in done.stdout
    assert "expected" in done.stdout
    assert "Repeat: tiptoe run" in done.stdout
    assert "--fault closed_silent" in done.stdout
    # The command that it prints repeats the failure.
    line = next(line for line in done.stdout.splitlines() if "Repeat:" in line)
    again = tiptoe_command(*line.split("tiptoe ", 1)[1].replace("'", "").split())
    assert again.returncode == 1


def test_run_by_level_and_profile(call: Any) -> None:
    cases = tiptoe.cases(SOME, level="must", profile="default")
    outcome = call("run", SOME, "--level", "must", "--profile", "default", "--set", "TTL=17")
    assert outcome.code == 0
    assert f"{len(cases)} cases" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--dut", "toaster"], "toaster"),
        (["textbok/*"], "textbok"),
        (["--seed", "x"], "x"),
        (["--seed", "-1"], "-1"),
        (["--width", "63"], "63"),
        (["--connections", "17"], "17"),
        (["--level", "might"], "might"),
        (["--profile", "defualt"], "did you mean default"),
        (["--jobs", "0"], "0"),
        (["--json", "/proc/nothing/r.json"], "/proc/nothing/r.json"),
        (["--junit", "/"], "directory"),
        (["--pcap", "/dev/null"], "/dev/null"),
        (["--set", "TTL"], "TTL"),
        (["--set", "TTL=x"], "TTL=x"),
        (["--fault", "closed_silentt"], "closed_silent"),
        (["--timeout", "0"], "0"),
    ],
)
def test_bad_input(call: Any, arguments: list[str], word: str) -> None:
    outcome = call("run", *([] if arguments[0].startswith("textbok") else [SOME]), *arguments)
    assert outcome.code == 2, outcome.out
    assert word in outcome.err
    assert "Traceback" not in outcome.err


def test_a_setting_that_no_device_has(call: Any) -> None:
    outcome = call("run", SOME, "--set", "NO_SUCH=1")
    assert outcome.code == 2
    assert "NO_SUCH" in outcome.err


def test_parameter_sets_that_are_not_built_in(call: Any) -> None:
    built_in = {(s["width"], s["connections"]) for s in tiptoe.rtl_parameter_sets()}
    assert (256, 1024) not in built_in
    outcome = call("run", SOME, "--dut", "rtl", "--width", "256", "--connections", "1024")
    assert outcome.code == 2


def test_ctrl_c(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "slow.py").write_text(
        "import sys, time, tiptoe.runner, tiptoe.cli\n"
        "tiptoe.runner.Pool.run = lambda self, cases: (time.sleep(60), iter(()))[1]\n"
        "print('ready', flush=True)\n"
        "sys.exit(tiptoe.cli.main(['run']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "slow.py")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job inherits "ignore"
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == cli.INTERRUPTED
    assert "interrupted" in out + err
    assert "Traceback" not in out + err


# ---- soak and bench


def test_soak(call: Any) -> None:
    outcome = call("soak", "--dut", "model", "--cycles", "200k", "--seed", "2", "--width", "128")
    assert outcome.code == 0, outcome.out
    assert "No violation." in outcome.out
    assert (
        call("soak", "--dut", "model", "--cycles", "200k", "--seed", "2", "--width", "128").out.split("digest")[1]
        == outcome.out.split("digest")[1]
    )


@pytest.mark.parametrize("cycles", ["0", "-5", "many", "1.5", "nan", "1e400"])
def test_soak_bad_cycles(call: Any, cycles: str) -> None:
    outcome = call("soak", "--cycles", cycles)
    assert outcome.code == 2
    assert cycles in outcome.err


def test_bench(call: Any) -> None:
    outcome = call("bench", "--repeats", "1", "--seconds", "0.02", "--json", "-", "--only", "speed", "--only",
                   "segments", "--only", "python")  # fmt: skip
    assert outcome.code == 0
    report = json.loads(outcome.out)
    assert report["speed"][0]["model_cycles_per_second"] > 0
    assert {f["connections"] for f in report["segments"]} == {1, 64}
    assert 0 < report["python"][0]["python_over_native"] < 2
    assert "Cycles per second" in outcome.err


def test_output_that_is_cut_off(environment: dict[str, str]) -> None:
    process = subprocess.run(
        f"{sys.executable} -m tiptoe list | head -n 1", shell=True, capture_output=True, text=True, env=environment,
        check=False,
    )  # fmt: skip
    assert process.stdout.count("\n") == 1
    assert "Traceback" not in process.stderr
