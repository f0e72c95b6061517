"""Places with networks of their own (network namespaces), each tied to the same hub by a line that can be made bad.

    with network() as net:
        village = net.place("village", Terms(rate=300_000, delay=0.15, loss=0.03))
        village.line.terms.rate = 60_000
        village.line.cut(); village.line.heal()
        village.move()          # another address, as from Wi-Fi to a mobile network

The hub has the address `HUB`; whatever runs `inside` it is reached from every place, and places reach each other
through it. Nothing of the machine's own network is changed.
"""

import contextlib
import ctypes
import fcntl
import itertools
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.links.line import Line, Terms

HUB: Final = "10.77.0.1"
TUN: Final = Path("/dev/net/tun")
TUNSETIFF: Final = 0x400454CA
IFF_TUN_WITHOUT_HEADER: Final = 0x1001  # linux/if_tun.h: IFF_TUN | IFF_NO_PI
CLONE_NEWNET: Final = 0x40000000  # linux/sched.h
_devices = itertools.count(1)


def why_not() -> str | None:
    """What is missing here to make networks, as a sentence; None where nothing is."""
    if os.geteuid() != 0:
        return "Only root can make networks to try bad lines with."
    if not TUN.exists():
        return "There is no /dev/net/tun to try bad lines with."
    if shutil.which("ip") is None or shutil.which("nsenter") is None:
        return "The programs ip (iproute2) and nsenter (util-linux) are needed to try bad lines."
    answer = subprocess.run(["ip", "netns", "add", _name("trial")], capture_output=True, check=False, text=True)
    if answer.returncode != 0:
        return f"This machine lets nobody make networks: {answer.stderr.strip()}"
    _ip("netns", "del", _name("trial"))
    return None


class Namespace:
    """A network of its own."""

    def __init__(self, name: str) -> None:
        self.name = _name(name)
        _ip("netns", "add", self.name)
        self.inside = ("nsenter", f"--net=/run/netns/{self.name}")
        """Put before a command, it runs there."""
        self.ip("link", "set", "lo", "up")
        self.set("ipv6/conf/all/disable_ipv6", 1)

    def ip(self, *words: str) -> None:
        """`ip` within it."""
        _ip("-netns", self.name, *words)

    def set(self, name: str, value: int) -> None:
        """A setting of its network (/proc/sys/net)."""
        subprocess.run([*self.inside, "sh", "-c", f"echo {value} > /proc/sys/net/{name}"], check=True)

    def listen(self, address: str, port: int) -> socket.socket:
        """A socket that listens there, for this very process: it stays in the network it was made in, and a thread
        that entered that one (setns(2)) and ends has moved nobody else.
        """

        def made() -> socket.socket:
            with Path(f"/run/netns/{self.name}").open() as network:
                if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            return socket.create_server((address, port))

        with ThreadPoolExecutor(1) as aside:
            return aside.submit(made).result()

    def close(self) -> None:
        """Take it away, with the devices in it."""
        _ip("netns", "del", self.name)


class Place(Namespace):
    """Where somebody is: one line leads from there to the hub."""

    def __init__(self, name: str, hub: "Hub", number: int, terms: Terms) -> None:
        super().__init__(name)
        self._subnet = f"10.77.{number}"
        self._host = 2
        near, far = f"near{number}", f"far{number}"
        self._device, self._far, self._hub = near, far, hub
        self._ends = _tun(near, self), _tun(far, hub)
        self.ip("addr", "add", f"{self.address}/32", "dev", near)
        self.ip("link", "set", near, "up")
        self.ip("route", "add", "default", "dev", near)
        hub.ip("link", "set", far, "up")
        self.appear()
        self.line = Line(*self._ends, terms)
        self.line.start()

    @property
    def address(self) -> str:
        """Its own address now."""
        return f"{self._subnet}.{self._host}"

    def appear(self) -> None:
        """Nobody knows of a way to it any more after `vanish`; now they do again."""
        self._hub.ip("route", "add", f"{self._subnet}.0/24", "dev", self._far)

    def vanish(self) -> None:
        """As when the provider of the way there is gone: not a line that is bad, but none."""
        self._hub.ip("route", "del", f"{self._subnet}.0/24", "dev", self._far)

    def move(self) -> None:
        """Take another address; what was bound to the old one reaches nobody any more."""
        old = self.address
        self._host += 1
        self.ip("addr", "add", f"{self.address}/32", "dev", self._device)
        self.ip("addr", "del", f"{old}/32", "dev", self._device)

    def close(self) -> None:
        """End the line and take the place away."""
        self.line.close()
        for end in self._ends:
            os.close(end)
        super().close()


class Hub(Namespace):
    """What everyone reaches, and through which they reach each other."""

    def __init__(self) -> None:
        super().__init__("hub")
        self._places: list[Place] = []
        self._numbers = itertools.count(1)
        self.ip("addr", "add", f"{HUB}/32", "dev", "lo")
        self.set("ipv4/ip_forward", 1)

    def place(self, name: str, terms: Terms | None = None) -> Place:
        """A further place, behind a line of these terms; without any, behind a perfect one."""
        made = Place(name, self, next(self._numbers), terms or Terms())
        self._places.append(made)
        return made

    def leave(self, place: Place) -> None:
        """Take one place away."""
        self._places.remove(place)
        place.close()

    def close(self) -> None:
        """Take all places away."""
        for place in list(self._places):
            self.leave(place)
        super().close()


@contextlib.contextmanager
def network() -> Iterator[Hub]:
    """A hub of this block's own. Call `why_not` first."""
    hub = Hub()
    try:
        yield hub
    finally:
        hub.close()


def program_inside(place: Namespace, program: str, folder: Path) -> Path:
    """A script that runs a program within a place: for who takes the path of a program and no words before it."""
    script = folder / f"{Path(program).name}-{place.name}"
    script.write_text(f'#!/bin/sh\nexec {" ".join(place.inside)} {program} "$@"\n')
    script.chmod(0o755)
    return script


def _tun(name: str, namespace: Namespace) -> int:
    """A TUN device within a network; the process that holds the descriptor is what is at its other end."""
    end = os.open(TUN, os.O_RDWR)
    here = f"t{os.getpid()}x{next(_devices)}"  # it is born in this process's own network and moves from there
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", here.encode(), IFF_TUN_WITHOUT_HEADER))
    _ip("link", "set", here, "netns", namespace.name, "name", name)
    return end


def _name(name: str) -> str:
    return f"teleconsult-{os.getpid()}-{name}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
