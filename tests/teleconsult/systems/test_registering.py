"""Which systems may come in: set by the establishment's administrators alone, who have just proven who they are."""

import uuid

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict, Invalid, NotFound, StepUpNeeded
from teleconsult.systems.models import FhirClient
from teleconsult.systems.registering import add_client, change_client, client_here, clients_here, switch_client
from tests.people import Cast
from tests.system_steps import EC, RSA, administrator, jwk, key_set, let_in


@pytest.fixture
def admin(cast: Cast) -> Actor:
    return administrator(cast.admin)


async def add(sessions: Sessions, actor: Actor, **changes: str) -> FhirClient:
    given = {"name": " The  registry ", "keys": key_set(), "scope": "system/*.rs"} | changes
    async with transaction(sessions, actor) as session:
        return await add_client(session, actor, **given)


async def test_it_is_added_changed_and_switched(admin: Actor, sessions: Sessions) -> None:
    client = await add(sessions, admin, scope="system/*.cruds system/Task.rs")
    assert (client.name, client.scope, client.organization_id) == (
        "The registry",
        "system/*.crus",
        admin.organization_id,
    )
    with pytest.raises(Conflict):
        await add(sessions, admin)
    for _ in range(2):
        async with transaction(sessions, admin) as session:
            await change_client(
                session, admin, client_id=client.id, keys=key_set(jwk(EC, "new")), scope="system/Patient.rs"
            )
    for is_on in (False, False, True):
        async with transaction(sessions, admin) as session:
            await switch_client(session, admin, client_id=client.id, is_on=is_on)
            (known,) = await clients_here(session, admin)
            assert (known.disabled_at is None) is is_on
    async with transaction(sessions, admin) as session:
        known = await client_here(session, admin, client_id=client.id)
        assert ([key["kid"] for key in known.keys], known.scope) == (["new"], "system/Patient.rs")
    async with transaction(sessions) as session:
        events = (await session.scalars(select(AuditEvent).order_by(AuditEvent.recorded_at))).all()
    acts = ["added", "changed", "disabled", "enabled"]
    assert [event.action for event in events] == [f"fhir-client-{act}" for act in acts]
    assert [event.detail.get("keys") for event in events] == ["rsa ec", "new", None, None]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", value) for value in ("", "  ", "x" * 101, "a\u0007b")),
        *(("scope", value) for value in ("", "everything", "system/Task.rs", "system/*.d", "x" * 2000)),
        *(("keys", value) for value in ("", "mine", '{"keys": []}')),
    ],
)
async def test_what_is_wrong_is_said(admin: Actor, sessions: Sessions, field: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        await add(sessions, admin, **{field: value})
    assert set(caught.value.fields) == {field}


async def test_letting_in_wants_a_fresh_factor_and_turning_off_does_not(cast: Cast, sessions: Sessions) -> None:
    stale = cast.admin
    client = await let_in(sessions, stale.organization_id)
    with pytest.raises(StepUpNeeded):
        await add(sessions, stale)
    async with transaction(sessions, stale) as session:
        with pytest.raises(StepUpNeeded):
            await change_client(session, stale, client_id=client.id, keys=key_set(jwk(RSA, "a")), scope="system/*.rs")
        await switch_client(session, stale, client_id=client.id, is_on=False)
        with pytest.raises(StepUpNeeded):
            await switch_client(session, stale, client_id=client.id, is_on=True)


@pytest.mark.parametrize("who", ["rural", "coordinator", "secretary", "privacy", "operator"])
async def test_nobody_else_may(cast: Cast, sessions: Sessions, who: str) -> None:
    actor = administrator(getattr(cast, who))
    with pytest.raises(NotFound):
        await add(sessions, actor)
    async with transaction(sessions, actor) as session:
        with pytest.raises(NotFound):
            await clients_here(session, actor)


async def test_another_establishments_are_not_there(cast: Cast, admin: Actor, sessions: Sessions) -> None:
    theirs = await let_in(sessions, cast.rural.organization_id)
    async with transaction(sessions, admin) as session:
        assert not await clients_here(session, admin)
        for client_id in (theirs.id, uuid.uuid4()):
            for act in (
                client_here(session, admin, client_id=client_id),
                change_client(session, admin, client_id=client_id, keys="", scope=""),
                switch_client(session, admin, client_id=client_id, is_on=True),
            ):
                with pytest.raises(NotFound):
                    await act
