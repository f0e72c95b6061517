"""The patient files that are here: what is owed to them is written in one transaction, and stands there once."""

import uuid
from typing import Final

from sqlalchemy import Select, select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.actions import deliver_note, retract_note
from teleconsult.delivery.models import OWED, Channel, Delivery, Purpose

MOST: Final = 200
"""Of one turn."""


async def file_owed(sessions: Sessions, *, note_id: uuid.UUID | None = None) -> int:
    """Write what is owed into the files, in the order it was queued: of one note, or of all that was left behind.

    How many were written. One that fails leaves the others alone and is raised at the end.
    """
    async with transaction(sessions, SYSTEM) as session:
        owed = (await session.execute(_owed(note_id))).all()
    failures: list[Exception] = []
    for delivery_id, purpose in owed:
        try:
            async with transaction(sessions, SYSTEM) as session:
                if purpose is Purpose.RETRACTION:
                    await retract_note(session, SYSTEM, delivery_id=delivery_id)
                else:
                    await deliver_note(session, SYSTEM, delivery_id=delivery_id)
        except Exception as error:  # whatever it was: the next one is another patient's
            failures.append(error)
    if failures:
        raise failures[0]
    return len(owed)


def _owed(note_id: uuid.UUID | None) -> Select[uuid.UUID, Purpose]:
    query = (
        select(Delivery.id, Delivery.purpose)
        .where(Delivery.channel == Channel.PATIENT_FILE, Delivery.status.in_(OWED))
        .order_by(Delivery.number)
        .limit(MOST)
    )
    return query.where(Delivery.composition_id == note_id) if note_id is not None else query
