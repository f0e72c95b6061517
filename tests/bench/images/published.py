"""Files that pydicom publishes to try programs with: how many are kept and drawn, here and by Orthanc."""

import asyncio
from urllib.parse import urlsplit

import httpx

from tests.bench.images.measuring import Row
from tests.bench.images.orthanc import orthanc
from tests.bench.images.stand import Stand
from tests.bench.images.stowing import DICOM_JSON, RELATED, body
from tests.peers.published import FEWEST_DRAWN, FEWEST_KEPT, FILES, NAMES, everything

_PICTURE = {"Accept": "image/jpeg"}


async def published(stand: Stand) -> list[Row]:
    """Each by itself: what one has of another's UID does not count against it."""
    told = await everything()
    kept = [name for name, fate in told.items() if not fate.not_kept and fate.is_same]
    drawn = sum(not told[name].not_drawn for name in kept)
    right = sum(told[f"charset_files/{name}.dcm"].name == meant for name, meant in NAMES.items())
    theirs, breaks = await _theirs(stand)
    their_kept, their_drawn = (sum(of) for of in zip(*theirs, strict=True))
    what, of = "published files", len(FILES)
    return [
        Row(
            f"{what} kept, of {of}", str(len(kept)), str(their_kept), "–", f"≥ {FEWEST_KEPT}", len(kept) >= FEWEST_KEPT
        ),
        Row(f"{what} drawn, of {of}", str(drawn), str(their_drawn), "–", f"≥ {FEWEST_DRAWN}", drawn >= FEWEST_DRAWN),
        Row(f"{what}: connections broken off", "0", str(breaks), goal="0", holds=True),
        Row(f"character sets told rightly, of {len(NAMES)}", str(right), goal="all", holds=right == len(NAMES)),
    ]


async def _theirs(stand: Stand) -> tuple[list[tuple[bool, bool]], int]:
    """Of each file, whether it is kept and drawn; and how often Orthanc broke off; then it is started anew."""
    told: list[tuple[bool, bool]] = []
    paths, breaks = list(FILES.values()), 0
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
