"""What is agreed to when an association begins."""

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless
from pynetdicom import build_context

from teleconsult.imaging.dimse.negotiating import KEPT, STORED, VERIFICATION, Context, agree, read_proposal
from teleconsult.imaging.dimse.pdus import Broken, Kind, Pdu
from tests.teleconsult.imaging.dimse.scanner import CTImageStorage, proposal

JPIP = "1.2.840.10008.1.2.4.204"


def agreed(*classes: str, **parts: str) -> dict[int, Context]:
    raw = proposal(*classes, **parts)
    return dict(agree(read_proposal(Pdu(Kind.ASSOCIATE_RQ, raw[:6], raw[6:])))[1])


def test_every_storage_class_and_syntax_is_taken() -> None:
    assert {"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.88.33"} <= STORED
    assert len(STORED) > 170
    for syntax in KEPT:
        assert agreed(syntax=syntax) == {1: Context(CTImageStorage, syntax)}


@pytest.mark.parametrize(
    ("kind", "syntax"),
    [("1.2.826.0.1.3680043.9.9", ExplicitVRLittleEndian), (CTImageStorage, JPIP), (VERIFICATION, JPEG2000Lossless)],
)
def test_what_is_not_taken_leaves_the_rest_standing(kind: str, syntax: str) -> None:
    assert agreed(kind, syntax=syntax) == {}
    assert set(agreed("1.2.826.0.1.3680043.9.9", CTImageStorage)) == {3}


def test_what_the_sender_names_first_is_taken() -> None:
    asked = read_proposal(_pdu())
    for order in ([JPEG2000Lossless, ExplicitVRLittleEndian], [ExplicitVRLittleEndian, JPEG2000Lossless, JPIP]):
        context = build_context(CTImageStorage, [JPIP, *order])
        context.context_id = 1
        asked.primitive.presentation_context_definition_list = [context]
        assert agree(asked)[1][1].transfer_syntax == order[0]


def test_128_contexts_are_answered() -> None:
    accepted = agreed(*sorted(STORED)[:127], VERIFICATION)
    assert len(accepted) == 128
    assert accepted[255] == Context(VERIFICATION, ImplicitVRLittleEndian)


def test_a_proposal_cut_anywhere_is_none_or_a_shorter_one() -> None:
    whole, broken = proposal(), 0
    for length in range(74, len(whole) - 1):
        try:
            agree(read_proposal(Pdu(Kind.ASSOCIATE_RQ, whole[:6], whole[6:length])))
        except Broken:
            broken += 1
    assert broken > (len(whole) - 74) * 0.9


def _pdu() -> Pdu:
    raw = proposal()
    return Pdu(Kind.ASSOCIATE_RQ, raw[:6], raw[6:])
