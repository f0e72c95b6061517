"""Files that pydicom publishes to try programs with: how many are kept and drawn, here and by Orthanc."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.bench.images.measuring import Row
from tests.bench.images.orthanc import orthanc
from tests.bench.images.stand import Stand
from tests.bench.images.stowing import DICOM_JSON, RELATED, body
from tests.peers.published import FEWEST_DRAWN, FEWEST_KEPT, FILES, NAMES, fates
from tests.teleconsult.imaging.steps import door

_PICTURE = {"Accept": "image/jpeg"}


async def published(stand: Stand) -> list[Row]:
    """Each by itself: what one has of another's UID does not count against it."""
    names = list(FILES)[:: stand.sizes.every]
    folder = stand.folder / "published"
    folder.mkdir()
    async with door(stand.running.sessions, folder) as opened:
        told = await fates(opened, stand.running.sessions, stand.running.cast.rural, names)
    kept = [name for name in names if not told[name].not_kept and told[name].is_same]
    drawn = [name for name in kept if not told[name].not_drawn]
    sets = {name: meant for name, meant in NAMES.items() if _page_name(name) in told}
    right = [name for name, meant in sets.items() if told[_page_name(name)].name == meant]
    theirs, breaks = await _theirs(stand, [FILES[name] for name in names])
    their_kept, their_drawn = (str(sum(of)) for of in zip(*theirs, strict=True))
    what = f"published files, of {len(names)}:"
    is_whole = len(names) == len(FILES)
    return [
        _counted(f"{what} kept", len(kept), their_kept, FEWEST_KEPT, is_whole=is_whole),
        _counted(f"{what} drawn", len(drawn), their_drawn, FEWEST_DRAWN, is_whole=is_whole),
        Row(f"{what} connections broken off", "0", str(breaks), goal="0", holds=True),
        _counted(f"character sets told rightly, of {len(sets)}", len(right), "–", len(NAMES), is_whole=is_whole),
    ]


def _page_name(character_set: str) -> str:
    return f"charset_files/{character_set}.dcm"


def _counted(what: str, ours: int, theirs: str, fewest: int, *, is_whole: bool) -> Row:
    """The goal is set for all the files alone."""
    return Row(
        what, str(ours), theirs, goal=f"≥ {fewest}" if is_whole else "–", holds=ours >= fewest if is_whole else None
    )


async def _theirs(stand: Stand, paths: Sequence[Path]) -> tuple[list[tuple[bool, bool]], int]:
    """Of each file, whether it is kept and drawn; and how often Orthanc broke off; then it is started anew."""
    told: list[tuple[bool, bool]] = []
    breaks = 0
    limits = httpx.Limits(max_keepalive_connections=0)
    while len(told) < len(paths):
        with orthanc(stand.folder / f"orthanc-published-{breaks}") as peer:
            server = f"http://127.0.0.1:{peer.http_port}"
            async with httpx.AsyncClient(base_url=server, timeout=60, limits=limits, verify=False) as client:
                try:
                    for path in paths[len(told) :]:
                        told.append(await _orthanc(client, await asyncio.to_thread(path.read_bytes)))
                except httpx.TransportError:
                    told.append((False, False))
                    breaks += 1
    return told, breaks


async def _orthanc(client: httpx.AsyncClient, content: bytes) -> tuple[bool, bool]:
    """Whether it keeps the file, and whether it draws it; then it is made to forget it."""
    headers = {"Content-Type": RELATED, "Accept": DICOM_JSON}
    answer = await client.post("/dicom-web/studies", content=body([content]), headers=headers)
    stored = answer.json().get("00081199", {}).get("Value", []) if answer.status_code == 200 else []
    if not stored:
        return False, False
    place = urlsplit(stored[0]["00081190"]["Value"][0]).path
    picture = await client.get(f"{place}/rendered", headers=_PICTURE)
    for found in (await client.post("/tools/lookup", content=stored[0]["00081155"]["Value"][0])).json():
        await client.delete(found["Path"])
    return True, picture.status_code == 200
