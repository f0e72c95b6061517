"""Inviting people: whoever has a registration number is one person, found again rather than made twice."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.invitations import invite_account
from teleconsult.accounts.models import Account
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import Organization, Practitioner, PractitionerRole, RoleCode, Specialty
from teleconsult.directory.names import folded
from teleconsult.directory.roles import check_role, grant_role, practitioner_here, refuse_oneself
from teleconsult.errors import Conflict, Invalid, NotFound, Refused
from teleconsult.patients.names import fold
from teleconsult.settings import Settings

LONGEST_NAME: Final = 100
NUMBER: Final = re.compile(r"[0-9A-Z][0-9A-Z./-]{1,29}")
"""As national registers write them: RPPS has 11 digits, others have letters and strokes."""
ADDRESS: Final = re.compile(r"[^\s@<>\"(),:;\\\x00-\x1f\x7f]{1,64}@[a-zA-Z0-9.-]{1,180}\.[a-zA-Z0-9-]{2,63}")


@dataclass(frozen=True, slots=True)
class Invitee:
    """Who is invited, as typed."""

    given: str
    family: str
    registration_number: str
    email: str
    code: RoleCode
    specialty: Specialty | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody the directory has: whether it is who was typed, a person says. The address is only hinted at."""

    practitioner_id: uuid.UUID
    name: str
    registration_number: str
    address_hint: str


class Doubt(Conflict):
    """Whether the invited person is one we know. `is_same_number`: they are; else they only share a name."""

    def __init__(self, known: Sequence[Known], *, is_same_number: bool) -> None:
        super().__init__("The directory knows somebody like that. Look, then decide.")
        self.known = known
        self.is_same_number = is_same_number


async def invite_person(
    session: AsyncSession, actor: Actor, settings: Settings, *, invitee: Invitee, is_confirmed: bool = False
) -> Practitioner:
    """Give somebody a role at the actor's establishment and mail them the link to their account.

    Who has an account already keeps it, gets the role, and needs no link. Raises StepUpNeeded, Invalid, Doubt until
    `is_confirmed` where the number or the name is known, Conflict where they have the role already.
    """
    require(actor, Permission.ADMINISTRATION)
    require_fresh(actor)
    assert actor.organization_id is not None, "the permission is an establishment's"
    return await _invite(
        session, actor, settings, organization_id=actor.organization_id, invitee=invitee, is_confirmed=is_confirmed
    )


async def invite_first_administrator(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    *,
    organization_id: uuid.UUID,
    invitee: Invitee,
    is_confirmed: bool = False,
) -> Practitioner:
    """The operator's one step into an establishment: somebody to administer it. Raises Refused where one does."""
    require(actor, Permission.NETWORK)
    organization = await session.get(Organization, organization_id, with_for_update=True)
    if organization is None:
        raise NotFound
    require_fresh(actor)
    if invitee.code is not RoleCode.ADMINISTRATOR:
        raise Invalid({"role": "An operator invites an administrator; they invite the others."})
    if await has_administrator(session, organization_id):
        raise Refused("This establishment has an administrator: ask them to invite people.")
    return await _invite(
        session, actor, settings, organization_id=organization_id, invitee=invitee, is_confirmed=is_confirmed
    )


async def resend_invitation(
    session: AsyncSession, actor: Actor, settings: Settings, *, practitioner_id: uuid.UUID
) -> None:
    """Mail a fresh link; the one before is worth nothing then. Raises NotFound, Refused once it was taken up."""
    practitioner = await practitioner_here(session, actor, practitioner_id)
    account_id = await _account_id(session, practitioner)
    if account_id is None:
        raise NotFound
    await _mail_link(session, actor, settings, account_id)


async def has_administrator(session: AsyncSession, organization_id: uuid.UUID) -> bool:
    """Whether anybody can administer the establishment: invited or signed up, and not disabled."""
    found = await session.scalar(
        select(PractitionerRole.id)
        .join(Account, Account.practitioner_id == PractitionerRole.practitioner_id)
        .where(
            PractitionerRole.organization_id == organization_id,
            PractitionerRole.code == RoleCode.ADMINISTRATOR,
            PractitionerRole.ended_at.is_(None),
            Account.disabled_at.is_(None),
        )
        .limit(1)
    )
    return found is not None


async def _invite(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    *,
    organization_id: uuid.UUID,
    invitee: Invitee,
    is_confirmed: bool,
) -> Practitioner:
    _check(invitee)
    turn = func.hashtextextended(f"practitioner {invitee.registration_number}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    practitioner = await session.scalar(
        select(Practitioner).where(Practitioner.registration_number == invitee.registration_number)
    )
    if practitioner is not None:
        refuse_oneself(actor, practitioner)
        if fold(practitioner.family) != fold(invitee.family):
            raise Invalid({"registration_number": "This number is registered under another name. Check both."})
    if not is_confirmed:
        await _ask_when_known(session, actor, practitioner, invitee)
    if practitioner is None:
        practitioner = Practitioner(
            id=uuid.uuid4(),
            family=invitee.family,
            given=invitee.given,
            prefix=invitee.prefix,
            registration_number=invitee.registration_number,
        )
        session.add(practitioner)
        await session.flush()
        audit.record(session, actor, "practitioner-added", practitioner)
    await grant_role(
        session,
        actor,
        practitioner,
        organization_id=organization_id,
        code=invitee.code,
        specialty=invitee.specialty,
    )
    if await _account_id(session, practitioner) is None:
        account = await _add_account(session, actor, practitioner, email=invitee.email)
        await _mail_link(session, actor, settings, account.id)
    return practitioner


async def _account_id(session: AsyncSession, practitioner: Practitioner) -> uuid.UUID | None:
    return await session.scalar(select(Account.id).where(Account.practitioner_id == practitioner.id))


async def _mail_link(session: AsyncSession, actor: Actor, settings: Settings, account_id: uuid.UUID) -> None:
    await session.flush()
    await act_as(session, SYSTEM)  # the link is the owner's alone; who asked for it stands in the audit log
    await invite_account(session, actor, settings, account_id=account_id)
    await session.flush()
    await act_as(session, actor)


async def _add_account(session: AsyncSession, actor: Actor, practitioner: Practitioner, *, email: str) -> Account:
    email = email.lower()
    await act_as(session, SYSTEM)  # whose it is, is nobody's business; that it is taken, has to be said
    is_taken = await session.scalar(select(func.account_of(email))) is not None
    await act_as(session, actor)
    if is_taken:
        raise Invalid({"email": "This address is another account’s way in. Give the person’s own."})
    account = Account(id=uuid.uuid4(), email=email, practitioner_id=practitioner.id, created_at=now())
    session.add(account)
    await session.flush()
    audit.record(session, actor, "account-added", account, practitioner=practitioner.id)
    return account


async def _ask_when_known(
    session: AsyncSession, actor: Actor, practitioner: Practitioner | None, invitee: Invitee
) -> None:
    """Raise Doubt where the number is somebody's already, or the name stands under another number."""
    if practitioner is not None:
        raise Doubt(await _hinted(session, actor, [practitioner]), is_same_number=True)
    alike = await session.scalars(
        select(Practitioner)
        .where(
            folded(Practitioner.family) == fold(invitee.family),
            folded(Practitioner.given) == fold(invitee.given),
        )
        .order_by(Practitioner.registration_number)
        .limit(5)
    )
    if known := await _hinted(session, actor, list(alike)):
        raise Doubt(known, is_same_number=False)


async def _hinted(session: AsyncSession, actor: Actor, practitioners: Sequence[Practitioner]) -> list[Known]:
    ids = [practitioner.id for practitioner in practitioners]
    await act_as(session, SYSTEM)  # of an address elsewhere a hint is shown, no more
    rows = await session.execute(select(Account.practitioner_id, Account.email).where(Account.practitioner_id.in_(ids)))
    addresses = dict(rows.all())
    await act_as(session, actor)
    return [Known(one.id, one.name, one.registration_number, hint(addresses.get(one.id, ""))) for one in practitioners]


def hint(email: str) -> str:
    """An address that its owner recognizes and nobody else can use: `h…@hospital.example`."""
    name, at, host = email.partition("@")
    return f"{name[:1]}…{at}{host}" if at else ""


def _check(invitee: Invitee) -> None:
    wrong = {}
    for field in ("given", "family"):
        name = getattr(invitee, field)
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            wrong[field] = "Write the name as it is registered."
    if len(invitee.prefix) > 20 or not invitee.prefix.isprintable():
        wrong["prefix"] = "Write a short title, such as Dr."
    if not NUMBER.fullmatch(invitee.registration_number):
        wrong["registration_number"] = "Write the number as the national register does: digits and capital letters."
    if not ADDRESS.fullmatch(invitee.email):
        wrong["email"] = "Write a whole e-mail address."
    try:
        check_role(invitee.code, invitee.specialty)
    except Invalid as error:
        wrong |= error.fields
    if wrong:
        raise Invalid(wrong)
