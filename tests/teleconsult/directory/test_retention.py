"""Rules of retention: set, previewed, run by night; what may never go, stays."""

import uuid
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from teleconsult.accounts import Actor
from teleconsult.accounts.models import WebSession
from teleconsult.clock import now
from teleconsult.consults.drafting import discard_draft
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.directory.jobs import run_retention_rules
from teleconsult.directory.models import RetentionRule, RetentionSubject
from teleconsult.directory.retention import MOST_DAYS, preview, run_rule, set_rule, standings
from teleconsult.encounters.jobs import erase_chat_files
from teleconsult.encounters.models import (
    ChatMessage,
    Encounter,
    EncounterParticipant,
    EncounterStatus,
    FileKind,
    SentFile,
)
from teleconsult.errors import Invalid, NotFound, StepUpNeeded
from teleconsult.objects import Objects, new_keys, open_store
from teleconsult.settings import Settings
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.directory.steps import audited, reload
from tests.teleconsult.directory.test_role import open_session_of

S = RetentionSubject
DAY = timedelta(days=1)


async def run(sessions: Sessions) -> None:
    """The nightly job."""
    context = SimpleNamespace(additional_context={"sessions": sessions})
    await run_retention_rules.func(context, 0)


async def rule(sessions: Sessions, actor: Actor, subject: RetentionSubject, days: int | None) -> RetentionRule | None:
    async with transaction(sessions, actor) as session:
        return await set_rule(session, actor, subject=subject, keep_days=days)


async def discarded(cast: Cast, sessions: Sessions, *, days_ago: float) -> ServiceRequest:
    """A draft of the rural doctor, thrown away some days ago."""
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        await discard_draft(session, cast.rural, consult_id=draft.id)
    async with transaction(sessions) as session:
        when = {"updated_at": now() - days_ago * DAY}
        await session.execute(update(ServiceRequest).where(ServiceRequest.id == draft.id).values(**when))
    return draft


async def chat(
    cast: Cast, sessions: Sessions, *, ended_at: datetime | None, file: SentFile | None = None
) -> ChatMessage:
    """A line written in a session that ended then, or goes on."""
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        meeting = (await session.scalars(select(Encounter).where(Encounter.service_request_id == consult.id))).one()
        seat = (
            await session.scalars(
                select(EncounterParticipant).where(EncounterParticipant.encounter_id == meeting.id).limit(1)
            )
        ).one()
        meeting.status = EncounterStatus.FINISHED if ended_at else EncounterStatus.IN_PROGRESS
        meeting.ended_at = ended_at
        line = ChatMessage(
            encounter_id=meeting.id,
            participant_id=seat.id,
            text="Can you hear me?",
            sent_at=now() - 400 * DAY,
            **(file.columns if file else {}),
        )
        session.add(line)
    return line


async def test_a_rule_is_set_changed_and_removed(sessions: Sessions, admin: Actor) -> None:
    assert await rule(sessions, admin, S.CHAT, 90)
    await rule(sessions, admin, S.CHAT, 60)
    async with transaction(sessions, admin) as session:
        shown = {one.subject: one.rule.keep_days if one.rule else None for one in await standings(session, admin)}
    assert shown == {S.ENDED_SESSIONS: None, S.DISCARDED_DRAFTS: None, S.CHAT: 60}
    assert await rule(sessions, admin, S.CHAT, None) is None
    assert await rule(sessions, admin, S.CHAT, None) is None
    assert len(await audited(sessions, "retention-rule-set")) == 2
    assert len(await audited(sessions, "retention-rule-removed")) == 1


@pytest.mark.parametrize(
    ("subject", "days"),
    [(S.ENDED_SESSIONS, 6), (S.DISCARDED_DRAFTS, 29), (S.CHAT, 29), (S.CHAT, 0), (S.CHAT, -5), (S.CHAT, MOST_DAYS + 1)],
)
async def test_nothing_goes_too_soon(sessions: Sessions, admin: Actor, subject: RetentionSubject, days: int) -> None:
    with pytest.raises(Invalid):
        await rule(sessions, admin, subject, days)
    with pytest.raises(Invalid):
        async with transaction(sessions, admin) as session:
            await preview(session, admin, subject=subject, keep_days=days)


async def test_it_wants_a_fresh_factor_and_an_administrator(sessions: Sessions, cast: Cast) -> None:
    for actor, error in ((cast.admin, StepUpNeeded), (cast.privacy_tertiary, NotFound), (cast.operator, NotFound)):
        with pytest.raises(error):
            await rule(sessions, actor, S.CHAT, 90)


async def test_ended_sessions_go_and_open_ones_stay(sessions: Sessions, cast: Cast, admin: Actor) -> None:
    old, fresh = await open_session_of(sessions, cast.oncall), await open_session_of(sessions, cast.specialist)
    elsewhere = await open_session_of(sessions, cast.stranger)
    async with transaction(sessions) as session:
        ended = {"ended_at": now() - 8 * DAY}
        await session.execute(update(WebSession).where(WebSession.id.in_([old.id, elsewhere.id])).values(**ended))
    kept = await rule(sessions, admin, S.ENDED_SESSIONS, 7)
    assert kept
    async with transaction(sessions, admin) as session:
        assert await preview(session, admin, subject=S.ENDED_SESSIONS, keep_days=7) == 1
    await run(sessions)
    assert await reload(sessions, WebSession, old.id) is None
    assert await reload(sessions, WebSession, fresh.id)
    assert await reload(sessions, WebSession, elsewhere.id), "another establishment's rules are its own"
    now_kept = await reload(sessions, RetentionRule, kept.id)
    assert (now_kept.last_erased, now_kept.last_run_at is not None) == (1, True)
    (event,) = await audited(sessions, "retention-run")
    assert event.detail["erased"] == 1
    await run(sessions)
    assert len(await audited(sessions, "retention-run")) == 1, "nothing was due"


async def test_discarded_drafts_go_and_nothing_that_was_ever_asked(
    sessions: Sessions, cast: Cast, admin_of_rural: Actor
) -> None:
    asked = await consult_steps.submitted(cast, sessions)
    young = await discarded(cast, sessions, days_ago=20)
    old = await discarded(cast, sessions, days_ago=45)
    async with transaction(sessions) as session:
        await session.execute(
            update(ServiceRequest).where(ServiceRequest.id == asked.id).values(updated_at=now() - 400 * DAY)
        )
    await rule(sessions, admin_of_rural, S.DISCARDED_DRAFTS, 30)
    async with transaction(sessions, admin_of_rural) as session:
        assert await preview(session, admin_of_rural, subject=S.DISCARDED_DRAFTS, keep_days=30) == 1
    await run(sessions)
    assert await reload(sessions, ServiceRequest, old.id) is None
    assert await reload(sessions, ServiceRequest, young.id)
    assert await reload(sessions, ServiceRequest, asked.id)


async def test_old_chats_go_and_those_of_open_sessions_stay(
    sessions: Sessions, cast: Cast, admin_of_rural: Actor
) -> None:
    old = await chat(cast, sessions, ended_at=now() - 100 * DAY)
    await rule(sessions, admin_of_rural, S.CHAT, 90)
    async with transaction(sessions, admin_of_rural) as session:
        assert await preview(session, admin_of_rural, subject=S.CHAT, keep_days=90) == 1
    await run(sessions)
    assert await reload(sessions, ChatMessage, old.id) is None


async def test_the_files_of_an_old_chat_go_with_it(
    sessions: Sessions, cast: Cast, admin_of_rural: Actor, settings: Settings
) -> None:
    keys = new_keys("chat", 2)
    sent = SentFile(FileKind.PICTURE, keys[0], 5, keys[1])
    await chat(cast, sessions, ended_at=now() - 100 * DAY, file=sent)
    objects = Objects(open_store(None, settings.data))
    for key in keys:
        await objects.put(key, b"bytes")
    await rule(sessions, admin_of_rural, S.CHAT, 90)
    await run(sessions)
    waiting = text("select args -> 'keys' from procrastinate_jobs where task_name = 'erase_chat_files'")
    async with transaction(sessions) as session:
        (found,) = (await session.scalars(waiting)).all()
    assert found == keys
    await erase_chat_files.func(SimpleNamespace(additional_context={"settings": settings}), found)
    assert [await objects.size_of(key) for key in keys] == [None, None]


@pytest.mark.parametrize("days_ago", [None, 20])
async def test_a_chat_that_is_young_stays(
    sessions: Sessions, cast: Cast, admin_of_rural: Actor, days_ago: int | None
) -> None:
    line = await chat(cast, sessions, ended_at=now() - days_ago * DAY if days_ago else None)
    await rule(sessions, admin_of_rural, S.CHAT, 30)
    await run(sessions)
    assert await reload(sessions, ChatMessage, line.id)


@pytest.mark.parametrize("function", ["erase_chat", "erase_discarded_drafts"])
async def test_the_database_itself_lets_nothing_young_go(sessions: Sessions, cast: Cast, function: str) -> None:
    arguments = {"id": cast.organizations["rural"].id, "before": now()}
    with pytest.raises(DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(text(f"select {function}(:id, :before)"), arguments)


@pytest.mark.parametrize(
    "statement", ["delete from chat_message", "delete from service_request", "delete from excerpt_item"]
)
async def test_the_apps_role_itself_deletes_none_of_it(sessions: Sessions, statement: str) -> None:
    with pytest.raises(DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(text(statement))


async def test_a_rule_that_is_gone_runs_no_more(sessions: Sessions, cast: Cast, admin: Actor) -> None:
    async with transaction(sessions) as session:
        assert await run_rule(session, uuid.uuid4()) == 0
        assert await session.scalar(select(func.count(RetentionRule.id))) == 0
