"""The requester at a draft of theirs, and a site that takes little."""

import pytest

from teleconsult.db import Sessions
from teleconsult.settings import MIB, Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.web.resumable.tus import Client, Tus
from web.requests import SETTINGS


@pytest.fixture
async def tus(cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, settings: Settings) -> Tus:
    """The requester's, for a draft of theirs."""
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    return Tus(client, settings, draft.id)


@pytest.fixture
def narrow(client: Client, settings: Settings) -> Settings:
    """The same site, which takes 1 MiB a file and 2 MiB at once."""
    small = settings.model_copy(update={"upload_limit": 2 * MIB, "upload_file_limit": MIB})
    client.app._state[SETTINGS] = small
    return small
