"""In which form an answer of DICOMweb is wanted (PS3.18 §8.7): media types, and the transfer syntax in them."""

import re
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from typing import Final

from aiohttp import web

from teleconsult.errors import TeleconsultError

DICOM: Final = "application/dicom"
DICOM_JSON: Final = "application/dicom+json"
JSON: Final = (DICOM_JSON, "application/json")
OCTETS: Final = "application/octet-stream"
MULTIPART: Final = "multipart/related"
_ONE: Final = re.compile(r'(?:[^",]|"[^"]*")+')
_MOST: Final = 50
_LONGEST_HELD: Final = 1024


class OtherForm(TeleconsultError):
    """The answer is wanted in a form that is not offered for it."""

    status = 406


@dataclass(frozen=True, slots=True)
class Form:
    """One form in which the answer would do: its media type, or that of the parts of a multipart; "" of any."""

    media: str
    is_multipart: bool
    syntax: str
    """A transfer syntax, `*`, or "" where none is named."""
    quality: float

    def takes(self, media: str) -> bool:
        """Whether it includes this media type."""
        return self.media in ("", "*/*", media, f"{media.partition('/')[0]}/*")


def accepted(request: web.Request) -> tuple[Form, ...]:
    """The forms the client takes, the best liked first; the `accept` parameter goes before the header (§8.3.3.1)."""
    written = request.query.get("accept", "").replace(" ", "+") or ",".join(request.headers.getall("Accept", []))
    return _read(written) if len(written) <= _LONGEST_HELD else _forms(written)


def _forms(written: str) -> tuple[Form, ...]:
    forms = [_form(one) for one in _ONE.findall(written)[:_MOST]] or [_form("*/*")]
    return tuple(sorted((form for form in forms if form.quality > 0), key=lambda form: -form.quality))


_read: Final = lru_cache(maxsize=128)(_forms)
"""A viewer says the same with each of its requests."""


def chosen(request: web.Request, *media: str) -> str:
    """The one of these media types that is liked best. Raises OtherForm where none is taken."""
    for form in accepted(request):
        for one in media:
            if form.takes(one) and (not form.is_multipart or form.media == "*/*"):
                return one
    raise OtherForm("The answer comes as %(media)s alone.", media=", ".join(media))


def _form(written: str) -> Form:
    message = Message()
    message["Accept"] = re.sub(r"[\r\n]", " ", written.strip())
    pairs = message.get_params(header="Accept") or [("*/*", "")]
    media, given = pairs[0][0].lower(), dict[str, str]()
    for name, value in pairs[1:]:
        if isinstance(value, str):  # three where it comes with its charset (RFC 8187): none of ours does
            given[name.lower()] = value
    syntax = given.get("transfer-syntax", "").strip()
    try:
        quality = float(given.get("q", "1"))
    except ValueError:
        quality = 0.0
    if media == MULTIPART:
        return Form(given.get("type", "").lower(), True, syntax, quality)
    return Form(media, media == "*/*", syntax, quality)
