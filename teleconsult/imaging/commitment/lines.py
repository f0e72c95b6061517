"""Where reports go: to the address an administrator gave for a system, in the clear or by TLS."""

import asyncio
from typing import Final

from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.negotiating import COMMITMENT
from teleconsult.imaging.pacs.calling import Line, associated
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.lines import line_to
from teleconsult.imaging.pacs.proposing import to_try_reports
from teleconsult.imaging.pacs.tls import trusting
from teleconsult.settings import Settings

PATIENCE: Final = 20.0
"""Seconds that somebody waits for an answer."""


async def line_of_reports(peer: DicomPeer, settings: Settings) -> Line:
    """To where it takes them. Raises PacsFault."""
    return await line_to(
        peer.report_address,
        calling=settings.dimse_ae_title,
        called=peer.ae_title,
        tls=trusting(peer.report_authority, settings) if peer.reports_by_tls else None,
        networks=settings.pacs_networks,
    )


async def try_reports(peer: DicomPeer, settings: Settings) -> None:
    """Ask whether it answers there, and takes reports. Raises PacsFault."""
    try:
        async with asyncio.timeout(PATIENCE):
            line = await line_of_reports(peer, settings)
            async with associated(line, to_try_reports()) as caller:
                await caller.echo()
                if not caller.offers(COMMITMENT):
                    raise PacsFault(Fault.NO_REPORTS)
    except TimeoutError as error:
        raise PacsFault(Fault.SILENT) from error
