"""Systems of this very machine that may send HL7 v2 and images to the demonstration."""

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.clock import now
from teleconsult.demo.people import Cast
from teleconsult.hl7v2.models import Hl7Sender
from teleconsult.imaging.dimse.models import DicomPeer

AE_TITLES = {
    "STORESCU": "dcmtk storescu",
    "ECHOSCU": "dcmtk echoscu",
    "ORTHANC": "Orthanc",
    "PYNETDICOM": "pynetdicom",
}
"""What well-known senders call themselves where nobody told them otherwise."""


def add_senders(session: AsyncSession, cast: Cast) -> None:
    """The laboratory of the rural centre and the admission desk of the hospital; what sends images to the centre."""
    for place, name, facility in (("rural", "Laboratoire", "ANSE"), ("tertiary", "Admission", "CHU")):
        session.add(
            Hl7Sender(organization_id=cast.organizations[place].id, name=name, facility=facility, created_at=now())
        )
    for title, name in AE_TITLES.items():
        session.add(
            DicomPeer(
                organization_id=cast.organizations["rural"].id,
                name=name,
                ae_title=title,
                network="127.0.0.1/32",
                created_at=now(),
            )
        )
