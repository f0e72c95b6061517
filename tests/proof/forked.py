"""The product's processes, forked from one that has loaded it: real ones, that begin at once on a busy machine, too."""

import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from web.__main__ import main


class Forked:
    """One command of `teleconsult` in a process of its own; to who holds it, as `subprocess.Popen` is."""

    def __init__(self, *arguments: str, environment: Mapping[str, str], log: Path, waits: bool = False) -> None:
        """It `waits` where it is to work later, and what is opened until then is none of its business."""
        self.args, self.returncode = arguments, None
        listen, self._told = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._told)
            _become(arguments, environment, log, listen if waits else None)
        os.close(listen)

    returncode: int | None

    def begin(self) -> None:
        """What waited works from now on."""
        os.write(self._told, b"!")

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, sign: int) -> None:
        """To it alone."""
        if self.poll() is None:
            os.kill(self.pid, sign)

    def kill(self) -> None:
        """Without a farewell."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 60) -> int:
        """Its exit code. Raises TimeoutExpired."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.02)
        return code


def _become(arguments: tuple[str, ...], environment: Mapping[str, str], log: Path, waits: int | None) -> None:
    """Never returns. It waits until it is told to begin; whoever would tell it may be no more."""
    try:
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, signal.SIG_DFL)
        if waits is not None and not os.read(waits, 1):
            os._exit(0)
        with log.open("ab", buffering=0) as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        os.environ.clear()
        os.environ.update(environment)
        os._exit(main(list(arguments)))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
