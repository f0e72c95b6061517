"""The privacy officer's pages: who read this patient, what this person read, what is unusual, and the table."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select, update

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import WebSession
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def act(sessions: Sessions, actor: Actor, action: str = "file-opened", **more: object) -> None:
    async with transaction(sessions) as session:
        audit.record(session, actor, action, **more)


@pytest.mark.parametrize(
    "who", ["rural", "nurse", "specialist", "coordinator", "secretary", "admin", "operator", "stranger"]
)
async def test_nobody_else_reads_the_log(client: Client, signed_in: SignIn, post: Post, who: str) -> None:
    await signed_in(who)
    for path in ("/audit", "/audit/unusual"):
        assert (await client.get(path)).status == 404
    assert (await post("/audit/export")).status == 404


async def test_who_read_this_patient(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    await act(sessions, cast.rural, patient_id=cast.patient.id)
    await act(sessions, cast.specialist, "excerpt-read", patient_id=cast.patient.id, consult="x")
    await act(sessions, cast.stranger, patient_id=cast.strangers_patient.id)
    await signed_in("privacy")
    page = await (await client.get("/audit", params={"number": cast.patient.local_number.lower()})).text()
    assert page.count('data-testid="audit-entry"') == 2
    for words in (
        "Tremblay",
        "Minh",
        "BÉLANGER Rose",
        "Treats the patient",
        "For a consult",
        "CHU de la Capitale",
        "Opened a patient",
    ):
        assert words in page
    assert "Dubois" not in page


async def test_what_this_person_did(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    await act(sessions, cast.rural, patient_id=cast.patient.id)
    await act(sessions, cast.colleague, patient_id=cast.patient.id)
    await signed_in("privacy")
    page = await (await client.get("/audit", params={"who": "tremblay"})).text()
    assert page.count('data-testid="audit-entry"') == 1
    assert "What Dr Hélène Tremblay did" in page
    assert (await client.get("/audit", params={"who": "Dr Hélène Tremblay"})).status == 200
    choice = await (await client.get("/audit", params={"who": "a"})).text()
    assert "Whom do you mean?" in choice
    assert f"person={cast.colleague.practitioner_id}" in choice


async def test_an_officer_sees_ones_own_people_and_patients_alone(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    await act(sessions, cast.specialist, "excerpt-read", patient_id=cast.patient.id)
    await act(sessions, cast.stranger, patient_id=cast.strangers_patient.id)
    await signed_in("privacy_tertiary")
    page = await (await client.get("/audit", params={"kind": "reading"})).text()
    assert page.count('data-testid="audit-entry"') == 1
    assert "A patient of Centre de santé de l’Anse" in page
    assert "BÉLANGER" not in page, "another establishment’s patients have no name here"
    assert (await client.get("/audit", params={"number": cast.patient.local_number})).status == 422
    assert (await client.get("/audit", params={"person": str(cast.stranger.practitioner_id)})).status == 404


async def test_kinds_and_days_narrow(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    await act(sessions, cast.rural, patient_id=cast.patient.id)
    await act(sessions, cast.rural, "patient-registered", patient_id=cast.patient.id)
    await act(sessions, cast.rural, "access-denied", outcome="denied")
    await act(sessions, cast.stranger, "glass-broken", patient_id=cast.patient.id)
    await signed_in("privacy")

    async def shown(**query: str) -> int:
        page = await (await client.get("/audit", params=query)).text()
        return page.count('data-testid="audit-entry"')

    assert [await shown(kind=kind) for kind in ("reading", "changes", "refused", "break-glass", "sign-in")] == [
        *(1, 1, 1, 1, 1)
    ]
    today = datetime.now(UTC).date()
    assert await shown(kind="reading", until=str(today + timedelta(days=1))) == 1
    assert await shown(kind="reading", **{"from": str(today + timedelta(days=2))}) == 0


@pytest.mark.parametrize(
    "query",
    [
        {"number": "nobody's"},
        {"who": "nobody at all"},
        {"kind": "gossip"},
        {"from": "yesterday"},
        {"from": "2026-02-02", "until": "2026-02-01"},
        {"until": "9999-12-31"},
        {"person": "x"},
        {"before": "yesterday"},
        {"before": "2026-01-01T00:00:00_x"},
    ],
)
async def test_what_cannot_be_read_is_said(client: Client, signed_in: SignIn, query: dict[str, str]) -> None:
    await signed_in("privacy")
    assert (await client.get("/audit", params=query)).status == 422


async def test_older_entries_are_a_page_away(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        for _ in range(120):
            audit.record(session, cast.rural, "file-opened", patient_id=cast.patient.id)
    await signed_in("privacy")
    seen, path = 0, f"/audit?number={cast.patient.local_number}"
    for _ in range(3):
        page = await (await client.get(path)).text()
        seen += page.count('data-event="file-opened"')
        if 'rel="next"' not in page:
            break
        path = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert seen == 120


async def test_looking_is_itself_recorded(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    await signed_in("privacy")
    await client.get("/audit", params={"number": cast.patient.local_number})
    async with sessions() as session:
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "audit-read"))).one()
    assert event.patient_id == cast.patient.id
    assert event.address == "127.0.0.1"


async def test_unusual_reading_says_why(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    await act(sessions, cast.colleague, patient_id=cast.patient.id)
    await act(sessions, cast.colleague, patient_id=cast.patient.id)
    await signed_in("privacy")
    page = await (await client.get("/audit/unusual")).text()
    assert 'data-reason="no-consult"' in page
    assert "2 times that day" in page
    assert (await client.get("/audit/unusual", params={"from": "x"})).status == 422


async def test_the_table_wants_a_fresh_proof(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("privacy")
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=now() - timedelta(minutes=3)))
    answer = await post("/audit/export")
    assert answer.status == 303
    assert "step-up" in answer.headers["Location"]
    async with sessions() as session:
        assert not (await session.scalars(select(AuditEvent).where(AuditEvent.action == "audit-exported"))).all()


async def test_the_table_is_the_log_and_runs_nothing(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await act(sessions, cast.rural, patient_id=cast.patient.id)
    async with transaction(sessions) as session:
        event = AuditEvent(recorded_at=now(), action="file-opened", outcome="success", entity_type="", detail={})
        event.actor_name, event.organization_id = '=HYPERLINK("http://evil.test")', cast.rural.organization_id
        session.add(event)
    await signed_in("privacy")
    answer = await post("/audit/export", kind="reading")
    assert answer.status == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    assert len(rows) == 3
    assert rows[1][1] == '\'=HYPERLINK("http://evil.test")'
    assert rows[2][1] == "Dr Hélène Tremblay"
    assert rows[2][8] == cast.patient.local_number
    async with sessions() as session:
        assert (await session.scalars(select(AuditEvent).where(AuditEvent.action == "audit-exported"))).one()


async def test_whose_password_was_tried(client: Client, signed_in: SignIn, post: Post, cast: Cast) -> None:
    """Who failed to sign in has shown nobody who they are; the establishment of the account aimed at is told."""
    for name in ("rural", "stranger"):
        await post("/sign-in", email=cast.emails[name], password="not this one, surely")
    await post("/sign-in", email="nobody@example.test", password="not this one, surely")
    await signed_in("privacy")
    page = await (await client.get("/audit", params={"kind": "sign-in"})).text()
    assert page.count("Failed to sign in") == 1
    assert "As Dr Hélène Tremblay" in page
    assert "Unknown person" in page
    await signed_in("privacy_tertiary")
    assert "Failed to sign in" not in await (await client.get("/audit", params={"kind": "sign-in"})).text()
