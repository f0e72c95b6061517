"""Consults through the FHIR door: read and searched through the same look-ups as the pages."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, contains_eager, joinedload
from sqlalchemy.orm.interfaces import ORMOption

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import RequestPriority, RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.directory.models import HealthcareService, PractitionerRole, RoleCode
from teleconsult.errors import NotFound
from teleconsult.fhir.asking import Answered, Asked, is_known
from teleconsult.fhir.bundles import searchset
from teleconsult.fhir.outcomes import BadSearch
from teleconsult.fhir.questions import Grammar, Question, moment_after, read_question
from teleconsult.fhir.reading import uuid_in
from teleconsult.fhir.requests import service_request, task, version_at
from teleconsult.fhir.searching import Position, alternatives, ids_in, token_of, within

Kind: TypeAlias = type[ServiceRequest] | type[Task]
Column: TypeAlias = InstrumentedAttribute[Any]
_PEOPLE: Final = {"patient": "reference", "patient:Patient": "reference"}
_ALWAYS: Final = {"_id": "token", "_lastUpdated": "date", "status": "token", "priority": "token"}
WORK_OF: Final = frozenset({"Task:based-on", "Task:focus"})
"""By what the other side of a consult comes along: from a Task to its request, and back."""
MOST_ALONG: Final = 1000
REQUESTS: Final = Grammar(
    parameters={
        **_PEOPLE,
        **_ALWAYS,
        "subject": "reference",
        "subject:Patient": "reference",
        "identifier": "token",
        "authored": "date",
    },
    sorts={"authored": "date", "date": "date"},
    revincludes=WORK_OF,
    has_subsets=True,
)
TASKS: Final = Grammar(
    parameters={
        **_PEOPLE,
        **_ALWAYS,
        "based-on": "reference",
        "focus": "reference",
        "authored-on": "date",
        "modified": "date",
    },
    sorts={"authored-on": "date", "date": "date"},
    includes=WORK_OF,
    has_subsets=True,
)


@dataclass(frozen=True, slots=True)
class Side:
    """How one side of a consult is found and shown."""

    row: Kind
    grammar: Grammar
    authored: Column
    modified: Column
    load: tuple[ORMOption, ...]
    show: Callable[..., dict[str, Any]]
    codes: Mapping[str, tuple[Column, type[RequestStatus | TaskStatus | RequestPriority]]]


_SERVICE: Final = joinedload(ServiceRequest.service).joinedload(HealthcareService.organization)
_CONSULT: Final = contains_eager(Task.service_request)
SIDES: Final = {
    "ServiceRequest": Side(
        ServiceRequest,
        REQUESTS,
        ServiceRequest.authored_on,
        ServiceRequest.updated_at,
        (
            joinedload(ServiceRequest.patient),
            joinedload(ServiceRequest.requester).joinedload(PractitionerRole.practitioner),
            _SERVICE,
        ),
        service_request,
        {
            "status": (ServiceRequest.status, RequestStatus),
            "priority": (ServiceRequest.priority, RequestPriority),
        },
    ),
    "Task": Side(
        Task,
        TASKS,
        Task.created_at,
        Task.modified_at,
        (
            _CONSULT.joinedload(ServiceRequest.patient),
            _CONSULT.joinedload(ServiceRequest.requester).joinedload(PractitionerRole.practitioner),
            joinedload(Task.owner).joinedload(PractitionerRole.practitioner),
            joinedload(Task.assigned).joinedload(PractitionerRole.practitioner),
            joinedload(Task.service).joinedload(HealthcareService.organization),
        ),
        lambda row, naming, is_named: task(row, is_named=is_named),
        {"status": (Task.status, TaskStatus), "priority": (ServiceRequest.priority, RequestPriority)},
    ),
}


async def read_request(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /ServiceRequest/{id}` or `/Task/{id}`. Raises NotFound for a consult that is none of the actor's."""
    side = SIDES[asked.segments[0]]
    query = _theirs(side, actor).where(side.row.id == uuid_in(asked.segments[1])).options(*side.load)
    found = await session.scalar(query)
    if found is None:
        raise NotFound
    _trace(session, actor, [found])
    modified = _moment(found, side.modified)
    version = version_at(modified)
    if is_known(asked, version):
        return Answered(304, version=version, modified=modified)
    return Answered(200, side.show(found, naming=asked.naming, is_named=_may_name(actor)), version, modified)


async def show_request(session: AsyncSession, actor: Actor, asked: Asked, consult_id: uuid.UUID) -> Answered:
    """A request that was just made, with where it stands."""
    side = SIDES["ServiceRequest"]
    query = _theirs(side, actor).where(ServiceRequest.id == consult_id).options(*side.load)
    made = (await session.scalars(query.execution_options(populate_existing=True))).one()
    resource = service_request(made, naming=asked.naming)
    location = f"{asked.server}/ServiceRequest/{made.id}"
    return Answered(201, resource, version_at(made.updated_at), made.updated_at, location)


async def search_requests(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /ServiceRequest` or `/Task`: the latest first, with the other side of each where that is wanted."""
    side = SIDES[asked.segments[0]]
    question = read_question(asked, side.grammar)
    fitting = _theirs(side, actor).where(*_conditions(side, question, asked.naming))
    found: list[Any] = []
    if not question.is_counted_only:
        found = list(await session.scalars(_ordered(side, question, fitting).options(*side.load)))
    total = question.total_of(found)
    if total is None and question.wants_total:
        ids = fitting.with_only_columns(side.row.id).subquery()
        total = await session.scalar(select(func.count()).select_from(ids))
    shown, following = found[: question.count], None
    if len(found) > question.count:
        following = question.address(asked, after=Position.at(_moment(shown[-1], side.authored), shown[-1].id))
    along = await _along(session, actor, shown) if question.includes | question.revincludes else []
    _trace(session, actor, [*shown, *along])
    resources = question.cut(_shown(actor, asked, shown))
    included = _shown(actor, asked, along)
    own = question.address(asked)
    return Answered(
        200, searchset(resources, server=asked.server, own=own, following=following, total=total, included=included)
    )


async def _along(session: AsyncSession, actor: Actor, shown: Sequence[Any]) -> list[Any]:
    """The other side of these: the requests of tasks, the tasks of requests."""
    if not shown:
        return []
    if isinstance(shown[0], Task):
        wanted, side = ServiceRequest.id.in_({row.service_request_id for row in shown}), SIDES["ServiceRequest"]
    else:
        wanted, side = Task.service_request_id.in_({row.id for row in shown}), SIDES["Task"]
    query = _theirs(side, actor).where(wanted).order_by(side.authored, side.row.id).limit(MOST_ALONG)
    return list(await session.scalars(query.options(*side.load)))


def _shown(actor: Actor, asked: Asked, found: Sequence[ServiceRequest | Task]) -> list[dict[str, Any]]:
    return [SIDES[type(row).__name__].show(row, naming=asked.naming, is_named=_may_name(actor)) for row in found]


def _may_name(actor: Actor) -> bool:
    """Whether the patient's name is theirs to know: who only arranges goes by initials, as on the pages."""
    return actor.role is not RoleCode.COORDINATOR


def _theirs(side: Side, actor: Actor) -> Select[Any]:
    if side.row is Task:
        return select(Task).join(Task.service_request).where(rows.consults(actor))
    return select(ServiceRequest).where(rows.consults(actor))


def _ordered(side: Side, question: Question, query: Select[Any]) -> Select[Any]:
    place = (side.authored, side.row.id)
    if question.after is not None:
        last = tuple_(moment_after(question.after), question.after.id)
        query = query.where(tuple_(*place) > last if question.is_ascending else tuple_(*place) < last)
    order = place if question.is_ascending else [column.desc() for column in place]
    return query.order_by(*order).limit(question.count + 1)


def _conditions(side: Side, question: Question, naming: str) -> list[ColumnElement[bool]]:
    found = []
    for name, value in question.criteria:
        try:
            found.append(_condition(side, name, value, naming))
        except (ValueError, OverflowError) as error:
            raise BadSearch({name: "This value cannot be read."}) from error
    return found


def _condition(side: Side, name: str, value: str, naming: str) -> ColumnElement[bool]:
    if name.partition(":")[0] in ("patient", "subject"):
        return ServiceRequest.patient_id.in_(ids_in(value, "Patient"))
    match name:
        case "_id":
            return side.row.id.in_(ids_in(value, side.row.__name__))
        case "based-on" | "focus":
            return ServiceRequest.id.in_(ids_in(value, "ServiceRequest"))
        case "status" | "priority":
            column, codes = side.codes[name]
            return column.in_([code for one in alternatives(value) for code in codes if code == token_of(one).code])
        case "identifier":
            wanted = [token_of(one) for one in alternatives(value)]
            system = f"{naming}/NamingSystem/consult"
            numbers = [one.code for one in wanted if one.system in (None, system)]
            return ServiceRequest.number.in_([int(one) for one in numbers if one.isdecimal() and len(one) < 19])
    moment = side.authored if name.startswith("authored") else side.modified
    return or_(*(within(one, moment, moment) for one in alternatives(value)))


def _trace(session: AsyncSession, actor: Actor, found: Sequence[ServiceRequest | Task]) -> None:
    consults = {row.id: row for row in (one.service_request if isinstance(one, Task) else one for one in found)}
    for consult in consults.values():
        audit.record(session, actor, "consult-read", consult, patient_id=consult.patient_id, by="fhir")


def _moment(row: ServiceRequest | Task, column: Column) -> datetime:
    moment = getattr(row, column.key)
    assert isinstance(moment, datetime)
    return moment
