"""What the database itself refuses or does, as SQL that migrations run: the walls that hold when a program errs."""

NO_DOUBLE_BOOKING = """
alter table appointment add constraint ex_appointment_specialist exclude using gist (
  int8range(specialist_key, specialist_key, '[]') with &&,
  tstzrange(starts_at, ends_at) with &&
) where (specialist_key is not null and status in ('booked', 'arrived', 'fulfilled'))
"""

SIGNED_NOTES_STAND = """
create function composition_is_signed() returns trigger language plpgsql as $$
begin
  raise exception 'a signed note cannot be changed' using errcode = 'restrict_violation';
end $$;
create trigger composition_signed before update or delete on composition
  for each row when (old.status <> 'preliminary') execute function composition_is_signed();
create trigger composition_truncated before truncate on composition execute function composition_is_signed();
"""

FROZEN_EXCERPTS_STAND = """
create function excerpt_is_frozen() returns trigger language plpgsql as $$
begin
  raise exception 'a frozen excerpt cannot be changed' using errcode = 'restrict_violation';
end $$;
create trigger excerpt_item_frozen before update or delete on excerpt_item
  for each row execute function excerpt_is_frozen();
create trigger excerpt_frozen before update of service_request_id, version, patient, frozen_at, digest on excerpt
  for each row execute function excerpt_is_frozen();
create trigger excerpt_kept before delete on excerpt for each row execute function excerpt_is_frozen();
"""

# Also with the owner's rights: the app's role may read versions and never write one.
NOTHING_IS_OVERWRITTEN = """
create function record_entry_was() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.version <> old.version + 1 then
    raise exception 'a changed entry is its next version' using errcode = 'restrict_violation';
  end if;
  insert into record_version (id, record_entry_id, version, status, effective_at, recorded_at, author_name,
    author_role_id, title, resource)
  values (gen_random_uuid(), old.id, old.version, old.status, old.effective_at, old.recorded_at, old.author_name,
    old.author_role_id, old.title, old.resource);
  return null;
end $$;
create trigger record_entry_kept after update of status, effective_at, title, resource on record_entry
  for each row when (old.resource_type <> 'ImagingStudy') execute function record_entry_was();
create function record_version_stands() returns trigger language plpgsql as $$
begin
  raise exception 'what an entry said before cannot be changed' using errcode = 'restrict_violation';
end $$;
create trigger record_version_kept before update or delete on record_version
  for each row execute function record_version_stands();
create trigger record_version_truncated before truncate on record_version execute function record_version_stands();
create trigger record_entry_stays before delete on record_entry for each row execute function record_version_stands();
"""

# audit_append works with the owner's rights. pg_temp is named last: unnamed it comes first, and whoever may make a
# temporary table could put one of their own, with a trigger, where the chain is looked for.
AUDIT_CHAIN = """
create function audit_canonical(event audit_event) returns text language sql stable set timezone = 'UTC' as $$
  select jsonb_build_object(
    'id', event.id, 'recorded_at', event.recorded_at, 'action', event.action, 'outcome', event.outcome,
    'account_id', event.account_id, 'practitioner_role_id', event.practitioner_role_id,
    'organization_id', event.organization_id, 'actor_name', event.actor_name,
    'entity_type', event.entity_type, 'entity_id', event.entity_id,
    'patient_id', event.patient_id, 'detail', event.detail)::text
$$;
create function audit_append() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
  last record;
begin
  perform pg_advisory_xact_lock(7302411);
  select position, hash into last from audit_chain order by position desc limit 1;
  insert into audit_chain (id, position, audit_event_id, previous_hash, hash) values (
    gen_random_uuid(), coalesce(last.position, 0) + 1, new.id, coalesce(last.hash, decode(repeat('00', 32), 'hex')),
    sha256(coalesce(last.hash, decode(repeat('00', 32), 'hex')) || convert_to(audit_canonical(new), 'UTF8')));
  return null;
end $$;
create constraint trigger audit_chained after insert on audit_event
  deferrable initially deferred for each row execute function audit_append();
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only' using errcode = 'restrict_violation';
end $$;
create trigger audit_event_kept before update or delete or truncate on audit_event
  execute function audit_is_append_only();
create trigger audit_chain_kept before update or delete or truncate on audit_chain
  execute function audit_is_append_only();
"""

# The app's role may delete neither a consult nor a line of a chat. These do it with the owner's rights, and look
# themselves at who asks, at what it is and how old: whatever they are asked, nothing of another establishment's goes,
# nothing of the last 29 days (30, and a day for clocks that differ), and nothing that was ever submitted, has images
# or is still going on.
ERASURE = """
create function erase_discarded_drafts(establishment uuid, older_than timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  erased bigint;
begin
  if not coalesce(speaks_for(establishment), false) then
    raise exception 'not theirs to erase' using errcode = 'insufficient_privilege';
  end if;
  if older_than > now() - interval '29 days' then
    raise exception 'too young to be erased' using errcode = 'restrict_violation';
  end if;
  delete from service_request draft
  where requester_organization_id = establishment and status = 'revoked' and submitted_at is null
    and updated_at < older_than
    and not exists (select from imaging_study study where study.service_request_id = draft.id);
  get diagnostics erased = row_count;
  return erased;
end $$;
create function erase_chat(establishment uuid, older_than timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  erased bigint;
begin
  if not coalesce(speaks_for(establishment), false) then
    raise exception 'not theirs to erase' using errcode = 'insufficient_privilege';
  end if;
  if older_than > now() - interval '29 days' then
    raise exception 'too young to be erased' using errcode = 'restrict_violation';
  end if;
  delete from chat_message line using encounter, service_request consult
  where line.encounter_id = encounter.id and encounter.service_request_id = consult.id
    and consult.requester_organization_id = establishment
    and encounter.status in ('finished', 'cancelled') and coalesce(encounter.ended_at, line.sent_at) < older_than;
  get diagnostics erased = row_count;
  return erased;
end $$;
"""

APP_ROLE = "teleconsult_app"

READ_ONLY = ("audit_chain", "record_version")
APPEND_ONLY = (
    *("audit_event", "excerpt_item", "excerpt_read", "identity_change", "chat_message", "record_identifier"),
    *("link_check", "session_event", "communication", "follow_up", "note_retraction"),
)
"""Tables the app's role may add to, never change. The rest it may also update."""
DELETABLE = (
    *("imaging_study", "imaging_series", "imaging_instance"),  # brought in by mistake, before anybody was shown them
    "imaging_rendition",  # made of them
    *("totp", "recovery_code", "federated_identity"),  # ways in their owner gave up
    "personal_key",  # its password was forgotten
    *("sign_in_attempt", "one_time_secret", "web_session", "used_assertion"),  # over, and of no more use
    *("note_draft_version", "note_template", "note_phrase"),  # earlier words of a draft; what helps to write one
    "storage_commitment",  # reported on, and of no more use
    "mailbox_difference",  # of a file that a newer one took the place of, before anybody decided on it
    *("notice", "push_device"),  # old news; a device that takes no push any more
    *("available_time", "schedule_exception", "appointment_participant", "calendar_feed"),  # plans, and no proof
    *("duty_shift", "retention_rule"),  # plans and rules of an establishment; the audit log keeps what they said
)
"""Tables the app's role may also remove rows from."""


def grants(tables: list[str], *, role: str = APP_ROLE) -> list[str]:
    """The app role's rights on our tables and on procrastinate's."""
    lines = [f"grant usage on schema public to {role}"]
    for table in tables:
        rights = "select"
        if table not in READ_ONLY:
            rights += ", insert"
            if table not in APPEND_ONLY:
                rights += ", update"
            if table in DELETABLE:
                rights += ", delete"
        lines.append(f"grant {rights} on {table} to {role}")
    return [
        *lines,
        f"grant usage on all sequences in schema public to {role}",
        f"grant execute on all functions in schema public to {role}",
    ]


JOB_TABLES = """
grant select, insert, update, delete on procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers,
  procrastinate_workers to {role};
"""
