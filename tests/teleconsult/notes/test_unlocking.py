"""A soft key opens with its owner's password and with nothing else, whoever holds the database and the secret."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, text, update

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.choosing import change_password, keep_choice
from teleconsult.accounts.models import Account, PersonalKey
from teleconsult.accounts.passwords import hash_apart
from teleconsult.accounts.personal_keys import Opened, open_personal_key
from teleconsult.accounts.stepping_up import Proof
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, Refused
from teleconsult.notes.enrolling import enrol_own
from teleconsult.notes.models import CompositionStatus, SigningKey
from teleconsult.notes.signing import Signing, show_to_sign, sign_note
from teleconsult.sealing import SealBroken, Sealer
from teleconsult.settings import Settings
from tests import note_steps
from tests.people import PASSWORD, Cast
from tests.waiting import eventually

NEW = "quatre mots sans rapport"
WAITING = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


async def key_of(sessions: Sessions, cast: Cast) -> SigningKey:
    async with transaction(sessions) as session:
        kept = select(SigningKey).where(SigningKey.practitioner_id == cast.specialist.practitioner_id)
        return (await session.scalars(kept.where(SigningKey.revoked_at.is_(None)))).one()


async def own_key(signing: Signing, cast: Cast) -> Opened:
    account_id = cast.specialist.account_id
    assert account_id
    return await open_personal_key(signing.sessions, signing.settings, account_id=account_id, password=PASSWORD)


async def test_what_is_kept_opens_with_the_password_alone(cast: Cast, signing: Signing, settings: Settings) -> None:
    key = await key_of(signing.sessions, cast)
    account_id = cast.specialist.account_id
    assert account_id
    opened = await own_key(signing, cast)
    assert key.sealed_for == opened.id
    assert opened.sealer("signing keys").open(key.private_key_sealed)
    with pytest.raises(SealBroken):
        signing.sealer.open(key.private_key_sealed)
    with pytest.raises(SealBroken):
        await open_personal_key(signing.sessions, settings, account_id=account_id, password=PASSWORD + "!")
    other = settings.model_copy(update={"secret_key": "another secret, as long as the first one was"})
    with pytest.raises(SealBroken):
        await open_personal_key(signing.sessions, other, account_id=account_id, password=PASSWORD)


async def test_another_proof_does_not_open_it(cast: Cast, signing: Signing) -> None:
    draft = await note_steps.drafted(cast, signing.sessions)
    shown = (await show_to_sign(signing, cast.specialist, note_id=draft.note.id)).digest
    for proof in (Proof(code="123456"), Proof(passkey="{}")):
        with pytest.raises(Invalid) as refused:
            await sign_note(
                signing,
                cast.specialist,
                note_id=draft.note.id,
                version=draft.note.version,
                proof=proof,
                address="192.0.2.1",
                shown=shown,
            )
        assert set(refused.value.fields) == {"password"}


async def test_a_key_sealed_the_old_way_is_sealed_for_its_owner_once_they_sign(cast: Cast, signing: Signing) -> None:
    before = await key_of(signing.sessions, cast)
    opened = await own_key(signing, cast)
    sealed = signing.sealer.seal(opened.sealer("signing keys").open(before.private_key_sealed))
    async with transaction(signing.sessions) as session:
        await session.execute(update(SigningKey).values(private_key_sealed=sealed, sealed_for=None))
        await session.execute(delete(PersonalKey))
    for _ in range(2):
        draft = await note_steps.drafted(cast, signing.sessions)
        assert (await note_steps.sign(signing, cast.specialist, draft.note)).status is CompositionStatus.FINAL
    key = await key_of(signing.sessions, cast)
    assert key.sealed_for == (await own_key(signing, cast)).id
    with pytest.raises(SealBroken):
        signing.sealer.open(key.private_key_sealed)


async def test_another_password_opens_it_and_a_forgotten_one_loses_it(cast: Cast, signing: Signing) -> None:
    settings, actor = signing.settings, cast.specialist
    await change_password(signing.sessions, settings, actor, current=PASSWORD, new=NEW, address="192.0.2.1")
    draft = await note_steps.drafted(cast, signing.sessions)
    with pytest.raises(Invalid) as refused:
        await note_steps.sign(signing, actor, draft.note)
    assert set(refused.value.fields) == {"password"}
    assert (await note_steps.sign(signing, actor, draft.note, password=NEW)).status is CompositionStatus.FINAL
    async with transaction(signing.sessions) as session:  # by a mailed link, nobody knows the old one
        account = await session.get_one(Account, actor.account_id)
        await keep_choice(session, settings, SYSTEM, account, password_hash=await hash_apart(PASSWORD))
    draft = await note_steps.drafted(cast, signing.sessions)
    with pytest.raises(Refused, match="no longer be opened"):
        await note_steps.sign(signing, actor, draft.note)
    async with transaction(signing.sessions) as session:
        assert await session.scalar(select(PersonalKey.id)) is None


async def test_a_password_chosen_before_the_key_is_kept_is_not_locked_out(cast: Cast, signing: Signing) -> None:
    """A key first made with the old password would open for nobody, and stand in the way of every other."""
    sessions, account_id = signing.sessions, cast.specialist.account_id
    assert account_id
    async with transaction(sessions) as session:
        await session.execute(delete(PersonalKey))
        account = await session.get_one(Account, account_id)
        await keep_choice(session, signing.settings, SYSTEM, account, password_hash=await hash_apart(NEW))
    with pytest.raises(SealBroken):  # it was checked just before the other one was chosen
        await own_key(signing, cast)
    async with transaction(sessions) as session:
        assert await session.scalar(select(PersonalKey.id)) is None
    assert await open_personal_key(sessions, signing.settings, account_id=account_id, password=NEW)


async def test_who_cannot_open_their_key_gets_another_all_the_same(cast: Cast, signing: Signing) -> None:
    before = await key_of(signing.sessions, cast)
    async with transaction(signing.sessions) as session:
        await session.execute(update(PersonalKey).values(wrapped=b"sealed with another secret of the installation"))
    draft = await note_steps.drafted(cast, signing.sessions)
    with pytest.raises(Refused, match="Get a new one"):
        await note_steps.sign(signing, cast.specialist, draft.note)
    with pytest.raises(Invalid):
        await enrol_own(signing, cast.specialist, password=NEW, address="192.0.2.1")
    got = await enrol_own(signing, cast.specialist, password=PASSWORD, address="192.0.2.1")
    assert got.id != before.id
    assert (await key_of(signing.sessions, cast)).id == got.id
    assert (await note_steps.sign(signing, cast.specialist, draft.note)).status is CompositionStatus.FINAL


async def test_an_authority_sealed_with_another_secret_issues_nothing(cast: Cast, signing: Signing) -> None:
    before = await key_of(signing.sessions, cast)
    other = replace(signing, sealer=Sealer("another secret of the installation, long enough"))
    with pytest.raises(Refused, match="Tell your administrator"):
        await enrol_own(other, cast.specialist, password=PASSWORD, address="192.0.2.1")
    assert (await key_of(signing.sessions, cast)).id == before.id


async def test_who_presses_twice_gets_one_key(cast: Cast, signing: Signing) -> None:
    async with transaction(signing.sessions) as session:
        await session.execute(update(SigningKey).values(revoked_at=now()))

    async def enrolled() -> SigningKey:
        return await enrol_own(signing, cast.specialist, password=PASSWORD, address="192.0.2.1")

    async def both_wait() -> bool:
        async with signing.sessions() as session:
            return bool(await session.scalar(WAITING) == 2)

    async with transaction(signing.sessions) as session:
        await session.execute(text("lock table signing_key in share mode"))  # it is read, and not added to
        pressed = asyncio.gather(enrolled(), enrolled())
        assert await eventually(both_wait)
    got = await pressed
    assert {key.id for key in got} == {(await key_of(signing.sessions, cast)).id}
