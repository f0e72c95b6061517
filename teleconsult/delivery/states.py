"""What follows what: pure rules of where a delivery stands.

Receipts come late, twice and in any order. What was known stays known: nothing goes back from `read`, and word that it
arrived re-opens what was given up.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from teleconsult.delivery.models import Delivery, DeliveryStatus

S = DeliveryStatus
RETRY_FOR: Final = timedelta(days=3)
"""From the first attempt on; then a person decides."""
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(hours=1)
UNKNOWN_WAIT: Final = timedelta(seconds=20)
"""Before what may have arrived goes again: a late answer has its chance."""

_RANK: Final[Mapping[DeliveryStatus, int]] = {S.ACCEPTED: 1, S.DELIVERED: 2, S.READ: 3}
ENDED_BY_PEOPLE: Final = (S.CANCELLED, S.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Next:
    """Where it goes from here, and not before when it is tried again."""

    status: DeliveryStatus
    at: datetime


def wait_after(attempts: int) -> timedelta:
    """Twice as long each time, up to an hour, and between half and all of that: not all come back at once."""
    longest = min(FIRST_WAIT * (1 << min(attempts, 16)), LONGEST_WAIT)
    return longest * random.uniform(0.5, 1)  # noqa: S311  (no secret)


def after_attempt(status: DeliveryStatus, *, attempts: int, deadline: datetime, moment: datetime) -> Next:
    """Where an attempt leaves a delivery that was tried `attempts` times."""
    if status not in (S.RETRY_WAIT, S.SENT_UNKNOWN):
        return Next(status, moment)
    if moment >= deadline:
        return Next(S.DEAD, moment)
    wait = wait_after(attempts)
    return Next(status, moment + (max(wait, UNKNOWN_WAIT) if status is S.SENT_UNKNOWN else wait))


def after_receipt(delivery: Delivery, status: DeliveryStatus) -> DeliveryStatus | None:
    """Where a receipt takes it; None where it says nothing new. `status` is ACCEPTED, DELIVERED, READ or DEAD."""
    if status is S.DEAD:
        return None if delivery.status in (S.READ, S.DEAD, *ENDED_BY_PEOPLE) else S.DEAD
    return status if _RANK[status] > _RANK.get(delivery.status, 0) else None
