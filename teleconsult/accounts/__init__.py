"""Who is signed in: ways in, sessions, the Actor. Machines come by `tokens`, which ask `access` what they are for."""

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.sessions import actor_for_cookie, sign_out
from teleconsult.accounts.signing_in import sign_in

__all__ = [
    "SYSTEM",
    "Actor",
    "actor_for_cookie",
    "sign_in",
    "sign_out",
]
