"""What leaves the house: after a while, together, by the person's channels; never what was read, never clinical."""

from datetime import timedelta

import pytest
from pytest_aiohttp.plugin import AiohttpServer
from sqlalchemy import select, text, update

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.messages.channels import reach
from teleconsult.messages.choices import MOST_REFUSALS, Wishes, choose, own_choice
from teleconsult.messages.models import Channel, Notice, NoticeChoice, PushDevice
from teleconsult.messages.occasions import PAGE, Topic
from teleconsult.messages.sending import owe_left_over
from teleconsult.settings import Settings
from tests import consult_steps
from tests.fake_gateways import Browser, Gateway, gateway
from tests.mailbox import body, mails, work
from tests.news_steps import send
from tests.people import Cast

PHONE = "+14185550123"


@pytest.fixture
async def outside(aiohttp_server: AiohttpServer) -> Gateway:
    return await gateway(aiohttp_server)


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions) -> ServiceRequest:
    """Accepted, and nothing said of it yet."""
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(text("delete from procrastinate_jobs"))
    return consult


async def happens(cast: Cast, sessions: Sessions, consult: ServiceRequest, *names: str) -> None:
    async with transaction(sessions, cast.rural) as session:
        for name in names:
            await tell_consult(session, name, await consult_for(session, cast.rural, consult.id))


async def wish(
    sessions: Sessions, actor: Actor, *channels: Channel, phone: str = "", topics: frozenset[Topic] | None = None
) -> None:
    every = frozenset(Topic) - {Topic.URGENT}
    wishes = Wishes(frozenset(channels), every if topics is None else topics, frozenset({60}), phone)
    async with transaction(sessions, actor) as session:
        await choose(session, actor, wishes=wishes)
    async with transaction(sessions) as session:  # as if the code had been typed (`test_numbers`)
        await session.execute(update(NoticeChoice).where(NoticeChoice.phone != "").values(phone_confirmed_at=now()))
        await session.execute(text("delete from procrastinate_jobs where task_name = 'text_code'"))


async def test_several_at_once_make_one_mail(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest
) -> None:
    await happens(cast, sessions, consult, "ConsultImagesAdded", "ConsultExcerptAdded", "ConsultConsentConfirmed")
    assert await mails(settings, sessions) == [], "the person may look first"
    await send(settings, sessions)
    [mail] = await mails(settings, sessions)
    assert mail["To"] == cast.emails["specialist"]
    assert mail["Subject"] == "2 pieces of news of your consults"
    assert f"Consult no. {consult.number}: images were added" in body(mail)
    assert f"/consults/{consult.id}" in body(mail)
    assert "consent" not in body(mail), "on screen alone"
    await send(settings, sessions)
    assert len(await mails(settings, sessions)) == 1


async def test_nothing_clinical_leaves(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest
) -> None:
    await happens(cast, sessions, consult, "ConsultNoteSigned", "ConsultCancelled")
    await send(settings, sessions)
    for mail in await mails(settings, sessions):
        for secret in (cast.patient.family, cast.patient.given, consult_steps.QUESTION[:20], "neuro"):
            assert secret.lower() not in str(mail).lower()


@pytest.mark.parametrize("locale", ["en", "vi"])
async def test_in_the_persons_language(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest, locale: str
) -> None:
    async with transaction(sessions) as session:
        await session.execute(update(Account).values(locale=locale))
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await send(settings, sessions)
    [mail] = await mails(settings, sessions)
    said = {"en": "Consult no. %d: images were added", "vi": "Yêu cầu hội chẩn số %d: đã thêm hình ảnh"}
    assert mail["Subject"] == said[locale] % consult.number


async def test_what_was_looked_at_is_not_sent(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest
) -> None:
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await mails(settings, sessions)
    async with transaction(sessions) as session:
        await session.execute(update(Notice).values(read_at=now()))
    await send(settings, sessions)
    assert await mails(settings, sessions) == []


async def test_what_may_not_be_seen_any_more_is_not_sent(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest
) -> None:
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await mails(settings, sessions)
    async with transaction(sessions) as session:
        await session.execute(text("update task set status = 'rejected'"))
    await send(settings, sessions)
    assert await mails(settings, sessions) == []


async def test_only_what_is_wished(cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest) -> None:
    await wish(sessions, cast.specialist, Channel.EMAIL, topics=frozenset({Topic.TIMES}))
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await send(settings, sessions)
    assert await mails(settings, sessions) == []


async def test_what_goes_to_calendars_is_mailed_to_the_desk_alone(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest
) -> None:
    """`scheduling.calendar_mails` tells the two whose session it is; by other channels they hear as ever."""
    async with transaction(sessions) as session:
        await tell_consult(session, "ConsultBooked", await consult_for(session, cast.rural, consult.id))
    await wish(sessions, cast.specialist, Channel.EMAIL, Channel.SMS, phone=PHONE)
    await send(settings, sessions)
    assert [mail["To"] for mail in await mails(settings, sessions)] == [cast.emails["coordinator"]]
    assert len(list((settings.data / "sms").glob("*.txt"))) == 1


async def test_by_sms_until_the_number_is_dead(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest, outside: Gateway
) -> None:
    settings = settings.model_copy(update={"sms_url": outside.url + "/send?to={to}&text={text}"})
    await wish(sessions, cast.rural, Channel.SMS, phone="+1 418 656-2131")
    await wish(sessions, cast.specialist, Channel.SMS, phone="+1 418 555-0123")
    outside.status = 400
    for _time in range(MOST_REFUSALS + 2):
        async with transaction(sessions) as session:
            await session.execute(text("delete from notice"))
            others = update(NoticeChoice).where(NoticeChoice.account_id == cast.rural.account_id)
            await session.execute(others.values(phone_taken_at=now()))  # to others the gateway delivers
        await happens(cast, sessions, consult, "ConsultImagesAdded")
        await send(settings, sessions)
    assert len(outside.arrived) == MOST_REFUSALS
    async with transaction(sessions) as session:
        assert cast.specialist.role_id
        await reach(session, cast.specialist.role_id, PAGE, consult_id=consult.id)
    await work(settings, sessions)
    await work(settings, sessions)
    assert len(outside.arrived) == MOST_REFUSALS + 1, "what is urgent is tried all the same"
    said = outside.arrived[0].query
    assert said["to"] == PHONE
    assert said["text"].startswith(f"Consult no. {consult.number}: images were added\n")
    await wish(sessions, cast.specialist, Channel.SMS, phone=PHONE)
    async with transaction(sessions, cast.specialist) as session:
        assert (await own_choice(session, cast.specialist)).phone_failures == 0, "saved anew, it is tried again"


async def test_by_push_to_each_device_until_it_is_gone(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest, outside: Gateway
) -> None:
    settings = settings.model_copy(update={"push_hosts": "127.0.0.1"})
    await wish(sessions, cast.specialist, Channel.PUSH)
    browser = Browser()
    async with transaction(sessions) as session:
        for path in ("phone", "desk"):
            session.add(device(cast.specialist, f"{outside.url}/{path}", browser))
        session.add(device(cast.oncall, f"{outside.url}/other", browser))
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await send(settings, sessions)
    assert {arrived.path for arrived in outside.arrived} == {"/phone", "/desk"}
    said = browser.read(outside.arrived[0].body)
    assert said["body"] == f"Consult no. {consult.number}: images were added"
    outside.status = 410
    async with transaction(sessions) as session:
        await session.execute(text("delete from notice"))
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await send(settings, sessions)
    async with transaction(sessions) as session:
        left = (await session.scalars(select(PushDevice.account_id))).all()
    assert left == [cast.oncall.account_id]


async def test_a_browser_taken_over_by_somebody_else_speaks_to_them_alone(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest, outside: Gateway
) -> None:
    settings = settings.model_copy(update={"push_hosts": "127.0.0.1"})
    await wish(sessions, cast.specialist, Channel.PUSH)
    browser = Browser()
    async with transaction(sessions) as session:
        session.add(device(cast.specialist, f"{outside.url}/shared", browser))
        await session.flush()
        session.add(device(cast.oncall, f"{outside.url}/shared", browser))
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await send(settings, sessions)
    assert outside.arrived == []


async def test_a_channel_that_fails_is_tried_again_alone(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest, outside: Gateway
) -> None:
    settings = settings.model_copy(update={"sms_url": outside.url + "/send?to={to}&text={text}"})
    await wish(sessions, cast.specialist, Channel.EMAIL, Channel.SMS, phone=PHONE)
    outside.status = 503
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await send(settings, sessions)
    assert len(outside.arrived) == 1
    outside.status = 200
    await send(settings, sessions)
    assert len(outside.arrived) == 2
    assert len(await mails(settings, sessions)) == 1


async def test_what_is_urgent_goes_at_once_by_every_way_and_alone(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest
) -> None:
    await wish(sessions, cast.specialist, Channel.EMAIL, phone=PHONE, topics=frozenset())
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    async with transaction(sessions) as session:
        assert cast.specialist.role_id
        assert await reach(session, cast.specialist.role_id, PAGE, consult_id=consult.id)
    await work(settings, sessions)
    await work(settings, sessions)
    [sms] = (settings.data / "sms").glob("*.txt")
    assert f"Consult no. {consult.number}: an emergency calls you" in sms.read_text()
    [mail] = await mails(settings, sessions)
    assert "images" not in body(mail)


async def test_no_storm(cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest) -> None:
    """What follows on a sending waits its ten minutes."""
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await send(settings, sessions)
    await happens(cast, sessions, consult, "ConsultExcerptAdded")
    await mails(settings, sessions)
    async with transaction(sessions) as session:
        due = await session.scalar(text("select scheduled_at from procrastinate_jobs where status = 'todo'"))
    assert due - now() > timedelta(minutes=9)


async def test_what_is_urgent_goes_though_a_worker_takes_what_waits_before_it_is_kept(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest
) -> None:
    assert cast.specialist.role_id
    await wish(sessions, cast.specialist, Channel.SMS, phone=PHONE)
    async with transaction(sessions) as session:
        await reach(session, cast.specialist.role_id, PAGE, consult_id=consult.id)
    async with transaction(sessions) as session:
        await reach(session, cast.specialist.role_id, PAGE, consult_id=consult.id)
        await work(settings, sessions)
    await work(settings, sessions)
    assert len(list((settings.data / "sms").glob("*.txt"))) == 2


async def test_what_has_no_job_is_found_within_a_minute(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest
) -> None:
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await work(settings, sessions)
    async with transaction(sessions) as session:
        await session.execute(text("delete from procrastinate_jobs"))
        await owe_left_over(session)
        await session.execute(update(Notice).values(happened_at=now() - timedelta(minutes=2)))
    assert await mails(settings, sessions) == [], "the person may still look first"
    for _time in range(2):
        async with transaction(sessions) as session:
            await owe_left_over(session)
    assert len(await mails(settings, sessions)) == 1


async def test_what_is_on_screen_alone_keeps_nothing_back(
    cast: Cast, sessions: Sessions, settings: Settings, consult: ServiceRequest
) -> None:
    await happens(cast, sessions, consult, "ConsultConsentConfirmed")
    await work(settings, sessions)
    await happens(cast, sessions, consult, "ConsultImagesAdded")
    await work(settings, sessions)
    async with transaction(sessions) as session:
        due = await session.scalar(text("select scheduled_at from procrastinate_jobs where status = 'todo'"))
    assert due - now() < timedelta(minutes=2)


def device(actor: Actor, endpoint: str, browser: Browser) -> PushDevice:
    return PushDevice(
        account_id=actor.account_id, endpoint=endpoint, p256dh=browser.public, auth=browser.auth, created_at=now()
    )
