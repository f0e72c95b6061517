"""From the row of an archive to one that can be asked."""

import ssl
from urllib.parse import urlsplit

from teleconsult.imaging.pacs.calling import Line
from teleconsult.imaging.pacs.dicomweb import DicomwebSource, Place
from teleconsult.imaging.pacs.dimse import DimseSource
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.models import Pacs, PacsKind
from teleconsult.imaging.pacs.places import address_of
from teleconsult.imaging.pacs.sources import Source
from teleconsult.sealing import SealBroken, Sealer
from teleconsult.settings import Settings

PORTS = {"https": 443, "http": 80}


async def source_of(pacs: Pacs, settings: Settings) -> Source:
    """The archive, at an address that was checked just now. Raises PacsFault."""
    if pacs.kind is PacsKind.DICOMWEB:
        return await _web_source(pacs, settings)
    host, _colon, port = pacs.address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    line = Line(
        address=await address_of(host, int(port), networks=settings.pacs_networks),
        port=int(port),
        calling=pacs.calling_title,
        called=pacs.ae_title,
        tls=_tls(pacs) if pacs.uses_tls else None,
        host=host,
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
    return DicomwebSource(Place(pacs.address, address, _tls(pacs), authorization))


def _tls(pacs: Pacs) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=pacs.authority or None)
    except ssl.SSLError as error:
        raise PacsFault(Fault.CERTIFICATE) from error
