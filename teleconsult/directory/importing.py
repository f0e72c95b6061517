"""An extract of the national directory held against ours: differences to look at, nothing done by itself."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import (
    DifferenceKind,
    DirectoryDifference,
    DirectoryImport,
    Practitioner,
    PractitionerRole,
)
from teleconsult.directory.rpps import OTHER_NAME, Listed, RefusedLine, read_extract
from teleconsult.patients.names import fold

MOST_SAID: Final = 100
"""Refused lines that are kept one by one; the rest is a number."""
LOT: Final = 1000


@dataclass(slots=True)
class Extract:
    """A file that was read: each professional once, in the order of the file."""

    sha256: bytes
    lines: int = 0
    people: dict[str, Listed] = field(default_factory=dict)
    refused: list[RefusedLine] = field(default_factory=list)


def read_file(path: Path) -> Extract:
    """Read a whole extract; slow, for a thread. Raises Invalid and TooLarge as `rpps.read_extract` does."""
    with path.open("rb") as file:
        extract = Extract(hashlib.file_digest(file, "sha256").digest())
    for one in read_extract(path):
        extract.lines += 1
        if isinstance(one, RefusedLine):
            extract.refused.append(one)
            continue
        known = extract.people.setdefault(one.registration_number, one)
        if known is not one and not _same_name(known.traits, one.traits):
            extract.refused.append(RefusedLine(extract.lines + 1, OTHER_NAME))
    return extract


async def compare_extract(session: AsyncSession, actor: Actor, *, extract: Extract, file_name: str) -> DirectoryImport:
    """Keep the extract's differences from our directory, for a person to decide. Raises NotFound.

    Whose name or profession changed is said of people who work here; those of others are theirs to look after.
    """
    require(actor, Permission.ADMINISTRATION)
    assert actor.organization_id is not None, "the permission is an establishment's"
    assert actor.role_id is not None, "the permission is a person's"
    kept = DirectoryImport(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        file_name=file_name[:200],
        sha256=extract.sha256,
        lines=extract.lines,
        refused=[{"line": one.line, "reason": one.reason} for one in extract.refused[:MOST_SAID]],
        created_by_id=actor.role_id,
        created_at=now(),
    )
    session.add(kept)
    await session.flush()
    differences = _differences(extract.people.values(), await _Ours.load(session, actor))
    found = 0
    for lot in _lots(differences):
        await session.execute(insert(DirectoryDifference), [{"import_id": kept.id, **one} for one in lot])
        found += len(lot)
    audit.record(
        session,
        actor,
        "directory-read",
        kept,
        sha256=extract.sha256.hex(),
        lines=extract.lines,
        refused=len(extract.refused),
        differences=found,
    )
    await session.flush()
    return kept


def listed_from(practitioner: Practitioner) -> dict[str, str]:
    """What of ours an extract is held against."""
    return {
        "family": practitioner.family,
        "given": practitioner.given,
        "prefix": practitioner.prefix,
        "profession": practitioner.profession,
    }


@dataclass(slots=True)
class _Ours:
    """Our directory, in memory: one look-up a line would take minutes."""

    by_number: dict[str, Practitioner]
    by_name: dict[tuple[str, str], list[Practitioner]]
    here: set[uuid.UUID]

    @classmethod
    async def load(cls, session: AsyncSession, actor: Actor) -> "_Ours":
        practitioners = (await session.scalars(select(Practitioner).order_by(Practitioner.registration_number))).all()
        roles = (
            await session.execute(select(PractitionerRole.practitioner_id, PractitionerRole.organization_id))
        ).all()
        here = {practitioner_id for practitioner_id, organization in roles if organization == actor.organization_id}
        elsewhere = {practitioner_id for practitioner_id, _organization in roles} - here
        by_name = defaultdict(list)
        for one in practitioners:
            if one.id not in elsewhere:
                by_name[_key(one.family, one.given)].append(one)
        return cls({one.registration_number: one for one in practitioners}, dict(by_name), here)


def _differences(people: Iterable[Listed], ours: _Ours) -> Iterable[dict[str, Any]]:
    for listed in people:
        known = ours.by_number.get(listed.registration_number)
        if known is not None:
            before, after = listed_from(known), _after(listed_from(known), listed)
            if known.id in ours.here and before != after:
                yield _row(DifferenceKind.CHANGED, listed, after, known.id, before)
        elif namesakes := ours.by_name.get(_key(listed.family, listed.given)):
            before = {**listed_from(namesakes[0]), "registration_number": namesakes[0].registration_number}
            yield _row(DifferenceKind.DUPLICATE, listed, listed.traits, namesakes[0].id, before)
        else:
            yield _row(DifferenceKind.NEW, listed, listed.traits, None, {})


def _after(before: dict[str, str], listed: Listed) -> dict[str, str]:
    """What ours would become. Accents and capitals the extract leaves out are no change, nor is its silence."""
    after = {**before, **{name: value for name, value in listed.traits.items() if value}}
    for name in ("family", "given"):
        if fold(before[name]) == fold(after[name]):
            after[name] = before[name]
    return after


def _row(
    kind: DifferenceKind,
    listed: Listed,
    after: dict[str, str],
    practitioner_id: uuid.UUID | None,
    before: dict[str, str],
) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "kind": kind,
        "registration_number": listed.registration_number,
        "practitioner_id": practitioner_id,
        "before": before,
        "after": after,
    }


def _same_name(one: dict[str, str], other: dict[str, str]) -> bool:
    return _key(one["family"], one["given"]) == _key(other["family"], other["given"])


def _key(family: str, given: str) -> tuple[str, str]:
    return fold(family), fold(given)


def _lots(rows: Iterable[dict[str, Any]]) -> Iterable[Sequence[dict[str, Any]]]:
    lot: list[dict[str, Any]] = []
    for row in rows:
        lot.append(row)
        if len(lot) == LOT:
            yield lot
            lot = []
    if lot:
        yield lot
