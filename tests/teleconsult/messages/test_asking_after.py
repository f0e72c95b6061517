"""What became of it is asked by itself, once, when the days of the service are over."""

from datetime import timedelta

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.messages.asking_after import ask_after
from teleconsult.messages.occasions import FOLLOW_UP
from teleconsult.messages.queries import own_notices
from tests.people import Cast
from tests.teleconsult.consults.test_following_up import acknowledged, record


async def test_who_asked_is_reminded_once_and_not_of_what_was_told(cast: Cast, sessions: Sessions) -> None:
    due, answered, early, old = [await acknowledged(cast, sessions, days=days) for days in (15, 16, 13, 30)]
    await record(sessions, cast.rural, answered)
    assert [await ask_after(sessions, now()) for _time in range(2)] == [1, 0]
    async with transaction(sessions, cast.rural) as session:
        [told] = await own_notices(session, cast.rural)
    assert (told.occasion, told.service_request_id) == (FOLLOW_UP, due.id)
    assert await ask_after(sessions, now() + timedelta(days=2)) == 1
    async with transaction(sessions, cast.rural) as session:
        assert {one.service_request_id for one in await own_notices(session, cast.rural)} == {due.id, early.id}
    assert old.id  # long due when nothing ran: it stands on the home page
