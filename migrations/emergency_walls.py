"""The walls round emergencies, the pages of those who are rung, and transfers.

Who sees the consult sees what became of it, but secretaries; who was paged sees their own page and the emergency it is
about, also after the request went on to the next hospital. The system alone pages. A page rings for a person of the
establishment whose service it names: a trigger refuses any other, for the system too.
"""

from typing import Final

from migrations.acting import ME, all_of, any_of
from migrations.walls import Wall

_SEEN: Final = all_of("(select acting_code()) <> 'secretary'", "sees_consult(service_request_id)")
_OWN_PAGE: Final = "is_own_page(practitioner_role_id)"

STATEMENTS: Final = (
    """
create function is_own_page(role uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from practitioner_role paged
      where paged.id = is_own_page.role and paged.practitioner_id = acting_practitioner() and paged.ended_at is null);
  end;
create function is_paged(emergency uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from emergency_page page
      where page.emergency_id = is_paged.emergency and is_own_page(page.practitioner_role_id));
  end;
create function sees_emergency(emergency uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from emergency raised
      where raised.id = sees_emergency.emergency and acting_code() <> 'secretary'
        and sees_consult(raised.service_request_id));
  end;
""",
    """
create function emergency_page_is_of_house() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (
    select from practitioner_role role join healthcare_service service using (organization_id)
    where role.id = new.practitioner_role_id and service.id = new.service_id
      and role.code in ('coordinator', 'specialist')) then
    raise exception 'nobody is paged for a service that is not theirs' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger emergency_page_of_house before insert on emergency_page
  for each row execute function emergency_page_is_of_house();
""",
)

WALLS: Final = {
    "emergency": Wall(
        read=any_of(_SEEN, "is_paged(id)"),
        add=f"asks({ME}, service_request_id)",
        change=any_of(f"asks({ME}, service_request_id)", f"answered_by_id = {ME}"),
    ),
    "emergency_page": Wall(
        read=any_of(_OWN_PAGE, "sees_emergency(emergency_id)"),
        change=_OWN_PAGE,
    ),
    "transfer": Wall(
        read=_SEEN,
        add=all_of(f"requested_by_id = {ME}", _SEEN),
        change=_SEEN,
    ),
}

WRITTEN_ONCE: Final = {
    "emergency": ("service_request_id", "pressed_at"),
    "emergency_page": ("emergency_id", "practitioner_role_id", "service_id", "round", "paged_at"),
    "transfer": ("service_request_id", "requested_at", "requested_by_id"),
}
