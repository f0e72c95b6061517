"""STOW-RS: machines bring images, without a consult (PS3.18 §10.5). Whose they are is found at ingest."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from email.message import Message
from typing import Any, Final

import orjson
from aiohttp import web

from teleconsult.errors import NotFound, TeleconsultError
from teleconsult.fhir.scoping import require_granted
from teleconsult.imaging.receiving import Arrival, Received
from teleconsult.imaging.store_response import status_of, store_response
from teleconsult.imaging.uids import is_uid
from teleconsult.multipart import BrokenBody
from teleconsult.records.models import ResourceType
from web.api.dicomweb_address import studies_of
from web.api.stow_metadata import assembled_lots
from web.arriving import arriving_lots
from web.requests import actor_of, own_transactions, receiver_of

DICOM: Final = "application/dicom"
DICOM_JSON: Final = "application/dicom+json"
TAKEN: Final = (f'multipart/related; type="{DICOM}"', f'multipart/related; type="{DICOM_JSON}"')
"""What a request's body may be."""
_ANSWERS: Final = (DICOM_JSON, "application/json", "application/*", "*/*")
_SCOPE: Final = (ResourceType.IMAGING_STUDY, "c")


class OtherMedia(TeleconsultError):
    """The body is of a kind that is not taken."""

    status = 415


class OtherAnswer(TeleconsultError):
    """The answer is wanted in a form that is not offered."""

    status = 406


@own_transactions
async def store(request: web.Request) -> web.StreamResponse:
    """Take the instances in as they arrive; say what became of each.

    200 where all are here, 202 where some are, 409 where none is; 406 where only XML is wanted; 415 for what is
    neither whole instances nor JSON with bulk data; 400 for a body that breaks off; 404 where the address names no
    UID. What was stored until then stays: sent again, it is known.
    """
    actor = actor_of(request)
    study_uid = request.match_info.get("uid")
    if study_uid is not None and not is_uid(study_uid):
        raise NotFound
    require_granted(actor, _SCOPE)
    if not _takes_json(request.headers.get("Accept", "")):
        raise OtherAnswer("The answer is %(media)s, and nothing else.", media=DICOM_JSON)
    kind, boundary = _form_of(request)
    receiver = receiver_of(request)
    arrivals: list[Arrival] = []
    try:
        async with aclosing(_lots(request, kind, boundary)) as lots:
            async for files, refused in lots:
                arrivals += await receiver.receive_arrived(actor, files=files, study_uid=study_uid)
                arrivals += refused
    except BrokenBody as error:
        raise web.HTTPBadRequest from error
    if not arrivals:
        raise web.HTTPBadRequest
    return _answer(store_response(arrivals, studies=studies_of(request)), status=status_of(arrivals))


async def _lots(
    request: web.Request, kind: str, boundary: str
) -> AsyncGenerator[tuple[list[Received], list[Arrival]], None]:
    """Files, as they arrive or are put together, and what came that is none."""
    if kind == DICOM_JSON:
        async with aclosing(assembled_lots(request, boundary=boundary)) as assembled:
            async for files_and_refused in assembled:
                yield files_and_refused
        return
    async with arriving_lots(request, boundary=boundary, media=DICOM) as lots:
        async for lot in lots:
            yield lot.files, [Arrival(refusal) for refusal in lot.refused]


def _form_of(request: web.Request) -> tuple[str, str]:
    """What the parts are, and their boundary. Raises 415 for what is not taken."""
    message = Message()
    message["Content-Type"] = request.headers.get("Content-Type", "")
    (media, _), *parameters = message.get_params() or [("", "")]
    told = {name.lower(): value for name, value in reversed(parameters)}  # of two, the first
    kind = str(told.get("type", DICOM)).lower()
    if media.lower() != "multipart/related" or kind not in (DICOM, DICOM_JSON):
        raise OtherMedia("Only %(media)s is taken here.", media=", ".join(TAKEN))
    return kind, str(told.get("boundary", ""))


def _takes_json(accepted: str) -> bool:
    wanted = [one.partition(";")[0].strip().lower() for one in accepted.split(",")]
    return not accepted.strip() or any(one in _ANSWERS for one in wanted)


def _answer(content: dict[str, Any], *, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type=DICOM_JSON)
