"""The pages of a file opened in an emergency: finding, saying why, the banner, the way out, the review."""

import re
from datetime import timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select, update

from teleconsult.accounts.models import WebSession
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingStudy
from teleconsult.patients.models import BreakGlass
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.glass_steps import REASON, opened
from tests.people import PASSWORD, Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]


def search(cast: Cast) -> dict[str, str]:
    """What the form of the search holds."""
    return {"organization": str(cast.patient.organization_id), "local_number": cast.patient.local_number}


async def sign_in_a_while_ago(sessions: Sessions) -> None:
    """The last proof is older than two minutes."""
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=now() - timedelta(minutes=3)))


async def test_from_the_search_to_the_file_and_out_again(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await consult_steps.entry(cast, sessions)
    await signed_in("specialist")
    assert 'href="/break-glass"' in await (await client.get("/patients")).text()
    found = await post("/break-glass", **search(cast))
    assert found.status == 200
    page = await found.text()
    assert "BÉLANGER Rose" in page
    assert 'name="password"' not in page, "who has just signed in is not asked again"
    opening = {**search(cast), "patient_id": str(cast.patient.id), "kind": "danger"}
    refused = await post("/break-glass/opening", **opening, reason="short")
    assert refused.status == 422
    assert "in 10 to 1,000 characters" in await refused.text()
    answer = await post("/break-glass/opening", **opening, reason=REASON)
    assert answer.headers["Location"] == f"/patients/{cast.patient.id}"
    page = await (await client.get(answer.headers["Location"])).text()
    assert 'data-testid="glass-banner"' in page
    assert "Headache" in page
    for act in ("request-consult", "end-care", "resolve-identity", "/identity"):
        assert act not in page
    (end,) = set(re.findall(r'action="(/break-glass/[^"]+/end)"', page))
    assert (await post(end)).status == 303
    assert (await client.get(f"/patients/{cast.patient.id}")).status == 404


async def test_who_signed_in_a_while_ago_proves_it_in_the_same_form(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("specialist")
    await sign_in_a_while_ago(sessions)
    assert 'name="password"' in await (await post("/break-glass", **search(cast))).text()
    opening = {**search(cast), "patient_id": str(cast.patient.id), "kind": "danger", "reason": REASON}
    refused = await post("/break-glass/opening", **opening, password="wrong")
    assert refused.status == 422
    page = await refused.text()
    assert "This is not your password." in page
    assert REASON in page
    assert (await post("/break-glass/opening", **opening, password=PASSWORD)).status == 303


async def test_nobody_is_listed(client: Client, signed_in: SignIn, post: Post, cast: Cast) -> None:
    await signed_in("specialist")
    for fields, words in (
        ({"family": "Bélanger"}, "Give the birth date"),
        ({"family": "Bélanger", "birth_date": "1.1.1950"}, "Nobody fits exactly"),
        ({"organization": str(cast.strangers_patient.organization_id), "local_number": "1"}, "Nobody fits exactly"),
        ({"organization": "x", "local_number": "1"}, "Choose from the list"),
    ):
        page = await (await post("/break-glass", **fields)).text()
        assert words in page
        assert "BÉLANGER" not in page


async def test_the_banner_stands_on_every_page_of_the_file(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with door(sessions, settings.data) as brought:
        await brought.bring(cast.rural, draft.id, dicom_bytes(side=64))
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy.study_instance_uid))).one()
    await signed_in("oncall")
    assert (await client.get(f"/studies/{study}")).status == 404
    opening = await opened(cast, sessions, actor=cast.oncall)
    page = await (await client.get("/break-glass")).text()
    assert f'href="/patients/{cast.patient.id}"' in page
    file = f"/patients/{cast.patient.id}"
    for path in (file, f"{file}?kind=notes", f"/studies/{study}"):
        page = await (await client.get(path)).text()
        assert 'data-testid="glass-banner"' in page
        assert f'action="/break-glass/{opening.id}/end"' in page
    await signed_in("rural")
    assert 'data-testid="glass-banner"' not in await (await client.get(f"/studies/{study}")).text()


async def test_the_privacy_officer_reviews(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    opening = await opened(cast, sessions)
    await signed_in("privacy")
    assert "One to judge" in await (await client.get("/")).text()
    page = await (await client.get("/audit/break-glass")).text()
    assert REASON in page
    path = f"/audit/break-glass/{opening.id}/decision"
    for fields in ({}, {"verdict": "not-justified"}):
        assert (await post(path, **fields)).status == 422
    assert (await post(path, verdict="not-justified", note="He was not there.")).status == 303
    page = await (await client.get("/audit/break-glass")).text()
    assert "He was not there." in page
    assert "Nothing waits for you" in page
    assert (await post(path, verdict="justified")).status == 409
    async with transaction(sessions) as session:
        assert (await session.scalars(select(BreakGlass.is_justified))).one() is False


async def test_others_find_no_such_page(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    opening = await opened(cast, sessions)
    for who in ("coordinator", "secretary", "admin", "operator"):
        await signed_in(who)
        assert (await client.get("/break-glass")).status == 404
        assert (await post("/break-glass", **search(cast))).status == 404
        assert (await client.get("/audit/break-glass")).status == 404
    await signed_in("privacy_tertiary")
    assert (await post(f"/audit/break-glass/{opening.id}/decision", verdict="justified")).status == 404
    await signed_in("oncall")
    assert (await post(f"/break-glass/{opening.id}/end")).status == 404
