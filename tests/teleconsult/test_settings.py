"""A setting that cannot be used stops the start with one sentence that names it."""

from pathlib import Path

import pytest

from teleconsult.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("DATABASE_URL", "mysql://somewhere"),
        ("SECRET_KEY", "short"),
        ("METRICS_ADDRESSES", "127.0.0.1, everybody"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("SESSION_HOURS", "0"),
    ],
)
def test_a_wrong_value_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv("TELECONSULT_DATA", str(tmp_path))
    monkeypatch.setenv(f"TELECONSULT_{name}", value)
    with pytest.raises(SettingsError, match=f"TELECONSULT_{name}"):
        load_settings()
