"""Conclusions are signed notes."""

from tests.teleconsult.notes.conftest import press, signing

__all__ = ["press", "signing"]
