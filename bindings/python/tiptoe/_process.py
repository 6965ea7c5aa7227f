# SPDX-License-Identifier: Apache-2.0
"""A worker process as the run sees it: how it starts, what it says, how large it is, how it ends.

    worker = Worker("tiptoe._worker", alone=True)
    worker.channel.send(job)
    ...
    worker.end(seconds=5)          # asks it; what has not ended by then is killed
    worker.ending()                # "signal SIGSEGV"

Nothing here waits for a process without a limit: a device may hang, stop itself, ignore what it is told, or leave
children behind that hold its files open.
"""

from __future__ import annotations

import collections
import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ._channel import channel

#: Octets of stdout and stderr that are kept, the last ones.
_WORDS = 2000

#: Octets of the journal (harness/include/tiptoe/journal.hpp).
_JOURNAL = 1 << 15

#: Seconds for what the kernel does at once, unless a driver holds the process.
_AT_ONCE = 5.0


class Worker:
    """One worker process. `alone`: in a session of its own, so that what it starts ends with it."""

    def __init__(self, module: str, alone: bool) -> None:
        self.alone = alone
        self.words, words = os.pipe()  #: what it writes to stdout and stderr; to be read with `listen`
        os.set_blocking(self.words, False)
        self.silent = False  #: it cannot write there any more
        self._words = b""
        self.journal = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - the last events of its device
        self.queue: collections.deque[int] = collections.deque()  #: tasks that it has
        self.ready = False  #: it has a device
        self.since = time.monotonic()  #: when it began what it does now
        self.most_memory = 0  #: octets
        self._looked = 0.0
        self._status: int | None = None  #: of waitpid()
        environment = dict(os.environ)
        # The very package that runs here, wherever it was found.
        here = str(Path(__file__).absolute().parent.parent)
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (here, environment.get("PYTHONPATH", "")) if p)
        self.channel, theirs = channel()
        with theirs, open(words, "wb") as out:
            self.process = subprocess.Popen(
                # -P: a select.py in the folder where we are is not the library's.
                [sys.executable, "-P", "-m", module, str(theirs.fileno()), str(self.journal.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=[theirs.fileno(), self.journal.fileno()],
                env=environment,
                start_new_session=alone,
            )

    # ---- what it says

    def listen(self) -> None:
        """Takes what it wrote to stdout and stderr; in turns with the others, though it writes without end."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(16):
                more = os.read(self.words, 1 << 16)
                if not more:
                    self.silent = True
                    break
                self._words = (self._words + more)[-_WORDS:]

    def last_words(self) -> str:
        """The end of what it wrote to stdout and stderr."""
        self.listen()
        return _printable(self._words).strip()

    def last_events(self, case: str) -> tuple[str, str]:
        """The function of the device that ran last, and the ladder, if they are about this case."""
        self.journal.seek(0)
        raw = self.journal.read(_JOURNAL)
        function, begun, events = (_printable(part.split(b"\0", 1)[0]) for part in (raw[:64], raw[64:128], raw[128:]))
        return (function, events) if begun == case[:63] else ("", "")

    # ---- how it is

    def look(self, every: float) -> int:
        """Octets of memory that it has used; 0: nobody knows. Looks once in so many seconds."""
        now = time.monotonic()
        if now - self._looked < every:
            return self.most_memory
        self._looked = now
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
            self.most_memory = max(self.most_memory, pages * resource.getpagesize())
        return self.most_memory

    @property
    def stopped(self) -> bool:
        """It is stopped, by SIGSTOP for instance."""
        try:
            state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return False
        return state in "Tt"

    @property
    def exited(self) -> bool:
        """It has ended. Its number stays taken until `_reap`."""
        if self._status is not None:
            return True
        try:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # somebody else in this process has waited for it
            return True

    def exited_within(self, seconds: float) -> bool:
        """Waits for its end, so long."""
        end = time.monotonic() + seconds
        pause = 0.001
        while not self.exited:
            self.listen()
            if time.monotonic() > end:
                return False
            time.sleep(pause)
            pause = min(pause * 2, 0.05)
        return True

    # ---- how it ends

    def kill(self) -> None:
        """Kills it and what it started."""
        if self._status is not None:
            return
        with contextlib.suppress(OSError):
            (os.killpg if self.alone else os.kill)(self.process.pid, signal.SIGKILL)

    def end(self, seconds: float = 0.0) -> bool:
        """Ends it: closes the channel, and after so many seconds kills it. False when it had to be killed."""
        self.channel.close()
        asked = seconds > 0 and self.exited_within(seconds)
        self.kill()
        if self.exited_within(_AT_ONCE):
            self._reap()
        os.close(self.words)
        self.journal.close()
        return asked

    def _reap(self) -> None:
        if self._status is not None:
            return
        self.kill()  # its children, while the number of their group is still its own
        try:
            _, self._status, usage = os.wait4(self.process.pid, 0)
        except ChildProcessError:
            self._status = 0
        else:
            self.most_memory = max(self.most_memory, usage.ru_maxrss << 10)
        self.process.returncode = os.waitstatus_to_exitcode(self._status)

    def ending(self) -> str:
        """How it ended, "signal SIGSEGV" or "exit code 3". Only when it has `exited`."""
        self._reap()
        code = self.process.returncode
        try:
            return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        except ValueError:  # a real-time signal
            return f"signal {-code}"


def _printable(octets: bytes) -> str:
    text = octets.decode(errors="replace")
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
