"""Checking camera, sound and link over the pages: whose check, what is refused, and who is shown what was found."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import finish_encounter
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.kept_rows import KeptRows
from tests.people import Cast
from tests.web.test_hostile_requests import cookie_of
from web.csrf import HEADER, token_for
from web.link_probes import PROBES, STREAMED

Client = TestClient[web.Request, web.Application]
Send = Callable[[str, object], Awaitable[ClientResponse]]

FOUND: dict[str, Any] = {
    "round_trip": 180.7,
    "jitter": 9,
    "loss": 0.01,
    "uplink": 95_000,
    "downlink": 4_000_000,
    "ways": ["relay-tls"],
    "blocked_ways": ["direct"],
    "camera": True,
    "microphone": True,
    "speaker": None,
}
OFFER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=setup:actpass
a=fingerprint:sha-256 {fingerprint}
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=recvonly
""".replace("\n", "\r\n").format(fingerprint=":".join(["AB"] * 32))


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, kept_rows: KeptRows) -> ServiceRequest:
    """A booked consult."""
    return await consult_steps.booked_lately(cast, sessions, kept_rows)


@pytest.fixture
def send(client: Client, settings: Settings) -> Send:
    """JSON, as the page of who is signed in sends it."""

    async def post_json(path: str, content: object) -> ClientResponse:
        headers = {HEADER: token_for(settings, cookie_of(client)), "Accept": "application/json"}
        return await client.post(path, json=content, headers=headers)

    return post_json


@pytest.fixture
async def phone(client: Client) -> Client:
    """A device of nobody's, on the same site."""
    assert isinstance(client.server, TestServer)
    device: Client = TestClient(client.server)
    return device


async def test_what_was_found_is_said_to_those_it_concerns(
    client: Client, cast: Cast, consult: ServiceRequest, signed_in: SignIn, send: Send
) -> None:
    address = f"/consults/{consult.id}/check"
    await signed_in("rural")
    assert "Not checked yet. It takes one minute." in await (await client.get(address)).text()
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert f'href="{address}"' in page
    assert page.count("link not checked yet") == 2
    answer = await send(address, FOUND)
    assert (answer.status, await answer.json()) == (201, {"verdict": "pictures", "rung": "stills"})
    verdict = await (await client.get(address, headers={"Turbo-Frame": "link-verdict"})).text()
    assert "<html" not in verdict
    for words in ("Sound and still pictures", "only by: Relay by TLS, as web pages", "181 ms", "95 kbit/s"):
        assert words in verdict, words
    for who, path in (
        ("specialist", f"/consults/{consult.id}"),
        ("coordinator", "/"),
        ("coordinator", "/agenda"),
        ("coordinator", f"/consults/{consult.id}"),
    ):
        await signed_in(who)
        page = await (await client.get(path)).text()
        (said,) = re.findall(rf'{cast.rural.name}:\s*<span class="strong">([^<]*)</span>', page)
        assert said == "Sound and still pictures", (who, path)
        assert ('data-testid="check-link"' in page) == (who == "specialist")


@pytest.mark.parametrize("who", ["colleague", "coordinator", "stranger", "oncall", "nurse"])
async def test_others_find_nothing_there(
    client: Client, consult: ServiceRequest, signed_in: SignIn, send: Send, who: str
) -> None:
    await signed_in(who)
    for part in ("", "/servers", "/download"):
        assert (await client.get(f"/consults/{consult.id}/check{part}")).status == 404
    assert (await send(f"/consults/{consult.id}/check", FOUND)).status == 404
    assert (await send(f"/consults/{consult.id}/check/probe", {"sdp": OFFER})).status == 404


async def test_a_guest_checks_by_their_link(
    client: Client, phone: Client, cast: Cast, consult: ServiceRequest, signed_in: SignIn, post: Post
) -> None:
    await signed_in("rural")
    made = await post(f"/consults/{consult.id}/guests", name="Rose B.", kind="patient")
    found = re.search(r'value="[^"]*(/join/[\w-]{43})"', await made.text())
    assert found
    for part in ("", "/servers", "/download"):
        assert (await phone.get(f"/join/check{part}")).status == 404, "the link is not opened yet"
    await phone.post(found[1])
    page = await (await phone.get("/join/check")).text()
    assert 'data-check-url-value="/join/check"' in page
    for secret in ("Bélanger", "headache", str(consult.number), str(consult.id)):
        assert secret not in page
    assert (await phone.get("/join/check/servers")).status == 200
    assert (await phone.post("/join/check/probe", json={"sdp": OFFER})).status == 200
    assert (await phone.post("/join/check", json=FOUND)).status == 201
    assert 'data-verdict="pictures"' in await (await phone.get("/join/check")).text()
    elsewhere = {"Origin": "https://elsewhere.test"}
    assert (await phone.post("/join/check", json=FOUND, headers=elsewhere)).status == 403
    await phone.close()


async def test_an_offer_is_answered_and_the_rest_is_refused(
    client: Client, consult: ServiceRequest, signed_in: SignIn, send: Send
) -> None:
    await signed_in("specialist")
    address = f"/consults/{consult.id}/check/probe"
    answer = await send(address, {"sdp": OFFER})
    assert answer.status == 200, await answer.text()
    assert "a=candidate" in (await answer.json())["sdp"]
    for wrong in ({}, {"sdp": 1}, {"sdp": ""}, {"sdp": "v=0"}, {"sdp": "x" * 200_000}):
        assert (await send(address, wrong)).status == 422, wrong
    assert (await client.post(address, json={"sdp": OFFER})).status == 403, "no page of ours sent this"


async def test_who_asks_without_end_has_to_wait(
    client: Client, consult: ServiceRequest, signed_in: SignIn, send: Send
) -> None:
    await signed_in("rural")
    address = f"/consults/{consult.id}/check/probe"
    answers = await asyncio.gather(*(send(address, {"sdp": "v=0"}) for _ in range(35)))
    assert {answer.status for answer in answers} == {422, 429}
    assert (await client.get(f"/consults/{consult.id}/check/download")).status == 429
    await signed_in("specialist")
    assert (await send(address, {"sdp": OFFER})).status == 200
    assert isinstance(client.server, TestServer)
    assert len(client.server.app[PROBES]) == 1


async def test_bytes_come_until_the_measure_is_full(client: Client, consult: ServiceRequest, signed_in: SignIn) -> None:
    await signed_in("rural")
    answer = await client.get(f"/consults/{consult.id}/check/download")
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(await answer.read()) == STREAMED


async def test_relays_are_given_with_credentials_of_their_own(
    client: Client, consult: ServiceRequest, signed_in: SignIn
) -> None:
    await signed_in("rural")
    answer = await client.get(f"/consults/{consult.id}/check/servers")
    assert await answer.json() == {"servers": []}, "none is configured here"


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": 2},
        {"loss": "none"},
        {"loss": True},
        {"uplink": -1},
        {"ways": None},
        {"ways": ["carrier-pigeon"]},
        {"ways": [{}]},
        {"ways": ["direct"]},  # and blocked, too
        {"camera": None},
        {"microphone": "yes"},
        {"speaker": 1},
    ],
)
async def test_a_check_that_cannot_be_read_is_not_kept(
    client: Client, consult: ServiceRequest, signed_in: SignIn, send: Send, wrong: dict[str, object]
) -> None:
    await signed_in("rural")
    address = f"/consults/{consult.id}/check"
    assert (await send(address, FOUND | wrong)).status == 422
    assert "Not checked yet" in await (await client.get(address)).text()


async def test_when_the_room_is_closed_there_is_nothing_to_check(
    client: Client, cast: Cast, sessions: Sessions, consult: ServiceRequest, signed_in: SignIn, send: Send
) -> None:
    async with transaction(sessions) as session:
        await finish_encounter(session, cast.specialist, consult_id=consult.id)
    await signed_in("rural")
    assert (await client.get(f"/consults/{consult.id}/check")).status == 409
    assert (await send(f"/consults/{consult.id}/check", FOUND)).status == 409
