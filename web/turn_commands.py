"""`teleconsult turn-config`: a configuration for the relay, from what this machine is told of it."""

import argparse
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

from signaling.turn import TurnServer, configuration
from teleconsult.settings import Settings, SettingsError


def add_turn_config(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Give the command line its command."""
    turn = verbs.add_parser("turn-config", help="write a safe configuration for coturn, the relay of calls")
    turn.add_argument("--address", type=ip_address, action="append", default=[], help="its own; may be repeated")
    turn.add_argument("--public", type=ip_address, metavar="ADDRESS", help="as the world sees it, behind a router")
    turn.add_argument("--realm", default="teleconsult", help="its name; by default teleconsult")
    turn.add_argument("--certificate", type=Path, metavar="FILE", help="turns on TLS; comes with --key")
    turn.add_argument("--key", type=Path, metavar="FILE", help="of the certificate")
    turn.add_argument("--tls-port", type=int, default=443, metavar="N", help="by default 443")
    turn.add_argument(
        "--media",
        type=ip_network,
        action="append",
        default=[],
        metavar="NETWORK",
        help="where this installation's own media servers stand, if that is a private network; may be repeated",
    )
    turn.add_argument("--out", type=Path, metavar="FILE", help="write there, readable by its owner alone; else print")
    turn.set_defaults(command=turn_config)


def turn_config(settings: Settings, options: argparse.Namespace) -> int:
    """Write it. Raises SettingsError where it would not be safe, or not run."""
    if not settings.turn_secret:
        raise SettingsError("TELECONSULT_TURN_SECRET is needed: calls get their credentials from it.")
    if bool(options.certificate) != bool(options.key):
        raise SettingsError("--certificate and --key come together.")
    if options.public and len(options.address) > 1:
        raise SettingsError("--public goes with one --address.")
    text = configuration(
        TurnServer(
            realm=options.realm,
            secret=settings.turn_secret,
            addresses=options.address,
            public=options.public,
            certificate=options.certificate,
            key=options.key,
            tls_port=options.tls_port,
            media=options.media,
        )
    )
    if options.out is None:
        sys.stdout.write(text)
        return 0
    try:
        options.out.touch()
        options.out.chmod(0o600)  # before the secret stands in it
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{options.out} cannot be written: {error.strerror}.") from error
    return 0
