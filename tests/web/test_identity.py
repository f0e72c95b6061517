"""The pages that say who is whom."""

import re
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.patients.links import IdentityCase, PatientLink
from teleconsult.patients.models import Patient, PatientIdentifier
from teleconsult.records.actions import file_entry
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.teleconsult.patients.steps import provincial_doctor, registered

Client = TestClient[web.Request, web.Application]
LUC = "GAGL80050211"


@pytest.fixture
async def luc(cast: Cast, sessions: Sessions) -> Patient:
    """Registered here, and by the same name at the provincial hospital."""
    async with transaction(sessions) as session:
        await registered(session, await provincial_doctor(session, cast), national_id="GAGL80050299")
        return await registered(session, cast.rural, phone="418 555 0100")


async def one(sessions: Sessions, kind: Any) -> Any:
    async with sessions() as session:
        return (await session.scalars(select(kind))).one()


async def test_candidates_are_shown_with_their_reasons_and_linked(
    client: Client, signed_in: SignIn, post: Post, luc: Patient, sessions: Sessions
) -> None:
    await signed_in("secretary")
    path = f"/patients/{luc.id}/links"
    page = await (await client.get(path)).text()
    assert page.count('data-testid="candidate"') == 1
    assert "Same birth date" in page and "Hôpital de la Côte" in page
    async with sessions() as session:
        seen = select(AuditEvent.patient_id).where(AuditEvent.action == "identities-compared")
        [shown_id] = await session.scalars(seen)
    assert f'value="{shown_id}"' in page, "the other establishment's log says who saw its patient"
    other = re.search(r'name="other_id" value="([^"]+)"', page)
    assert other
    refused = await post(path, other_id=other[1], reason="")
    assert refused.status == 422 and "field-error" in await refused.text()
    assert (await post(path, other_id="x", reason="Seen")).status == 404
    assert (await post(path, other_id=other[1], reason="Seen with their card")).status == 303
    page = await (await client.get(path)).text()
    assert 'data-testid="link"' in page and 'data-testid="candidate"' not in page
    link = await one(sessions, PatientLink)
    shown = await (await client.get(f"/patient-links/{link.id}")).text()
    assert shown.count('data-testid="identity-side"') == 2
    assert "Laboratory and measurements" not in shown
    await _write(sessions, luc)
    shown = await (await client.get(f"/patient-links/{link.id}")).text()
    assert "Laboratory and measurements" in shown and "Blood pressure" not in shown, "that, never what"
    assert (await post(f"/patient-links/{link.id}/undoing", reason="")).status == 422
    assert (await post(f"/patient-links/{link.id}/undoing", reason="Two brothers")).status == 303
    assert "Two brothers" in await (await client.get(f"/patient-links/{link.id}")).text()
    assert (await post(f"/patient-links/{link.id}/undoing", reason="Again")).status == 409


async def test_a_number_is_checked_and_withdrawn(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        patient = await registered(session, cast.rural, national_id="GAGL80050311", birth_place="Blanc-Sablon")
    number = await one(sessions, PatientIdentifier)
    await signed_in("secretary")
    page = await (await client.get(f"/patients/{patient.id}/links")).text()
    assert "The number says another birth date." in page
    for wrong in (
        {"source": ""},
        {"source": "Card", "issued_on": "soon"},
        {"source": "Card", "issued_on": "2999-01-01"},
    ):
        answer = await post(f"/patient-numbers/{number.id}/check", **wrong)
        assert answer.status == 422 and "field-error" in await answer.text()
    assert (await post(f"/patient-numbers/{number.id}/check", source="Health card")).status == 409
    assert (await post(f"/patient-numbers/{number.id}/withdrawal")).status == 303
    page = await (await client.get(f"/patients/{patient.id}/links")).text()
    assert "Withdrawn" in page and "The number says another birth date." not in page
    assert number.value not in await (await client.get(f"/patients/{patient.id}")).text()


async def test_a_number_that_says_otherwise_is_told_and_not_refused(
    client: Client, signed_in: SignIn, post: Post
) -> None:
    luc = {"family": "Gagné", "given": "Luc", "birth_date": "2/5/1980", "gender": "male"}
    await signed_in("secretary")
    answer = await post("/patients", **luc, national_id="GAGL 8055 0211")
    assert answer.status == 303
    assert "The number says another sex." in await (await client.get(answer.headers["Location"])).text()


async def test_who_registers_is_told_that_somebody_has_to_compare(
    client: Client, signed_in: SignIn, post: Post, luc: Patient
) -> None:
    """The number is somebody else's at the provincial hospital: nothing is told of whom."""
    roy = {"family": "Roy", "given": "Anne", "birth_date": "1/7/1990", "gender": "female"}
    await signed_in("rural")
    answer = await post("/patients", **roy, national_id="GAGL80050299")
    page = await (await client.get(answer.headers["Location"])).text()
    assert "Somebody will compare them." in page
    assert "Luc" not in page


async def test_a_merge_is_confirmed_and_both_files_are_read_together(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, luc: Patient, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        twice = await registered(session, cast.rural, given="Luc-André")
    await signed_in("secretary")
    path = f"/patients/{twice.id}/merge"
    assert f"kept={luc.id}" in await (await client.get(path, params={"q": "gagne"})).text()
    page = await (await client.get(path, params={"kept": str(luc.id)})).text()
    assert 'data-testid="merge-form"' in page
    assert (await post(path, kept_id=str(luc.id), reason=" ")).status == 422
    assert (await post(path, kept_id=str(luc.id), reason="Registered twice")).status == 303
    page = await (await client.get(f"/patients/{twice.id}/links")).text()
    assert "Merged into GAGNÉ Luc" in page
    found = await (await client.get("/patients", params={"q": "luc andre"})).text()
    assert "Merged into No. " in found
    shown = await (await client.get(f"/patients/{twice.id}")).text()
    assert "Merged into" in shown


async def test_a_pair_is_decided_on_the_work_list(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, luc: Patient, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        await registered(session, cast.rural, family="Roy", national_id="GAGL80050299")
    case = await one(sessions, IdentityCase)
    await signed_in("secretary")
    assert 'data-testid="identity-case"' in await (await client.get("/identity-cases")).text()
    assert "To compare (1)" in await (await client.get("/patients")).text()
    page = await (await client.get(f"/identity-cases/{case.id}")).text()
    assert "ROY" in page or "Roy" in page
    assert page.count('data-testid="identity-side"') == 2
    path = f"/identity-cases/{case.id}/decision"
    assert (await post(path, decision="", reason="Seen")).status == 422
    assert (await post(path, decision="two-people", reason="")).status == 422
    assert (await post(path, decision="two-people", reason="Father and son")).status == 303
    assert (await post(path, decision="same-person", reason="Seen")).status == 409
    assert "Father and son" in await (await client.get(f"/identity-cases/{case.id}")).text()


@pytest.mark.parametrize("who", ["rural", "admin", "stranger", "coordinator"])
async def test_others_find_none_of_it(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, luc: Patient, sessions: Sessions, who: str
) -> None:
    async with transaction(sessions) as session:
        await registered(session, cast.rural, family="Roy", national_id="GAGL80050299")
    case = await one(sessions, IdentityCase)
    await signed_in(who)
    assert (await client.get(f"/identity-cases/{case.id}")).status == 404
    assert (await post(f"/identity-cases/{case.id}/decision", decision="two-people", reason="Mine")).status == 404
    if who != "rural":
        for path in ("links", "merge", "label"):
            assert (await client.get(f"/patients/{luc.id}/{path}")).status == 404


async def test_the_label_carries_the_number(client: Client, signed_in: SignIn, luc: Patient) -> None:
    await signed_in("nurse")
    page = await (await client.get(f"/patients/{luc.id}/label")).text()
    assert luc.local_number in page
    assert page.count('src="data:image/svg+xml') == 2 and 'data-testid="patient-bars"' in page, "a QR and bars"


async def test_a_scanned_number_opens_the_file(client: Client, signed_in: SignIn, cast: Cast, luc: Patient) -> None:
    await signed_in("rural")
    for frame in ({}, {"Turbo-Frame": "patients"}):
        scanned = {"q": f" {luc.local_number} ", "open": "1"}
        answer = await client.get("/patients", params=scanned, headers=frame, allow_redirects=False)
        assert answer.status == 303
        assert answer.headers["Location"] == f"/patients/{luc.id}"
    for searched in ({"q": luc.local_number}, {"q": "gagne", "open": "1"}, {"q": "", "open": "1"}):
        assert (await client.get("/patients", params=searched, allow_redirects=False)).status == 200
    await signed_in("stranger")
    theirs = await client.get("/patients", params={"q": luc.local_number, "open": "1"}, allow_redirects=False)
    assert theirs.status == 200


async def test_all_traits_are_registered_and_corrected(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    rose = {"family": "Nguyễn", "given": "Rose", "birth_date": "14/03/1951", "gender": "female"}
    more = {"used_name": "Bélanger", "birth_place": "75056", "national_id": "2 51 03 75 056 001 48"}
    await signed_in("secretary")
    assert (await post("/patients", **rose, **{**more, "national_id": "2 51 03 75 056 001 47"})).status == 422
    path = (await post("/patients", **rose, **more)).headers["Location"]
    page = await (await client.get(f"{path}/identity")).text()
    for value in ("Nguyễn", "Bélanger", "75056", "251037505600148"):
        assert f'value="{value}"' in page
    assert (await post("/patients", **{**rose, "family": "Roy"}, **more)).status == 409, "somebody has this number"
    assert (await post(f"{path}/identity", **rose, **{**more, "used_name": "Roy"})).status == 303
    async with sessions() as session:
        known = (await session.scalars(select(Patient).where(Patient.family == "Nguyễn"))).one()
    assert (known.used_name, known.used_name_folded, known.birth_place) == ("Roy", "roy", "75056")


async def _write(sessions: Sessions, patient: Patient) -> None:
    async with transaction(sessions) as session:
        await file_entry(
            session,
            SYSTEM,
            patient_id=patient.id,
            resource={"resourceType": "Observation"},
            title="Blood pressure",
            effective_at=now(),
        )
