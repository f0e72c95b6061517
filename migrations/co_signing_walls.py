"""The walls round further signatures: who reads the note reads who signed it; its author asks; each gives their own.

Who is asked reads the note they are to sign, though they may never have treated the patient: for thirty days, and for
good once they signed it.
"""

from dataclasses import replace
from typing import Final

from migrations import client_walls
from migrations.acting import ME, all_of, any_of
from migrations.rules import APP_ROLE
from migrations.walls import Wall, shown

CO_SIGNS: Final = f"""
create function co_signs(note uuid) returns boolean language sql stable strict security definer
  begin atomic
    select exists (
      select from note_co_signature asked
      where asked.composition_id = co_signs.note and asked.practitioner_role_id = acting_role()
        and (asked.signed_at is not null or asked.asked_at > now() - interval '30 days'));
  end;
revoke execute on function co_signs(uuid) from public;
grant execute on function co_signs(uuid) to {APP_ROLE};
create function note_stands(note uuid) returns boolean language sql stable strict security definer
  begin atomic
    select not exists (select from note_retraction gone where gone.composition_id = note_stands.note)
      and not exists (
        select from composition later
        where later.related_id = note_stands.note and later.relation = 'replaces' and later.status <> 'preliminary');
  end;
revoke execute on function note_stands(uuid) from public;
grant execute on function note_stands(uuid) to {APP_ROLE};
"""
"""Whether a note still counts may be known to who is asked to sign it, though the version that replaces it is none of
theirs."""

GIVEN_ONES_STAND: Final = """
create function note_co_signature_stands() returns trigger language plpgsql as $$
begin
  raise exception 'a signature that was given stays' using errcode = 'restrict_violation';
end $$;
create trigger note_co_signature_given before update on note_co_signature
  for each row when (old.signed_at is not null) execute function note_co_signature_stands();
create trigger note_co_signature_kept before delete on note_co_signature
  for each row execute function note_co_signature_stands();
create trigger note_co_signature_truncated before truncate on note_co_signature
  execute function note_co_signature_stands();
"""

_COMPOSITION: Final = client_walls.WALLS["composition"]
_SHOWN: Final = shown("composition", "note", by="note_co_signature.composition_id")
_WRITTEN: Final = (
    f"exists (select from composition note where note.id = composition_id and note.author_role_id = {ME}"
    " and note.status = 'final')"
)

RAISED_ANEW: Final = ("composition",)
WALLS: Final = {
    "composition": replace(
        _COMPOSITION,
        read=any_of(str(_COMPOSITION.read), all_of("status <> 'preliminary'", "co_signs(composition.id)")),
    ),
    "note_co_signature": Wall(
        read=_SHOWN,
        add=all_of(f"asked_by_id = {ME}", _WRITTEN),
        change=f"practitioner_role_id = {ME}",
    ),
}

WRITTEN_ONCE: Final = {
    "note_co_signature": ("composition_id", "practitioner_role_id", "name", "meeting_title", "asked_by_id", "asked_at")
}
