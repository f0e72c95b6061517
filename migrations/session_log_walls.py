"""The wall round a session's log, the trigger that numbers it, and its end, which is the chat's.

Who sits in the session reads and writes it; a guest reads what happened since they were let in.
"""

from typing import Final

from migrations.acting import all_of
from migrations.walls import IS_GUEST, Wall

WALLS: Final = {
    "session_event": Wall(
        read=all_of("sits_in(encounter_id)", f'not ({IS_GUEST}) or "at" >= (select acting_since())'),
        add="sits_in(encounter_id)",
    ),
}

# Numbers have no gaps: who writes an event holds the encounter until the end of their transaction, whatever they may
# see of what was written before.
NUMBERED: Final = (
    """
create function session_event_numbered() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform from encounter where id = new.encounter_id for no key update;
  select coalesce(max(number), 0) + 1 into new.number from session_event where encounter_id = new.encounter_id;
  return new;
end $$
""",
    "create trigger session_event_numbered before insert on session_event"
    " for each row execute function session_event_numbered()",
)

ERASED: Final = """
create or replace function erase_chat(establishment uuid, older_than timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  erased bigint;
begin
  if not coalesce(speaks_for(establishment), false) then
    raise exception 'not theirs to erase' using errcode = 'insufficient_privilege';
  end if;
  if older_than > now() - interval '29 days' then
    raise exception 'too young to be erased' using errcode = 'restrict_violation';
  end if;
  delete from session_event event using encounter, service_request consult
  where event.encounter_id = encounter.id and encounter.service_request_id = consult.id
    and consult.requester_organization_id = establishment
    and encounter.status in ('finished', 'cancelled') and coalesce(encounter.ended_at, event."at") < older_than;
  delete from chat_message line using encounter, service_request consult
  where line.encounter_id = encounter.id and encounter.service_request_id = consult.id
    and consult.requester_organization_id = establishment
    and encounter.status in ('finished', 'cancelled') and coalesce(encounter.ended_at, line.sent_at) < older_than;
  get diagnostics erased = row_count;
  return erased;
end $$
"""
