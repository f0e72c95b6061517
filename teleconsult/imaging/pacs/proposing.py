"""What we ask for when we begin an association (PS3.8 §7.1, PS3.7 Annex D), and what the other end agrees to."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, MaximumLengthNotification, SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext, build_context

from teleconsult.imaging.dimse.negotiating import (
    APPLICATION_CONTEXT,
    COMMITMENT,
    KEPT,
    STORED,
    VERIFICATION,
    Context,
    about_us,
)
from teleconsult.imaging.dimse.pdus import Pdu

FIND: Final = UID("1.2.840.10008.5.1.4.1.2.2.1")
MOVE: Final = UID("1.2.840.10008.5.1.4.1.2.2.2")
GET: Final = UID("1.2.840.10008.5.1.4.1.2.2.3")
"""Study Root Query/Retrieve (PS3.4 §C.6.2)."""
MOST_CONTEXTS: Final = 128
"""Their numbers are the odd ones up to 255 (PS3.8 §9.3.2.2)."""
PLAIN: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
USUAL: Final = tuple(
    f"1.2.840.10008.1.2.{number}" for number in ("4.70", "4.90", "4.80", "4.50", "5", "4.51", "4.91", "4.201", "4.57")
)
"""Compressed syntaxes, those met most first: JPEG lossless, JPEG 2000, JPEG-LS, JPEG baseline, RLE."""
USUAL_CLASSES: Final = tuple(
    f"1.2.840.10008.5.1.4.1.1.{number}"
    for number in ("2", "4", "1", "1.1", "6.1", "3.1", "7", "12.1", "1.2", "2.1", "4.1", "20", "88.22", "104.1")
)
"""Where an archive does not say of which classes its images are."""
_OTHERS: Final = tuple(syntax for syntax in KEPT if syntax not in (*PLAIN, *USUAL))


def to_ask() -> list[PresentationContext]:
    """Contexts to test, to search and to have images moved."""
    return _numbered([build_context(kind, ImplicitVRLittleEndian) for kind in (VERIFICATION, FIND, MOVE)])


def to_get(classes: Sequence[str]) -> list[PresentationContext]:
    """Contexts to get images of these SOP classes as they are stored: one for each coding, as many as there may be.

    Were several in one context, the archive would have to agree to one and could send what has another only by
    decompressing it.
    """
    wanted = [kind for kind in dict.fromkeys(classes) if kind in STORED] or [*USUAL_CLASSES]
    contexts = [build_context(GET, ImplicitVRLittleEndian)]
    contexts += [build_context(kind, [*PLAIN]) for kind in wanted]
    contexts += [build_context(kind, syntax) for syntax in (*USUAL, *_OTHERS) for kind in wanted]
    return _numbered(contexts[:MOST_CONTEXTS])


def to_report() -> list[PresentationContext]:
    """Contexts to tell whether objects are kept (PS3.4 Annex J)."""
    return _numbered([build_context(COMMITMENT, [*PLAIN])])


def to_try_reports() -> list[PresentationContext]:
    """The same, and one to test it."""
    return _numbered([build_context(kind, [*PLAIN]) for kind in (VERIFICATION, COMMITMENT)])


def encoded_request(*, calling: str, called: str, contexts: Sequence[PresentationContext]) -> bytes:
    """The A-ASSOCIATE-RQ. Of storage and its commitment we are the provider: images come to us (PS3.7 §D.3.3.4)."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID(APPLICATION_CONTEXT)
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    primitive.presentation_context_definition_list = [*contexts]
    ours = dict.fromkeys(str(one.abstract_syntax) for one in contexts if one.abstract_syntax in {*STORED, COMMITMENT})
    primitive.user_information = [*about_us(), *map(_role, ours)]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return bytes(pdu.encode())


def read_acceptance(pdu: Pdu, contexts: Sequence[PresentationContext]) -> tuple[Mapping[int, Context], int]:
    """The contexts agreed to by their number, and how long a P-DATA-TF to the other side may be; 0 for any length.

    Raises whatever a parser of strangers' bytes raises.
    """
    answer = A_ASSOCIATE_AC()
    answer.decode(pdu.head + pdu.body)
    primitive = answer.to_primitive()
    asked = {one.context_id: one for one in contexts}
    accepted = {}
    for result in primitive.presentation_context_definition_results_list:
        context = asked.get(result.context_id)
        syntax = str(next(iter(result.transfer_syntax), ""))
        if context is not None and result.result == 0 and syntax in context.transfer_syntax:
            accepted[int(context.context_id or 0)] = Context(str(context.abstract_syntax), syntax)
    longest = next(
        (
            one.maximum_length_received
            for one in primitive.user_information
            if isinstance(one, MaximumLengthNotification)
        ),
        0,
    )
    return accepted, int(longest or 0)


def _numbered(contexts: list[PresentationContext]) -> list[PresentationContext]:
    for number, context in enumerate(contexts):
        context.context_id = 2 * number + 1
    return contexts


def _role(kind: str) -> SCP_SCU_RoleSelectionNegotiation:
    role = SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid, role.scu_role, role.scp_role = UID(kind), False, True
    return role
