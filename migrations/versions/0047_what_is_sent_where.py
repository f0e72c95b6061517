"""What is sent where: digests of revisions, who may see a note, receipts that we owe.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen.
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_TOLD = """
update record_entry entry set version = entry.version + 1, recorded_at = now(),
  resource = jsonb_set(jsonb_set(entry.resource, '{content,0,attachment,size}', to_jsonb(newest.size)),
    '{content,0,attachment,extension}', jsonb_build_array(jsonb_build_object(
      'url', 'urn:oid:2.16.840.1.101.3.4.2.1', 'valueString', encode(newest.sha256, 'hex'))))
from (
  select distinct on (composition_id) composition_id, size, sha256 from note_evidence
  where state = 'complete' order by composition_id, number desc
) newest
where entry.source_id = newest.composition_id and entry.resource_type = 'DocumentReference'
  and entry.status = 'current' and jsonb_typeof(entry.resource #> '{content,0,attachment}') = 'object'
"""
"""Files that were written before tell the size of the revision that is handed out."""
_FOLLOWED = """
update record_entry entry set version = entry.version + 1, recorded_at = now(),
  resource = entry.resource || '{"status": "amended"}'::jsonb
where entry.resource_type = 'Composition' and entry.status = 'current' and entry.resource ->> 'status' = 'final'
  and entry.source_id in (
    select later.related_id from composition later where later.related_id is not null and later.status <> 'preliminary')
"""
_UNASKED = "update received_message set answer_failure = 'unsafe' where answer_to <> '' and answered_at is null"
"""Of mails that came before, nobody looked whether the address for the answer is the sender's own (RFC 8098 §2.1)."""


def upgrade() -> None:
    op.add_column("note_evidence", sa.Column("sha1", sa.LargeBinary(), nullable=True))
    _who_may_see()
    _receipts_owed()
    op.execute(_TOLD)
    op.execute(_FOLLOWED)


def _who_may_see() -> None:
    mail = sa.Enum(
        *("professionals-and-patient", "professionals", "patient"),
        name="exchange",
        native_enum=False,
        create_constraint=True,
        length=40,
    )
    table = "composition"
    op.add_column(table, sa.Column("mailed_to", mail, server_default="professionals-and-patient", nullable=False))
    for name in ("invisible_to_patient", "invisible_to_guardians"):
        op.add_column(table, sa.Column(name, sa.Boolean(), server_default="false", nullable=False))


def _receipts_owed() -> None:
    """Of mails that came: how often an answer was tried, and when it is next."""
    table = "received_message"
    op.add_column(table, sa.Column("answer_attempts", sa.Integer(), server_default="0", nullable=False))
    op.add_column(table, sa.Column("answer_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(table, sa.Column("answer_failure", sa.Text(), server_default="", nullable=False))
    op.execute(_UNASKED)
    op.create_index(
        "ix_received_message_answer", table, ["answer_at"], postgresql_where=sa.text("answer_at is not null")
    )


def downgrade() -> None:
    op.drop_index("ix_received_message_answer", "received_message")
    for name in ("answer_attempts", "answer_at", "answer_failure"):
        op.drop_column("received_message", name)
    for name in ("mailed_to", "invisible_to_patient", "invisible_to_guardians"):
        op.drop_column("composition", name)
    op.drop_column("note_evidence", "sha1")
