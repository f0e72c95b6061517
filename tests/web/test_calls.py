"""What follows a session on the pages: how it went for both sides, the note, another time where it was missed."""

import uuid
from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import say, start_encounter
from teleconsult.encounters.models import EncounterParticipant, FileKind, SentFile
from teleconsult.encounters.quality import Sample, keep_samples
from teleconsult.scheduling.attending import settle
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.teleconsult.encounters.attended import moved, was_there

Client = TestClient[web.Request, web.Application]


async def held(cast: Cast, sessions: Sessions, settings: Settings) -> ServiceRequest:
    """Twenty minutes, the rural side cut off once and weak for two; nobody pressed leave."""
    consult = await consult_steps.booked(cast, sessions)
    await moved(sessions, consult.id, ended=0)
    await was_there(sessions, consult.id, cast.specialist, came=30, went=10)
    await was_there(sessions, consult.id, cast.rural, came=32, went=20)
    await was_there(sessions, consult.id, cast.rural, came=19.5, went=9)
    async with transaction(sessions) as session:
        await start_encounter(session, cast.rural, consult_id=consult.id)
        seats = await session.scalars(
            select(EncounterParticipant.id).where(EncounterParticipant.practitioner_role_id == cast.rural.role_id)
        )
        began = now() - timedelta(minutes=29)
        measured = [
            Sample(began + timedelta(seconds=after), "240p", "weak", 0.02, 0, 310, 12, 90_000, 200_000, 95_000, 0, 0)
            for after in range(0, 120, 5)
        ]
        await keep_samples(session, {seats.one(): measured})
    async with transaction(sessions) as session:
        await settle(session, settings, consult_id=consult.id)
    return consult


async def test_both_sides_see_how_it_went(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    consult = await held(cast, sessions, settings)
    for who in ("rural", "specialist", "coordinator"):
        await signed_in(who)
        page = await (await client.get(f"/consults/{consult.id}")).text()
        assert 'data-testid="call-held"' in page, who
        assert page.count('class="call-lane"') == page.count('class="call-cut"') == 4, "of the side that was measured"
        assert page.count('<th scope="row"') >= 2, "the same as a table"


async def test_what_was_sent_in_it_is_found_by_who_was_there(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    consult = await held(cast, sessions, settings)
    sent = SentFile(FileKind.DOCUMENT, "chat/00/00", 5)
    async with transaction(sessions, cast.specialist) as session:
        told = {"consult_id": consult.id, "message_id": uuid.uuid4()}
        line = await say(session, cast.specialist, **told, text="lettre.pdf", file=sent)
    for who, is_there in (("rural", True), ("specialist", True), ("coordinator", False)):
        await signed_in(who)
        page = await (await client.get(f"/consults/{consult.id}")).text()
        assert (f'href="/consults/{consult.id}/chat/{line.id}"' in page) is is_there, who


async def test_what_was_written_in_it_is_read_by_who_was_there(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for actor, text in ((cast.specialist, "Is he awake?"), (cast.rural, "Since noon.")):
        async with transaction(sessions, actor) as session:
            await say(session, actor, consult_id=consult.id, message_id=uuid.uuid4(), text=text)
    for who, lines in (("rural", 2), ("specialist", 2), ("coordinator", 0)):
        await signed_in(who)
        page = await (await client.get(f"/consults/{consult.id}")).text()
        assert page.count('data-testid="chat-line"') == lines, who
        assert not lines or page.index("Is he awake?") < page.index("Since noon.")


async def test_a_session_that_was_not_held_is_told_of_nowhere(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("rural")
    assert "call-held" not in await (await client.get(f"/consults/{consult.id}")).text()


async def test_who_asked_is_told_where_the_note_will_come(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    consult = await held(cast, sessions, settings)
    await signed_in("rural")
    assert 'data-state="unsigned"' in await (await client.get(f"/consults/{consult.id}")).text()


async def test_the_coordinator_notes_that_nobody_came_and_proposes_another_time(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("coordinator")
    path = f"/consults/{consult.id}"
    assert "mark-missed" not in await (await client.get(path)).text(), "the time has not come"
    assert (await post(f"{path}/non-attendance")).status == 409
    await moved(sessions, consult.id, ended=-20)
    assert "mark-missed" in await (await client.get(path)).text()
    assert (await post(f"{path}/non-attendance")).status == 303
    page = await (await client.get(path)).text()
    assert 'data-state="no-show"' in page
    assert 'data-testid="propose-time"' in page


async def test_how_it_was_held_is_offered_to_the_note(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    consult = await held(cast, sessions, settings)
    await signed_in("specialist")
    path = (await post(f"/consults/{consult.id}/note")).headers["Location"]
    page = await (await client.get(path)).text()
    assert 'data-testid="note-summary"' in page
    words = {"version": "1", "findings": "Tired.", "opinion": "Mine.", "next": "summary"}
    assert (await post(f"{path}/draft", **words)).status == 303
    page = await (await client.get(path)).text()
    assert 'data-testid="note-summary"' not in page, "it was taken"
    findings = page.split('name="findings"')[1].split("</textarea>")[0]
    assert "Tired.\n\n" in findings
    assert cast.rural.name in findings
    assert (await post(f"{path}/draft", **words | {"findings": "Else."})).status == 409, (
        "other words were saved meanwhile"
    )
