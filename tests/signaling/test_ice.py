"""Relay credentials: of the form coturn's `use-auth-secret` takes, ending by themselves, and no one else's server."""

import base64
import hashlib
import hmac
import uuid
from datetime import UTC, datetime

from signaling.ice import ice_servers
from teleconsult.settings import Settings

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_without_a_server_the_list_is_empty() -> None:
    assert ice_servers(Settings(), participant=uuid.uuid4(), at=AT) == ()


def test_credentials_end_after_ten_minutes_and_carry_the_participant() -> None:
    pid = uuid.uuid4()
    urls = "turn:turn.example:3478, turns:turn.example:443"
    stun, turn = ice_servers(Settings(turn_url=urls, turn_secret="shared"), participant=pid, at=AT)
    assert stun.urls == ("stun:turn.example:3478",)
    assert stun.credential is None
    assert turn.urls == (
        "turn:turn.example:3478?transport=udp",
        "turn:turn.example:3478?transport=tcp",
        "turns:turn.example:443?transport=tcp",
    )
    assert turn.username == f"{int(AT.timestamp()) + 600}:{pid}"
    digest = hmac.new(b"shared", turn.username.encode(), hashlib.sha1).digest()
    assert turn.credential == base64.b64encode(digest).decode()


def test_one_that_names_its_transport_is_offered_as_it_is() -> None:
    settings = Settings(turn_url="turn:turn.example:3478?transport=udp", turn_secret="shared")
    _stun, turn = ice_servers(settings, participant=uuid.uuid4(), at=AT)
    assert turn.urls == (settings.turn_url,)


def test_tls_alone_is_no_stun_address() -> None:
    (turn,) = ice_servers(
        Settings(turn_url="turns:turn.example:443", turn_secret="shared"), participant=uuid.uuid4(), at=AT
    )
    assert turn.username
