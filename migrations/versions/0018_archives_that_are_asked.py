"""Archives that are asked for images, and what was asked of them.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import bindings, pacs_walls, rules, walls

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

OPEN = sa.text("status in ('queued', 'running')")


def upgrade() -> None:
    op.create_table(
        "pacs",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                *("c-get", "c-move", "dicomweb"), name="pacskind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("calling_title", sa.Text(), nullable=False),
        sa.Column("uses_tls", sa.Boolean(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("credential_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("dicom_peer_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.CheckConstraint("(kind = 'dicomweb') = (ae_title = '')", name=op.f("ck_pacs_titled_unless_web")),
        sa.CheckConstraint(
            "(kind = 'c-move') = (dicom_peer_id is not null)", name=op.f("ck_pacs_sends_where_it_moves")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["practitioner_role.id"], name=op.f("fk_pacs_created_by_id")),
        sa.ForeignKeyConstraint(["dicom_peer_id"], ["dicom_peer.id"], name=op.f("fk_pacs_dicom_peer_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_pacs_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pacs")),
    )
    op.create_index(op.f("ix_pacs_organization_id_name"), "pacs", ["organization_id", "name"])
    op.create_index(op.f("ix_pacs_dicom_peer_id"), "pacs", ["dicom_peer_id"])
    op.create_table(
        "pacs_fetch",
        sa.Column("organization_id", sa.UUID(), nullable=False),
        sa.Column("pacs_id", sa.UUID(), nullable=False),
        sa.Column("service_request_id", sa.UUID(), nullable=False),
        sa.Column("requester_role_id", sa.UUID(), nullable=False),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("patient_number", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("study_date", sa.Date(), nullable=True),
        sa.Column("modalities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                *("queued", "running", "done", "failed", "cancelled"),
                name="fetchstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("arrived", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["requester_role_id"], ["practitioner_role.id"], name=op.f("fk_pacs_fetch_requester_role_id")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_pacs_fetch_organization_id")),
        sa.ForeignKeyConstraint(["pacs_id"], ["pacs.id"], name=op.f("fk_pacs_fetch_pacs_id")),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_request.id"], name=op.f("fk_pacs_fetch_service_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pacs_fetch")),
    )
    op.create_index(
        "uq_pacs_fetch_open",
        "pacs_fetch",
        ["service_request_id", "study_instance_uid"],
        unique=True,
        postgresql_where=OPEN,
    )
    op.create_index("ix_pacs_fetch_awaited", "pacs_fetch", ["pacs_id", "study_instance_uid"], postgresql_where=OPEN)
    op.create_index(
        op.f("ix_pacs_fetch_service_request_id_created_at"), "pacs_fetch", ["service_request_id", "created_at"]
    )
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in pacs_walls.WALLS.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    for table, columns in pacs_walls.WRITTEN_ONCE.items():
        op.execute(bindings.bound(table, columns))
    for statement in rules.grants(["pacs", "pacs_fetch"]):
        op.execute(statement)
