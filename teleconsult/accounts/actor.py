"""Who acts: the account, the role in force, the establishment."""

import uuid
from dataclasses import dataclass

from teleconsult.directory.models import RoleCode


@dataclass(frozen=True, slots=True)
class Actor:
    """The first argument of every action. Built from a cookie, a bearer token or, for jobs, by `system_actor`."""

    account_id: uuid.UUID | None
    practitioner_id: uuid.UUID | None
    role_id: uuid.UUID | None
    """The PractitionerRole in force."""
    organization_id: uuid.UUID | None
    role: RoleCode | None
    name: str
    organization_name: str = ""
    sharing_network: str | None = None
    locale: str = "fr"
    time_zone: str = "UTC"
    session_id: uuid.UUID | None = None
    """The WebSession this actor came by, if any."""


def system_actor() -> Actor:
    """The actor of jobs: may do what its action says, and is named in the audit as the system."""
    return Actor(None, None, None, None, None, "system")
