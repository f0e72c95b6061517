"""A push at the wire: sealed as RFC 8291's own example, in our name (RFC 8292), to push services and nowhere else."""

import re
import traceback

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_aiohttp.plugin import AiohttpServer

from teleconsult.clock import now
from teleconsult.messages import push
from teleconsult.messages.message import Message, Undelivered, Unreachable
from teleconsult.messages.models import PushDevice
from teleconsult.settings import Settings
from tests.fake_gateways import Browser, Gateway, from_base64, gateway, to_base64

MESSAGE = Message(
    "Consult no. 1042: a time was proposed",
    "…",
    "https://here.test/consults/1",
    "0b7f0f2e-aaaa-bbbb-cccc-1234567890ab",
    90,
)
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQ"
    "pu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


@pytest.fixture
async def service(aiohttp_server: AiohttpServer) -> Gateway:
    return await gateway(aiohttp_server)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"push_hosts": "127.0.0.1"})


def device(service: Gateway, browser: Browser) -> PushDevice:
    return PushDevice(endpoint=f"{service.url}/abc", p256dh=browser.public, auth=browser.auth, created_at=now())


def test_it_is_sealed_as_the_standards_example() -> None:
    """RFC 8291, §5 and appendix A."""
    private = int.from_bytes(from_base64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    sealed = push.encrypt(
        b"When I grow up, I want to be a watermelon",
        public=from_base64("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        auth=from_base64("BTBZMqHH6r4Tts7J_aSIgg"),
        private=ec.derive_private_key(private, push.CURVE),
        salt=from_base64("DGv6ra1nlYgDCS1FRnbzlw"),
        padded=0,
    )
    assert to_base64(sealed) == BODY


async def test_a_browser_reads_it_and_its_service_knows_us(settings: Settings, service: Gateway) -> None:
    browser = Browser()
    await push.send(settings, MESSAGE, to=device(service, browser))
    [arrived] = service.arrived
    assert browser.read(arrived.body) == {
        "title": "Téléconsult",
        "body": MESSAGE.subject,
        "url": MESSAGE.link,
        "tag": MESSAGE.tag,
    }
    headers = arrived.headers
    assert (headers["ttl"], headers["urgency"], headers["content-encoding"]) == ("90", "normal", "aes128gcm")
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", headers["topic"]), "RFC 8030 §5.4"
    token, key = re.fullmatch(r"vapid t=(\S+), k=(\S+)", headers["authorization"]).groups()  # type: ignore[union-attr]
    assert key == push.public_key(settings)
    public = ec.EllipticCurvePublicKey.from_encoded_point(push.CURVE, from_base64(key))
    claims = jwt.decode(token, public, algorithms=["ES256"], audience=service.url)
    assert claims["sub"] == f"mailto:{settings.mail_from}"
    assert claims["exp"] - now().timestamp() < 24 * 3600, "RFC 8292 §2"


async def test_its_length_tells_nothing(settings: Settings, service: Gateway) -> None:
    for subject in ("Short", MESSAGE.subject):
        await push.send(settings, Message(subject, "", "", "t", 60), to=device(service, Browser()))
    assert len({len(arrived.body) for arrived in service.arrived}) == 1


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_subscription_that_is_over_is_over(settings: Settings, service: Gateway, status: int) -> None:
    service.status = status
    with pytest.raises(Unreachable):
        await push.send(settings, MESSAGE, to=device(service, Browser()))


@pytest.mark.parametrize("status", [302, 429, 500])
async def test_what_may_work_later_is_an_error(settings: Settings, service: Gateway, status: int) -> None:
    service.status = status
    with pytest.raises(Undelivered) as raised:
        await push.send(settings, MESSAGE, to=device(service, Browser()))
    assert service.url not in "".join(traceback.format_exception(raised.value)), "who knows it can push there"
    assert len(service.arrived) == 1, "no redirect is followed"


@pytest.mark.parametrize(
    "endpoint",
    [
        *("http://127.0.0.2/a", "http://fcm.googleapis.com/a", "https://fcm.googleapis.com.evil.test/a"),
        *("https://evilfcm.googleapis.com.test/", "https://10.0.0.1/", "file:///etc/passwd", "https://[::1", ""),
        *("https://notfcm.googleapis.comx/a", "https://a@169.254.169.254/fcm.googleapis.com"),
        *(
            "https://fcm.googleapis.com:99999/x",
            "https://fcm.googleapis.com:x/x",
            "https://10.0.0.1\t.push.apple.com/x",
        ),
    ],
)
async def test_nothing_else_is_spoken_to(settings: Settings, endpoint: str) -> None:
    real = settings.model_copy(update={"push_hosts": Settings.model_fields["push_hosts"].default})
    assert not push.is_push_service(real, endpoint)
    browser = Browser()
    with pytest.raises(Unreachable):
        await push.send(real, MESSAGE, to=PushDevice(endpoint=endpoint, p256dh=browser.public, auth=browser.auth))


def test_the_makers_services_are(settings: Settings) -> None:
    real = settings.model_copy(update={"push_hosts": Settings.model_fields["push_hosts"].default})
    for host in (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "a.notify.windows.com",
    ):
        assert push.is_push_service(real, f"https://{host}/x/y")
