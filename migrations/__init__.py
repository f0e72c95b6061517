"""The database's own history. `migrate` brings it to this version's tables, as the owner's role."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def migrate(owner_url: str, *, revision: str = "head") -> None:
    """Run every migration not yet run, in one transaction. Raises what the database raises; nothing is half done."""
    command.upgrade(alembic_config(owner_url), revision)


def alembic_config(owner_url: str) -> Config:
    """Alembic's settings, for `owner_url` (the role that owns the tables)."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = owner_url
    return config
