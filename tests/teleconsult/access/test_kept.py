"""Questions that are written once say what they would say written anew, for each who asks."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import Select, bindparam, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.access.rows import seam
from teleconsult.access.rows.kept import Kept
from teleconsult.accounts.actor import NOBODY, Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from tests.people import Cast

PEOPLE = ("rural", "colleague", "nurse", "specialist", "oncall", "coordinator", "secretary", "admin", "stranger")


def written(actor: Actor) -> Select[uuid.UUID]:
    """Consults of that id that exist for the actor."""
    return select(ServiceRequest.id).where(ServiceRequest.id == bindparam("consult_id"), rows.consults(actor))


def as_asked(question: Select[uuid.UUID], ids: dict[str, object]) -> tuple[str, list[object]]:
    """Its text, and the ids that go with it, in their order."""
    compiled = question.compile(dialect=postgresql.dialect(paramstyle="format"))  # type: ignore[no-untyped-call]
    told = compiled.construct_params({"consult_id": uuid.UUID(int=1), **ids})
    assert compiled.positiontup is not None
    return str(compiled), [told[name] for name in compiled.positiontup if isinstance(told[name], uuid.UUID)]


def test_each_asks_in_their_own_name(cast: Cast) -> None:
    kept = Kept(written)
    people = [person for who in PEOPLE if (person := getattr(cast, who, None)) is not None]
    assert len(people) > 5
    for person in [*people, NOBODY, *people]:  # once more, of what was kept
        question, ids = kept.asked_by(person)
        assert as_asked(question, dict(ids)) == as_asked(written(person), {})


def test_people_of_one_kind_share_it_and_no_others(cast: Cast) -> None:
    kept = Kept(written)
    asked = {kept.asked_by(person)[0] for person in (cast.specialist, cast.oncall)}
    assert len(asked) == 1
    without_network = replace(cast.specialist, sharing_network="another")
    assert kept.asked_by(without_network)[0] not in asked
    assert kept.asked_by(cast.rural)[0] not in asked


def test_the_seam_is_not_passed_by(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(written)
    closed, _ = kept.asked_by(cast.rural)
    monkeypatch.setattr(seam, "_wall", lambda _condition: true())
    opened, _ = kept.asked_by(cast.rural)
    assert "requester_role_id" in str(closed)
    assert "requester_role_id" not in str(opened)


def test_a_moment_that_would_stay_is_refused(cast: Cast) -> None:
    kept = Kept(lambda _actor: select(ServiceRequest.id).where(ServiceRequest.authored_on < now()))
    with pytest.raises(AssertionError, match="for ever"):
        kept.asked_by(cast.rural)


async def test_the_database_answers_it(db: AsyncSession, cast: Cast) -> None:
    question, ids = Kept(written).asked_by(cast.rural)
    assert (await db.execute(question, {**ids, "consult_id": uuid.uuid4()})).all() == []
