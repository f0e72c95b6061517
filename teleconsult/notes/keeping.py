"""The secret that seals a draft's words while a browser has to keep them, the line being down.

It is never kept in the browser: the page of the editor carries it, for the draft's author alone. What is kept there can
be opened by nobody once they have signed out, and by themselves on the same draft once they have signed in again.
"""

import base64
import uuid

from teleconsult.sealing import derived_key


def keeping_secret(secret_key: str, *, account_id: uuid.UUID, note_id: uuid.UUID) -> str:
    """For one account and one draft, 32 bytes in base64url."""
    return base64.urlsafe_b64encode(derived_key(secret_key, f"keeping note {note_id} for {account_id}")).decode()
