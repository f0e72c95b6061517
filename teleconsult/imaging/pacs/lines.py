"""To another system over DIMSE: from where it stands to a line on which it can be called."""

import ssl

from teleconsult.imaging.pacs.calling import Line
from teleconsult.imaging.pacs.places import address_of


async def line_to(place: str, *, calling: str, called: str, tls: ssl.SSLContext | None, networks: str) -> Line:
    """To `host:port` as it is kept, at an address that was checked just now. Raises PacsFault."""
    host, _colon, port = place.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    address = await address_of(host, int(port), networks=networks)
    return Line(address, int(port), calling=calling, called=called, tls=tls, host=host)
