"""What a session over a measured link will be, and the rung of the ladder it opens at.

A browser's estimate of its uplink reads at 0.55 to 0.95 of what the line carries, and so do the ladder's limits.
"""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from signaling.ladder import OPENING, RungName, opening
from teleconsult.encounters.link_checks import check_in_force
from teleconsult.encounters.link_figures import Figures
from teleconsult.encounters.link_models import LinkCheck, LinkVerdict

SOUND_RATE: Final = 30_000
"""bit/s below which even the leanest sound breaks up: 16 kbit/s in packets of 60 ms, headers and feedback."""
SOUND_LOSS: Final = 0.3
"""With more lost than this, no correction of errors helps."""
SOUND_ROUND_TRIP: Final = 4_000
"""Milliseconds after which nobody can talk in turns."""
WORDS: Final[dict[RungName, LinkVerdict]] = {
    "hd": LinkVerdict.VIDEO,
    "480p": LinkVerdict.VIDEO,
    "360p": LinkVerdict.VIDEO,
    "240p": LinkVerdict.VIDEO,
    "stills": LinkVerdict.PICTURES,
    "audio": LinkVerdict.SOUND,
}


def opening_rung(found: Figures | LinkCheck) -> RungName:
    """The rung a session opens at: what both directions hold. What was not measured holds nothing up."""
    return opening(uplink=_rate(found), loss=found.loss or 0, round_trip=found.round_trip or 0)


async def opening_of(session: AsyncSession, participant_id: uuid.UUID) -> RungName:
    """The rung at which a participant's session opens, by their link check where one is in force."""
    check = await check_in_force(session, participant_id)
    return OPENING if check is None else opening_rung(check)


def verdict_on(found: Figures | LinkCheck) -> LinkVerdict:
    """The same in a word; to write where no way let media through, or none that would carry sound."""
    is_silent = (
        not found.ways
        or _rate(found) < SOUND_RATE
        or (found.loss or 0) > SOUND_LOSS
        or (found.round_trip or 0) > SOUND_ROUND_TRIP
    )
    return LinkVerdict.WRITE if is_silent else WORDS[opening_rung(found)]


def _rate(found: Figures | LinkCheck) -> float:
    return min((rate for rate in (found.uplink, found.downlink) if rate is not None), default=float("inf"))
