"""The walls round images that came without a consult: until somebody said whose they are, they are nobody's.

Who registers patients at the establishment they came to sees them, to match them with one; nobody else does. They are
added, matched and thrown away by the system, once the app has looked who asks (`teleconsult.imaging.matching`). A
system that was let in reads the studies of its own house's patients, as the rest of their files.
"""

from dataclasses import replace
from typing import Final

from migrations.acting import all_of, any_of
from migrations.client_walls import CLIENT_HOUSE
from migrations.walls import IMAGING, OF_HOUSE, REGISTERS, Wall

_STUDY: Final = IMAGING["imaging_study"]
_WAITING: Final = all_of("imaging_study.patient_id is null", OF_HOUSE, REGISTERS)
_OF_ITS_HOUSE: Final = all_of(f"{CLIENT_HOUSE} is not null", f"house_of(imaging_study.patient_id) = {CLIENT_HOUSE}")

WALLS: Final[dict[str, Wall]] = {
    "imaging_study": replace(_STUDY, read=any_of(str(_STUDY.read), _WAITING, _OF_ITS_HOUSE)),
}

MATCHED_ONCE: Final = """
create trigger imaging_study_bound before update of organization_id, patient_id on imaging_study
  for each row when (old.organization_id is distinct from new.organization_id
    or old.patient_id is distinct from new.patient_id and old.patient_id is not null)
  execute function is_written_once()
"""
"""A study that is nobody's becomes somebody's, once; that of a patient never becomes another's."""
