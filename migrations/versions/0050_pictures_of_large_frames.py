"""Pictures of large compressed frames, made beforehand.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_KINDS = ("preview", "thumbnail", "codestream", "cine", "picture")


def upgrade() -> None:
    named = ", ".join(f"'{kind}'" for kind in _KINDS)
    op.drop_constraint("renditionkind", "imaging_rendition", type_="check")
    op.create_check_constraint("renditionkind", "imaging_rendition", f"kind in ({named})")
