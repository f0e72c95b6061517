"""A file from its other sides: visits, and values over time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Organization
from teleconsult.records.actions import file_entry
from teleconsult.records.models import RecordEntry
from tests import glass_steps
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.web.test_fhir_writing import weight

Client = TestClient[web.Request, web.Application]
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def filed(sessions: Sessions, cast: Cast, title: str, day: int, **more: Any) -> RecordEntry:
    episode_id, at = more.pop("episode_id", None), more.pop("at", START + timedelta(days=day))
    async with transaction(sessions) as session:
        return await file_entry(
            session,
            cast.rural,
            patient_id=cast.patient.id,
            resource={"resourceType": "Encounter", **more},
            title=title,
            effective_at=at,
            episode_id=episode_id,
        )


def lactate(value: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2524-7"}], "text": "Lactate <i>"},
        "valueQuantity": {"value": value, "unit": "mmol/L"},
        "referenceRange": [{"high": {"value": 2}}],
    }


async def test_a_visit_leads_to_what_belongs_to_it(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    stay = await filed(sessions, cast, "Hospitalisation", 1, period={"start": "2026-03-02", "end": "2026-03-09"})
    await filed(sessions, cast, "Contrôle", 30)
    await filed(sessions, cast, "Lactate", 2, **lactate(3), episode_id=stay.id)
    await filed(sessions, cast, "Ailleurs", 3, **lactate(1))
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}"
    page = await (await client.get(f"{path}/visits")).text()
    assert page.count('data-testid="visit"') == 2
    assert "2 Mar 2026 – 9 Mar 2026" in page
    assert f'href="{path}?episode={stay.id}"' in page
    narrowed = await (await client.get(path, params={"episode": str(stay.id)})).text()
    assert narrowed.count('data-testid="timeline-item"') == 2
    assert "Only this visit: Hospitalisation" in narrowed
    whole = await (await client.get(path)).text()
    assert "One entry of this visit" in whole
    assert "Visit: Hospitalisation" in whole


async def test_what_was_measured_twice_is_drawn(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    path = f"/patients/{cast.patient.id}/measures"
    await signed_in("rural")
    assert "Nothing was measured twice yet" in await (await client.get(path)).text()
    for day in range(7):
        await filed(sessions, cast, "Lactate", day, **lactate(0.5 + day))
    page = await (await client.get(path)).text()
    assert page.count('data-testid="series"') == 1
    assert "7 values, the latest 6.5 mmol/L" in page
    assert page.count("spark-out") == 5
    assert page.count('<tr class="measure-out"') == 5
    assert "Lactate &lt;i&gt;" in page
    assert "style=" not in page
    alone = await (await client.get(path, params={"code": "http://loinc.org|2524-7"})).text()
    assert alone.count('scope="row"') == 7
    assert "Nothing was measured" in await (await client.get(path, params={"code": "x"})).text()
    async with sessions() as session:
        opened = select(func.count()).where(AuditEvent.action == "file-opened")
        assert await session.scalar(opened) == 4


@pytest.mark.parametrize(
    ("at", "zone"),
    [
        (datetime(1, 1, 1, 0, 30, tzinfo=UTC), "America/Toronto"),
        (datetime(9999, 12, 31, 23, 30, tzinfo=UTC), "Asia/Ho_Chi_Minh"),
    ],
)
async def test_a_date_at_the_edge_of_the_calendar_closes_no_page(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions, at: datetime, zone: str
) -> None:
    """Nothing that dates so comes in any more; what did before has to be seen, to be struck through."""
    period = {"start": at.isoformat(), "end": at.isoformat()}
    stay = await filed(sessions, cast, "Old", 0, at=at, status="finished", period=period)
    for _ in range(2):
        await filed(sessions, cast, "Lactate", 0, at=at, status="final", **lactate(3))
    weighed = await filed(sessions, cast, "Weight", 0, at=at, **weight(cast.patient.id))
    async with transaction(sessions) as session:
        await session.execute(update(Organization).values(time_zone=zone))
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}"
    for page in (path, f"{path}/visits", f"{path}/measures", f"{path}?episode={stay.id}", f"{path}/entries/{stay.id}"):
        answer = await client.get(page)
        assert answer.status == 200, page
        assert str(at.year) in await answer.text(), page
    assert (await client.get(f"{path}/entries/{weighed.id}/change")).status == 200
    for form in ("pdf", "document"):
        assert (await post(f"{path}/export", format=form, reason="care", words="")).status == 200


@pytest.mark.parametrize("side", ["visits", "measures"])
async def test_only_an_open_file_is_seen(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions, side: str
) -> None:
    path = f"/patients/{cast.patient.id}/{side}"
    for who, status in (("colleague", 403), ("secretary", 404), ("specialist", 404), ("stranger", 404)):
        await signed_in(who)
        assert (await client.get(path)).status == status, who
    await glass_steps.opened(cast, sessions)
    await signed_in("specialist")
    page = await client.get(path)
    assert page.status == 200
    assert 'data-testid="glass-banner"' in await page.text()
    assert (await client.get(f"/patients/{cast.patient.id}/visits", params={"before": "x"})).status == 404
