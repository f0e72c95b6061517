"""`teleconsult local-ca`: an authority for one local network, and the server's certificate from it."""

import argparse
from collections.abc import Sequence

from teleconsult.clock import now
from teleconsult.local_authority import (
    FOLDER,
    SERVER_CERTIFICATE,
    SERVER_KEY,
    LocalAuthority,
    LocalAuthorityRefused,
    Named,
    issue,
    make_authority,
    named,
    of_both_kinds,
    read_authority,
)
from teleconsult.settings import Settings, SettingsError


def add_local_ca(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Give the command line its command."""
    local = verbs.add_parser("local-ca", help="make or renew this server's certificate for a network of its own")
    local.add_argument(
        "names", metavar="NAME", nargs="*", help="a name or address people type to come here; without any: renew"
    )
    local.add_argument(
        "--anew", action="store_true", help="replace the authority: every device has to trust the new one"
    )
    local.set_defaults(command=local_ca)


def local_ca(settings: Settings, options: argparse.Namespace) -> int:
    """Make the authority once, the server's certificate each time. Raises SettingsError, with what to do."""
    try:
        authority = _authority(settings, [*dict.fromkeys(map(named, options.names))], anew=options.anew)
        made = issue(settings.data, at=now())
    except LocalAuthorityRefused as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        raise SettingsError(f"{error.filename} cannot be written: {error.strerror}.") from error
    folder = settings.data / FOLDER
    print(f"{authority.name} vouches for {_said(authority)}, until {made.not_valid_after_utc:%Y-%m-%d}.")
    print(f"TELECONSULT_TLS_CERT={folder / SERVER_CERTIFICATE}")
    print(f"TELECONSULT_TLS_KEY={folder / SERVER_KEY}")
    print("Devices trust it by the page /trust. What they must show (SHA-256):")
    print(authority.fingerprint)
    return 0


def _authority(settings: Settings, names: Sequence[Named], *, anew: bool) -> LocalAuthority:
    """The one that is there, or a new one. Raises LocalAuthorityRefused."""
    authority = read_authority(settings.data)
    if authority is None or anew:
        if not names:
            raise LocalAuthorityRefused(
                "Name what this server is called in its network: `teleconsult local-ca tele.lan 192.168.1.20`."
            )
        return make_authority(settings.data, names, at=now())
    if names and set(of_both_kinds(names)) != set(authority.names):
        raise LocalAuthorityRefused(
            f"The authority that devices trust vouches for {_said(authority)} alone."
            " For other names make a new one with --anew; every device has to trust it then."
        )
    return authority


def _said(authority: LocalAuthority) -> str:
    return ", ".join(map(str, authority.names))
