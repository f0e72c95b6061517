"""Where an archive may stand."""

import pytest

from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.places import address_of


@pytest.mark.parametrize("host", ["10.1.2.3", "192.168.1.9", "172.16.0.1", "203.0.113.9", "fd00::1"])
async def test_a_hospitals_own_network_and_others(host: str) -> None:
    assert await address_of(host, 104, networks="") == host


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"],
)
async def test_never_this_machine_nor_where_clouds_keep_secrets(host: str) -> None:
    with pytest.raises(PacsFault) as raised:
        await address_of(host, 104, networks="")
    assert raised.value.fault is Fault.FORBIDDEN_PLACE


async def test_only_the_networks_of_the_settings_where_they_name_some() -> None:
    assert await address_of("127.0.0.1", 104, networks="127.0.0.0/8, 10.1.0.0/16") == "127.0.0.1"
    for host in ("10.2.2.3", "203.0.113.9"):
        with pytest.raises(PacsFault):
            await address_of(host, 104, networks="127.0.0.0/8, 10.1.0.0/16")


@pytest.mark.parametrize("host", ["no such name.example", "x" * 300, "a..b", "\udc80"])
async def test_a_name_that_leads_nowhere(host: str) -> None:
    with pytest.raises(PacsFault) as raised:
        await address_of(host, 104, networks="")
    assert raised.value.fault in (Fault.UNREACHABLE, Fault.SILENT)
