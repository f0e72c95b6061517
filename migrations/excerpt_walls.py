"""The walls round frozen excerpts: whoever refers the patient at the side that asked may add a version."""

from typing import Final

from migrations.acting import HOUSE, ME, READER, acts_as, all_of, any_of, treats
from migrations.walls import CONSULTS, Wall

_OF_THAT_SIDE: Final = f"""exists (
      select from service_request asked
      where asked.id = excerpt.service_request_id and asked.requester_organization_id = {HOUSE}
        and {treats("asked.patient_id")})"""


def _also_of_that_side(table: str) -> Wall:
    """What hangs on an excerpt: a doctor who may read it may write it, until a newer version stands."""
    wall = CONSULTS[table]
    reads = f"reads_excerpt({READER}, {table}.excerpt_id)"
    return Wall(read=wall.read, add=any_of(f"asks_with({ME}, {table}.excerpt_id)", all_of(acts_as("doctor"), reads)))


WALLS: Final = {
    "excerpt": Wall(
        read=CONSULTS["excerpt"].read,
        add=any_of(str(CONSULTS["excerpt"].add), all_of(acts_as("doctor"), _OF_THAT_SIDE)),
        change=CONSULTS["excerpt"].change,
    ),
    "excerpt_item": _also_of_that_side("excerpt_item"),
    "excerpt_study": _also_of_that_side("excerpt_study"),
}

EARLIER_VERSIONS_STAND: Final = """
create function excerpt_is_superseded() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
  if exists (
    select from excerpt earlier join excerpt later using (service_request_id)
    where earlier.id = new.excerpt_id and later.version > earlier.version
  ) then
    raise exception 'an earlier version of an excerpt cannot be added to' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger excerpt_item_superseded before insert on excerpt_item
  for each row execute function excerpt_is_superseded();
create trigger excerpt_study_superseded before insert on excerpt_study
  for each row execute function excerpt_is_superseded();
"""
