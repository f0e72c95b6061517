"""What each person of the cast finds in each table when a query names nobody: row-level security alone."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from migrations.standing import WALLS
from teleconsult.accounts.actor import Actor
from teleconsult.db import SET_ACTING, Sessions, act_as, make_engine, make_sessions, transaction
from teleconsult.settings import Settings
from tests.people import Cast
from tests.walled import Walled, walled

PEOPLE = (
    *("rural", "colleague", "nurse", "secretary", "coordinator", "specialist", "oncall", "admin", "privacy"),
    *("operator", "stranger", "nurse_elsewhere", "guest"),
)
MATRIX = """
                       rur  col  nur  sec  coo  spe  onc  adm  pri  ope  str  els  gue
organization             4    4    4    4    4    4    4    4    4    4    4    4    0
practitioner            13   13   13   13   13   13   13   13   13   13   13   13    2
practitioner_role       13   13   13   13   13   13   13   13   13   13   13   13    2
healthcare_service       2    2    2    2    2    2    2    2    2    2    2    2    0
duty_shift               1    1    1    1    1    1    1    1    1    1    1    1    0
endpoint                 0    0    0    0    0    0    0    1    0    0    0    0    0
hl7_sender               0    0    0    0    0    0    0    1    0    0    0    0    0
hl7_message              0    0    0    0    0    0    0    1    0    0    0    0    0
dicom_peer               0    0    0    0    0    0    0    1    0    0    0    0    0
storage_commitment       0    0    0    0    0    0    0    0    0    0    0    0    0
pacs                     1    1    0    0    0    0    0    1    0    0    0    0    0
pacs_fetch               1    0    0    0    0    0    0    0    0    0    0    0    0
fhir_client              0    0    0    0    0    0    0    1    0    0    0    0    0
used_assertion           0    0    0    0    0    0    0    0    0    0    0    0    0
retention_rule           0    0    0    0    0    0    0    1    0    0    0    0    0
directory_import         0    0    0    0    0    0    0    1    0    0    0    0    0
directory_difference     0    0    0    0    0    0    0    1    0    0    0    0    0
mailbox_import           0    0    0    0    0    0    0    1    0    0    0    0    0
mailbox                  1    1    1    1    1    1    1    1    1    1    1    1    0
mailbox_difference       0    0    0    0    0    0    0    1    0    0    0    0    0
mailbox_choice           0    0    0    0    1    1    1    1    0    1    0    0    0
consult_correspondent    1    0    0    0    1    1    0    0    0    0    0    0    0
general_practitioner     1    1    1    1    1    1    1    0    0    0    0    0    0
opposition               1    1    1    1    1    1    1    0    0    0    0    0    0
received_message         0    0    0    0    1    1    1    1    0    0    0    0    0
account                  1    1    1    1    1    1    1    6    1   13    1    1    0
web_session              1    0    0    0    0    0    0    0    0    1    0    0    0
issued_token             1    0    0    0    0    0    0    0    0    0    0    0    0
totp                     1    0    0    0    0    0    0    0    0    0    0    0    0
personal_key             1    0    0    0    0    0    0    0    0    0    0    0    0
recovery_code            1    0    0    0    0    0    0    0    0    0    0    0    0
passkey                  1    0    0    0    0    0    0    0    0    0    0    0    0
federated_identity       1    0    0    0    0    0    0    0    0    0    0    0    0
one_time_secret          1    0    0    0    0    0    0    0    0    0    0    0    0
sign_in_attempt          0    0    0    0    0    0    0    0    0    0    0    0    0
token_key                0    0    0    0    0    0    0    0    0    1    0    0    0
signing_key              0    0    0    0    0    1    0    1    0    0    0    0    0
person                   0    0    0    0    0    0    0    0    0    0    0    0    0
patient                  2    1    1    1    1    1    1    0    1    0    1    1    0
patient_identifier       1    1    1    1    1    1    1    0    0    0    0    0    0
identity_change          1    1    1    1    0    0    0    0    0    0    0    0    0
patient_link             1    1    1    1    0    0    0    0    0    0    0    0    0
identity_case            1    1    1    1    0    0    0    0    0    0    0    0    0
care_relation            1    0    0    0    0    0    0    0    1    0    1    0    0
break_glass              0    0    0    0    0    0    0    0    0    0    0    1    0
record_entry             2    0    0    0    0    0    0    0    0    0    1    1    0
record_version           1    0    0    0    0    0    0    0    0    0    1    1    0
record_identifier        1    0    0    0    0    0    0    0    0    0    1    1    0
service_request          2    0    0    2    2    1    1    0    0    0    1    0    0
consent                  2    0    0    0    2    1    1    0    0    0    0    0    0
task                     2    0    0    2    2    1    1    0    0    0    0    0    0
communication            1    0    0    0    0    1    0    0    0    0    0    0    0
follow_up                1    0    0    0    0    1    0    0    0    0    0    0    0
emergency                1    0    0    0    1    0    1    0    0    0    0    0    0
emergency_page           1    0    0    0    1    0    1    0    0    0    0    0    0
transfer                 1    0    0    0    1    0    1    0    0    0    0    0    0
appointment              1    0    0    1    2    2    0    0    0    0    0    0    1
meeting                  0    0    0    0    1    1    0    0    0    0    0    0    0
meeting_member           0    0    0    0    1    1    0    0    0    0    0    0    0
meeting_case             1    0    0    0    1    1    0    0    0    0    0    0    0
encounter                1    0    0    1    1    1    0    0    0    0    0    0    1
encounter_participant    3    0    0    3    3    3    0    0    0    0    0    0    3
guest_pass               1    0    0    0    0    1    0    0    0    0    0    0    1
notice                   1    0    0    0    0    0    0    0    0    0    0    0    0
notice_choice            1    0    0    0    0    0    0    0    0    0    0    0    0
push_device              1    0    0    0    0    0    0    0    0    0    0    0    0
chat_message             1    0    0    0    0    1    0    0    0    0    0    0    1
session_event            1    0    0    0    0    1    0    0    0    0    0    0    1
recording                1    0    0    0    0    1    0    0    0    0    0    0    1
recording_consent        1    0    0    0    0    1    0    0    0    0    0    0    1
recording_file           1    0    0    0    0    1    0    0    0    0    0    0    0
attendance               1    0    0    1    1    1    0    0    0    0    0    0    1
call_minute              1    0    0    1    1    1    0    0    0    0    0    0    0
bookable_resource        1    1    1    1    1    1    1    1    1    1    1    1    0
schedule                 0    0    0    0    1    1    1    1    0    1    0    0    0
available_time           0    0    0    0    1    1    1    1    0    1    0    0    0
schedule_exception       0    0    0    0    1    1    1    1    0    1    0    0    0
appointment_participant  2    0    0    2    2    2    0    0    0    0    0    0    0
calendar_feed            1    0    0    0    0    0    0    0    0    0    0    0    0
wait_list_entry          1    0    0    0    1    1    0    0    0    0    0    0    0
call_summary             0    0    0    0    0    0    0    0    0    0    0    0    0
link_check               1    0    0    1    1    1    0    0    0    0    0    0    1
excerpt                  2    0    0    0    2    1    1    0    0    0    0    0    0
excerpt_item             1    0    0    0    0    1    0    0    0    0    0    0    0
excerpt_study            1    0    0    0    0    1    0    0    0    0    0    0    0
excerpt_read             1    0    0    0    0    1    0    0    0    0    0    0    0
composition              1    0    0    0    0    1    0    0    0    0    0    0    0
consult_note             1    0    0    1    1    1    0    0    0    0    0    0    0
delivery                 1    0    0    0    1    1    0    1    0    0    0    0    0
note_retraction          1    0    0    0    0    1    0    0    0    0    0    0    0
note_evidence            1    0    0    0    0    1    0    0    0    0    0    0    0
note_co_signature        1    0    0    0    0    1    0    0    0    0    0    0    0
note_draft_version       0    0    0    0    0    1    0    0    0    0    0    0    0
note_template            0    0    0    0    0    1    1    0    0    0    0    0    0
note_phrase              0    0    0    0    0    1    0    0    0    0    0    0    0
imaging_study            1    0    0    0    0    1    0    0    0    0    0    0    0
imaging_series           1    0    0    0    0    1    0    0    0    0    0    0    0
imaging_instance         1    0    0    0    0    1    0    0    0    0    0    0    0
imaging_rendition        1    0    0    0    0    1    0    0    0    0    0    0    0
audit_chain              0    0    0    0    0    0    0    0    0    0    0    0    0
audit_check              0    0    0    0    0    0    0    1    1    1    0    0    0
"""
"""How many rows of each table each of `PEOPLE` finds."""
_HEAD, *LINES = MATRIX.strip().splitlines()
EXPECTED = {
    table: dict(zip(PEOPLE, map(int, counts), strict=True)) for table, *counts in (line.split() for line in LINES)
}
TABLES = [*WALLS, "consult_note"]


@pytest.fixture
async def ids(cast: Cast, sessions: Sessions) -> Walled:
    return await walled(cast, sessions)


def acting(cast: Cast, ids: Walled, who: str) -> str:
    actor: Actor | None = getattr(cast, who, None)
    return actor.acting if actor else f"guest:{ids.pass_id}"


async def found(session: AsyncSession, *tables: str) -> dict[str, int]:
    """How many rows of each table the query of somebody finds who did not say whose."""
    counts = {}
    for table in tables or TABLES:
        counts[table] = (await session.execute(text(f"select count(*) from {table}"))).scalar_one()
    return counts


async def seen_by(sessions: Sessions, who: str, *tables: str) -> dict[str, int]:
    async with sessions() as session:
        await session.execute(SET_ACTING, {"acting": who})
        return await found(session, *tables)


async def test_each_sees_what_is_theirs(cast: Cast, sessions: Sessions, ids: Walled) -> None:
    for who in PEOPLE:
        counts = await seen_by(sessions, acting(cast, ids, who))
        del counts["audit_event"]
        assert counts == {table: EXPECTED[table][who] for table in counts}, who


async def test_the_log_is_read_by_those_who_watch_over_the_establishment(
    cast: Cast, sessions: Sessions, ids: Walled
) -> None:
    """The privacy officer of the rural centre: what its people did, and what was done to its patients."""
    of_rural = text("select count(*) from audit_event where :house in (organization_id, patient_organization_id)")
    async with transaction(sessions) as session:
        expected = await session.scalar(of_rural, {"house": cast.rural.organization_id})
        everything = await session.scalar(text("select count(*) from audit_event"))
    assert 0 < expected < everything
    assert await seen_by(sessions, cast.privacy.acting, "audit_event") == {"audit_event": expected}
    for who in ("rural", "specialist", "coordinator", "secretary", "operator", "stranger"):
        assert await seen_by(sessions, acting(cast, ids, who), "audit_event") == {"audit_event": 0}, who


async def test_nobody_sees_nothing(sessions: Sessions, ids: Walled) -> None:
    strangers = ("", str(uuid.uuid4()), f"guest:{uuid.uuid4()}", "SYSTEM", "system ", str(ids.consult_id))
    for who in strangers:
        assert not any((await seen_by(sessions, who)).values()), who


async def test_who_never_said_sees_nothing(settings: Settings, ids: Walled) -> None:
    """A session of the application's that nobody was named for."""
    assert settings.database_url
    engine = make_engine(settings.database_url)
    async with make_sessions(engine)() as session:
        assert not any((await found(session)).values())
    async with engine.connect() as connection:  # not even the session's hook has run here
        assert (await connection.execute(text("select count(*) from patient"))).scalar_one() == 0
    await engine.dispose()


async def test_what_is_no_id_is_an_error_and_not_somebody(sessions: Sessions, ids: Walled) -> None:
    for who in ("x" * 36, "guest:x", "guest:"):
        with pytest.raises(Exception, match="InvalidTextRepresentation"):
            await seen_by(sessions, who, "patient", "encounter")


async def test_a_pooled_connection_does_not_remember(settings: Settings, cast: Cast, ids: Walled) -> None:
    assert settings.database_url
    engine = make_engine(settings.database_url, pool_size=1)
    sessions = make_sessions(engine)
    async with transaction(sessions, cast.rural) as session:
        first = (await session.execute(text("select pg_backend_pid()"))).scalar_one()
        assert (await found(session, "patient"))["patient"] == 2
    async with sessions() as session:
        assert (await session.execute(text("select pg_backend_pid()"))).scalar_one() == first
        assert (await found(session, "patient"))["patient"] == 0
        await session.rollback()
        await act_as(session, cast.stranger)
        assert (await found(session, "patient"))["patient"] == 1
        await act_as(session, replace(cast.stranger, role_id=None))
        assert (await found(session, "patient"))["patient"] == 0
    await engine.dispose()


async def test_a_prepared_plan_serves_each_with_their_own(settings: Settings, cast: Cast, ids: Walled) -> None:
    """The driver prepares what it is asked often, and the server then keeps one plan for everybody."""
    assert settings.database_url
    engine = make_engine(settings.database_url, pool_size=1)
    sessions = make_sessions(engine)
    query = text("select count(*) from service_request where patient_id = :patient")
    expected = {cast.rural: 2, cast.coordinator: 2, cast.oncall: 1, cast.stranger: 0, cast.nurse: 0}
    for _ in range(15):
        for actor, count in expected.items():
            async with transaction(sessions, actor) as session:
                assert await session.scalar(query, {"patient": cast.patient.id}) == count, actor.name
    await engine.dispose()


ENDS = [
    ("specialist", "update consent set status = 'inactive'", {"excerpt_item", "imaging_study", "chat_message"}),
    ("specialist", "update excerpt set revoked_at = now()", {"excerpt_item", "excerpt_study", "imaging_instance"}),
    ("specialist", "update excerpt set expires_at = now()", {"excerpt_item", "excerpt_study", "imaging_series"}),
    ("rural", "update care_relation set ended_at = now()", {"record_entry", "excerpt_item", "chat_message"}),
    ("nurse_elsewhere", "update break_glass set expires_at = now()", {"record_entry"}),
    ("nurse_elsewhere", "update break_glass set ended_at = now()", {"record_entry"}),
    ("guest", "update guest_pass set revoked_at = now()", {"encounter", "chat_message", "practitioner"}),
    ("guest", "update guest_pass set expires_at = now()", {"encounter", "chat_message", "guest_pass"}),
    ("guest", "update guest_pass set admitted_at = null", {"chat_message"}),
    ("rural", "update practitioner_role set ended_at = now()", set(TABLES)),
    ("rural", "update account set disabled_at = now()", set(TABLES)),
]


async def test_what_has_ended_is_gone(cast: Cast, sessions: Sessions, ids: Walled) -> None:
    """Who loses what by which change; an ended role and a disabled account lose everything."""
    for who, end, lost in ENDS:
        async with sessions() as session:
            await session.execute(SET_ACTING, {"acting": acting(cast, ids, who)})
            assert lost == set(TABLES) or all((await found(session, *lost)).values()), (who, end)
            await session.execute(SET_ACTING, {"acting": "system"})
            await session.execute(text(end))
            await session.execute(SET_ACTING, {"acting": acting(cast, ids, who)})
            assert not any((await found(session, *lost)).values()), (who, end)


async def test_a_network_that_is_left_shows_no_more_than_the_house(cast: Cast, sessions: Sessions, ids: Walled) -> None:
    assert await seen_by(sessions, cast.rural.acting, "patient", "record_entry") == {"patient": 2, "record_entry": 2}
    async with transaction(sessions) as session:
        await session.execute(text("update organization set sharing_network = null"))
    assert await seen_by(sessions, cast.rural.acting, "patient", "record_entry") == {"patient": 1, "record_entry": 1}


async def test_a_note_is_a_mark_to_those_who_see_the_consult_and_its_words_to_those_who_may_read(
    cast: Cast, sessions: Sessions, ids: Walled
) -> None:
    for actor, words in ((cast.coordinator, 0), (cast.specialist, 1), (cast.rural, 1)):
        assert await seen_by(sessions, actor.acting, "consult_note", "composition") == {
            "consult_note": 1,
            "composition": words,
        }
