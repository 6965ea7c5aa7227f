# SPDX-License-Identifier: Apache-2.0
"""`tiptoe serve`: Linux's own TCP talks to the engine through a TUN interface.

Everything happens in a network namespace that the test makes and removes; no address, route or interface of the machine
is touched.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiptoe
import tiptoe.tun
from tiptoe.tun import Tun, host_address

MIB = 1 << 20
DEVICE, HOST = "10.9.0.2", "10.9.0.1"

IP = shutil.which("ip", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def why_not() -> str:
    """The reason for which there can be no TUN interface here, or nothing."""
    if sys.platform != "linux":
        return "TUN interfaces are Linux's"
    if IP is None:
        return "the program ip (iproute2) is not installed"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun here"
    if os.geteuid() != 0:
        return "making a TUN interface takes root"
    name = f"tiptoe-probe-{os.getpid()}"
    made = subprocess.run([IP, "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"no network namespace can be made: {made.stderr.strip()}"
    try:
        tun = [IP, "netns", "exec", name, IP, "tuntap", "add", "dev", "probe0", "mode", "tun"]
        probe = subprocess.run(tun, capture_output=True, text=True, check=False)
        return f"no TUN interface can be made: {probe.stderr.strip()}" if probe.returncode != 0 else ""
    finally:
        subprocess.run([IP, "netns", "delete", name], check=False, capture_output=True)


REASON = why_not()
needs_tun = pytest.mark.skipif(bool(REASON), reason=f"tiptoe serve cannot be tried: {REASON}")
KINDS = ["model", *(["rtl"] if any(s["width"] == 64 for s in tiptoe.rtl_parameter_sets()) else [])]


class Namespace:
    """A network namespace with nothing but loopback, and processes in it."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self.name, self.environment = name, environment
        self.processes: list[subprocess.Popen[str]] = []

    def command(self, *words: str) -> list[str]:
        assert IP is not None
        return [IP, "netns", "exec", self.name, *words]

    def run(self, *words: str, timeout: float = 100, **options: Any) -> subprocess.CompletedProcess[Any]:
        options = {"capture_output": True, "check": False, **options}
        return subprocess.run(self.command(*words), timeout=timeout, env=self.environment, **options)

    def start(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment
        )
        self.processes.append(process)
        return process

    def serve(self, *words: str) -> subprocess.Popen[str]:
        """Starts `tiptoe serve` and waits until it serves."""
        arguments = ("--tun", "tt0", "--address", f"{DEVICE}/24", *words)
        process = self.start(sys.executable, "-m", "tiptoe", "serve", *arguments)
        assert process.stdout is not None
        line = process.stdout.readline()
        if f"{DEVICE} behind tt0, host {HOST}/24" not in line:
            process.kill()
            raise AssertionError(line + "".join(process.communicate()))
        return process

    def python(self, script: str, *arguments: str, timeout: float = 100) -> str:
        """Runs a script, which must succeed, and returns what it prints."""
        done = self.run(sys.executable, "-c", script, *arguments, timeout=timeout, text=True)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)


@pytest.fixture
def namespace(environment: dict[str, str]) -> Iterator[Namespace]:
    assert IP is not None
    name = f"tiptoe-test-{os.getpid()}"
    subprocess.run([IP, "netns", "add", name], check=True)
    made = Namespace(name, environment)
    try:
        made.run(IP, "link", "set", "lo", "up", check=True)
        yield made
    finally:
        for process in made.processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.communicate()
        subprocess.run([IP, "netns", "delete", name], check=True)


def stopped(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """Ends `tiptoe serve`, which must go in peace; returns its last words."""
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert err == ""
    return out


ECHO_CLIENT = """
import socket, sys, threading
data = open(sys.argv[3], "rb").read()
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60) as s:
    sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
    sender.start()
    got = b"".join(iter(lambda: s.recv(65536), b""))
    sender.join()
print(got == data, len(got))
"""


@needs_tun
@pytest.mark.parametrize("kind", KINDS)
def test_a_mebibyte_comes_back(namespace: Namespace, kind: str, tmp_path: Path) -> None:
    data = os.urandom(MIB)
    (tmp_path / "data").write_bytes(data)
    process = namespace.serve("--dut", kind, "--echo", "7")
    assert namespace.python(ECHO_CLIENT, DEVICE, "7", str(tmp_path / "data")) == f"True {MIB}\n"
    words = stopped(process)
    assert f"1 connections, up to 1 at once, 0 failed; {MIB} octets in, {MIB} out" in words


@needs_tun
@pytest.mark.skipif(shutil.which("nc") is None, reason="nc is not installed")
def test_nc(namespace: Namespace) -> None:
    process = namespace.serve("--echo", "7", "--width", "512")
    data = tiptoe.pattern(200_000)
    assert namespace.run("nc", "-N", "-w", "30", DEVICE, "7", input=data).stdout == data
    stopped(process, signal.SIGINT)


@needs_tun
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(namespace: Namespace, tmp_path: Path) -> None:
    """An echo server is a telnet server that repeats what it is told."""
    process = namespace.serve("--echo", "7")
    text = b"".join(b"line %d\n" % n for n in range(1000))
    (tmp_path / "text").write_bytes(text)
    # curl ends with 48 or 18 or 0 when the peer closes, whichever its version; what counts is what came back.
    done = namespace.run("curl", "-s", "-m", "3", "-T", str(tmp_path / "text"), f"telnet://{DEVICE}:7")
    assert done.stdout == text
    stopped(process)


MANY_CLIENTS = """
import socket, sys, threading
count, size = int(sys.argv[3]), 20000
sockets = [socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60) for _ in range(count)]
good = []
def talk(n):
    s, data = sockets[n], bytes([n]) * size + str(n).encode()
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    good.append(b"".join(iter(lambda: s.recv(65536), b"")) == data)
threads = [threading.Thread(target=talk, args=(n,)) for n in range(count)]
for t in threads: t.start()
for t in threads: t.join()
print(good.count(True), good.count(False))
"""


@needs_tun
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_connections_at_once(namespace: Namespace, kind: str) -> None:
    process = namespace.serve("--dut", kind, "--echo", "7")
    assert namespace.python(MANY_CLIENTS, DEVICE, "7", "20") == "20 0\n"
    words = stopped(process)
    assert "20 connections, up to 20 at once, 0 failed" in words


LINUX_SERVER = """
import socket, sys
data = b"from Linux " * 3000
with socket.create_server(("0.0.0.0", 8000)) as server:
    print("listening", flush=True)
    server.settimeout(60)
    s, peer = server.accept()
    with s:
        s.settimeout(60)
        if sys.argv[1] == "talk":                      # the engine echoes
            import threading
            sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
            sender.start()
            got = b"".join(iter(lambda: s.recv(65536), b""))
            sender.join()
            print(peer[0], got == data)
        else:                                          # the engine sends a file and waits for an answer
            got = b"".join(iter(lambda: s.recv(65536), b""))
            s.sendall(b"thanks for %d" % len(got))
            print(peer[0], got == open(sys.argv[2], "rb").read())
"""


@needs_tun
@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_opens_towards_linux(namespace: Namespace, kind: str) -> None:
    server = namespace.start(sys.executable, "-c", LINUX_SERVER, "talk")
    assert server.stdout is not None
    assert server.stdout.readline() == "listening\n"
    process = namespace.serve("--dut", kind, "--connect", f"{HOST}:8000")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert f"Connection to {HOST}:8000 closed." in out
    assert server.communicate(timeout=20)[0] == f"{DEVICE} True\n"


@needs_tun
def test_the_engine_sends_a_file(namespace: Namespace, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(tiptoe.pattern(100_000))
    server = namespace.start(sys.executable, "-c", LINUX_SERVER, "listen", str(tmp_path / "file"))
    assert server.stdout is not None
    server.stdout.readline()
    process = namespace.serve(
        "--connect", f"{HOST}:8000", "--send", str(tmp_path / "file"), "--receive", str(tmp_path / "answer")
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert server.communicate(timeout=20)[0] == f"{DEVICE} True\n"
    assert (tmp_path / "answer").read_bytes() == b"thanks for 100000"


@needs_tun
def test_a_server_that_is_not_there(namespace: Namespace) -> None:
    process = namespace.serve("--connect", f"{HOST}:8000")
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "refused" in out


@needs_tun
def test_a_port_that_nobody_serves(namespace: Namespace) -> None:
    process = namespace.serve("--echo", "7")
    script = (
        "import socket\ntry: socket.create_connection(('10.9.0.2', 8), timeout=20)\n"
        "except ConnectionRefusedError: print('refused')"
    )
    assert namespace.python(script) == "refused\n"
    stopped(process)


@needs_tun
def test_stopping_resets_what_is_open(namespace: Namespace) -> None:
    process = namespace.serve("--echo", "7")
    script = (
        "import socket\ns = socket.create_connection(('10.9.0.2', 7), timeout=20)\ns.sendall(b'x')\nprint(s.recv(9))\n"
        "print('ready', flush=True)\ntry: print(s.recv(9))\nexcept ConnectionResetError: print('reset')"
    )
    client = namespace.start(sys.executable, "-c", script)
    assert client.stdout is not None
    assert client.stdout.readline() == "b'x'\n"
    assert client.stdout.readline() == "ready\n"
    stopped(process)
    assert client.communicate(timeout=20)[0] == "reset\n"


@needs_tun
def test_a_name_in_use(namespace: Namespace) -> None:
    process = namespace.serve("--echo", "7")
    for name in ("tt0", "lo"):
        arguments = ("--tun", name, "--address", "10.8.0.2/24", "--echo", "7")
        again = namespace.run(sys.executable, "-m", "tiptoe", "serve", *arguments, text=True)
        assert again.returncode == 2
        assert f"'{name}' is in use" in again.stderr
    stopped(process)


@needs_tun
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_no_permission(namespace: Namespace) -> None:
    words = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"]
    arguments = ("--tun", "tt0", "--address", f"{DEVICE}/24", "--echo", "7")
    done = namespace.run(*words, sys.executable, "-m", "tiptoe", "serve", *arguments, text=True)
    assert done.returncode == 2
    assert "permission" in done.stderr


@needs_tun
def test_time_follows_the_wall_clock(namespace: Namespace) -> None:
    """TIME_WAIT of 2 * 0.2 s is over after a second: the same four addresses connect again."""
    process = namespace.serve("--echo", "7", "--msl", "0.2")
    script = """
import socket, time
for _ in range(2):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.settimeout(20)
    s.bind(("10.9.0.1", 5555)); s.connect(("10.9.0.2", 7)); s.sendall(b"abc"); print(s.recv(9))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0"); s.close(); time.sleep(1)
"""
    assert namespace.python(script) == "b'abc'\nb'abc'\n"
    stopped(process)


# ---- what needs no interface


@pytest.mark.parametrize(
    ("device", "host"),
    [("10.9.0.2/24", "10.9.0.1/24"), ("10.9.0.1/24", "10.9.0.2/24"), ("10.9.0.4/31", "10.9.0.5/31")],
)
def test_the_address_of_the_host(device: str, host: str) -> None:
    assert str(host_address(ipaddress.IPv4Interface(device))) == host


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--address", "10.9.0.2/24"], "--echo"),
        (["--echo", "7"], "--address"),
        (["--address", "10.9.0.2", "--echo", "7"], "10.9.0.2"),
        (["--address", "10.9.0.256/24", "--echo", "7"], "10.9.0.256"),
        (["--address", "10.9.0.2/33", "--echo", "7"], "/33"),
        (["--address", "10.9.0.2/32", "--echo", "7"], "no address for the host"),
        (["--address", "10.9.0.0/24", "--echo", "7"], "network address"),
        (["--address", "10.9.0.255/24", "--echo", "7"], "broadcast address"),
        (["--address", "127.0.0.2/8", "--echo", "7"], "127.0.0.2"),
        (["--address", "224.0.0.2/24", "--echo", "7"], "224.0.0.2"),
        (["--address", "fe80::1/64", "--echo", "7"], "fe80::1"),
        (["--address", "10.9.0.2/24", "--echo", "65536"], "65536"),
        (["--address", "10.9.0.2/24", "--connect", "10.9.0.1"], "10.9.0.1"),
        (["--address", "10.9.0.2/24", "--connect", "host:80"], "host:80"),
        (["--address", "10.9.0.2/24", "--echo", "7", "--send", "x"], "--connect"),
        (["--address", "10.9.0.2/24", "--echo", "7", "--tun", "a-name-that-is-too-long"], "too-long"),
        (["--address", "10.9.0.2/24", "--echo", "7", "--dut", "toaster"], "toaster"),
        (["--address", "10.9.0.2/24", "--connect", "10.9.0.1:80", "--send", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_input(arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    from tiptoe import cli

    restore: list[tuple[int, Any]] = [(n, signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM)]
    try:
        assert cli.main(["serve", *arguments]) == 2
    finally:
        for number, handler in restore:
            signal.signal(number, handler)
    error = capsys.readouterr().err
    assert word in error
    assert "Traceback" not in error


def test_no_tun_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiptoe.tun, "DEVICE", "/nowhere/net/tun")
    with pytest.raises(tiptoe.ServeError, match="/nowhere/net/tun"):
        Tun("tt9", ipaddress.IPv4Interface("10.9.0.1/24"))
