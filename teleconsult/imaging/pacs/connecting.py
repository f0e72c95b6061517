"""From the row of an archive to one that can be asked."""

from urllib.parse import urlsplit

from teleconsult.imaging.pacs.dicomweb import DicomwebSource, Place
from teleconsult.imaging.pacs.dimse import DimseSource
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.lines import line_to
from teleconsult.imaging.pacs.models import Pacs, PacsKind
from teleconsult.imaging.pacs.places import address_of
from teleconsult.imaging.pacs.sources import Source
from teleconsult.imaging.pacs.tls import trusting
from teleconsult.sealing import SealBroken, Sealer
from teleconsult.settings import Settings

PORTS = {"https": 443, "http": 80}


async def source_of(pacs: Pacs, settings: Settings) -> Source:
    """The archive, at an address that was checked just now. Raises PacsFault."""
    if pacs.kind is PacsKind.DICOMWEB:
        return await _web_source(pacs, settings)
    line = await line_to(
        pacs.address,
        calling=pacs.calling_title,
        called=pacs.ae_title,
        tls=trusting(pacs.authority, settings) if pacs.uses_tls else None,
        networks=settings.pacs_networks,
    )
    return DimseSource(line, destination=pacs.calling_title if pacs.kind is PacsKind.C_MOVE else "")


async def _web_source(pacs: Pacs, settings: Settings) -> DicomwebSource:
    authorization = ""
    if pacs.credential_sealed is not None:
        try:
            authorization = Sealer(settings.secret_key).open(pacs.credential_sealed).decode()
        except SealBroken as error:
            raise PacsFault(Fault.SEALED) from error
    parts = urlsplit(pacs.address)
    port = parts.port or PORTS[parts.scheme]
    address = await address_of(parts.hostname or "", port, networks=settings.pacs_networks)
    return DicomwebSource(Place(pacs.address, address, trusting(pacs.authority, settings), authorization))
