"""`teleconsult turn-config`, as an administrator types it."""

from pathlib import Path

import pytest

from web.__main__ import main

SECRET = "TELECONSULT_TURN_SECRET"


def test_it_prints_a_configuration_with_the_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TELECONSULT_DATA", str(tmp_path))
    monkeypatch.setenv(SECRET, "shared")
    assert main(["turn-config", "--address", "10.0.0.5", "--media", "10.9.0.0/24"]) == 0
    text = capsys.readouterr().out
    assert "static-auth-secret=shared\n" in text
    assert "listening-ip=10.0.0.5\n" in text
    assert "allowed-peer-ip=10.9.0.0-10.9.0.255\n" in text


def test_a_file_is_its_owners_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TELECONSULT_DATA", str(tmp_path))
    monkeypatch.setenv(SECRET, "shared")
    path = tmp_path / "turnserver.conf"
    path.write_text("older")
    path.chmod(0o644)
    assert main(["turn-config", "--out", str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert "use-auth-secret" in path.read_text()


@pytest.mark.parametrize(
    ("secret", "arguments"),
    [
        (None, []),
        ("shared", ["--certificate", "/etc/turn.crt"]),
        ("shared", ["--public", "8.8.8.8", "--address", "10.0.0.5", "--address", "10.0.0.6"]),
        ("shared", ["--out", "/nowhere/at/all"]),
    ],
)
def test_what_would_not_be_safe_or_not_run_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    secret: str | None,
    arguments: list[str],
) -> None:
    monkeypatch.setenv("TELECONSULT_DATA", str(tmp_path))
    monkeypatch.delenv(SECRET, raising=False)
    if secret:
        monkeypatch.setenv(SECRET, secret)
    assert main(["turn-config", *arguments]) == 2
    assert capsys.readouterr().err.strip().endswith(".")


@pytest.mark.parametrize("wrong", [["--address", "turn.example"], ["--media", "10.0.0.1/8"]])
def test_what_is_no_address_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["turn-config", *wrong])
    assert "invalid" in capsys.readouterr().err
