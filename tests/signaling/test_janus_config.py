"""Janus' configuration: what makes it safe, and the files that the containers use."""

from ipaddress import ip_address
from pathlib import Path

from signaling.janus_config import CONTAINED, DEPLOYED, JanusServer, configuration


def test_the_containers_files_are_what_we_write() -> None:
    for name, text in configuration(CONTAINED).items():
        assert (DEPLOYED / name).read_text() == text, "run python -m signaling.janus_config"


def test_what_makes_it_safe_is_there() -> None:
    files = configuration(JanusServer(secret='a "quoted" \\ secret'))
    core, plugin = files["janus.jcfg"], files["janus.plugin.videoroom.jcfg"]
    quoted = '"a \\"quoted\\" \\\\ secret"'
    assert f"api_secret = {quoted}\n" in core
    assert f"admin_key = {quoted}, lock_rtp_forward = true" in plugin
    assert "room-" not in plugin, "no room that we did not make"
    for word in (
        "ice_lite = true",
        "ignore_mdns = true",
        "libjanus_http.so",
        "libjanus_sip.so",
        "libjanus_recordplay.so",
    ):
        assert word in core
    assert "admin_ws = false" in files["janus.transport.websockets.jcfg"]


def test_it_listens_where_it_is_told() -> None:
    plain = configuration(JanusServer(port=9000))["janus.transport.websockets.jcfg"]
    assert 'ws_ip = "127.0.0.1"' in plain
    assert "ws_port = 9000" in plain
    by_tls = JanusServer(listen=ip_address("10.0.0.7"), certificate=Path("/etc/j.crt"), key=Path("/etc/j.key"))
    text = configuration(by_tls)["janus.transport.websockets.jcfg"]
    assert "wss = true" in text
    assert "\n  ws = false" in text
    assert 'cert_pem = "/etc/j.crt", cert_key = "/etc/j.key"' in text


def test_behind_a_router_it_says_both_addresses() -> None:
    core = configuration(JanusServer(public=ip_address("8.8.4.4"), ports=(40_000, 40_999)))["janus.jcfg"]
    assert 'nat_1_1_mapping = "8.8.4.4"' in core
    assert "ice_lite" not in core
    assert 'rtp_port_range = "40000-40999"' in core
