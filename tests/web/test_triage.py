"""The buttons: accept, decline, cancel, propose, book."""

from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.audit.kinds import READS
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions
from teleconsult.excerpts.models import ExcerptRead
from teleconsult.scheduling.local_times import local_from_moment
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


def tomorrow() -> str:
    return local_from_moment(now() + timedelta(days=1), "America/Toronto")


async def test_from_the_board_to_a_booked_time(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    path = f"/consults/{consult.id}"
    await signed_in("coordinator")
    answer = await post(f"{path}/proposal", time=tomorrow(), **{"return": "home"})
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    await signed_in("specialist")
    assert (await post(f"{path}/acceptance")).status == 303
    await signed_in("coordinator")
    assert 'data-testid="book"' in await (await client.get("/")).text()
    assert (await post(f"{path}/booking")).status == 303
    assert 'data-state="scheduled"' in await (await client.get(path)).text()
    assert (await post(f"{path}/booking")).status == 409


async def test_a_bad_time_is_said_beside_its_field(
    cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("coordinator")
    for time in ("", "soon", "2020-01-01T10:00", "9999-12-31T23:59", "2026-11-22T14:30+99:00"):
        answer = await post(f"/consults/{consult.id}/proposal", time=time)
        assert answer.status == 422, time
        assert 'aria-invalid="true"' in await answer.text()
    assert (await post(f"/consults/{consult.id}/proposal", time=tomorrow(), minutes="700000")).status == 422


async def test_a_time_that_was_taken_meanwhile_is_said_beside_its_field(
    cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consults = [await consult_steps.submitted(cast, sessions) for _ in range(2)]
    await signed_in("coordinator")
    time = tomorrow()
    for consult in consults:
        assert (await post(f"/consults/{consult.id}/proposal", time=time)).status == 303
    await signed_in("specialist")
    for consult in consults:
        assert (await post(f"/consults/{consult.id}/acceptance")).status == 303
    await signed_in("coordinator")
    first, second = [await post(f"/consults/{consult.id}/booking") for consult in consults]
    assert (first.status, second.status) == (303, 422)
    page = await second.text()
    assert 'aria-invalid="true"' in page
    assert 'data-testid="propose-time"' in page


async def test_declining_needs_a_reason(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("specialist")
    assert (await post(f"/consults/{consult.id}/refusal", reason=" ")).status == 422
    assert (await post(f"/consults/{consult.id}/refusal", reason="Needs trauma first")).status == 303
    assert 'data-testid="worklist-row"' not in await (await client.get("/")).text()
    await signed_in("rural")
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert "Needs trauma first" in page
    assert 'data-state="declined"' in page


async def test_what_a_refused_form_shows_again_is_logged(
    cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("specialist")
    answer = await post(f"/consults/{consult.id}/refusal", reason=" ")
    assert answer.status == 422
    assert 'data-testid="excerpt-view"' in await answer.text()
    async with sessions() as session:
        read = select(AuditEvent.action).where(AuditEvent.action.in_(READS))
        assert sorted(await session.scalars(read)) == ["consult-read", "excerpt-read"]
        assert await session.scalar(select(func.count()).select_from(ExcerptRead)) == 1


async def test_cancelling(client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("rural")
    assert (await post(f"/consults/{consult.id}/cancellation", reason="")).status == 422
    assert (await post(f"/consults/{consult.id}/cancellation", reason="Transferred")).status == 303
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert 'data-state="cancelled"' in page
    assert 'data-testid="join-room"' not in page


async def test_what_is_not_theirs_to_do(cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    for who, act, status in (
        ("rural", "acceptance", 404),
        ("rural", "booking", 404),
        ("coordinator", "acceptance", 404),
        ("specialist", "booking", 404),
        ("specialist", "cancellation", 404),
        ("stranger", "acceptance", 404),
        ("colleague", "cancellation", 404),
        ("oncall", "acceptance", 404),
    ):
        await signed_in(who)
        assert (await post(f"/consults/{consult.id}/{act}", reason="?")).status == status, (who, act)


async def test_an_answer_in_writing_in_place_of_the_call(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("rural")
    assert (await post(f"/consults/{consult.id}/writing")).status == 303
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert 'data-state="advising"' in page
    assert "changed how it is answered" in page
    await signed_in("specialist")
    assert 'data-testid="open-note"' in await (await client.get(f"/consults/{consult.id}")).text()
    await signed_in("coordinator")
    assert (await post(f"/consults/{consult.id}/writing")).status == 404
