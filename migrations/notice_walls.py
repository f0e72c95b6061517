"""The walls round what people are told: their own alone, and of a consult only while they see it."""

from typing import Final

from migrations.acting import all_of
from migrations.walls import MINE, OWN_ACCOUNT, Wall, shown

_OWN: Final = Wall(read=OWN_ACCOUNT, add=OWN_ACCOUNT, change=OWN_ACCOUNT, remove=OWN_ACCOUNT)
_MINE: Final = all_of(MINE, shown("service_request", "asked", by="notice.service_request_id"))

WALLS: Final = {
    "notice": Wall(read=_MINE, change=_MINE),
    "notice_choice": _OWN,
    "push_device": _OWN,
}

WRITTEN_ONCE: Final = {
    "notice": ("practitioner_role_id", "service_request_id", "occasion", "occurrence"),
    "notice_choice": ("account_id",),
    "push_device": ("account_id", "endpoint"),
}
