"""Who acts, and what they have a part in, as SQL: what the conditions in `migrations.walls` are made of.

The app says who acts at the beginning of each transaction (`teleconsult.db`): a practitioner's role, `guest:` and a
pass, `system`, or nothing. Everything else is looked up here: a role that has ended, or whose account is disabled,
acts for nobody.

Conditions are written out in the policies, so that one costs a look into an index and not the call of a function.
Only where two walls would ask each other without end does a function look in their stead, with the owner's rights.
The functions' bodies are parsed when they are made: no table of somebody else's can slip in between.
"""

from typing import Final

ME: Final = "(select acting_role())"
READER: Final = "(select acting_reader())"
"""The same, of who opens patients' files at all."""
CODE: Final = "(select acting_code())"
HOUSE: Final = "(select acting_house())"
ACCOUNT: Final = "(select acting_account())"
GUEST: Final = "(select acting_pass())"
SERVICES: Final = "array(select acting_services())"
"""The services of the acting establishment."""
TREATING: Final = "'doctor', 'nurse', 'specialist'"
"""Roles that open patients' files."""


def any_of(*conditions: str) -> str:
    """At least one of them."""
    return " or ".join(f"({condition})" for condition in conditions)


def all_of(*conditions: str) -> str:
    """All of them."""
    return " and ".join(f"({condition})" for condition in conditions)


def acts_as(*codes: str) -> str:
    """The role in force is one of these."""
    return f"{CODE} in ({', '.join(repr(code) for code in codes)})"


def treats(patient: str, *, reader: str = READER) -> str:
    """Who acts opens files, has said that they treat this patient, and has not stopped."""
    return f"""exists (
      select from care_relation relation
      where relation.patient_id = {patient} and relation.practitioner_role_id = {reader}
        and relation.ended_at is null)"""


def reads_file(patient: str) -> str:
    """The patient's file is open to who acts: they treat the person here, or broke the glass less than an hour ago."""
    return any_of(treats(patient), f"opens_file({READER}, {patient})")


def sees_consult(asked: str) -> str:
    """The consult exists for who acts; `asked` is what the row of its request is called.

    For who asked; once it is submitted for colleagues who treat the patient and secretaries of their establishment,
    for coordinators of the one that answers, and for specialists of the service until one has accepted, then for
    that one.
    """
    return f"""({asked}.requester_role_id = {ME} or {asked}.submitted_at is not null and case {CODE}
      when 'coordinator' then {asked}.service_id = any ({SERVICES})
      when 'secretary' then {asked}.requester_organization_id = {HOUSE}
      when 'specialist' then {asked}.service_id = any ({SERVICES}) and answers({ME}, {asked}.id)
      else {asked}.requester_organization_id = {HOUSE} and {treats(f"{asked}.patient_id")} end)"""


WHO_ACTS: Final = """
create function acts_as_system() returns boolean language sql stable
  return current_setting('teleconsult.acting', true) = 'system';

create view acting as
select role.id as role_id, role.code, role.practitioner_id, role.organization_id, house.sharing_network,
  account.id as account_id
from practitioner_role role
  join account on account.practitioner_id = role.practitioner_id
  left join organization house on house.id = role.organization_id
where role.ended_at is null and account.disabled_at is null
  and role.id = case when length(current_setting('teleconsult.acting', true)) = 36
    then current_setting('teleconsult.acting', true)::uuid end;

create view acting_guest as
select pass.id as pass_id, pass.encounter_id, pass.admitted_at
from guest_pass pass
where pass.opened_at is not null and pass.revoked_at is null and pass.expires_at > now()
  and pass.id = case when starts_with(current_setting('teleconsult.acting', true), 'guest:')
    then substr(current_setting('teleconsult.acting', true), 7)::uuid end;

create function acting_role() returns uuid language sql stable security definer
  begin atomic select role_id from acting; end;
create function acting_reader() returns uuid language sql stable security definer
  begin atomic select role_id from acting where code in ('doctor', 'nurse', 'specialist'); end;
create function acting_code() returns text language sql stable security definer
  begin atomic select code from acting; end;
create function acting_house() returns uuid language sql stable security definer
  begin atomic select organization_id from acting; end;
create function acting_account() returns uuid language sql stable security definer
  begin atomic select account_id from acting; end;
create function acting_practitioner() returns uuid language sql stable security definer
  begin atomic select practitioner_id from acting; end;
create function acting_services() returns setof uuid language sql stable security definer rows 10
  begin atomic
    select service.id from healthcare_service service join acting using (organization_id);
  end;
create function acting_pass() returns uuid language sql stable security definer
  begin atomic select pass_id from acting_guest; end;
create function acting_encounter() returns uuid language sql stable security definer
  begin atomic select encounter_id from acting_guest; end;
create function acting_since() returns timestamptz language sql stable security definer
  begin atomic select admitted_at from acting_guest; end;
"""

# A file is that of one person, at the establishment of who opens it and those it shares with.
FILES: Final = """
create function opens_file(role uuid, patient uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from patient kept
        join patient opened on opened.person_id = kept.person_id
        join practitioner_role reader on reader.id = opens_file.role
        join organization own on own.id = reader.organization_id
        join organization house on house.id = kept.organization_id
          and (house.id = own.id or house.sharing_network = own.sharing_network)
      where kept.id = opens_file.patient
        and (opened.organization_id = own.id and exists (
            select from care_relation relation
            where relation.patient_id = opened.id and relation.practitioner_role_id = reader.id
              and relation.ended_at is null)
          or exists (
            select from break_glass opening
            where opening.patient_id = opened.id and opening.practitioner_role_id = reader.id
              and opening.ended_at is null and opening.expires_at > now())));
  end;

create function house_of(patient uuid) returns uuid language sql stable security definer
  begin atomic
    select kept.organization_id from patient kept where kept.id = house_of.patient;
  end;
"""

ANSWERS: Final = """
create function answers(role uuid, consult uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from task
      where task.service_request_id = answers.consult and (
        task.owner_role_id = answers.role and task.status <> 'rejected'
        or task.owner_role_id is null and task.status in ('requested', 'received', 'on-hold') and exists (
          select from practitioner_role specialist
            join healthcare_service service using (organization_id, specialty)
          where specialist.id = answers.role and service.id = task.service_id)));
  end;

create function asks(role uuid, consult uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from service_request asked where asked.id = asks.consult and asked.requester_role_id = asks.role);
  end;

create function has_answered(consult uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from task where task.service_request_id = has_answered.consult and task.owner_role_id = acting_role());
  end;
"""

SEES_CONSULT: Final = f"""
create function sees_consult(consult uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from service_request asked where asked.id = sees_consult.consult and ({sees_consult("asked")}));
  end;
"""

# A seat in a live session: that of who asked, while they treat the patient, of who answers, and of a guest who was
# let in; while the patient's consent stands.
ROOMS: Final = f"""
create function sits_in(encounter uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from encounter_participant seat
        join encounter session on session.id = seat.encounter_id
        join service_request asked on asked.id = session.service_request_id
      where seat.encounter_id = sits_in.encounter and seat.practitioner_role_id = {ME}
        and (asked.requester_role_id = {ME} and {treats("asked.patient_id")}
          or exists (
            select from task
            where task.service_request_id = asked.id and task.owner_role_id = {ME} and task.status <> 'rejected'))
        and exists (
          select from consent where consent.service_request_id = asked.id and consent.status = 'active'))
      or exists (
        select from acting_guest guest
        where guest.encounter_id = sits_in.encounter and guest.admitted_at is not null);
  end;

create function is_own_seat(seat uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from encounter_participant participant
      where participant.id = is_own_seat.seat
        and (participant.practitioner_role_id = {ME} or participant.guest_pass_id = {GUEST}));
  end;

create function meets(role uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from acting_guest guest join encounter_participant seat using (encounter_id)
      where seat.practitioner_role_id = meets.role);
  end;
"""

# What a consult shows of a file: to its own side while they treat the patient, to its specialists while it is shared.
EXCERPTS: Final = f"""
create function reads_excerpt(role uuid, excerpt uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from excerpt frozen
        join service_request asked on asked.id = frozen.service_request_id
        join practitioner_role reader on reader.id = reads_excerpt.role
      where frozen.id = reads_excerpt.excerpt and case reader.code
        when 'specialist' then frozen.revoked_at is null and (frozen.expires_at is null or frozen.expires_at > now())
          and answers(reader.id, asked.id) and exists (
            select from consent where consent.service_request_id = asked.id and consent.status = 'active')
        else asked.requester_organization_id = reader.organization_id
          and {treats("asked.patient_id", reader="reader.id")} end);
  end;

create function is_shown(role uuid, study uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from excerpt_study shared
      where shared.imaging_study_id = is_shown.study and reads_excerpt(is_shown.role, shared.excerpt_id));
  end;

create function asks_with(role uuid, excerpt uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from excerpt shared join service_request asked on asked.id = shared.service_request_id
      where shared.id = asks_with.excerpt and asked.requester_role_id = asks_with.role);
  end;

create function brings_to(role uuid, study uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from imaging_study brought join service_request asked on asked.id = brought.service_request_id
      where brought.id = brings_to.study and asked.requester_role_id = brings_to.role);
  end;

create function brings_to_series(role uuid, series uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from imaging_series brought
      where brought.id = brings_to_series.series and brings_to(brings_to_series.role, brought.imaging_study_id));
  end;

create function brings_for(role uuid, study uuid, patient uuid) returns boolean
language sql stable strict security definer
  begin atomic
    select exists (
      select from imaging_study brought
      where brought.id = brings_for.study and brought.patient_id = brings_for.patient
        and brings_to(brings_for.role, brought.id));
  end;
"""

WORKS_HERE: Final = f"""
create function works_here(practitioner uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from practitioner_role role
      where role.practitioner_id = works_here.practitioner and role.organization_id = {HOUSE});
  end;
"""

STATEMENTS: Final = (WHO_ACTS, FILES, ANSWERS, SEES_CONSULT, ROOMS, EXCERPTS, WORKS_HERE)
