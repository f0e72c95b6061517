"""The outbox: takes what is due, sends it, and writes down what became of it, so that nothing is lost or sent as new.

Nothing is sent inside a transaction. Between the two that stand around an attempt the row says `sending` and has a
lease: a worker that dies there leaves it to be found, and what is found may have arrived.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import Select, select

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.channels import CHANNELS
from teleconsult.delivery.models import ARRIVED, Channel, Delivery, DeliveryStatus
from teleconsult.delivery.parcel import Means, Outcome, Parcel, Sender
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.receiving_receipts import stand
from teleconsult.delivery.states import after_attempt, after_receipt
from teleconsult.delivery.taking import EACH, Taken, next_due, take_due
from teleconsult.delivery.telling import tell_if_stuck
from teleconsult.delivery.wrapping import Held, pack, wrap
from teleconsult.objects import Objects

LONGEST: Final = 90.0
"""Seconds of one attempt; what has not ended by then is unknown."""
AT_ONCE: Final = 16
"""Attempts under way in one round."""
ROUND: Final = 45.0
"""Seconds after which a round takes nothing new."""
SOONEST: Final = timedelta(seconds=1)

log = structlog.get_logger(__name__)


class Outbox:
    """Sends what is owed to destinations outside."""

    def __init__(
        self,
        sessions: Sessions,
        objects: Objects,
        means: Means,
        *,
        channels: Mapping[Channel, Sender] = CHANNELS,
        each: int = EACH,
    ) -> None:
        self._sessions, self._objects, self._means = sessions, objects, means
        self._channels, self._each = channels, each

    async def run(self, *, within: float = ROUND) -> timedelta | None:
        """Send until nothing is due, or for `within` seconds; after how long to come again, None where nothing is owed.

        Cancelled, it leaves what is under way to be found when the lease ends.
        """
        end = time.monotonic() + within
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                taken = await self._take(AT_ONCE - len(under_way)) if time.monotonic() < end else []
                under_way |= {asyncio.create_task(self._carry(one)) for one in taken}
                if not under_way:
                    break
                _done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED, timeout=1)
        finally:
            for task in under_way:
                task.cancel()
        async with transaction(self._sessions, SYSTEM) as session:
            due = await next_due(session)
        return max(due - now(), SOONEST) if due is not None else None

    async def _take(self, most: int) -> list[Taken]:
        if most <= 0:
            return []
        async with transaction(self._sessions, SYSTEM) as session:
            return list(await take_due(session, most=most, each=self._each))

    async def _carry(self, taken: Taken) -> None:
        """One attempt, from end to end. What goes wrong here is this delivery's alone."""
        try:
            parcel = await self._parcel(taken)
            if parcel is not None:
                await self._settle(taken, await self._attempt(parcel))
        except Exception as error:
            # Not sent, or sent and not written down: the lease ends, and it is found.
            log.error("delivery.failed", delivery=str(taken.id), kind=type(error).__name__)  # noqa: TRY400  (no content)

    async def _parcel(self, taken: Taken) -> Parcel | None:
        wait = timedelta(minutes=self._means.settings.delivery_evidence_minutes)
        async with transaction(self._sessions, SYSTEM) as session:
            delivery = await session.scalar(_of(taken))
            if delivery is None:
                return None
            packed = await pack(session, delivery, evidence_wait=wait)
            if isinstance(packed, Held):
                stand(delivery, packed.status, reason=packed.reason)
                delivery.attempts -= 1
                delivery.next_at = packed.at or now()
                await tell_if_stuck(session, delivery)
                if packed.at is None:
                    audit.record(
                        session,
                        SYSTEM,
                        "delivery-held",
                        delivery,
                        patient_id=delivery.patient_id,
                        state=packed.status.value,
                        reason=packed.reason,
                    )
                return None
        try:
            return await wrap(packed, self._objects)
        except Exception as error:
            log.error("delivery.unwrapped", delivery=str(taken.id), kind=type(error).__name__)  # noqa: TRY400
            await self._settle(taken, Outcome(DeliveryStatus.RETRY_WAIT, reason=Reason.OURS))
            return None

    async def _attempt(self, parcel: Parcel) -> Outcome:
        sender = self._channels.get(parcel.channel)
        if sender is None:
            return Outcome(DeliveryStatus.DEAD, reason=Reason.NO_CHANNEL)
        try:
            async with asyncio.timeout(LONGEST):
                return await sender.send(parcel, self._means)
        except TimeoutError:
            return Outcome(DeliveryStatus.SENT_UNKNOWN, reason=Reason.SILENT)
        except Exception as error:
            log.error("delivery.broke", channel=parcel.channel.value, kind=type(error).__name__)  # noqa: TRY400
            return Outcome(DeliveryStatus.SENT_UNKNOWN, reason=Reason.OURS, detail=type(error).__name__)

    async def _settle(self, taken: Taken, outcome: Outcome) -> None:
        """Write down what became of it; where the lease is another's by now, only that it arrived."""
        async with transaction(self._sessions, SYSTEM) as session:
            delivery = await session.get(Delivery, taken.id, with_for_update=True, populate_existing=True)
            assert delivery is not None, "nothing removes deliveries"
            is_ours = delivery.lease == taken.lease
            if is_ours:
                _move(delivery, outcome)
                await tell_if_stuck(session, delivery)
            elif outcome.state in ARRIVED and (news := after_receipt(delivery, outcome.state)) is not None:
                stand(delivery, news)
            delivery.external_id = outcome.external_id or delivery.external_id
            delivery.payload_sha256 = outcome.payload_sha256 or delivery.payload_sha256
            delivery.receipt = {**delivery.receipt, **outcome.receipt}
            audit.record(
                session,
                SYSTEM,
                "delivery-tried",
                delivery,
                patient_id=delivery.patient_id,
                attempt=taken.attempt,
                state=outcome.state.value,
                reason=outcome.reason,
            )


def _move(delivery: Delivery, outcome: Outcome) -> None:
    assert delivery.deadline_at is not None, "it was taken"
    following = after_attempt(outcome.state, attempts=delivery.attempts, deadline=delivery.deadline_at, moment=now())
    if outcome.state is DeliveryStatus.SENT_UNKNOWN:
        delivery.unknowns += 1
    is_late = following.status is DeliveryStatus.DEAD and outcome.state is not DeliveryStatus.DEAD
    stand(
        delivery,
        following.status,
        reason=Reason.DEADLINE if is_late else outcome.reason,
        detail=outcome.detail,
    )
    delivery.next_at = following.at


def _of(taken: Taken) -> Select[Delivery]:
    return select(Delivery).where(Delivery.id == taken.id, Delivery.lease == taken.lease).with_for_update()
