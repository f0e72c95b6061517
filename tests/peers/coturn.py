"""Debian's coturn with the configuration we write, on this machine's own address: to loopback it relays nothing."""

import asyncio
import base64
import hashlib
import hmac
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from signaling.turn import TurnServer, configuration

PROGRAM = "/usr/bin/turnserver"
SECRET = "shared with coturn"
READY_WITHIN = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Coturn:
    """A relay that runs."""

    address: str
    port: int
    tls_port: int

    @property
    def urls(self) -> dict[str, str]:
        """By each way."""
        return {
            "udp": f"turn:{self.address}:{self.port}?transport=udp",
            "tcp": f"turn:{self.address}:{self.port}?transport=tcp",
            "tls": f"turns:{self.address}:{self.tls_port}?transport=tcp",
        }


def is_installed() -> bool:
    """Whether there is one."""
    return shutil.which(PROGRAM) is not None


def own_address() -> str | None:
    """An IPv4 address of this machine that is not loopback; None where it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.254", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if IPv4Address(address).is_loopback else address


def credentials(*, ends_in: float = 600, secret: str = SECRET, who: str = "somebody") -> tuple[str, str]:
    """A user name and password as the server makes them (`signaling.ice`)."""
    username = f"{int(time.time() + ends_in)}:{who}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def start(folder: Path, *, certificate: Path, key: Path, address: str) -> Iterator[Coturn]:
    """Run it until the generator goes on."""
    with socket.socket() as one, socket.socket() as other:
        one.bind((address, 0))
        other.bind((address, 0))
        port, tls_port = one.getsockname()[1], other.getsockname()[1]
    server = TurnServer(
        secret=SECRET,
        addresses=(IPv4Address(address),),
        certificate=certificate,
        key=key,
        port=port,
        tls_port=tls_port,
    )
    path = folder / "turnserver.conf"
    own_files = f"userdb={folder / 'turndb'}\npidfile={folder / 'turnserver.pid'}\n"
    path.write_text(configuration(server) + own_files)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "-c", str(path)], stdout=log, stderr=log, cwd=folder)
    try:
        _wait_for(process, address, tls_port)
        yield Coturn(address, port, tls_port)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(process: "subprocess.Popen[bytes]", address: str, port: int) -> None:
    end = time.monotonic() + READY_WITHIN
    while True:
        try:
            with socket.create_connection((address, port), timeout=1):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.05)


class Nothing(asyncio.DatagramProtocol):
    """Whoever listens to the relayed datagrams: nobody."""
