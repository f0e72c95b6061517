"""Numbers as pictures that scanners read: in two dimensions for cameras, in bars for the hand scanners of a counter."""

from base64 import b64encode
from typing import Final

from barcode import Code128
from barcode.errors import IllegalCharacterError
from segno import make_qr

QUIET: Final = 10
"""Modules left white on either side of the bars (ISO/IEC 15417)."""
MODULE_MM: Final = 0.3
"""As wide as cheap printers print and cheap scanners read well."""
WIDEST: Final = 260
"""Modules on a label of 85 mm; what is longer no hand scanner reads from it."""
HEIGHT_MM: Final = 12


def qr(text: str) -> str:
    """`text` as a QR code (ISO/IEC 18004): an SVG in a data URI."""
    return make_qr(text, error="m").svg_data_uri(scale=6, border=2, light="#fff")


def code_128(text: str) -> str | None:
    """`text` as bars (Code 128): an SVG in a data URI; None for what has other letters than ASCII or is too long."""
    try:
        [modules] = Code128(text).build()
    except IllegalCharacterError:
        return None
    width = len(modules) + 2 * QUIET
    if width > WIDEST:
        return None
    bars = "".join(f"M{at + QUIET} 0h1v1h-1z" for at, module in enumerate(modules) if module == "1")
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * MODULE_MM:.1f}mm" height="{HEIGHT_MM}mm" '
        f'viewBox="0 0 {width} 1" preserveAspectRatio="none" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{width}v1H0z"/><path d="{bars}"/></svg>'
    )
    return f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}"
