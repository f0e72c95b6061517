"""Evidence from a hospital's own authority (certomancer): all of it, part of it, none of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from teleconsult.documents.pdf import render_note
from teleconsult.errors import Refused
from teleconsult.notes.bundling import soft_key
from teleconsult.notes.evidence_faults import EvidenceFault, Fault
from teleconsult.notes.evidence_models import Level
from teleconsult.notes.keys import refuse_bad_certificate
from teleconsult.notes.revocation import certificates_in
from teleconsult.notes.signature import KeySigner, sign_pdf
from teleconsult.notes.upgrading import Upgraded, upgrade
from teleconsult.notes.verifying import verify_pdf
from teleconsult.settings import Settings, load_settings
from tests import note_steps, stamped_notes
from tests.hospital_authority import Hospital, hospital


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with hospital(tmp_path_factory.mktemp("hospital")) as house:
        yield house


def signed(house: Hospital, chain: str) -> bytes:
    printed = render_note(note_steps.content(), is_signed=True)
    return sign_pdf(printed, KeySigner(chain, soft_key(house.private_key)))


def better(house: Hospital, pdf: bytes, *clocks: str) -> Upgraded:
    return upgrade(
        pdf,
        clocks=clocks or (house.clock,),
        roots=certificates_in(house.root.decode()),
        known=certificates_in(house.minh)[1:],
    )


def test_all_of_it_is_in_the_file(house: Hospital) -> None:
    first = signed(house, house.minh)
    complete = better(house, first)
    assert (complete.level, complete.fault) == (Level.B_LTA, None)
    assert complete.pdf.startswith(first)
    renewed = better(house, complete.pdf)
    assert renewed.level is Level.B_LTA
    assert renewed.pdf.startswith(complete.pdf)
    verdict = verify_pdf(renewed.pdf, certificates_in(house.root.decode()))  # from the file and the root alone
    assert (verdict.is_good, verdict.level, verdict.clock) == (True, "b-lta", "Clock of the hospital")


def test_the_next_clock_is_asked_where_one_does_not_answer(house: Hospital) -> None:
    found = better(house, signed(house, house.minh), "http://127.0.0.1:9/", house.clock + "/none", house.clock)
    assert found.level is Level.B_LTA


def test_nobody_there_and_something_else_there(house: Hospital) -> None:
    for clock in ("http://127.0.0.1:9/", house.clock.replace("tsa/clock", "crls/root/latest.crl"), "ftp://a/"):
        with pytest.raises(EvidenceFault) as caught:
            better(house, signed(house, house.minh), clock)
        assert caught.value.fault is Fault.NO_TIME_STAMP


def test_a_time_is_kept_while_authorities_do_not_answer(house: Hospital) -> None:
    """The signer's authority of the other tests answers nowhere; the clock does."""
    roots = [*certificates_in(house.root.decode()), *stamped_notes.roots()]
    part = upgrade(stamped_notes.bb(), clocks=(house.clock,), roots=roots, known=[])
    assert (part.level, part.fault) == (Level.B_T, Fault.NO_ANSWER)
    with pytest.raises(EvidenceFault) as caught:
        upgrade(part.pdf, clocks=(house.clock,), roots=roots, known=[])
    assert caught.value.fault is Fault.NO_ANSWER


def test_a_clock_outside_the_trust_folder_is_no_evidence(house: Hospital) -> None:
    with pytest.raises(EvidenceFault) as caught:
        upgrade(stamped_notes.bb(), clocks=(house.clock,), roots=stamped_notes.roots(), known=[])
    assert caught.value.fault is Fault.NOT_GOOD


def test_a_signer_revoked_before_gets_none(house: Hospital) -> None:
    with pytest.raises(EvidenceFault) as caught:
        better(house, signed(house, house.gone))
    assert caught.value.fault is Fault.REVOKED
    assert caught.value.fault.most_attempts == 1


@pytest.fixture
def settings_there(house: Hospital, tmp_path: Path) -> Settings:
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "root.pem").write_bytes(house.root)
    return load_settings(data=tmp_path)


async def test_who_was_revoked_signs_no_more(house: Hospital, settings_there: Settings) -> None:
    await refuse_bad_certificate(settings_there, house.minh)
    for _ in range(2):  # the second time from what was kept
        with pytest.raises(Refused, match="revoked"):
            await refuse_bad_certificate(settings_there, house.gone)


async def test_the_last_answer_counts_while_nobody_can_be_asked(house: Hospital, settings_there: Settings) -> None:
    with pytest.raises(Refused):
        await refuse_bad_certificate(settings_there, house.gone)
    folder = settings_there.data / "revocation"
    for path in folder.glob("*.judged"):
        path.unlink()
        path.with_suffix(".silent").touch()  # its authority did not answer a moment ago
    with pytest.raises(Refused, match="revoked"):
        await refuse_bad_certificate(settings_there, house.gone)
    await refuse_bad_certificate(settings_there, stamped_notes.signer().chain)  # nobody ever answered: it signs
