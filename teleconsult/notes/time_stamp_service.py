"""Time-stamps from an authority (RFC 3161): a digest goes out, a token comes back, checked and written again."""

import secrets
from collections.abc import Sequence

import httpx
from asn1crypto import cms, tsp, x509

from teleconsult.notes.authorities_asked import Unanswered, ask
from teleconsult.notes.evidence_faults import EvidenceFault, Fault
from teleconsult.notes.revocation import RUBBISH
from teleconsult.notes.signature_bytes import own_certificate, written_again

GRANTED = ("granted", "granted_with_mods")


class TimeStampService:
    """The authorities at these addresses, the first that answers.

    What certificates they sent is kept in `seen`; whose the last token was, in `clock`.
    """

    def __init__(self, addresses: Sequence[str], client: httpx.Client) -> None:
        self._addresses, self._client = tuple(addresses), client
        self.seen: list[x509.Certificate] = []
        self.clock: x509.Certificate | None = None

    def stamp(self, digest: bytes) -> bytes:
        """The token over a SHA-256. Raises EvidenceFault where none of them gives a good one."""
        for address in self._addresses:
            try:
                return self._stamp(address, digest)
            except (Unanswered, *RUBBISH):  # or it answers something else
                continue
        raise EvidenceFault(Fault.NO_TIME_STAMP)

    def _stamp(self, address: str, digest: bytes) -> bytes:
        nonce = secrets.randbits(63)
        imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest}
        question = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True})
        answer = tsp.TimeStampResp.load(
            ask(self._client, address, question.dump(), kind="timestamp-query"), strict=True
        )
        if answer["status"]["status"].native not in GRANTED:
            raise Unanswered(f"no token from {address}")
        token: cms.ContentInfo = answer["time_stamp_token"]
        told: tsp.TSTInfo = token["content"]["encap_content_info"]["content"].parsed
        if told["nonce"].native != nonce or told["message_imprint"]["hashed_message"].native != digest:
            raise Unanswered(f"a token for something else from {address}")
        self.clock = own_certificate(token["content"])
        self.seen += [choice.chosen for choice in token["content"]["certificates"]]
        return written_again(token.dump())
