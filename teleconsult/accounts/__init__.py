"""Who is signed in: ways in, sessions, bearer tokens, the Actor."""

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.sessions import actor_for_cookie, sign_out
from teleconsult.accounts.signing_in import sign_in
from teleconsult.accounts.tokens import actor_for_bearer, issue_token

__all__ = [
    "SYSTEM",
    "Actor",
    "actor_for_bearer",
    "actor_for_cookie",
    "issue_token",
    "sign_in",
    "sign_out",
]
