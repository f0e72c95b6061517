"""That the patient agrees that a picture or a clip is kept, as who keeps it says."""

from collections.abc import Mapping
from typing import Final

from teleconsult.errors import Invalid

AGREED: Final = "agreed"
NAME: Final = "name"
FIELDS: Final = {AGREED, NAME}
LONGEST_NAME: Final = 100


def agreement_in(told: Mapping[str, str]) -> str:
    """Who agreed for the patient; "" where the patient did. Raises Invalid where nobody is said to have."""
    agreed, name = told.get(AGREED), told.get(NAME, "").strip()
    if agreed not in ("yes", "patient", "representative"):
        raise Invalid({AGREED: "Ask the patient first: without their agreement nothing is kept."})
    if agreed != "representative":
        return ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid({NAME: "Say who agreed for the patient."})
    return name
