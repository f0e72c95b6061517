"""A safe configuration for Janus: it passes on the media of rooms that we make, talks to us alone, and keeps nothing.

`teleconsult janus-config` writes it for one's own machine; `python -m signaling.janus_config` writes `deploy/janus/`,
which the containers use.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

DEPLOYED: Final = Path(__file__).parents[1] / "deploy" / "janus"
HERE: Final = IPv4Address("127.0.0.1")
SECRET_HERE: Final = "@SECRET@"  # noqa: S105  (where another program puts the secret)
PLUGIN: Final = "videoroom"
OTHER_PLUGINS: Final = (
    *("audiobridge", "duktape", "echotest", "lua", "nosip", "recordplay", "sip", "streaming", "textroom"),
    *("videocall", "voicemail"),
)
OTHER_TRANSPORTS: Final = ("http", "mqtt", "nanomsg", "pfunix", "rabbitmq")
"""By WebSocket we hear at once that it has gone."""


@dataclass(frozen=True, slots=True)
class JanusServer:
    """One of them."""

    secret: str = SECRET_HERE
    """Shared with us: who has it may make rooms, and nobody else may ask for anything."""
    listen: IPv4Address | IPv6Address | None = HERE
    """Where it takes our requests; None: on all addresses, which a firewall has to close."""
    port: int = 8188
    public: IPv4Address | IPv6Address | None = None
    """As browsers reach it, where that is not an address of its own (a router that hands on)."""
    ports: tuple[int, int] = (20_000, 29_999)
    """UDP, for the media; the first and the last."""
    certificate: Path | None = None
    key: Path | None = None
    """For requests by TLS (`wss://`)."""


CONTAINED: Final = JanusServer(listen=None, ports=(41_000, 41_199))
"""In a network of containers, where nobody else reaches it."""


def configuration(server: JanusServer) -> Mapping[str, str]:
    """The files of its folder, by their names."""
    return {
        "janus.jcfg": "\n".join(_core(server)) + "\n",
        f"janus.plugin.{PLUGIN}.jcfg": "\n".join(_plugin(server)) + "\n",
        "janus.transport.websockets.jcfg": "\n".join(_transport(server)) + "\n",
    }


def _core(server: JanusServer) -> Iterator[str]:
    yield "# Janus for the media of calls. Written by `teleconsult janus-config`: change that, not this."
    yield "general: {"
    yield "  debug_level = 3\n  hide_dependencies = true"
    yield f"  api_secret = {_quoted(server.secret)}"
    yield "  session_timeout = 60\n  reclaim_session_timeout = 0"
    yield '  protected_folders = [ "/" ]'
    yield "}"
    yield f'media: {{ rtp_port_range = "{server.ports[0]}-{server.ports[1]}" }}'
    yield "# It answers where a browser's checks come from, and sends nothing to where an offer points."
    yield "nat: {\n  ignore_mdns = true"
    if server.public is None:
        yield "  ice_lite = true"
    else:
        yield f'  nat_1_1_mapping = "{server.public}"\n  keep_private_host = true'
    yield "}"
    yield f'plugins: {{ disable = "{_libraries(OTHER_PLUGINS)}" }}'
    yield f'transports: {{ disable = "{_libraries(OTHER_TRANSPORTS)}" }}'
    yield f'loggers: {{ disable = "{_libraries(["jsonlog"])}" }}'
    yield "events: { broadcast = false }"


def _plugin(server: JanusServer) -> Iterator[str]:
    yield "# No rooms but those that we make, each for one consult, and end."
    yield f"general: {{ admin_key = {_quoted(server.secret)}, lock_rtp_forward = true, events = false }}"


def _transport(server: JanusServer) -> Iterator[str]:
    by_tls = server.certificate is not None and server.key is not None
    kind, other = ("wss", "ws") if by_tls else ("ws", "wss")
    yield f'general: {{\n  json = "compact"\n  {other} = false\n  {kind} = true\n  {kind}_port = {server.port}'
    if server.listen is not None:
        yield f'  {kind}_ip = "{server.listen}"'
    yield "}"
    yield "admin: { admin_ws = false, admin_wss = false }"
    if by_tls:
        yield f'certificates: {{ cert_pem = "{server.certificate}", cert_key = "{server.key}" }}'


def _libraries(names: "tuple[str, ...] | list[str]") -> str:
    return ",".join(f"libjanus_{name}.so" for name in names)


def _quoted(text: str) -> str:
    """A string as libconfig reads it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    DEPLOYED.mkdir(exist_ok=True)
    for name, text in configuration(CONTAINED).items():
        (DEPLOYED / name).write_text(text, encoding="utf-8")
