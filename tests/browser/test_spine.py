"""The main job, from request to acknowledged note, by three people in real browsers on a real DICOM file."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from pydicom.data import get_testdata_file
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.records.actions import file_entry
from teleconsult.settings import Settings
from tests import note_steps
from tests.browser.conftest import OpenAs, eventually
from tests.browser.site import Site
from tests.people import PASSWORD, Cast
from tests.teleconsult.audit.log import verdict_of

pytestmark = pytest.mark.browser
OPINION = "Pas d’hémorragie visible. Transfert pour thrombectomie, « sans délai »."
STEPS = [
    "signed-in", "file-opened", "consult-drafted", "images-stored", "consent-recorded", "excerpt-frozen",
    "consult-submitted",
    "time-proposed", "consult-accepted", "consult-booked", "excerpt-read", "encounter-started", "study-opened",
    "note-signed", "note-delivered", "note-acknowledged",
]  # fmt: skip


async def test_one_consult_from_request_to_signed_note(
    site: Site, open_as: OpenAs, cast: Cast, sessions: Sessions, settings: Settings, tmp_path: Path
) -> None:
    await note_steps.enrol(sessions, settings, cast.specialist)
    await give_the_patient_a_file(sessions, cast)
    coordinator = await open_as("coordinator")
    await expect(coordinator.get_by_test_id("board")).to_be_visible()
    rural = await open_as("rural", width=390, height=844)

    consult_url = await request_a_consult(rural, cast)
    await the_board_shows_it_without_a_reload(coordinator)
    await propose_a_time(coordinator)

    specialist = await open_as("specialist")
    await accept(specialist)
    await coordinator.goto(consult_url)
    await coordinator.get_by_test_id("book").click()
    await expect(coordinator.get_by_test_id("flash")).to_be_visible()

    await see_and_hear_each_other(rural, specialist, consult_url)
    await look_at_the_study(specialist)
    await write_the_note(specialist)
    await the_note_survives_a_closed_tab(specialist, consult_url)
    await sign(specialist)

    await rural.goto(consult_url)
    await eventually(lambda: acknowledged_is_offered(rural))
    await rural.get_by_test_id("acknowledge").click()
    await expect(rural.get_by_test_id("flash")).to_be_visible()
    await the_note_stands_in_the_file(rural, cast)
    await the_signature_holds(rural, site, tmp_path)
    await every_act_is_audited(sessions, site)


async def give_the_patient_a_file(sessions: Sessions, cast: Cast) -> None:
    """One problem and one allergy, at the health centre."""
    async with transaction(sessions) as session:
        for resource_type, title in (("Condition", "Fibrillation auriculaire"), ("AllergyIntolerance", "Pénicilline")):
            await file_entry(
                session,
                cast.rural,
                patient_id=cast.patient.id,
                resource={
                    "resourceType": resource_type,
                    "code": {"text": title},
                    "clinicalStatus": {"coding": [{"code": "active"}]},
                },
                title=title,
                effective_at=cast.patient.created_at,
            )


async def request_a_consult(rural: Page, cast: Cast) -> str:
    """Steps 1 and 2, on a phone; returns the consult's address."""
    await rural.goto("/patients")
    await rural.get_by_test_id("patient-search").fill("belang")
    await rural.get_by_test_id("patient-search").press("Enter")
    await rural.get_by_test_id("patient-row").first.click()
    await expect(rural.get_by_test_id("timeline-item").first).to_be_visible()
    await rural.get_by_test_id("request-consult").first.click()
    await rural.wait_for_url("**/consults/*")
    url = rural.url
    await rural.get_by_test_id("service").select_option(str(cast.neurology.id))
    await rural.get_by_test_id("urgency").select_option("urgent")
    await rural.get_by_test_id("question").fill("Aphasie brutale à 20 h 10. Thrombolyse ?")
    await expect(rural.locator(".save-state")).to_contain_text("Saved")
    context = rural.context
    other = await context.new_page()
    await other.goto(url)
    await expect(other.get_by_test_id("question")).to_have_value("Aphasie brutale à 20 h 10. Thrombolyse ?")
    await other.close()
    item = rural.get_by_test_id("excerpt-item").first
    await item.check()
    await rural.get_by_test_id("consent").check()
    # No patience: submitted while the file is still on its way, which the form waits for.
    await rural.get_by_test_id("dicom-files").set_input_files(str(get_testdata_file("693_J2KI.dcm", download=False)))
    await rural.get_by_test_id("submit-request").click()
    await expect(rural.get_by_test_id("flash")).to_be_in_viewport()
    await expect(rural.get_by_test_id("identity-differs")).to_be_visible()
    return url


async def the_board_shows_it_without_a_reload(coordinator: Page) -> None:
    await expect(coordinator.get_by_test_id("board-card")).to_have_count(1)


async def propose_a_time(coordinator: Page) -> None:
    card = coordinator.get_by_test_id("board-card").first
    assert await card.get_by_test_id("time").input_value(), "a time is suggested"
    await card.get_by_test_id("propose-time").click()
    await expect(coordinator.get_by_test_id("flash")).to_be_visible()


async def accept(specialist: Page) -> None:
    row = specialist.get_by_test_id("worklist-row").first
    await expect(row).to_be_visible()
    await row.get_by_test_id("accept").click()
    await expect(specialist.get_by_test_id("flash")).to_be_visible()


async def see_and_hear_each_other(rural: Page, specialist: Page, consult_url: str) -> None:
    """Who is early waits; then both decode the other's pictures and sound."""
    await rural.goto(consult_url)
    await rural.get_by_test_id("join-room").first.click()
    await rural.wait_for_url("**/room")
    await specialist.goto(consult_url)
    await specialist.get_by_test_id("join-room").first.click()
    await specialist.wait_for_url("**/room")
    for page in (rural, specialist):
        await eventually(lambda page=page: plays(page))
    await specialist.get_by_test_id("chat-input").fill("Bonsoir <b>Hélène</b>")
    await specialist.get_by_test_id("chat-send").click()
    await expect(rural.get_by_test_id("chat-log")).to_contain_text("Bonsoir <b>Hélène</b>")


async def plays(page: Page) -> bool:
    """Whether the remote video decodes pictures and carries sound."""
    return bool(
        await page.get_by_test_id("remote-video").evaluate(
            """video => video.getVideoPlaybackQuality().totalVideoFrames > 5
                        && video.srcObject?.getAudioTracks().some(track => !track.muted)"""
        )
    )


async def look_at_the_study(specialist: Page) -> None:
    await specialist.get_by_test_id("open-study").first.click()
    image = specialist.get_by_test_id("viewer-image")
    await expect(image).to_have_attribute("data-ready", "true")


async def write_the_note(specialist: Page) -> None:
    await specialist.get_by_test_id("open-note").first.click()
    await specialist.get_by_test_id("note-editor").fill(OPINION)
    await expect(specialist.get_by_test_id("note-saved")).to_contain_text("Saved")


async def the_note_survives_a_closed_tab(specialist: Page, consult_url: str) -> None:
    await specialist.goto(consult_url)
    await specialist.get_by_test_id("open-note").first.click()
    await expect(specialist.get_by_test_id("note-editor")).to_have_value(OPINION)


async def sign(specialist: Page) -> None:
    await specialist.get_by_test_id("sign-note").click()
    await specialist.get_by_test_id("step-up").fill("not the password")
    await specialist.get_by_test_id("step-up-confirm").click()
    await expect(specialist.get_by_text("This is not your password.")).to_be_visible()
    await expect(specialist.get_by_test_id("note-signed")).to_have_count(0)
    await specialist.get_by_test_id("step-up").fill(PASSWORD)
    await specialist.get_by_test_id("step-up-confirm").click()
    await expect(specialist.get_by_test_id("note-signed")).to_be_visible()


async def acknowledged_is_offered(rural: Page) -> bool:
    if await rural.get_by_test_id("acknowledge").count():
        return True
    await rural.reload()
    return bool(await rural.get_by_test_id("acknowledge").count())


async def the_note_stands_in_the_file(rural: Page, cast: Cast) -> None:
    await rural.goto(f"/patients/{cast.patient.id}")
    note = rural.get_by_test_id("timeline-item").filter(has=rural.locator("a[href^='/notes/']:not([href$='/pdf'])"))
    await expect(note.first).to_be_visible()
    await note.first.locator("a[href^='/notes/']:not([href$='/pdf'])").first.click()
    await expect(rural.get_by_text("thrombectomie")).to_be_visible()


async def the_signature_holds(rural: Page, site: Site, tmp_path: Path) -> None:
    """`note verify` says good, and bad after any changed byte."""
    href = await rural.get_by_test_id("note-pdf").first.get_attribute("href")
    answer = await rural.request.get(f"{site.url}{href}")
    pdf = await answer.body()
    assert pdf.startswith(b"%PDF")
    good, bad = tmp_path / "note.pdf", tmp_path / "changed.pdf"
    good.write_bytes(pdf)
    bad.write_bytes(pdf[: len(pdf) // 2] + bytes([pdf[len(pdf) // 2] ^ 1]) + pdf[len(pdf) // 2 + 1 :])
    assert verify(good, site) == 0
    assert verify(bad, site) == 1


def verify(pdf: Path, site: Site) -> int:
    """The exit status of `teleconsult note verify`."""
    command = [sys.executable, "-m", "web", "note", "verify", str(pdf)]
    return subprocess.run(command, env=site.environment, check=False).returncode


async def every_act_is_audited(sessions: Sessions, site: Site) -> None:
    async with sessions() as session:
        actions = set(await session.scalars(select(AuditEvent.action).distinct()))
    assert (await verdict_of(sessions, Path(site.environment["TELECONSULT_DATA"]) / "audit")).is_good
    missing = [step for step in STEPS if step not in actions]
    assert not missing, f"{missing} not among {sorted(actions)}"
