"""A page of another origin may ask DICOMweb where the operator named that origin, and never with our cookies."""

from collections.abc import Mapping

import pytest

from teleconsult.access import Purpose
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.conftest import SignIn
from tests.people import Cast, bearer_of
from tests.web.dicomweb_steps import Client

VIEWER, STRANGER = "https://viewer.example", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"dicomweb_origins": f"{VIEWER}, https://other.example"})


def granted(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("Access-Control-")}


async def test_a_browser_is_told_that_a_named_viewer_may_ask(client: Client) -> None:
    answer = await client.options("/dicomweb/studies", headers={"Origin": VIEWER, **PREFLIGHT})
    assert answer.status == 204
    told = granted(answer.headers)
    assert told["Access-Control-Allow-Origin"] == VIEWER
    assert "Authorization" in told["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in told


@pytest.mark.parametrize(
    ("origin", "path"), [(STRANGER, "/dicomweb/studies"), (VIEWER, "/fhir/Patient"), (VIEWER, "/")]
)
async def test_nobody_else_may_and_nothing_else(client: Client, origin: str, path: str) -> None:
    answer = await client.options(path, headers={"Origin": origin, **PREFLIGHT})
    assert answer.status >= 400
    assert not granted(answer.headers)


async def test_its_page_reads_the_answer_and_the_refusal(client: Client, sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions) as session:
        bearer = await bearer_of(session, cast.rural, Purpose.IMAGES)
    signed = {"Authorization": f"Bearer {bearer}", "Origin": VIEWER, "Accept": "application/dicom+json"}
    for path, status in (("/studies", 204), ("/studies/1.2.3/metadata", 404), ("/studies?nonsense=1", 400)):
        answer = await client.get(f"/dicomweb{path}", headers=signed)
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == VIEWER
        assert "Origin" in answer.headers["Vary"]
    answer = await client.get("/dicomweb/studies", headers={**signed, "Origin": STRANGER})
    assert (answer.status, granted(answer.headers)) == (204, {})


async def test_a_session_is_no_token(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    answer = await client.get("/dicomweb/studies", headers={"Origin": VIEWER})
    assert "Access-Control-Allow-Credentials" not in answer.headers
