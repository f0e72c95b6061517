"""The product as processes of their own: one server, one worker, on a port of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from teleconsult.embedded import DatabaseUrls
from tests.people import SECRET

READY_WITHIN = 180  # seconds: where nothing is promised, a slow machine is no fault
ASK = r"""
exec 3<>/dev/tcp/$0/$1
printf "GET /readyz HTTP/1.0\r\nHost: $0:$1\r\n\r\n" >&3
head -1 <&3 | grep -q " 200 "
"""


class Site:
    """The product, running on a port of its own over this test's database; `inside` another network by those words
    before its command, where it listens at `host`; with further settings, `more`.
    """

    def __init__(
        self,
        database: DatabaseUrls,
        data: Path,
        *,
        host: str = "127.0.0.1",
        inside: tuple[str, ...] = (),
        more: Mapping[str, str] | None = None,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self.data = data
        self._host, self._inside = host, inside
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TELECONSULT_")},
            "TELECONSULT_DATABASE_URL": database.app,
            "TELECONSULT_DATA": str(data),
            "TELECONSULT_HOST": host,
            "TELECONSULT_PORT": str(self.port),
            "TELECONSULT_SECRET_KEY": SECRET,
            "TELECONSULT_LOG_LEVEL": "WARNING",
            "TELECONSULT_PACS_NETWORKS": "127.0.0.0/8",
            **(more or {}),
        }
        self._processes: list[subprocess.Popen[bytes]] = []
        self._start()

    def _start(self) -> None:
        self._processes = [self._run(verb) for verb in ("serve", "worker")]

    def _run(self, verb: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self._inside, sys.executable, "-m", "web", verb], env=self.environment)

    def wait_until_ready(self) -> None:
        """Return once the server says it is ready; fail after a minute."""
        end = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            assert time.monotonic() < end, f"the site is not ready within {READY_WITHIN} s"
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        if self._inside:
            ask = [*self._inside, "bash", "-c", ASK, self._host, str(self.port)]
            return subprocess.run(ask, check=False, stderr=subprocess.DEVNULL).returncode == 0
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=1):
                return True
        except OSError:
            return False

    @property
    def server_pid(self) -> int:
        """Of the server process."""
        return self._processes[0].pid

    def kill_server(self) -> None:
        """As when the machine takes its memory back: no farewell. The worker goes on."""
        self._processes[0].kill()
        self._processes[0].wait()

    def start_server(self) -> None:
        """Run again what `kill_server` ended; return at once."""
        self._processes[0] = self._run("serve")

    def memory(self) -> int:
        """Resident bytes of the server process now."""
        return self._memory("VmRSS")

    def peak_memory(self) -> int:
        """The most they ever were."""
        return self._memory("VmHWM")

    def _memory(self, field: str) -> int:
        status = Path(f"/proc/{self._processes[0].pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(field))

    def wake(self) -> None:
        """Run again after `stop`, on the same port and data; nothing where it runs."""
        if not self._processes:
            self._start()
            self.wait_until_ready()

    def stop(self) -> None:
        """End both processes and wait for them."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []
