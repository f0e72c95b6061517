"""What the database does itself about the time of people, rooms and devices, as SQL that migrations run."""

from typing import Final

# Whose time it is, and from when to when, is never the program's to say: it follows from the appointment.
PARTICIPANTS_FOLLOW: Final = """
create function participant_follows() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
  select session.starts_at, session.ends_at + make_interval(mins => new.buffer_minutes),
    session.status in ('booked', 'arrived')
  into new.starts_at, new.ends_at, new.is_binding
  from appointment session where session.id = new.appointment_id;
  select person.key into new.practitioner_key
  from practitioner_role role join practitioner person on person.id = role.practitioner_id
  where role.id = new.practitioner_role_id;
  select thing.key into new.resource_key from bookable_resource thing where thing.id = new.resource_id;
  return new;
end $$;
create trigger appointment_participant_follows before insert or update on appointment_participant
  for each row execute function participant_follows();
create function appointment_moves() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
  update appointment_participant set is_binding = is_binding where appointment_id = new.id;
  return null;
end $$;
create trigger appointment_moved after update of starts_at, ends_at, status on appointment
  for each row execute function appointment_moves();
"""

NOBODY_AND_NOTHING_TWICE: Final = """
alter table appointment_participant add constraint ex_appointment_participant_person exclude using gist (
  int8range(practitioner_key, practitioner_key, '[]') with &&,
  tstzrange(starts_at, ends_at) with &&
) where (is_binding and practitioner_key is not null);
alter table appointment_participant add constraint ex_appointment_participant_resource exclude using gist (
  int8range(resource_key, resource_key, '[]') with &&,
  tstzrange(starts_at, ends_at) with &&
) where (is_binding and resource_key is not null);
"""

# RFC 5546 §2.1.4: what changes a meeting for those invited counts it up, whoever changed it and by whatever verb.
CHANGES_ARE_COUNTED: Final = """
create function appointment_counts() returns trigger language plpgsql as $$
begin
  new.changed_at := now();
  if old.booked_at is not null and (old.starts_at <> new.starts_at or old.ends_at <> new.ends_at
      or new.status = 'cancelled' and old.status <> 'cancelled') then
    new.sequence := old.sequence + 1;
  end if;
  return new;
end $$;
create trigger appointment_counted before update of starts_at, ends_at, status on appointment
  for each row execute function appointment_counts();
"""

# A coordinator learns when somebody or something is taken, never by what.
BUSY_TIMES: Final = """
create function busy_times(roles uuid[], things uuid[], since timestamptz, until timestamptz, besides uuid)
returns table (role_id uuid, resource_id uuid, starts_at timestamptz, ends_at timestamptz)
language sql stable security definer
  begin atomic
    select asked.id, null::uuid, held.starts_at, held.ends_at
    from practitioner_role asked
      join practitioner person on person.id = asked.practitioner_id
      join appointment_participant held on held.practitioner_key = person.key
    where (acts_as_system() or acting_code() = 'coordinator') and asked.id = any (busy_times.roles)
      and held.is_binding and held.starts_at < busy_times.until and held.ends_at > busy_times.since
      and held.appointment_id is distinct from busy_times.besides
    union all
    select asked.id, null::uuid, held.starts_at, held.ends_at
    from practitioner_role asked
      join practitioner person on person.id = asked.practitioner_id
      join appointment held on held.specialist_key = person.key
    where (acts_as_system() or acting_code() = 'coordinator') and asked.id = any (busy_times.roles)
      and held.status in ('booked', 'arrived', 'fulfilled')
      and held.starts_at < busy_times.until and held.ends_at > busy_times.since
      and held.id is distinct from busy_times.besides
    union all
    select null::uuid, held.resource_id, held.starts_at, held.ends_at
    from appointment_participant held
    where (acts_as_system() or acting_code() = 'coordinator') and held.resource_id = any (busy_times.things)
      and held.is_binding and held.starts_at < busy_times.until and held.ends_at > busy_times.since
      and held.appointment_id is distinct from busy_times.besides;
  end;
"""

# What was booked before counts too, as far as nobody was booked twice.
BOOKED_BEFORE: Final = """
insert into appointment_participant (id, appointment_id, practitioner_role_id, buffer_minutes, is_binding)
select gen_random_uuid(), session.id, who.role_id, 0, false
from appointment session join service_request asked on asked.id = session.service_request_id,
  lateral (values (asked.requester_role_id), (session.specialist_role_id)) who (role_id)
where session.status in ('booked', 'arrived') and who.role_id is not null
on conflict do nothing
"""

STATEMENTS: Final = (PARTICIPANTS_FOLLOW, NOBODY_AND_NOTHING_TWICE, CHANGES_ARE_COUNTED, BUSY_TIMES, BOOKED_BEFORE)
