"""The walls round consents: who treats the patient reads what they agreed to, and notes that they agree themselves."""

from typing import Final

from migrations.acting import HOUSE, ME, READER, acts_as, all_of, any_of, reads_file, treats
from migrations.walls import CONSULTS, Wall

_ASKED: Final = f"asks({ME}, consent.service_request_id)"
_OF_HOUSE: Final = f"""exists (
      select from service_request asked
      where asked.id = consent.service_request_id and asked.patient_id = consent.patient_id
        and asked.requester_organization_id = {HOUSE})"""

WALLS: Final = {
    # As before; and as the file, wherever the patient's person is known.
    "consent": Wall(
        read=any_of(str(CONSULTS["consent"].read), reads_file("consent.patient_id")),
        # The first by who asks; one that takes over from it by whoever treats the patient there.
        add=all_of(
            f"recorded_by_id = {ME}",
            _OF_HOUSE,
            any_of(_ASKED, all_of("consent.confirms_id is not null", treats("consent.patient_id"))),
        ),
        change=CONSULTS["consent"].change,
    ),
    # Those of the establishment that shares it may all see who looked, as the page says.
    "excerpt_read": Wall(
        read=any_of(
            str(CONSULTS["excerpt_read"].read),
            all_of(acts_as("doctor", "nurse"), f"reads_excerpt({READER}, excerpt_read.excerpt_id)"),
        ),
        add=CONSULTS["excerpt_read"].add,
    ),
}

WRITTEN_ONCE: Final = {
    "consent": (
        *("patient_id", "service_request_id", "confirms_id", "recorded_by_id"),
        *("basis", "given_by", "relationship_to_patient", "incapacity"),
    ),
}
"""What somebody agreed to is never rewritten: another consent takes over, or it is withdrawn."""
