"""Images on 1 Mbit/s with 300 ms there and back: first the picture, then the tools, then every pixel.

The bounds are wide, so that a busy machine keeps them; `python -m tests.bench.thin_link` tells the times.
"""

import hashlib
from typing import Any, Final

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from tests import consult_steps
from tests.browser.conftest import OpenAs, eventually
from tests.browser.site import Site
from tests.browser.viewing_steps import packs_of, seconds_until, seen_over_thin_line
from tests.people import Cast
from tests.teleconsult.imaging.bodies import ct_slices
from tests.teleconsult.imaging.files import HEAD, REAL
from tests.teleconsult.imaging.steps import door

pytestmark = pytest.mark.browser

STUDY: Final = {"StudyInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.4.1"}
SLICES: Final = 12

KINDS: Final = ("MR_small.dcm", "JPGExtended.dcm", "examples_palette.dcm", "SC_rgb_small_odd.dcm")
"""Signed, of 12 bits, of a palette, and in colour with sides of odd length."""

SAMPLES: Final = """async ([decoder, path, study]) => {
  const query = `?id=${study}`;
  const plain = await fetch(`${path}/pixels${query}`);
  const coded = await fetch(`${path}/codestream${query}`);
  const { type, samples } = JSON.parse(plain.headers.get("Pixel-Description"));
  const kinds = { uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array };
  const worker = new Worker(decoder, { type: "module" });
  const codestream = new Uint8Array(await coded.arrayBuffer());
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ number: 1, codestream, halvings: 0 });
  });
  worker.terminate();
  if (answer.error) throw new Error(answer.error);
  const decoded = JSON.parse(coded.headers.get("Pixel-Description")).type;
  return {
    samples,
    plain: [...new kinds[type](await plain.arrayBuffer())].join(),
    decoded: [...new kinds[decoded](answer.samples)].join(),
  };
}"""
"""The values of a frame, as `/pixels` gives them and as the page's own worker decodes them from the codestream."""


async def bring(cast: Cast, sessions: Sessions, site: Site, *contents: bytes) -> None:
    """A consult the specialist may read, with these files."""
    consult = await consult_steps.submitted(cast, sessions)
    async with door(sessions, site.data) as opened:
        await opened.bring(cast.rural, consult.id, *contents)


async def test_the_picture_first_then_the_tools_then_every_pixel(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs
) -> None:
    await bring(cast, sessions, site, *ct_slices(SLICES, **STUDY))
    signed_in = await open_as("specialist")
    context = signed_in.context
    async with seen_over_thin_line(context, site, "/studies/1.2.3.4") as (page, _line):
        assert await seconds_until(page, "picture") < 8
        quality = page.locator("[data-viewer-target=quality]")
        await expect(quality).to_contain_text("Preview")
        names = await resource_names(page)
        assert not any("decoder" in name or "openjph" in name for name in names), "no heavy script before"
        await seconds_until(page, "whole", within=30)
        await expect(quality).to_be_hidden()
        names = await resource_names(page)
        assert any("/codestream" in name for name in names)
        assert not any("/pixels" in name for name in names)
        assert sum(pack["slices"] for pack in await packs_of(page)) >= SLICES - 1
        assert all(pack["bytes"] <= pack["slices"] * 10 * 1024 for pack in await packs_of(page))


async def test_a_cut_line_leaves_what_is_here(site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs) -> None:
    await bring(cast, sessions, site, *ct_slices(SLICES, **STUDY))
    signed_in = await open_as("specialist")
    async with seen_over_thin_line(signed_in.context, site, "/studies/1.2.3.4") as (page, line):
        await seconds_until(page, "viewer")

        async def all_pictures_are_here() -> bool:
            return bool(sum(pack["slices"] for pack in await packs_of(page)) >= SLICES - 1)

        await eventually(all_pictures_are_here, within=30)
        line.whole.clear()
        await page.locator(".viewer-stage").focus()
        await page.keyboard.press("End")
        await expect(page.get_by_text(f"{SLICES} of {SLICES}")).to_be_visible()
        await expect(page.locator("[data-viewer-target=quality]")).to_contain_text("Preview")
        line.whole.set()
        await expect(page.get_by_test_id("viewer-image")).to_have_attribute("data-shown", "full", timeout=60_000)


async def test_the_decoded_samples_are_those_of_the_file(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs
) -> None:
    contents = [HEAD.read_bytes(), *((REAL / name).read_bytes() for name in KINDS)]
    await bring(cast, sessions, site, *contents)
    async with transaction(sessions) as session:
        studies, series = ImagingStudy.study_instance_uid, ImagingInstance.imaging_series_id == ImagingSeries.id
        found = await session.execute(
            select(studies, ImagingStudy.id, ImagingInstance.sop_instance_uid)
            .join(ImagingSeries, ImagingSeries.imaging_study_id == ImagingStudy.id)
            .join(ImagingInstance, series)
        )
        frames = [(f"/studies/{uid}", str(study), f"/instances/{sop}/frames/1") for uid, study, sop in found]
    assert len(frames) == len(contents)
    page = await open_as("specialist")
    await page.goto(f"{frames[0][0]}?id={frames[0][1]}")
    await expect(page.get_by_test_id("viewer-image")).to_have_attribute("data-shown", "full")
    decoder = next(name for name in await resource_names(page) if "/decoder-" in name)
    colours = set()
    for path, study, frame in frames:
        values: dict[str, Any] = await page.evaluate(SAMPLES, [decoder, path + frame, study])
        assert digest(values["decoded"]) == digest(values["plain"]), frame
        colours.add(values["samples"])
    assert colours == {1, 3}, "grey and colour"


async def resource_names(page: Page) -> list[str]:
    """What the page has fetched."""
    names: list[str] = await page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    return names


def digest(values: str) -> str:
    """Short, for the message of a test that fails."""
    return hashlib.sha256(values.encode()).hexdigest()
