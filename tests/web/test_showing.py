"""The very rendering stands on the page of the signature; its digest goes back with the form."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests import note_steps
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast

Client = TestClient[web.Request, web.Application]


async def test_what_stands_on_the_page_is_signed_or_nothing_is(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    draft = await note_steps.drafted(cast, sessions)
    address = f"/notes/{draft.note.id}"
    await signed_in("specialist")
    assert (await client.get(f"{address}/shown")).status == 404, "nothing was shown yet"
    step = await (await client.get(f"{address}/signature")).text()
    digest = step.split('name="shown" value="')[1].split('"')[0]
    shown = await client.get(f"{address}/shown")
    assert shown.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'self'" in shown.headers["Content-Security-Policy"]
    assert (await shown.read()).startswith(b"%PDF-")
    await signed_in("rural")
    assert (await client.get(f"{address}/shown")).status == 404
    await signed_in("specialist")
    stale = await post(f"{address}/signature", version="2", password=PASSWORD, shown="0" * 64)
    assert stale.status == 409
    page = await stale.text()
    assert "changed since you saw it" in page
    assert f'name="shown" value="{digest}"' in page
    assert (await post(f"{address}/signature", version="2", password=PASSWORD, shown=digest)).status == 303
    assert (await client.get(f"{address}/shown")).status == 404
