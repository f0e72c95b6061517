"""Where the DICOMweb door stands: the address its links lead to (PS3.18 §8.2)."""

from aiohttp import web

from web.api import fhir_address
from web.errors import DICOMWEB


def studies_of(request: web.Request) -> str:
    """The address of the studies, without a slash at its end: what every Retrieve URL begins with."""
    return f"{fhir_address.server_of(request).removesuffix(fhir_address.ROOT)}{DICOMWEB}/studies"
