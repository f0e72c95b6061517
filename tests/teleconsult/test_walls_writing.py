"""What nobody can write where it is not theirs, whatever the statement: row-level security alone."""

from dataclasses import asdict
from typing import Any

import psycopg
import pytest
from sqlalchemy import JSON, Boolean, CursorResult, Date, DateTime, Integer, LargeBinary, String, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.types import TypeEngine

from migrations.standing import WRITTEN_ONCE
from teleconsult.db import ACTING, Sessions, transaction
from teleconsult.tables import metadata
from tests.people import Cast
from tests.walled import walled

PATIENT = """insert into patient (id, organization_id, person_id, local_number, family, given, family_folded,
  given_folded, gender, phone, address, is_temporary, found_where, created_at, updated_at)
  select gen_random_uuid(), :{house}, :person, 'X1', 'A', 'B', 'a', 'b', 'female', '', '', false, '', now(), now()"""
ENTRY = """insert into record_entry (id, patient_id, organization_id, resource_type, status, version, effective_at,
  recorded_at, author_name, title, resource)
  values (gen_random_uuid(), :{patient}, :house, 'Observation', 'current', 1, now(), now(), '', 'T', '{{}}')"""
CARE = """insert into care_relation (id, patient_id, practitioner_role_id, reason, started_at)
  values (gen_random_uuid(), :{patient}, :{role}, 'consultation', now())"""
REQUEST = """insert into service_request (id, patient_id, requester_role_id, requester_organization_id, status,
  status_reason, priority, question, draft, version, authored_on, updated_at)
  values (gen_random_uuid(), :{patient}, :{role}, :house, 'draft', '', 'routine', '', '{{}}', 1, now(), now())"""
TASK = """insert into task (id, service_request_id, service_id, owner_role_id, status, business_status, status_reason,
  created_at, modified_at) values (gen_random_uuid(), :waiting, :service, :me, 'rejected', '', '', now(), now())"""
CONSENT = """insert into consent (id, patient_id, service_request_id, basis, given_by, relationship_to_patient, status,
  recorded_by_id, recorded_at)
  values (gen_random_uuid(), :patient, :waiting, 'patient', '', '', 'active', :me, now())"""
CONFIRMED = """insert into consent (id, patient_id, service_request_id, basis, given_by, relationship_to_patient,
  status, recorded_by_id, recorded_at, confirms_id)
  select gen_random_uuid(), :{patient}, :waiting, 'patient', '', '', 'inactive', :{role}, now(), id
  from consent where service_request_id = :waiting"""
ITEM = """insert into excerpt_item (id, excerpt_id, position, record_entry_id, record_version, resource_type,
  effective_at, title, author_name, organization_name, resource)
  values (gen_random_uuid(), :excerpt, 9, gen_random_uuid(), 1, 'Observation', now(), '', '', '', '{{}}')"""
STUDY = """insert into imaging_study (id, organization_id, patient_id, service_request_id, study_instance_uid,
  accession_number, description, modalities, header_patient_name, header_patient_id, identity_differs, created_at)
  values (gen_random_uuid(), :house, :patient, :consult, '1.9', '', '', '{{}}', '', '', false, now())"""
CHAT = """insert into chat_message (id, encounter_id, participant_id, text, sent_at)
  select gen_random_uuid(), :encounter, id, 'x', now() from encounter_participant where {whose} limit 1"""
CHECK = """insert into link_check (id, participant_id, checked_at, verdict, ways, blocked_ways, has_camera,
  has_microphone)
  select gen_random_uuid(), id, now(), 'video', '{{}}', '{{}}', true, true from encounter_participant where {whose}
  limit 1"""
ROLE = """insert into practitioner_role (id, practitioner_id, organization_id, code, started_at)
  values (gen_random_uuid(), :practitioner, :{house}, '{code}', now())"""
EVENT = """insert into audit_event (id, recorded_at, action, outcome, account_id, actor_name, entity_type, detail)
  values (gen_random_uuid(), now(), 'file-opened', 'success', :{account}, '', '', '{{}}')"""
GLASS = """insert into break_glass (id, patient_id, organization_id, practitioner_role_id, kind, reason, started_at,
  expires_at, review)
  values (gen_random_uuid(), :patient, :{house}, :{role}, 'danger', 'x', now(), now() + interval '{hours} hour', '')"""
NOTE = """insert into composition (id, service_request_id, patient_id, author_role_id, status, language, sections,
  version, created_at, updated_at, signer_name)
  values (gen_random_uuid(), :{consult}, :patient, :me, 'preliminary', 'fr', '{{}}', 1, now(), now(), '')"""
SEAT = """insert into encounter_participant (id, encounter_id, practitioner_role_id)
  values (gen_random_uuid(), :encounter, :me)"""
LINK = """insert into patient_link (id, patient_id, other_id, basis, linked_at, linked_by_id)
  values (gen_random_uuid(), :patient, :{other}, 'number', now(), :{role})"""
UNLINK = "update patient_link set undone_at = now()"
CASE = """insert into identity_case (id, organization_id, patient_id, other_id, kind, found_at)
  values (gen_random_uuid(), :house, :patient, :strangers_patient, 'same-number', now())"""

REFUSED = [
    ("rural", LINK.format(other="strangers_patient", role="me")),
    ("rural", LINK.format(other="patient_elsewhere", role="colleague")),
    ("colleague", LINK.format(other="patient_elsewhere", role="me")),
    ("specialist", LINK.format(other="patient_elsewhere", role="me")),
    ("stranger", LINK.format(other="patient_elsewhere", role="me")),
    ("colleague", UNLINK),
    ("stranger", UNLINK),
    ("rural", "update patient_link set undone_at = null"),
    ("rural", CASE),
    ("rural", "update identity_case set decision = 'two-people'"),
    ("stranger", "update identity_case set decision = 'two-people'"),
    ("colleague", "update patient_identifier set status = 'qualified'"),
    ("stranger", "update patient_identifier set status = 'qualified'"),
    ("rural", PATIENT.format(house="other_house")),
    ("coordinator", PATIENT.format(house="house")),
    ("stranger", "update patient set family = 'X' where id = :patient"),
    ("colleague", "update patient set family = 'X' where id = :patient"),
    ("colleague", ENTRY.format(patient="patient")),
    ("rural", ENTRY.format(patient="strangers_patient")),
    ("nurse_elsewhere", ENTRY.format(patient="strangers_patient")),
    ("nurse_elsewhere", "update record_entry set title = 'X'"),
    ("specialist", "update record_entry set title = 'X'"),
    ("rural", CARE.format(patient="strangers_patient", role="me")),
    ("colleague", CARE.format(patient="patient", role="rural")),
    ("coordinator", CARE.format(patient="patient", role="me")),
    ("secretary", CARE.format(patient="patient", role="me")),
    ("colleague", REQUEST.format(patient="patient", role="me")),
    ("rural", REQUEST.format(patient="patient", role="colleague")),
    ("rural", REQUEST.format(patient="strangers_patient", role="me")),
    ("stranger", "update service_request set question = 'X' where id = :consult"),
    ("colleague", "update service_request set question = 'X' where id = :consult"),
    ("secretary", "update service_request set question = 'X' where id = :consult"),
    ("specialist", "update service_request set question = 'X' where id = :waiting"),
    ("specialist", TASK),
    ("oncall", TASK),
    ("oncall", "update task set owner_role_id = :me where service_request_id = :consult"),
    ("oncall", CONSENT),
    ("rural", CONFIRMED.format(patient="patient_elsewhere", role="me")),
    ("rural", CONFIRMED.format(patient="patient", role="colleague")),
    ("oncall", CONFIRMED.format(patient="patient", role="me")),
    ("colleague", CONFIRMED.format(patient="patient", role="me")),
    ("colleague", "update consent set status = 'inactive'"),
    ("specialist", "update consent set status = 'active'"),
    ("specialist", ITEM.format()),
    ("nurse", ITEM.format()),
    ("coordinator", ITEM.format()),
    ("colleague", ITEM.format()),
    ("stranger", STUDY.format()),
    ("specialist", STUDY.format()),
    ("specialist", "update imaging_study set patient_id = patient_id"),
    ("specialist", "delete from imaging_instance"),
    ("specialist", "delete from imaging_rendition"),
    ("rural", "update imaging_rendition set object_key = 'another'"),
    ("stranger", "update composition set sections = '{}'"),
    ("rural", "update delivery set status = 'delivered'"),
    ("specialist", CHAT.format(whose="practitioner_role_id <> :me")),
    ("coordinator", CHAT.format(whose="true")),
    ("guest", CHAT.format(whose="practitioner_role_id is not null")),
    ("coordinator", CHECK.format(whose="true")),
    ("guest", CHECK.format(whose="practitioner_role_id is not null")),
    ("rural", "update link_check set verdict = 'video'"),
    ("guest", "update encounter_participant set left_at = now() where practitioner_role_id is not null"),
    ("guest", "update guest_pass set expires_at = now() + interval '1 year'"),
    ("guest", "update encounter set status = 'finished'"),
    ("coordinator", "update guest_pass set admitted_at = now()"),
    ("colleague", GLASS.format(role="rural", house="house", hours=1)),
    ("coordinator", GLASS.format(role="me", house="house", hours=1)),
    ("specialist", GLASS.format(role="me", house="house", hours=1)),
    ("colleague", GLASS.format(role="me", house="house", hours=9)),
    ("nurse_elsewhere", "update break_glass set expires_at = now() + interval '1 hour'"),
    ("colleague", SEAT),
    ("secretary", SEAT),
    ("secretary", "update appointment set starts_at = now()"),
    ("secretary", "update task set status = 'cancelled'"),
    ("oncall", NOTE.format(consult="waiting")),
    ("secretary", NOTE.format(consult="consult")),
    ("specialist", "update excerpt set expires_at = null"),
    ("specialist", "update excerpt set revoked_at = null"),
    ("rural", "update break_glass set review = 'x'"),
    ("admin", ROLE.format(house="other_house", code="doctor")),
    ("admin", ROLE.format(house="house", code="operator")),
    ("specialist", ROLE.format(house="house", code="administrator")),
    ("specialist", "update practitioner_role set code = 'administrator' where id = :me"),
    ("admin", "update practitioner_role set code = 'operator' where id = :me"),
    ("admin", "update account set disabled_at = now() where practitioner_id = :rural_practitioner"),
    ("admin", "update web_session set ended_at = now()"),
    ("rural", "update account set password_hash = 'x' where id <> :account"),
    ("rural", "delete from totp where account_id <> :account"),
    ("colleague", "delete from totp"),
    ("privacy", "update account set locale = 'en' where id <> :account"),
    ("rural", "update organization set sharing_network = 'x'"),
    ("admin", "update organization set name = 'x' where id = :other_house"),
    ("rural", "insert into token_key (id, public_key, private_key_sealed, created_at) values (:me, '', '', now())"),
    ("rural", "update retention_rule set keep_days = 1"),
    ("rural", EVENT.format(account="other_account")),
    ("guest", EVENT.format(account="other_account")),
    ("nobody", EVENT.format(account="no_account")),
    ("nobody", PATIENT.format(house="house")),
    ("nobody", "update account set locale = 'en'"),
]
ALLOWED = [
    ("rural", LINK.format(other="patient_elsewhere", role="me")),
    ("secretary", LINK.format(other="patient_elsewhere", role="me")),
    ("rural", UNLINK),
    ("secretary", UNLINK),
    ("secretary", "update identity_case set decision = 'two-people'"),
    ("rural", "update patient_identifier set status = 'qualified'"),
    ("rural", PATIENT.format(house="house")),
    ("rural", "update patient set family = 'X' where id = :patient"),
    ("rural", ENTRY.format(patient="patient")),
    ("colleague", CARE.format(patient="patient", role="me")),
    ("rural", REQUEST.format(patient="patient", role="me")),
    ("oncall", "update service_request set updated_at = now() where id = :waiting"),
    ("oncall", "update task set owner_role_id = :me where service_request_id = :waiting"),
    ("rural", STUDY.format()),
    ("rural", CONFIRMED.format(patient="patient", role="me")),
    ("guest", CHAT.format(whose="guest_pass_id is not null")),
    ("guest", CHECK.format(whose="guest_pass_id is not null")),
    ("admin", ROLE.format(house="house", code="nurse")),
    ("operator", ROLE.format(house="other_house", code="administrator")),
    ("rural", EVENT.format(account="account")),
    ("guest", EVENT.format(account="no_account")),
    ("colleague", GLASS.format(role="me", house="house", hours=1)),
    ("nurse_elsewhere", "update break_glass set ended_at = now()"),
    ("specialist", NOTE.format(consult="consult")),
    ("coordinator", "update excerpt set revoked_at = now() where id = :excerpt"),
]
"""The same statements, where they are theirs to make: so that no refusal above is for another reason."""


async def test_each_writes_what_is_theirs_and_nothing_else(cast: Cast, sessions: Sessions) -> None:
    ids = await walled(cast, sessions)
    async with transaction(sessions) as session:
        person = await session.scalar(text("select person_id from patient where id = :id"), {"id": cast.patient.id})
    things = {name.removesuffix("_id"): value for name, value in asdict(ids).items()} | {
        "other_house": cast.organizations["provincial"].id,
        "other_account": cast.coordinator.account_id,
        "no_account": None,
        "person": person,
        "patient": cast.patient.id,
        "strangers_patient": cast.strangers_patient.id,
        "patient_elsewhere": cast.patient_elsewhere.id,
        "rural": cast.rural.role_id,
        "rural_practitioner": cast.rural.practitioner_id,
        "colleague": cast.colleague.role_id,
        "service": cast.trauma.id,
    }
    wrong = []
    for is_theirs, cases in ((False, REFUSED), (True, ALLOWED)):
        for who, statement in cases:
            actor = getattr(cast, who, cast.rural)
            own = {
                "me": actor.role_id,
                "account": actor.account_id,
                "house": actor.organization_id,
                "practitioner": actor.practitioner_id,
            }
            acting = {"guest": f"guest:{ids.pass_id}", "nobody": ""}.get(who, actor.acting)
            count = await written(sessions, acting, statement, things | own)
            if (count > 0) is not is_theirs:
                wrong.append((who, statement, count))
    assert not wrong


async def test_what_a_row_hangs_on_is_written_once(cast: Cast, sessions: Sessions) -> None:
    """Not even by the system, and not to what it might as well have been."""
    await walled(cast, sessions)
    for table, columns in WRITTEN_ONCE.items():
        for column in columns:
            async with sessions() as session:
                with pytest.raises(DBAPIError) as caught:
                    await session.execute(text(f"update {table} set {column} = {_another(table, column)}"))
            is_bound = isinstance(caught.value.orig, psycopg.errors.RestrictViolation)
            assert is_bound or f"permission denied for table {table}" in str(caught.value.orig), (table, column)


def _another(table: str, column: str) -> str:
    """A value that no row of the table has in this column."""
    kind = metadata.tables[table].c[column].type
    others: dict[type[TypeEngine[Any]], str] = {
        LargeBinary: "uuid_send(gen_random_uuid())",
        Boolean: f"coalesce(not {column}, true)",
        Date: "date '1900-01-01'",
        DateTime: "timestamptz '1900-01-01'",
        JSON: "'[0]'::jsonb",
        Integer: f"coalesce({column}, 0) + 1",
        String: "gen_random_uuid()::text",
    }
    return next((written for one, written in others.items() if isinstance(kind, one)), "gen_random_uuid()")


async def written(sessions: Sessions, acting: str, statement: str, values: dict[str, object]) -> int:
    """How many rows the statement writes; -1 where the database refuses it. Nothing of it stays."""
    async with sessions() as session:
        session.info[ACTING] = acting
        try:
            result = await session.execute(text(statement), values)
        except ProgrammingError as error:
            assert isinstance(error.orig, psycopg.errors.InsufficientPrivilege), error
            return -1
        assert isinstance(result, CursorResult)
        await session.rollback()
        return result.rowcount
