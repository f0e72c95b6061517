"""The patients' pages, as a browser without script sees them."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.patients.models import Patient
from teleconsult.records.actions import file_entry
from teleconsult.records.models import EntryStatus
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]
LUC = {"family": "Gagné", "given": "Luc", "birth_date": "2/5/1980", "gender": "male"}


async def filed(sessions: Sessions, cast: Cast, count: int = 1, **resource: Any) -> None:
    async with transaction(sessions) as session:
        for number in range(count):
            await file_entry(
                session,
                cast.rural,
                patient_id=cast.patient_elsewhere.id,
                organization_id=cast.patient_elsewhere.organization_id,
                resource={"resourceType": "Encounter", **resource},
                title=f"Visite {number}",
                effective_at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number),
            )


def rows(page: str) -> int:
    return page.count('data-testid="patient-row"')


async def test_the_list_begins_with_whom_one_treats(client: Client, signed_in: SignIn, cast: Cast) -> None:
    await signed_in("rural")
    page = await (await client.get("/patients")).text()
    assert rows(page) == 1
    assert f'href="/patients/{cast.patient.id}"' in page
    for testid in ("patient-search", "register-patient"):
        assert f'data-testid="{testid}"' in page


@pytest.mark.parametrize(
    ("query", "count"), [("belang", 1), ("14/03/1951", 1), ("nobody", 0), ("Lavoie", 0), ("%00", 0)]
)
async def test_a_search_finds_within_the_establishment(
    client: Client, signed_in: SignIn, query: str, count: int
) -> None:
    await signed_in("colleague")
    answer = await client.get("/patients", params={"q": query})
    assert answer.status == 200
    assert rows(await answer.text()) == count


@pytest.mark.parametrize("who", ["coordinator", "admin"])
async def test_who_treats_nobody_has_no_patients(client: Client, signed_in: SignIn, cast: Cast, who: str) -> None:
    await signed_in(who)
    for path in ("/patients", "/patients?q=rose", "/patients/new", f"/patients/{cast.patient.id}"):
        assert (await client.get(path)).status == 404


async def test_a_registered_patient_opens_at_once(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    answer = await post("/patients", **LUC)
    assert answer.status == 303
    page = await (await client.get(answer.headers["Location"])).text()
    assert "GAGNÉ Luc" in page
    assert 'data-testid="request-consult"' in page
    assert 'data-testid="timeline"' in page


async def test_the_same_patient_is_asked_about_first(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("rural")
    await post("/patients", **LUC)
    doubt = await post("/patients", **LUC)
    assert doubt.status == 409
    page = await doubt.text()
    assert rows(page) == 1
    assert 'value="Gagné"' in page
    assert (await post("/patients", **LUC, is_someone_else="yes")).status == 303
    async with sessions() as session:
        assert len((await session.scalars(select(Patient).where(Patient.family == "Gagné"))).all()) == 2


@pytest.mark.parametrize(
    "wrong",
    [{"family": ""}, {"birth_date": "soon"}, {"birth_date": "31/02/1980"}, {"gender": "x"}, {"given": "x" * 200}],
)
async def test_a_wrong_answer_stands_beside_its_field(
    client: Client, signed_in: SignIn, post: Post, wrong: dict[str, str]
) -> None:
    await signed_in("rural")
    answer = await post("/patients", **{**LUC, **wrong})
    assert answer.status == 422
    assert "field-error" in await answer.text()


async def test_nobody_knows_who_this_is(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    answer = await post("/patients/unknown", unknown_gender="male", estimated_age="40", found_where="Route 138")
    assert answer.status == 303
    path = answer.headers["Location"]
    page = await (await client.get(path)).text()
    assert "INCONNU Homme" in page
    assert "Route 138" in page
    assert 'data-testid="resolve-identity"' in page
    assert (await client.get(f"{path}/identity", params={"q": "belanger"})).status == 200
    resolved = await post(f"{path}/identity", **LUC)
    assert resolved.status == 303
    page = await (await client.get(path)).text()
    assert "GAGNÉ Luc" in page
    assert "Formerly known as INCONNU Homme" in page
    assert 'data-testid="resolve-identity"' not in page
    again = await client.get(f"{path}/identity", allow_redirects=False)
    assert again.status == 200


async def test_the_unknown_is_one_we_know(client: Client, signed_in: SignIn, post: Post, cast: Cast) -> None:
    await signed_in("rural")
    path = (await post("/patients/unknown", unknown_gender="female")).headers["Location"]
    for known_id in ("", "x", path.rsplit("/", 1)[1]):
        assert (await post(f"{path}/identity", known_id=known_id)).status == 422
    assert (await post(f"{path}/identity", known_id=str(cast.strangers_patient.id))).status == 404
    assert (await post(f"{path}/identity", known_id=str(cast.patient.id))).status == 303
    assert "BÉLANGER Rose" in await (await client.get(path)).text()


async def test_an_age_that_is_none_is_refused(signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    for age in ("old", "-1", "999", "١٢"):
        assert (await post("/patients/unknown", estimated_age=age)).status == 422


async def test_without_a_care_relation_the_file_is_closed(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await filed(sessions, cast)
    await signed_in("colleague")
    path = f"/patients/{cast.patient.id}"
    page = await (await client.get(path)).text()
    assert 'data-testid="care-gate"' in page
    assert "Visite 0" not in page
    assert (await post(f"{path}/care-relation", reason="curiosity")).status == 422
    assert (await post(f"{path}/care-relation", reason="on-call")).status == 303
    assert "Visite 0" in await (await client.get(path)).text()
    async with sessions() as session:
        seen = set(await session.scalars(select(AuditEvent.action).where(AuditEvent.patient_id == cast.patient.id)))
    assert {"care-relation-opened", "file-opened"} <= seen


@pytest.mark.parametrize("who", ["stranger", "specialist"])
async def test_foreign_ids_lead_nowhere(client: Client, signed_in: SignIn, post: Post, cast: Cast, who: str) -> None:
    await signed_in(who)
    for patient_id in (str(cast.patient.id), str(uuid.uuid4()), "x"):
        assert (await client.get(f"/patients/{patient_id}")).status == 404
        assert (await client.get(f"/patients/{patient_id}/identity")).status == 404
        assert (await post(f"/patients/{patient_id}/care-relation", reason="emergency")).status == 404


async def test_older_entries_come_in_pages(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    await filed(sessions, cast, count=55)
    await signed_in("rural")
    page = await (await client.get(f"/patients/{cast.patient.id}")).text()
    assert page.count('data-testid="timeline-item"') == 50
    assert re.search(r'<span class="timeline-mark[^>]*><svg[^>]* role="img" aria-label="[A-Z]', page), "kinds in words"
    match = re.search(r'<turbo-frame id="(timeline-[^"]+)".*?href="([^"]+)"', page, re.DOTALL)
    assert match
    frame, address = match[1], match[2].replace("&amp;", "&")
    older = await (await client.get(address, headers={"Turbo-Frame": frame})).text()
    assert f'<turbo-frame id="{frame}"' in older
    assert older.count('data-testid="timeline-item"') == 5
    assert "<html" not in older
    alone = await (await client.get(address)).text()
    assert "<html" in alone
    async with sessions() as session:
        read = select(func.count()).where(AuditEvent.action == "file-opened")
        assert await session.scalar(read) == 3, "whoever asks for older entries alone reads the file too"


async def test_a_kind_is_shown_alone(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    await filed(sessions, cast)
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}"
    assert "Visite 0" not in await (await client.get(path, params={"kind": "notes"})).text()
    assert "Visite 0" in await (await client.get(path, params={"kind": "encounters"})).text()
    for wrong in ({"kind": "x"}, {"before": "x"}):
        assert (await client.get(path, params=wrong)).status == 404


async def test_the_file_leads_to_its_consults(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    for who in ("rural", "colleague"):
        await signed_in(who)
        await post(f"/patients/{cast.patient.id}/care-relation", reason="on-call")
        page = await (await client.get(f"/patients/{cast.patient.id}")).text()
        assert f'href="/consults/{consult.id}"' in page


async def test_entries_tell_where_they_come_from_and_what_they_open(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    note_id, study_id = uuid.uuid4(), uuid.uuid4()
    async with transaction(sessions) as session:
        for title, resource, source_id in (
            ("Note de neurologie", {"resourceType": "Composition", "title": "Note"}, note_id),
            (
                "TDM",
                {"resourceType": "ImagingStudy", "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}]},
                study_id,
            ),
            (
                "<script>alert(1)</script>",
                {"resourceType": "Observation", "valueQuantity": {"value": 6.1, "unit": "mmol/L"}},
                None,
            ),
        ):
            entry = await file_entry(
                session,
                cast.specialist,
                patient_id=cast.patient.id,
                resource=resource,
                title=title,
                effective_at=datetime(2026, 3, 1, tzinfo=UTC),
                source_id=source_id,
            )
        entry.status, entry.version = EntryStatus.ENTERED_IN_ERROR, 2
    await signed_in("rural")
    page = await (await client.get(f"/patients/{cast.patient.id}")).text()
    assert f'href="/notes/{note_id}"' in page
    assert 'href="/studies/1.2.3"' in page
    assert "Nguyễn Thị Minh, CHU de la Capitale" in page
    assert "<script>alert" not in page
    assert "Entered in error" in page
