"""Signing a note through its pages: what would be signed is looked at first."""

import re

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from tests.conftest import Post

Client = TestClient[web.Request, web.Application]


async def shown_to_sign(client: Client, address: str) -> str:
    """The digest of the rendering that the note's author is shown."""
    page = await (await client.get(f"{address}/signature")).text()
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', page)
    assert found, "nothing is shown to be signed"
    return found.group(1)


async def sign_as_shown(client: Client, post: Post, address: str, **fields: str) -> ClientResponse:
    """Look at it, and press the button."""
    return await post(f"{address}/signature", shown=await shown_to_sign(client, address), **fields)
