"""Debian's Orthanc with its DICOMweb plugin: an archive of the hospital's, one process for a run of tests.

It cannot be told to listen on loopback alone: its port is whichever is free, it answers nobody over HTTP but this
machine, and over DICOM only who calls it by its title, is registered, and comes from this machine.
"""

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

HOST = "127.0.0.1"
PROGRAM = Path("/usr/sbin/Orthanc")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
TITLE = "ORTHANC"
OURS = "TELECONSULT"
PATIENCE = 30


def is_installed() -> bool:
    """Whether Debian's packages are here."""
    return PROGRAM.exists() and PLUGIN.exists()


@dataclass
class Orthanc:
    """The running archive."""

    http: int
    dicom: int
    client: httpx.AsyncClient = field(repr=False)
    process: "subprocess.Popen[bytes]" = field(repr=False)
    by_tls: bool = False

    @property
    def site(self) -> str:
        """Where it is over HTTP."""
        return f"http://{HOST}:{self.http}"

    @property
    def dicomweb(self) -> str:
        """Where its DICOMweb is."""
        return f"{self.site}/dicom-web"

    async def ask(self, method: str, path: str, content: Any = None) -> Any:
        """What its own REST interface answers."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode() if content is not None else None
        answer = await self.client.request(method, f"{self.site}{path}", content=body)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Inside the block it stands still, and hangs up on nobody."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def hold(self, *contents: bytes) -> None:
        """Put images into it."""
        for content in contents:
            await self.ask("POST", "/instances", content)

    async def empty(self) -> None:
        """Forget everything, and whom it knows."""
        for study in await self.ask("GET", "/studies"):
            await self.ask("DELETE", f"/studies/{study}")
        for kind in ("modalities", "dicom-web/servers"):
            for name in await self.ask("GET", f"/{kind}"):
                if name != "known":
                    await self.ask("DELETE", f"/{kind}/{name}")

    async def know(self, name: str, *, title: str = OURS, port: int = 0) -> None:
        """Register a system that may ask, and where it is sent to; by TLS where the archive itself speaks it."""
        known = {"AET": title, "Host": HOST, "Port": port or 1, "AllowTranscoding": False, "UseDicomTls": self.by_tls}
        await self.ask("PUT", f"/modalities/{name}", known)


def start(folder: Path, *, own: Mapping[str, object] = MappingProxyType({})) -> Iterator[Orthanc]:
    """Run it until the generator is closed, with settings of its `own` besides."""
    http, dicom = _free_port(), _free_port()
    settings = {
        "Name": "PACS",
        "StorageDirectory": str(folder / "images"),
        "IndexDirectory": str(folder / "images"),
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAet": TITLE,
        "DicomPort": dicom,
        "DicomCheckCalledAet": True,
        "DicomCheckModalityHost": True,
        "DicomAlwaysAllowEcho": False,
        "DicomAlwaysAllowStore": False,
        "DicomScpTimeout": 30,
        "DefaultEncoding": "Utf8",
        "OverwriteInstances": True,
        "ConcurrentJobs": 4,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full"},
        **own,
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("w") as log:
        process = subprocess.Popen([PROGRAM, str(file)], stdout=log, stderr=subprocess.STDOUT)
        try:
            client = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)
            running = Orthanc(http, dicom, client, process, by_tls=bool(settings.get("DicomTlsEnabled")))
            _wait(process, running.site)
            yield running
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _wait(process: "subprocess.Popen[bytes]", site: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            answer = httpx.get(f"{site}/system", timeout=1, trust_env=False)
            if answer.status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise AssertionError("Orthanc did not start")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])
