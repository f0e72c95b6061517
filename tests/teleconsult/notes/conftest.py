"""What signing needs, once: the rendering process outlives the tests, certificates do not."""

from collections.abc import Iterator

import pytest

from teleconsult.db import Sessions
from teleconsult.documents.press import Press
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import note_steps
from tests.people import Cast


@pytest.fixture(scope="session")
def press() -> Iterator[Press]:
    """One rendering process for all tests of a worker."""
    press = Press()
    yield press
    press.close()


@pytest.fixture
async def signing(sessions: Sessions, settings: Settings, cast: Cast, press: Press) -> Signing:
    """The parts of a small installation whose neurologist has a certificate."""
    await note_steps.enrol(sessions, settings, cast.specialist)
    objects = Objects(open_store(None, settings.data))
    return Signing(sessions, settings, objects, Sealer(settings.secret_key), press)
