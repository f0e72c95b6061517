"""The wall round news, as it stands since people are told of what they do not see, or see no longer."""

from typing import Final

from migrations.acting import all_of, any_of
from migrations.walls import MINE, Wall, shown

_TOLD: Final = all_of(
    MINE, any_of("notice.number is not null", shown("service_request", "asked", by="notice.service_request_id"))
)

WALLS: Final = {"notice": Wall(read=_TOLD, change=_TOLD)}
