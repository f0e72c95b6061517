"""PID: which patient of the sender's establishment is meant, and who they are (HL7 v2.5.1 §3.4.2)."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.errors import Invalid
from teleconsult.hl7v2.reading import MISSING, UNKNOWN_KEY, WRONG_TYPE, Fault, Segment, day_in
from teleconsult.patients.birth_dates import year_in
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.national_ids import read_national_id
from teleconsult.patients.registering import LONGEST, Identity, check_identity

GENDERS: Final = {
    "M": AdministrativeGender.MALE,
    "F": AdministrativeGender.FEMALE,
    "O": AdministrativeGender.OTHER,
    "A": AdministrativeGender.OTHER,
}
"""HL7 table 0001."""
LOCAL: Final = frozenset({"PI", "MR", ""})
"""Kinds of identifier (HL7 table 0203) that can be the establishment's own number."""
NATIONAL: Final = frozenset({"INS", "NI", "JHN", "SS", "HC"})


def local_number(segment: Segment, field: int = 3) -> str:
    """The establishment's own number among PID-3 or MRG-1. Raises Fault where there is none."""
    for repetition in range(1, segment.repetitions(field) + 1):
        value = segment.text(field, repetition=repetition)
        if value and segment.text(field, 5, repetition=repetition) in LOCAL:
            if len(value) > LONGEST:
                raise Fault(WRONG_TYPE, "The number is too long.", where=f"{segment.name}-{field}")
            return value
    raise Fault(MISSING, "The patient has no number of the establishment.", where=f"{segment.name}-{field}")


def identity_in(pid: Segment) -> Identity:
    """What the segment says of the person. Raises Fault where it cannot be anybody."""
    national = next(
        (
            pid.text(3, repetition=number)
            for number in range(1, pid.repetitions(3) + 1)
            if pid.text(3, 5, repetition=number) in NATIONAL
        ),
        "",
    )
    identity = Identity(
        family=pid.text(5),
        given=pid.text(5, 2),
        gender=GENDERS.get(pid.text(8), AdministrativeGender.UNKNOWN),
        birth_date=day_in(pid, 7),
        birth_year=year_in(pid.text(7)),
        phone=pid.text(13, 12) or pid.text(13),
        address=", ".join(part for step in range(1, 7) if (part := pid.text(11, step))),
        local_number=local_number(pid),
        national_id=national if read_national_id(national) else "",
        birth_place=pid.text(23),
    )
    try:
        check_identity(identity)
    except Invalid as error:
        name = next(iter(error.fields))
        where = {"family": "PID-5", "given": "PID-5", "birth_date": "PID-7", "phone": "PID-13", "address": "PID-11"}
        raise Fault(MISSING, error.fields[name], where=where.get(name, "PID-3")) from None
    return identity


async def find_patient(session: AsyncSession, actor: Actor, number: str) -> Patient | None:
    """The patient of the sender's establishment with this number, locked."""
    found: Patient | None = await session.scalar(
        select(Patient)
        .where(Patient.organization_id == actor.organization_id, Patient.local_number == number)
        .with_for_update(of=Patient)
    )
    return found


async def known_patient(session: AsyncSession, actor: Actor, pid: Segment) -> Patient:
    """Whose results these are. Raises Fault for a number that nobody has, or whom another name and birth date fit.

    A number alone is not enough: one wrong digit would put a result into a stranger's file.
    """
    patient = await find_patient(session, actor, local_number(pid))
    if patient is None:
        raise Fault(UNKNOWN_KEY, "No patient of the establishment has this number.", where="PID-3")
    born = day_in(pid, 7)
    if born is not None and patient.birth_date is not None and born != patient.birth_date:
        raise Fault(UNKNOWN_KEY, "The number and the birth date are not of the same patient.", where="PID-7")
    return patient
