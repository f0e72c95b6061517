"""Mails as jobs, deferred in the act's own transaction. A job holds an id; what the mail says is made when it runs.

A secret is drawn here, its hash is kept, then it is mailed: it stands in no queue, no log and no audit event.
"""

import uuid
from collections.abc import Mapping
from typing import Final

from procrastinate import JobContext, RetryStrategy
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account, OneTimeSecret, SecretPurpose
from teleconsult.accounts.one_time import LIFETIME, draw_code, draw_token
from teleconsult.accounts.sessions import first_role
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.documents.letters import LetterKind, write_letter
from teleconsult.jobs import app, defer
from teleconsult.messages.mail import compose, send
from teleconsult.settings import Settings

RETRY: Final = RetryStrategy(max_attempts=8, exponential_wait=3)
"""Again after 3, 9, 27 seconds …, for the last time an hour and a half later; what is over by then is not mailed."""

_LETTERS: Final[Mapping[SecretPurpose, LetterKind]] = {
    SecretPurpose.SIGN_IN_CODE: LetterKind.SIGN_IN_CODE,
    SecretPurpose.PASSWORD_RESET: LetterKind.PASSWORD_RESET,
    SecretPurpose.INVITATION: LetterKind.INVITATION,
}
_PATHS: Final[Mapping[SecretPurpose, str]] = {
    SecretPurpose.PASSWORD_RESET: "/sign-in/reset/",
    SecretPurpose.INVITATION: "/invitation/",
}


async def notify(session: AsyncSession, account_id: uuid.UUID, kind: LetterKind) -> None:
    """Owe the account's owner a mail that something about their way in was changed."""
    await defer(session, mail_notice, account_id=str(account_id), kind=kind.value)


@app.task(name="mail_secret", pass_context=True, retry=RETRY)
async def mail_secret(context: JobContext, secret_id: str) -> None:
    """Draw the secret of a OneTimeSecret and mail it to whom it is for; nothing where that is nobody, or too late."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        kept = await session.get(OneTimeSecret, uuid.UUID(secret_id), with_for_update=True)
        if kept is None or kept.account_id is None or kept.used_at is not None or kept.expires_at <= now():
            return
        account = await _account(session, kept.account_id)
        locale = await _locale(session, account)
        values: dict[str, object] = {"name": account.practitioner.name, "minutes": _minutes(kept.purpose)}
        if kept.purpose is SecretPurpose.SIGN_IN_CODE:
            values["code"] = draw_code(settings, kept)
        else:
            values["link"] = settings.base_url + _PATHS[kept.purpose] + draw_token(kept)
        letter = write_letter(_LETTERS[kept.purpose], locale=locale, values=values)
    await send(settings, compose(settings, letter, to=account.email))


@app.task(name="mail_notice", pass_context=True, retry=RETRY)
async def mail_notice(context: JobContext, account_id: str, kind: str) -> None:
    """Mail an account's owner that something about their way in was changed."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        account = await _account(session, uuid.UUID(account_id))
        locale = await _locale(session, account)
    values = {"name": account.practitioner.name, "sign_in": f"{settings.base_url}/sign-in"}
    letter = write_letter(LetterKind(kind), locale=locale, values=values)
    await send(settings, compose(settings, letter, to=account.email))


async def _account(session: AsyncSession, account_id: uuid.UUID) -> Account:
    return await session.get_one(Account, account_id, options=[joinedload(Account.practitioner)])


async def _locale(session: AsyncSession, account: Account) -> str:
    """The language the person chose, else the one of where they work."""
    role = None if account.locale else await first_role(session, account)
    return account.locale or (role.organization.locale if role else "")


def _minutes(purpose: SecretPurpose) -> int:
    return int(LIFETIME[purpose].total_seconds() // 60)
