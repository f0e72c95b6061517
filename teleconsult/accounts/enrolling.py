"""Setting up the second factor: an authenticator application, and the codes on paper for the day it is lost.

Each of these changes wants a factor shown just now (`stepping_up.require_fresh`), and its owner is told by mail.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pyotp
import segno
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.choosing import SHORTEST_ALONE
from teleconsult.accounts.limits import Door, attempt, forgive
from teleconsult.accounts.models import Account, RecoveryCode, Totp
from teleconsult.accounts.passwords import is_password, normalised
from teleconsult.accounts.second_factor import STEP_SECONDS, recovery_code_hash, step_of, totp_sealer
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.documents.letters import LetterKind
from teleconsult.errors import Invalid, Refused
from teleconsult.messages.jobs import notify
from teleconsult.settings import Settings

RECOVERY_CODES: Final = 10
PENDING_FOR: Final = timedelta(minutes=15)
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's 32: none that is taken for another when it is read from paper."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator application is given, shown once."""

    uri: str
    """`otpauth://totp/…`, for an application on this very device."""
    secret: str
    """The same to type, in groups of four."""
    qr_code: str
    """The same to photograph: an SVG picture as a `data:` address."""


async def start_totp(session: AsyncSession, actor: Actor, settings: Settings) -> Enrolment:
    """A secret to share with an application; it counts once `confirm_totp` has seen a code of it.

    Asked again within 15 minutes it is the same one: a page that is shown twice must not undo what was photographed.
    Raises StepUpNeeded, and Refused where one is in use already.
    """
    require_fresh(actor)
    account = await session.get_one(Account, actor.account_id, with_for_update=True)
    totp = await session.scalar(select(Totp).where(Totp.account_id == account.id))
    if totp is not None and totp.confirmed_at is not None:
        raise Refused("An application is in use already. Remove it first.")
    sealer, moment = totp_sealer(settings), now()
    if totp is None or moment - totp.created_at > PENDING_FOR:
        totp = totp or Totp(account_id=account.id)
        totp.secret_sealed, totp.created_at = sealer.seal(pyotp.random_base32().encode()), moment
        session.add(totp)
    await session.flush()
    secret = sealer.open(totp.secret_sealed).decode()
    uri = pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=account.email, issuer_name="Téléconsult")
    picture = segno.make(uri, error="m").svg_data_uri(scale=4, light="#fff")
    return Enrolment(uri, " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)), picture)


async def confirm_totp(session: AsyncSession, actor: Actor, settings: Settings, *, code: str) -> list[str]:
    """The application works: from now on its codes are asked for. Returns the first codes for paper, shown once.

    Raises StepUpNeeded, Refused where nothing was begun, and Invalid on field `code`.
    """
    require_fresh(actor)
    totp = await session.scalar(select(Totp).where(Totp.account_id == actor.account_id).with_for_update())
    if totp is None or totp.confirmed_at is not None:
        raise Refused("There is no application to confirm. Begin again.")
    typed = "".join(code.split())
    step = step_of(settings, totp, typed) if typed.isascii() else None
    if step is None:
        raise Invalid({"code": "This code is not right. Check the time on your telephone, then type the next one."})
    totp.confirmed_at, totp.last_step = now(), step
    audit.record(session, actor, "second-factor-added", totp)
    return await new_recovery_codes(session, actor, settings)


async def new_recovery_codes(session: AsyncSession, actor: Actor, settings: Settings) -> list[str]:
    """Ten codes for paper, each good once, shown once; those before are void. Raises StepUpNeeded, Refused."""
    require_fresh(actor)
    totp = await session.scalar(
        select(Totp).where(Totp.account_id == actor.account_id, Totp.confirmed_at.is_not(None)).with_for_update()
    )
    if totp is None:
        raise Refused("Set up an application first: these codes stand in for it.")
    await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == totp.account_id))
    codes = ["".join(secrets.choice(_LETTERS) for _letter in range(10)) for _code in range(RECOVERY_CODES)]
    moment = now()
    session.add_all(
        RecoveryCode(
            account_id=totp.account_id,
            code_hash=recovery_code_hash(settings, totp.account_id, code),
            created_at=moment,
        )
        for code in codes
    )
    audit.record(session, actor, "recovery-codes-drawn", totp)
    await notify(session, totp.account_id, LetterKind.FACTORS_CHANGED)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


async def recovery_codes_left(session: AsyncSession, actor: Actor) -> int:
    """How many of the codes on paper are still good."""
    return (
        await session.scalar(
            select(func.count()).where(RecoveryCode.account_id == actor.account_id, RecoveryCode.used_at.is_(None))
        )
        or 0
    )


async def totp_since(session: AsyncSession, actor: Actor) -> Totp | None:
    """The application in use, if any: when it was set up stands on it."""
    return await session.scalar(select(Totp).where(Totp.account_id == actor.account_id, Totp.confirmed_at.is_not(None)))


async def remove_totp(sessions: Sessions, settings: Settings, actor: Actor, *, password: str, address: str) -> None:
    """Do without the application, and void the codes on paper.

    The password is asked for, since it is the only factor from then on: raises Invalid on field `password` where it
    is wrong or shorter than such a one must be, StepUpNeeded, TooMany, and Refused where there is no application.
    """
    require_fresh(actor)
    async with transaction(sessions, SYSTEM) as session:
        account = await session.get_one(Account, actor.account_id)
        known = actor.session_id.bytes if actor.session_id else None
        attempt_id = await attempt(
            session, settings, door=Door.STEP_UP, email=account.email, address=address, known=known
        )
    if account.password_hash is not None and not await is_password(password, account.password_hash):
        await audit.record_denied(sessions, actor, "step-up-failed", address=address)
        raise Invalid({"password": "This is not your password."})
    async with transaction(sessions, actor) as session:
        await forgive(session, attempt_id)
        if account.password_hash is not None and len(normalised(password)) < SHORTEST_ALONE:
            raise Invalid(
                {"password": "Alone, this password is too short. Choose one of at least %(least)s characters first."},
                least=SHORTEST_ALONE,
            )
        removed = await session.scalar(delete(Totp).where(Totp.account_id == account.id).returning(Totp.id))
        if removed is None:
            raise Refused("There is no application to remove.")
        await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
        audit.record(session, actor, "second-factor-removed", account)
        await notify(session, account.id, LetterKind.FACTORS_CHANGED)
