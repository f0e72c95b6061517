"""A browser between our site and its OpenID Provider."""

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from sqlalchemy import select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Practitioner
from teleconsult.settings import Settings
from tests.people import PASSWORD, Cast
from web.csrf import token_for

Client = TestClient[web.Request, web.Application]
HTML = {"Accept": "text/html"}


async def begin(client: Client, path: str = "/sign-in/federated") -> str:
    """Where our site sends the browser."""
    answer = await client.get(path, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def come_back(client: Client, answer: dict[str, str]) -> ClientResponse:
    return await client.get("/sign-in/federated/callback", params=answer, headers=HTML, allow_redirects=False)


def is_unknown(answer: ClientResponse) -> bool:
    return (answer.status, answer.headers["Location"]) == (303, "/sign-in/federated/unknown")


async def is_in(client: Client) -> bool:
    return (await client.get("/account", allow_redirects=False)).status == 200


async def reasons(sessions: Sessions) -> list[str]:
    async with transaction(sessions) as session:
        found = await session.scalars(select(AuditEvent.detail).where(AuditEvent.action == "sign-in-failed"))
        return [str(detail.get("reason")) for detail in found]


async def number(sessions: Sessions, cast: Cast, number: str = "99900000017") -> None:
    """The rural doctor's number in the directory is the one the provider says."""
    async with transaction(sessions) as session:
        await session.execute(
            update(Practitioner).where(Practitioner.id == cast.rural.practitioner_id).values(registration_number=number)
        )


async def sign_in(client: Client, cast: Cast, name: str) -> None:
    client.session.cookie_jar.clear(lambda cookie: cookie.key == "session")
    form = {"email": cast.emails[name], "password": PASSWORD}
    answer = await client.post("/sign-in", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()


async def post(client: Client, settings: Settings, path: str) -> ClientResponse:
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
    return await client.post(path, data={"csrf_token": token_for(settings, cookie)}, allow_redirects=False)


async def begin_link(client: Client, settings: Settings) -> str:
    answer = await post(client, settings, "/account/identities")
    page = await answer.text()
    assert answer.status == 200, page
    return page.split('href="http', 1)[1].join(["http", ""]).split('"')[0].replace("&amp;", "&")
