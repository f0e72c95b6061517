"""Certificates: issued once, sealed at rest, the authority kept over restarts."""

from pathlib import Path

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions
from teleconsult.notes.authority import ROOT_KEY, open_authority, trust_folder
from teleconsult.notes.models import SigningKey
from teleconsult.notes.verifying import trusted_roots
from teleconsult.sealing import SealBroken, Sealer
from teleconsult.settings import Settings
from tests import note_steps
from tests.people import Cast

SEALER = Sealer("a secret for tests, long enough to be one")


def test_the_authority_is_made_once(tmp_path: Path) -> None:
    first = open_authority(tmp_path, SEALER, at=now())
    assert open_authority(tmp_path, SEALER, at=now()).certificate == first.certificate
    assert len(trusted_roots(trust_folder(tmp_path))) == 1
    key = tmp_path / "authority" / ROOT_KEY
    assert key.stat().st_mode & 0o777 == 0o600


def test_its_key_opens_with_its_own_secret_only(tmp_path: Path) -> None:
    open_authority(tmp_path, SEALER, at=now())
    with pytest.raises(SealBroken):
        open_authority(tmp_path, Sealer("another secret, just as long as the first"), at=now())


async def test_a_signer_is_enrolled_once(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    for _ in range(2):
        await note_steps.enrol(sessions, settings, cast.specialist)
    async with sessions() as session:
        keys = list(await session.scalars(select(SigningKey)))
        events = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "signer-enrolled")))
    assert len(keys) == len(events) == 1
    assert b"PRIVATE" not in keys[0].private_key_sealed
    assert keys[0].certificate.count("BEGIN CERTIFICATE") == 2
