"""Whether two patients are one person: what speaks for it and against it, and who has to say so.

The same number of the same authority, and traits that agree, are the same person. A number alone, or traits alone,
never are: then a person compares.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import Boolean, Uuid, column, exists, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import NotFound
from teleconsult.patients.identities import KnownIdentity
from teleconsult.patients.linking import add_link, check_reason
from teleconsult.patients.links import CaseKind, IdentityCase, LinkBasis, PatientLink
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.names import fold, fold_number
from teleconsult.patients.queries import patient_to_identify


class Sign(StrEnum):
    """What speaks for one person, or against it."""

    SAME_NUMBER = "same-number"
    OTHER_NUMBER = "other-number"
    SAME_NAME = "same-name"
    SWAPPED_NAME = "swapped-name"
    USED_NAME = "used-name"
    SAME_FAMILY = "same-family"
    SAME_GIVEN = "same-given"
    OTHER_NAME = "other-name"
    SAME_BIRTH_DATE = "same-birth-date"
    NEAR_BIRTH_DATE = "near-birth-date"
    OTHER_BIRTH_DATE = "other-birth-date"
    SAME_BIRTH_PLACE = "same-birth-place"
    OTHER_BIRTH_PLACE = "other-birth-place"
    OTHER_GENDER = "other-gender"
    SAME_PHONE = "same-phone"


class Verdict(StrEnum):
    """What follows from the signs."""

    SAME = "same"
    ASK_NUMBER = "ask-number"
    ASK_TRAITS = "ask-traits"
    PERHAPS = "perhaps"


WEIGHTS: Final = {
    Sign.SAME_NUMBER: 100,
    Sign.OTHER_NUMBER: -40,
    Sign.SAME_NAME: 40,
    Sign.SWAPPED_NAME: 35,
    Sign.USED_NAME: 35,
    Sign.SAME_FAMILY: 15,
    Sign.SAME_GIVEN: 15,
    Sign.OTHER_NAME: -30,
    Sign.SAME_BIRTH_DATE: 30,
    Sign.NEAR_BIRTH_DATE: 15,
    Sign.OTHER_BIRTH_DATE: -30,
    Sign.SAME_BIRTH_PLACE: 10,
    Sign.OTHER_BIRTH_PLACE: -10,
    Sign.OTHER_GENDER: -20,
    Sign.SAME_PHONE: 10,
}
"""Only to rank candidates: no sum of traits links anybody."""
LEAST: Final = 25
_NAMED: Final = {Sign.SAME_NAME, Sign.USED_NAME, Sign.SWAPPED_NAME}
_AGAINST: Final = {
    *(Sign.OTHER_NAME, Sign.SAME_FAMILY, Sign.SAME_GIVEN, Sign.NEAR_BIRTH_DATE, Sign.OTHER_BIRTH_DATE),
    *(Sign.OTHER_GENDER, Sign.OTHER_BIRTH_PLACE),
}
_KINDS: Final = {
    Verdict.SAME: CaseKind.SAME_NUMBER,
    Verdict.ASK_NUMBER: CaseKind.SAME_NUMBER,
    Verdict.ASK_TRAITS: CaseKind.SAME_TRAITS,
}
_COLUMNS: Final = (
    column("id", Uuid),
    *(column(name, Boolean) for name in ("same_number", "is_qualified", "other_number", "was_undone")),
    column("identity", JSONB),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who may be the same person, and why."""

    identity: KnownIdentity
    signs: tuple[Sign, ...]
    is_qualified: bool = False
    """The number that both carry was checked, at one side at least."""
    was_undone: bool = False
    """Somebody parted the two before: the program links them no more."""

    @property
    def score(self) -> int:
        """How near the two are; only good for an order."""
        return sum(WEIGHTS[sign] for sign in self.signs)

    @property
    def verdict(self) -> Verdict:
        """Whether they are one person, or who has to say so."""
        signs = set(self.signs)
        agree = signs & _NAMED and Sign.SAME_BIRTH_DATE in signs
        if Sign.SAME_NUMBER in signs:
            is_same = agree or (self.is_qualified and not signs & _AGAINST)
            return Verdict.SAME if is_same and not self.was_undone else Verdict.ASK_NUMBER
        return Verdict.ASK_TRAITS if agree and Sign.OTHER_NUMBER in signs else Verdict.PERHAPS


def signs_of(one: Patient, other: KnownIdentity) -> Iterator[Sign]:
    """What the traits of two patients say; what one of them leaves open says nothing."""
    yield _name_sign(one, other)
    if one.birth_date and other.birth_date:
        yield _birth_sign(one.birth_date, other.birth_date)
    if one.birth_place and other.birth_place:
        is_same = fold(one.birth_place) == fold(other.birth_place)
        yield Sign.SAME_BIRTH_PLACE if is_same else Sign.OTHER_BIRTH_PLACE
    if one.gender != other.gender and AdministrativeGender.UNKNOWN not in (one.gender, other.gender):
        yield Sign.OTHER_GENDER
    if len(fold_number(one.phone)) >= 7 and fold_number(one.phone)[-7:] == fold_number(other.phone)[-7:]:
        yield Sign.SAME_PHONE


async def candidates_for(session: AsyncSession, actor: Actor, patient: Patient) -> list[Candidate]:
    """Who may be the same person as a patient of the actor's establishment, the nearest first.

    Never those who are one person with them already, or who were decided to be two people. Raises NotFound for who
    registers nobody.
    """
    require(actor, Permission.PATIENT_REGISTER)
    await session.flush()
    found = await session.execute(select(func.identity_candidates(patient.id).table_valued(*_COLUMNS)))
    candidates = []
    for row in found.mappings():
        identity = KnownIdentity.read(row["identity"])
        if identity.person_id == patient.person_id:
            continue
        numbers = [Sign.SAME_NUMBER] if row["same_number"] else [Sign.OTHER_NUMBER] if row["other_number"] else []
        signs = (*numbers, *signs_of(patient, identity))
        candidates.append(Candidate(identity, signs, row["is_qualified"], row["was_undone"]))
    likely = [one for one in candidates if one.score >= LEAST or Sign.SAME_NUMBER in one.signs]
    return sorted(likely, key=lambda one: -one.score)


async def show_candidates(session: AsyncSession, actor: Actor, patient: Patient) -> list[Candidate]:
    """The same, to somebody's eyes: each establishment finds in its log who saw its patients. Raises as above."""
    candidates = await candidates_for(session, actor, patient)
    for one in candidates:
        if one.identity.organization_id != patient.organization_id:
            audit.record(session, actor, "identities-compared", patient, patient_id=one.identity.patient_id)
    return candidates


async def match_identity(
    session: AsyncSession, actor: Actor, patient: Patient, *, is_someone_else: bool = False
) -> None:
    """Link the patient to whom they are beyond doubt, and let people compare the others that need it.

    Who says that it `is_someone_else` than the patients of the house has the last word only once people compared.
    """
    for one in await candidates_for(session, actor, patient):
        is_denied = is_someone_else and one.identity.organization_id == patient.organization_id
        if one.verdict is Verdict.SAME and not is_denied:
            await add_link(
                session,
                actor,
                patient_id=patient.id,
                other_id=one.identity.patient_id,
                basis=LinkBasis.NUMBER,
                evidence=one.signs,
            )
        elif kind := _KINDS.get(one.verdict):
            await _ask(session, actor, patient, one, kind)


async def is_to_compare(session: AsyncSession, patient: Patient) -> bool:
    """Whether somebody of the house still has to say whether this patient is another one, too."""
    waiting = exists().where(
        IdentityCase.organization_id == patient.organization_id,
        IdentityCase.patient_id == patient.id,
        IdentityCase.decision.is_(None),
    )
    return bool(await session.scalar(select(waiting)))


async def link_patients(
    session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID, other_id: uuid.UUID, reason: str
) -> PatientLink:
    """Say that a patient is the same person as one of their candidates.

    Raises NotFound and Forbidden as `patient_to_identify` does, NotFound for who is no candidate, Invalid on `reason`.
    """
    patient = await patient_to_identify(session, actor, patient_id)
    check_reason(reason)
    found = [one for one in await candidates_for(session, actor, patient) if one.identity.patient_id == other_id]
    if not found:
        raise NotFound
    return await add_link(
        session,
        actor,
        patient_id=patient.id,
        other_id=other_id,
        basis=LinkBasis.DECISION,
        evidence=found[0].signs,
        reason=reason,
    )


async def _ask(session: AsyncSession, actor: Actor, patient: Patient, one: Candidate, kind: CaseKind) -> None:
    """A pair is asked about once, by whichever side finds it first."""
    case_id = uuid.uuid4()
    written = await session.execute(
        insert(IdentityCase)
        .values(
            id=case_id,
            organization_id=patient.organization_id,
            patient_id=patient.id,
            other_id=one.identity.patient_id,
            kind=kind,
            evidence=list(one.signs),
            found_at=now(),
        )
        .on_conflict_do_nothing()
    )
    if written.rowcount:  # type: ignore[attr-defined]  # an insert's result is a cursor's
        audit.record(session, actor, "identity-questioned", patient, patient_id=patient.id, kind=kind)


def _name_sign(one: Patient, other: KnownIdentity) -> Sign:
    family, given, used = fold(one.family), fold(one.given), fold(one.used_name)
    their_family, their_given, their_used = fold(other.family), fold(other.given), fold(other.used_name)
    is_given = given.split()[:1] == their_given.split()[:1]
    if family == their_family:
        return Sign.SAME_NAME if is_given else Sign.SAME_FAMILY
    if is_given and ((used and used in (their_family, their_used)) or their_used == family):
        return Sign.USED_NAME
    if (family, given) == (their_given, their_family):
        return Sign.SWAPPED_NAME
    return Sign.SAME_GIVEN if is_given else Sign.OTHER_NAME


def _birth_sign(one: date, other: date) -> Sign:
    if one == other:
        return Sign.SAME_BIRTH_DATE
    parts, theirs = (one.year, one.month, one.day), (other.year, other.month, other.day)
    is_near = sum(mine == its for mine, its in zip(parts, theirs, strict=True)) == 2
    is_swapped = parts == (theirs[0], theirs[2], theirs[1])
    return Sign.NEAR_BIRTH_DATE if is_near or is_swapped else Sign.OTHER_BIRTH_DATE
