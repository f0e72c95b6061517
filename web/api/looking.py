"""Who retrieves something of a study has opened it: that is in the log before anything goes out, once in a while."""

import uuid
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.db import transaction
from teleconsult.imaging.models import ImagingStudy
from teleconsult.imaging.queries import note_opening
from web.lately import Lately
from web.looks import Looks
from web.requests import LATELY, LOOKS, actor_of, sessions_of


@dataclass(slots=True)
class Looking:
    """One short transaction in which a study is looked up."""

    session: AsyncSession
    actor: Actor
    lately: Lately
    _looks: Looks
    _opened: list[uuid.UUID] = field(default_factory=list)
    _noted: list[Hashable] = field(default_factory=list)

    async def at(self, study: ImagingStudy) -> None:
        """Note that the actor opens it, unless they did lately."""
        if self._looks.are_new(self.actor, study.id):
            await note_opening(self.session, self.actor, study)
            self._opened.append(study.id)

    def is_news(self, *what: Hashable) -> bool:
        """Whether the actor has not done just this a moment ago; what is news is noted in this transaction."""
        key = self.actor, *what
        if self.lately.holds(key):
            return False
        self._noted.append(key)
        return True

    def remember(self) -> None:
        """What was noted is committed now."""
        for study_id in self._opened:
            self._looks.note(self.actor, study_id)
        for key in self._noted:
            self.lately.note(key)


@asynccontextmanager
async def looking(request: web.Request, *, is_planned_anew: bool = False) -> AsyncIterator[Looking]:
    """The transaction, of who asks; committed at the end of the block."""
    actor = actor_of(request)
    async with transaction(sessions_of(request), actor, is_planned_anew=is_planned_anew) as session:
        look = Looking(session, actor, request.app[LATELY], request.app[LOOKS])
        yield look
    look.remember()
