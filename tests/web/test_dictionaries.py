"""A page that comes as what differs from what the browser has (RFC 9842): read back with another reader's eyes."""

import base64
from hashlib import sha256

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from backports import zstd

from teleconsult.db import Sessions
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from web.dictionaries import TOO_SMALL, dictionary_in
from web.rendering import make_environment

Client = TestClient[web.Request, web.Application]
FRENCH = {"Accept-Language": "fr", "Accept-Encoding": "gzip, deflate, br, zstd, dcb, dcz"}


@pytest.fixture
async def raw(client: Client) -> Client:
    """Answers as they travel."""
    client.session._auto_decompress = False
    return client


async def kept_by(client: Client, language: str = "fr") -> bytes:
    """The dictionary a page of the sign-in names, as a browser keeps it."""
    page = await client.get("/sign-in", headers={"Accept-Language": language, "Accept-Encoding": "identity"})
    address = (await page.text()).partition('data-dictionary="')[2].partition('"')[0]
    answer = await client.get(address, headers={"Accept-Encoding": "identity"})
    assert answer.status == 200
    assert answer.headers["Use-As-Dictionary"] == 'match="/*"'
    assert "immutable" in answer.headers["Cache-Control"]
    return await answer.read()


def told(dictionary: bytes) -> dict[str, str]:
    return FRENCH | {"Available-Dictionary": f":{base64.b64encode(sha256(dictionary).digest()).decode()}:"}


async def test_the_page_of_a_call_is_the_same_in_a_third_of_the_bytes(
    raw: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    dictionary = await kept_by(raw, "en")
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("rural")
    path = f"/consults/{consult.id}/room"
    plain = await raw.get(path, headers=FRENCH | {"Accept-Encoding": "identity"})
    coded = await raw.get(path, headers=told(dictionary))
    assert coded.headers["Content-Encoding"] == "dcz"
    assert "Available-Dictionary" in ", ".join(coded.headers.getall("Vary"))
    body = await coded.read()
    assert body[:8] == bytes.fromhex("5e2a4d1820000000")
    assert body[8:40] == sha256(dictionary).digest()
    read = zstd.decompress(body[40:], zstd_dict=zstd.ZstdDict(dictionary, is_raw=True)).decode()
    assert read.partition("<body")[0].count("csrf-token") == 1
    assert len(read) == len(await plain.text())  # only the token's mask differs
    alone = await raw.get(path, headers=FRENCH)
    assert alone.headers["Content-Encoding"] == "zstd"
    assert len(body) < len(await alone.read()) / 3


async def test_another_dictionary_another_language_and_who_knows_none(raw: Client) -> None:
    dictionary = await kept_by(raw)
    for headers in (
        told(b"another"),
        told(dictionary) | {"Accept-Language": "vi"},
        FRENCH | {"Available-Dictionary": "é"},
    ):
        answer = await raw.get("/sign-in", headers=headers)
        assert (answer.status, answer.headers["Content-Encoding"]) == (200, "zstd")
    answer = await raw.get("/sign-in", headers=told(dictionary) | {"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert (await raw.get("/dictionaries/fr-0000000000000000")).status == 404


async def test_it_tells_nothing_of_anybody(raw: Client, cast: Cast, signed_in: SignIn) -> None:
    await signed_in("rural")
    assert cast.rural.name in await (await raw.get("/", headers={"Accept-Encoding": "identity"})).text()
    before = dictionary_in(make_environment(), "fr").content
    for told in (*cast.emails.values(), cast.rural.name):
        assert told.encode() not in before
    assert len(before) > TOO_SMALL
    assert b'csrf_token" value=""' in before
