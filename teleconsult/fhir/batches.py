"""Batch and transaction: many interactions in one Bundle (R4 §3.1.0.11)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.errors import Forbidden, Invalid, NotFound, TeleconsultError, TooLarge
from teleconsult.fhir.asking import Answered, Asked
from teleconsult.fhir.attachments import brings_costly
from teleconsult.fhir.conditions import Conditions, condition_of, number_in
from teleconsult.fhir.door import Interaction, interact, interaction_of
from teleconsult.fhir.incoming import check_shape, resource_in
from teleconsult.fhir.outcomes import (
    BadRequest,
    BadResource,
    NotOffered,
    code_of,
    expressions_of,
    operation_outcome,
    sentence_of,
)
from teleconsult.fhir.scoping import require_scope
from teleconsult.fhir.writing import the_one
from teleconsult.records.elements import as_text
from teleconsult.records.models import ResourceType

MOST: Final = 500
MOST_COSTLY: Final = 20
"""Pictures and CDA documents of one Bundle: each may hold one of the few processes that open them for half a second."""
LONGEST_METHOD, LONGEST_PATH = 20, 300
"""Characters, of what is noted of a refused entry."""
LINKS: Final = frozenset({"reference", "url", "valueUri", "valueUrl"})
"""Elements by which the entries of a transaction speak of each other."""
_ORDER: Final = {"POST": 1, "PUT": 2, "GET": 3}
"""A transaction's order (R4 §3.1.0.11.2); what is deleted would come first."""


class FailedEntry(TeleconsultError):
    """The entry that a transaction failed by; nothing of the Bundle is done."""

    def __init__(self, number: int, cause: TeleconsultError) -> None:
        super().__init__(cause.message, **cause.values)
        place = f"Bundle.entry[{number}]"
        said = expressions_of(cause) or {"": sentence_of(cause)}
        self.status, self.cause, self.code = cause.status, cause, code_of(cause)
        self.expressions = {_within(place, element): words for element, words in said.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction of a Bundle: where it stands in it, what others call its resource, and what it asks."""

    number: int
    full_url: str
    asked: Asked
    refused: TeleconsultError | None = None
    """Why it cannot be done, where that is known before anything is."""


@dataclass(frozen=True, slots=True)
class Work:
    """A Bundle to be done: `batch`, each entry for itself, or `transaction`, all or nothing."""

    kind: str
    asked: Asked
    entries: Sequence[Entry]


def read_bundle(asked: Asked) -> Work:
    """What a `POST` of a Bundle asks for.

    Raises BadResource for a Bundle that is none, TooLarge over 500 entries, or 20 pictures and CDA documents.
    """
    bundle = resource_in(asked)
    kind, entries = bundle.get("type"), bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or kind not in ("batch", "transaction"):
        raise BadResource("Bundle.type", "Send a Bundle of type batch or transaction.", code="value")
    if not isinstance(entries, list):
        raise BadResource("Bundle.entry", "This is a list of entries.", code="structure")
    if len(entries) > MOST:
        raise TooLarge("Send at most 500 entries at once.")
    if kind == "transaction":
        check_shape(bundle, "Bundle")
    work = Work(kind, asked, [_read(asked, number, entry) for number, entry in enumerate(entries)])
    if sum(brings_costly(entry.asked.body) for entry in work.entries) > MOST_COSTLY:
        raise TooLarge("Send at most 20 pictures and CDA documents at once.")
    return work


async def process_bundle(session: AsyncSession, actor: Actor, work: Work) -> Answered:
    """Do it. Raises FailedEntry for a transaction that fails."""
    answers = await (_batch if work.kind == "batch" else _transaction)(session, actor, work)
    answer: dict[str, Any] = {"resourceType": "Bundle", "type": f"{work.kind}-response"}
    if answers:
        answer["entry"] = [_entry(work.asked, answered) for answered in answers]
    return Answered(200, answer)


async def _batch(session: AsyncSession, actor: Actor, work: Work) -> list[Answered]:
    """Each for itself: what fails leaves nothing of its own behind."""
    answers = []
    for entry in work.entries:
        try:
            async with session.begin_nested():
                answers.append(await _done(session, actor, entry))
        except TeleconsultError as error:
            if isinstance(error, NotFound | Forbidden):
                path = "/".join(("/fhir", *entry.asked.segments))
                audit.record(
                    session,
                    actor,
                    "access-denied",
                    outcome="denied",
                    method=_noted(entry.asked.method, LONGEST_METHOD),
                    path=_noted(path, LONGEST_PATH),
                )
            answers.append(_failed(error))
        except DataError:
            answers.append(_failed(Invalid({"": "This holds a value that cannot be kept."})))
    return answers


async def _transaction(session: AsyncSession, actor: Actor, work: Work) -> list[Answered]:
    """All or nothing: ids are given first, so that the entries may speak of each other in any order."""
    given: list[Entry] = []
    changed: set[uuid.UUID | None] = set()
    names: dict[str, str] = {}
    numbers: dict[tuple[str, tuple[str, str]], uuid.UUID] = {}
    for entry in work.entries:
        try:
            one = await _with_id(session, actor, entry, numbers)
            if one.asked.method == "PUT" and one.asked.given_id in changed:
                raise BadRequest("Another entry changes the same resource.")
        except TeleconsultError as error:
            raise FailedEntry(entry.number, error) from error
        given.append(one)
        if one.asked.method == "PUT":
            changed.add(one.asked.given_id)
        if entry.full_url and one.asked.given_id is not None:
            names[entry.full_url] = f"{one.asked.segments[0]}/{one.asked.given_id}"
    answers: dict[int, Answered] = {}
    bodies = [entry.asked.body for entry in given]
    conditions = await Conditions.look_up(session, actor, bodies, asked=work.asked)
    for entry in sorted(given, key=_turn):
        try:
            body = resolved(entry.asked.body, names | conditions.names(entry.asked.body))
            answers[entry.number] = await _done(session, actor, replace(entry, asked=replace(entry.asked, body=body)))
        except TeleconsultError as error:
            raise FailedEntry(entry.number, error) from error
    return [answers[entry.number] for entry in work.entries]


async def _done(session: AsyncSession, actor: Actor, entry: Entry) -> Answered:
    """One interaction. Bytes are read alone: a Bundle has no room for them."""
    if entry.refused is not None:
        raise entry.refused
    answered = await interact(session, actor, entry.asked)
    if answered.content is not None:
        raise NotOffered
    return answered


async def _with_id(
    session: AsyncSession, actor: Actor, entry: Entry, numbers: dict[tuple[str, tuple[str, str]], uuid.UUID]
) -> Entry:
    """The entry with the id that its resource has or will have. `numbers` keeps those given under a condition."""
    asked, interaction = entry.asked, interaction_of(entry.asked)
    id_: uuid.UUID | None = None
    if interaction is not None:
        require_scope(actor, asked, interaction)
    if asked.segments[0] not in set(ResourceType):
        return entry
    if interaction is Interaction.UPDATE and len(asked.segments) > 1:
        id_ = _uuid(asked.segments[1])
    elif interaction in (Interaction.CREATE, Interaction.UPDATE):
        id_ = uuid.uuid4()
        if condition := condition_of(asked):
            kind, number = ResourceType(asked.segments[0]), number_in(condition)
            if (kind, number) not in numbers:
                found = await the_one(session, actor, kind=kind, number=number)
                numbers[kind, number] = found.id if found is not None else id_
            id_ = numbers[kind, number]
    return replace(entry, asked=replace(asked, given_id=id_))


def _turn(entry: Entry) -> tuple[int, bool]:
    """Encounters first: others belong to them."""
    return _ORDER.get(entry.asked.method, 0), entry.asked.segments[:1] != ("Encounter",)


def resolved(content: Any, names: Mapping[str, str]) -> Any:
    """The resource with every reference by a name of the Bundle turned into one by id (R4 §3.1.0.11.3)."""
    if isinstance(content, list):
        return [resolved(item, names) for item in content]
    if not isinstance(content, dict):
        return content
    return {
        key: names.get(value, value) if key in LINKS and isinstance(value, str) else resolved(value, names)
        for key, value in content.items()
    }


def _read(asked: Asked, number: int, entry: object) -> Entry:
    place = f"Bundle.entry[{number}]"
    request = entry.get("request") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(request, Mapping):
        raise BadResource(f"{place}.request", "Say what is to be done with this entry.", code="required")
    method, url = as_text(request.get("method")), as_text(request.get("url"))
    try:
        parts = urlsplit(url.removeprefix(asked.server).lstrip("/"))
    except ValueError as error:
        raise BadResource(f"{place}.request.url", "This is no address.") from error
    if not method or not parts.path or parts.scheme or parts.netloc:
        raise BadResource(f"{place}.request.url", "Give an address below this server's.")
    return Entry(
        number,
        as_text(entry.get("fullUrl")),
        replace(
            asked,
            method=method,
            segments=tuple(unquote(segment) for segment in parts.path.split("/")),
            parameters=parse_qsl(parts.query, keep_blank_values=True),
            body=entry.get("resource"),
            if_match=as_text(request.get("ifMatch")),
            if_none_match=as_text(request.get("ifNoneMatch")),
            if_none_exist=as_text(request.get("ifNoneExist")),
        ),
    )


def _entry(asked: Asked, answered: Answered) -> dict[str, Any]:
    """What came of an entry (R4 Bundle.entry.response)."""
    response: dict[str, Any] = {"status": f"{answered.status} {HTTPStatus(answered.status).phrase}"}
    if answered.location:
        response["location"] = answered.location
    if answered.version:
        response["etag"] = f'W/"{answered.version}"'
    if answered.modified is not None:
        response["lastModified"] = answered.modified.isoformat(timespec="milliseconds")
    if answered.status >= HTTPStatus.BAD_REQUEST:
        return {"response": {**response, "outcome": answered.resource}}
    is_wanted = not answered.location or asked.wanted == "representation"
    if answered.resource is None or not is_wanted:
        return {"response": response}
    return {"resource": answered.resource, "response": response}


def _failed(error: TeleconsultError) -> Answered:
    fields = error.fields if isinstance(error, Invalid) else None
    expressions = expressions_of(error)
    return Answered(
        error.status,
        operation_outcome(
            error.status, sentence_of(error), fields=fields, expressions=expressions, code=code_of(error)
        ),
    )


def _noted(text: str, longest: int) -> str:
    """What a stranger wrote, as much of it as a log has room for, without what no column can hold."""
    return text[:longest].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _within(place: str, element: str) -> str:
    """`Observation.subject` of an entry, as a path of its Bundle."""
    _type, dot, rest = element.partition(".")
    return f"{place}.resource.{rest}" if dot else place


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
