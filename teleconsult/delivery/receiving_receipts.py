"""A receipt that came by itself: minutes or days after, perhaps twice, perhaps after all was given up."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.delivery.models import Delivery, DeliveryStatus
from teleconsult.delivery.states import after_receipt
from teleconsult.delivery.telling import tell_if_stuck

MOST_KEPT: Final = 20
"""Receipts of one delivery; of more the last."""
LONGEST: Final = 500


async def note_receipt(
    session: AsyncSession,
    *,
    external_id: str,
    state: DeliveryStatus,
    reason: str = "",
    detail: str = "",
    receipt: Mapping[str, Any] | None = None,
) -> Delivery | None:
    """Keep what came back on the delivery that `external_id` names, and move it where that is news.

    `state` is ACCEPTED, DELIVERED, READ, or DEAD for a bounce. Called as the system; None where no delivery is called
    so. The same receipt again changes nothing. `reason` is a name of `delivery.reasons`, `detail` what they said.
    """
    delivery = await session.scalar(
        select(Delivery).where(Delivery.external_id == external_id).order_by(Delivery.number).limit(1).with_for_update()
    )
    if delivery is None:
        return None
    moment = now()
    kept = {"state": state.value, "reason": reason, "detail": plain(detail), **(receipt or {})}
    before: list[dict[str, Any]] = delivery.receipt.get("receipts", [])
    if any({key: value for key, value in one.items() if key != "at"} == kept for one in before):
        return delivery
    receipts = [*before, {**kept, "at": moment.isoformat()}][-MOST_KEPT:]
    delivery.receipt = {**delivery.receipt, "receipts": receipts}
    moved = after_receipt(delivery, state)
    if moved is not None:
        stand(delivery, moved, reason=reason, detail=detail)
        await tell_if_stuck(session, delivery)
    audit.record(
        session,
        SYSTEM,
        "delivery-receipt",
        delivery,
        patient_id=delivery.patient_id,
        state=state.value,
        news=moved is not None,
    )
    await session.flush()
    return delivery


def plain(said: str) -> str:
    """What the other side said, as it can be kept: the database takes no NUL and no half of a surrogate pair."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in said[:LONGEST]).strip()


def stand(delivery: Delivery, status: DeliveryStatus, *, reason: str = "", detail: str = "") -> None:
    """Put it there, with the time."""
    moment = now()
    delivery.status, delivery.updated_at = status, moment
    delivery.reason, delivery.detail = reason, plain(detail)
    delivery.lease = delivery.leased_until = None
    if status in (DeliveryStatus.ACCEPTED, DeliveryStatus.DELIVERED, DeliveryStatus.READ):
        delivery.accepted_at = delivery.accepted_at or moment
    if status in (DeliveryStatus.DELIVERED, DeliveryStatus.READ):
        delivery.delivered_at = delivery.delivered_at or moment
    if status is DeliveryStatus.READ:
        delivery.read_at = delivery.read_at or moment
