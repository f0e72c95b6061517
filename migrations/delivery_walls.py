"""The walls round deliveries: who reads the note sees who has it, who coordinates or administers the establishment that
sends sees where each stands, and nobody by this sees what a note says.

What a delivery hangs on, its patient, its establishment, the number of its consult, is the note's: a trigger writes it.
"""

from typing import Final

from migrations.acting import ME, acts_as, all_of, any_of
from migrations.walls import OF_HOUSE, Wall, shown

_LOOKED_AFTER: Final = all_of(acts_as("coordinator", "administrator"), OF_HOUSE)

OF_ITS_NOTE: Final = """
create function delivery_is_of_its_note() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  select role.organization_id, note.patient_id, asked.number
    into strict new.organization_id, new.patient_id, new.consult_number
  from composition note
    join practitioner_role role on role.id = note.author_role_id
    join service_request asked on asked.id = note.service_request_id
  where note.id = new.composition_id;
  return new;
end $$;
create trigger delivery_of_its_note before insert on delivery
  for each row execute function delivery_is_of_its_note();
"""

NOTE_ENDPOINTS: Final = """
create function note_endpoints(houses uuid[])
returns table (id uuid, organization_id uuid, connection_type text, name text)
language sql stable security definer
  begin atomic
    select held.id, held.organization_id, held.connection_type, held.name
    from endpoint held
    where held.organization_id = any (note_endpoints.houses) and held.receives_notes and held.status = 'active'
      and held.connection_type in ('hl7-fhir-rest', 'hl7v2-mllp')
      and (acts_as_system() or acting_role() is not null)
    order by held.organization_id, held.name, held.id;
  end;
"""
"""Who signs learns which systems the note goes to: what they are called, and nothing of where they stand."""

OTHER_ENDPOINTS: Final = """
create function other_endpoints(sent uuid)
returns table (id uuid, connection_type text, name text)
language sql stable security definer
  begin atomic
    select other.id, other.connection_type, other.name
    from delivery owed
      join endpoint at on at.id::text = owed.destination
      join endpoint other on other.organization_id = at.organization_id and other.id <> at.id
    where owed.id = other_endpoints.sent and owed.organization_id = acting_house()
      and acting_code() in ('coordinator', 'administrator') and other.status = 'active'
      and other.connection_type in ('hl7-fhir-rest', 'hl7v2-mllp')
      and not exists (
        select from delivery too
        where too.composition_id = owed.composition_id and too.purpose = owed.purpose
          and too.destination = other.id::text)
    order by other.name, other.id;
  end;
"""
"""Where else the same recipient could be reached, for who looks after what is sent."""

WALLS: Final = {
    "delivery": Wall(
        read=any_of(shown("composition", "note", by="delivery.composition_id"), _LOOKED_AFTER),
        add=any_of(
            f"exists (select from composition note where note.id = composition_id and note.author_role_id = {ME})",
            _LOOKED_AFTER,
        ),
        change=_LOOKED_AFTER,
    ),
}

WRITTEN_ONCE: Final = {
    "delivery": (
        *("composition_id", "channel", "destination", "purpose", "number"),
        *("organization_id", "patient_id", "consult_number", "created_at"),
    ),
}
