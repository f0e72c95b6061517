"""Objects that no row names are told of, once nobody can be about to name them."""

from datetime import timedelta

from teleconsult.clock import now
from teleconsult.db import Sessions
from teleconsult.notes.signing import Signing
from teleconsult.objects import new_key, open_store
from teleconsult.settings import Settings
from teleconsult.stored.orphans import find_orphans
from tests import note_steps
from tests.people import Cast
from tests.teleconsult.notes.conftest import press, signing

__all__ = ["press", "signing"]


async def test_what_nothing_names_is_told_of_and_what_is_named_is_not(
    cast: Cast, signing: Signing, sessions: Sessions, settings: Settings
) -> None:
    await note_steps.signed(cast, signing)
    await note_steps.drafted(cast, sessions)
    store, later = open_store(None, settings.data), now() + timedelta(days=2)
    before = await find_orphans(sessions, store, at=later)
    assert (before.number, before.keys) == (0, []), "a signed note's PDF and bundle have their rows"

    left = new_key("dicom")
    await signing.objects.put(left, b"a slice whose commit never came")
    young = await find_orphans(sessions, store)
    assert young.number == 0, "its commit may yet come"
    found = await find_orphans(sessions, store, at=later)
    assert (found.number, found.size, found.keys) == (1, 31, [left])
    assert await signing.objects.get(left), "it is told of, and not taken away"
