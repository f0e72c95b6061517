"""Row-level security on every table that speaks of a person."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled in with the rules it brings."""
