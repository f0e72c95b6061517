"""How much the server holds while whole studies stream in and out, all at once."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from tests.bench.images.measuring import Row, Side
from tests.bench.images.reading import address
from tests.bench.images.stand import Sizes, Stand, stand
from tests.bench.images.stowing import BOUNDARY, DICOM_JSON, RELATED, part, slices_of

MIB: Final = 1024 * 1024
GOAL: Final = 300
"""MiB."""
_WHOLE: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'


async def memory(sizes: Sizes) -> list[Row]:
    """The most that was ever resident, of servers that had done nothing before."""
    async with stand(sizes) as new:
        for side in await new.sides():
            numbers = [new.number() for _study in range(sizes.streams)]
            await asyncio.gather(*(_send(new, side, number) for number in numbers))
            await asyncio.gather(*(_fetch(new, side, number) for number in numbers))
        ours, theirs = new.running.site.peak_memory() / MIB, _peak(new.peer.pid) / MIB
    what = f"resident memory, {sizes.streams} studies of {sizes.slices} slices in and out at once"
    return [Row(what, f"{ours:.0f} MiB", f"{theirs:.0f} MiB", goal=f"≤ {GOAL} MiB", holds=ours <= GOAL)]


async def _send(new: Stand, side: Side, number: int) -> None:
    """One request, no length announced."""

    async def pieces() -> AsyncIterator[bytes]:
        for content in slices_of(new, number):
            yield part(content)
        yield f"--{BOUNDARY}--\r\n".encode()

    async with side.client(**{"Content-Type": RELATED, "Accept": DICOM_JSON}) as client:
        answer = await client.post("/studies", content=pieces())
    assert answer.status_code == 200, (side.name, answer.text[:300])


async def _fetch(new: Stand, side: Side, number: int) -> None:
    async with side.client(Accept=_WHOLE) as client, client.stream("GET", address(number)) as answer:
        assert answer.status_code == 200, side.name
        came = sum([len(piece) async for piece in answer.aiter_bytes(MIB)])
    assert came > new.sizes.slices * 512 * 512 * 2, (side.name, came)


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024
