"""The addresses of signing keys. What each needs is said here, as in `web/routes.py`."""

from collections.abc import Callable

from teleconsult.access import Permission as P
from web.views import signing_keys


def add_signing_key_routes(route: Callable[..., object]) -> None:
    """One's own, and what an administrator takes back."""
    keys = "/account/signing-keys"
    route("GET", keys, signing_keys.index, P.NOTE_WRITE, name="signing_keys.index")
    route("POST", keys, signing_keys.create, P.NOTE_WRITE)
    route("POST", f"{keys}/elsewhere", signing_keys.register, P.NOTE_WRITE, name="signing_keys.register")
    route("POST", f"{keys}/{{id}}/revocation", signing_keys.revoke, P.NOTE_WRITE, name="signing_keys.revoke")
    key = "/admin/signing-keys/{id}/revocation"
    route("POST", key, signing_keys.revoke_here, P.ADMINISTRATION, name="admin_signing_keys.revoke")
