"""What an emergency adds to its consult's history, for those who see the consult and read no audit log."""

from typing import Final

_BEFORE: Final = """
create or replace function consult_history(consult uuid) returns setof audit_event
language sql stable security definer
  begin atomic
    select event.* from audit_event event
    where event.outcome = 'success' and (acts_as_system() or sees_consult(consult_history.consult))
      and event.entity_id in (
        select consult_history.consult
        union select id from composition where service_request_id = consult_history.consult
        union select id from encounter where service_request_id = consult_history.consult"""
_END: Final = """);
  end;
"""
_EMERGENCY: Final = """
        union select id from emergency where service_request_id = consult_history.consult
        union select id from transfer where service_request_id = consult_history.consult"""

WITH_EMERGENCY: Final = _BEFORE + _EMERGENCY + _END
WITHOUT_EMERGENCY: Final = _BEFORE + _END
