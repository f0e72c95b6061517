"""Who acts: the account, the role in force, the establishment."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from teleconsult.directory.models import RoleCode


@dataclass(frozen=True, slots=True)
class Actor:
    """The first argument of every action. Built from a cookie, a bearer token or, for jobs, `SYSTEM`."""

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
    factor_at: datetime | None = None
    """When they last proved who they are (`accounts.stepping_up`); None for a machine."""
    has_other_roles: bool = False
    """Whether there is another role to change to (`accounts.roles`)."""
    token_id: uuid.UUID | None = None
    """The IssuedToken this actor came by, if any."""
    scope: frozenset[str] | None = None
    """The purposes a bearer token is good for (`access.purposes`), or the SMART scopes a system was granted; None
    where nothing narrows the role."""
    client_id: uuid.UUID | None = None
    """A system at the FHIR door (`systems`) has this, its establishment and its name, and no role."""
    guest_pass_id: uuid.UUID | None = None
    """A guest of one session has this, and nothing of the above."""
    address: str = ""
    """Where they act from, as the network says; nothing for jobs."""
    is_system: bool = False

    @property
    def acting(self) -> str:
        """Who acts, as the database is told: it hides the rows of others by itself."""
        if self.is_system:
            return "system"
        if self.guest_pass_id is not None:
            return f"guest:{self.guest_pass_id}"
        if self.client_id is not None:
            return f"client:{self.client_id}"
        return str(self.role_id) if self.role_id is not None else ""


SYSTEM: Final = Actor(None, None, None, None, None, "system", is_system=True)
"""The actor of jobs and of sign-in itself: may do what its action says, named in the audit as the system."""
NOBODY: Final = Actor(None, None, None, None, None, "")
"""Before sign-in."""
