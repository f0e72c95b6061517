"""The ways through the walls tell whom they are for what they are for, and everybody else nothing."""

from dataclasses import asdict

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from teleconsult.db import ACTING, Sessions
from tests.people import Cast
from tests.walled import walled

# Each is asked about the rural centre, its patient, its consult and the neurologist; who is told anything, and who not.
ASKED = {
    "select id from identity_candidates(:patient)": (
        {"rural", "colleague", "secretary", "system"},
        {"coordinator", "privacy", "specialist", "stranger", "guest", ""},
    ),
    "select 1 where may_be_same(:patient, :patient_elsewhere)": (
        {"rural", "colleague", "secretary", "system"},
        {"coordinator", "privacy", "specialist", "stranger", "guest", ""},
    ),
    "select 1 where may_be_same(:patient, :strangers_patient)": (set(), {"rural", "secretary", "system", "stranger"}),
    "select id from compared_identities(array[:case])": (
        {"secretary", "system"},
        {"rural", "admin", "coordinator", "specialist", "stranger", "guest", ""},
    ),
    "select patient_id from added_since_link(:link)": (
        {"rural", "secretary", "system"},
        {"coordinator", "privacy", "specialist", "stranger", "guest", ""},
    ),
    "select patients_called(:house, 'bel:*', null, 9)": (
        {"rural", "nurse", "secretary", "system"},
        {"coordinator", "specialist", "stranger", "guest", ""},
    ),
    "select opened_files()": ({"rural", "stranger"}, {"colleague", "secretary", "specialist", "system", "guest", ""}),
    "select * from held_study(:house, '1.2.3')": (
        {"rural", "colleague", "system"},
        {"specialist", "stranger", "guest", ""},
    ),
    "select * from held_instances(:house, array['1.2.3.4.5'])": (
        {"rural", "colleague", "system"},
        {"specialist", "stranger", "guest", ""},
    ),
    "select * from held_objects(:house, array['1.2.3.4.5'])": (
        {"rural", "colleague", "system"},
        {"specialist", "stranger", "guest", ""},
    ),
    "select 1 where is_alone(:strangers_patient)": ({"stranger", "system"}, {"rural", "specialist", "guest", ""}),
    "select 1 where is_booked(:specialist, now(), now() + interval '2 days', gen_random_uuid())": (
        {"coordinator", "system"},
        {"rural", "specialist", "secretary", "stranger", "guest", ""},
    ),
    "select * from busy_times(array[:role], '{}', now(), now() + interval '2 days', null)": (
        {"coordinator", "system"},
        {"rural", "specialist", "secretary", "stranger", "guest", ""},
    ),
    "select * from consult_history(:consult)": (
        {"rural", "coordinator", "specialist", "system"},
        {"colleague", "oncall", "privacy", "stranger", "guest", ""},
    ),
    "select * from consult_images(:consult)": (
        {"rural", "coordinator", "specialist", "system"},
        {"colleague", "oncall", "stranger", "guest", ""},
    ),
    "select * from consult_note": (
        {"rural", "coordinator", "specialist", "system"},
        {"oncall", "stranger", "guest", ""},
    ),
    "select account_of(:email)": ({"admin", "operator", "system"}, {"rural", "coordinator", "stranger", "guest", ""}),
    "select * from patients_elsewhere(:house, :number, null, null)": (
        {"specialist", "oncall"},
        {"rural", "coordinator", "secretary", "stranger", "guest", ""},
    ),
}


async def test_each_tells_whom_it_is_for_and_nobody_else(cast: Cast, sessions: Sessions) -> None:
    ids = await walled(cast, sessions)
    things = {name.removesuffix("_id"): value for name, value in asdict(ids).items()} | {
        "house": cast.rural.organization_id,
        "email": cast.emails["rural"].upper(),
        "role": cast.specialist.role_id,
        "number": cast.patient.local_number,
        "strangers_patient": cast.strangers_patient.id,
        "patient": cast.patient.id,
        "patient_elsewhere": cast.patient_elsewhere.id,
    }
    async with sessions() as session:
        key = text("select key from practitioner where id = :id")
        things["specialist"] = await session.scalar(key, {"id": cast.specialist.practitioner_id})
    for question, (told, not_told) in ASKED.items():
        for who in told | not_told:
            actor = getattr(cast, who, None)
            async with sessions() as session:
                session.info[ACTING] = actor.acting if actor else f"guest:{ids.pass_id}" if who == "guest" else who
                answer = (await session.execute(text(question), things)).first()
            has_told = answer is not None and answer[0] is not None
            assert has_told is (who in told), (question, who)


@pytest.mark.parametrize("function", ["erase_chat", "erase_discarded_drafts"])
async def test_nobody_erases_what_is_another_establishments(cast: Cast, sessions: Sessions, function: str) -> None:
    long_ago = text(f"select {function}(:house, now() - interval '1 year')")
    async with sessions() as session:
        session.info[ACTING] = cast.admin.acting
        await session.execute(long_ago, {"house": cast.admin.organization_id})
        with pytest.raises(DBAPIError) as caught:
            await session.execute(long_ago, {"house": cast.rural.organization_id})
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)
