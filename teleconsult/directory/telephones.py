"""Telephone numbers: as they are typed, and as they are dialled."""

import re
import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.directory.models import HealthcareService
from teleconsult.directory.services import service_here
from teleconsult.errors import Invalid

_NUMBER: Final = re.compile(r"\+?(?=(?:\D*\d){3,15}\D*$)[\d ().\-/]{3,32}", re.ASCII)
"""Three digits (an emergency number) to fifteen (ITU-T E.164 §6.2.1), with what people write between them."""

WRONG_NUMBER: Final = "Write the number as one dials it, such as +33 1 23 45 67 89."


def is_telephone(typed: str) -> bool:
    """Whether one can dial this."""
    return _NUMBER.fullmatch(typed) is not None


def dialled(phone: str) -> str:
    """The address that dials it (RFC 3966)."""
    return "tel:" + re.sub(r"[^+\d]", "", phone, flags=re.ASCII)


async def set_service_phone(
    session: AsyncSession, actor: Actor, *, service_id: uuid.UUID, phone: str
) -> HealthcareService:
    """Say where one of the establishment's own services answers the telephone; empty: nowhere of its own.

    Raises NotFound, Invalid.
    """
    require(actor, Permission.ADMINISTRATION)
    service = await service_here(session, actor, service_id, lock=True)
    number = " ".join(phone.split())
    if number and not is_telephone(number):
        raise Invalid({"phone": WRONG_NUMBER})
    if service.phone != number:
        service.phone = number
        audit.record(session, actor, "service-phone-changed", service)
        await session.flush()
    return service
