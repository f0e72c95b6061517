"""More roles, more ways in, guests, the roster, the rules of an establishment.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import rules

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW_TABLES = [
    "break_glass",
    "directory_difference",
    "directory_import",
    "duty_shift",
    "endpoint",
    "federated_identity",
    "guest_pass",
    "issued_token",
    "one_time_secret",
    "passkey",
    "recovery_code",
    "retention_rule",
    "totp",
]
ROLES = (
    "doctor",
    "nurse",
    "specialist",
    "coordinator",
    "secretary",
    "administrator",
    "privacy-officer",
    "operator",
)


def upgrade() -> None:
    _rename_the_doctor()
    op.create_table(
        "endpoint",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column(
            "connection_type",
            sa.Enum(
                "hl7-fhir-rest",
                "hl7v2-mllp",
                "dicom-wado-rs",
                "dicom-dimse",
                "secure-mail",
                name="connectiontype",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "suspended",
                "off",
                name="endpointstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_endpoint_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint")),
        sa.UniqueConstraint(
            "organization_id",
            "connection_type",
            "address",
            name=op.f("uq_endpoint_organization_id_connection_type_address"),
        ),
    )
    op.create_table(
        "retention_rule",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column(
            "subject",
            sa.Enum(
                "ended-sessions",
                "discarded-drafts",
                "chat",
                name="retentionsubject",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_erased", sa.Integer(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_retention_rule_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rule")),
        sa.UniqueConstraint("organization_id", "subject", name=op.f("uq_retention_rule_organization_id_subject")),
    )
    op.create_table(
        "directory_import",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("refused", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["practitioner_role.id"], name=op.f("fk_directory_import_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_directory_import_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_import")),
    )
    op.create_index(op.f("ix_directory_import_organization_id"), "directory_import", ["organization_id"], unique=False)
    op.create_table(
        "duty_shift",
        sa.Column("service_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["practitioner_role.id"], name=op.f("fk_duty_shift_created_by_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"], ["practitioner_role.id"], name=op.f("fk_duty_shift_practitioner_role_id")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["healthcare_service.id"], name=op.f("fk_duty_shift_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_shift")),
    )
    op.create_index(op.f("ix_duty_shift_practitioner_role_id"), "duty_shift", ["practitioner_role_id"], unique=False)
    op.create_index(op.f("ix_duty_shift_service_id_ends_at"), "duty_shift", ["service_id", "ends_at"], unique=False)
    op.create_table(
        "federated_identity",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("claims", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_federated_identity_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_federated_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_federated_identity_issuer_subject")),
    )
    op.create_index(op.f("ix_federated_identity_account_id"), "federated_identity", ["account_id"], unique=False)
    op.create_table(
        "issued_token",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_issued_token_account_id")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["practitioner_role.id"], name=op.f("fk_issued_token_created_by_id")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_issued_token_organization_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"], ["practitioner_role.id"], name=op.f("fk_issued_token_practitioner_role_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issued_token")),
    )
    op.create_index(op.f("ix_issued_token_account_id"), "issued_token", ["account_id"], unique=False)
    op.create_index(
        op.f("ix_issued_token_organization_id_expires_at"),
        "issued_token",
        ["organization_id", "expires_at"],
        unique=False,
    )
    op.create_table(
        "one_time_secret",
        sa.Column(
            "purpose",
            sa.Enum(
                "second-factor",
                "sign-in-code",
                "password-reset",
                "invitation",
                "passkey-registration",
                "passkey-sign-in",
                "passkey-step-up",
                "federated",
                "session-join",
                name="secretpurpose",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=True),
        sa.Column("email_hash", sa.LargeBinary(), nullable=True),
        sa.Column("methods", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrong_tries", sa.Integer(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_one_time_secret_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_secret")),
    )
    op.create_index(op.f("ix_one_time_secret_account_id"), "one_time_secret", ["account_id"], unique=False)
    op.create_index(op.f("ix_one_time_secret_browser_hash"), "one_time_secret", ["browser_hash"], unique=False)
    op.create_index(op.f("ix_one_time_secret_expires_at"), "one_time_secret", ["expires_at"], unique=False)
    op.create_index(op.f("ix_one_time_secret_secret_hash"), "one_time_secret", ["secret_hash"], unique=False)
    op.create_table(
        "passkey",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transports", sa.Text(), nullable=False),
        sa.Column("is_backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_passkey_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
    )
    op.create_index(op.f("ix_passkey_account_id"), "passkey", ["account_id"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_recovery_code_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("account_id", "code_hash", name=op.f("uq_recovery_code_account_id_code_hash")),
    )
    op.create_table(
        "totp",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_totp_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_totp")),
        sa.UniqueConstraint("account_id", name=op.f("uq_totp_account_id")),
    )
    op.create_table(
        "break_glass",
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("practitioner_role_id", sa.UUID(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "danger",
                "transfer",
                "unreachable",
                "other",
                name="glassreason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by_id", sa.UUID(), nullable=True),
        sa.Column("is_justified", sa.Boolean(), nullable=True),
        sa.Column("review", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_break_glass_organization_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_break_glass_patient_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_role_id"], ["practitioner_role.id"], name=op.f("fk_break_glass_practitioner_role_id")
        ),
        sa.ForeignKeyConstraint(
            ["reviewed_by_id"], ["practitioner_role.id"], name=op.f("fk_break_glass_reviewed_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass")),
    )
    op.create_index(
        op.f("ix_break_glass_organization_id_started_at"),
        "break_glass",
        ["organization_id", "started_at"],
        unique=False,
    )
    op.create_index(op.f("ix_break_glass_patient_id"), "break_glass", ["patient_id"], unique=False)
    op.create_index(
        op.f("ix_break_glass_practitioner_role_id_patient_id_expires_at"),
        "break_glass",
        ["practitioner_role_id", "patient_id", "expires_at"],
        unique=False,
    )
    op.create_table(
        "directory_difference",
        sa.Column("import_id", sa.UUID(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "new",
                "changed",
                "duplicate",
                name="differencekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("registration_number", sa.Text(), nullable=False),
        sa.Column("practitioner_id", sa.UUID(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "pending", "accepted", "rejected", name="decision", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("decided_by_id", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["practitioner_role.id"], name=op.f("fk_directory_difference_decided_by_id")
        ),
        sa.ForeignKeyConstraint(["import_id"], ["directory_import.id"], name=op.f("fk_directory_difference_import_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_directory_difference_practitioner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_difference")),
    )
    op.create_index(
        op.f("ix_directory_difference_import_id_decision_kind"),
        "directory_difference",
        ["import_id", "decision", "kind"],
        unique=False,
    )
    op.create_table(
        "guest_pass",
        sa.Column("encounter_id", sa.UUID(), nullable=False),
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "patient",
                "family-doctor",
                "interpreter",
                "other",
                name="guestkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=True),
        sa.Column("created_by_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["practitioner_role.id"], name=op.f("fk_guest_pass_created_by_id")),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_guest_pass_encounter_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_guest_pass_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_pass")),
        sa.UniqueConstraint("browser_hash", name=op.f("uq_guest_pass_browser_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_guest_pass_token_hash")),
    )
    op.create_index(
        op.f("ix_guest_pass_encounter_id_created_at"), "guest_pass", ["encounter_id", "created_at"], unique=False
    )
    op.alter_column("account", "password_hash", existing_type=sa.TEXT(), nullable=True)
    op.alter_column("excerpt", "expires_at", existing_type=sa.DateTime(timezone=True), nullable=True)
    op.execute("update excerpt set expires_at = null")
    op.add_column("excerpt", sa.Column("revoked_by_id", sa.UUID(), nullable=True))
    op.add_column("excerpt", sa.Column("revoke_reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("excerpt_read", sa.Column("imaging_study_id", sa.UUID(), nullable=True))
    op.create_foreign_key(
        op.f("fk_excerpt_read_imaging_study_id"), "excerpt_read", "imaging_study", ["imaging_study_id"], ["id"]
    )
    op.create_foreign_key(op.f("fk_excerpt_revoked_by_id"), "excerpt", "practitioner_role", ["revoked_by_id"], ["id"])
    op.add_column("consent", sa.Column("withdrawn_by_id", sa.UUID(), nullable=True))
    op.create_foreign_key(
        op.f("fk_consent_withdrawn_by_id"), "consent", "practitioner_role", ["withdrawn_by_id"], ["id"]
    )
    op.add_column("encounter_participant", sa.Column("guest_pass_id", sa.UUID(), nullable=True))
    op.alter_column("encounter_participant", "practitioner_role_id", existing_type=sa.UUID(), nullable=True)
    op.create_unique_constraint(
        op.f("uq_encounter_participant_guest_pass_id"), "encounter_participant", ["guest_pass_id"]
    )
    op.create_foreign_key(
        op.f("fk_encounter_participant_guest_pass_id"), "encounter_participant", "guest_pass", ["guest_pass_id"], ["id"]
    )
    op.add_column("practitioner", sa.Column("profession", sa.Text(), nullable=False, server_default=""))
    op.add_column("sign_in_attempt", sa.Column("door", sa.Text(), nullable=False, server_default="password"))
    op.add_column("sign_in_attempt", sa.Column("known_hash", sa.LargeBinary(), nullable=True))
    op.alter_column("sign_in_attempt", "email_hash", existing_type=postgresql.BYTEA(), nullable=True)
    op.create_index(op.f("ix_sign_in_attempt_attempted_at"), "sign_in_attempt", ["attempted_at"], unique=False)
    op.add_column(
        "web_session", sa.Column("factor_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    )
    op.add_column("web_session", sa.Column("methods", sa.Text(), nullable=False, server_default="pwd"))
    op.add_column("web_session", sa.Column("address", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "practitioner_role",
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_check_constraint(
        "one_kind", "encounter_participant", "(practitioner_role_id is null) <> (guest_pass_id is null)"
    )
    op.execute(rules.ERASURE)
    for statement in rules.grants(NEW_TABLES):
        op.execute(statement)
    op.execute(f"grant delete on sign_in_attempt, web_session to {rules.APP_ROLE}")


def _rename_the_doctor() -> None:
    """Who asks is a doctor; asking is what they do in a consult."""
    op.drop_constraint("rolecode", "practitioner_role", type_="check")
    op.execute("update practitioner_role set code = 'doctor' where code = 'requester'")
    codes = ", ".join(f"'{code}'" for code in ROLES)
    op.create_check_constraint("rolecode", "practitioner_role", f"code in ({codes})")
