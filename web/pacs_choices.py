"""A study that a search showed, on its way through the form that asks for it: sealed, so that what is fetched is what
was found, in that archive, for that request, by that person.
"""

import base64
import binascii
import json
import uuid
from dataclasses import asdict
from typing import Final

from aiohttp import web

from teleconsult.clock import now
from teleconsult.errors import Invalid
from teleconsult.imaging.pacs.answers import FoundStudy
from teleconsult.sealing import SealBroken, Sealer
from web.requests import actor_of, settings_of

GOOD_FOR: Final = 3600  # seconds


def sealed_choice(request: web.Request, study: FoundStudy, *, consult_id: uuid.UUID, pacs_id: uuid.UUID) -> str:
    """What the form carries."""
    held = [str(actor_of(request).role_id), str(consult_id), str(pacs_id), now().timestamp(), asdict(study)]
    return base64.urlsafe_b64encode(_sealer(request).seal(json.dumps(held).encode())).decode()


def opened_choice(request: web.Request, sealed: str, *, consult_id: uuid.UUID) -> tuple[uuid.UUID, FoundStudy]:
    """The archive and the study. Raises Invalid for what was not shown to this person for this request lately."""
    try:
        content = _sealer(request).open(base64.urlsafe_b64decode(sealed))
    except (SealBroken, binascii.Error, ValueError) as error:
        raise _stale() from error
    role, consult, pacs, shown_at, study = json.loads(content)
    is_theirs = (role, consult) == (str(actor_of(request).role_id), str(consult_id))
    if not is_theirs or now().timestamp() > shown_at + GOOD_FOR:
        raise _stale()
    return uuid.UUID(pacs), FoundStudy(**study | {"modalities": tuple(study["modalities"])})


def _stale() -> Invalid:
    return Invalid({"": "This search is too old. Search again."})


def _sealer(request: web.Request) -> Sealer:
    return Sealer(settings_of(request).secret_key, "studies of a PACS")
