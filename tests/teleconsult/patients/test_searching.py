"""Finding patients of one's own establishment."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.errors import NotFound
from teleconsult.patients import searching
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.registering import Identity, look_alikes, register_patient
from teleconsult.patients.searching import holder_of, patients_in_care, search_patients
from tests.people import Cast
from tests.plans import plan_of


async def register(db: AsyncSession, cast: Cast, family: str, given: str, **traits: Any) -> Patient:
    traits = {"birth_date": date(1980, 5, 2), **traits}
    identity = Identity(family=family, given=given, gender=AdministrativeGender.FEMALE, **traits)
    return await register_patient(db, cast.rural, identity=identity, is_someone_else=True)


@pytest.fixture
async def dang(db: AsyncSession, cast: Cast) -> Patient:
    return await register(db, cast, "Đặng-Lévesque", "Thị Hoa", local_number="26-0042", national_id="DANT 8005 0214")


@pytest.mark.parametrize(
    "query",
    [
        "dang",
        "ĐẶNG",
        "levesque",
        "hoa thi dang",
        "thi lev",
        "Đặng 1980-05-02",
        "2/5/1980",
        "dang 2 mai 1980",
        "dang 1980",
        "05/1980",
        "dang 5/1980",
        "1980-05",
        "dang 1980-5",
        "hoa-thi dang",
        "Thị Hoa Đặng Lévesque",
        "26-0042",
        "DANT80050214",
        "dant 8005 0214",
        "dang 26-0042",
        "0042",
        "42",
        "dang 42",
    ],
)
async def test_a_patient_is_found_by_any_of_their_traits(
    db: AsyncSession, cast: Cast, dang: Patient, query: str
) -> None:
    await register(db, cast, "Tremblay", "Rose", birth_date=date(1975, 1, 1))
    assert [patient.id for patient in (await search_patients(db, cast.rural, text=query)).patients] == [dang.id]


@pytest.mark.parametrize(
    "query",
    [
        "ang",
        "dang rose",
        "dang 1981",
        "dang 06/1980",
        "13/1980",
        "26-0043",
        "dang 1980-05-03",
        "&|!:*()'",
        "dang & ! (",
        "%",
        "_",
        "12 34",
        "9" * 40,
    ],
)
@pytest.mark.usefixtures("dang")
async def test_what_does_not_fit_finds_nobody(db: AsyncSession, cast: Cast, query: str) -> None:
    found = await search_patients(db, cast.rural, text=query)
    assert [patient.family for patient in found.patients if patient.family != "Đặng-Lévesque"] == []
    if any(letter.isalnum() for letter in query) and query != "dang & ! (":
        assert found.patients == []


async def test_the_name_somebody_uses_finds_them(db: AsyncSession, cast: Cast) -> None:
    roy = await register(db, cast, "Roy", "Anne", used_name="Côté-Nguyễn")
    for query in ("cote", "anne nguyen", "roy cote"):
        assert [patient.id for patient in (await search_patients(db, cast.rural, text=query)).patients] == [roy.id]


async def test_a_number_in_full_is_somebodys(db: AsyncSession, cast: Cast, dang: Patient) -> None:
    for number in ("26-0042", " dant 8005 0214", "DANT80050214"):
        assert await holder_of(db, cast.rural, number=number) == dang.id
    for number in ("26-004", "dang", "1980", "", "0" * 500):
        assert await holder_of(db, cast.rural, number=number) is None
    assert await holder_of(db, cast.stranger, number="26-0042") is None
    await register(db, cast, "Roy", "Anne", national_id="DANT 8005 0214")
    assert await holder_of(db, cast.rural, number="DANT80050214") is None, "two have it"
    for actor in (cast.coordinator, cast.admin):
        with pytest.raises(NotFound):
            await holder_of(db, actor, number="26-0042")


@pytest.mark.usefixtures("dang")
async def test_other_establishments_patients_are_never_found(db: AsyncSession, cast: Cast) -> None:
    for stranger in (cast.stranger, cast.specialist):
        assert (await search_patients(db, stranger, text="dang")).patients == []


async def test_roles_that_treat_nobody_search_nothing(db: AsyncSession, cast: Cast) -> None:
    for actor in (cast.coordinator, cast.admin, replace(cast.rural, role=None)):
        with pytest.raises(NotFound):
            await search_patients(db, actor, text="rose")
        with pytest.raises(NotFound):
            await patients_in_care(db, actor)


async def test_a_long_list_is_cut(db: AsyncSession, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "LIMIT", 2)
    for given in ("Ève", "Zoé", "Anne"):
        await register(db, cast, "Ouellet", given)
    found = await search_patients(db, cast.rural, text="ouell")
    assert [patient.given for patient in found.patients] == ["Anne", "Ève"]
    assert found.is_cut


async def test_who_is_treated_comes_first_without_a_search(db: AsyncSession, cast: Cast, dang: Patient) -> None:
    assert (await search_patients(db, cast.rural, text="  ")).patients == []
    assert [patient.id for patient in await patients_in_care(db, cast.rural)] == [dang.id, cast.patient.id]
    assert await patients_in_care(db, cast.colleague) == []


async def test_names_and_numbers_are_found_by_indexes(db: AsyncSession, cast: Cast) -> None:
    """With 20,000 patients the planner never reads them all."""
    await db.execute(
        text(
            "insert into patient (id, organization_id, person_id, local_number, family, given, family_folded,"
            " given_folded, birth_date, gender, phone, address, is_temporary, found_where, created_at, updated_at)"
            " select gen_random_uuid(), organization_id, person_id, 'n' || i, 'F', 'G', md5(i::text), md5((-i)::text),"
            " date '1930-01-01' + i, gender, '', '', false, '', created_at, updated_at"
            " from patient, generate_series(1, 20000) i where id = :id"
        ),
        {"id": cast.patient.id},
    )
    await db.execute(text("discard plans"))  # those of earlier tests were made for a handful of patients
    connection = await db.connection()
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        seen.append((statement, parameters))

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    for query in ("belang ros", "1951-03-14", "n19999", "ABCD 1234 5678", "03/1951"):
        await search_patients(db, cast.rural, text=query)
    await holder_of(db, cast.rural, number="n19999")
    rose = Identity("Bélanger", "Rose", AdministrativeGender.FEMALE, date(1951, 3, 14), national_id="BELR51531414")
    await look_alikes(db, cast.rural, identity=rose)
    event.remove(connection.sync_connection, "before_cursor_execute", note)
    assert len(seen) == 7
    for statement, _parameters in seen:
        plan = await plan_of(db, statement)
        assert "Seq Scan on patient " not in plan, plan


@pytest.mark.parametrize("query", ["1948", "rose 1948", "tremblay 1948"])
async def test_who_is_known_by_the_year_of_birth_is_found_by_it(db: AsyncSession, cast: Cast, query: str) -> None:
    rose = await register(db, cast, "Tremblay", "Rose", birth_date=None, birth_year=1948)
    await register(db, cast, "Tremblay", "Rose", birth_date=None, birth_year=1949)
    assert [patient.id for patient in (await search_patients(db, cast.rural, text=query)).patients] == [rose.id]
    assert not (await search_patients(db, cast.rural, text="03/1948")).patients, "nobody knows the month"
