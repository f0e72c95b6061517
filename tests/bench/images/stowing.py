"""Images on their way in over STOW-RS, by several clients and by one."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

import httpx

from tests.bench.images import pictures
from tests.bench.images.measuring import Row, Side, faster, seconds
from tests.bench.images.stand import Stand

BOUNDARY: Final = "a-boundary-as-long-as-they-may-be-for-some-programs-look-for-short"
"""Orthanc takes several times as long over a short one."""
RELATED: Final = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
DICOM_JSON: Final = "application/dicom+json"
WAYS: Final = ((8, 10, 1.3), (1, 1, 1.0))
"""Clients, instances a request, and the goal."""


def body(contents: Sequence[bytes]) -> bytes:
    """A multipart of these instances."""
    return b"".join(part(content) for content in contents) + f"--{BOUNDARY}--\r\n".encode()


def part(content: bytes) -> bytes:
    """One of them; what follows begins a line."""
    return f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + content + b"\r\n"


def slices_of(stand: Stand, number: int) -> Iterator[bytes]:
    """Those of the CT study with this number, in its one series."""
    moulds = pictures.slices(stand.patient)
    for at in range(stand.sizes.slices):
        yield moulds[at % len(moulds)].cast(study=number, series=number, instance=number * 1000 + at, at=at)


async def store(side: Side, bodies: Sequence[bytes], *, clients: int = 1) -> None:
    """Send every body, `clients` at a time."""
    turns = asyncio.Semaphore(clients)

    async def send(client: httpx.AsyncClient, content: bytes) -> None:
        async with turns:
            headers = {"Content-Type": RELATED, "Accept": DICOM_JSON}
            answer = await client.post("/studies", content=content, headers=headers)
        assert answer.status_code == 200, (side.name, answer.status_code, answer.text[:300])

    async with side.client() as client, asyncio.TaskGroup() as group:
        for content in bodies:
            group.create_task(send(client, content))


async def store_everywhere(stand: Stand, contents: Sequence[bytes]) -> None:
    """The same instances in both archives, before something else is measured."""
    bodies = [body(contents[at : at + 10]) for at in range(0, len(contents), 10)]
    for side in await stand.sides():
        await store(side, bodies)
    await stand.settled()


async def stow(stand: Stand) -> list[Row]:
    """A CT study of half a megabyte a slice, new in each run, the same for both."""
    amount, rows = stand.sizes.slices, []
    for clients, together, goal in WAYS:
        studies = [stand.number() for _run in range(stand.sizes.runs + 1)]

        async def act(side: Side, run: int, ways: tuple[int, int, list[int]] = (clients, together, studies)) -> float:
            clients, together, studies = ways
            instances = list(slices_of(stand, studies[run]))
            bodies = [body(instances[at : at + together]) for at in range(0, amount, together)]
            return await seconds(store(side, bodies, clients=clients))

        took = await stand.in_turn(act)
        what = f"STOW-RS of {amount} slices: clients × slices a request = {clients} × {together}"
        rows.append(faster(what, took, goal, amount=amount, unit="slices"))
    return rows
