"""`teleconsult janus-config`: a configuration for Janus, which carries calls, and what `doctor` says of it."""

import argparse
import time
from ipaddress import ip_address
from pathlib import Path

from signaling.janus_config import HERE, JanusServer, configuration
from signaling.media.janus import Janus
from signaling.media.janus_line import JanusError
from teleconsult.settings import Settings, SettingsError, port_range


def add_janus_config(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Give the command line its command."""
    janus = verbs.add_parser("janus-config", help="write a safe configuration for Janus, which carries large calls")
    janus.add_argument("folder", type=Path, metavar="DIR", help="Janus' own, as /etc/janus: its files are replaced")
    janus.add_argument(
        "--listen", type=ip_address, default=HERE, metavar="ADDRESS", help="for us; by default 127.0.0.1"
    )
    janus.add_argument("--port", type=int, default=8188, metavar="N", help="likewise; by default 8188")
    janus.add_argument("--public", type=ip_address, metavar="ADDRESS", help="as browsers reach it, behind a router")
    janus.add_argument("--ports", default="20000-29999", metavar="N-N", help="UDP, of media; by default 20000-29999")
    janus.add_argument("--certificate", type=Path, metavar="FILE", help="has us come by TLS; comes with --key")
    janus.add_argument("--key", type=Path, metavar="FILE", help="of the certificate")
    janus.set_defaults(command=janus_config)


def janus_config(settings: Settings, options: argparse.Namespace) -> int:
    """Write it. Raises SettingsError where it would not be safe, or not run."""
    if not settings.janus_secret:
        raise SettingsError("TELECONSULT_JANUS_SECRET is needed: without it anybody may use Janus who reaches it.")
    if bool(options.certificate) != bool(options.key):
        raise SettingsError("--certificate and --key come together.")
    try:
        ports = port_range(options.ports) or range(1)
        server = JanusServer(
            secret=settings.janus_secret,
            listen=options.listen,
            port=options.port,
            public=options.public,
            ports=(ports[0], ports[-1]),
            certificate=options.certificate,
            key=options.key,
        )
        for name, text in configuration(server).items():
            path = options.folder / name
            path.touch()
            path.chmod(0o600)  # before the secret stands in it
            path.write_text(text, encoding="utf-8")
    except ValueError as error:
        raise SettingsError(f"--ports {error}.") from error
    except OSError as error:
        raise SettingsError(f"{options.folder} cannot be written: {error.strerror}.") from error
    return 0


async def look_at_janus(settings: Settings) -> tuple[bool, str] | None:
    """Whether it is there, and a word about it; None where none is set."""
    janus = Janus.of(settings)
    if janus is None:
        return None
    began = time.monotonic()
    try:
        await janus.look()
    except JanusError as error:
        return False, f"error {error}"
    return True, f"milliseconds {round((time.monotonic() - began) * 1000)}"
