"""Tokens that open one socket into one live session, for a machine or an app that shall hold nothing longer-lived.

Each is good for two minutes and once. It carries what its issuer's sign-in may do, and dies with it.
"""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts import one_time
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account, IssuedToken, SecretPurpose, WebSession
from teleconsult.accounts.sessions import actor_of_role
from teleconsult.accounts.standing import good_tokens, open_sessions
from teleconsult.accounts.token_keys import BadToken, sign, verify
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.db import act_as
from teleconsult.directory.models import PractitionerRole
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Refused
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings

TYPE: Final = "join+jwt"
AUDIENCE: Final = "room"
LIFE: Final = one_time.LIFETIME[SecretPurpose.SESSION_JOIN]


async def issue_join_token(
    session: AsyncSession, sealer: Sealer, actor: Actor, *, consult_id: uuid.UUID
) -> tuple[str, datetime]:
    """A token for the actor's seat in the session of a consult, and when it ends.

    Raises NotFound for who takes no part in it, Refused once its room is closed.
    """
    live = await encounter_for(session, actor, consult_id)
    if not live.is_open:
        raise Refused("The room of this consult is closed.")
    record(session, actor, "join-token-issued", live.encounter, patient_id=live.patient_id, consult=consult_id)
    await session.flush()
    await act_as(session, SYSTEM)  # the keys are nobody else's to read
    kept = await one_time.keep(session, SecretPurpose.SESSION_JOIN, account_id=actor.account_id)
    claims = {
        "jti": one_time.draw_token(kept),
        "sub": str(actor.account_id),
        "role": str(actor.role_id),
        "consult": str(consult_id),
        "session": str(actor.session_id or ""),
        "token": str(actor.token_id or ""),
    }
    return await sign(session, sealer, typ=TYPE, audience=AUDIENCE, life=LIFE, claims=claims), kept.expires_at


async def actor_for_join_token(session: AsyncSession, settings: Settings, token: str) -> tuple[Actor, uuid.UUID]:
    """Who comes by this token, and the one consult whose room it opens; from now on it is used up.

    Raises BadToken for any other, and once the sign-in that asked for it has ended or acts in another role.
    """
    claims = await verify(session, token, typ=TYPE, audience=AUDIENCE)
    kept = await one_time.behind_link(session, SecretPurpose.SESSION_JOIN, claims["jti"])
    if kept is None:
        raise BadToken(is_ours=True)
    kept.used_at = now()
    actor = await _issuer(session, settings, claims)
    if actor is None or str(actor.role_id) != claims["role"]:
        raise BadToken(is_ours=True)
    return actor, uuid.UUID(claims["consult"])


async def _issuer(session: AsyncSession, settings: Settings, claims: dict[str, Any]) -> Actor | None:
    """The actor of the sign-in that asked for the token, as it is now."""
    web_session = token = None
    if claims["session"]:
        session_id = uuid.UUID(claims["session"])
        standing = (await open_sessions(session, settings, [session_id])).get(session_id)
        web_session = await session.get(WebSession, session_id)
    else:
        token_id = uuid.UUID(claims["token"])
        standing = (await good_tokens(session, [token_id])).get(token_id)
        token = await session.get(IssuedToken, token_id)
    if standing is None:
        return None
    account = await session.get_one(Account, uuid.UUID(claims["sub"]))
    role = (
        await session.scalars(
            select(PractitionerRole)
            .where(PractitionerRole.id == standing.role_id)
            .options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
        )
    ).one()
    return actor_of_role(account, role, web_session=web_session, token=token)
