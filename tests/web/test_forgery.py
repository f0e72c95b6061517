"""Another site's page, or a part of one, asks in the name of who is signed in: every way in that is not a GET."""

import uuid
from collections.abc import Iterator
from itertools import cycle
from typing import Final

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.conftest import SignIn
from tests.people import Cast, bearer_of
from tests.web.test_hostile_requests import cookie_of
from web.csrf import FIELD, HEADER, token_for

Client = TestClient[web.Request, web.Application]
URLENCODED = "application/x-www-form-urlencoded"


def ways_to_change(app: web.Application) -> Iterator[tuple[str, str]]:
    """Method and path of every route that may change something, with ids nobody has."""
    for route in app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if route.method not in ("GET", "HEAD", "OPTIONS", "*") and not path.startswith("/socket.io"):
            yield route.method, path.replace("{id}", str(uuid.uuid4()))


def bodies(tokens: Iterator[str]) -> Iterator[tuple[str, bytes]]:
    """The next token in every kind of body a form of another site can send."""
    yield URLENCODED, f"{FIELD}={next(tokens)}".encode()
    yield (
        "multipart/form-data; boundary=x",
        (
            f'--x\r\nContent-Disposition: form-data; name="{FIELD}"\r\n\r\n{next(tokens)}\r\n'
            '--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\na\r\n--x--\r\n'
        ).encode(),
    )
    yield "text/plain", f"{FIELD}={next(tokens)}".encode()
    yield "application/json", b"{}"


TAKES_FILES: Final = ("/images", "/imports", "/documents", "/mailboxes", "/stills")
"""Of these paths it is said first that there is no such thing for this person, and each reads its body itself."""


async def test_without_its_own_token_nothing_is_done(
    client: Client, settings: Settings, cast: Cast, signed_in: SignIn
) -> None:
    """Every kind of body at each way in that takes files; at the others, which one guard stands before, in turn."""
    await signed_in("rural")
    tokens = cycle(("", "A" * 88, token_for(settings, "of somebody else"), "A" * 88, ""))
    for at, (method, path) in enumerate(ways_to_change(client.app)):
        takes_files, kinds = path.endswith(TAKES_FILES), list(bodies(tokens))
        for kind, body in kinds if takes_files else (kinds[at % len(kinds)],):
            headers = {"Content-Type": kind}
            answer = await client.request(method, path, data=body, headers=headers, allow_redirects=False)
            assert answer.status in ((403, 404) if takes_files else (403,)), (method, path, kind)
        headers = {HEADER: token_for(settings, "of somebody else")}
        assert (await client.request(method, path, headers=headers)).status == 403, path
    assert (await client.get("/", allow_redirects=False)).status == 200, "still signed in"


async def test_from_another_site_even_a_good_token_does_not_help(
    client: Client, settings: Settings, signed_in: SignIn
) -> None:
    await signed_in("rural")
    origins = cycle(("https://evil.example", "null", "", f"http://{client.host}"))
    for method, path in ways_to_change(client.app):
        headers = {"Origin": next(origins), HEADER: token_for(settings, cookie_of(client))}
        assert (await client.request(method, path, headers=headers, allow_redirects=False)).status == 403, path


async def test_a_method_is_what_the_request_line_says(client: Client, settings: Settings, signed_in: SignIn) -> None:
    await signed_in("rural")
    headers = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"}
    await client.get("/sign-out?_method=POST", headers=headers)
    assert (await client.get("/", allow_redirects=False)).status == 200


async def test_a_bearer_token_needs_none_and_no_cookie_rides_along(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    async with transaction(sessions) as session:
        bearer = await bearer_of(session, cast.specialist)
    await signed_in("rural")
    for bad in (bearer[:-2], f"{bearer}x", "x"):
        headers = {"Authorization": f"Bearer {bad}"}
        assert (await client.post("/patients", headers=headers)).status == 401, "nor does the cookie step in"
    answer = await client.get("/", headers={"Authorization": f"Bearer {bearer}"})
    assert cast.specialist.name in await answer.text()
