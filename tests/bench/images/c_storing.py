"""Images on their way in by C-STORE, as DCMTK's `storescu` sends them over one association."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.imaging.dimse.models import DicomPeer
from tests.bench.images.measuring import Row, Side, faster, seconds
from tests.bench.images.orthanc import free_port, orthanc
from tests.bench.images.stand import Stand
from tests.bench.images.stowing import slices_of
from tests.bench.running import Installation

HOST: Final = "127.0.0.1"
TITLE: Final = "BENCH"
_READY_WITHIN: Final = 30
WAYS: Final = ((False, "as shipped", 6.0), (True, "with TCP_NODELAY=1", 1.0))
"""DCMTK holds small packets back unless told otherwise, in Orthanc and in `storescu`; and the goals."""


async def c_store(stand: Stand) -> list[Row]:
    """A CT study, new in each run, the same for both."""
    await _let_in(stand.running)
    amount, rows = stand.sizes.slices, []
    for is_nodelay, how, goal in WAYS:
        environment = {**os.environ, "TCP_NODELAY": "1"} if is_nodelay else dict(os.environ)
        with (
            orthanc(stand.folder / f"orthanc-{is_nodelay}", is_nodelay=is_nodelay) as peer,
            _door(stand.running) as port,
        ):
            called = {"ours": (port, "TELECONSULT"), "Orthanc": (peer.dicom_port, "ORTHANC")}
            sender = _Sender(stand, called, environment)
            took = await stand.in_turn(sender.act)
        what = f"C-STORE of {amount} slices, one association, Orthanc {how}"
        rows.append(faster(what, took, goal, amount=amount, unit="slices"))
    return rows


class _Sender:
    """`storescu` and a folder of slices."""

    def __init__(self, stand: Stand, called: dict[str, tuple[int, str]], environment: dict[str, str]) -> None:
        self._stand, self._called, self._environment = stand, called, environment
        self._studies = [stand.number() for _run in range(stand.sizes.runs + 1)]

    async def act(self, side: Side, run: int) -> float:
        """Seconds from its start to its end."""
        folder = self._stand.folder / "sent"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for at, content in enumerate(slices_of(self._stand, self._studies[run])):
            (folder / f"{at:04}.dcm").write_bytes(content)
        port, title = self._called[side.name]
        command = ("storescu", "-aet", TITLE, "-aec", title, "+sd", HOST, str(port), str(folder))

        async def send() -> None:
            process = await asyncio.create_subprocess_exec(*command, env=self._environment)
            assert await process.wait() == 0, side.name

        return await seconds(send())


async def _let_in(running: Installation) -> None:
    """The establishment knows a system of that title on this machine."""
    async with transaction(running.sessions) as session:
        session.add(
            DicomPeer(
                organization_id=running.cast.rural.organization_id,
                name="Benchmark",
                ae_title=TITLE,
                network=f"{HOST}/32",
                created_at=now(),
            )
        )


@contextmanager
def _door(running: Installation) -> Iterator[int]:
    """Our `teleconsult dimse`, and its port."""
    port = free_port()
    environment = {**running.site.environment, "TELECONSULT_DIMSE_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "web", "dimse"], env=environment)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int) -> None:
    end = time.monotonic() + _READY_WITHIN
    while True:
        try:
            with socket.create_connection((HOST, port), 1):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
