"""The walls round the evidence of a signature: who reads the note reads it; its author begins it by signing."""

from typing import Final

from migrations.acting import ME
from migrations.walls import Wall, shown

WALLS: Final = {
    "note_evidence": Wall(
        read=shown("composition", "note", by="note_evidence.composition_id"),
        add=f"exists (select from composition note where note.id = composition_id and note.author_role_id = {ME})",
    ),
}

WRITTEN_ONCE: Final = {"note_evidence": ("composition_id", "number", "created_at")}

WHOLE_ONES_STAND: Final = """
create function note_evidence_is_whole() returns trigger language plpgsql as $$
begin
  raise exception 'a whole revision of a signed note cannot be changed' using errcode = 'restrict_violation';
end $$;
create trigger note_evidence_whole before update of level, state, object_key, sha256, size, completed_at
  on note_evidence for each row when (old.state = 'complete') execute function note_evidence_is_whole();
create trigger note_evidence_kept before delete on note_evidence
  for each row execute function note_evidence_is_whole();
create trigger note_evidence_truncated before truncate on note_evidence execute function note_evidence_is_whole();
"""
"""Only `renew_before` goes from a whole revision, once the next one has it."""
