"""Later versions of an excerpt, and since which of them each entry is shared.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op

from migrations import excerpt_walls, walls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("excerpt_item", sa.Column("since_version", sa.Integer(), server_default="1", nullable=False))
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in excerpt_walls.WALLS.items():
        for statement in (*walls.lowered(table), *walls.raised(table, wall, owner=owner)):
            op.execute(statement)
    op.execute(excerpt_walls.EARLIER_VERSIONS_STAND)
