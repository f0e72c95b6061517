"""Inviting people to an establishment."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from teleconsult.accounts import Actor
from teleconsult.accounts.models import Account, OneTimeSecret, SecretPurpose
from teleconsult.accounts.queries import AccountState, people_of_establishment
from teleconsult.db import Sessions, transaction
from teleconsult.directory.inviting import (
    Doubt,
    Invitee,
    hint,
    invite_first_administrator,
    invite_person,
    resend_invitation,
)
from teleconsult.directory.models import Organization, OrganizationKind, Practitioner, RoleCode, Specialty
from teleconsult.errors import Conflict, Forbidden, Invalid, NotFound, Refused, StepUpNeeded
from teleconsult.settings import Settings
from tests.people import Cast
from tests.teleconsult.directory.steps import audited, practitioner_of

NEW = Invitee(
    given="Zoé",
    family="Lévesque",
    registration_number="10101234567",
    email="Zoe.Levesque@chu.test",
    code=RoleCode.SPECIALIST,
    specialty=Specialty.CARDIOLOGY,
    prefix="Dr",
)


async def test_somebody_new_gets_a_role_an_account_without_password_and_a_link(
    sessions: Sessions, settings: Settings, admin: Actor
) -> None:
    async with transaction(sessions, admin) as session:
        person = await invite_person(session, admin, settings, invitee=NEW)
    async with transaction(sessions) as session:
        account = await session.scalar(select(Account).where(Account.practitioner_id == person.id))
        assert account is not None
        assert (account.password_hash, account.email) == (None, "zoe.levesque@chu.test")
        secrets = select(OneTimeSecret).where(OneTimeSecret.account_id == account.id)
        secret = (await session.scalars(secrets)).one()
        assert (secret.purpose, secret.secret_hash) == (SecretPurpose.INVITATION, None)
        jobs = await session.scalars(text("select args::text from procrastinate_jobs"))
        assert [str(secret.id) in args for args in jobs] == [True]
    async with transaction(sessions, admin) as session:
        (listed,) = (await people_of_establishment(session, admin, text="levesque")).people
    assert (listed.state, listed.roles[0].code) == (AccountState.INVITED, RoleCode.SPECIALIST)
    for action in ("practitioner-added", "role-added", "account-added", "invitation-sent"):
        assert len(await audited(sessions, action)) == 1, action


async def test_the_link_can_be_sent_again_and_the_first_is_void(
    sessions: Sessions, settings: Settings, admin: Actor, admin_elsewhere: Actor
) -> None:
    async with transaction(sessions, admin) as session:
        person = await invite_person(session, admin, settings, invitee=NEW)
    async with transaction(sessions, admin) as session:
        await resend_invitation(session, admin, settings, practitioner_id=person.id)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(OneTimeSecret.used_at.is_(None))) == 1
    with pytest.raises(NotFound):
        async with transaction(sessions, admin_elsewhere) as session:
            await resend_invitation(session, admin_elsewhere, settings, practitioner_id=person.id)


async def test_a_number_that_is_known_is_the_same_person_and_is_asked_about(
    sessions: Sessions, settings: Settings, admin: Actor, cast: Cast
) -> None:
    stranger = await practitioner_of(sessions, cast.stranger)
    invitee = replace(NEW, given="Jean", family="DUBOIS", registration_number=stranger.registration_number)
    with pytest.raises(Doubt) as doubt:
        async with transaction(sessions, admin) as session:
            await invite_person(session, admin, settings, invitee=invitee)
    assert doubt.value.is_same_number
    assert doubt.value.known[0].address_hint == hint(cast.emails["stranger"])
    async with transaction(sessions, admin) as session:
        person = await invite_person(session, admin, settings, invitee=invitee, is_confirmed=True)
    assert person.id == stranger.id
    async with transaction(sessions) as session:
        accounts = (await session.scalars(select(Account).where(Account.practitioner_id == person.id))).all()
        assert [account.email for account in accounts] == [cast.emails["stranger"]], "the account stays as it is"
        assert await session.scalar(select(func.count(OneTimeSecret.id))) == 0, "and needs no link"


async def test_a_known_number_under_another_name_is_refused_even_when_confirmed(
    sessions: Sessions, settings: Settings, admin: Actor, cast: Cast
) -> None:
    stranger = await practitioner_of(sessions, cast.stranger)
    for is_confirmed in (False, True):
        with pytest.raises(Invalid) as refused:
            async with transaction(sessions, admin) as session:
                invitee = replace(NEW, registration_number=stranger.registration_number)
                await invite_person(session, admin, settings, invitee=invitee, is_confirmed=is_confirmed)
        assert "registration_number" in refused.value.fields


async def test_the_same_name_under_another_number_is_shown_and_never_merged(
    sessions: Sessions, settings: Settings, admin: Actor, cast: Cast
) -> None:
    namesake = replace(NEW, given="HELENE", family="Tremblay")
    with pytest.raises(Doubt) as doubt:
        async with transaction(sessions, admin) as session:
            await invite_person(session, admin, settings, invitee=namesake)
    assert not doubt.value.is_same_number
    assert [known.practitioner_id for known in doubt.value.known] == [cast.rural.practitioner_id]
    async with transaction(sessions, admin) as session:
        person = await invite_person(session, admin, settings, invitee=namesake, is_confirmed=True)
    assert person.id != cast.rural.practitioner_id


async def test_nobody_is_invited_twice_or_by_another_accounts_address(
    sessions: Sessions, settings: Settings, admin: Actor, cast: Cast
) -> None:
    async with transaction(sessions, admin) as session:
        await invite_person(session, admin, settings, invitee=NEW)
    with pytest.raises(Conflict, match="already"):
        async with transaction(sessions, admin) as session:
            await invite_person(session, admin, settings, invitee=NEW, is_confirmed=True)
    with pytest.raises(Invalid) as refused:
        async with transaction(sessions, admin) as session:
            invitee = replace(NEW, family="Autre", registration_number="10109999999", email=cast.emails["stranger"])
            await invite_person(session, admin, settings, invitee=invitee)
    assert "email" in refused.value.fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("family", ""),
        ("given", "a\nBcc: x@y.z"),
        ("family", "x" * 101),
        ("prefix", "x" * 21),
        ("registration_number", "12 34"),
        ("registration_number", ""),
        ("email", "nobody"),
        ("email", "a@b.c\nBcc: d@e.fr"),
        ("email", "a b@c.fr"),
        ("code", RoleCode.OPERATOR),
        ("specialty", None),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field(
    sessions: Sessions, settings: Settings, admin: Actor, field: str, value: object
) -> None:
    with pytest.raises(Invalid):
        async with transaction(sessions, admin) as session:
            await invite_person(session, admin, settings, invitee=replace(NEW, **{field: value}))  # type: ignore[arg-type]  # wrong on purpose


async def test_it_wants_a_fresh_factor_and_an_administrator(
    sessions: Sessions, settings: Settings, cast: Cast, operator: Actor
) -> None:
    for actor, error in ((cast.admin, StepUpNeeded), (operator, NotFound), (cast.coordinator, NotFound)):
        with pytest.raises(error):
            async with transaction(sessions, actor) as session:
                await invite_person(session, actor, settings, invitee=NEW)


async def test_nobody_gives_themselves_a_role(sessions: Sessions, settings: Settings, admin: Actor) -> None:
    myself = await practitioner_of(sessions, admin)
    invitee = replace(NEW, given=myself.given, family=myself.family, registration_number=myself.registration_number)
    with pytest.raises(Forbidden):
        async with transaction(sessions, admin) as session:
            await invite_person(session, admin, settings, invitee=invitee, is_confirmed=True)


async def test_the_operator_invites_the_first_administrator_and_no_second(
    sessions: Sessions, settings: Settings, operator: Actor, admin: Actor, cast: Cast
) -> None:
    async with transaction(sessions) as session:
        place = Organization(name="Maternité du Nord", kind=OrganizationKind.CLINIC, time_zone="Europe/Paris")
        session.add(place)
    first = replace(NEW, code=RoleCode.ADMINISTRATOR, specialty=None)
    with pytest.raises(NotFound):
        async with transaction(sessions, admin) as session:
            await invite_first_administrator(session, admin, settings, organization_id=place.id, invitee=first)
    async with transaction(sessions, operator) as session:
        person = await invite_first_administrator(session, operator, settings, organization_id=place.id, invitee=first)
    async with transaction(sessions) as session:
        assert await session.get(Practitioner, person.id)
    second = replace(first, family="Autre", registration_number="10107777777", email="autre@nord.test")
    with pytest.raises(Refused):
        async with transaction(sessions, operator) as session:
            await invite_first_administrator(session, operator, settings, organization_id=place.id, invitee=second)


async def test_the_operator_gives_no_other_role(
    sessions: Sessions, settings: Settings, operator: Actor, cast: Cast
) -> None:
    with pytest.raises(Invalid):
        async with transaction(sessions, operator) as session:
            await invite_first_administrator(
                session, operator, settings, organization_id=cast.organizations["rural"].id, invitee=NEW
            )
