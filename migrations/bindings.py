"""What a row hangs on is written once: whose patient, whose request, whose account. No statement changes it.

Row-level security looks at a row before and after a change, and never at both; without this, who may change a row of
theirs could make it one about somebody else.
"""

from typing import Final

FIRST: Final = {
    "practitioner_role": ("practitioner_id", "organization_id"),
    "healthcare_service": ("organization_id",),
    "endpoint": ("organization_id",),
    "retention_rule": ("organization_id",),
    "directory_import": ("organization_id",),
    "directory_difference": ("import_id",),
    "account": ("practitioner_id",),
    "web_session": ("account_id", "practitioner_role_id"),
    "issued_token": ("account_id", "practitioner_role_id", "organization_id"),
    "totp": ("account_id",),
    "recovery_code": ("account_id",),
    "passkey": ("account_id",),
    "federated_identity": ("account_id",),
    "signing_key": ("practitioner_id",),
    "patient": ("organization_id",),
    "patient_identifier": ("patient_id",),
    "care_relation": ("patient_id", "practitioner_role_id"),
    "break_glass": ("patient_id", "organization_id", "practitioner_role_id"),
    "record_entry": ("patient_id", "organization_id"),
    "service_request": ("patient_id", "requester_role_id", "requester_organization_id"),
    "consent": ("patient_id", "service_request_id"),
    "task": ("service_request_id",),
    "appointment": ("service_request_id",),
    "encounter": ("service_request_id", "appointment_id"),
    "encounter_participant": ("encounter_id", "practitioner_role_id", "guest_pass_id"),
    "guest_pass": ("encounter_id", "patient_id"),
    "excerpt_study": ("excerpt_id", "imaging_study_id"),
    "imaging_study": ("organization_id", "patient_id"),
    "imaging_series": ("imaging_study_id",),
    "imaging_instance": ("organization_id", "imaging_series_id"),
    "composition": ("service_request_id", "patient_id", "author_role_id"),
    "delivery": ("composition_id",),
}

REFUSAL: Final = """
create function is_written_once() returns trigger language plpgsql as $$
begin
  raise exception 'what a row hangs on cannot be changed' using errcode = 'restrict_violation';
end $$
"""


def bound(table: str, columns: tuple[str, ...]) -> str:
    """The trigger that refuses to change these columns."""
    changed = " or ".join(f"old.{column} is distinct from new.{column}" for column in columns)
    return (
        f"create trigger {table}_bound before update of {', '.join(columns)} on {table}"
        f" for each row when ({changed}) execute function is_written_once()"
    )
