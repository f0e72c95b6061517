"""The rural doctor at a draft, and an archive of the test's own that speaks DICOMweb."""

from collections.abc import AsyncIterator

import pytest
from pytest_aiohttp.plugin import AiohttpServer

from teleconsult.db import Sessions
from teleconsult.imaging.pacs.models import PacsKind
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.settings import Settings
from tests import consult_steps
from tests.pacs_steps import NETWORKS, Asking, archive
from tests.people import Cast
from tests.teleconsult.imaging.pacs.web_archive import WebArchive


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    readers = Sandbox(workers=1)
    yield readers
    await readers.close()


@pytest.fixture
async def there(aiohttp_server: AiohttpServer) -> WebArchive:
    """The archive."""
    found = WebArchive()
    server = await aiohttp_server(found.app())
    found.url = f"http://127.0.0.1:{server.port}/dicom-web"
    return found


@pytest.fixture
async def asking(cast: Cast, sessions: Sessions, settings: Settings, sandbox: Sandbox, there: WebArchive) -> Asking:
    own = settings.model_copy(update={"pacs_networks": NETWORKS})
    draft = await consult_steps.drafted(cast, sessions)
    kept = await archive(sessions, cast, PacsKind.DICOMWEB, there.url)
    return Asking(cast, sessions, own, sandbox, draft.id, kept)
