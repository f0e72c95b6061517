"""The first tables, the rules the database keeps itself, and the rights of the app's role.

One long file on purpose: it is a list, written from the models, and a migration is never split once it has run.
"""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

from migrations import rules

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OUR_TABLES = [
    "account",
    "appointment",
    "audit_chain",
    "audit_event",
    "care_relation",
    "chat_message",
    "composition",
    "consent",
    "delivery",
    "encounter",
    "encounter_participant",
    "excerpt",
    "excerpt_item",
    "excerpt_read",
    "excerpt_study",
    "healthcare_service",
    "identity_change",
    "imaging_instance",
    "imaging_series",
    "imaging_study",
    "organization",
    "patient",
    "patient_identifier",
    "person",
    "practitioner",
    "practitioner_role",
    "record_entry",
    "service_request",
    "sign_in_attempt",
    "signing_key",
    "task",
    "token_key",
    "web_session",
]


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=True),
        sa.Column("organization_id", sa.UUID(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("entity_type", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.UUID(), nullable=True),
        sa.Column("patient_id", sa.UUID(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index(
        op.f("ix_audit_event_entity_id_recorded_at"), "audit_event", ["entity_id", "recorded_at"], unique=False
    )
    op.create_index(
        op.f("ix_audit_event_organization_id_recorded_at"),
        "audit_event",
        ["organization_id", "recorded_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_audit_event_patient_id_recorded_at"), "audit_event", ["patient_id", "recorded_at"], unique=False
    )
    op.create_index(op.f("ix_audit_event_recorded_at"), "audit_event", ["recorded_at"], unique=False)
    op.create_table(
        "organization",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "health-centre",
                "provincial",
                "tertiary",
                "clinic",
                name="organizationkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("sharing_network", sa.Text(), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )
    op.create_table(
        "person",
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "practitioner",
        sa.Column("key", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("registration_number", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practitioner")),
        sa.UniqueConstraint("key", name=op.f("uq_practitioner_key")),
        sa.UniqueConstraint("registration_number", name=op.f("uq_practitioner_registration_number")),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("email_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index(
        op.f("ix_sign_in_attempt_address_attempted_at"), "sign_in_attempt", ["address", "attempted_at"], unique=False
    )
    op.create_index(
        op.f("ix_sign_in_attempt_email_hash_attempted_at"),
        "sign_in_attempt",
        ["email_hash", "attempted_at"],
        unique=False,
    )
    op.create_table(
        "token_key",
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("private_key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_key")),
    )
    op.create_table(
        "account",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("practitioner_id", sa.UUID(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name=op.f("fk_account_practitioner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("practitioner_id", name=op.f("uq_account_practitioner_id")),
    )
    op.create_index("uq_account_email_lower", "account", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "audit_chain",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("audit_event_id", sa.UUID(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["audit_event_id"], ["audit_event.id"], name=op.f("fk_audit_chain_audit_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("audit_event_id", name=op.f("uq_audit_chain_audit_event_id")),
        sa.UniqueConstraint("position", name=op.f("uq_audit_chain_position")),
    )
    op.create_table(
        "healthcare_service",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column(
            "specialty",
            sa.Enum(
                "neurology",
                "trauma",
                "cardiology",
                "dermatology",
                "paediatrics",
                "general",
                name="specialty",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_healthcare_service_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_healthcare_service")),
    )
    op.create_index(
        op.f("ix_healthcare_service_organization_id_specialty"),
        "healthcare_service",
        ["organization_id", "specialty"],
        unique=True,
    )
    op.create_table(
        "practitioner_role",
        sa.Column("practitioner_id", sa.UUID(), nullable=False),
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column(
            "code",
            sa.Enum(
                "requester",
                "coordinator",
                "specialist",
                "administrator",
                name="rolecode",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "specialty",
            sa.Enum(
                "neurology",
                "trauma",
                "cardiology",
                "dermatology",
                "paediatrics",
                "general",
                name="specialty",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_practitioner_role_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_practitioner_role_practitioner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practitioner_role")),
        sa.UniqueConstraint(
            "practitioner_id",
            "organization_id",
            "code",
            name=op.f("uq_practitioner_role_practitioner_id_organization_id_code"),
        ),
    )
    op.create_index(
        op.f("ix_practitioner_role_organization_id"), "practitioner_role", ["organization_id"], unique=False
    )
    op.create_table(
        "signing_key",
        sa.Column("practitioner_id", sa.UUID(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("private_key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name=op.f("fk_signing_key_practitioner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    op.create_index(op.f("ix_signing_key_practitioner_id"), "signing_key", ["practitioner_id"], unique=False)
    op.create_table(
        "patient",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("local_number", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("family_folded", sa.Text(), nullable=False),
        sa.Column("given_folded", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column(
            "gender",
            sa.Enum(
                "male",
                "female",
                "other",
                "unknown",
                name="administrativegender",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("is_temporary", sa.Boolean(), nullable=False),
        sa.Column("estimated_birth_year", sa.Integer(), nullable=True),
        sa.Column("found_where", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["practitioner_role.id"], name=op.f("fk_patient_created_by_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_patient_organization_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_patient_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("organization_id", "local_number", name=op.f("uq_patient_organization_id_local_number")),
    )
    op.create_index(
        "ix_patient_names",
        "patient",
        ["organization_id", "family_folded", "given_folded"],
        unique=False,
        postgresql_ops={"family_folded": "text_pattern_ops", "given_folded": "text_pattern_ops"},
    )
    op.create_index(
        "ix_patient_name_words",
        "patient",
        [sa.literal_column("to_tsvector('simple'::regconfig, (family_folded || ' '::text) || given_folded)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        op.f("ix_patient_organization_id_birth_date"), "patient", ["organization_id", "birth_date"], unique=False
    )
    op.create_index(op.f("ix_patient_person_id"), "patient", ["person_id"], unique=False)
    op.create_table(
        "web_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_web_session_account_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"], ["practitioner_role.id"], name=op.f("fk_web_session_practitioner_role_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_web_session_token_hash")),
    )
    op.create_index(op.f("ix_web_session_account_id"), "web_session", ["account_id"], unique=False)
    op.create_table(
        "care_relation",
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_care_relation_patient_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"], ["practitioner_role.id"], name=op.f("fk_care_relation_practitioner_role_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_relation")),
    )
    op.create_index(
        op.f("ix_care_relation_practitioner_role_id_started_at"),
        "care_relation",
        ["practitioner_role_id", "started_at"],
        unique=False,
    )
    op.create_index(
        "uq_care_relation_open",
        "care_relation",
        ["patient_id", "practitioner_role_id"],
        unique=True,
        postgresql_where="ended_at is null",
    )
    op.create_table(
        "identity_change",
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["practitioner_role.id"], name=op.f("fk_identity_change_changed_by_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_identity_change_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_change")),
    )
    op.create_index(op.f("ix_identity_change_patient_id"), "identity_change", ["patient_id"], unique=False)
    op.create_table(
        "patient_identifier",
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_identifier_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_identifier")),
        sa.UniqueConstraint(
            "patient_id", "system", "value", name=op.f("uq_patient_identifier_patient_id_system_value")
        ),
    )
    op.create_index(op.f("ix_patient_identifier_value_system"), "patient_identifier", ["value", "system"], unique=False)
    op.create_table(
        "record_entry",
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column(
            "resource_type",
            sa.Enum(
                "Encounter",
                "Condition",
                "AllergyIntolerance",
                "MedicationStatement",
                "Observation",
                "Immunization",
                "Procedure",
                "DiagnosticReport",
                "DocumentReference",
                "ImagingStudy",
                "Composition",
                name="resourcetype",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "current", "entered-in-error", name="entrystatus", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_role_id", sa.UUID(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("resource", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source_id", sa.UUID(), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_role_id"], ["practitioner_role.id"], name=op.f("fk_record_entry_author_role_id")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_record_entry_organization_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_record_entry_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_entry")),
    )
    op.create_index(op.f("ix_record_entry_source_id"), "record_entry", ["source_id"], unique=False)
    op.create_index("ix_record_entry_timeline", "record_entry", ["patient_id", "effective_at", "id"], unique=False)
    op.create_index(
        "ix_record_entry_kind", "record_entry", ["patient_id", "resource_type", "effective_at", "id"], unique=False
    )
    op.create_table(
        "service_request",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=1001), nullable=False),
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("requester_role_id", sa.UUID(), nullable=False),
        sa.Column("requester_organization_id", sa.UUID(), nullable=False),
        sa.Column("service_id", sa.UUID(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "active",
                "on-hold",
                "revoked",
                "completed",
                "entered-in-error",
                name="requeststatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column(
            "priority",
            sa.Enum(
                "routine",
                "urgent",
                "asap",
                "stat",
                name="requestpriority",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("authored_on", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint(
            "status = 'draft' or (service_id is not null and submitted_at is not null) or status = 'revoked'",
            name=op.f("ck_service_request_submitted_is_whole"),
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_service_request_patient_id")),
        sa.ForeignKeyConstraint(
            ["requester_organization_id"],
            ["organization.id"],
            name=op.f("fk_service_request_requester_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["requester_role_id"], ["practitioner_role.id"], name=op.f("fk_service_request_requester_role_id")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["healthcare_service.id"], name=op.f("fk_service_request_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_request")),
        sa.UniqueConstraint("number", name=op.f("uq_service_request_number")),
    )
    op.create_index(op.f("ix_service_request_authored_on_id"), "service_request", ["authored_on", "id"], unique=False)
    op.create_index(
        op.f("ix_service_request_patient_id_authored_on"),
        "service_request",
        ["patient_id", "authored_on"],
        unique=False,
    )
    op.create_index(
        op.f("ix_service_request_requester_organization_id_authored_on"),
        "service_request",
        ["requester_organization_id", "authored_on"],
        unique=False,
    )
    op.create_index(
        op.f("ix_service_request_requester_role_id_authored_on"),
        "service_request",
        ["requester_role_id", "authored_on"],
        unique=False,
    )
    op.create_index(op.f("ix_service_request_service_id"), "service_request", ["service_id"], unique=False)
    op.create_table(
        "appointment",
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("specialist_role_id", sa.UUID(), nullable=True),
        sa.Column("specialist_key", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "pending",
                "booked",
                "arrived",
                "fulfilled",
                "cancelled",
                "noshow",
                name="appointmentstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_appointment_ends_after_start")),
        sa.ForeignKeyConstraint(["created_by_id"], ["practitioner_role.id"], name=op.f("fk_appointment_created_by_id")),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_appointment_service_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["specialist_role_id"], ["practitioner_role.id"], name=op.f("fk_appointment_specialist_role_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    op.create_index(op.f("ix_appointment_starts_at"), "appointment", ["starts_at"], unique=False)
    op.create_index(
        "uq_appointment_open",
        "appointment",
        ["service_request_id"],
        unique=True,
        postgresql_where="status not in ('cancelled', 'noshow')",
    )
    op.create_table(
        "consent",
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column(
            "basis",
            sa.Enum(
                "patient",
                "representative",
                "necessity",
                name="consentbasis",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("relationship_to_patient", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "inactive", name="consentstatus", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("recorded_by_id", sa.UUID(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["practitioner_role.id"], name=op.f("fk_consent_recorded_by_id")),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_consent_service_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_patient_id"), "consent", ["patient_id"], unique=False)
    op.create_index(op.f("ix_consent_service_request_id"), "consent", ["service_request_id"], unique=False)
    op.create_table(
        "excerpt",
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_excerpt_service_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excerpt")),
        sa.UniqueConstraint("service_request_id", "version", name=op.f("uq_excerpt_service_request_id_version")),
    )
    op.create_table(
        "imaging_study",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("service_request_id", sa.UUID(), nullable=True),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("accession_number", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modalities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("header_patient_name", sa.Text(), nullable=False),
        sa.Column("header_patient_id", sa.Text(), nullable=False),
        sa.Column("identity_differs", sa.Boolean(), nullable=False),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciled_by_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_imaging_study_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_imaging_study_patient_id")),
        sa.ForeignKeyConstraint(
            ["reconciled_by_id"], ["practitioner_role.id"], name=op.f("fk_imaging_study_reconciled_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_imaging_study_service_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imaging_study")),
        sa.UniqueConstraint(
            "study_instance_uid", "organization_id", name=op.f("uq_imaging_study_study_instance_uid_organization_id")
        ),
    )
    op.create_index(op.f("ix_imaging_study_patient_id"), "imaging_study", ["patient_id"], unique=False)
    op.create_index(op.f("ix_imaging_study_service_request_id"), "imaging_study", ["service_request_id"], unique=False)
    op.create_table(
        "task",
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("service_id", sa.UUID(), nullable=False),
        sa.Column("owner_role_id", sa.UUID(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "received",
                "accepted",
                "rejected",
                "in-progress",
                "on-hold",
                "completed",
                "cancelled",
                name="taskstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("business_status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("output_composition_id", sa.UUID(), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["output_composition_id"], ["composition.id"], name=op.f("fk_task_output_composition_id"), use_alter=True
        ),
        sa.ForeignKeyConstraint(["owner_role_id"], ["practitioner_role.id"], name=op.f("fk_task_owner_role_id")),
        sa.ForeignKeyConstraint(["service_id"], ["healthcare_service.id"], name=op.f("fk_task_service_id")),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_task_service_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(
        op.f("ix_task_owner_role_id_status_created_at"), "task", ["owner_role_id", "status", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_task_service_id_status_created_at"), "task", ["service_id", "status", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_task_service_request_id_created_at"), "task", ["service_request_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_task_open",
        "task",
        ["service_request_id"],
        unique=True,
        postgresql_where="status not in ('rejected', 'cancelled')",
    )
    op.create_table(
        "encounter",
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("appointment_id", sa.UUID(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "arrived",
                "in-progress",
                "finished",
                "cancelled",
                name="encounterstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_encounter_appointment_id")),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_encounter_service_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encounter")),
        sa.UniqueConstraint("appointment_id", name=op.f("uq_encounter_appointment_id")),
    )
    op.create_index(op.f("ix_encounter_service_request_id"), "encounter", ["service_request_id"], unique=False)
    op.create_table(
        "excerpt_item",
        sa.Column("excerpt_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("record_entry_id", sa.UUID(), nullable=False),
        sa.Column("record_version", sa.Integer(), nullable=False),
        sa.Column(
            "resource_type",
            sa.Enum(
                "Encounter",
                "Condition",
                "AllergyIntolerance",
                "MedicationStatement",
                "Observation",
                "Immunization",
                "Procedure",
                "DiagnosticReport",
                "DocumentReference",
                "ImagingStudy",
                "Composition",
                name="resourcetype",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("organization_name", sa.Text(), nullable=False),
        sa.Column("resource", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["excerpt_id"], ["excerpt.id"], name=op.f("fk_excerpt_item_excerpt_id")),
        sa.ForeignKeyConstraint(["record_entry_id"], ["record_entry.id"], name=op.f("fk_excerpt_item_record_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excerpt_item")),
        sa.UniqueConstraint("excerpt_id", "position", name=op.f("uq_excerpt_item_excerpt_id_position")),
    )
    op.create_table(
        "excerpt_read",
        sa.Column("excerpt_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["excerpt_id"], ["excerpt.id"], name=op.f("fk_excerpt_read_excerpt_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"], ["practitioner_role.id"], name=op.f("fk_excerpt_read_practitioner_role_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excerpt_read")),
    )
    op.create_index(op.f("ix_excerpt_read_excerpt_id_read_at"), "excerpt_read", ["excerpt_id", "read_at"], unique=False)
    op.create_table(
        "excerpt_study",
        sa.Column("excerpt_id", sa.UUID(), nullable=False),
        sa.Column("imaging_study_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["excerpt_id"], ["excerpt.id"], name=op.f("fk_excerpt_study_excerpt_id")),
        sa.ForeignKeyConstraint(
            ["imaging_study_id"], ["imaging_study.id"], name=op.f("fk_excerpt_study_imaging_study_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excerpt_study")),
        sa.UniqueConstraint(
            "excerpt_id", "imaging_study_id", name=op.f("uq_excerpt_study_excerpt_id_imaging_study_id")
        ),
    )
    op.create_index(op.f("ix_excerpt_study_imaging_study_id"), "excerpt_study", ["imaging_study_id"], unique=False)
    op.create_table(
        "imaging_series",
        sa.Column("imaging_study_id", sa.UUID(), nullable=False),
        sa.Column("series_instance_uid", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("body_part", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["imaging_study_id"], ["imaging_study.id"], name=op.f("fk_imaging_series_imaging_study_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imaging_series")),
        sa.UniqueConstraint(
            "imaging_study_id",
            "series_instance_uid",
            name=op.f("uq_imaging_series_imaging_study_id_series_instance_uid"),
        ),
    )
    op.create_table(
        "composition",
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("encounter_id", sa.UUID(), nullable=True),
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("author_role_id", sa.UUID(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "preliminary",
                "final",
                "amended",
                "entered-in-error",
                name="compositionstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("sections", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signer_name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("pdf_object_key", sa.Text(), nullable=True),
        sa.Column("pdf_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint(
            "status = 'preliminary' or (signed_at is not null and content is not null and pdf_object_key is not null)",
            name=op.f("ck_composition_signed_is_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["author_role_id"], ["practitioner_role.id"], name=op.f("fk_composition_author_role_id")
        ),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_composition_encounter_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_composition_patient_id")),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_composition_service_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_composition")),
    )
    op.create_index(
        op.f("ix_composition_service_request_id_created_at"),
        "composition",
        ["service_request_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_composition_draft",
        "composition",
        ["service_request_id"],
        unique=True,
        postgresql_where="status = 'preliminary'",
    )
    op.create_table(
        "encounter_participant",
        sa.Column("encounter_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_encounter_participant_encounter_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"],
            ["practitioner_role.id"],
            name=op.f("fk_encounter_participant_practitioner_role_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encounter_participant")),
        sa.UniqueConstraint(
            "encounter_id",
            "practitioner_role_id",
            name=op.f("uq_encounter_participant_encounter_id_practitioner_role_id"),
        ),
    )
    op.create_table(
        "imaging_instance",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("imaging_series_id", sa.UUID(), nullable=False),
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("sop_class_uid", sa.Text(), nullable=False),
        sa.Column("transfer_syntax_uid", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("window_center", sa.Double(), nullable=True),
        sa.Column("window_width", sa.Double(), nullable=True),
        sa.Column("not_displayable_because", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["imaging_series_id"], ["imaging_series.id"], name=op.f("fk_imaging_instance_imaging_series_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_imaging_instance_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imaging_instance")),
        sa.UniqueConstraint("object_key", name=op.f("uq_imaging_instance_object_key")),
        sa.UniqueConstraint(
            "organization_id", "sop_instance_uid", name=op.f("uq_imaging_instance_organization_id_sop_instance_uid")
        ),
    )
    op.create_index(
        op.f("ix_imaging_instance_imaging_series_id_number"),
        "imaging_instance",
        ["imaging_series_id", "number"],
        unique=False,
    )
    op.create_table(
        "chat_message",
        sa.Column("encounter_id", sa.UUID(), nullable=False),
        sa.Column("participant_id", sa.UUID(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_chat_message_encounter_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["encounter_participant.id"], name=op.f("fk_chat_message_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_message")),
    )
    op.create_index(
        op.f("ix_chat_message_encounter_id_sent_at"), "chat_message", ["encounter_id", "sent_at"], unique=False
    )
    op.create_table(
        "delivery",
        sa.Column("composition_id", sa.UUID(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("patient-file", name="channel", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("queued", "delivered", name="deliverystatus", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("receipt", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["composition_id"], ["composition.id"], name=op.f("fk_delivery_composition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "composition_id", "channel", "destination", name=op.f("uq_delivery_composition_id_channel_destination")
        ),
    )
    op.create_foreign_key(
        op.f("fk_task_output_composition_id"), "task", "composition", ["output_composition_id"], ["id"]
    )
    for statement in (
        rules.NO_DOUBLE_BOOKING,
        rules.SIGNED_NOTES_STAND,
        rules.FROZEN_EXCERPTS_STAND,
        rules.AUDIT_CHAIN,
        SchemaManager.get_schema(),
    ):
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))
    for statement in [*rules.grants(OUR_TABLES), rules.JOB_TABLES.format(role=rules.APP_ROLE)]:
        op.execute(statement)
