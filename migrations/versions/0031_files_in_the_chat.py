"""A line of the chat may be a file: what it is, where its bytes lie, and a small picture of it.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Who reads a line reads of its file: the wall is the line's.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

KINDS = ("image/jpeg", "application/pdf")


def upgrade() -> None:
    kind = sa.Enum(*KINDS, name="filekind", native_enum=False, create_constraint=True, length=40)
    op.add_column("chat_message", sa.Column("file_kind", kind, nullable=True))
    op.add_column("chat_message", sa.Column("file_key", sa.Text(), nullable=True))
    op.add_column("chat_message", sa.Column("file_size", sa.BigInteger(), nullable=True))
    op.add_column("chat_message", sa.Column("preview_key", sa.Text(), nullable=True))
    whole = "num_nulls(file_kind, file_key, file_size) in (0, 3)"
    op.create_check_constraint(op.f("ck_chat_message_whole_file"), "chat_message", whole)
    of_file = "preview_key is null or file_key is not null"
    op.create_check_constraint(op.f("ck_chat_message_preview_of_file"), "chat_message", of_file)
