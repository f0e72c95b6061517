"""What signing needs, as the tests of notes have it."""

from tests.teleconsult.notes.conftest import press, signing

__all__ = ["press", "signing"]
