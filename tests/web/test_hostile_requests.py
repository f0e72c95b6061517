"""Requests no browser sends: bytes that are no text, addresses that are none, bodies that lie. Never a 500."""

import asyncio
import re
import zlib
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions
from teleconsult.notes.models import Composition
from teleconsult.settings import Settings
from tests import consult_steps, note_steps
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast
from web.csrf import token_for

Client = TestClient[web.Request, web.Application]
FORM = "Content-Type: application/x-www-form-urlencoded"


def cookie_of(client: Client) -> str:
    """The session of who is signed in; "" before."""
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/")).get("session")
    return cookie.value if cookie else ""


async def raw(client: Client, start: str, *headers: str, body: bytes = b"") -> int:
    """The status of a request as it stands; headers are sent as Latin-1, so that any byte can be said."""
    lines = [f"{start} HTTP/1.1", "Host: test", "Connection: close", f"Content-Length: {len(body)}", *headers]
    if not any(line.startswith("Cookie:") for line in headers):
        lines.append(f"Cookie: session={cookie_of(client)}")
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        answer = await reader.read(4096)
        writer.close()
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    assert found, f"no answer to {start[:80]!r}: {answer[:80]!r}"
    return int(found[1])


async def test_headers_that_are_no_text(client: Client, cast: Cast) -> None:
    form = f"email={cast.emails['rural']}&password={PASSWORD.replace(' ', '+')}".encode()
    for header in (
        "Cookie: session=\xff\xfe",
        "Cookie: flash=a.\xff",
        "Cookie: locale=\xff; theme=\xff",
        "User-Agent: \xff",
        "Turbo-Frame: \xff",
        "Authorization: Bearer \xff.a.b",
        "Accept-Language: \xff;q=nan",
        "X-CSRF-Token: \xff",
    ):
        assert await raw(client, "GET /patients", header) == 400, header
        assert await raw(client, "POST /sign-in", FORM, header, body=form) == 400, header
        assert await raw(client, "GET /socket.io/?EIO=4&transport=polling", header) == 400, header


async def test_a_flash_of_somebody_elses_says_nothing(client: Client) -> None:
    for value in ("é", "é.é", "W10=.é", "W10=.00", ".", "W1tdXQ==.00"):
        assert await raw(client, "GET /sign-in", f"Cookie: flash={value.encode().decode('latin-1')}") == 200


async def test_addresses_that_are_none(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    expected = {
        "/studies/%00": 400,
        "/consults/%00": 400,
        "/patients/a%00": 400,
        "/studies/1/instances/%00/frames/1/pixels": 400,
        "/static/%00": 400,
        f"/static/{'a' * 3000}": 404,
        f"/studies/{'a' * 6000}": 404,
        "/studies/%ED%A0%80": 404,
        "/studies/%FF": 404,
        "/static/../patients": 404,
        "/static/%2e%2e/%2e%2e/pyproject.toml": 404,
        "/patients/": 404,
        "//patients": 404,
        "/patients?q=%00%ED%A0%80%FF'%20%26%20!(:*": 200,
        "/patients?kind=%00": 200,
        "/consults?before=%00": 404,
        "/consults?before=0001-01-01T00:00:00%2B23:59_00000000-0000-0000-0000-000000000000": 200,
        "/agenda?from=9999-12-31": 404,
        "/agenda?from=0001-01-01": 404,
        "/studies/1?id=%00": 404,
        f"/{'a' * 100_000}": 400,
    }
    assert {path: await raw(client, f"GET {path}") for path in expected} == expected


async def test_a_target_that_is_no_path_of_ours_is_home(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    for target in ("//[", "http://[", "/\x85", "/\x7f", "/\u2028", "/\r\nSet-Cookie: a=b", "/\\evil", "//evil", "evil"):
        for answer in (
            await client.get("/sign-in", params={"next": target}, allow_redirects=False),
            await post("/language", locale="fr", next=target),
        ):
            assert (answer.status, answer.headers["Location"]) == (303, "/"), target


async def test_other_methods(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PROPFIND"):
        assert await raw(client, f"{method} /patients") in (403, 405), method


async def test_a_compressed_body_is_not_opened(client: Client) -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = bomb.compress(bytes(20_000_000)) + bomb.flush()
    for coding in ("gzip", "deflate", "identity, gzip", "br", "x-unknown"):
        for path in ("/sign-in", "/verify", "/language"):
            assert await raw(client, f"POST {path}", FORM, f"Content-Encoding: {coding}", body=body) == 415, coding


async def test_a_save_that_cannot_be_read_changes_nothing(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    written = await note_steps.drafted(cast, sessions)
    urls = "application/x-www-form-urlencoded"
    bodies: list[tuple[str, bytes]] = [
        *((kind, b"question=gone") for kind in ("text/plain", "application/xml", "multipart/form-data", "\xc3\xa9/x")),
        *(("application/json", body) for body in (b"", b"[]", b"null", b"\xff", b'{"version":NaN}', b'{"version":{}}')),
        *(("application/json", body) for body in (b'{"version":1,"opinion":[]}', b'{"version":1,"opinion":"\\ud800"}')),
        ("application/json", b'{"version":' + b"[" * 100_000),
        ("application/json", b'{"version":' + b"9" * 5000 + b"}"),
        (urls, b"version=" + b"9" * 5000),
        (urls, b"version=-1"),
        (urls, b"version=1&version=%00"),
        (urls, b"version=%D9%A1"),
        (urls, b"version=1&opinion=%ED%A0%80&question=%00"),
        (urls, b"&".join(b"entries=%d" % n for n in range(2001))),
        (urls, b"entries=1&entries=%27"),
        (urls, b"version=7&service=x&opinion=x"),
    ]
    for who, model, path in (
        ("rural", ServiceRequest, f"/consults/{draft.id}/draft"),
        ("specialist", Composition, f"/notes/{written.note.id}/draft"),
    ):
        await signed_in(who)
        token = f"X-CSRF-Token: {token_for(settings, cookie_of(client))}"
        before = await rows(sessions, model)
        for method in ("PATCH", "POST"):
            for kind, body in bodies:
                status = await raw(client, f"{method} {path}", f"Content-Type: {kind}", token, body=body)
                assert status in (409, 422), (path, kind, body[:40], status)
        assert await rows(sessions, model) == before


async def rows(sessions: Sessions, model: type[Any]) -> list[dict[str, object]]:
    """All rows of a table, as they stand."""
    from sqlalchemy import select

    async with sessions() as session:
        found = await session.execute(select(model.__table__).order_by(model.__table__.c.id))
        return [dict(row._mapping) for row in found]


async def test_a_time_that_is_none(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    await signed_in("coordinator")
    for time in (
        "",
        "x",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        "2026-13-40T25:61",
        "2027-03-14T02:30",
        "1e9",
        "9" * 9000,
    ):
        answer = await post(f"/consults/{consult.id}/proposal", time=time, minutes="30")
        assert answer.status == 422, time
    for minutes in ("-30", "0", "31", "9" * 5000, "NaN", "1e1", "٣٠"):
        answer = await post(f"/consults/{consult.id}/proposal", time="2026-12-24T10:00", minutes=minutes)
        assert answer.status == 422, minutes


async def test_people_who_cannot_be(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    for birth_date in ("0000-00-00", "9999-12-31", "31/02/1990", "1" * 100_000, "1/" * 50_000, "-1-1-1"):
        answer = await post("/patients", family="Roy", given="Aline", birth_date=birth_date)
        assert answer.status == 422, birth_date[:20]
    for name in ("a" * 200_000, " ", "\u200b", "\u202e", "-"):
        answer = await post("/patients", family=name, given="Aline", gender="female")
        assert answer.status == 422, name[:20]
    for age in ("-1", "999", "9" * 5000, "NaN"):
        answer = await post("/patients/unknown", unknown_gender="male", estimated_age=age)
        assert answer.status == 422, age[:20]
    for field in ("gender", "unknown_gender"):
        assert (await post("/patients/unknown", **{field: "\U0001f600"})).status in (303, 422)


async def test_slow_senders_hold_no_connection_of_the_database(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    writers = []
    for _place in range(30):  # more than the pool holds
        _reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(
            f"POST /patients HTTP/1.1\r\nHost: test\r\nCookie: session={cookie_of(client)}\r\n{FORM}\r\n"
            "Content-Length: 1000\r\n\r\nfamily=".encode()
        )
        writers.append(writer)
    await asyncio.sleep(0.3)
    async with asyncio.timeout(9):
        assert (await client.get("/patients")).status == 200
    for writer in writers:
        writer.close()


@pytest.mark.parametrize(
    "name", ["\udcff.dcm", "a\rb\nc.dcm", '"><script>alert(1)</script>', "x" * 5000, "../../etc/passwd"]
)
async def test_the_name_of_a_file_is_only_shown(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, name: str
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode("utf-8", "surrogateescape")
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="' + quoted + b'"\r\n\r\nhello\r\n--x--\r\n'
    headers = {
        "Content-Type": "multipart/form-data; boundary=x",
        "X-CSRF-Token": token_for(settings, cookie_of(client)),
    }
    answer = await client.post(f"/consults/{draft.id}/images", data=part, headers=headers, allow_redirects=False)
    assert answer.status in (303, 422)
    page = await client.get(f"/consults/{draft.id}")
    assert page.status == 200
    assert "<script>alert" not in await page.text()
