"""A database of the first version, with people at work in it, comes to this one: nothing is lost, and the walls stand.

Its rows are written as the first version wrote them, by SQL, since the models are today's.
"""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import scalar_row

from migrations import migrate
from teleconsult.embedded import DatabaseUrls, database_urls, prepare_database

ROWS = """
insert into organization (id, name, kind, time_zone, locale, sharing_network) values
  ('00000000-0000-0000-0000-000000000001', 'Centre', 'health-centre', 'UTC', 'fr', 'network'),
  ('00000000-0000-0000-0000-000000000002', 'CHU', 'tertiary', 'UTC', 'fr', 'network');
insert into practitioner (id, family, given, prefix, registration_number) values
  ('00000000-0000-0000-0001-000000000001', 'Tremblay', 'Hélène', 'Dr', '1'),
  ('00000000-0000-0000-0001-000000000002', 'Minh', 'Thị', 'Dr', '2');
insert into practitioner_role (id, practitioner_id, organization_id, code, specialty) values
  ('00000000-0000-0000-0002-000000000001', '00000000-0000-0000-0001-000000000001',
    '00000000-0000-0000-0000-000000000001', 'requester', 'general'),
  ('00000000-0000-0000-0002-000000000002', '00000000-0000-0000-0001-000000000002',
    '00000000-0000-0000-0000-000000000002', 'specialist', 'neurology');
insert into account (id, email, password_hash, practitioner_id, created_at) values
  ('00000000-0000-0000-0003-000000000001', 'rural@example.test', 'x', '00000000-0000-0000-0001-000000000001', now()),
  ('00000000-0000-0000-0003-000000000002', 'minh@example.test', 'x', '00000000-0000-0000-0001-000000000002', now());
insert into web_session (id, token_hash, account_id, practitioner_role_id, created_at, last_seen_at, expires_at,
  user_agent) values (gen_random_uuid(), 'a', '00000000-0000-0000-0003-000000000001',
    '00000000-0000-0000-0002-000000000001', now(), now(), now() + interval '1 hour', '');
insert into sign_in_attempt (id, email_hash, address, attempted_at, succeeded)
  values (gen_random_uuid(), 'a', '127.0.0.1', now(), true);
insert into healthcare_service (id, organization_id, specialty, active) values
  ('00000000-0000-0000-0004-000000000001', '00000000-0000-0000-0000-000000000002', 'neurology', true);
insert into person (id, created_at) values ('00000000-0000-0000-0005-000000000001', now());
insert into patient (id, organization_id, person_id, local_number, family, given, family_folded, given_folded, gender,
  phone, address, is_temporary, found_where, created_at, updated_at) values
  ('00000000-0000-0000-0006-000000000001', '00000000-0000-0000-0000-000000000001',
    '00000000-0000-0000-0005-000000000001', 'A1', 'Bélanger', 'Rose', 'belanger', 'rose', 'female', '', '', false, '',
    now(), now());
insert into patient (id, organization_id, person_id, local_number, family, given, family_folded, given_folded, gender,
  phone, address, is_temporary, found_where, created_at, updated_at)
  select '00000000-0000-0000-0006-000000000002', '00000000-0000-0000-0000-000000000002', person_id, 'B1', family, given,
    family_folded, given_folded, gender, '', '', false, '', now(), now() from patient;
insert into care_relation (id, patient_id, practitioner_role_id, reason, started_at) values
  (gen_random_uuid(), '00000000-0000-0000-0006-000000000001', '00000000-0000-0000-0002-000000000001', 'consultation',
    now());
insert into record_entry (id, patient_id, organization_id, resource_type, status, version, effective_at, recorded_at,
  author_name, title, resource) values
  ('00000000-0000-0000-0007-000000000001', '00000000-0000-0000-0006-000000000001',
    '00000000-0000-0000-0000-000000000001', 'Condition', 'current', 1, now(), now(), 'Dr', 'Headache', '{}');
insert into record_entry (id, patient_id, organization_id, resource_type, status, version, effective_at, recorded_at,
  author_name, title, resource, source_id) values
  ('00000000-0000-0000-0007-000000000002', '00000000-0000-0000-0006-000000000001',
    '00000000-0000-0000-0000-000000000002', 'Composition', 'current', 1, now(), now(), 'Dr', 'Note', '{}',
    gen_random_uuid());
insert into service_request (id, patient_id, requester_role_id, requester_organization_id, service_id, status,
  status_reason, priority, question, draft, version, authored_on, updated_at, submitted_at) values
  ('00000000-0000-0000-0008-000000000001', '00000000-0000-0000-0006-000000000001',
    '00000000-0000-0000-0002-000000000001', '00000000-0000-0000-0000-000000000001',
    '00000000-0000-0000-0004-000000000001', 'active', '', 'routine', 'Why?', '{}', 1, now(), now(), now());
insert into task (id, service_request_id, service_id, owner_role_id, status, business_status, status_reason, created_at,
  modified_at) values (gen_random_uuid(), '00000000-0000-0000-0008-000000000001',
    '00000000-0000-0000-0004-000000000001', '00000000-0000-0000-0002-000000000002', 'accepted', '', '', now(), now());
insert into consent (id, patient_id, service_request_id, basis, given_by, relationship_to_patient, status,
  recorded_by_id, recorded_at) values (gen_random_uuid(), '00000000-0000-0000-0006-000000000001',
    '00000000-0000-0000-0008-000000000001', 'patient', '', '', 'active', '00000000-0000-0000-0002-000000000001', now());
insert into excerpt (id, service_request_id, version, patient, frozen_at, expires_at, digest) values
  ('00000000-0000-0000-0009-000000000001', '00000000-0000-0000-0008-000000000001', 1, '{}', now(),
    now() + interval '90 days', 'a');
insert into excerpt_item (id, excerpt_id, position, record_entry_id, record_version, resource_type, effective_at, title,
  author_name, organization_name, resource) values (gen_random_uuid(), '00000000-0000-0000-0009-000000000001', 0,
    '00000000-0000-0000-0007-000000000001', 1, 'Condition', now(), 'Headache', 'Dr', 'Centre', '{}');
insert into composition (id, service_request_id, patient_id, author_role_id, status, language, sections, version,
  created_at, updated_at, signed_at, signer_name, content, pdf_object_key) values
  (gen_random_uuid(), '00000000-0000-0000-0008-000000000001', '00000000-0000-0000-0006-000000000001',
    '00000000-0000-0000-0002-000000000002', 'final', 'fr', '{}', 1, now(), now(), now(), 'Dr', '{}', 'a note');
insert into imaging_study (id, organization_id, patient_id, study_instance_uid, accession_number, description,
  started_at, modalities, header_patient_name, header_patient_id, identity_differs, created_at) values
  ('00000000-0000-0000-000a-000000000001', '00000000-0000-0000-0000-000000000001',
    '00000000-0000-0000-0006-000000000001', '1.2.3', 'A7', 'Tête', '2026-03-01 10:15:00+00', array['CT'],
    'Bélanger^Rose', 'X1', false, now());
insert into imaging_series (id, imaging_study_id, series_instance_uid, modality, number, description, body_part) values
  ('00000000-0000-0000-000b-000000000001', '00000000-0000-0000-000a-000000000001', '1.2.3.4', 'CT', 2, 'Axial', 'HEAD');
insert into imaging_instance (id, organization_id, imaging_series_id, sop_instance_uid, sop_class_uid,
  transfer_syntax_uid, number, rows, columns, frames, not_displayable_because, size, sha256, object_key, created_at)
  select gen_random_uuid(), '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-000b-000000000001',
    '1.2.3.4.' || n, '1.2', '1.2', n, 1, 1, 1, '', 1, 'x', 'dicom/' || n, now() from generate_series(1, 3) n;
insert into audit_event (id, recorded_at, action, outcome, organization_id, actor_name, entity_type, patient_id, detail)
  select gen_random_uuid(), now(), 'file-opened', 'success', '00000000-0000-0000-0000-000000000001', 'Dr', 'patient',
    '00000000-0000-0000-0006-000000000001', '{}' from generate_series(1, 3);
"""
COUNTS = {
    "organization": 2,
    "account": 2,
    "web_session": 1,
    "patient": 2,
    "record_entry": 2,
    "service_request": 1,
    "task": 1,
    "consent": 1,
    "excerpt_item": 1,
    "composition": 1,
    "audit_event": 3,
    "audit_chain": 3,
}
RURAL = "00000000-0000-0000-0002-000000000001"
SPECIALIST = "00000000-0000-0000-0002-000000000002"


@pytest.fixture
def upgraded(superuser_url: str, database: DatabaseUrls) -> Iterator[psycopg.Connection[int]]:
    """As the app's role, on a database that began with the first version."""
    name = f"upgraded_{psycopg.conninfo.conninfo_to_dict(database.app)['dbname']}"
    prepare_database(superuser_url, name, anew=True)
    urls = database_urls(superuser_url, name)
    migrate(urls.owner, revision="0001")
    with psycopg.connect(urls.app) as app:
        app.execute(ROWS)
    migrate(urls.owner)
    with psycopg.connect(urls.app, row_factory=scalar_row) as app:
        yield app
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        superuser.execute(f"drop database {name} with (force)")


def test_a_database_of_the_first_version_is_behind_walls_afterwards(upgraded: psycopg.Connection[int]) -> None:
    def act(who: str) -> None:
        upgraded.execute("select set_config('teleconsult.acting', %s, true)", (who,))

    def count(table: str) -> int | None:
        return upgraded.execute(f"select count(*) from {table}").fetchone()

    assert {table: count(table) for table in COUNTS} == dict.fromkeys(COUNTS, 0)
    act("system")
    assert {table: count(table) for table in COUNTS} == COUNTS
    assert upgraded.execute("select 1 from practitioner_role where code = 'doctor'").fetchone()
    assert upgraded.execute("select 1 from record_entry where words @@ 'headache'").fetchone(), "found like a new one"
    origins = "select string_agg(origin, ' ' order by id) from record_entry"
    assert upgraded.execute(origins).fetchone() == "hand consult", "what came from a consult says so"
    images = "select concat_ws(' ', folded_name, study_date, study_time, number_of_series, number_of_instances,"
    images += " attributes #>> '{00100010,Value,0,Alphabetic}') from imaging_study"
    assert upgraded.execute(images).fetchone() == "belanger rose 20260301 101500 1 3 Bélanger^Rose"
    act(RURAL)
    assert [count(table) for table in ("patient", "record_entry", "service_request", "account")] == [2, 2, 1, 1]
    act(SPECIALIST)
    assert [count(table) for table in ("patient", "record_entry", "excerpt_item", "composition")] == [2, 0, 1, 1]
    upgraded.execute("update service_request set updated_at = now()")
    act(RURAL)
    upgraded.execute(
        "insert into audit_event (id, recorded_at, action, outcome, account_id, actor_name, entity_type, detail)"
        " values (gen_random_uuid(), now(), 'file-opened', 'success', '00000000-0000-0000-0003-000000000001', '', '',"
        " '{}')"
    )
    upgraded.commit()
    act("system")
    assert count("audit_chain") == 4


def test_two_patients_who_were_one_person_are_linked_and_can_be_parted(upgraded: psycopg.Connection[int]) -> None:
    persons = "select count(distinct person_id) from patient"
    upgraded.execute("select set_config('teleconsult.acting', 'system', true)")
    first = upgraded.execute("select person_id from patient where local_number = 'A1'").fetchone()
    assert str(first) == "00000000-0000-0000-0005-000000000001"
    assert upgraded.execute(persons).fetchone() == 1
    assert upgraded.execute("select identities -> 'other' ->> 'family' from patient_link").fetchone() == "Bélanger"
    upgraded.execute("update patient_link set undone_at = now()")
    assert upgraded.execute(persons).fetchone() == 2
    assert upgraded.execute("select person_id from patient where local_number = 'A1'").fetchone() == first
