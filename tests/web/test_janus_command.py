"""`teleconsult janus-config`, as an administrator types it, and what the doctor says of Janus."""

import socket
from pathlib import Path

import pytest

from teleconsult.settings import Settings
from web.__main__ import main
from web.janus_commands import look_at_janus

SECRET = "TELECONSULT_JANUS_SECRET"


def test_its_files_are_their_owners_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TELECONSULT_DATA", str(tmp_path))
    monkeypatch.setenv(SECRET, "shared")
    core = tmp_path / "janus.jcfg"
    core.write_text("older")
    core.chmod(0o644)
    assert main(["janus-config", str(tmp_path), "--listen", "10.0.0.7", "--ports", "40000-40999"]) == 0
    assert core.stat().st_mode & 0o777 == 0o600
    assert 'api_secret = "shared"' in core.read_text()
    assert 'rtp_port_range = "40000-40999"' in core.read_text()
    assert 'ws_ip = "10.0.0.7"' in (tmp_path / "janus.transport.websockets.jcfg").read_text()


@pytest.mark.parametrize(
    ("secret", "arguments"),
    [
        (None, ["."]),
        ("shared", [".", "--certificate", "/etc/janus.crt"]),
        ("shared", [".", "--ports", "9-1"]),
        ("shared", ["/nowhere/at/all"]),
    ],
)
def test_what_would_not_be_safe_or_not_run_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    secret: str | None,
    arguments: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELECONSULT_DATA", str(tmp_path))
    if secret:
        monkeypatch.setenv(SECRET, secret)
    assert main(["janus-config", *arguments]) == 2
    assert capsys.readouterr().err.strip().endswith(".")
    assert not list(tmp_path.glob("*.jcfg"))


async def test_the_doctor_says_nothing_of_what_is_not_set_and_why_it_is_not_there(settings: Settings) -> None:
    assert await look_at_janus(settings) is None
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    absent = settings.model_copy(update={"janus_url": f"ws://127.0.0.1:{port}"})
    is_well, word = await look_at_janus(absent) or (True, "")
    assert not is_well
    assert "not reached" in word
