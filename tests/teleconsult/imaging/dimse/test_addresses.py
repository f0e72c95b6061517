"""How the place of another system is written."""

import pytest

from teleconsult.imaging.dimse.addresses import check_host, host_and_port


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("pacs.hospital.example:104", "pacs.hospital.example:104"),
        ("PACS-1:00104", "PACS-1:104"),
        ("10.1.2.3:104", "10.1.2.3:104"),
        ("[2001:db8::1]:11112", "[2001:db8::1]:11112"),
        ("[::ffff:10.1.2.3]:104", "[::ffff:10.1.2.3]:104"),
    ],
)
def test_a_name_or_an_address_and_a_port(typed: str, kept: str) -> None:
    assert host_and_port(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "pacs",
        ":104",
        "pacs:0",
        "pacs:65536",
        "pacs:１０４",
        "<script>:x:1",
        "a/b?c#d:x:99",
        "https://[::1",
        "https://pacs:104",
        "2001:db8::1:104",
        "[2001:db8::1:104",
        "[pacs]:104",
        "[10.1.2.3]:104",
        "[fe80::1%eth0]:104",
        "[1:2:3]:104",
        "10.1.2.300:104",
        "10.1.2:104",
    ],
)
def test_what_is_no_place(typed: str) -> None:
    with pytest.raises(ValueError):  # whatever is wrong, one sentence is said of it
        host_and_port(typed)


@pytest.mark.parametrize("host", ["", "-pacs", "a b", "::g", "x:y", "fe80::1%eth0", "x" * 64])
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(ValueError):  # whatever is wrong, one sentence is said of it
        check_host(host)
