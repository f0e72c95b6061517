"""The work list of pairs to compare."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import act_as
from teleconsult.directory.models import RoleCode
from teleconsult.errors import Invalid, NotFound, Refused, StepUpNeeded
from teleconsult.patients.comparing import comparison_for, comparisons, decide_case, waiting_count
from teleconsult.patients.linking import undo_link
from teleconsult.patients.links import CaseDecision, LinkBasis, PatientLink
from teleconsult.patients.matching import candidates_for, link_patients, match_identity
from teleconsult.patients.models import Patient
from tests.people import Cast, another_person
from tests.teleconsult.patients.steps import fresh, provincial_doctor, registered

LUC = "GAGL80050211"
WHY = "Seen with their card."


@pytest.fixture
async def administrator(db: AsyncSession, cast: Cast) -> Actor:
    """Of the rural centre."""
    return await another_person(db, cast, "rural", RoleCode.ADMINISTRATOR)


@pytest.fixture
async def pair(db: AsyncSession, cast: Cast, administrator: Actor) -> tuple[Patient, Patient]:
    """The same number here and at the provincial hospital, under two names."""
    elsewhere = await registered(db, await provincial_doctor(db, cast), national_id=LUC)
    return await registered(db, cast.rural, family="Roy", national_id=LUC), elsewhere


async def test_both_identities_stand_side_by_side(
    db: AsyncSession, cast: Cast, pair: tuple[Patient, Patient], administrator: Actor
) -> None:
    for actor in (cast.secretary, administrator):
        await db.flush()
        await act_as(db, actor)
        [waiting] = await comparisons(db, actor)
        seen = await comparison_for(db, actor, waiting.case.id)
        assert (seen.patient.name, seen.other.name) == ("ROY Luc", "GAGNÉ Luc")
        assert seen.other.organization == "Hôpital de la Côte"
        assert not seen.is_of_one_house


async def test_who_decides_nothing_sees_none(db: AsyncSession, cast: Cast, pair: tuple[Patient, Patient]) -> None:
    [waiting] = await comparisons(db, cast.secretary)
    for actor in (cast.rural, cast.nurse, cast.coordinator, cast.stranger):
        with pytest.raises(NotFound):
            await comparisons(db, actor)
        with pytest.raises(NotFound):
            await decide_case(db, actor, case_id=waiting.case.id, decision="two-people", note=WHY)
    assert await comparisons(db, cast.admin) == []
    with pytest.raises(NotFound):
        await comparison_for(db, cast.admin, waiting.case.id)


async def test_one_person_is_linked_by_who_decides(
    db: AsyncSession, cast: Cast, pair: tuple[Patient, Patient], administrator: Actor
) -> None:
    here, elsewhere = pair
    await db.flush()
    await act_as(db, administrator)
    [waiting] = await comparisons(db, administrator)
    case = await decide_case(db, administrator, case_id=waiting.case.id, decision="same-person", note=WHY)
    assert (case.decision, case.decided_by_id) == (CaseDecision.SAME_PERSON, administrator.role_id)
    await act_as(db, cast.secretary)
    [link] = await db.scalars(select(PatientLink))
    assert (link.basis, link.reason, link.evidence) == (LinkBasis.DECISION, WHY, case.evidence)
    person = await db.scalar(select(Patient.person_id).where(Patient.id == here.id))
    assert person == elsewhere.own_person_id
    assert await comparisons(db, cast.secretary) == []
    [decided] = await comparisons(db, cast.secretary, decided=True)
    assert decided.patient.family == "Roy"


async def test_two_people_are_not_asked_about_again(
    db: AsyncSession, cast: Cast, pair: tuple[Patient, Patient]
) -> None:
    here, elsewhere = pair
    [waiting] = await comparisons(db, cast.secretary)
    case = await decide_case(db, cast.secretary, case_id=waiting.case.id, decision="two-people", note=WHY)
    here.family, here.family_folded = "Gagné", "gagne"
    await match_identity(db, cast.rural, here)
    assert await candidates_for(db, cast.rural, here) == []
    assert await comparisons(db, cast.secretary) == []
    assert here.person_id != elsewhere.person_id
    assert case.identities["patient"]["family"] == "Roy", "as it was when it was decided"
    acts = list(await db.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == case.id)))
    assert acts == ["identities-decided"]


async def test_it_is_decided_once_and_with_a_reason(
    db: AsyncSession, cast: Cast, pair: tuple[Patient, Patient]
) -> None:
    [waiting] = await comparisons(db, cast.secretary)
    case_id = waiting.case.id
    for decision, note in (("", WHY), ("maybe", WHY), ("two-people", " ")):
        with pytest.raises(Invalid):
            await decide_case(db, cast.secretary, case_id=case_id, decision=decision, note=note)
    await decide_case(db, cast.secretary, case_id=case_id, decision="two-people", note=WHY)
    with pytest.raises(Refused):
        await decide_case(db, cast.secretary, case_id=case_id, decision="same-person", note=WHY)


async def test_who_was_registered_twice_here_is_merged(db: AsyncSession, cast: Cast) -> None:
    first = await registered(db, cast.rural, national_id=LUC)
    second = await registered(db, cast.rural, family="Roy", national_id=LUC)
    [waiting] = await comparisons(db, cast.secretary)
    assert waiting.is_of_one_house
    said = {"case_id": waiting.case.id, "decision": "same-person", "note": WHY}
    with pytest.raises(StepUpNeeded):
        await decide_case(db, cast.secretary, **said, kept_id=first.id)
    for kept_id in (None, cast.patient.id):
        with pytest.raises(Invalid):
            await decide_case(db, fresh(cast.secretary), **said, kept_id=kept_id)
    await decide_case(db, fresh(cast.secretary), **said, kept_id=first.id)
    [link] = await db.scalars(select(PatientLink))
    assert (link.basis, link.patient_id, link.other_id) == (LinkBasis.MERGE, second.id, first.id)


async def test_who_was_linked_meanwhile_waits_no_more(
    db: AsyncSession, cast: Cast, pair: tuple[Patient, Patient]
) -> None:
    here, elsewhere = pair
    link = await link_patients(db, cast.rural, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
    assert await comparisons(db, cast.secretary) == []
    await undo_link(db, cast.rural, link_id=link.id, reason=WHY)
    assert len(await comparisons(db, cast.secretary)) == 1


async def test_the_count_is_what_the_list_shows(
    db: AsyncSession, cast: Cast, pair: tuple[Patient, Patient], administrator: Actor
) -> None:
    for actor, count in ((cast.secretary, 1), (administrator, 1), (cast.admin, 0), (cast.rural, 0)):
        await db.flush()
        await act_as(db, actor)
        assert await waiting_count(db, actor) == count
    await act_as(db, cast.secretary)
    assert len(await comparisons(db, cast.secretary)) == 1
    here, elsewhere = pair
    await link_patients(db, cast.secretary, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
    assert await comparisons(db, cast.secretary) == [], "linked meanwhile"
    assert await waiting_count(db, cast.secretary) == 0
