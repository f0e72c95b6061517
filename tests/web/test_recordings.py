"""Recordings over the pages: listed on the consult, opened, played by ranges, deleted."""

import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.recording_models import RecordingFile
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.recording_steps import FILM, Recorded, recorded

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def kept(cast: Cast, sessions: Sessions, settings: Settings) -> Recorded:
    """Of a booked consult."""
    consult = await consult_steps.booked(cast, sessions)
    return await recorded(cast, sessions, settings, consult.id)


async def views(sessions: Sessions) -> int:
    async with transaction(sessions) as session:
        seen = select(func.count()).where(AuditEvent.action == "recording-viewed")
        return await session.scalar(seen) or 0


async def test_both_find_it_on_the_consult_and_open_it(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions, kept: Recorded
) -> None:
    for who in ("rural", "specialist"):
        await signed_in(who)
        consult = await (await client.get(f"/consults/{kept.consult}")).text()
        assert f"/recordings/{kept.id}" in consult
        page = await (await client.get(f"/recordings/{kept.id}")).text()
        assert f'src="/recordings/files/{kept.file}"' in page
        assert "nodownload" in page
        assert re.search(r'data-controller="playback".*data-begins="0.0" data-lasts="4.0"', page, re.DOTALL)
        assert cast.specialist.name in page
        assert ('data-testid="delete-recording"' in page) is (who == "rural")
    assert await views(sessions) == 2


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [
        (None, 200, 0, len(FILM)),
        ("bytes=0-", 206, 0, len(FILM)),
        ("bytes=65530-65545", 206, 65_530, 65_546),
        ("bytes=200000-", 206, 200_000, len(FILM)),
        ("bytes=-10", 206, len(FILM) - 10, len(FILM)),
    ],
)
async def test_a_player_asks_for_ranges(
    client: Client, signed_in: SignIn, kept: Recorded, asked: str | None, status: int, begin: int, end: int
) -> None:
    await signed_in("rural")
    answer = await client.get(f"/recordings/files/{kept.file}", headers={"Range": asked} if asked else {})
    assert (answer.status, answer.headers["Content-Type"]) == (status, "video/webm")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Content-Disposition" not in answer.headers
    assert await answer.read() == FILM[begin:end]


async def test_what_lies_beyond_the_end_is_not_there(client: Client, signed_in: SignIn, kept: Recorded) -> None:
    await signed_in("rural")
    answer = await client.get(f"/recordings/files/{kept.file}", headers={"Range": f"bytes={len(FILM)}-"})
    assert answer.status == 416


async def test_playing_without_the_page_is_written_down_once(
    client: Client, signed_in: SignIn, sessions: Sessions, kept: Recorded
) -> None:
    await signed_in("specialist")
    for start in (100, 200, 300):
        await client.get(f"/recordings/files/{kept.file}", headers={"Range": f"bytes={start}-{start + 9}"})
    assert await views(sessions) == 1


@pytest.mark.parametrize("who", ["colleague", "nurse", "coordinator", "stranger", "oncall", "admin"])
async def test_to_others_there_is_no_such_thing(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, kept: Recorded, who: str
) -> None:
    await signed_in(who)
    for address in (f"/recordings/{kept.id}", f"/recordings/files/{kept.file}"):
        assert (await client.get(address)).status == 404
    assert (await post(f"/recordings/{kept.id}/deletion", reason="Mine now.")).status == 404
    assert await views(sessions) == 0


async def test_without_signing_in_there_is_nothing(client: Client, kept: Recorded) -> None:
    for address in (f"/recordings/{kept.id}", f"/recordings/files/{kept.file}"):
        assert (await client.get(address, allow_redirects=False)).status in (303, 401)


async def test_the_doctor_deletes_it_and_the_page_says_so(
    client: Client, signed_in: SignIn, post: Post, kept: Recorded
) -> None:
    await signed_in("specialist")
    assert (await post(f"/recordings/{kept.id}/deletion", reason="Not mine to delete.")).status in (403, 404)
    await signed_in("rural")
    answer = await post(f"/recordings/{kept.id}/deletion", reason="The patient asked for it.")
    assert answer.status == 303
    page = await (await client.get(answer.headers["Location"])).text()
    assert "The patient asked for it." in page
    assert "<video" not in page
    assert (await client.get(f"/recordings/files/{kept.file}")).status == 404


async def test_sound_alone_is_said_to_be_so_and_what_is_cut_off_too(
    client: Client, signed_in: SignIn, sessions: Sessions, kept: Recorded
) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(RecordingFile).values(has_video=False, is_cut=True))
    await signed_in("rural")
    page = await (await client.get(f"/recordings/{kept.id}")).text()
    assert "<audio" in page
    assert "<video" not in page
    assert page.count("icon-warning") >= 2
    answer = await client.get(f"/recordings/files/{kept.file}")
    assert answer.headers["Content-Type"] == "audio/webm"
