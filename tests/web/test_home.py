"""Each role's home."""

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import update

from teleconsult.db import Sessions, transaction
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def test_the_rural_doctor_begins_with_a_patient(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    page = await (await client.get("/")).text()
    assert 'href="/patients"' in page


async def test_the_rural_doctor_finds_drafts_and_sessions(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    booked = await consult_steps.booked(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    page = await (await client.get("/")).text()
    assert f'href="/consults/{draft.id}"' in page
    assert f'href="/consults/{booked.id}/room"' in page


async def test_the_board_shows_cards_without_names(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await signed_in("coordinator")
    page = await (await client.get("/")).text()
    assert 'data-testid="board"' in page
    assert 'data-testid="board-card"' in page
    assert f'href="/consults/{consult.id}"' in page
    assert "BÉLANGER" not in page
    assert "R.B." in page
    part = await (await client.get("/", headers={"Turbo-Frame": "home"})).text()
    assert "<html" not in part
    assert 'data-testid="board-card"' in part


async def test_the_worklist_is_the_specialtys(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    await consult_steps.submitted(cast, sessions)
    await signed_in("specialist")
    assert 'data-testid="worklist-row"' in await (await client.get("/")).text()
    await signed_in("oncall")
    page = await (await client.get("/")).text()
    assert 'data-testid="worklist"' in page
    assert 'data-testid="worklist-row"' not in page


async def test_the_administrator_sees_no_consult(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    await consult_steps.submitted(cast, sessions)
    await signed_in("admin")
    page = await (await client.get("/")).text()
    assert 'href="/admin"' in page
    assert "/consults/" not in page
    assert "No." not in await (await client.get("/consults")).text()


async def test_the_nurse_begins_with_the_patients_they_treat(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("nurse")
    assert "You treat nobody yet" in await (await client.get("/")).text()
    await post(f"/patients/{cast.patient.id}/care-relation", reason="inpatient")
    page = await (await client.get("/")).text()
    assert f'href="/patients/{cast.patient.id}"' in page
    assert f'href="/consults/{consult.id}"' in page
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert 'data-testid="excerpt-view"' in page
    for act in ("join-room", "cancel", "revoke-excerpt", "withdraw-consent", "dicom-files"):
        assert f'data-testid="{act}"' not in page
    page = await (await client.get(f"/patients/{cast.patient.id}")).text()
    assert 'data-testid="timeline"' in page
    assert 'data-testid="request-consult"' not in page
    assert (await client.get(f"/consults/{consult.id}/room")).status == 404


async def test_the_secretary_sees_who_is_expected_and_no_file(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("secretary")
    for path in ("/", "/agenda"):
        page = await (await client.get(path)).text()
        assert f'href="/patients/{cast.patient.id}"' in page
        assert f"/consults/{consult.id}" not in page
        assert consult_steps.QUESTION not in page
    page = await (await client.get(f"/patients/{cast.patient.id}")).text()
    assert "BÉLANGER Rose" in page
    assert 'data-testid="timeline"' not in page
    assert 'data-testid="care-gate"' not in page
    assert f'href="/patients/{cast.patient.id}/identity"' in page
    for path in ("/consults", f"/consults/{consult.id}", f"/consults/{consult.id}/room", "/break-glass"):
        assert (await client.get(path)).status == 404


async def test_whose_session_is_over_is_no_longer_expected(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        over = update(Appointment).where(Appointment.service_request_id == consult.id)
        await session.execute(over.values(status=AppointmentStatus.FULFILLED))
    await signed_in("secretary")
    assert "Nobody is expected today" in await (await client.get("/")).text()
    assert f'href="/patients/{cast.patient.id}"' in await (await client.get("/agenda")).text()


async def test_a_secretary_registers_and_corrects(client: Client, cast: Cast, signed_in: SignIn, post: Post) -> None:
    await signed_in("secretary")
    assert (await client.get("/patients")).status == 200
    assert (await client.get("/patients/new")).status == 200
    answer = await post("/patients", family="Roy", given="Luc", gender="male", birth_date="14/03/1951")
    assert answer.status == 303
    path = answer.headers["Location"]
    page = await (await client.get(path)).text()
    assert "ROY Luc" in page and f'href="{path}/label"' in page
    assert 'value="14/03/1951"' in await (await client.get(f"{path}/identity")).text()
    refused = await post(f"{path}/identity", family="", given="Luc", gender="male")
    assert refused.status == 422
    assert (await post(f"{path}/identity", family="Roi", given="Luc", gender="male")).status == 303
    page = await (await client.get(path)).text()
    assert "ROI Luc" in page
    assert "Formerly known as ROY Luc." in page
    assert (await post(f"{path}/identity", family="Roi", given="Luc", gender="male", phone="418")).status == 303
    assert "Formerly known as ROY Luc." in await (await client.get(path)).text(), "another telephone is no other name"


async def test_who_watches_over_others_finds_what_they_look_after(client: Client, signed_in: SignIn) -> None:
    for who, way in (("admin", "/admin"), ("privacy", "/audit/break-glass")):
        await signed_in(who)
        assert f'href="{way}"' in await (await client.get("/")).text()
    await signed_in("operator")
    page = await (await client.get("/")).text()
    assert 'href="/admin"' not in page
    assert 'href="/audit/break-glass"' not in page
