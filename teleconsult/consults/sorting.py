"""One act of a coordinator's on many requests of the board."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import Permission
from teleconsult.access import require as require_permission
from teleconsult.accounts.actor import Actor
from teleconsult.consults.queries import consult_for
from teleconsult.consults.redirecting import assign_consult, redirect_consult
from teleconsult.consults.states import WAITING, state_of
from teleconsult.consults.triage import receive_request
from teleconsult.db import act_as
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused

MOST_AT_ONCE: Final = 100


class Sort(StrEnum):
    """What is done to all that are ticked."""

    RECEIVE = "receive"
    ASSIGN = "assign"
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True)
class Sorted:
    """How many it was done to, and for how many the state did not allow it (any more)."""

    done: int
    left: int


async def sort_requests(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_ids: Sequence[uuid.UUID],
    sort: Sort,
    role_id: uuid.UUID | None = None,
    service_id: uuid.UUID | None = None,
    reason: str = "",
) -> Sorted:
    """Do the same to each of them, by the act that is for one; what cannot be done to one is left as it is.

    Raises NotFound for who coordinates nothing, Invalid on `consults` for none or more than 100, and as the act does
    for what is wrong for each of them: `specialist`, `service`, `reason`.
    """
    require_permission(actor, Permission.CONSULT_TRIAGE)
    if not 0 < len(consult_ids) <= MOST_AT_ONCE:
        raise Invalid({"consults": "Tick 1 to 100 requests."})
    wrong: list[Invalid] = []
    done = 0
    for consult_id in sorted(set(consult_ids)):  # two who lock many lock them in the same order
        try:
            async with session.begin_nested():
                match sort:
                    case Sort.RECEIVE:
                        await receive_request(session, actor, consult_id=consult_id)
                    case Sort.ASSIGN:
                        await assign_consult(session, actor, consult_id=consult_id, role_id=role_id)
                    case Sort.REDIRECT:
                        await _redirect_waiting(session, actor, consult_id, service_id, reason)
            done += 1
        except Invalid as error:
            wrong.append(error)
        except (Forbidden, NotFound, Refused):
            continue
        finally:
            await act_as(session, actor)
    if wrong and not done:
        raise wrong[0]
    return Sorted(done, len(set(consult_ids)) - done)


async def _redirect_waiting(
    session: AsyncSession, actor: Actor, consult_id: uuid.UUID, service_id: uuid.UUID | None, reason: str
) -> None:
    """Nothing is taken from who accepted it since the board was read: that takes a look at the one."""
    consult = await consult_for(session, actor, consult_id, lock=True)
    if state_of(consult) not in WAITING:
        raise Refused("Somebody has accepted this consult already, or it is closed.")
    await redirect_consult(session, actor, consult_id=consult_id, service_id=service_id, reason=reason)
