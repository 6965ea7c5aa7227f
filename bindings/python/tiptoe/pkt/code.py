# SPDX-License-Identifier: Apache-2.0
"""`%{ ... }%`: Python code of scripts, run on the variables that a kernel's TCP_INFO would give.

Google's packetdrill takes the variables when the line is reached and runs all code at the end; here it runs at once, in
one namespace for the whole script. Where a variable comes from, and which there are, is in docs/pkt.md.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import textwrap
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .._enums import State
from .host import Host, Phase, Socket
from .profile import Profile

#: Beginnings of names that a snapshot of the kernel provides.
_SNAPSHOT = ("tcpi_", "bbr_", "dctcp_", "vegas_", "cc_", "SK_MEMINFO_", "TCPI_", "TCP_")

#: Needs nothing but user calls.
_FROM_CALLS = {
    "tcpi_state",
    "tcpi_snd_wscale",
    "tcpi_rcv_wscale",
    "tcpi_options",
    "tcpi_advmss",
    "tcpi_snd_mss",
    "tcpi_pmtu",
    "tcpi_last_data_recv",
}
#: Needs a counter.
_FROM_COUNTERS = {"tcpi_total_retrans", "tcpi_snd_rexmitpack"}
#: Needs the connection record, which comes with retire records (level L2).
_FROM_RECORD = {
    "tcpi_rto", "tcpi_rtt", "tcpi_rttvar", "tcpi_snd_cwnd", "tcpi_snd_ssthresh", "tcpi_snd_wnd", "tcpi_snd_nxt",
    "tcpi_rcv_nxt", "tcpi_unacked", "tcpi_retransmits", "tcpi_probes", "tcpi_backoff", "tcpi_ca_state",
    "tcpi_bytes_acked", "tcpi_bytes_received", "tcpi_notsent_bytes", "tcpi_rcv_wnd",
}  # fmt: skip
_INFINITE = 0x3FFFFFFF  # ssthresh before the first loss


@dataclass(frozen=True)
class Trouble:
    """A snippet did not go well."""

    text: str
    is_assertion: bool  #: what it claims is not so; otherwise it could not run
    about: frozenset[str] = frozenset()  #: variables of the kernel in the claim


def available(records: bool, counters: bool) -> set[str]:
    """Names of variables that a device can give."""
    return _FROM_CALLS | (_FROM_COUNTERS if counters else set()) | (_FROM_RECORD if records else set())


def parse(text: str) -> ast.Module:
    """Raises `SyntaxError`."""
    return ast.parse(textwrap.dedent(text))


def unknown(text: str, known: set[str], symbols: Mapping[str, int], defined: set[str]) -> list[str]:
    """Variables that the code reads and nobody provides. What it assigns goes into `defined`. Raises `SyntaxError`."""
    tree = parse(text)
    wanted: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                wanted.append(node.id)
            else:
                defined.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.alias):
            defined.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
    return sorted({n for n in wanted if n.startswith(_SNAPSHOT) and n not in known | symbols.keys() | defined})


class Snippets:
    """The code of one script."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.namespace: dict[str, object] = {"__builtins__": builtins, **profile.symbols.code}

    def run(self, text: str, variables: Mapping[str, int]) -> tuple[Trouble | None, str]:
        """(what went wrong, what it printed)"""
        self.namespace.update(variables)
        printed = io.StringIO()
        trouble = None
        try:
            tree = parse(text)
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                exec(compile(tree, "%{ }%", "exec"), self.namespace)
        except AssertionError as e:
            trouble = self._assertion(text, e, variables)
        except SystemExit as e:
            if e.code not in (None, 0):
                trouble = Trouble(f"the code ended with exit code {e.code}", True)
        except SyntaxError as e:
            trouble = Trouble(f"not Python: {e.msg} (line {e.lineno} of the code)", False)
        except Exception as e:
            trouble = Trouble(f"{type(e).__name__}: {e}", False)
        return trouble, printed.getvalue()

    def _assertion(self, text: str, error: AssertionError, variables: Mapping[str, int]) -> Trouble:
        lines = textwrap.dedent(text).splitlines()
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == "%{ }%"]
        number = frames[-1].lineno if frames else 1
        line = lines[number - 1].strip() if number and number <= len(lines) else text.strip()
        try:
            names = {n.id for n in ast.walk(parse(text)) if isinstance(n, ast.Name)}
        except SyntaxError:
            names = set()
        about = frozenset(n for n in names & variables.keys() if n in line)
        values = ", ".join(f"{n} = {variables[n]}" for n in sorted(about))
        words = [f"`{line}` does not hold"]
        if values:
            words.append(f"({values})")
        if str(error):
            words.append(f"[{error}]")
        return Trouble(" ".join(words), True, about)


def snapshot(host: Host, profile: Profile, socket: Socket | None, record: Mapping[str, int] | None) -> dict[str, int]:
    """The variables of a connection now. `record` is the device's connection record, when it gives one."""
    state = State.CLOSED if socket is None else host.status(socket)
    if socket is not None and socket.phase is Phase.CLOSED and state is State.CLOSED:
        record = None
    peer_mss = socket.flow.peer_mss if socket is not None and socket.flow is not None else None
    mss = min(peer_mss or 536, host.mtu - 40)
    linux = profile.name != "freebsd"
    out = {
        "tcpi_state": profile.symbols.states.get(state.name, 0),
        "tcpi_options": 0,
        "tcpi_snd_wscale": 0,
        "tcpi_rcv_wscale": 0,
        "tcpi_snd_mss": mss,
        "tcpi_advmss": host.mtu - 40,
        "tcpi_pmtu": host.mtu,
    }
    if socket is not None and socket.last_data_us is not None:
        out["tcpi_last_data_recv"] = (host.device.now_us - socket.last_data_us) // (1000 if linux else 1)
    with contextlib.suppress(Exception):
        out["tcpi_total_retrans"] = out["tcpi_snd_rexmitpack"] = host.device.counter("RetransSegs")
    if record is not None:
        out |= _from_record(record, linux)
        if "tcpi_notsent_bytes" in out and socket is not None:
            out["tcpi_notsent_bytes"] += len(socket.pending)
    return out


def _from_record(record: Mapping[str, int], linux: bool) -> dict[str, int]:
    """What the connection record says. Devices of your own may tell a part of it: the rest is left out."""

    def unsigned(value: int) -> int:
        return value & 0xFFFFFFFF

    unit = max(1, record.get("snd_mss", 1)) if linux else 1
    how: dict[str, Callable[[], int]] = {
        "tcpi_rto": lambda: record["rto"],
        "tcpi_rtt": lambda: record["srtt"] >> 3,
        "tcpi_rttvar": lambda: record["rttvar"] >> 2,
        "tcpi_snd_cwnd": lambda: record["cwnd"] // unit,
        "tcpi_snd_ssthresh": lambda: (
            0x7FFFFFFF if linux and record["ssthresh"] >= _INFINITE else record["ssthresh"] // unit
        ),
        "tcpi_snd_wnd": lambda: record["snd_wnd"],
        "tcpi_snd_nxt": lambda: record["snd_nxt"],
        "tcpi_rcv_nxt": lambda: record["rcv_nxt"],
        "tcpi_rcv_wnd": lambda: unsigned(record["rcv_adv"] - record["rcv_nxt"]),
        "tcpi_unacked": lambda: -(-unsigned(record["snd_nxt"] - record["snd_una"]) // max(1, record["snd_mss"])),
        "tcpi_retransmits": lambda: record["rtx_cnt"],
        "tcpi_probes": lambda: record["rtx_cnt"] if record["persist"] else 0,
        "tcpi_backoff": lambda: record["persist_exp"] if record["persist"] else record["rtx_cnt"],
        "tcpi_ca_state": lambda: (
            3 if record["in_recovery"]
            else 4 if record["rtx_cnt"] and not record["persist"]
            else int(record["dupacks"] > 0)
        ),
        "tcpi_bytes_acked": lambda: max(0, unsigned(record["snd_una"] - record["iss"]) - 1),
        "tcpi_bytes_received": lambda: max(0, unsigned(record["rcv_nxt"] - record["irs"]) - 1),
        "tcpi_notsent_bytes": lambda: (
            unsent if (unsent := unsigned(record["snd_end"] - record["snd_nxt"])) < 1 << 31 else 0
        ),
    }  # fmt: skip
    out: dict[str, int] = {}
    for name, value in how.items():
        with contextlib.suppress(KeyError):
            out[name] = value()
    return out
