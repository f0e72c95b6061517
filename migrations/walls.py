"""The second wall: row-level security, forced on every table that speaks of a person.

The first wall is `teleconsult.access.rows`; this one says the same a second time, by itself, in SQL. Where a query
forgets who asks, the database shows and changes nothing. Here is, for each table, which rows the acting role may
read, add, change and remove. The system (jobs, looking up who signs in) may do all that the app's role has a right to;
nobody may do nothing. What the words mean stands in `migrations.acting`; what stands today, in `migrations.standing`.

Tables are named in full before a column: inside a condition another table has columns of the same name.
"""

from dataclasses import dataclass
from typing import Final

from migrations.acting import (
    ACCOUNT,
    CODE,
    GUEST,
    HOUSE,
    ME,
    READER,
    TREATING,
    acts_as,
    all_of,
    any_of,
    reads_file,
    sees_consult,
    treats,
)
from migrations.rules import APP_ROLE

ANYBODY: Final = f"{ME} is not null"
IS_GUEST: Final = f"{GUEST} is not null"
MINE: Final = f"practitioner_role_id = {ME}"
OWN_ACCOUNT: Final = f"account_id = {ACCOUNT}"
OF_HOUSE: Final = f"organization_id = {HOUSE}"
TREATS: Final = f"{CODE} in ({TREATING})"
REGISTERS: Final = f"{CODE} in ({TREATING}, 'secretary')"
RECEIVES: Final = acts_as("secretary")
COORDINATES: Final = acts_as("coordinator")
ADMINISTERS: Final = acts_as("administrator")
OPERATES: Final = acts_as("operator")
GUARDS_PRIVACY: Final = acts_as("privacy-officer")
CHECKS: Final = acts_as("administrator", "operator", "privacy-officer")


@dataclass(frozen=True, slots=True)
class Wall:
    """Conditions on a row, besides the system's. None: nobody else may.

    `change` says which rows may be locked and changed, `become` what they must be afterwards.
    """

    read: str | None = None
    add: str | None = None
    change: str | None = None
    become: str | None = None
    remove: str | None = None


def shown(table: str, row: str, *, by: str) -> str:
    """A row of another table, as far as its own wall shows it: `by` is the column that names it."""
    return f"exists (select from {table} {row} where {row}.id = {by})"


_MANAGED: Final = all_of(ADMINISTERS, OF_HOUSE)
_RULED: Final = Wall(read=_MANAGED, add=_MANAGED, change=_MANAGED, remove=_MANAGED)
"""What an administrator sets for their own establishment."""
_IN_IMPORT: Final = shown("directory_import", "whole", by="directory_difference.import_id")
_ROSTER: Final = all_of(acts_as("coordinator", "administrator"), "duty_shift.service_id in (select acting_services())")

DIRECTORY: Final = {
    "organization": Wall(
        read=ANYBODY,
        add=OPERATES,
        change=any_of(OPERATES, all_of(ADMINISTERS, f"id = {HOUSE}")),
    ),
    "practitioner": Wall(
        read=any_of(
            ANYBODY,
            all_of(
                IS_GUEST, "exists (select from practitioner_role role where role.practitioner_id = practitioner.id)"
            ),
        ),
        add=any_of(ADMINISTERS, OPERATES),
        change=any_of(OPERATES, all_of(ADMINISTERS, "works_here(id)")),
    ),
    # Whoever may make an operator is one.
    "practitioner_role": Wall(
        read=any_of(ANYBODY, all_of(IS_GUEST, "meets(id)")),
        add=any_of(OPERATES, all_of(ADMINISTERS, OF_HOUSE, "code <> 'operator'")),
        change=any_of(OPERATES, all_of(ADMINISTERS, OF_HOUSE, "code <> 'operator'")),
    ),
    "healthcare_service": Wall(read=ANYBODY, add=_MANAGED, change=_MANAGED),
    "duty_shift": Wall(read=ANYBODY, add=_ROSTER, change=_ROSTER, remove=_ROSTER),
    "endpoint": _RULED,
    "retention_rule": _RULED,
    "directory_import": _RULED,
    "directory_difference": Wall(read=_IN_IMPORT, add=_IN_IMPORT, change=_IN_IMPORT),
}

_OWN: Final = Wall(read=OWN_ACCOUNT, add=OWN_ACCOUNT, change=OWN_ACCOUNT, remove=OWN_ACCOUNT)
_WORKS_HERE: Final = any_of(all_of(ADMINISTERS, "works_here(account.practitioner_id)"), OPERATES)


def _in_role_here(table: str) -> str:
    role = "exists (select from practitioner_role role where role.id = {} and role.organization_id = {})"
    return any_of(OWN_ACCOUNT, all_of(ADMINISTERS, role.format(f"{table}.practitioner_role_id", HOUSE)))


ACCOUNTS: Final = {
    "account": Wall(
        read=any_of(f"account.id = {ACCOUNT}", _WORKS_HERE),
        add=any_of(ADMINISTERS, OPERATES),
        change=any_of(f"account.id = {ACCOUNT}", _WORKS_HERE),
    ),
    "web_session": Wall(
        read=any_of(_in_role_here("web_session"), OPERATES), add=OWN_ACCOUNT, change=_in_role_here("web_session")
    ),
    "issued_token": Wall(
        read=_in_role_here("issued_token"), add=_in_role_here("issued_token"), change=_in_role_here("issued_token")
    ),
    "totp": _OWN,
    "recovery_code": _OWN,
    "passkey": _OWN,
    "federated_identity": _OWN,
    "one_time_secret": _OWN,
    "sign_in_attempt": Wall(),
    "token_key": Wall(read=OPERATES, add=OPERATES, change=OPERATES),
    "signing_key": Wall(read="practitioner_id = (select acting_practitioner())"),
}

BROUGHT_ENTRY: Final = f"source_id is not null and brings_for({ME}, source_id, patient_id)"

PATIENTS: Final = {
    # It holds nothing but that two patients are the same; `same_person` finds it for who registers.
    "person": Wall(add=REGISTERS),
    "patient": Wall(
        read=any_of(
            all_of(any_of(REGISTERS, GUARDS_PRIVACY), OF_HOUSE),
            f"opens_file({READER}, id)",
            "exists (select from service_request asked where asked.patient_id = patient.id)",
        ),
        add=all_of(REGISTERS, OF_HOUSE),
        change=all_of(OF_HOUSE, any_of(RECEIVES, treats("patient.id"))),
    ),
    "patient_identifier": Wall(
        read=any_of(
            all_of(REGISTERS, f"house_of(patient_id) = {HOUSE}"),
            "exists (select from service_request asked where asked.patient_id = patient_identifier.patient_id)",
        ),
        add=all_of(REGISTERS, f"house_of(patient_id) = {HOUSE}"),
    ),
    "identity_change": Wall(
        read=all_of(REGISTERS, f"house_of(patient_id) = {HOUSE}"),
        add=all_of(
            f"changed_by_id = {ME}",
            any_of(all_of(RECEIVES, f"house_of(patient_id) = {HOUSE}"), treats("identity_change.patient_id")),
        ),
    ),
    "care_relation": Wall(
        read=any_of(MINE, all_of(GUARDS_PRIVACY, f"house_of(patient_id) = {HOUSE}")),
        add=all_of(TREATS, MINE, f"house_of(patient_id) = {HOUSE}"),
        change=MINE,
    ),
    "break_glass": Wall(
        read=any_of(MINE, all_of(GUARDS_PRIVACY, OF_HOUSE)),
        # An hour, and a few minutes for clocks that differ.
        add=all_of(
            TREATS, MINE, "organization_id = house_of(patient_id)", "expires_at < now() + interval '65 minutes'"
        ),
        change=any_of(MINE, all_of(GUARDS_PRIVACY, OF_HOUSE)),
        become=any_of(all_of(MINE, "ended_at is not null"), all_of(GUARDS_PRIVACY, OF_HOUSE)),
    ),
    # Who broke the glass reads and no more: what is added and changed wants a care relation.
    "record_entry": Wall(
        read=any_of(reads_file("record_entry.patient_id"), BROUGHT_ENTRY),
        add=any_of(treats("record_entry.patient_id"), BROUGHT_ENTRY),
        change=any_of(treats("record_entry.patient_id"), BROUGHT_ENTRY),
    ),
}


def _seen(table: str) -> str:
    return shown("service_request", "asked", by=f"{table}.service_request_id")


def _has_part(table: str) -> str:
    """Everybody who sees the consult but secretaries: to them the agenda tells when it is, and no more."""
    return all_of(f"{CODE} <> 'secretary'", _seen(table))


_ASKED: Final = f"asks({ME}, service_request_id)"
_ANSWERED: Final = "has_answered(service_request_id)"
_ASKED_WITH: Final = f"asks_with({ME}, excerpt_id)"
_OPEN_EXCERPT: Final = f"reads_excerpt({READER}, excerpt_id)"

CONSULTS: Final = {
    "service_request": Wall(
        read=sees_consult("service_request"),
        add=all_of(
            f"requester_role_id = {ME}", f"requester_organization_id = {HOUSE}", treats("service_request.patient_id")
        ),
        # Who may lock a consult need not be one who may change it.
        change=sees_consult("service_request"),
        become=any_of(
            f"requester_role_id = {ME}",
            acts_as("coordinator", "specialist"),
            all_of(f"requester_organization_id = {HOUSE}", treats("service_request.patient_id")),
        ),
    ),
    "consent": Wall(
        read=any_of(_has_part("consent"), treats("consent.patient_id")),
        add=all_of(f"recorded_by_id = {ME}", _ASKED),
        change=any_of(_ASKED, treats("consent.patient_id")),
    ),
    "task": Wall(
        read=_seen("task"),
        add=all_of("owner_role_id is null", any_of(_ASKED, _ANSWERED)),
        change=_has_part("task"),
    ),
    "appointment": Wall(
        read=any_of(
            _seen("appointment"),
            all_of(IS_GUEST, "exists (select from encounter session where session.appointment_id = appointment.id)"),
        ),
        add=all_of(COORDINATES, _seen("appointment")),
        change=_has_part("appointment"),
    ),
    "encounter": Wall(
        read=any_of("encounter.id = (select acting_encounter())", _seen("encounter")),
        add=all_of(COORDINATES, _seen("encounter")),
        change=_has_part("encounter"),
    ),
    "encounter_participant": Wall(
        read=shown("encounter", "session", by="encounter_participant.encounter_id"),
        add=any_of(
            all_of(COORDINATES, shown("encounter", "session", by="encounter_participant.encounter_id")),
            all_of("guest_pass_id is not null", ANYBODY, "sits_in(encounter_id)"),
        ),
        change=any_of(MINE, f"guest_pass_id = {GUEST}"),
    ),
    "guest_pass": Wall(
        read=any_of(f"id = {GUEST}", "sits_in(encounter_id)"),
        add=all_of(f"created_by_id = {ME}", "sits_in(encounter_id)"),
        change=all_of(ANYBODY, "sits_in(encounter_id)"),
    ),
    "chat_message": Wall(
        read=all_of("sits_in(encounter_id)", f"not ({IS_GUEST}) or sent_at >= (select acting_since())"),
        add=all_of("sits_in(encounter_id)", "is_own_seat(participant_id)"),
    ),
    # What the row says of the patient is what the consult says; the entries are another matter. Until when it is shared
    # is for the side that shares it to say, and for who calls the consult off.
    "excerpt": Wall(
        read=_has_part("excerpt"),
        add=_ASKED,
        change=all_of(acts_as("doctor", "nurse", "coordinator"), _seen("excerpt")),
    ),
    "excerpt_item": Wall(read=_OPEN_EXCERPT, add=_ASKED_WITH),
    "excerpt_study": Wall(
        read=any_of(_ASKED_WITH, _OPEN_EXCERPT),
        add=_ASKED_WITH,
    ),
    "excerpt_read": Wall(
        read=any_of(MINE, _ASKED_WITH),
        add=all_of(MINE, _OPEN_EXCERPT),
    ),
    "composition": Wall(
        read=any_of(
            all_of(f"author_role_id = {ME}", any_of("status <> 'preliminary'", _seen("composition"))),
            all_of(
                "status <> 'preliminary'",
                any_of(_ASKED, reads_file("composition.patient_id")),
            ),
        ),
        add=all_of(f"author_role_id = {ME}", _ANSWERED),
        change=f"author_role_id = {ME}",
    ),
    "delivery": Wall(
        read=shown("composition", "note", by="delivery.composition_id"),
        add=f"exists (select from composition note where note.id = composition_id and note.author_role_id = {ME})",
    ),
}

_BROUGHT: Final = f"""{OF_HOUSE} and exists (
    select from service_request asked
    where asked.id = imaging_study.service_request_id and asked.patient_id = imaging_study.patient_id
      and asked.requester_role_id = {ME})"""
_IN_STUDY: Final = shown("imaging_study", "study", by="imaging_series.imaging_study_id")
_IN_SERIES: Final = shown("imaging_series", "series", by="imaging_instance.imaging_series_id")

IMAGING: Final = {
    "imaging_study": Wall(
        read=any_of(
            treats("imaging_study.patient_id"),
            f"is_shown({READER}, id)",
            f"opens_file({READER}, patient_id)",
            _ASKED,
        ),
        add=_BROUGHT,
        change=all_of(OF_HOUSE, any_of(_ASKED, treats("imaging_study.patient_id"))),
        become=_BROUGHT,
        remove=_BROUGHT,
    ),
    "imaging_series": Wall(
        read=_IN_STUDY, add=f"brings_to({ME}, imaging_study_id)", remove=f"brings_to({ME}, imaging_study_id)"
    ),
    "imaging_instance": Wall(
        read=_IN_SERIES,
        add=all_of(OF_HOUSE, f"brings_to_series({ME}, imaging_series_id)"),
        remove=f"brings_to_series({ME}, imaging_series_id)",
    ),
}

AUDIT: Final = {
    # The account an act is recorded under is that of who acts.
    "audit_event": Wall(
        read=all_of(GUARDS_PRIVACY, any_of(OF_HOUSE, f"patient_organization_id = {HOUSE}")),
        add=any_of(OWN_ACCOUNT, all_of(IS_GUEST, "account_id is null")),
    ),
    "audit_chain": Wall(),
    # There is one log, and one check of it at a time: whoever asked for it, all who may ask see how far it is.
    "audit_check": Wall(read=CHECKS, add=all_of(CHECKS, f"asked_by_id = {ME}"), change=CHECKS),
}

FIRST: Final = DIRECTORY | ACCOUNTS | PATIENTS | CONSULTS | IMAGING | AUDIT
"""As they were first raised, and never changed here: a later migration raises another wall in the place of one
(`migrations.standing`)."""


def raised(table: str, wall: Wall, *, owner: str) -> list[str]:
    """The statements that put the wall round a table. The owner's own policy lets migrations and functions work."""
    statements = [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy owner on {table} to {owner} using (true) with check (true)",
    ]
    for name, command, using, check in (
        ("read", "select", wall.read, None),
        ("add", "insert", None, wall.add),
        ("change", "update", wall.change, wall.become or wall.change),
        ("remove", "delete", wall.remove, None),
    ):
        clauses = []
        if command != "insert":
            clauses.append(f"using ({_or_system(using)})")
        if command in ("insert", "update"):
            clauses.append(f"with check ({_or_system(check)})")
        statements.append(f"create policy {name} on {table} for {command} to {APP_ROLE} {' '.join(clauses)}")
    return statements


def lowered(table: str) -> list[str]:
    """The statements that take the wall away, for another to be raised in its place."""
    return [f"drop policy {name} on {table}" for name in ("owner", "read", "add", "change", "remove")]


def _or_system(condition: str | None) -> str:
    return "(select acts_as_system())" + (f" or {condition}" if condition else "")
