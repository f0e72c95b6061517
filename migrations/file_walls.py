"""The walls round the patient file: its entries, what they said before, and other systems' numbers for them."""

from dataclasses import replace
from typing import Final

from migrations.acting import HOUSE, all_of, any_of, treats
from migrations.walls import BROUGHT_ENTRY, PATIENTS, Wall, shown

OPENED_FILES: Final = """
create function opened_files() returns setof uuid language sql stable security definer rows 200
  begin atomic
    select distinct kept.id
    from practitioner_role reader
      join organization own on own.id = reader.organization_id
      join lateral (
        select opened.person_id
        from care_relation relation join patient opened on opened.id = relation.patient_id
        where relation.practitioner_role_id = reader.id and relation.ended_at is null
          and opened.organization_id = own.id
        union
        select opened.person_id
        from break_glass opening join patient opened on opened.id = opening.patient_id
        where opening.practitioner_role_id = reader.id and opening.ended_at is null and opening.expires_at > now()
      ) mine on true
      join patient kept on kept.person_id = mine.person_id
      join organization house on house.id = kept.organization_id
        and (house.id = own.id or house.sharing_network = own.sharing_network)
    where reader.id = acting_reader();
  end
"""
"""All patients whose files are open to who acts: what `opens_file` says of one, asked once a statement, not a row."""

_OPENED: Final = "record_entry.patient_id in (select opened_files())"

WALLS: Final = {
    # As before; only that the files of linked patients are looked up once a statement.
    "record_entry": replace(
        PATIENTS["record_entry"], read=any_of(treats("record_entry.patient_id"), _OPENED, BROUGHT_ENTRY)
    ),
    # Only the database's own trigger writes it.
    "record_version": Wall(read=shown("record_entry", "entry", by="record_version.record_entry_id")),
    "record_identifier": Wall(
        read=shown("record_entry", "entry", by="record_identifier.record_entry_id"),
        add=all_of(
            f"organization_id = {HOUSE}", shown("record_entry", "entry", by="record_identifier.record_entry_id")
        ),
    ),
}
"""An entry's own wall says who sees what hangs on it."""
