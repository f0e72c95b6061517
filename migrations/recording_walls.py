"""The walls round recordings of a session.

Who sits in it sees that it is recorded and says yes or no by themselves. What was kept is for the two whose session it
is: the doctor who asked while they treat the patient, the specialist who answers while the patient's consent stands.
Guests see none of it. The system alone begins, ends and forgets files.
"""

from typing import Final

from migrations.acting import ME, all_of, any_of, treats
from migrations.walls import ANYBODY, Wall, shown

_ASKED: Final = all_of(
    f"""exists (
      select from encounter session
      where session.id = recording.encounter_id and asks({ME}, session.service_request_id))""",
    treats("recording.patient_id"),
)
_OF_RECORDING: Final = shown("recording", "kept", by="{}.recording_id")
_OWN_WORD: Final = all_of("is_own_seat(participant_id)", _OF_RECORDING.format("recording_consent"))

WALLS: Final = {
    "recording": Wall(
        read=any_of("sits_in(encounter_id)", _ASKED),
        add=all_of(ANYBODY, "is_own_seat(asked_by_id)", "sits_in(encounter_id)"),
        change=all_of(ANYBODY, any_of("sits_in(encounter_id)", _ASKED)),
    ),
    "recording_consent": Wall(read=_OF_RECORDING.format("recording_consent"), add=_OWN_WORD, change=_OWN_WORD),
    "recording_file": Wall(read=all_of(ANYBODY, _OF_RECORDING.format("recording_file"))),
}

WRITTEN_ONCE: Final = {
    "recording": ("encounter_id", "patient_id", "asked_by_id", "asked_at"),
    "recording_consent": (
        *("recording_id", "participant_id", "agreed", "answered_at"),
        *("patient_basis", "patient_given_by"),
    ),
    "recording_file": ("recording_id", "participant_id", "part", "what", "begun_at"),
}
