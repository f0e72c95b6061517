"""Join tokens: one room, one socket, two minutes, and no longer than the sign-in that asked for them."""

import uuid

import pytest
import socketio
from sqlalchemy import update

from teleconsult.accounts import Actor
from teleconsult.accounts.models import OneTimeSecret, TokenKey, WebSession
from teleconsult.accounts.token_keys import sign
from teleconsult.accounts.tokens import actor_for_bearer
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.join_tokens import AUDIENCE, LIFE, TYPE, issue_join_token
from teleconsult.errors import NotFound
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import SECRET, Cast, bearer_of
from tests.signaling.booking import Booking
from tests.signaling.conftest import LiveSite, actor_in_session
from tests.signaling.visitors import Visitor

REFUSED = socketio.exceptions.ConnectionError
SEALER = Sealer(SECRET)


async def a_token(sessions: Sessions, actor: Actor, booking: Booking) -> str:
    """What `POST /consults/{id}/join-token` gives."""
    async with transaction(sessions, actor) as session:
        token, expires = await issue_join_token(session, SEALER, actor, consult_id=booking.consult)
    assert expires <= now() + LIFE
    return token


@pytest.fixture
async def specialist(sessions: Sessions, settings: Settings, cast: Cast) -> Actor:
    """The specialist, signed in."""
    return await actor_in_session(sessions, settings, cast.specialist)


def app(site: LiveSite, token: str, namespace: str = "/room") -> Visitor:
    """A program that comes by the token alone."""
    return Visitor(site.url, namespace=namespace, headers={}, auth={"token": token})


async def test_it_opens_its_room_once(site: LiveSite, sessions: Sessions, booking: Booking, specialist: Actor) -> None:
    token = await a_token(sessions, specialist, booking)
    visitor = app(site, token)
    await visitor.connect()
    assert (await visitor.join(booking.consult))["state"] == "waiting"
    with pytest.raises(REFUSED):
        await app(site, token).connect()
    await visitor.close()


async def test_it_opens_no_other_room_and_no_list(
    site: LiveSite, sessions: Sessions, cast: Cast, booking: Booking, specialist: Actor
) -> None:
    other = await consult_steps.booked(cast, sessions, in_minutes=200)
    visitor = app(site, await a_token(sessions, specialist, booking))
    await visitor.connect()
    assert await visitor.join(other.id) == {"error": "not-found"}
    await visitor.close()
    for elsewhere in ("/worklist", "/looking"):
        with pytest.raises(REFUSED):
            await app(site, await a_token(sessions, specialist, booking), elsewhere).connect()


async def test_a_bearer_token_may_ask_for_one(site: LiveSite, sessions: Sessions, cast: Cast, booking: Booking) -> None:
    async with transaction(sessions) as session:
        actor = await actor_for_bearer(session, await bearer_of(session, cast.rural))
    visitor = app(site, await a_token(sessions, actor, booking))
    await visitor.connect()
    assert (await visitor.join(booking.consult))["state"] == "waiting"
    await visitor.close()


@pytest.mark.parametrize("how", ["session over", "ran out", "key leaked"])
async def test_it_dies_with_what_it_stands_on(
    site: LiveSite, sessions: Sessions, booking: Booking, specialist: Actor, how: str
) -> None:
    token = await a_token(sessions, specialist, booking)
    changes = {
        "session over": update(WebSession).values(ended_at=now()),
        "ran out": update(OneTimeSecret).values(expires_at=now()),
        "key leaked": update(TokenKey).values(retired_at=now()),
    }
    async with transaction(sessions) as session:
        await session.execute(changes[how])
    with pytest.raises(REFUSED):
        await app(site, token).connect()


async def test_the_socket_it_opened_ends_with_the_session(
    site: LiveSite, sessions: Sessions, booking: Booking, specialist: Actor
) -> None:
    visitor = app(site, await a_token(sessions, specialist, booking))
    await visitor.connect()
    await visitor.join(booking.consult)
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(ended_at=now()))
    assert (await visitor.next("bye"))["reason"] == "signed-out"
    await visitor.close()


async def test_one_that_was_never_issued_opens_nothing(
    site: LiveSite, sessions: Sessions, booking: Booking, specialist: Actor
) -> None:
    async with transaction(sessions) as session:
        claims = {
            "sub": str(specialist.account_id),
            "role": str(specialist.role_id),
            "consult": str(booking.consult),
            "session": str(specialist.session_id),
            "token": "",
        }
        token = await sign(session, SEALER, typ=TYPE, audience=AUDIENCE, life=LIFE, claims=claims)
    with pytest.raises(REFUSED):
        await app(site, token).connect()


@pytest.mark.parametrize("who", ["colleague", "oncall", "stranger"])
async def test_nobody_else_gets_one(sessions: Sessions, cast: Cast, booking: Booking, who: str) -> None:
    outsider: Actor = getattr(cast, who)
    for consult in (booking.consult, uuid.uuid4()):
        with pytest.raises(NotFound):
            async with transaction(sessions, outsider) as session:
                await issue_join_token(session, SEALER, outsider, consult_id=consult)
