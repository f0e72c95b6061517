"""What is over is removed; what still counts stays."""

import uuid
from datetime import timedelta

from sqlalchemy import func, select, update

from teleconsult.accounts import one_time
from teleconsult.accounts.limits import Door, attempt
from teleconsult.accounts.models import OneTimeSecret, SecretPurpose, SignInAttempt, WebSession
from teleconsult.accounts.pruning import prune
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.people import Cast


async def test_the_old_goes_and_the_new_stays(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    moment = now()
    async with transaction(sessions) as session:
        tries = [await attempt(session, settings, door=Door.PASSWORD, address="192.0.2.1") for _ in range(2)]
        rows = [await one_time.keep(session, SecretPurpose.SIGN_IN_CODE, account_id=None) for _ in range(2)]
        web_sessions = []
        for ended, expires in ((91, 90), (None, 91), (89, 88), (None, 0)):
            kept = WebSession(
                id=uuid.uuid4(),
                token_hash=uuid.uuid4().bytes,
                account_id=cast.rural.account_id,
                practitioner_role_id=cast.rural.role_id,
                created_at=moment,
                last_seen_at=moment,
                factor_at=moment,
                ended_at=moment - timedelta(days=ended) if ended else None,
                expires_at=moment - timedelta(days=expires),
            )
            session.add(kept)
            web_sessions.append(kept.id)
        await session.flush()
        await session.execute(
            update(SignInAttempt).where(SignInAttempt.id == tries[0]).values(attempted_at=moment - timedelta(days=31))
        )
        rows[0].expires_at = moment - timedelta(days=2)
    for removed in (4, 0):
        async with transaction(sessions) as session:
            assert await prune(session) == removed
    async with sessions() as session:
        assert await session.scalar(select(SignInAttempt.id)) == tries[1]
        assert await session.scalar(select(OneTimeSecret.id)) == rows[1].id
        assert set(await session.scalars(select(WebSession.id))) == set(web_sessions[2:])
        assert await session.scalar(select(func.count()).select_from(WebSession)) == 2
