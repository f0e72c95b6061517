"""What some verbs have to know of rows that who acts may not see: each a function that tells that much and no more.

They work with the owner's rights and look themselves whether who acts is of the establishment, or sees the consult,
they are asked about. The search for a name stands here for another reason: its operator is not leakproof, so below a
security barrier it could not use its index.
"""

from typing import Final

from migrations.acting import TREATING
from migrations.rules import APP_ROLE

SPEAKS_FOR: Final = """
create function speaks_for(house uuid) returns boolean language sql stable
  return acts_as_system() or house = acting_house();
"""

# The person known under this number, birth date and family name where the establishment shares.
SAME_PERSON: Final = """
create function same_person(house uuid, system text, number text, born date, family text) returns uuid
language sql stable security definer
  begin atomic
    select known.person_id
    from organization own
      join organization other on other.sharing_network = own.sharing_network
      join patient known on known.organization_id = other.id
      join patient_identifier identifier on identifier.patient_id = known.id
    where own.id = same_person.house and speaks_for(same_person.house)
      and identifier.system = same_person.system and identifier.value = same_person.number
      and known.birth_date = same_person.born and known.family_folded = same_person.family
    order by known.created_at limit 1;
  end;
"""

# Whether no other establishment's patient is the same person: a link that exists is never broken by the way.
IS_ALONE: Final = """
create function is_alone(patient uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from patient one
      where one.id = is_alone.patient and speaks_for(one.organization_id)
        and not exists (select from patient other where other.person_id = one.person_id and other.id <> one.id));
  end;
"""

# The first patients of the house, by name, whose names have these words; `among` narrows the search where it is given.
_CALLED: Final = """
    (select patient.id from patient
    where patient.organization_id = patients_called.house and speaks_for(patients_called.house)
      and {narrowed} and to_tsvector('simple'::regconfig, patient.family_folded || ' ' || patient.given_folded)
        @@ to_tsquery('simple'::regconfig, patients_called.words)
    order by patient.family_folded, patient.given_folded, patient.birth_date, patient.id limit patients_called.most)
"""
PATIENTS_CALLED: Final = f"""
create function patients_called(house uuid, words text, among uuid[], most integer) returns setof uuid
language sql stable security definer rows 50
  begin atomic
    {_CALLED.format(narrowed="patients_called.among is null")} union all
    {_CALLED.format(narrowed="patient.id = any (patients_called.among)")};
  end;
"""

# An establishment holds a study once. Whoever brings it again must hear whose it is taken to be, and no more.
HELD_IMAGES: Final = """
create function held_study(house uuid, uid text)
returns table (id uuid, patient_id uuid, service_request_id uuid, is_in_draft boolean)
language sql stable security definer
  begin atomic
    select held.id, held.patient_id, held.service_request_id, coalesce(consult.status = 'draft', false)
    from imaging_study held left join service_request consult on consult.id = held.service_request_id
    where held.study_instance_uid = held_study.uid and held.organization_id = held_study.house
      and speaks_for(held_study.house);
  end;

create function held_instances(house uuid, uids text[]) returns table (sop_instance_uid text, sha256 bytea)
language sql stable security definer
  begin atomic
    select held.sop_instance_uid, held.sha256 from imaging_instance held
    where held.organization_id = held_instances.house and held.sop_instance_uid = any (held_instances.uids)
      and speaks_for(held_instances.house);
  end;
"""

# A specialist's other sessions are not the coordinator's to see, only that there is one.
IS_BOOKED: Final = """
create function is_booked(specialist bigint, since timestamptz, until timestamptz, besides uuid) returns boolean
language sql stable security definer
  begin atomic
    select (acts_as_system() or acting_code() = 'coordinator') and exists (
      select from appointment
      where appointment.specialist_key = is_booked.specialist
        and appointment.status in ('booked', 'arrived', 'fulfilled')
        and appointment.starts_at < is_booked.until and appointment.ends_at > is_booked.since
        and appointment.id <> is_booked.besides);
  end;
"""

# That there is a note, whose, and since when it is signed: what everybody knows who sees the consult.
CONSULT_NOTE: Final = f"""
create view consult_note with (security_barrier) as
select id, service_request_id, author_role_id, status, created_at, signed_at, signer_name
from composition where acts_as_system() or sees_consult(service_request_id);
grant select on consult_note to {APP_ROLE};
"""

# What became of a consult, as its page tells it: those who see it need not be those who read the audit log.
CONSULT_HISTORY: Final = """
create function consult_history(consult uuid) returns setof audit_event
language sql stable security definer
  begin atomic
    select event.* from audit_event event
    where event.outcome = 'success' and (acts_as_system() or sees_consult(consult_history.consult))
      and event.entity_id in (
        select consult_history.consult
        union select id from composition where service_request_id = consult_history.consult
        union select id from encounter where service_request_id = consult_history.consult);
  end;
"""

# A note names what was shared for it, whether or not that may still be looked at.
CONSULT_IMAGES: Final = """
create function consult_images(consult uuid)
returns table (study_instance_uid text, description text, modalities text[], started_at timestamptz, images bigint)
language sql stable security definer
  begin atomic
    select study.study_instance_uid, study.description, study.modalities, study.started_at,
      count(distinct instance.id)
    from excerpt join excerpt_study shared on shared.excerpt_id = excerpt.id
      join imaging_study study on study.id = shared.imaging_study_id
      left join imaging_series series on series.imaging_study_id = study.id
      left join imaging_instance instance on instance.imaging_series_id = series.id
    where excerpt.service_request_id = consult_images.consult
      and (acts_as_system() or sees_consult(consult_images.consult))
    group by study.id order by study.started_at, study.study_instance_uid;
  end;
"""

# Addresses are compared without case, and `lower` is not leakproof.
ACCOUNT_OF: Final = """
create function account_of(email text) returns uuid language sql stable security definer
  begin atomic
    select account.id from account
    where lower(account.email) = lower(account_of.email)
      and (acts_as_system() or acting_code() in ('administrator', 'operator'));
  end;
"""

# Whom somebody asks for by name or number, before they break the glass: a patient of another establishment that shares.
PATIENTS_ELSEWHERE: Final = f"""
create function patients_elsewhere(house uuid, number text, family text, born date)
returns table (id uuid, organization_id uuid, local_number text, family text, given text, birth_date date, gender text)
language sql stable security definer
  begin atomic
    select known.id, known.organization_id, known.local_number, known.family, known.given, known.birth_date,
      known.gender
    from acting
      join organization other on other.sharing_network = acting.sharing_network and other.id <> acting.organization_id
      join patient known on known.organization_id = other.id
    where acting.code in ({TREATING}) and (
        patients_elsewhere.house = other.id and patients_elsewhere.number = known.local_number
        or patients_elsewhere.family = known.family_folded and patients_elsewhere.born = known.birth_date)
    order by known.given_folded, other.name limit 6;
  end;
"""

STATEMENTS: Final = (
    SPEAKS_FOR,
    SAME_PERSON,
    PATIENTS_ELSEWHERE,
    IS_ALONE,
    PATIENTS_CALLED,
    HELD_IMAGES,
    IS_BOOKED,
    CONSULT_NOTE,
    CONSULT_HISTORY,
    CONSULT_IMAGES,
    ACCOUNT_OF,
)
