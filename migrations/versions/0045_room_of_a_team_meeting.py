"""Which cases of a team meeting are concluded by who leads it."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("meeting_case", sa.Column("is_for_chair", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    op.drop_column("meeting_case", "is_for_chair")
