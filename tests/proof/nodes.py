"""Servers of one installation, each to be killed more than once; and how busy the machine was meanwhile."""

import os
import signal
import urllib.request
from pathlib import Path

import psutil

from teleconsult.embedded import DatabaseUrls
from tests.bench.signaling.servers import Process
from tests.people import SECRET
from tests.proof.cluster import free_port
from tests.proof.forked import Forked
from tests.proof.seats import ORIGIN


class Server:
    """One of the two, by its name, through all its lives."""

    def __init__(self, name: str, urls: DatabaseUrls, folder: Path, *, lives: int) -> None:
        self.name, self.port, log = name, free_port(), folder / f"{name}.log"
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("TELECONSULT_")},
            "TELECONSULT_DATABASE_URL": urls.app,
            "TELECONSULT_DATA": str(folder / "data"),
            "TELECONSULT_SECRET_KEY": SECRET,
            "TELECONSULT_PORT": str(self.port),
            "TELECONSULT_PUBLIC_URL": ORIGIN,
            "TELECONSULT_PROCESS": name,
            "TELECONSULT_LOG_LEVEL": "WARNING",
        }
        # Forked before anything is connected: else each would hold the others' lines.
        self._lives = [Forked("serve", environment=environment, log=log, waits=True) for _ in range(lives)]
        self.start()

    def start(self) -> None:
        """Return at once."""
        self.process = self._lives.pop()
        self.process.begin()

    def kill(self) -> None:
        """Without a farewell."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """With all the lives it had not begun."""
        for life in (self.process, *self._lives):
            life.kill()
            life.wait()

    def cpu(self) -> float:
        """Seconds of processor it has used."""
        return Process(self.process.pid, self.port).cpu()

    def answers(self) -> bool:
        """Whether it is ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1):
                return True
        except OSError:
            return False


class Busy:
    """How much of the processors was taken since this was made, by whom ever."""

    def __init__(self) -> None:
        self._began = psutil.cpu_times()

    @property
    def share(self) -> float:
        """Of all there are, 0 to 1."""
        now, then = psutil.cpu_times()._asdict(), self._began._asdict()
        spent = {name: now[name] - then[name] for name in now if not name.startswith("guest")}  # told within `user`
        return 1 - (spent["idle"] + spent["iowait"]) / (sum(spent.values()) or 1.0)
