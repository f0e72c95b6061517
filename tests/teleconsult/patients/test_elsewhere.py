"""Finding a patient of another establishment: by who they exactly are, seldom, and never unseen."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, NotFound, TooMany
from teleconsult.patients.elsewhere import MOST_ASKED, Search, establishments_that_share, seek_elsewhere
from teleconsult.patients.models import AdministrativeGender, Patient, Person
from tests.glass_steps import by_number
from tests.people import Cast

BORN = date(1951, 3, 14)


async def test_by_the_number_of_the_establishment(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, cast.specialist) as session:
        found = await seek_elsewhere(session, cast.specialist, search=by_number(cast.patient))
        assert [(one.id, one.name) for one in found.patients] == [(cast.patient.id, "BÉLANGER Rose")]
        other_house = Search(
            organization_id=cast.patient_elsewhere.organization_id, local_number=cast.patient.local_number
        )
        assert not (await seek_elsewhere(session, cast.specialist, search=other_house)).patients


async def test_by_the_whole_name_and_the_birth_date(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, cast.specialist) as session:
        found = await seek_elsewhere(session, cast.specialist, search=Search(family="belanger", birth_date=BORN))
        assert {one.id for one in found.patients} == {cast.patient.id, cast.patient_elsewhere.id}
        for search in (
            Search(family="Bélang", birth_date=BORN),
            Search(family="Bélanger", birth_date=BORN + timedelta(days=1)),
            Search(family="Rose", birth_date=BORN),
        ):
            assert not (await seek_elsewhere(session, cast.specialist, search=search)).patients


async def test_never_outside_the_network_nor_within_ones_own_house(cast: Cast, sessions: Sessions) -> None:
    stranger = cast.strangers_patient
    for actor, patient in (
        (cast.specialist, stranger),
        (cast.nurse, cast.patient),
        (cast.stranger, cast.patient),
        (cast.nurse_elsewhere, cast.patient),
    ):
        async with transaction(sessions, actor) as session:
            assert not (await seek_elsewhere(session, actor, search=by_number(patient))).patients
    async with transaction(sessions, cast.specialist) as session:
        houses = [house.name for house in await establishments_that_share(session, cast.specialist)]
        assert houses == ["Centre de santé de l’Anse", "Hôpital de la Côte"]
        assert not await establishments_that_share(session, cast.stranger)


@pytest.mark.parametrize("who", ["coordinator", "secretary", "admin", "privacy", "operator"])
async def test_who_treats_nobody_finds_nobody(cast: Cast, sessions: Sessions, who: str) -> None:
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        with pytest.raises(NotFound):
            await seek_elsewhere(session, actor, search=by_number(cast.patient_elsewhere))


@pytest.mark.parametrize(
    ("search", "field"),
    [
        (Search(), ""),
        (Search(local_number="123"), "organization"),
        (Search(family="Bélanger"), "birth_date"),
        (Search(family="!", birth_date=BORN), "family"),
    ],
)
async def test_a_search_names_one_patient(cast: Cast, sessions: Sessions, search: Search, field: str) -> None:
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(Invalid) as caught:
            await seek_elsewhere(session, cast.specialist, search=search)
        assert set(caught.value.fields) == {field}


async def test_many_are_not_shown(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        for number in range(6):
            person = Person(created_at=now())
            session.add(person)
            await session.flush()
            session.add(
                Patient(
                    organization_id=cast.patient.organization_id,
                    person_id=person.id,
                    local_number=f"N{number}",
                    family="Roy",
                    given=f"Luc {number}",
                    family_folded="roy",
                    given_folded=f"luc {number}",
                    birth_date=BORN,
                    gender=AdministrativeGender.MALE,
                    created_at=now(),
                    updated_at=now(),
                )
            )
    async with transaction(sessions, cast.specialist) as session:
        found = await seek_elsewhere(session, cast.specialist, search=Search(family="Roy", birth_date=BORN))
        assert found.is_cut
        assert not found.patients


async def test_each_search_is_kept_and_there_are_few(cast: Cast, sessions: Sessions) -> None:
    search = by_number(cast.patient)
    for turn in range(MOST_ASKED):
        async with transaction(sessions, cast.specialist) as session:
            await seek_elsewhere(session, cast.specialist, search=search if turn else replace(search, local_number="X"))
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(TooMany):
            await seek_elsewhere(session, cast.specialist, search=search)
    async with transaction(sessions) as session:
        kept = await session.scalars(
            select(AuditEvent).where(AuditEvent.action == "patient-sought-elsewhere").order_by(AuditEvent.recorded_at)
        )
        events = kept.all()
    assert len(events) == MOST_ASKED
    assert [event.patient_id for event in events[:2]] == [None, cast.patient.id]
    assert "Rose" not in str([event.detail for event in events])
    async with transaction(sessions, cast.oncall) as session:
        assert (await seek_elsewhere(session, cast.oncall, search=search)).patients, "the allowance is each one's own"
