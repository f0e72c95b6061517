"""The walls round team meetings, and what a member of one sees of the consults on its list.

A meeting is for the coordinators of its establishment and for its members; who asked sees that their own case is on a
list, and nothing of the others. A member answers for each case on the list as a specialist of the service does before
anybody has accepted: until a week after the meeting, while they are a member and the case stands on the list. They sit
in a case's room from when it is called.
"""

from typing import Final

from migrations.acting import HOUSE, ME, all_of, any_of, treats
from migrations.walls import COORDINATES, OF_HOUSE, Wall, shown
from migrations.walls import FIRST as _FIRST

_RUNS: Final = "runs_meeting(meeting_id)"
_APPOINTMENT: Final = _FIRST["appointment"]
_OWN_TIME: Final = all_of(COORDINATES, "appointment.service_request_id is null", f"appointment.created_by_id = {ME}")

MEETINGS: Final = """
create function sees_meeting(meeting uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from meeting held
      where held.id = sees_meeting.meeting and (
        acting_code() = 'coordinator' and held.organization_id = acting_house()
        or exists (
          select from meeting_member member
          where member.meeting_id = held.id and member.practitioner_role_id = acting_role())));
  end;
create function runs_meeting(meeting uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from meeting held
      where held.id = runs_meeting.meeting and (
        acting_code() = 'coordinator' and held.organization_id = acting_house()
        or held.chair_role_id = acting_role()));
  end;
create function is_time_of_meeting(appointment uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from meeting held where held.appointment_id = is_time_of_meeting.appointment and sees_meeting(held.id));
  end;
create function meets_over(role uuid, consult uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from meeting_case listed
        join meeting held on held.id = listed.meeting_id
        join appointment planned on planned.id = held.appointment_id
        join appointment turn on turn.id = listed.appointment_id
        join meeting_member member on member.meeting_id = held.id
      where listed.service_request_id = meets_over.consult and listed.status in ('listed', 'called', 'discussed')
        and member.practitioner_role_id = meets_over.role
        and planned.status <> 'cancelled' and turn.status <> 'cancelled'
        and planned.ends_at > now() - interval '7 days');
  end;
create function sits_over(role uuid, consult uuid) returns boolean language sql stable strict security definer
  begin atomic
    select meets_over(sits_over.role, sits_over.consult) and exists (
      select from meeting_case listed
      where listed.service_request_id = sits_over.consult and listed.status in ('called', 'discussed'));
  end;
"""

ANSWERS: Final = """
create or replace function answers(role uuid, consult uuid) returns boolean
language sql stable strict security definer
  begin atomic
    select exists (
      select from task
      where task.service_request_id = answers.consult and (
        task.owner_role_id = answers.role and task.status <> 'rejected'
        or task.owner_role_id is null and task.status in ('requested', 'received', 'on-hold') and exists (
          select from practitioner_role specialist
            join healthcare_service service using (organization_id, specialty)
          where specialist.id = answers.role and service.id = task.service_id)))
      or meets_over(answers.role, answers.consult);
  end;
"""

SEATS: Final = f"""
create or replace function sits_in(encounter uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from encounter_participant seat
        join encounter session on session.id = seat.encounter_id
        join service_request asked on asked.id = session.service_request_id
      where seat.encounter_id = sits_in.encounter and seat.practitioner_role_id = {ME}
        and (asked.requester_role_id = {ME} and {treats("asked.patient_id")}
          or sits_over({ME}, asked.id)
          or exists (
            select from task
            where task.service_request_id = asked.id and task.owner_role_id = {ME} and task.status <> 'rejected'))
        and exists (
          select from consent where consent.service_request_id = asked.id and consent.status = 'active'))
      or exists (
        select from acting_guest guest
        where guest.encounter_id = sits_in.encounter and guest.admitted_at is not null);
  end;
"""

STATEMENTS: Final = (MEETINGS, ANSWERS, SEATS)

WALLS: Final = {
    "meeting": Wall(
        read=any_of("sees_meeting(id)", all_of(COORDINATES, OF_HOUSE)),
        add=all_of(COORDINATES, OF_HOUSE, f"created_by_id = {ME}", "service_id in (select acting_services())"),
        change=any_of(all_of(COORDINATES, OF_HOUSE), f"chair_role_id = {ME}"),
        become=any_of(all_of(COORDINATES, OF_HOUSE), f"chair_role_id = {ME}"),
    ),
    "meeting_member": Wall(
        read="sees_meeting(meeting_id)",
        add=all_of(
            COORDINATES,
            _RUNS,
            f"""exists (
              select from practitioner_role member
              where member.id = practitioner_role_id and member.organization_id = {HOUSE}
                and member.code = 'specialist')""",
        ),
        change=_RUNS,
        remove=all_of(COORDINATES, _RUNS),
    ),
    "meeting_case": Wall(
        read=any_of("sees_meeting(meeting_id)", f"asks({ME}, service_request_id)"),
        add=all_of(COORDINATES, _RUNS, shown("service_request", "asked", by="meeting_case.service_request_id")),
        change=_RUNS,
    ),
    # The time of a meeting is nobody's consult.
    "appointment": Wall(
        read=any_of(_APPOINTMENT.read or "", "service_request_id is null and is_time_of_meeting(id)", _OWN_TIME),
        add=any_of(_APPOINTMENT.add or "", _OWN_TIME),
        change=any_of(_APPOINTMENT.change or "", "service_request_id is null and is_time_of_meeting(id)"),
    ),
}

RAISED_ANEW: Final = ("appointment",)

WRITTEN_ONCE: Final = {
    "meeting": ("service_id", "organization_id", "appointment_id", "created_by_id"),
    "meeting_member": ("meeting_id", "practitioner_role_id"),
    "meeting_case": ("meeting_id", "service_request_id", "appointment_id"),
}
