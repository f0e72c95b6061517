"""Delivery begins where signing ends."""

from tests.teleconsult.notes.conftest import press, signing

__all__ = ["press", "signing"]
