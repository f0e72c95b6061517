"""The walls round mailboxes: whom an establishment writes to, who must not be written to, and what others sent.

A directory of mailboxes is its establishment's: its administrators change it, all who work anywhere here may look at it
but for what is on the red list. What was received is nobody's until somebody says whose it is: those who work where it
came see it, and the system files it once the app has looked who asks (`teleconsult.received`).
"""

from typing import Final

from migrations.acting import HOUSE as _HOUSE
from migrations.acting import ME, acts_as, all_of, any_of, treats
from migrations.walls import ADMINISTERS, ANYBODY, OF_HOUSE, REGISTERS, Wall, shown

_MANAGED: Final = all_of(ADMINISTERS, OF_HOUSE)
_IN_IMPORT: Final = shown("mailbox_import", "whole", by="mailbox_difference.import_id")
_CHOOSES: Final = all_of(OF_HOUSE, acts_as("administrator", "coordinator", "specialist"))
_SEEN: Final = all_of(
    "(select acting_code()) <> 'secretary'",
    shown("service_request", "asked", by="consult_correspondent.service_request_id"),
)
_SORTS: Final = all_of(OF_HOUSE, any_of(REGISTERS, acts_as("coordinator", "administrator")))


def _known(table: str) -> str:
    """Whose patient it is, and whose consults are about them."""
    return any_of(
        all_of(REGISTERS, f"house_of({table}.patient_id) = {_HOUSE}"),
        f"exists (select from service_request asked where asked.patient_id = {table}.patient_id)",
    )


def _of_house(table: str) -> str:
    return any_of(all_of(REGISTERS, f"house_of({table}.patient_id) = {_HOUSE}"), treats(f"{table}.patient_id"))


STATEMENTS: Final = (
    """
create function has_secure_mailbox(house uuid) returns boolean language sql stable security definer
  begin atomic
    select exists (
      select from endpoint held
      where held.organization_id = has_secure_mailbox.house and held.connection_type = 'secure-mail'
        and held.status = 'active');
  end;
""",
)
"""Who signs sees no Endpoint; whether their establishment can mail is all they need to know."""

WALLS: Final = {
    "mailbox_import": Wall(read=_MANAGED, add=_MANAGED, change=_MANAGED),
    "mailbox": Wall(
        read=any_of(OF_HOUSE, all_of(ANYBODY, "not is_red_listed")),
        add=_MANAGED,
        change=_MANAGED,
    ),
    "mailbox_difference": Wall(read=_IN_IMPORT, add=_IN_IMPORT, change=_IN_IMPORT),
    "mailbox_choice": Wall(read=OF_HOUSE, add=all_of(_CHOOSES, f"decided_by_id = {ME}"), change=_CHOOSES),
    "consult_correspondent": Wall(read=_SEEN, add=all_of(_SEEN, f"recorded_by_id = {ME}"), change=_SEEN),
    "general_practitioner": Wall(
        read=_known("general_practitioner"),
        add=all_of(f"recorded_by_id = {ME}", _of_house("general_practitioner")),
        change=_of_house("general_practitioner"),
    ),
    "opposition": Wall(
        read=_known("opposition"),
        add=all_of(f"recorded_by_id = {ME}", _of_house("opposition")),
        change=_of_house("opposition"),
    ),
    "received_message": Wall(read=_SORTS),
}

WRITTEN_ONCE: Final = {
    "mailbox_import": ("organization_id", "object_key"),
    "mailbox": ("organization_id", "address", "registration_number", "structure_number"),
    "mailbox_difference": ("import_id", "address", "registration_number", "structure_number"),
    "mailbox_choice": ("organization_id", "kind", "subject"),
    "consult_correspondent": ("service_request_id", "registration_number", "structure_number", "address"),
    "general_practitioner": ("patient_id", "registration_number"),
    "opposition": ("patient_id", "opposed_to"),
    "received_message": ("organization_id", "sha256", "object_key"),
}
