"""Systems of this very machine that may send HL7 v2 to the demonstration."""

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.demo.people import Cast
from teleconsult.hl7v2.models import Hl7Sender


def add_senders(session: AsyncSession, cast: Cast) -> None:
    """The laboratory of the rural centre and the admission desk of the hospital."""
    for place, name, facility in (("rural", "Laboratoire", "ANSE"), ("tertiary", "Admission", "CHU")):
        session.add(
            Hl7Sender(organization_id=cast.organizations[place].id, name=name, facility=facility, created_at=now())
        )
