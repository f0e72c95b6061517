"""Whose news, and whose devices."""

from teleconsult.access.rows.seam import Filter, is_account, is_role, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.messages.models import Notice, PushDevice


@row_filter
def notices(actor: Actor) -> Filter:
    """What the actor was told, in the role in force."""
    return is_role(Notice.practitioner_role_id, actor)


@row_filter
def push_devices(actor: Actor) -> Filter:
    """Browsers of the actor's that take a push."""
    return is_account(PushDevice.account_id, actor)
