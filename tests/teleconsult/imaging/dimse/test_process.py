"""The door as the process it is: started, flooded within its memory, and stopped with lines open."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from teleconsult.embedded import DatabaseUrls
from teleconsult.imaging.dimse.listener import MOST_OF_ADDRESS
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.pdus import leave
from tests.teleconsult.imaging.dimse.scanner import HOST, CTImageStorage, Scanner, command, data, proposal

MIB = 1024 * 1024
STORE = command(sop_class=CTImageStorage, field=1, message=1, data_set=1, instance="1.2.3")


@pytest.fixture
async def door(peer: DicomPeer, clean_database: DatabaseUrls, tmp_path: Path) -> AsyncIterator[tuple[Process, Scanner]]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    own = {
        "TELECONSULT_DATABASE_URL": clean_database.app,
        "TELECONSULT_DATA": str(tmp_path),
        "TELECONSULT_DIMSE_PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "web", "dimse"), env={**os.environ, **own}, stdout=PIPE, stderr=PIPE
    )
    scanner = Scanner(port)
    async with asyncio.timeout(60):
        while True:
            try:
                assert await scanner.echo() == 0
                break
            except (ConnectionError, AssertionError):
                await asyncio.sleep(0.1)
    yield process, scanner
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def test_it_is_flooded_within_its_memory_and_stops_at_once(door: tuple[Process, Scanner]) -> None:
    process, scanner = door
    before = _resident(process.pid)
    await asyncio.gather(*(scanner.say(b"\x01\x00\xff\xff\xff\xff" + bytes(MIB)) for _ in range(MOST_OF_ADDRESS)))
    piece = data((1, 0, bytes(100_000)))
    flood = [proposal(CTImageStorage), data((1, 3, STORE)), *[piece] * 200]
    await asyncio.gather(*(scanner.say(*flood, within=1) for _ in range(6)))
    assert _resident(process.pid) - before < 60 * MIB

    reader, writer = await asyncio.open_connection(HOST, scanner.port)
    writer.write(proposal(CTImageStorage))
    assert (await reader.read(4096))[:1] == b"\x02"
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(reader.read(), 30) == leave()
    writer.close()
    assert await asyncio.wait_for(process.wait(), 30) == 0


def _resident(pid: int) -> int:
    """Bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
