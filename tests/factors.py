"""Second factors in tests: an account that has one, and the codes its application would show."""

import time

import pyotp
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Totp
from teleconsult.accounts.second_factor import totp_sealer
from teleconsult.clock import now
from teleconsult.settings import Settings


async def give_totp(session: AsyncSession, settings: Settings, actor: Actor) -> pyotp.TOTP:
    """An application for the actor's account, set up already."""
    secret = pyotp.random_base32()
    sealed = totp_sealer(settings).seal(secret.encode())
    session.add(
        Totp(account_id=actor.account_id, secret_sealed=sealed, created_at=now(), confirmed_at=now(), last_step=None)
    )
    await session.flush()
    return pyotp.TOTP(secret)


async def totp_of(session: AsyncSession, actor: Actor) -> Totp:
    """The account's row."""
    return (await session.scalars(select(Totp).where(Totp.account_id == actor.account_id))).one()


def wrong_code(application: pyotp.TOTP) -> str:
    """Six digits that are none of the codes taken now."""
    near = {application.at(time.time() + 30 * step) for step in range(-3, 4)}
    return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)
