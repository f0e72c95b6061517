"""What of signed notes is on its way: for who looks after what an establishment sends."""

from sqlalchemy import false

from teleconsult.access.permissions import Permission
from teleconsult.access.rows.seam import Filter, has, is_house, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.delivery.models import Delivery


@row_filter
def deliveries(actor: Actor) -> Filter:
    """Those of the actor's establishment, where they look after them: where each stands, and not what a note says."""
    if not has(actor, Permission.DELIVERIES):
        return false()
    return is_house(Delivery.organization_id, actor)
