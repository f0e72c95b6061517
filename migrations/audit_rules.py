"""The audit log as the database keeps it: chains written by a trigger at commit, as SQL that migrations run.

The chains of `rules.AUDIT_CHAIN` (one for all, recipe 1) stand as they are; what follows them is written by recipe 2.
"""

# With the owner's rights: whose patient it is must be known whoever acts, and is nothing they may say themselves.
WHOSE_PATIENT = """
create function audit_whose_patient() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
  new.patient_organization_id := (select organization_id from patient where id = new.patient_id);
  return new;
end $$;
create trigger audit_event_placed before insert on audit_event
  for each row execute function audit_whose_patient();
"""

# What a link's hash covers. `teleconsult.audit.links` has the same text, and does not ask this function for it.
AUDIT_TEXT = """
create function audit_text(event audit_event, chain uuid, lane smallint, "position" bigint) returns text
language sql stable set timezone = 'UTC' as $$
  select jsonb_build_object(
    'chain', chain, 'lane', lane, 'position', "position",
    'id', event.id, 'recorded_at', event.recorded_at, 'action', event.action, 'outcome', event.outcome,
    'account_id', event.account_id, 'practitioner_role_id', event.practitioner_role_id,
    'organization_id', event.organization_id, 'actor_name', event.actor_name, 'address', event.address,
    'entity_type', event.entity_type, 'entity_id', event.entity_id, 'patient_id', event.patient_id,
    'patient_organization_id', event.patient_organization_id, 'detail', event.detail)::text
$$;
"""

# A lane is locked until the commit is on the disk. Who finds one taken goes to the next: so writers of one
# establishment reach the disk together. Only when all eight are taken does somebody wait.
# pg_temp is named last: unnamed it comes first, and a temporary table would be taken for the chain.
AUDIT_APPEND = """
create or replace function audit_append() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
  own_chain uuid := coalesce(new.organization_id, '00000000-0000-0000-0000-000000000000');
  own_lane smallint := 0;
  last record;
  next_position bigint;
  last_hash bytea;
begin
  while not pg_try_advisory_xact_lock(hashtextextended('audit ' || own_chain, own_lane)) loop
    own_lane := own_lane + 1;
    if own_lane = 8 then
      own_lane := pg_backend_pid() % 8;
      perform pg_advisory_xact_lock(hashtextextended('audit ' || own_chain, own_lane));
      exit;
    end if;
  end loop;
  select position, hash into last from audit_chain
    where chain = own_chain and lane = own_lane order by position desc limit 1;
  next_position := coalesce(last.position, 0) + 1;
  last_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
  insert into audit_chain (id, chain, lane, position, recipe, previous_hash, hash) values (
    new.id, own_chain, own_lane, next_position, 2, last_hash,
    sha256(last_hash || convert_to(audit_text(new, own_chain, own_lane, next_position), 'UTF8')));
  return null;
end $$;
"""
