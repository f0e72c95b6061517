"""Notes that wait: their author is reminded after a day and after three, once each; the coordinator sees how many."""

from datetime import timedelta

from sqlalchemy import select, text

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.messages.models import Notice
from teleconsult.messages.occasions import UNSIGNED_NOTE
from teleconsult.notes.signing import Signing
from teleconsult.notes.unsigned import Waiting, remind_authors, unsigned_counts
from tests import note_steps
from tests.people import Cast


async def over_since(sessions: Sessions, hours: int) -> None:
    """The session ended that long ago."""
    async with transaction(sessions) as session:
        await session.execute(
            text("update task set status = 'in-progress', business_status = 'unsigned', modified_at = :then"),
            {"then": now() - timedelta(hours=hours)},
        )


async def reminded(sessions: Sessions) -> list[object]:
    async with sessions() as session:
        return list(await session.scalars(select(Notice.practitioner_role_id).where(Notice.occasion == UNSIGNED_NOTE)))


async def test_the_author_is_reminded_after_a_day_and_after_three(cast: Cast, sessions: Sessions) -> None:
    await note_steps.drafted(cast, sessions)
    await over_since(sessions, 23)
    assert await remind_authors(sessions, now()) == 0
    assert await remind_authors(sessions, now() + timedelta(hours=1)) == 1
    assert await remind_authors(sessions, now() + timedelta(hours=2)) == 0, "once"
    assert await remind_authors(sessions, now() + timedelta(hours=50)) == 1
    assert await remind_authors(sessions, now() + timedelta(hours=99)) == 0
    assert await reminded(sessions) == [cast.specialist.role_id] * 2


async def test_others_see_how_many_and_a_signed_one_waits_no_more(cast: Cast, signing: Signing) -> None:
    sessions = signing.sessions
    draft = await note_steps.drafted(cast, sessions)
    await over_since(sessions, 25)
    for actor, waiting in (
        (cast.coordinator, Waiting(1, 1, 0)),
        (cast.specialist, Waiting(1, 1, 0)),
        (cast.stranger, Waiting(0, 0, 0)),
    ):
        async with transaction(sessions, actor) as session:
            assert await unsigned_counts(session, actor) == waiting
    await note_steps.sign(signing, cast.specialist, draft.note)
    async with transaction(sessions, cast.coordinator) as session:
        assert await unsigned_counts(session, cast.coordinator) == Waiting(0, 0, 0)
    assert await remind_authors(sessions, now() + timedelta(hours=30)) == 0
