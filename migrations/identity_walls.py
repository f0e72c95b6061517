"""The walls round what links patients, and what the database itself does about who is whom."""

from typing import Final

from migrations import walls
from migrations.acting import HOUSE, ME, all_of, any_of, treats
from migrations.walls import ADMINISTERS, OF_HOUSE, RECEIVES, REGISTERS, Wall

_OWN: Final = f"house_of(patient_id) = {HOUSE}"
_KNOWS: Final = any_of(REGISTERS, ADMINISTERS)
_OF_A_SIDE: Final = any_of(_OWN, f"house_of(other_id) = {HOUSE}")
_IDENTIFIES: Final = any_of(RECEIVES, ADMINISTERS, treats("patient_link.patient_id"), treats("patient_link.other_id"))

WALLS: Final = {
    "patient_identifier": Wall(
        read=walls.PATIENTS["patient_identifier"].read,
        add=walls.PATIENTS["patient_identifier"].add,
        change=all_of(f"house_of(patient_id) = {HOUSE}", any_of(RECEIVES, treats("patient_identifier.patient_id"))),
    ),
    # Both establishments see a link and may undo it; only what may be one person can be linked.
    "patient_link": Wall(
        read=all_of(_KNOWS, _OF_A_SIDE),
        add=all_of(f"linked_by_id = {ME}", _OWN, _IDENTIFIES, "may_be_same(patient_id, other_id)"),
        change=all_of(_OF_A_SIDE, _IDENTIFIES),
        become=all_of(_OF_A_SIDE, _IDENTIFIES, "undone_at is not null"),
    ),
    "identity_case": Wall(
        read=all_of(_KNOWS, OF_HOUSE),
        add=all_of(REGISTERS, OF_HOUSE, _OWN, "may_be_same(patient_id, other_id)"),
        change=all_of(any_of(RECEIVES, ADMINISTERS), OF_HOUSE),
    ),
}

WRITTEN_ONCE: Final = {
    "patient": ("organization_id", "own_person_id"),
    "patient_link": ("patient_id", "other_id", "linked_by_id"),
    "identity_case": ("organization_id", "patient_id", "other_id"),
}

_COMPARES: Final = (
    "(acts_as_system() or acting_code() in ('doctor', 'nurse', 'specialist', 'secretary', 'administrator'))"
)


def _identity(patient: str) -> str:
    """Who a patient is, as one value: what is shown side by side and kept with a link."""
    return f"""jsonb_build_object(
      'patient_id', {patient}.id, 'organization_id', {patient}.organization_id, 'organization', (
        select house.name from organization house where house.id = {patient}.organization_id),
      'local_number', {patient}.local_number, 'family', {patient}.family, 'given', {patient}.given,
      'used_name', {patient}.used_name, 'birth_date', {patient}.birth_date, 'birth_place', {patient}.birth_place,
      'gender', {patient}.gender, 'phone', {patient}.phone, 'is_temporary', {patient}.is_temporary,
      'person_id', {patient}.person_id, 'numbers', (
        select coalesce(jsonb_agg(jsonb_build_object('system', number.system, 'value', number.value,
          'status', number.status) order by number.recorded_at, number.value), '[]')
        from patient_identifier number where number.patient_id = {patient}.id))"""


# Who may be the same person as a patient of the house: at establishments that share, whoever carries a number of
# theirs or has their whole name and birth date; in the house itself, whoever comes near it. Never those who were
# decided to be two people.
IDENTITY_CANDIDATES: Final = f"""
create function identity_candidates(patient uuid)
returns table (id uuid, same_number boolean, is_qualified boolean, other_number boolean, was_undone boolean,
  identity jsonb)
language sql stable security definer rows 20
  begin atomic
    with one as (
      select asked.*, own.sharing_network from patient asked join organization own on own.id = asked.organization_id
      where asked.id = identity_candidates.patient and not asked.is_temporary
        and speaks_for(asked.organization_id) and {_COMPARES}
    ), found as (
      select theirs.patient_id as id
      from one join patient_identifier mine on mine.patient_id = one.id and mine.status <> 'withdrawn'
        join patient_identifier theirs on theirs.value = mine.value and theirs.system = mine.system
          and theirs.status <> 'withdrawn'
      union
      select known.id
      from one join organization house on house.id = one.organization_id or house.sharing_network = one.sharing_network
        join patient known on known.organization_id = house.id and known.birth_date = one.birth_date
      where (known.given_folded = one.given_folded and (
            known.family_folded in (one.family_folded, nullif(one.used_name_folded, ''))
            or known.used_name_folded = one.family_folded)
          or known.given_folded = one.family_folded and known.family_folded = one.given_folded)
        or house.id = one.organization_id
          and (known.family_folded = one.family_folded or known.given_folded = one.given_folded)
      union
      select known.id
      from one join patient known on known.organization_id = one.organization_id
        and known.family_folded = one.family_folded and known.given_folded = one.given_folded
    )
    select known.id, numbers.same, numbers.qualified, numbers.other,
      exists (
        select from patient_link link where link.undone_at is not null
          and (link.patient_id = one.id and link.other_id = known.id
            or link.patient_id = known.id and link.other_id = one.id)),
      {_identity("known")}
    from one join found on found.id <> one.id join patient known on known.id = found.id
      join organization house on house.id = known.organization_id
        and (house.id = one.organization_id or house.sharing_network = one.sharing_network)
      cross join lateral (
        select coalesce(bool_or(mine.value = theirs.value), false) as same,
          coalesce(bool_or(mine.value = theirs.value and 'qualified' in (mine.status, theirs.status)), false)
            as qualified,
          coalesce(bool_or(mine.value <> theirs.value), false) as other
        from patient_identifier mine join patient_identifier theirs on theirs.system = mine.system
        where mine.patient_id = one.id and theirs.patient_id = known.id
          and mine.status <> 'withdrawn' and theirs.status <> 'withdrawn') numbers
    where not known.is_temporary and not exists (
      select from identity_case apart where apart.decision = 'two-people'
        and least(apart.patient_id, apart.other_id) = least(one.id, known.id)
        and greatest(apart.patient_id, apart.other_id) = greatest(one.id, known.id))
    order by numbers.same desc, known.created_at limit 50;
  end;
"""

# Two of one house, or whom the one's traits or numbers name; or whom somebody has to compare already.
MAY_BE_SAME: Final = f"""
create function may_be_same(patient uuid, other uuid) returns boolean language sql stable security definer
  begin atomic
    select speaks_for(house_of(may_be_same.patient)) and {_COMPARES} and (
      house_of(may_be_same.patient) = house_of(may_be_same.other)
      or may_be_same.other in (select id from identity_candidates(may_be_same.patient))
      or exists (
        select from identity_case known
        where least(known.patient_id, known.other_id) = least(may_be_same.patient, may_be_same.other)
          and greatest(known.patient_id, known.other_id) = greatest(may_be_same.patient, may_be_same.other)));
  end;
"""

COMPARED_IDENTITIES: Final = f"""
create function compared_identities(cases uuid[]) returns table (id uuid, patient jsonb, other jsonb)
language sql stable security definer rows 50
  begin atomic
    select known.id, {_identity("mine")}, {_identity("theirs")}
    from identity_case known join patient mine on mine.id = known.patient_id
      join patient theirs on theirs.id = known.other_id
    where known.id = any (compared_identities.cases) and speaks_for(known.organization_id)
      and (acts_as_system() or acting_code() in ('secretary', 'administrator'));
  end;
"""

# What was written about either side since they were linked: that there is something and when, never its words; by
# whom, where the patient is one's own.
ADDED_SINCE_LINK: Final = f"""
create function added_since_link(link uuid)
returns table (patient_id uuid, kind text, added_at timestamptz, author text)
language sql stable security definer rows 100
  begin atomic
    select added.patient_id, added.kind, added.added_at,
      case when speaks_for(house_of(added.patient_id)) then added.author else '' end
    from patient_link made cross join lateral (
      select entry.patient_id, entry.resource_type as kind, entry.recorded_at as added_at, entry.author_name as author
      from record_entry entry where entry.patient_id in (made.patient_id, made.other_id)
      union all
      select asked.patient_id, 'ServiceRequest', asked.authored_on, who.family || ' ' || who.given
      from service_request asked join practitioner_role role on role.id = asked.requester_role_id
        join practitioner who on who.id = role.practitioner_id
      where asked.patient_id in (made.patient_id, made.other_id)) added
    where made.id = added_since_link.link and {_COMPARES}
      and (speaks_for(house_of(made.patient_id)) or speaks_for(house_of(made.other_id)))
      and added.added_at >= made.linked_at and (made.undone_at is null or added.added_at <= made.undone_at)
    order by added.added_at desc limit 100;
  end;
"""

IDENTITIES_ARE_KEPT: Final = f"""
create function own_person_is_first() returns trigger language plpgsql as $$
begin
  new.own_person_id := coalesce(new.own_person_id, new.person_id);
  return new;
end $$;
create trigger patient_own_person before insert on patient for each row execute function own_person_is_first();

create function identities_are_kept() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
  select jsonb_build_object('patient', {_identity("mine")}, 'other', {_identity("theirs")}) into new.identities
  from patient mine, patient theirs where mine.id = new.patient_id and theirs.id = new.other_id;
  return new;
end $$;
create trigger patient_link_identities before insert on patient_link
  for each row execute function identities_are_kept();
create trigger identity_case_identities before update of decision on identity_case
  for each row when (new.decision is not null and old.decision is null) execute function identities_are_kept();
"""

# Each side is, with all they are linked to, the person that is oldest among their own. The same links that stand give
# the same persons, in whatever order they were made and undone.
PERSONS_FOLLOW_LINKS: Final = """
create function persons_follow_links() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
  side uuid;
  gathered uuid[];
  oldest uuid;
begin
  perform pg_advisory_xact_lock(7302412);
  foreach side in array array[new.patient_id, new.other_id] loop
    with recursive reached(person_id) as (
      select own_person_id from patient where id = side
      union
      select theirs.own_person_id
      from reached join patient mine on mine.own_person_id = reached.person_id
        join lateral (
          select other_id as id from patient_link where patient_id = mine.id and undone_at is null
          union all
          select patient_id from patient_link where other_id = mine.id and undone_at is null) linked on true
        join patient theirs on theirs.id = linked.id
    ) select array_agg(person_id) into gathered from reached;
    select id into oldest from person where id = any (gathered) order by created_at, id limit 1;
    update patient set person_id = oldest, updated_at = clock_timestamp()
    where own_person_id = any (gathered) and person_id <> oldest;
  end loop;
  return null;
end $$;
create trigger patient_link_made after insert or update of undone_at on patient_link
  for each row execute function persons_follow_links();
"""

FUNCTIONS: Final = (
    IDENTITY_CANDIDATES,
    MAY_BE_SAME,
    COMPARED_IDENTITIES,
    ADDED_SINCE_LINK,
    IDENTITIES_ARE_KEPT,
    PERSONS_FOLLOW_LINKS,
)

_CALLED: Final = """
    (select patient.id from patient
    where patient.organization_id = patients_called.house and speaks_for(patients_called.house)
      and {narrowed}
      and to_tsvector('simple'::regconfig,
          patient.family_folded || ' ' || patient.given_folded || ' ' || patient.used_name_folded)
        @@ to_tsquery('simple'::regconfig, patients_called.words)
    order by patient.family_folded, patient.given_folded, patient.birth_date, patient.id limit patients_called.most)
"""
PATIENTS_CALLED: Final = f"""
create or replace function patients_called(house uuid, words text, among uuid[], most integer) returns setof uuid
language sql stable security definer rows 50
  begin atomic
    {_CALLED.format(narrowed="patients_called.among is null")} union all
    {_CALLED.format(narrowed="patient.id = any (patients_called.among)")};
  end;
"""
"""As before (`migrations.crossings`), and by the name somebody uses."""
