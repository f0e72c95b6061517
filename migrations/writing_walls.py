"""The walls round what helps to write a note: earlier words of a draft, templates, phrases.

Earlier words are their author's alone, like the draft they stood in; with the signature they go, whoever brings it
about. Templates and phrases are a specialist's own, or those of all specialists of the establishment.
"""

from typing import Final

from migrations.acting import ME, acts_as, all_of, any_of
from migrations.walls import OF_HOUSE, Wall

STATEMENTS: Final = (
    """
create function draft_versions_go() returns trigger language plpgsql as $$
begin
  delete from note_draft_version where composition_id = new.id;
  return null;
end $$;
create trigger composition_draft_versions_go after update of status on composition
  for each row when (old.status = 'preliminary' and new.status <> 'preliminary') execute function draft_versions_go();
""",
)

_AUTHOR: Final = (
    "exists (select from composition note where note.id = note_draft_version.composition_id"
    f" and note.author_role_id = {ME})"
)
_WRITES: Final = all_of(
    acts_as("specialist"),
    OF_HOUSE,
    any_of("practitioner_role_id is null", f"practitioner_role_id = {ME}"),
)
_OWN: Final = Wall(read=_WRITES, add=_WRITES, change=_WRITES, remove=_WRITES)

WALLS: Final = {
    "note_draft_version": Wall(read=_AUTHOR, add=_AUTHOR, remove=_AUTHOR),
    "note_template": _OWN,
    "note_phrase": _OWN,
}

WRITTEN_ONCE: Final = {
    "note_template": ("organization_id", "practitioner_role_id"),
    "note_phrase": ("organization_id", "practitioner_role_id"),
}
