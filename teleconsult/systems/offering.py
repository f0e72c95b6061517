"""What the FHIR door has for systems, and how it says so before anybody signs in (SMART App Launch 2.2, §2.1)."""

from collections.abc import Mapping
from typing import Any, Final

from teleconsult.access.permissions import OF_CLIENT
from teleconsult.fhir.door import OFFERS
from teleconsult.fhir.scoping import LETTER_OF
from teleconsult.systems.keys import ALGORITHMS
from teleconsult.systems.scopes import LETTERS

PATH: Final = "/oauth/token"
"""Where tokens are asked for, below our own address."""


def _offered() -> dict[str, str]:
    found = {
        kind: {LETTER_OF[interaction] for interaction, offer in offers.items() if offer.needs in OF_CLIENT}
        for kind, offers in OFFERS.items()
    }
    return {kind: "".join(one for one in LETTERS if one in letters) for kind, letters in found.items() if letters}


OFFERED: Final[Mapping[str, str]] = _offered()
"""For each kind of resource, the letters of what a system may be granted."""


def smart_configuration(*, server: str) -> dict[str, Any]:
    """`/.well-known/smart-configuration`: how a system gets a token. `server` is our own address.

    There is no authorization endpoint, so no code challenge is ever asked for; the list of their methods is there
    because SMART requires it of every server.
    """
    return {
        "token_endpoint": f"{server}{PATH}",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": [
            *("system/*.rs", "system/*.crus"),
            *(f"system/{kind}.{letters}" for kind, letters in sorted(OFFERED.items())),
        ],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }
