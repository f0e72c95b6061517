"""What a browser with nothing of ours fetches before it is in a call: at 60 kbit/s every kilobyte is 0.13 s."""

import re
import zlib

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from web.rendering import STATIC, manifest

LIMIT = 80_000
"""Bytes, deflated: a browser that comes without TLS takes nothing smaller."""
PIECES = re.compile(
    r'<link rel="(?:stylesheet|modulepreload)" href="/static/([^"]+)"|<script[^>]+src="/static/([^"]+)"'
)
ICONS = re.compile(r'<use href="/static/([^"#]+)')
UNSCRIPTED = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)


async def test_a_doctor_is_in_the_call_with_eighty_kilobytes(
    client: TestClient[web.Request, web.Application], cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    built = manifest()
    call = next(key for key in built if key.startswith("_room-"))  # fetched once the script of all pages is here
    for who in ("rural", "specialist"):
        await signed_in(who)
        page = await (await client.get(f"/consults/{consult.id}/room", headers={"Accept-Language": "fr"})).text()
        asked = UNSCRIPTED.sub("", page)
        names = {one for found in PIECES.findall(asked) for one in found if one} | set(ICONS.findall(asked))
        names |= {built[piece]["file"] for piece in (call, *built[call]["imports"])}
        sizes = {name: len(zlib.compress((STATIC / name).read_bytes(), 9)) for name in names}
        sizes["the page"] = len(zlib.compress(page.encode()))
        assert len(sizes) <= 8, "each further answer waits for its turn on the line"
        assert sum(sizes.values()) <= LIMIT, sizes
