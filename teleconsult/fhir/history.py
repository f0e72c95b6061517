"""All that an entry ever said, the latest first (R4 §3.1.0.12, http://hl7.org/fhir/R4/http.html#history)."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.fhir.asking import Answered, Asked
from teleconsult.fhir.bundles import bundle
from teleconsult.fhir.entries import entry_resource, version_resource
from teleconsult.fhir.outcomes import BadSearch
from teleconsult.fhir.questions import POSITION, Grammar, Question, read_question
from teleconsult.fhir.reading import entry_for
from teleconsult.fhir.searching import Position
from teleconsult.fhir.tracing import trace_files
from teleconsult.records.models import RecordEntry, RecordVersion

GRAMMAR: Final = Grammar(parameters={})


async def read_history(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /{type}/{id}/_history`, `_count` versions a page. Raises NotFound as `read_entry` does."""
    entry = await entry_for(session, actor, asked)
    question = read_question(asked, GRAMMAR)
    before = _version_after(question, entry)
    query = (
        select(RecordVersion)
        .join(RecordEntry, RecordEntry.id == RecordVersion.record_entry_id)
        .where(RecordVersion.record_entry_id == entry.id, RecordVersion.version < before, rows.entries(actor))
        .order_by(RecordVersion.version.desc())
        .limit(question.count + 1)
    )
    current = [entry_resource(entry)] if before > entry.version else []
    found = [*current, *(version_resource(entry, one) for one in await session.scalars(query))]
    await trace_files(session, actor, [entry.patient_id], entry=entry, of=entry.resource_type.value)
    following, shown = None, found[: question.count]
    if 0 < len(shown) < len(found):
        position = Position(shown[-1]["meta"]["versionId"], entry.id)
        following = question.address(asked, after=position)
    return Answered(200, _bundle(asked, shown, own=question.address(asked), following=following, total=entry.version))


def _version_after(question: Question, entry: RecordEntry) -> int:
    """The version that the page stops short of. Raises BadSearch for a position of something else."""
    if question.after is None:
        return entry.version + 1
    key = question.after.key
    if not (key.isascii() and key.isdecimal()) or len(key) > 9:
        raise BadSearch({POSITION: "Follow the links of a Bundle as they are."})
    return int(key)


def _bundle(
    asked: Asked, resources: Sequence[dict[str, Any]], *, own: str, following: str | None, total: int
) -> dict[str, Any]:
    """Each version with how it came about, as if it came about now."""
    entries = []
    for resource in resources:
        path, meta = f"{resource['resourceType']}/{resource['id']}", resource["meta"]
        is_first = meta["versionId"] == "1"
        entries.append(
            {
                "fullUrl": f"{asked.server}/{path}",
                "resource": resource,
                "request": {
                    "method": "POST" if is_first else "PUT",
                    "url": resource["resourceType"] if is_first else path,
                },
                "response": {
                    "status": "201 Created" if is_first else "200 OK",
                    "etag": f'W/"{meta["versionId"]}"',
                    "lastModified": meta["lastUpdated"],
                },
            }
        )
    return bundle("history", entries, own=own, following=following, total=total)
