"""Recordings of a session: consents, files, and when they are deleted.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import bindings, recording_walls, rules, walls

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def _codes(name: str, *codes: str) -> sa.Enum:
    return sa.Enum(*codes, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "recording",
        sa.Column("encounter_id", sa.UUID(), nullable=False),
        sa.Column("patient_id", sa.UUID(), nullable=False),
        sa.Column("asked_by_id", sa.UUID(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.UUID(), nullable=True),
        sa.Column(
            "ended_why",
            _codes("recordingend", "stopped", "declined", "withdrawn", "left", "failed", "cut-off"),
            nullable=True,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by_id", sa.UUID(), nullable=True),
        sa.Column("deletion_reason", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("(ended_at is null) = (ended_why is null)", name=op.f("ck_recording_ended")),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_recording_encounter_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_recording_patient_id")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["encounter_participant.id"], name=op.f("fk_recording_asked_by_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["encounter_participant.id"], name=op.f("fk_recording_ended_by_id")),
        sa.ForeignKeyConstraint(["deleted_by_id"], ["practitioner_role.id"], name=op.f("fk_recording_deleted_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
    )
    op.create_index(op.f("ix_recording_encounter_id"), "recording", ["encounter_id"])
    op.create_index(op.f("ix_recording_expires_at"), "recording", ["expires_at"])
    op.create_index(
        "uq_recording_open", "recording", ["encounter_id"], unique=True, postgresql_where=sa.text("ended_at is null")
    )
    op.create_table(
        "recording_consent",
        sa.Column("recording_id", sa.UUID(), nullable=False),
        sa.Column("participant_id", sa.UUID(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("patient_basis", _codes("consentbasis", "patient", "representative", "necessity"), nullable=True),
        sa.Column("patient_given_by", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name=op.f("fk_recording_consent_recording_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["encounter_participant.id"], name=op.f("fk_recording_consent_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_consent")),
        sa.UniqueConstraint(
            "recording_id", "participant_id", name=op.f("uq_recording_consent_recording_id_participant_id")
        ),
    )
    op.create_table(
        "recording_file",
        sa.Column("recording_id", sa.UUID(), nullable=False),
        sa.Column("participant_id", sa.UUID(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("has_audio", sa.Boolean(), nullable=False),
        sa.Column("has_video", sa.Boolean(), nullable=False),
        sa.Column("is_cut", sa.Boolean(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name=op.f("fk_recording_file_recording_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["encounter_participant.id"], name=op.f("fk_recording_file_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_file")),
        sa.UniqueConstraint(
            *("recording_id", "participant_id", "part"), name=op.f("uq_recording_file_recording_id_participant_id_part")
        ),
    )
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in recording_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in recording_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(list(recording_walls.WALLS)):
        op.execute(statement)
