"""However much a machine sends, the server holds no more of it than a piece at a time."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from teleconsult.db import Sessions, transaction
from teleconsult.embedded import DatabaseUrls
from tests.browser.site import Site
from tests.people import Cast, bearer_of
from tests.stow_steps import RELATED, parts, slice_of, stored

MIB = 1024 * 1024
UID = "1.2.826.0.1.3680043.8.498.1000000000"
SLICES = 400
"""Of 512 × 512 pixels in 16 bits: 200 MiB."""


@pytest.fixture
def site(clean_database: DatabaseUrls, tmp_path: Path) -> Iterator[Site]:
    site = Site(clean_database, tmp_path / "data")
    try:
        site.wait_until_ready()
        yield site
    finally:
        site.stop()


async def body(content: bytes, start: int, count: int) -> AsyncIterator[bytes]:
    """The same slice under one UID after the other; nothing of it is held here either."""
    for number in range(start, start + count):
        yield parts([content.replace(UID.encode(), f"{UID[:-4]}{number:04}".encode())], end=False)
    yield parts([])


async def test_two_hundred_megabytes_raise_memory_by_less_than_fifty(
    site: Site, cast: Cast, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        headers = {"Authorization": f"Bearer {await bearer_of(session, cast.rural)}", "Content-Type": RELATED}
    content = slice_of(cast, side=512, SOPInstanceUID=UID)
    address = f"{site.url}/dicomweb/studies"
    async with ClientSession(headers=headers) as client:
        for start, count in ((0, 10), (10, SLICES)):  # the first ones load what is loaded once
            if start:
                before = site.memory()
            async with client.post(address, data=body(content, start, count)) as answer:
                assert (answer.status, len(stored(await answer.json(content_type=None)))) == (200, count)
    grown = site.peak_memory() - before
    assert grown < 50 * MIB, f"{grown / MIB:.0f} MiB more"
