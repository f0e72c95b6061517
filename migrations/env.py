"""Alembic's entry: one connection as the owner, one transaction, models and rules from `teleconsult.tables`."""

from alembic import context
from sqlalchemy import create_engine

from teleconsult.db import sqlalchemy_url
from teleconsult.tables import metadata


def ours(_object: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
    """procrastinate keeps its own tables; autogenerate leaves them alone."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True)["url"]
engine = create_engine(sqlalchemy_url(url), connect_args={"options": "-c lock_timeout=20s -c timezone=UTC"})
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, include_object=ours, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
