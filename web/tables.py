"""A page's numbers as a table to take away (CSV, RFC 4180)."""

from collections.abc import Sequence

from aiohttp import web

from teleconsult.audit.exporting import table
from teleconsult.clock import now


def as_download(name: str, *, header: list[str], lines: Sequence[list[str]]) -> web.Response:
    """The header and its lines, UTF-8 with a byte order mark, as a file of this name and today's date."""
    return web.Response(
        body="\ufeff".encode() + table([header, *lines]),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}-{now():%Y-%m-%d}.csv"',
            "Cache-Control": "no-store",
        },
    )
