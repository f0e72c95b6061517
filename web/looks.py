"""Which studies somebody opened lately: a frame fetched without its page is an opening too, and must leave an event."""

import time
import uuid
from collections import OrderedDict
from typing import Final

from teleconsult.accounts.actor import Actor

LATELY: Final = 30 * 60  # seconds
MOST: Final = 20_000

Key = tuple[uuid.UUID | None, uuid.UUID | None, uuid.UUID]


class Looks:
    """What this process knows of it. Another process knows less, and records one opening more."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Key, float] = OrderedDict()

    def are_new(self, actor: Actor, study_id: uuid.UUID) -> bool:
        """Whether the actor, by this sign-in, has not opened the study within half an hour."""
        seen = self._seen.get(_key(actor, study_id))
        return seen is None or time.monotonic() - seen > LATELY

    def note(self, actor: Actor, study_id: uuid.UUID) -> None:
        """It was opened now, and that is recorded."""
        self._seen[_key(actor, study_id)] = time.monotonic()
        self._seen.move_to_end(_key(actor, study_id))
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)


def _key(actor: Actor, study_id: uuid.UUID) -> Key:
    return actor.session_id or actor.token_id or actor.client_id, actor.role_id, study_id
