"""How a phone or a computer comes to trust this server, where its certificate is from an authority of its own."""

import plistlib
import uuid
from typing import Final

from aiohttp import web

from teleconsult.errors import NotFound
from teleconsult.local_authority import LocalAuthority, read_authority
from web.i18n import LOCALES, current_locale, using_locale
from web.rendering import render
from web.requests import settings_of

DEVICES: Final = ("android", "apple", "windows", "mac", "linux")
"""Kinds the page has steps for; `apple` are iPhone and iPad."""
A_LINE: Final = 24
"""Characters of the fingerprint: eight pairs, as they are read out."""


async def show(request: web.Request) -> web.StreamResponse:
    """The page; its language by its address, since no form is taken where nothing is secret yet."""
    authority = _authority(request)
    chosen = request.query.get("language", "")
    with using_locale(chosen if chosen in LOCALES else current_locale()):
        return render(
            request,
            "trust/show.html.jinja",
            authority=authority,
            lines=_lines(authority.fingerprint),
            device=_device_of(request.headers.get("User-Agent", "")),
            languages=LOCALES,
            address=settings_of(request).base_url,
        )


async def certificate(request: web.Request) -> web.StreamResponse:
    """What is to be trusted (X.509, DER)."""
    return _file(_authority(request).der, "application/x-x509-ca-cert", "teleconsult.crt")


async def profile(request: web.Request) -> web.StreamResponse:
    """The same as Apple's devices take it (configuration profile, `com.apple.security.root`)."""
    authority = _authority(request)
    of_this = uuid.uuid5(uuid.NAMESPACE_URL, f"teleconsult:{authority.fingerprint}")
    payload = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"teleconsult.authority.{of_this}",
        "PayloadUUID": str(uuid.uuid5(of_this, "certificate")).upper(),
        "PayloadDisplayName": authority.name,
        "PayloadCertificateFileName": "teleconsult.crt",
        "PayloadContent": authority.der,
    }
    told = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"teleconsult.{of_this}",
        "PayloadUUID": str(of_this).upper(),
        "PayloadDisplayName": authority.name,
        "PayloadContent": [payload],
    }
    return _file(plistlib.dumps(told), "application/x-apple-aspen-config", "teleconsult.mobileconfig")


def _authority(request: web.Request) -> LocalAuthority:
    """Raises NotFound where devices need no help to trust."""
    found = read_authority(settings_of(request).data)
    if found is None:
        raise NotFound
    return found


def _file(content: bytes, kind: str, name: str) -> web.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return web.Response(body=content, content_type=kind, headers=headers)


def _lines(fingerprint: str) -> list[str]:
    return [fingerprint[at : at + A_LINE].strip(":") for at in range(0, len(fingerprint), A_LINE)]


def _device_of(agent: str) -> str:
    """Whose steps are shown open; a guess that costs nothing."""
    words = ("Android", "android"), ("iPhone", "apple"), ("iPad", "apple"), ("Windows", "windows"), ("Mac", "mac")
    return next((device for word, device in words if word in agent), "linux")
