"""Versions of a signed note: what the database refuses of them, and who sees that one was withdrawn.

What relates to another note relates to a signed one, by the same author, of the same request: it appends, as a
document of its own, or replaces, as the next version of the same document. Nothing is replaced twice, and nothing
follows a note that was withdrawn. Withdrawing adds a row here; the signed row stays as it is.
"""

from typing import Final

from migrations.acting import ME, all_of
from migrations.rules import APP_ROLE
from migrations.walls import Wall, shown

OID_OF_UUID: Final = """
create function oid_of_uuid(uuid) returns text language sql immutable strict
  return '2.25.' || (
    ('x' || substr(replace($1::text, '-', ''), 1, 8))::bit(32)::bigint::numeric * 79228162514264337593543950336
    + ('x' || substr(replace($1::text, '-', ''), 9, 8))::bit(32)::bigint::numeric * 18446744073709551616
    + ('x' || substr(replace($1::text, '-', ''), 17, 8))::bit(32)::bigint::numeric * 4294967296
    + ('x' || substr(replace($1::text, '-', ''), 25, 8))::bit(32)::bigint::numeric)::text;
"""
"""A UUID as an object identifier (ITU-T X.667 §7)."""

VERSIONS_FOLLOW: Final = """
create function composition_is_named() returns trigger language plpgsql as $$
begin
  new.set_id := coalesce(new.set_id, new.id);
  new.document_oid := coalesce(new.document_oid, oid_of_uuid(new.id));
  return new;
end $$;
create trigger composition_named before insert on composition for each row execute function composition_is_named();

create function composition_follows() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (
    select from composition earlier
    where earlier.id = new.related_id and earlier.status = 'final'
      and earlier.service_request_id = new.service_request_id and earlier.author_role_id = new.author_role_id
      and not exists (select from note_retraction gone where gone.composition_id = earlier.id)
      and case new.relation
        when 'replaces' then new.set_id = earlier.set_id and new.version_number = earlier.version_number + 1
        else new.set_id <> earlier.set_id and new.version_number = 1 end
  ) then
    raise exception 'a note follows a signed one of its author that stands' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger composition_related before insert or update of relation, related_id, set_id, version_number, status
  on composition for each row when (new.related_id is not null) execute function composition_follows();

create function note_retraction_stands() returns trigger language plpgsql as $$
begin
  raise exception 'what was withdrawn stays withdrawn' using errcode = 'restrict_violation';
end $$;
create trigger note_retraction_kept before update or delete or truncate on note_retraction
  execute function note_retraction_stands();
create function note_retraction_is_of_author() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (
    select from composition note
    where note.id = new.composition_id and note.status = 'final' and note.author_role_id = new.retracted_by_id
  ) then
    raise exception 'a signed note is withdrawn by its author' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger note_retraction_of_author before insert on note_retraction
  for each row execute function note_retraction_is_of_author();
"""

# What everybody knows who sees the consult: also whether something was added to a note, or it was withdrawn.
CONSULT_NOTE: Final = """
create or replace view consult_note with (security_barrier) as
select id, service_request_id, author_role_id, case
    when exists (select from note_retraction gone where gone.composition_id = composition.id) then 'entered-in-error'
    when status = 'final' and exists (
      select from composition later where later.related_id = composition.id and later.status <> 'preliminary'
        and not exists (select from note_retraction gone where gone.composition_id = later.id))
    then 'amended' else status end::varchar(40) as status, created_at, signed_at, signer_name
from composition where acts_as_system() or sees_consult(service_request_id);
"""

# Whoever holds a file or its printed code may know whether it still stands: of whom it is it does not say.
NOTE_STANDING: Final = f"""
create function note_standing(code text, oid text, pdf bytea) returns table (
  signed_at timestamptz, signer_name text, establishment text, version_number int, replaced_at timestamptz,
  replaced_by text, appended_at timestamptz, withdrawn_at timestamptz)
language sql stable security definer
  begin atomic
    select note.signed_at, note.signer_name, house.name, note.version_number,
      (select max(later.signed_at) from composition later
        where later.set_id = note.set_id and later.version_number > note.version_number
          and later.status <> 'preliminary'),
      (select later.document_oid from composition later
        where later.set_id = note.set_id and later.version_number > note.version_number
          and later.status <> 'preliminary' order by later.version_number desc limit 1),
      (select max(added.signed_at) from composition added
        where added.related_id = note.id and added.relation = 'appends' and added.status <> 'preliminary'
          and not exists (select from note_retraction gone where gone.composition_id = added.id)),
      (select gone.retracted_at from note_retraction gone where gone.composition_id = note.id)
    from composition note
      join practitioner_role role on role.id = note.author_role_id
      left join organization house on house.id = role.organization_id
    where note.status <> 'preliminary'
      and (note.verify_code = note_standing.code or note.document_oid = note_standing.oid
        or note.pdf_sha256 = note_standing.pdf);
  end;
revoke execute on function note_standing(text, text, bytea) from public;
grant execute on function note_standing(text, text, bytea) to {APP_ROLE};
"""

# What was signed stays readable to who guards privacy at either establishment, once it was withdrawn; nothing else.
WITHDRAWN_NOTE: Final = f"""
create function withdrawn_note(note uuid) returns table (patient_id uuid, consult uuid, pdf_object_key text)
language sql stable security definer
  begin atomic
    select signed.patient_id, signed.service_request_id, signed.pdf_object_key
    from composition signed join note_retraction gone on gone.composition_id = signed.id
      join service_request asked on asked.id = signed.service_request_id
      join practitioner_role author on author.id = signed.author_role_id
    where signed.id = withdrawn_note.note and acting_code() = 'privacy-officer'
      and acting_house() in (asked.requester_organization_id, author.organization_id);
  end;
revoke execute on function withdrawn_note(uuid) from public;
grant execute on function withdrawn_note(uuid) to {APP_ROLE};
"""

WALLS: Final = {
    "note_retraction": Wall(
        read=shown("composition", "note", by="note_retraction.composition_id"),
        add=all_of(f"retracted_by_id = {ME}", shown("composition", "note", by="note_retraction.composition_id")),
    ),
}

WRITTEN_ONCE: Final[dict[str, tuple[str, ...]]] = {}
