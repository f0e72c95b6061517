"""A safe configuration for coturn: it relays media between people, never into anybody's inner networks.

The one source: `teleconsult turn-config` writes it for one's own machine, and `python -m signaling.turn` writes
`deploy/turnserver.conf`, which the containers use.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEPLOYED: Final = Path(__file__).parents[1] / "deploy" / "turnserver.conf"
DENIED: Final[tuple[Network, ...]] = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "::/80",  # this host, and IPv4 written as IPv6: the usual list of IPv4 networks lets these through
        *("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),  # IPv4 within IPv6, by gateways and tunnels
        *("100::/64", "2001:db8::/32", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
"""Where nothing is ever relayed to: what is private, local, shared, reserved, or for many at once (RFC 6890)."""


@dataclass(frozen=True, slots=True)
class TurnServer:
    """One relay."""

    realm: str = "teleconsult"
    secret: str | None = None
    """Shared with us; None where it reaches coturn by another way."""
    addresses: Sequence[Address] = ()
    """Its own, to listen and relay on; all of the machine's where none is given."""
    public: Address | None = None
    """As the world sees its one address, where that is behind a translating router."""
    certificate: Path | None = None
    key: Path | None = None
    port: int = 3478
    tls_port: int = 443
    """On 443, TLS passes wherever web pages do; nothing else can listen there on these addresses."""
    ports: tuple[int, int] = (49160, 49400)
    """Those of the relayed media, the first and the last."""
    media: Sequence[Network] = ()
    """Networks that are relayed to although they are private: those of our own server's media, and no other."""


def configuration(server: TurnServer) -> str:
    """The text of a `turnserver.conf`."""
    return "\n".join(_lines(server)) + "\n"


def _lines(server: TurnServer) -> Iterator[str]:
    yield "# coturn for calls that find no direct way. Written by `teleconsult turn-config`: change that, not this."
    yield f"realm={server.realm}"
    yield "\n# Credentials that end by themselves, made by the server from a secret they share."
    yield "use-auth-secret"
    if server.secret is not None:
        yield f"static-auth-secret={server.secret}"
    yield "fingerprint"
    yield "stale-nonce=600"
    yield "\n# Where it listens."
    for address in server.addresses:
        yield f"listening-ip={address}"
        yield f"relay-ip={address}"
    if server.public is not None:
        own = f"/{server.addresses[0]}" if server.addresses else ""
        yield f"external-ip={server.public}{own}"
    yield f"listening-port={server.port}"
    yield f"min-port={server.ports[0]}\nmax-port={server.ports[1]}"
    yield "no-dtls"
    if server.certificate and server.key:
        yield f"tls-listening-port={server.tls_port}"
        yield f"cert={server.certificate}\npkey={server.key}"
        yield "no-tlsv1\nno-tlsv1_1"
        yield "cipher-list=ECDHE+AESGCM:ECDHE+CHACHA20"
    else:
        yield "no-tls"
    yield "\n# How much: allocations of one person and of all, bytes a second of one, seconds."
    yield "user-quota=12\ntotal-quota=1200\nmax-bps=400000\nmax-allocate-lifetime=3600"
    yield "\n# Media and nothing else: no console, no TCP to others, nothing to many at once, nothing that amplifies."
    yield "no-cli\nno-tcp-relay\nno-multicast-peers\nno-rfc5780\nno-stun-backward-compatibility"
    yield "response-origin-only-with-rfc5780\nno-software-attribute"
    yield "log-file=stdout\nsimple-log"
    yield "\n# Never into anybody's inner networks, in IPv4 or in IPv6."
    for network in DENIED:
        yield f"denied-peer-ip={_range(network)}"
    exceptions = list(_exceptions(server))
    if exceptions:
        yield "\n# But to itself, where both sides need a relay, and to the network of the server's own media."
        for network in exceptions:
            yield f"allowed-peer-ip={_range(network)}"


def _exceptions(server: TurnServer) -> Iterator[Network]:
    for address in server.addresses:
        if any(address in network for network in DENIED):
            yield ip_network(address)
    yield from server.media


def _range(network: Network) -> str:
    return str(network[0]) if network.num_addresses == 1 else f"{network[0]}-{network[-1]}"


if __name__ == "__main__":
    DEPLOYED.write_text(configuration(TurnServer()), encoding="utf-8")
