"""Who is signed in: passwords, sessions, bearer tokens, the Actor."""

from teleconsult.accounts.actor import Actor, system_actor
from teleconsult.accounts.signing_in import actor_for_cookie, confirm_password, sign_in, sign_out
from teleconsult.accounts.tokens import actor_for_bearer, issue_token

__all__ = [
    "Actor",
    "actor_for_bearer",
    "actor_for_cookie",
    "confirm_password",
    "issue_token",
    "sign_in",
    "sign_out",
    "system_actor",
]
