"""Images on their way out: lists of studies, the headers of a series, one frame, pictures."""

import asyncio
import time
from collections import Counter
from typing import Final

import httpx

from tests.bench.images import pictures
from tests.bench.images.measuring import Row, Side, seconds, shorter, smaller
from tests.bench.images.stand import Stand
from tests.bench.images.stowing import DICOM_JSON, slices_of, store_everywhere

OCTETS: Final = 'multipart/related; type="application/octet-stream"'
JPEG: Final = "image/jpeg"
CLIENTS: Final = 8


def address(study: int, *, series: int | None = None, instance: int | None = None) -> str:
    """Below the DICOMweb root, of what the moulds were cast as."""
    deeper = f"/series/{pictures.uid('Series', series)}" if series is not None else ""
    deepest = f"/instances/{pictures.uid('SOP', instance)}" if instance is not None else ""
    return f"/studies/{pictures.uid('Study', study)}{deeper}{deepest}"


async def qido(stand: Stand) -> list[Row]:
    """25 studies of all that are there, and all of them."""
    mould, amount = pictures.small_slice(stand.patient), stand.sizes.studies
    numbers = [stand.number() for _study in range(amount)]
    await store_everywhere(stand, [mould.cast(study=one, series=one, instance=one * 1000) for one in numbers])
    return [
        shorter(f"QIDO-RS, {25} of {amount} studies", await _asked(stand, "/studies?limit=25", at_least=25), 0.2),
        shorter(f"QIDO-RS, all {amount}", await _asked(stand, f"/studies?limit={amount}", at_least=amount), 0.05),
    ]


async def _asked(stand: Stand, path: str, *, at_least: int) -> list[float]:
    async def act(side: Side, _run: int) -> float:
        async with side.client(Accept=DICOM_JSON) as client:
            found = (await client.get(path)).json()
            assert len(found) >= at_least, (side.name, len(found))
            return await seconds(client.get(path))

    return await stand.in_turn(act, runs=stand.sizes.runs * 2)


async def metadata(stand: Stand) -> list[Row]:
    """Headers of a series: how long, and how many bytes over the wire where gzip is taken."""
    number, amount = stand.number(), stand.sizes.slices
    await store_everywhere(stand, list(slices_of(stand, number)))
    path = f"{address(number, series=number)}/metadata"
    sizes: dict[str, int] = {}
    plain: dict[str, int] = {}

    async def act(side: Side, _run: int) -> float:
        async with side.client(**{"Accept": DICOM_JSON, "Accept-Encoding": "gzip"}) as client:
            answer = await client.get(path)
            assert len(answer.json()) == amount, side.name
            sizes[side.name], plain[side.name] = answer.num_bytes_downloaded, len(answer.content)
            return await seconds(client.get(path))

    took = await stand.in_turn(act)
    what = f"metadata of a series of {amount}"
    return [
        shorter(what, took, 0.1),
        smaller(f"{what}, bytes as sent with gzip", sizes["ours"], sizes["Orthanc"], plain["Orthanc"], 0.02),
    ]


async def cine(stand: Stand) -> list[Row]:
    """One frame out of the middle of a long one that is not compressed."""
    number, frames = stand.number(), stand.sizes.cine_frames
    content = pictures.cine(stand.patient, frames).cast(study=number, series=number, instance=number)
    await store_everywhere(stand, [content])
    path = f"{address(number, series=number, instance=number)}/frames/{frames // 2}"

    async def act(side: Side, _run: int) -> float:
        async with side.client(Accept=OCTETS) as client:
            answer = await client.get(path)
            assert answer.status_code == 200, (side.name, answer.text)
            assert len(answer.content) >= 640 * 480 * 3, side.name
            return await seconds(client.get(path))

    took = await stand.in_turn(act)
    return [shorter(f"one frame of {frames}, {len(content) / 1e6:.0f} MB", took, 0.02)]


async def rendered(stand: Stand) -> list[Row]:
    """A slice as a picture, asked for again; a radiograph in JPEG 2000 for the first time, by one and by eight."""
    number, runs = stand.number(), stand.sizes.runs
    await store_everywhere(stand, list(slices_of(stand, number))[:1])
    warm = f"{address(number, series=number, instance=number * 1000)}/rendered"
    mould = pictures.radiograph(stand.patient)
    numbers = [stand.number() for _one in range((runs + 1) * (1 + CLIENTS))]
    await store_everywhere(stand, [mould.cast(study=one, series=one, instance=one) for one in numbers])
    firsts = [f"{address(one, series=one, instance=one)}/rendered" for one in numbers]

    async def again(side: Side, _run: int) -> float:
        async with side.client(Accept=JPEG) as client:
            await _picture(client, warm)
            return await seconds(_picture(client, warm))

    async def first(side: Side, run: int) -> float:
        async with side.client(Accept=JPEG) as client:
            return await seconds(_picture(client, firsts[run]))

    answered = Counter[str]()

    async def at_once(side: Side, run: int) -> float:
        begin = runs + 1 + run * CLIENTS
        async with side.client(Accept=JPEG) as client:
            asked = (_picture(client, path) for path in firsts[begin : begin + CLIENTS])
            began = time.perf_counter()
            answers = await asyncio.gather(*asked, return_exceptions=True)
            took = time.perf_counter() - began
        answered[side.name] += sum(not isinstance(one, BaseException) for one in answers)
        return took

    all_of_them = (runs + 1) * CLIENTS
    eight = await stand.in_turn(at_once)
    told = (f"{took:.2f} s, {answered[name]} of {all_of_them}" for name, took in zip(answered, eight, strict=True))
    return [
        shorter("a CT slice rendered, again", await stand.in_turn(again, runs=runs * 2), 0.6),
        shorter("a radiograph in JPEG 2000 rendered, first", await stand.in_turn(first), 0.15),
        Row(f"{CLIENTS} such at once", *told, goal="all answered", holds=answered["ours"] == all_of_them),
    ]


async def _picture(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:200])
    assert answer.content.startswith(b"\xff\xd8"), path
