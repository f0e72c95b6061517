"""The walls round hours, rooms and devices, who and what a session needs, feeds, and who waits for an earlier time.

Hours are for those of the establishment, and for coordinators who look for a time; each keeps their own, and the
coordinators and administrators those of their establishment's people, services and things.
"""

from typing import Final

from migrations.acting import CODE, HOUSE, ME, acts_as, all_of, any_of
from migrations.walls import ANYBODY, COORDINATES, OF_HOUSE, OWN_ACCOUNT, Wall, shown

_PLANS: Final = acts_as("coordinator", "administrator")
_PLANS_HERE: Final = all_of(_PLANS, OF_HOUSE)
_OF_THE_HOUSE: Final = f"""{HOUSE} = coalesce(
    (select role.organization_id from practitioner_role role where role.id = schedule.practitioner_role_id),
    (select service.organization_id from healthcare_service service where service.id = schedule.service_id),
    (select thing.organization_id from bookable_resource thing where thing.id = schedule.resource_id))"""
_KEEPS: Final = all_of(OF_HOUSE, any_of(f"schedule.practitioner_role_id = {ME}", _PLANS))


def _kept(table: str) -> str:
    return f"""exists (
      select from schedule plan where plan.id = {table}.schedule_id and plan.organization_id = {HOUSE}
        and (plan.practitioner_role_id = {ME} or {_PLANS}))"""


def _hours(table: str) -> Wall:
    return Wall(read=shown("schedule", "plan", by=f"{table}.schedule_id"), add=_kept(table), remove=_kept(table))


_OF_SESSION: Final = shown("appointment", "session", by="appointment_participant.appointment_id")
_ASKED: Final = shown("service_request", "asked", by="wait_list_entry.service_request_id")

WALLS: Final = {
    "bookable_resource": Wall(read=ANYBODY, add=_PLANS_HERE, change=_PLANS_HERE),
    "schedule": Wall(read=any_of(OF_HOUSE, COORDINATES), add=all_of(_KEEPS, _OF_THE_HOUSE), change=_KEEPS),
    "available_time": _hours("available_time"),
    "schedule_exception": _hours("schedule_exception"),
    "appointment_participant": Wall(
        read=all_of(ANYBODY, _OF_SESSION),
        add=all_of(COORDINATES, _OF_SESSION),
        change=all_of(COORDINATES, _OF_SESSION),
        remove=all_of(COORDINATES, _OF_SESSION),
    ),
    "calendar_feed": Wall(read=OWN_ACCOUNT, add=OWN_ACCOUNT, change=OWN_ACCOUNT, remove=OWN_ACCOUNT),
    "wait_list_entry": Wall(
        read=all_of(f"{CODE} <> 'secretary'", _ASKED),
        add=all_of(COORDINATES, f"created_by_id = {ME}", _ASKED),
        change=all_of(COORDINATES, _ASKED),
    ),
}

WRITTEN_ONCE: Final = {
    "bookable_resource": ("organization_id",),
    "schedule": ("organization_id", "practitioner_role_id", "service_id", "resource_id"),
    "appointment_participant": ("appointment_id", "practitioner_role_id", "resource_id"),
    "calendar_feed": ("account_id",),
    "wait_list_entry": ("service_request_id",),
}
