"""A machine that sends images: whole objects in one multipart body (PS3.18 §10.5)."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import ClientResponse

from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.web.fhir_client import Program

BOUNDARY = "a-boundary"
RELATED = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
Answer = dict[str, Any]


def parts(contents: Sequence[bytes], *, media: str = "application/dicom", end: bool = True) -> bytes:
    """The body: each content a part."""
    head = f"--{BOUNDARY}\r\nContent-Type: {media}\r\n\r\n".encode()
    return b"".join(head + content + b"\r\n" for content in contents) + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def slice_of(cast: Cast, **values: Any) -> bytes:
    """A CT slice of the rural doctor's patient, under the number of their establishment."""
    own = {
        "PatientName": "Bélanger^Rose",
        "PatientID": cast.patient.local_number,
        "PatientBirthDate": cast.patient.birth_date.strftime("%Y%m%d") if cast.patient.birth_date else "",
    }
    return dicom_bytes(**{**own, **values})


async def send(
    sender: Program, *contents: bytes, path: str = "/dicomweb/studies", headers: Mapping[str, str] | None = None
) -> tuple[ClientResponse, Answer]:
    """The answer and what it says, as DICOM JSON."""
    return await send_body(sender, parts(contents), path=path, headers=headers)


async def send_body(
    sender: Program, body: bytes, *, path: str = "/dicomweb/studies", headers: Mapping[str, str] | None = None
) -> tuple[ClientResponse, Answer]:
    """The same, of a body of whatever form."""
    given = {"Content-Type": RELATED, "Accept": "application/dicom+json", **(headers or {})}
    return await sender.ask("POST", path, body, headers=given)


def stored(answer: Answer) -> list[str]:
    """The SOP Instance UIDs that are here now."""
    return [one["00081155"]["Value"][0] for one in answer.get("00081199", {}).get("Value", [])]


def failures(answer: Answer) -> list[int]:
    """The Failure Reasons, those of parts nobody could tell apart last."""
    items = [*answer.get("00081198", {}).get("Value", []), *answer.get("0008119A", {}).get("Value", [])]
    return [item["00081197"]["Value"][0] for item in items]
