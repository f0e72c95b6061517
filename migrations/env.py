"""Alembic's entry: one connection as the owner, one transaction, models and rules from `teleconsult.tables`."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.schema import SchemaItem

from teleconsult.db import sqlalchemy_url
from teleconsult.tables import metadata


def ours(thing: SchemaItem, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
    """Tables of ours: procrastinate keeps its own, and a view is made by the walls (`migrations.crossings`)."""
    is_theirs = kind == "table" and name is not None and name.startswith("procrastinate_")
    return not is_theirs and not thing.info.get("is_view")


url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True)["url"]
engine = create_engine(sqlalchemy_url(url), connect_args={"options": "-c lock_timeout=20s -c timezone=UTC"})
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, include_object=ours, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
