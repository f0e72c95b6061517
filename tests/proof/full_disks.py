"""Disks that are full, and a PostgreSQL that hangs: every answer within five seconds, work again within ten.

`python -m tests.proof.full_disks`: the data folder, PostgreSQL's own, its log of writes (WAL), the object store and
the server's log, each on a small file system of its own (tmpfs: root is needed; elsewhere it is said that it was not
tried). And PostgreSQL stopped (SIGSTOP), with all its sockets open.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg

from tests.proof.cluster import Cluster
from tests.proof.figures import Figure, limit, run
from tests.proof.wild_site import Within, asked, json_of, wild_site
from tests.stow_steps import RELATED, parts, slice_of
from tests.web.test_fhir_writing import weight

ANSWERS: Final = 5.0
RESUMES: Final = 10.0
FROZEN: Final = limit(15, 60)
"""Seconds PostgreSQL hangs."""
FULL: Final = limit(6, 60)
"""Seconds a disk stays full."""
TIMES: Final = int(limit(1, 50))
MIB: Final = 1024 * 1024
ROOM: Final = {"data": 96, "postgresql": 512, "wal": 160, "objects": 32, "log": 4}
"""MiB of each."""
SAID: Final = (200, 201, 303, 503, 507)


@contextmanager
def small_disk(folder: Path, name: str) -> Iterator[Path]:
    """A file system of its own at that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM[name]}m,mode=0755", "proof", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)


def fill(disk: Path) -> Path:
    """Leave no byte; the file that takes them."""
    hog = disk / "hog"
    with suppress(OSError), hog.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(MIB))
    with suppress(OSError), hog.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(512))
    return hog


class Asking:
    """People who read, file and bring, one after the other."""

    def __init__(self, within: Within, cookie: dict[str, str]) -> None:
        self._within, self._cookie = within, cookie
        self.statuses, self.slowest = Counter[int](), 0.0

    async def once(self) -> list[int]:
        """A page, an entry for the file, a file on its way, an image that a machine sends: all at once."""
        port, patient = self._within.site.port, self._within.cast.patient.id
        fhir = {"Authorization": f"Bearer {self._within.bearer}", "Content-Type": "application/fhir+json"}
        tus = {
            **self._cookie,
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(MIB),
            "Content-Type": "application/offset+octet-stream",
        }
        image = {
            "Authorization": f"Bearer {self._within.bearer}",
            "Content-Type": RELATED,
            "Accept": "application/dicom+json",
        }
        told = bytearray()
        answers = await asyncio.gather(
            asked(port, "POST /dicomweb/studies", image, parts([slice_of(self._within.cast)])),
            asked(port, "GET /patients", self._cookie),
            asked(port, "POST /fhir/Observation", fhir, json_of(weight(patient))),
            asked(port, f"POST /consults/{self._within.ids[1]}/uploads", tus, os.urandom(MIB), told),
        )
        if kept := re.search(rb"(?im)^location: (\S+)", told):  # nobody has more than a few files on their way at once
            await asked(port, f"DELETE {kept[1].decode()}", {**self._cookie, "Tus-Resumable": "1.0.0"})
        for status, took in answers:
            self.statuses[status] += 1
            self.slowest = max(self.slowest, took)
        return [status for status, _took in answers]

    async def works(self) -> bool:
        """Whether all of it succeeds."""
        return all(status in (200, 201, 303) for status in await self.once())


async def _look(within: Within, trouble: AsyncIterator[None], figure: Figure, *, seconds: float) -> None:
    """Ask before, during and after."""
    asking = Asking(within, await within.headers(within.cast.rural))
    for _ in range(20):
        if await asking.works():
            break
    else:
        figure.fault(f"it does not work to begin with: {dict(asking.statuses)}")
    asking.statuses.clear()
    asking.slowest = 0.0
    async for _ in trouble:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asking.once()
            await asyncio.sleep(0.2)
    began = time.monotonic()
    during, slowest = dict(asking.statuses), asking.slowest
    while not await asking.works():
        if time.monotonic() - began > 60:
            figure.fault("it never works again")
            break
        await asyncio.sleep(0.2)
    took = time.monotonic() - began
    figure.tried += 1
    for status, number in during.items():
        if status not in SAID:
            figure.fault(f"{number} answers of {status or 'nothing'}")
    if slowest > ANSWERS:
        figure.fault(f"an answer took {slowest:.1f} s")
    if took > RESUMES:
        figure.fault(f"it worked again after {took:.1f} s")
    figure.found |= {"answers": str(during), "slowest, s": round(slowest, 1), "again after, s": round(took, 1)}
    for line in within.site.faults():
        if "request.failed" in line:  # that the database was away may be told at length
            figure.fault(f"log: {line}")


async def prove(name: str, folder: Path) -> Figure:
    """One kind of trouble, on an installation of its own."""
    figure = Figure(f"{name}: answers ≤ {ANSWERS:.0f} s, again ≤ {RESUMES:.0f} s", TIMES, "times")
    data, log = folder / "data", folder / "log"
    cluster = Cluster(folder / "pg" / "postgresql", settings=("max_wal_size=64MB",))
    places = {"data": data, "objects": data / "objects", "log": log, "postgresql": folder / "pg"}
    wal = folder / "wal"
    with _disk_for(name, places, wal) as disk:
        cluster.create(wal=wal / "pg_wal" if name == "wal" else None)
        cluster.start()
        log.mkdir(exist_ok=True)
        try:
            async with wild_site(cluster.prepare(), folder, log=log / "site.log") as within:
                for _ in range(TIMES):
                    trouble = _frozen(cluster) if disk is None else _full(disk, cluster)
                    await _look(within, trouble, figure, seconds=FROZEN if disk is None else FULL)
        finally:
            cluster.kill()
    return figure


@contextmanager
def _disk_for(name: str, places: dict[str, Path], wal: Path) -> Iterator[Path | None]:
    if name == "frozen":
        yield None
    else:
        with small_disk(wal if name == "wal" else places[name], name) as disk:
            yield disk


async def _frozen(cluster: Cluster) -> AsyncIterator[None]:
    with cluster.frozen():
        yield


async def _full(disk: Path, cluster: Cluster) -> AsyncIterator[None]:
    """PostgreSQL that cannot write its log ends, as it says it does; who looks after it starts it again."""
    hog = await asyncio.to_thread(fill, disk)
    if disk.name == "wal":
        await asyncio.to_thread(_use_up, cluster)
    yield
    hog.unlink()
    await asyncio.to_thread(_start_again, cluster)


def _use_up(cluster: Cluster) -> None:
    """What it had set aside to write ahead is full, too."""
    with suppress(psycopg.Error):
        for _ in range(40):
            cluster.order("select pg_logical_emit_message(true, 'proof', 'x'), pg_switch_wal()")


def _start_again(cluster: Cluster) -> None:
    """As whoever looks after it does (systemd: Restart=on-failure), until it stays."""
    while True:
        try:
            if cluster.has_ended:
                cluster.start()
            return cluster.wait()
        except AssertionError:
            time.sleep(0.2)


def main() -> list[Figure]:
    """The figures of one run; of those troubles alone that are named."""
    figures = []
    for name in sys.argv[1:] or ("frozen", *ROOM):
        if name != "frozen" and os.geteuid() != 0:
            told = Figure(f"{name}: full", TIMES, "times", skipped="only root may mount a small disk")
            figures.append(told)
            continue
        with tempfile.TemporaryDirectory(prefix="teleconsult-proof-", ignore_cleanup_errors=True) as folder:
            figures.append(asyncio.run(_tried(name, Path(folder))))
        print(figures[-1].in_words(), flush=True)
    return figures


async def _tried(name: str, folder: Path) -> Figure:
    try:
        return await prove(name, folder)
    except Exception as error:
        return Figure(f"{name}: full", TIMES, "times", faults=[f"{type(error).__name__}: {error}"[:500]])


if __name__ == "__main__":
    run(main)
