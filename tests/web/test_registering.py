"""Registering with a scanner: the form that a card fills, and the file of who is known already."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.patients.models import Patient, PatientIdentifier
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.teleconsult.patients.steps import registered

Client = TestClient[web.Request, web.Application]
HOA = "001151000123|123456789|Nguyễn Thị Hoa|14031951|Nữ|Số 1, Ba Vì, Hà Nội|01012021"
TYPED = {"family": "Nguyễn", "given": "Thị Hoa", "gender": "female", "birth_date": "14/03/1951"}


async def test_a_card_fills_the_form_and_its_number_is_marked_as_read(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("secretary")
    answer = await post("/patients/new", card=HOA)
    assert answer.status == 200
    page = await answer.text()
    for value in ("Nguyễn", "Thị Hoa", "14/03/1951", "Số 1, Ba Vì, Hà Nội", "001151000123"):
        assert f'value="{value}"' in page
    assert '<option value="female" selected' in page and 'data-testid="card-read"' in page
    async with transaction(sessions, SYSTEM) as session:
        assert not (await session.scalars(select(Patient).where(Patient.family == "Nguyễn"))).all(), "nobody checked"
    answer = await post("/patients", **TYPED, national_id="001151000123", scanned_id="001151000123")
    assert answer.status == 303
    async with transaction(sessions, SYSTEM) as session:
        assert (await session.scalars(select(PatientIdentifier))).one().source == "card"
    page = await (await client.get(answer.headers["Location"] + "/links")).text()
    assert "Read off a card" in page and "Not checked" in page


async def test_a_birth_date_yet_to_come_is_told_from_one_that_cannot_be_read(signed_in: SignIn, post: Post) -> None:
    await signed_in("secretary")
    told = {
        "14/03/2101": "yet to come",
        "soon": "day, month",
        "1/1/1850": "day, month",
    }
    for typed, words in told.items():
        answer = await post("/patients", **{**TYPED, "birth_date": typed})
        assert answer.status == 422
        assert words in (await answer.text()).split('id="field-birth_date-error"')[1]


async def test_a_number_changed_by_hand_was_not_read_off_a_card(
    signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("secretary")
    assert (await post("/patients", **TYPED, national_id="001151000124", scanned_id="001151000123")).status == 303
    async with transaction(sessions, SYSTEM) as session:
        assert (await session.scalars(select(PatientIdentifier))).one().source == ""


async def test_who_is_registered_already_is_opened(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    """By their card, or by the number on our own label or wristband."""
    async with transaction(sessions) as session:
        hoa = await registered(session, cast.rural, national_id="001151000123")
    await signed_in("rural")
    for scanned in (HOA, "001151000123", hoa.local_number):
        answer = await post("/patients/new", card=scanned)
        assert answer.status == 303 and answer.headers["Location"] == f"/patients/{hoa.id}"
    assert "registered already" in await (await client.get(f"/patients/{hoa.id}")).text()
    searched = await client.get("/patients", params={"q": HOA, "open": "1"}, allow_redirects=False)
    assert searched.status == 303 and searched.headers["Location"] == f"/patients/{hoa.id}"
    await signed_in("stranger")
    assert (await post("/patients/new", card=HOA)).status == 200, "not theirs: nothing is told"
    assert (await post("/patients/new", card=hoa.local_number)).status == 422


@pytest.mark.parametrize("scanned", ["", "3017620422003", "IS01" + "0" * 22, "x" * 5000])
async def test_a_card_that_cannot_be_read_is_refused_beside_the_field(
    signed_in: SignIn, post: Post, scanned: str
) -> None:
    await signed_in("rural")
    answer = await post("/patients/new", card=scanned)
    assert answer.status == 422
    page = await answer.text()
    assert 'id="field-card-error"' in page and 'data-testid="register-form"' in page


async def test_who_registers_nobody_scans_nobody(signed_in: SignIn, post: Post) -> None:
    await signed_in("privacy")
    assert (await post("/patients/new", card=HOA)).status == 404


@pytest.mark.parametrize("typed", ["1951", "03/1951"])
async def test_the_year_alone_is_kept_as_one(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, typed: str
) -> None:
    await signed_in("secretary")
    answer = await post("/patients", **{**TYPED, "birth_date": typed})
    assert answer.status == 303
    async with transaction(sessions, SYSTEM) as session:
        patient = (await session.scalars(select(Patient).where(Patient.family == "Nguyễn"))).one()
    assert (patient.birth_date, patient.birth_year) == (None, 1951)
    page = await (await client.get(f"/patients/{patient.id}")).text()
    assert "1951" in page and f"about {now().year - 1951} years" in page
    assert "born in 1951" in await (await client.get("/patients?q=1951")).text()
    answer = await client.get(f"/patients/{patient.id}/identity")
    assert 'value="1951"' in await answer.text(), "the form that corrects begins with it"
    assert (await post("/patients", **TYPED)).status == 303, "a whole date is no look-alike of a year"
    assert (await post("/patients", **{**TYPED, "birth_date": "1951"})).status == 409, "a year is one of both"


async def test_who_reads_no_files_goes_on_to_the_label(
    client: Client, signed_in: SignIn, post: Post, cast: Cast
) -> None:
    await signed_in("secretary")
    page = await (await client.get(f"/patients/{cast.patient.id}")).text()
    assert 'class="button button-primary" href="' in page
    assert page.split('class="button button-primary"')[1].split(">")[0].endswith('data-testid="print-label"')
    answer = await post("/patients/unknown", unknown_gender="male")
    page = await (await client.get(answer.headers["Location"])).text()
    assert page.split('class="button button-primary"')[1].split(">")[0].endswith('data-testid="correct-identity"')
