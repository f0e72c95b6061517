"""Debian's Janus with the configuration we write, in a folder and on ports of its own."""

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from signaling.janus_config import JanusServer, configuration

PROGRAM = "/usr/bin/janus"
SECRET = 'shared with "Janus"'
READY_WITHIN = 20.0  # seconds


def is_installed() -> bool:
    """Whether there is one."""
    return shutil.which(PROGRAM) is not None


@dataclass
class Running:
    """One that can be ended and started again."""

    folder: Path
    port: int = 0
    http_port: int = 0
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def url(self) -> str:
        """Where it takes requests."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http_url(self) -> str:
        """By HTTP, which our configuration turns off: here it is on, for who has it so."""
        return f"http://127.0.0.1:{self.http_port}/janus"

    def start(self) -> None:
        """Run it; on the same port as before."""
        self.port, self.http_port = self.port or _free_port(), self.http_port or _free_port()
        files = dict(configuration(JanusServer(secret=SECRET, port=self.port)))
        files["janus.jcfg"] = files["janus.jcfg"].replace("libjanus_http.so,", "")
        files["janus.transport.http.jcfg"] = (
            f'general: {{ http = true, port = {self.http_port}, ip = "127.0.0.1", base_path = "/janus" }}'
        )
        for name, text in files.items():
            (self.folder / name).write_text(text)
        with (self.folder / "log").open("ab") as log:
            command = [PROGRAM, "-F", str(self.folder)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        self._wait()

    def kill(self) -> None:
        """End it as a fault would: at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def _wait(self) -> None:
        """Until this process, and none of another run, answers."""
        assert self.process is not None
        end = time.monotonic() + READY_WITHIN
        while self.process.poll() is None and time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(f"Janus does not listen: {(self.folder / 'log').read_text()[-2000:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
