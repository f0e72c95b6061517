"""Reaching one person at once, by every way there is to them: what cannot wait until they look.

News that can wait comes by itself from `consults.events.tell_consult`. Each way is one function of its own:
`mail.send`, `sms.send`, `push.send`.
"""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.messages.audience import person_in, sees
from teleconsult.messages.telling import add_notice


async def reach(
    session: AsyncSession,
    role_id: uuid.UUID,
    occasion: str,
    *,
    consult_id: uuid.UUID,
    occurrence: uuid.UUID | None = None,
) -> bool:
    """Show an urgent occasion to who has this role, and owe them a push, an SMS and a mail at once.

    The session acts for the system: nobody else writes for another. The same `occurrence` reaches nobody twice.
    False where nobody was reached: the role has ended, the consult is not theirs to see, or it was told before.
    """
    person = await person_in(session, role_id)
    if person is None or not await sees(session, person, consult_id):
        return False
    added = await add_notice(
        session,
        person,
        occasion,
        consult_id=consult_id,
        occurrence=occurrence or uuid.uuid4(),
        happened_at=now(),
    )
    return added is not None
