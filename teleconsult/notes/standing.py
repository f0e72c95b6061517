"""Whether a signed note still stands, for who holds its file or its printed code: no word of whom it is about."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.notes.verdict import Verdict

_CODE: Final = re.compile(r"[a-z2-7]{20}")
_TOLD: Final = (
    *("signed_at", "signer_name", "establishment", "version_number", "replaced_at", "replaced_by", "appended_at"),
    "withdrawn_at",
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What this installation knows of a signed note. `replaced_by` is the OID of the newest version."""

    signed_at: datetime
    signer_name: str
    establishment: str
    version_number: int
    replaced_at: datetime | None
    replaced_by: str | None
    appended_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def stands(self) -> bool:
        """Whether it still counts."""
        return self.replaced_at is None and self.withdrawn_at is None


async def standing_of_code(session: AsyncSession, code: str) -> Standing | None:
    """What a printed code leads to; None for one that is no note's."""
    plain = code.strip().lower().replace("-", "").replace(" ", "")
    return await _standing(session, code=plain) if _CODE.fullmatch(plain) else None


async def standing_of_file(session: AsyncSession, verdict: Verdict) -> Standing | None:
    """What is known of a file that is what was signed; None for a note of elsewhere, and where nothing is certain."""
    if not verdict.is_good:
        return None
    pdf = bytes.fromhex(verdict.pdf_sha256) if verdict.pdf_sha256 else None
    return await _standing(session, oid=verdict.document_oid or None, pdf=pdf)


async def _standing(
    session: AsyncSession, *, code: str | None = None, oid: str | None = None, pdf: bytes | None = None
) -> Standing | None:
    told = func.note_standing(code, oid, pdf).table_valued(*_TOLD)
    row = (await session.execute(select(*(told.c[name] for name in _TOLD)))).first()
    return Standing(*row) if row else None
