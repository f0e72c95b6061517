"""Debian's `orthanc` with `orthanc-dicomweb` and `orthanc-gdcm`, its settings as shipped but for where it stands."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAM: Final = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
_PLUGINS: Final = Path("/usr/share/orthanc/plugins")
_READY_WITHIN: Final = 30


@dataclass(frozen=True, slots=True)
class Orthanc:
    """One that runs: where it is asked over HTTP and DIMSE, and as which process."""

    http_port: int
    dicom_port: int
    pid: int

    @property
    def dicomweb(self) -> str:
        """Its DICOMweb root, without a slash at its end."""
        return f"http://127.0.0.1:{self.http_port}/dicom-web"


@contextmanager
def orthanc(folder: Path, *, is_nodelay: bool = False) -> Iterator[Orthanc]:
    """An empty one under `folder`; `is_nodelay` turns Nagle's algorithm off, which DCMTK in it leaves on by itself."""
    folder.mkdir(parents=True)
    http_port, dicom_port = free_port(), free_port()
    settings = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [str(_PLUGINS / f"libOrthanc{name}.so") for name in ("DicomWeb", "Gdcm")],
        "HttpPort": http_port,
        "DicomPort": dicom_port,
        "RemoteAccessAllowed": False,
        "DicomAlwaysAllowStore": True,
        "DicomCheckCalledAet": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        "Gdcm": {"Enable": True},
    }
    written = folder / "settings.json"
    written.write_text(json.dumps(settings))
    environment = {**os.environ, "TCP_NODELAY": "1"} if is_nodelay else os.environ
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, str(written)], stdout=log, stderr=log, env=environment)
    try:
        _wait_until_ready(http_port)
        yield Orthanc(http_port, dicom_port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int) -> None:
    end = time.monotonic() + _READY_WITHIN
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/system", timeout=1):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
