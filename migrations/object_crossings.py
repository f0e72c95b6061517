"""What whoever brings an object again must hear of the one that is here, and no more (`migrations.crossings`)."""

from typing import Final

HELD_OBJECTS: Final = """
create function held_objects(house uuid, uids text[])
returns table (sop_instance_uid text, sha256 bytea, data_set_sha256 bytea, transfer_syntax_uid text, object_key text)
language sql stable security definer
  begin atomic
    select held.sop_instance_uid, held.sha256, held.data_set_sha256, held.transfer_syntax_uid, held.object_key
    from imaging_instance held
    where held.organization_id = held_objects.house and held.sop_instance_uid = any (held_objects.uids)
      and speaks_for(held_objects.house);
  end;
"""
