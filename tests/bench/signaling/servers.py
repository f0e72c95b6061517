"""The servers that are measured, each a process of its own on loopback; ended by its id."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PEERS: Final = Path(__file__).parent / "peers"
READY_WITHIN: Final = 180
"""Seconds: the machine may be busy."""
TICKS: Final = os.sysconf("SC_CLK_TCK")


class Process:
    """A server's."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port

    def cpu(self) -> float:
        """Seconds of processor it has used, its own and the system's for it."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Resident kilobytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(float(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


@contextlib.contextmanager
def started(*command: str, environment: dict[str, str] | None = None, port: int = 0) -> Iterator[Process]:
    """Run a command, with a free port as its last word where none is given, until the block ends."""
    words = list(command)
    if not port:
        port = free_port()
        words.append(str(port))
    child = subprocess.Popen(words, env=environment, cwd=PEERS if words[0] == "node" else None)
    try:
        _wait_for(port, child)
        yield Process(child.pid, port)
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def bare() -> contextlib.AbstractContextManager[Process]:
    """Our server with nothing behind it."""
    return started(sys.executable, "-m", "tests.bench.signaling.bare")


def environment() -> dict[str, str]:
    """Ours, without what is set for another installation of the product."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TELECONSULT_")}


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, child: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and child.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on {port}")
