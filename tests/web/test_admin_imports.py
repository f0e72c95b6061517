"""An extract of the national directory: sent by a form, reviewed, decided on."""

import re
from pathlib import Path

import pytest
from aiohttp import ClientResponse, FormData, web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.accounts.models import Account
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import DirectoryImport, Practitioner, RoleCode
from teleconsult.settings import Settings
from tests.conftest import Post, SignIn
from tests.people import Cast, another_person
from tests.teleconsult.directory.extracts import line, write
from web.csrf import token_for
from web.views import admin_imports

Client = TestClient[web.Request, web.Application]

LINES = (line("10100000005", "GIRARD", "Paul"), line("10100000006", "SAVARD", "Éric"), "nonsense")


async def send(
    client: Client, settings: Settings, content: bytes, *, token: str | None = None, name: str = "extract"
) -> ClientResponse:
    """The form of the page, as a browser without script sends it."""
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/")).get("session")
    form = FormData()
    form.add_field("csrf_token", token_for(settings, cookie.value if cookie else "") if token is None else token)
    form.add_field(name, content, filename="PS_LibreAcces.txt", content_type="text/plain")
    return await client.post("/admin/imports", data=form, allow_redirects=False)


@pytest.fixture
def extract(tmp_path: Path) -> bytes:
    """One namesake, one newcomer, one line that cannot be read."""
    return write(tmp_path / "extract.txt", LINES).read_bytes()


async def test_an_extract_is_read_and_decided_on(
    client: Client, signed_in: SignIn, post: Post, settings: Settings, extract: bytes, sessions: Sessions
) -> None:
    await signed_in("admin")
    answer = await send(client, settings, extract)
    assert answer.status == 303
    here = answer.headers["Location"]
    page = await (await client.get(here)).text()
    assert page.count("data-kind=") == 2
    assert "1 line could not be read" in page
    assert "as many columns" in page
    assert "Paul Girard is in your directory" in page
    only = await (await client.get(here, params={"kind": "new"})).text()
    assert only.count("data-kind=") == 1
    (new,) = re.findall(r'name="shown" value="([^"]+)"', page)
    answer = await post(f"{here}/decisions", shown=new, all="accepted")
    assert answer.status == 303
    async with transaction(sessions) as session:
        savard = select(Practitioner).where(Practitioner.registration_number == "10100000006")
        assert (await session.scalars(savard)).one().family == "Savard"
    page = await (await client.get(here)).text()
    assert page.count("data-kind=") == 1
    (namesake,) = re.findall(r'name="rejected" value="([^"]+)"', page)
    assert (await post(f"{here}/decisions", rejected=namesake)).status == 303
    assert "Nothing waits" in await (await client.get(here)).text()


async def test_an_older_extract_is_only_looked_at(
    client: Client, signed_in: SignIn, post: Post, settings: Settings, extract: bytes
) -> None:
    await signed_in("admin")
    first = (await send(client, settings, extract)).headers["Location"]
    await send(client, settings, extract)
    page = await (await client.get(first)).text()
    assert "A newer extract" in page
    assert 'name="accepted"' not in page
    assert (await post(f"{first}/decisions", all="accepted")).status == 409


@pytest.mark.parametrize("content", [b"", b"a;b;c\n1;2;3\n", b"PK\x03\x04" + bytes(1000), b"\xff\xfe" * 100])
async def test_what_is_no_extract_is_said_beside_the_field(
    client: Client, signed_in: SignIn, settings: Settings, content: bytes, sessions: Sessions
) -> None:
    await signed_in("admin")
    answer = await send(client, settings, content)
    assert answer.status == 422
    assert 'id="extract-error"' in await answer.text()
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count(DirectoryImport.id))) == 0


async def test_more_than_the_limit_is_refused(
    client: Client,
    signed_in: SignIn,
    settings: Settings,
    extract: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin_imports, "LIMIT", 500)
    await signed_in("admin")
    assert (await send(client, settings, extract)).status == 413


async def test_a_forged_form_and_other_fields_are_refused(
    client: Client, signed_in: SignIn, settings: Settings, extract: bytes
) -> None:
    await signed_in("admin")
    assert (await send(client, settings, extract, token="forged")).status == 403
    assert (await send(client, settings, extract, name="files")).status == 422
    await signed_in("coordinator")
    assert (await send(client, settings, extract)).status == 404


async def test_anothers_import_is_like_an_unknown_one(
    client: Client,
    signed_in: SignIn,
    post: Post,
    settings: Settings,
    extract: bytes,
    cast: Cast,
    sessions: Sessions,
) -> None:
    await signed_in("admin")
    here = (await send(client, settings, extract)).headers["Location"]
    async with transaction(sessions) as session:
        other = await another_person(session, cast, "elsewhere", RoleCode.ADMINISTRATOR)
        cast.emails["other"] = (await session.get_one(Account, other.account_id)).email
    await signed_in("other")
    assert (await client.get(here)).status == 404
    assert (await post(f"{here}/decisions", all="accepted")).status == 404


async def test_decisions_nobody_would_send(
    client: Client, signed_in: SignIn, post: Post, settings: Settings, extract: bytes
) -> None:
    await signed_in("admin")
    here = (await send(client, settings, extract)).headers["Location"]
    assert (await post(f"{here}/decisions", accepted="x")).status == 422
    assert (await post(f"{here}/decisions", all="pending")).status == 404
    assert (await post(f"{here}/decisions", all="maybe")).status == 422
    assert (await post(f"{here}/decisions", all="accepted")).status == 303
    assert (await client.get(here, params={"kind": "odd"})).status == 404
    assert (await client.get(here, params={"after": "\0" * 3 + "é" * 100})).status in (200, 400)
