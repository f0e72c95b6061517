"""What is asked for when an association begins, and what we agree to (PS3.8 §7.1, PS3.7 Annex D)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pydicom.uid import UID, AllTransferSyntaxes
from pynetdicom import AllStoragePresentationContexts
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext, build_context, negotiate_as_acceptor

from teleconsult.imaging.dimse.pdus import LONGEST_DATA, Broken, Pdu, Reason
from teleconsult.imaging.uids import IMPLEMENTATION

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
IMPLEMENTATION_CLASS: Final = UID(IMPLEMENTATION)
IMPLEMENTATION_VERSION: Final = "TELECONSULT"
VERIFICATION: Final = UID("1.2.840.10008.1.1")
COMMITMENT: Final = UID("1.2.840.10008.1.20.1")
COMMITMENT_INSTANCE: Final = UID("1.2.840.10008.1.20.1.1")
"""The Storage Commitment Push Model (PS3.4 Annex J), and its one instance, known to everybody (§J.3.5)."""
RETIRED: Final = tuple(f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("3", "5", "6", "12.3", "77.1", "77.2"))
"""Images of old machines: ultrasound, nuclear medicine, biplane X-ray and visible light as they once were."""
STORED: Final = frozenset({*(str(known.abstract_syntax) for known in AllStoragePresentationContexts), *RETIRED})
"""The storage SOP classes (PS3.4 Annex B.5)."""
WITHOUT_PIXELS: Final = ("1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205", "1.2.840.10008.1.2.7.")
"""The pixels are elsewhere: by JPIP, or on a video line."""
KEPT: Final = [syntax for syntax in AllTransferSyntaxes if not syntax.startswith(WITHOUT_PIXELS)]
PLAIN: Final = KEPT[:2]
"""Of what is no image: implicit and explicit little endian."""
_SHORTEST_ANSWER: Final = 128
"""Bytes a P-DATA-TF to the other side may have: less, and nothing of use fits."""


class Rejection(Enum):
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

    NO_SUCH_CONTEXT = 1, 1, 2
    UNKNOWN_CALLER = 1, 1, 3
    NOT_US = 1, 1, 7
    OTHER_PROTOCOL = 1, 2, 2
    TOO_MANY = 2, 3, 2

    def encoded(self) -> bytes:
        """The PDU."""
        pdu = A_ASSOCIATE_RJ()
        pdu.result, pdu.source, pdu.reason_diagnostic = self.value
        return bytes(pdu.encode())


@dataclass(frozen=True, slots=True)
class Proposal:
    """An A-ASSOCIATE-RQ."""

    calling: str
    called: str
    longest_answer: int
    """Bytes of a P-DATA-TF that the other side takes."""
    primitive: A_ASSOCIATE
    rejection: Rejection | None
    """What is wrong with it, whoever it comes from."""


@dataclass(frozen=True, slots=True)
class Context:
    """An accepted presentation context."""

    sop_class: str
    transfer_syntax: str


def read_proposal(pdu: Pdu) -> Proposal:
    """Read one. Raises Broken for what is none."""
    try:
        request = A_ASSOCIATE_RQ()
        request.decode(pdu.head + pdu.body)
        primitive = request.to_primitive()
        longest = next(
            (
                item.maximum_length_received
                for item in primitive.user_information
                if isinstance(item, MaximumLengthNotification)
            ),
            0,
        )
        calling, called = str(primitive.calling_ae_title).strip(), str(primitive.called_ae_title).strip()
        application, speaks_ours = str(primitive.application_context_name), bool(request.protocol_version & 1)
    except Exception as error:  # a parser of strangers' bytes raises anything; all of it means the same
        raise Broken(Reason.INVALID_PARAMETER) from error
    asked = primitive.presentation_context_definition_list
    if 0 < longest < _SHORTEST_ANSWER or not all(one.abstract_syntax and one.transfer_syntax for one in asked):
        raise Broken(Reason.INVALID_PARAMETER)
    rejection = None
    if not speaks_ours:
        rejection = Rejection.OTHER_PROTOCOL
    elif application != APPLICATION_CONTEXT:
        rejection = Rejection.NO_SUCH_CONTEXT
    return Proposal(calling, called, longest, primitive, rejection)


def agree(proposal: Proposal) -> tuple[bytes, Mapping[int, Context]]:
    """The A-ASSOCIATE-AC, and the contexts that are accepted, by their number.

    In each, we take the first transfer syntax of the other side's that we keep: what it has, it names first.
    """
    results = [_negotiated(asked) for asked in proposal.primitive.presentation_context_definition_list]
    answer = A_ASSOCIATE()
    answer.application_context_name = UID(APPLICATION_CONTEXT)
    answer.calling_ae_title, answer.called_ae_title = (
        proposal.primitive.calling_ae_title,
        proposal.primitive.called_ae_title,
    )
    answer.result, answer.result_source = 0, 1
    answer.presentation_context_definition_results_list = results
    answer.user_information = [*about_us()]
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(answer)
    accepted = {
        int(result.context_id or 0): Context(str(result.abstract_syntax), str(result.transfer_syntax[0]))
        for result in results
        if result.result == 0
    }
    return bytes(pdu.encode()), accepted


def about_us() -> list[
    MaximumLengthNotification | ImplementationClassUIDNotification | ImplementationVersionNameNotification
]:
    """What either side of an association says of itself (PS3.7 §D.3.3): the longest PDU it takes, and what it is."""
    longest, implementation, version = (
        MaximumLengthNotification(),
        ImplementationClassUIDNotification(),
        ImplementationVersionNameNotification(),
    )
    longest.maximum_length_received = LONGEST_DATA
    implementation.implementation_class_uid = IMPLEMENTATION_CLASS
    version.implementation_version_name = IMPLEMENTATION_VERSION
    return [longest, implementation, version]


def _negotiated(asked: PresentationContext) -> PresentationContext:
    is_plain = asked.abstract_syntax in (VERIFICATION, COMMITMENT)
    offered = PLAIN if is_plain else KEPT
    ours = []
    if is_plain or asked.abstract_syntax in STORED:
        wanted: list[str | UID] = [syntax for syntax in asked.transfer_syntax if syntax in offered]
        ours = [build_context(str(asked.abstract_syntax), wanted or [*offered])]
    (result,), _roles = negotiate_as_acceptor([asked], ours)
    return result
