"""coturn under the configuration we write: what it relays, by which ways, for whom, and where to never."""

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from aioice.stun import TransactionFailed
from aioice.turn import TurnTransport, create_turn_endpoint
from playwright.async_api import async_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.peers import coturn
from tests.teleconsult.hl7v2.test_listener import issue, make_authority

RELAYED = """async ({ urls, username, credential }) => {
  const iceServers = [{ urls, username, credential }];
  const [one, other] = [0, 1].map(() => new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" }));
  const gathered = (connection) => new Promise((resolve) => {
    connection.onicecandidate = ({ candidate }) => candidate || resolve(connection.localDescription);
  });
  const channel = one.createDataChannel("words");
  const heard = new Promise((resolve, reject) => {
    other.ondatachannel = (event) => { event.channel.onmessage = ({ data }) => resolve(data); };
    setTimeout(() => reject(new Error("no way through")), 15000);
  });
  channel.onopen = () => channel.send("hello");
  const [offered, answered] = [gathered(one), gathered(other)];
  await one.setLocalDescription();
  await other.setRemoteDescription(await offered);
  await other.setLocalDescription();
  await one.setRemoteDescription(await answered);
  const words = await heard;
  const stats = [...(await one.getStats()).values()];
  const chosen = stats.find((row) => row.type === "transport").selectedCandidatePairId;
  const pair = stats.find((row) => row.id === chosen);
  const local = stats.find((row) => row.id === pair.localCandidateId);
  one.close(); other.close();
  return [words, local.candidateType, local.relayProtocol];
}"""


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[coturn.Coturn]:
    """The relay, with TLS."""
    address = coturn.own_address()
    if not coturn.is_installed() or address is None:
        pytest.skip("Debian's coturn is not installed, or this machine has no address but loopback")
    folder = tmp_path_factory.mktemp("coturn")
    authority, key = make_authority(folder)
    issue(folder, "turn", authority, key, address=address)
    yield from coturn.start(folder, certificate=folder / "turn.pem", key=folder / "turn.key", address=address)


async def allocated(relay: coturn.Coturn, way: str = "udp", **given: Any) -> TurnTransport:
    """A relayed address. Raises TransactionFailed where the relay refuses."""
    username, password = coturn.credentials(**given)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    transport, _nobody = await create_turn_endpoint(
        coturn.Nothing,
        server_addr=(relay.address, relay.tls_port if way == "tls" else relay.port),
        username=username,
        password=password,
        transport="udp" if way == "udp" else "tcp",
        ssl=context if way == "tls" else None,
    )
    return transport


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_it_relays_by_every_way(relay: coturn.Coturn, way: str) -> None:
    transport = await allocated(relay, way)
    assert transport.get_extra_info("sockname")[0] == relay.address
    transport.close()


@pytest.mark.parametrize("given", [{"ends_in": -5}, {"secret": "another"}], ids=["expired", "wrong secret"])
async def test_who_has_no_good_credentials_is_refused(relay: coturn.Coturn, given: dict[str, Any]) -> None:
    with pytest.raises(TransactionFailed) as refusal:
        await allocated(relay, **given)
    assert refusal.value.response.attributes["ERROR-CODE"][0] == 401


@pytest.mark.parametrize("inner", ["10.1.2.3", "127.0.0.1", "169.254.169.254", "192.168.0.1", "192.0.2.77"])
async def test_it_never_relays_to_inner_networks(relay: coturn.Coturn, inner: str) -> None:
    transport = await allocated(relay, who=inner)
    client = transport._TurnTransport__inner_protocol  # type: ignore[attr-defined]  # aioice has no public way to ask
    with pytest.raises(TransactionFailed) as refusal:
        await client.channel_bind(0x4000, (inner, 8080))
    assert refusal.value.response.attributes["ERROR-CODE"][0] == 403
    transport.close()


async def test_nobody_has_more_than_their_share(relay: coturn.Coturn) -> None:
    mine = [await allocated(relay, who="greedy") for _ in range(12)]
    with pytest.raises(TransactionFailed) as refusal:
        await allocated(relay, who="greedy")
    assert refusal.value.response.attributes["ERROR-CODE"][0] == 486
    for transport in (*mine, await allocated(relay, who="modest")):
        transport.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2])
def test_no_tls_older_than_1_2(relay: coturn.Coturn, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection((relay.address, relay.tls_port), timeout=1) as line:
        if version is ssl.TLSVersion.TLSv1_2:
            assert context.wrap_socket(line).version() == "TLSv1.2"
        else:
            with pytest.raises(OSError):  # it hangs up, or says nothing any more
                context.wrap_socket(line)


@pytest.mark.browser
@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_two_browsers_reach_each_other_by_the_relay_alone(relay: coturn.Coturn, way: str) -> None:
    username, credential = coturn.credentials(who=f"browser-{way}")
    given = {"urls": relay.urls[way], "username": username, "credential": credential}
    async with async_playwright() as playwright:
        flags = [*FLAGS, "--ignore-certificate-errors"]  # ours is of an authority nobody knows
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = await browser.new_page()
        assert await page.evaluate(RELAYED, given) == ["hello", "relay", way]
        await browser.close()
