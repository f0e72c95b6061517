"""The relay's configuration: which networks it never reaches, and the file that the containers use."""

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from signaling.turn import DENIED, DEPLOYED, TurnServer, configuration

INNER = (
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:10.1.2.3", "::127.0.0.1", "64:ff9b::a01:203", "2002:a01:203::1", "2001:0:a01:203::1"),
    *("fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1"),
)


@pytest.mark.parametrize("address", INNER)
def test_inner_networks_are_denied_however_they_are_written(address: str) -> None:
    assert any(ip_address(address) in network for network in DENIED)


@pytest.mark.parametrize("address", ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1"])
def test_the_rest_of_the_world_is_not(address: str) -> None:
    assert not any(ip_address(address) in network for network in DENIED)


def test_the_containers_file_is_what_we_write() -> None:
    assert DEPLOYED.read_text() == configuration(TurnServer()), "run python -m signaling.turn"


def test_what_makes_it_safe_is_there() -> None:
    lines = configuration(TurnServer(secret="shared")).splitlines()
    wanted = {"use-auth-secret", "static-auth-secret=shared", "fingerprint", "no-cli", "no-tcp-relay", "no-tls"}
    wanted |= {"no-multicast-peers", "user-quota=12", "total-quota=1200", "stale-nonce=600", "realm=teleconsult"}
    assert wanted <= set(lines)
    assert not [line for line in lines if line.startswith("allowed-peer-ip")]


def test_tls_comes_with_a_certificate_and_nothing_older_than_1_2() -> None:
    text = configuration(TurnServer(certificate=Path("/etc/turn.crt"), key=Path("/etc/turn.key")))
    for line in ("tls-listening-port=443", "cert=/etc/turn.crt", "pkey=/etc/turn.key", "no-tlsv1", "no-tlsv1_1"):
        assert f"\n{line}\n" in text
    assert "\nno-tls\n" not in text


def test_what_is_excepted_is_named_and_nothing_else() -> None:
    server = TurnServer(addresses=(ip_address("10.0.0.5"), ip_address("8.8.4.4")), media=(ip_network("10.9.0.0/30"),))
    allowed = [line for line in configuration(server).splitlines() if line.startswith("allowed-peer-ip")]
    assert allowed == ["allowed-peer-ip=10.0.0.5", "allowed-peer-ip=10.9.0.0-10.9.0.3"]


def test_behind_a_router_it_says_both_addresses() -> None:
    text = configuration(TurnServer(addresses=(ip_address("10.0.0.5"),), public=ip_address("8.8.4.4")))
    assert "\nexternal-ip=8.8.4.4/10.0.0.5\n" in text
