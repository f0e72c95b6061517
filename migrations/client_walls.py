"""The walls round systems that come to the FHIR door by themselves, and what they find behind the others.

Such a system acts for the establishment that let it in: on the files of that establishment's own patients, and on
nothing else. What establishments share, they share with people who treat the patient (ADR 13).
"""

from dataclasses import replace
from typing import Final

from migrations import file_walls, identity_walls, walls
from migrations.acting import ME, all_of, any_of
from migrations.walls import ADMINISTERS, OF_HOUSE, Wall

WHO_COMES: Final = """
create view acting_client as
select client.id as client_id, client.organization_id
from fhir_client client
where client.disabled_at is null
  and client.id = case when starts_with(current_setting('teleconsult.acting', true), 'client:')
    then substr(current_setting('teleconsult.acting', true), 8)::uuid end;

create function acting_client_house() returns uuid language sql stable security definer
  begin atomic select organization_id from acting_client; end;
"""
PATIENTS_CALLED: Final = identity_walls.PATIENTS_CALLED.replace(
    "speaks_for(patients_called.house)",
    "(speaks_for(patients_called.house) or patients_called.house = acting_client_house())",
)
"""As before, and for a system of the house."""

CLIENT_HOUSE: Final = "(select acting_client_house())"
_IS_CLIENT: Final = f"{CLIENT_HOUSE} is not null"
_MANAGED: Final = all_of(ADMINISTERS, OF_HOUSE)


def _about_own_patient(table: str) -> str:
    """The row is about a patient of the system's own house. For everybody else it costs no look at the row."""
    return all_of(_IS_CLIENT, f"house_of({table}.patient_id) = {CLIENT_HOUSE}")


def _written_there(table: str) -> str:
    return all_of(_about_own_patient(table), f"{table}.organization_id = {CLIENT_HOUSE}")


_ORGANIZATION: Final = walls.DIRECTORY["organization"]
_PATIENT: Final = walls.PATIENTS["patient"]
_NUMBER: Final = identity_walls.WALLS["patient_identifier"]
_ENTRY: Final = file_walls.WALLS["record_entry"]
_OTHERS_NUMBER: Final = file_walls.WALLS["record_identifier"]
_NOTE: Final = walls.CONSULTS["composition"]
_AUDIT: Final = walls.AUDIT["audit_event"]

WALLS: Final = {
    "fhir_client": Wall(read=_MANAGED, add=all_of(_MANAGED, f"created_by_id = {ME}"), change=_MANAGED),
    "used_assertion": Wall(),
    # As before, and for a system of the house.
    "organization": replace(_ORGANIZATION, read=any_of(str(_ORGANIZATION.read), f"organization.id = {CLIENT_HOUSE}")),
    "patient": replace(_PATIENT, read=any_of(str(_PATIENT.read), f"patient.organization_id = {CLIENT_HOUSE}")),
    "patient_identifier": replace(_NUMBER, read=any_of(str(_NUMBER.read), _about_own_patient("patient_identifier"))),
    # What it may lock it may read; what it leaves behind is its own house's.
    "record_entry": Wall(
        read=any_of(str(_ENTRY.read), _about_own_patient("record_entry")),
        add=any_of(str(_ENTRY.add), all_of(_written_there("record_entry"), "record_entry.author_role_id is null")),
        change=any_of(str(_ENTRY.change), _about_own_patient("record_entry")),
        become=any_of(str(_ENTRY.change), _written_there("record_entry")),
    ),
    "record_identifier": replace(
        _OTHERS_NUMBER,
        add=any_of(
            str(_OTHERS_NUMBER.add),
            all_of(
                _IS_CLIENT,
                f"organization_id = {CLIENT_HOUSE}",
                walls.shown("record_entry", "entry", by="record_identifier.record_entry_id"),
            ),
        ),
    ),
    # What a consult gave back to the file.
    "composition": replace(
        _NOTE,
        read=any_of(str(_NOTE.read), all_of(_about_own_patient("composition"), "composition.status <> 'preliminary'")),
    ),
    "audit_event": replace(
        _AUDIT,
        add=any_of(
            str(_AUDIT.add),
            all_of(
                _IS_CLIENT, f"organization_id = {CLIENT_HOUSE}", "account_id is null", "practitioner_role_id is null"
            ),
        ),
    ),
}
CHANGED: Final = tuple(table for table in WALLS if table not in ("fhir_client", "used_assertion"))

WRITTEN_ONCE: Final = {
    "fhir_client": ("organization_id",),
    "used_assertion": ("fhir_client_id",),
}
