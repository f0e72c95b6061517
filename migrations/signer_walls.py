"""The walls round what signers sign with: each their own; an administrator may take a colleague's certificate back."""

from typing import Final

from migrations.acting import all_of, any_of
from migrations.walls import ADMINISTERS, OWN_ACCOUNT, Wall

_OWN: Final = "practitioner_id = (select acting_practitioner())"
_MANAGED: Final = any_of(_OWN, all_of(ADMINISTERS, "works_here(practitioner_id)"))

RAISED_ANEW: Final = ("signing_key",)
WALLS: Final = {
    "personal_key": Wall(read=OWN_ACCOUNT),
    "signing_key": Wall(read=_MANAGED, add=_OWN, change=_MANAGED),
}

WRITTEN_ONCE: Final = {"personal_key": ("account_id",)}
