"""The one place every row filter passes, and the words they have in common."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeAlias

from sqlalchemy import ColumnElement, false
from sqlalchemy.orm import InstrumentedAttribute

from teleconsult.access.permissions import OF_CLIENT, OF_ROLE, Permission
from teleconsult.accounts.actor import Actor

Asked = ParamSpec("Asked")
Filter: TypeAlias = ColumnElement[bool]
Id: TypeAlias = InstrumentedAttribute[uuid.UUID] | InstrumentedAttribute[uuid.UUID | None]


def _wall(condition: Filter) -> Filter:
    """Every filter passes here; a house test opens it, to see that row-level security alone leaks nothing."""
    return condition


def row_filter(written: Callable[Asked, Filter]) -> Callable[Asked, Filter]:
    """Mark a function whose condition says which rows exist for an actor."""

    @wraps(written)
    def built(*args: Asked.args, **kwargs: Asked.kwargs) -> Filter:
        return _wall(written(*args, **kwargs))

    return built


def has(actor: Actor, permission: Permission) -> bool:
    """Whether the role has a part in such things at all; how far a token narrows it is asked at the door."""
    if actor.client_id is not None:
        return permission in OF_CLIENT
    return actor.role is not None and permission in OF_ROLE[actor.role]


def is_role(column: Id, actor: Actor) -> Filter:
    """The column names the actor's role in force; never true of who has none."""
    return _is(column, actor.role_id)


def is_house(column: Id, actor: Actor) -> Filter:
    """The column names the actor's establishment; never true of who has none."""
    return _is(column, actor.organization_id)


def is_account(column: Id, actor: Actor) -> Filter:
    """The column names the actor's account; never true of a guest."""
    return _is(column, actor.account_id)


def _is(column: Id, value: uuid.UUID | None) -> Filter:
    return false() if value is None else column == value
